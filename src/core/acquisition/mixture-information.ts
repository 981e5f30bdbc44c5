import { InputError } from '../errors.ts';
import { cholesky, logDeterminant } from '../numerics/cholesky.ts';
import { RandomStream } from '../random.ts';
import type { CommitteeOutputs } from './acquisition.ts';
import { semidefiniteSpectrum } from './spectrum.ts';

/** Step of the quadrature over one output, in standard deviations of the noise, and how far beyond the members it goes. */
const STEP = 1 / 8;
const REACH = 9;
/** Members this close together, in standard deviations of the noise and as a share of the largest distance, are one. */
const ROUNDING = 1e-14;
/** Draws of the estimate for several outputs. */
const DRAWS = 4000;

function requireMembers(members: number): void {
  if (!(Number.isInteger(members) && members >= 2))
    throw new InputError('COMMITTEE_SIZE', `committee must have at least 2 members, got ${members}`, { members });
}

/**
 * Mutual information of which member is right and the label of one output, nats: entropy of the mixture of normal
 * distributions of the members less that of the noise,
 *
 *   I = H[(1/M) Σ_k N(μ_k, σ²)] − ½ ln 2πe σ² ≤ ln M
 *
 * by the trapezoidal rule with steps of σ/8 where the mixture has weight: the integrand is analytic and falls off like a
 * normal density, so that what is left is rounding, below 10⁻¹² nats. The normal approximation ½ ln(1 + s²/σ²) is larger
 * where members fall into groups and has no bound.
 *
 * @param means [M] μ_k  @param sigma σ of the noise, same unit
 * @throws InputError `COMMITTEE_SIZE`, `COMMITTEE_NOISE`
 */
export function mixtureInformation(means: ArrayLike<number>, sigma: number): number {
  const members = means.length;
  requireMembers(members);
  if (!(sigma > 0)) throw new InputError('COMMITTEE_NOISE', `noise of a committee must be positive, got ${sigma}`);
  const z = Float64Array.from(means, (mean) => (mean - means[0]!) / sigma).sort();
  // E over the mixture of ln of the mixture; stretches between far groups of members, which have no weight, are left out.
  let sum = 0;
  let from = z[0]! - REACH;
  while (from < z[members - 1]! + REACH) {
    const next = z.find((value) => value + REACH > from)!;
    from = Math.max(from, next - REACH);
    let density = 0;
    for (let k = 0; k < members; k++) density += Math.exp(-0.5 * (from - z[k]!) * (from - z[k]!));
    density /= members;
    if (density > 0) sum += density * Math.log(density);
    from += STEP;
  }
  // ∫ p ln p with p = density/√2π; entropy of the noise is ½ ln 2πe.
  const integral = (sum * STEP) / Math.sqrt(2 * Math.PI);
  return Math.max(0, -integral - 0.5);
}

/** Normal approximation of a committee's information about several outputs, ½ ln det(1 + C), C the members' covariance, nats. */
export function normalInformation({ predictions, outputs, members }: CommitteeOutputs): number {
  requireMembers(members);
  const g = differenceGram(predictions, outputs, members);
  for (let i = 0; i < g.length; i++) g[i] = g[i]! / (members - 1);
  for (let k = 0; k < members; k++) g[k * members + k] = 1 + g[k * members + k]!;
  return 0.5 * logDeterminant(cholesky(g, members), members);
}

/** [M, M] inner products of the members' differences from their mean, summed over outputs. */
function differenceGram(predictions: Float64Array, outputs: number, members: number): Float64Array {
  const g = new Float64Array(members * members);
  const centred = new Float64Array(members);
  for (let o = 0; o < outputs; o++) {
    let mean = 0;
    for (let k = 0; k < members; k++) mean += predictions[o * members + k]! / members;
    for (let k = 0; k < members; k++) centred[k] = predictions[o * members + k]! - mean;
    for (let k = 0; k < members; k++) {
      for (let j = 0; j < members; j++) g[k * members + j] = g[k * members + j]! + centred[k]! * centred[j]!;
    }
  }
  return g;
}

/** Members as points in as few dimensions as hold all their differences. @returns [M, dimensions] */
function memberPoints(g: Float64Array, members: number): { points: Float64Array; dimensions: number } {
  const { values, vectors } = semidefiniteSpectrum(g, members);
  const kept = [...values.keys()].filter((v) => values[v]! > ROUNDING * Math.max(1, values[members - 1]!));
  const points = new Float64Array(members * kept.length);
  kept.forEach((v, c) => {
    for (let k = 0; k < members; k++) points[k * kept.length + c] = vectors[v * members + k]! * Math.sqrt(values[v]!);
  });
  return { points, dimensions: kept.length };
}

/** An estimate with its standard error. */
export interface Estimate {
  readonly value: number;
  readonly standardError: number;
}

/**
 * Mutual information of which member is right and the labels of several outputs, nats: entropy of the mixture of the
 * members' normal distributions less that of the noise, by Monte Carlo in the at most M − 1 dimensions in which members
 * differ (exact: the noise of all others tells nothing). Every member is drawn equally often and each draw is used with
 * both signs; the standard error of 4000 draws is about 0.01 nats. One output goes through the quadrature of
 * `mixtureInformation`.
 *
 * @param committee predictions over the noise of each output
 * @throws InputError `COMMITTEE_SIZE`
 * @cost   outputs · M² + draws · M² flops
 */
export function committeeInformation(committee: CommitteeOutputs, seed = 0, draws = DRAWS): Estimate {
  const { predictions, outputs, members } = committee;
  requireMembers(members);
  if (outputs === 1) return { value: mixtureInformation(predictions.subarray(0, members), 1), standardError: 0 };
  const { points, dimensions: q } = memberPoints(differenceGram(predictions, outputs, members), members);
  if (q === 0) return { value: 0, standardError: 0 };
  if (q === 1) return { value: mixtureInformation(points, 1), standardError: 0 };
  const stream = new RandomStream(seed, 'committee information');
  const rounds = Math.max(2, Math.ceil(draws / (2 * members)));
  const noise = new Float64Array(q);
  let sum = 0;
  let square = 0;
  for (let round = 0; round < rounds; round++) {
    let mean = 0;
    for (let k = 0; k < members; k++) {
      for (let v = 0; v < q; v++) noise[v] = stream.normal();
      for (const sign of [1, -1]) mean += surprise(points, members, q, k, noise, sign) / (2 * members);
    }
    sum += mean;
    square += mean * mean;
  }
  const value = sum / rounds;
  const variance = Math.max(0, square / rounds - value * value) / (rounds - 1);
  return { value: Math.min(Math.log(members), Math.max(0, value)), standardError: Math.sqrt(variance) };
}

/** ln of the density of member k over that of the mixture at the point k + sign·noise. */
function surprise(
  points: Float64Array,
  members: number,
  q: number,
  k: number,
  noise: Float64Array,
  sign: number,
): number {
  let mixture = 0;
  for (let j = 0; j < members; j++) {
    let exponent = 0;
    for (let v = 0; v < q; v++) {
      const shift = points[k * q + v]! - points[j * q + v]!;
      exponent -= shift * (0.5 * shift + sign * noise[v]!);
    }
    mixture += Math.exp(exponent) / members;
  }
  return -Math.log(mixture);
}
