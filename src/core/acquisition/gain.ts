import { cholesky, logDeterminant } from '../numerics/cholesky.ts';
import { gram, requireLength, rowGram, squaredRowNorms } from '../numerics/dense.ts';
import { qrUpper } from '../numerics/qr.ts';
import { whitenRows } from '../numerics/triangular.ts';
import type { CandidateRows } from './acquisition.ts';

/**
 * Mutual information of the weights and the labels of a structure, nats: ½ ln det(I + X S Xᵀ) with S = (RᵀR)⁻¹, in
 * the smaller of its two forms.
 *
 * @param r     [d, d] upper-triangular factor of the precision
 * @param rows  [m, d] rows over their noise
 * @cost        m d² + m d min(m, d) flops
 */
export function logDetGain(r: Float64Array, d: number, rows: Float64Array, m: number): number {
  if (m === 0) return 0;
  const u = whitenRows(r, d, rows, m);
  const size = Math.min(m, d);
  const g = m <= d ? rowGram(u, m, d) : gram(u, m, d);
  for (let i = 0; i < size; i++) g[i * size + i]! += 1;
  return 0.5 * logDeterminant(cholesky(g, size), size);
}

/** Largest variance of a row of a structure over its noise variance, max ‖x R⁻¹‖²; 0 without rows. @cost m d² flops */
export function largestVariance(r: Float64Array, d: number, rows: Float64Array, m: number): number {
  const variances = squaredRowNorms(whitenRows(r, d, rows, m), m, d);
  return variances.reduce((largest, value) => Math.max(largest, value), 0);
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
  candidates: readonly CandidateRows[],
): (a: number, b: number) => number {
  return (a, b) => scores[b]! - scores[a]! || (candidates[a]!.id < candidates[b]!.id ? -1 : 1);
}
