import { InputError } from '../errors.ts';
import { addScaled, dot, transposedMatVec } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { solveUpper, solveUpperTransposed } from '../numerics/triangular.ts';
import type { RandomStream } from '../random.ts';
import type { PosteriorState } from '../regression/regression.ts';
import type { WhitenedCluster } from './estimators.ts';

function requireSize(size: number): void {
  if (!(Number.isInteger(size) && size >= 2))
    throw new InputError('COMMITTEE_SIZE', `committee must have at least 2 members, got ${size}`, { size });
}

/** Weights drawn from a posterior, m + R⁻¹ z. @returns [size, d] @throws InputError `COMMITTEE_SIZE` */
export function posteriorMembers(posterior: PosteriorState, size: number, random: RandomStream): Float64Array {
  requireSize(size);
  const d = posterior.mean.length;
  const z = Float64Array.from({ length: size * d }, () => random.normal());
  return aroundMean(posterior.mean, solveUpper(posterior.r, d, z, size), size);
}

/** How often each cluster is drawn for each member when as many clusters as there are are drawn with replacement. @returns [size, clusters] */
export function bootstrapCounts(clusters: number, size: number, random: RandomStream): Int32Array {
  requireSize(size);
  const counts = new Int32Array(size * clusters);
  for (let k = 0; k < size; k++) for (let c = 0; c < clusters; c++) counts[k * clusters + random.integer(clusters)]!++;
  return counts;
}

/** 1 for the clusters of a random part of the set, 0 for the others, for each member. @param share of the clusters, below 1 @returns [size, clusters] */
export function subsampleCounts(clusters: number, size: number, share: number, random: RandomStream): Int32Array {
  requireSize(size);
  const taken = Math.round(share * clusters);
  if (!(taken >= 1 && taken < clusters))
    throw new InputError(
      'COMMITTEE_SHARE',
      `share of a sub-sample must leave out one of ${clusters} clusters at least and keep one, got ${share}`,
      { share },
    );
  const counts = new Int32Array(size * clusters);
  for (let k = 0; k < size; k++) {
    const order = random.permutation(clusters);
    for (let c = 0; c < taken; c++) counts[k * clusters + order[c]!] = 1;
  }
  return counts;
}

/**
 * Weights of refits to resampled clusters at fixed hyperparameters, from one pass over the rows. In the coordinates of the
 * posterior the prior takes care of itself: with n_c the count of a cluster,
 *
 *   (I + Σ_c (n_c − 1) U_cᵀU_c) δ = Σ_c (n_c − 1) U_cᵀ e_c,  w = m + R⁻¹ δ
 *
 * @param clusters gone through once, in the order of the counts
 * @param counts   [size, clusters]
 * @returns        [size, d]
 * @throws         InputError `COMMITTEE_COUNTS`; NumericalError `NOT_POSITIVE_DEFINITE` when a member's clusters and the
 *                 prior leave a direction open
 * @cost           size·d² numbers of memory; m d² a cluster, d² a cluster and member, d³/3 a member
 */
export function resampledMembers(
  posterior: PosteriorState,
  clusters: Iterable<WhitenedCluster>,
  counts: Int32Array,
  size: number,
  kernels: LinearKernels = plainKernels,
): Float64Array {
  requireSize(size);
  const d = posterior.mean.length;
  const total = counts.length / size;
  const grams = Array.from({ length: size }, () => identity(d));
  const moments = new Float64Array(size * d);
  const whitener = kernels.whitener(posterior.r, d);
  let c = 0;
  try {
    for (const { rows, residuals, count } of clusters) {
      const u = whitener.whiten(rows, count);
      const gram = kernels.gram(u, count, d);
      const moment = transposedMatVec(u, residuals, count, d);
      for (let k = 0; k < size; k++) {
        const excess = counts[k * total + c]! - 1;
        if (excess === 0) continue;
        addScaled(excess, gram, grams[k]!, d * d);
        addScaled(excess, moment, moments, d, 0, k * d);
      }
      c++;
    }
  } finally {
    whitener.dispose();
  }
  if (c !== total || !Number.isInteger(total))
    throw new InputError(
      'COMMITTEE_COUNTS',
      `counts must be of ${c} clusters and ${size} members, got ${counts.length}`,
    );
  const changes = new Float64Array(size * d);
  for (let k = 0; k < size; k++) {
    const factor = kernels.cholesky(grams[k]!, d);
    const delta = solveUpper(factor, d, solveUpperTransposed(factor, d, moments.subarray(k * d, (k + 1) * d)));
    changes.set(solveUpper(posterior.r, d, delta), k * d);
  }
  return aroundMean(posterior.mean, changes, size);
}

/** Members moved towards or away from the mean by √α², so that their variance is α² times what it was. @returns [size, d] */
export function rescaledMembers(
  mean: Float64Array,
  members: Float64Array,
  size: number,
  varianceFactor: number,
): Float64Array {
  if (!(varianceFactor > 0))
    throw new InputError('COMMITTEE_SCALE', `variance factor of a committee must be positive, got ${varianceFactor}`);
  const d = mean.length;
  const scale = Math.sqrt(varianceFactor);
  return Float64Array.from({ length: size * d }, (_, k) => mean[k % d]! + scale * (members[k]! - mean[k % d]!));
}

/**
 * Root [d, size] of the members' covariance, (w_k − w̄)/√(M − 1): ‖x A‖² is the variance of the members' predictions of a row,
 * whether of an energy, a force or a virial.
 */
export function committeeRoot(members: Float64Array, d: number, size: number): Float64Array {
  requireSize(size);
  const root = new Float64Array(d * size);
  const scale = 1 / Math.sqrt(size - 1);
  for (let v = 0; v < d; v++) {
    let mean = 0;
    for (let k = 0; k < size; k++) mean += members[k * d + v]! / size;
    for (let k = 0; k < size; k++) root[v * size + k] = scale * (members[k * d + v]! - mean);
  }
  return root;
}

/** Predictions of each member for each row. @param rows [m, d] @param members [size, d] @returns [m, size] as `committeePrediction` takes them */
export function memberPredictions(
  rows: Float64Array,
  members: Float64Array,
  m: number,
  d: number,
  size: number,
): Float64Array {
  return Float64Array.from({ length: m * size }, (_, k) =>
    dot(rows, members, d, Math.floor(k / size) * d, (k % size) * d),
  );
}

function identity(d: number): Float64Array {
  const out = new Float64Array(d * d);
  for (let v = 0; v < d; v++) out[v * d + v] = 1;
  return out;
}

function aroundMean(mean: Float64Array, changes: Float64Array, size: number): Float64Array {
  const d = mean.length;
  return Float64Array.from({ length: size * d }, (_, k) => mean[k % d]! + changes[k]!);
}
