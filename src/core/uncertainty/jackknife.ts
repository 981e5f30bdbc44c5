import { InputError } from '../errors.ts';
import { addScaled, dot } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { deleteRows } from '../regression/deletion.ts';
import { type ShiftMoments, type Shifts, squaresWithout } from './moments.ts';

/**
 * What leaving out each block of some rows does to the weights, in the coordinates of the posterior: q_c = −U_cᵀ e_c^loo, of
 * −S g_c with g_c = X_cᵀ W e_c^loo. Exact at fixed hyperparameters.
 *
 * @param u      [m, d] rows over their noise, times R⁻¹
 * @param e      [m] residuals of the full fit over the same noise
 * @param blocks [m] block of each row; rows of one block leave together
 * @throws       NumericalError `LEVERAGE_TOO_HIGH`
 */
export function clusterShifts(
  u: Float64Array,
  e: Float64Array,
  m: number,
  d: number,
  blocks: ArrayLike<number>,
  kernels: LinearKernels = plainKernels,
): Shifts {
  if (blocks.length !== m)
    throw new InputError('BLOCKS', `blocks must be one for each of ${m} rows, got ${blocks.length}`);
  const members = new Map<number, number[]>();
  for (let i = 0; i < m; i++) {
    const known = members.get(blocks[i]!);
    if (known === undefined) members.set(blocks[i]!, [i]);
    else known.push(i);
  }
  const shifts = new Float64Array(members.size * d);
  let at = 0;
  for (const indices of members.values()) {
    const own = new Float64Array(indices.length * d);
    for (const [k, i] of indices.entries()) own.set(u.subarray(i * d, (i + 1) * d), k * d);
    const residuals = Float64Array.from(indices, (i) => e[i]!);
    shifts.set(deleteRows(own, residuals, indices.length, d, kernels).shift, at);
    at += d;
  }
  return { count: members.size, shifts };
}

/**
 * Delete-one-cluster jackknife covariance of the weights in the coordinates of the posterior,
 *
 *   K = (n − 1)/n Σ_c (q_c − q̄)(q_c − q̄)ᵀ,  C = R⁻¹ K R⁻ᵀ = (n − 1)/n S [Σ_c (g_c − ḡ)(g_c − ḡ)ᵀ] S
 *
 * (Efron 1982): it grows with what the model cannot describe, where the posterior does not. Zero below two clusters.
 *
 * @returns [d, d]
 */
export function jackknifeCovariance(moments: ShiftMoments): Float64Array {
  const { count: n, sum, square, columns: d } = moments;
  const covariance = new Float64Array(d * d);
  if (n < 2) return covariance;
  const factor = (n - 1) / n;
  for (let i = 0; i < d; i++) {
    const mean = sum[i]! / n;
    for (let j = 0; j < d; j++) covariance[i * d + j] = factor * (square[i * d + j]! - mean * sum[j]!);
  }
  return covariance;
}

/**
 * Jackknife variances of rows by the clusters that are not theirs: their own are dropped, and the rows are those of the
 * fit without them. The shifts of the other clusters are kept as they are.
 *
 * @param moments  of all clusters
 * @param own      shifts of the clusters that the rows belong to
 * @param deleted  [m, d] Ũ of `deleteRows`
 * @returns        [m]
 * @cost           2 m d² flops
 */
export function leftOutJackknife(
  moments: ShiftMoments,
  own: Shifts,
  deleted: Float64Array,
  m: number,
  kernels: LinearKernels = plainKernels,
): Float64Array {
  const d = moments.columns;
  const n = moments.count - own.count;
  const variances = new Float64Array(m);
  if (n < 2) return variances;
  const sum = moments.sum.slice();
  for (let c = 0; c < own.count; c++) addScaled(-1, own.shifts, sum, d, c * d);
  const squares = squaresWithout(moments, own, deleted, m, kernels);
  const factor = (n - 1) / n;
  for (let i = 0; i < m; i++) {
    const total = dot(deleted, sum, d, i * d, 0);
    variances[i] = factor * Math.max(0, squares[i]! - (total * total) / n);
  }
  return variances;
}
