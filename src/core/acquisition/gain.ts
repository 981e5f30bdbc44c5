import { cholesky, logDeterminant } from '../numerics/cholesky.ts';
import { requireLength, squaredRowNorms, transpose } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { qrUpper } from '../numerics/qr.ts';
import { whitenRows } from '../numerics/triangular.ts';
import type { CandidateRows } from './acquisition.ts';

/** Largest variance of a row of a structure over its noise variance, max ‖x R⁻¹‖²; 0 without rows. @cost m d² flops */
export function largestVariance(r: Float64Array, d: number, rows: Float64Array, m: number): number {
  const variances = squaredRowNorms(whitenRows(r, d, rows, m), m, d);
  return variances.reduce((largest, value) => Math.max(largest, value), 0);
}

/**
 * Information gain of rows that are whitened by the posterior, ½ ln det(1 + U Uᵀ), nats: `logDetGain` on kernels.
 * @param u [m, d] X R⁻¹  @cost m d min(m, d) flops
 */
export function informationOf(u: Float64Array, m: number, d: number, kernels: LinearKernels = plainKernels): number {
  if (m === 0) return 0;
  const size = Math.min(m, d);
  const g = m > d ? kernels.gram(u, m, d) : kernels.gram(transpose(u, m, d), d, m);
  for (let i = 0; i < size; i++) g[i * size + i] = 1 + g[i * size + i]!;
  return 0.5 * logDeterminant(cholesky(g, size), size);
}

/**
 * The same structure in at most d rows: rows beyond that are replaced by the triangular factor of XᵀX, on which alone
 * the gain depends. @cost 2 m d² flops where m > d
 */
export function condenseRows(candidate: CandidateRows, d: number): CandidateRows {
  requireLength(`rows of candidate ${candidate.id}`, candidate.rows, candidate.count * d);
  if (candidate.count <= d) return candidate;
  return { id: candidate.id, rows: qrUpper(candidate.rows, candidate.count, d), count: d };
}

/** Largest score first, then the smaller id: an order that does not depend on that of the pool. */
export function byScore(
  scores: ArrayLike<number>,
  candidates: readonly { readonly id: string }[],
): (a: number, b: number) => number {
  return (a, b) => scores[b]! - scores[a]! || (candidates[a]!.id < candidates[b]!.id ? -1 : 1);
}
