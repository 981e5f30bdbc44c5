import { requireLength, squaredRowNorms } from '../numerics/dense.ts';
import { qrUpper } from '../numerics/qr.ts';
import { whitenRows } from '../numerics/triangular.ts';
import type { CandidateRows } from './acquisition.ts';

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
