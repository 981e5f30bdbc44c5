import { InputError } from '../errors.ts';
import { clopperPearson, normalCdf, normalDensity, normalQuantile } from '../numerics/special.ts';

/** Probability levels 0.05, 0.10, …, 0.95 of the expected calibration error (Kuleshov et al. 2018). */
export const ECE_LEVELS: readonly number[] = Array.from({ length: 19 }, (_, i) => (i + 1) / 20);

/** The 100 levels from 0 to 1, both included, of the package uncertainty-toolbox. */
export const TOOLBOX_LEVELS: readonly number[] = Array.from({ length: 100 }, (_, i) => i / 99);

/** Mean interval ECE of a perfectly calibrated model with n independent values is about 0.33/√n (simulated). */
export function eceNoiseFloor(n: number): number {
  return 0.33 / Math.sqrt(n);
}

/** Smallest ECE tolerance that n independent structures can certify, 0.6/√n: about the 95th percentile of a perfect model. */
export function smallestEceTolerance(n: number): number {
  return 0.6 / Math.sqrt(n);
}

/** Largest |z| that n standard normal values exceed with probability `alpha`: Φ⁻¹(1 − α/(2n)) (Bonferroni). */
export function worstResidualTolerance(n: number, alpha = 0.05): number {
  if (!(n >= 1)) throw new InputError('RESIDUAL_COUNT', `number of residuals must be at least 1, got ${n}`, { n });
  return -normalQuantile(alpha / (2 * n));
}

/** Errors and sigmas without those that are left out. */
interface Pairs {
  readonly errors: Float64Array;
  readonly sigmas: Float64Array;
}

/** Drops pairs with a NaN and pairs 0/0 (components fixed by symmetry). */
function validPairs(errors: ArrayLike<number>, sigmas: ArrayLike<number>): Pairs {
  if (errors.length !== sigmas.length) {
    throw new InputError('SIGMA_COUNT', `sigmas must be as many as errors (${errors.length}), got ${sigmas.length}`);
  }
  const keptErrors = new Float64Array(errors.length);
  const keptSigmas = new Float64Array(errors.length);
  let n = 0;
  for (let i = 0; i < errors.length; i++) {
    const error = errors[i]!;
    const sigma = sigmas[i]!;
    if (sigma < 0) {
      throw new InputError('NEGATIVE_SIGMA', `standard deviation ${i} must be at least 0, got ${sigma}`, { index: i });
    }
    if (Number.isNaN(error) || Number.isNaN(sigma) || (error === 0 && sigma === 0)) continue;
    keptErrors[n] = error;
    keptSigmas[n++] = sigma;
  }
  return { errors: keptErrors.subarray(0, n), sigmas: keptSigmas.subarray(0, n) };
}

/**
 * Standardized residuals z = e/σ, leaving out pairs with NaN and pairs 0/0; ±∞ where σ = 0 and e ≠ 0.
 * @throws InputError on a negative σ or arrays of different length.
 */
export function standardizedResiduals(errors: ArrayLike<number>, sigmas: ArrayLike<number>): Float64Array {
  const pairs = validPairs(errors, sigmas);
  return pairs.errors.map((error, i) => error / pairs.sigmas[i]!);
}

/** Number of entries of an ascending array that are ≤ limit. */
function countUpTo(sorted: Float64Array, limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One point of a reliability curve. */
export interface ReliabilityPoint {
  /** Nominal probability p. */
  readonly level: number;
  /** Share of residuals inside the central interval of that probability. */
  readonly observed: number;
}

/** Observed share of |z| ≤ Φ⁻¹((1+p)/2) for each nominal p; empty without residuals. */
export function reliabilityCurve(z: ArrayLike<number>, levels: readonly number[] = ECE_LEVELS): ReliabilityPoint[] {
  const sorted = Float64Array.from(z, Math.abs).sort();
  if (sorted.length === 0) return [];
  return levels.map((level) => ({
    level,
    observed: countUpTo(sorted, normalQuantile((1 + level) / 2)) / sorted.length,
  }));
}

/** Mean of |p − observed| of a reliability curve; NaN when it is empty. */
function meanDeviation(curve: readonly ReliabilityPoint[]): number {
  return curve.reduce((sum, point) => sum + Math.abs(point.level - point.observed), 0) / curve.length;
}

/**
 * Expected calibration error of central intervals: mean over p of |p − share of |z| ≤ Φ⁻¹((1+p)/2)|, by default over
 * 19 levels. NaN without residuals. `TOOLBOX_LEVELS` gives uncertainty-toolbox's mean absolute calibration error.
 */
export function expectedCalibrationError(z: ArrayLike<number>, levels: readonly number[] = ECE_LEVELS): number {
  return meanDeviation(reliabilityCurve(z, levels));
}

/** Root mean square of the deviations of the reliability curve (uncertainty-toolbox's RMSCE with its 100 levels). */
export function rootMeanSquareCalibrationError(
  z: ArrayLike<number>,
  levels: readonly number[] = TOOLBOX_LEVELS,
): number {
  const curve = reliabilityCurve(z, levels);
  const sum = curve.reduce((total, { level, observed }) => total + (level - observed) * (level - observed), 0);
  return Math.sqrt(sum / curve.length);
}

/** Expected calibration error of quantiles: mean over p of |p − share of z ≤ Φ⁻¹(p)|: also sees a bias. */
export function quantileCalibrationError(z: ArrayLike<number>, levels: readonly number[] = ECE_LEVELS): number {
  const sorted = Float64Array.from(z).sort();
  const observed = levels.map((level) => ({
    level,
    observed: countUpTo(sorted, normalQuantile(level)) / sorted.length,
  }));
  return meanDeviation(observed);
}

/**
 * Expected normalized calibration error (Levi et al. 2022): over bins of equal count in order of σ, the mean of
 * |RMV − RMSE|/RMV with RMV² the mean of σ² and RMSE² the mean of e². NaN with fewer values than bins.
 */
export function expectedNormalizedCalibrationError(
  errors: ArrayLike<number>,
  sigmas: ArrayLike<number>,
  bins = 10,
): number {
  const found = residualBySigma(errors, sigmas, bins);
  if (found.length < bins) return Number.NaN;
  return found.reduce((sum, { sigma, rmse }) => sum + Math.abs(1 - rmse / sigma), 0) / bins;
}

/** Mean Gaussian negative log-likelihood ½ ln 2πσ² + ½ z², nats per value; ∞ when an error meets a σ of 0. */
export function negativeLogLikelihood(errors: ArrayLike<number>, sigmas: ArrayLike<number>): number {
  const pairs = validPairs(errors, sigmas);
  let sum = 0;
  for (let i = 0; i < pairs.errors.length; i++) {
    const sigma = pairs.sigmas[i]!;
    if (sigma === 0) return Number.POSITIVE_INFINITY;
    const z = pairs.errors[i]! / sigma;
    sum += 0.5 * Math.log(2 * Math.PI) + Math.log(sigma) + 0.5 * z * z;
  }
  return sum / pairs.errors.length;
}

/** Mean continuous ranked probability score of normal forecasts, σ[z(2Φ(z)−1) + 2φ(z) − 1/√π], in the unit of e. */
export function continuousRankedProbabilityScore(errors: ArrayLike<number>, sigmas: ArrayLike<number>): number {
  const pairs = validPairs(errors, sigmas);
  let sum = 0;
  for (let i = 0; i < pairs.errors.length; i++) {
    const sigma = pairs.sigmas[i]!;
    if (sigma === 0) {
      sum += Math.abs(pairs.errors[i]!);
      continue;
    }
    const z = pairs.errors[i]! / sigma;
    sum += sigma * (z * (2 * normalCdf(z) - 1) + 2 * normalDensity(z) - 1 / Math.sqrt(Math.PI));
  }
  return sum / pairs.errors.length;
}

/** Share of residuals in a central interval, with what the number of them can say. */
export interface Coverage {
  /** Nominal probability. */
  readonly level: number;
  readonly inside: number;
  readonly count: number;
  /** inside/count. */
  readonly observed: number;
  /** Clopper–Pearson interval of the true share, meaningful for independent residuals; [0, 1] without residuals. */
  readonly interval: readonly [lower: number, upper: number];
}

/** Coverage of the central `level` interval: residuals with |z| ≤ Φ⁻¹((1+level)/2), and its Clopper–Pearson interval. */
export function coverage(z: ArrayLike<number>, level = 0.95, confidence = 0.95): Coverage {
  const limit = normalQuantile((1 + level) / 2);
  let inside = 0;
  for (let i = 0; i < z.length; i++) if (Math.abs(z[i]!) <= limit) inside++;
  const count = z.length;
  const interval = count === 0 ? ([0, 1] as const) : clopperPearson(inside, count, confidence);
  return { level, inside, count, observed: inside / count, interval };
}

/** Sharpness: root mean square of the sigmas, in their unit, leaving out NaN. */
export function sharpness(sigmas: ArrayLike<number>): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < sigmas.length; i++) {
    const sigma = sigmas[i]!;
    if (Number.isNaN(sigma)) continue;
    sum += sigma * sigma;
    count++;
  }
  return Math.sqrt(sum / count);
}

/** Largest |z|; NaN without residuals or when one is NaN. */
export function worstResidual(z: ArrayLike<number>): number {
  let worst = z.length === 0 ? Number.NaN : 0;
  for (let i = 0; i < z.length; i++) worst = Math.max(worst, Math.abs(z[i]!));
  return worst;
}

/** Errors of those values whose sigmas are near each other. */
export interface SigmaBin {
  readonly count: number;
  /** Root mean square of the sigmas and of the errors: equal when the bars are right. */
  readonly sigma: number;
  readonly rmse: number;
}

/** Root mean square error against sigma, in bins of equal count in the order of sigma. */
export function residualBySigma(errors: ArrayLike<number>, sigmas: ArrayLike<number>, bins = 10): readonly SigmaBin[] {
  const pairs = validPairs(errors, sigmas);
  const n = pairs.sigmas.length;
  const count = Math.min(bins, n);
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort(
    (a, b) => pairs.sigmas[a]! - pairs.sigmas[b]! || a - b,
  );
  return Array.from({ length: count }, (_, bin) => {
    const [from, to] = [Math.floor((bin * n) / count), Math.floor(((bin + 1) * n) / count)];
    let variance = 0;
    let square = 0;
    for (let k = from; k < to; k++) {
      const i = order[k]!;
      variance += pairs.sigmas[i]! * pairs.sigmas[i]!;
      square += pairs.errors[i]! * pairs.errors[i]!;
    }
    return { count: to - from, sigma: Math.sqrt(variance / (to - from)), rmse: Math.sqrt(square / (to - from)) };
  });
}

/** How honest the error bars of one quantity are. */
export interface CalibrationReport {
  /** Number of residuals that count. */
  readonly count: number;
  /** Interval ECE over 19 levels, and over the 100 levels of uncertainty-toolbox. */
  readonly ece: number;
  readonly ece100: number;
  /** Expected normalized calibration error over min(10, count) bins. */
  readonly ence: number;
  /** Mean negative log-likelihood, nats. */
  readonly nll: number;
  /** Mean continuous ranked probability score, in the unit of the errors. */
  readonly crps: number;
  /** Root mean square of z: 1 when the scale is right. */
  readonly rmsResidual: number;
  /** Largest |z|, and what n independent ones exceed in one set of twenty. */
  readonly worst: number;
  readonly worstTolerance: number;
  readonly sharpness: number;
  readonly coverage90: Coverage;
  readonly coverage95: Coverage;
  /** Nominal and observed shares at the 19 levels. */
  readonly reliability: readonly ReliabilityPoint[];
  readonly residualBySigma: readonly SigmaBin[];
}

/** All calibration figures of one quantity. @throws InputError as `standardizedResiduals`. */
export function reportCalibration(errors: ArrayLike<number>, sigmas: ArrayLike<number>): CalibrationReport {
  const pairs = validPairs(errors, sigmas);
  const z = standardizedResiduals(pairs.errors, pairs.sigmas);
  return {
    count: z.length,
    ece: expectedCalibrationError(z),
    ece100: expectedCalibrationError(z, TOOLBOX_LEVELS),
    ence: expectedNormalizedCalibrationError(pairs.errors, pairs.sigmas, Math.min(10, Math.max(1, z.length))),
    nll: negativeLogLikelihood(pairs.errors, pairs.sigmas),
    crps: continuousRankedProbabilityScore(pairs.errors, pairs.sigmas),
    rmsResidual: Math.sqrt(z.reduce((sum, value) => sum + value * value, 0) / z.length),
    worst: worstResidual(z),
    worstTolerance: z.length === 0 ? Number.NaN : worstResidualTolerance(z.length),
    sharpness: sharpness(pairs.sigmas),
    coverage90: coverage(z, 0.9),
    coverage95: coverage(z),
    reliability: reliabilityCurve(z),
    residualBySigma: residualBySigma(pairs.errors, pairs.sigmas),
  };
}
