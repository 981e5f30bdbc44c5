import { NumericalError } from '../errors.ts';
import { addProduct, blockOf, transposedBlock } from './block-product.ts';
import { requireLength } from './dense.ts';

/** Width of a panel: its triangle is factored by rows, everything right of it by one matrix product. */
const PANEL = 32;

/** The error of a matrix without a Cholesky factor: its pivot `index` is not positive and finite. */
export function notPositiveDefinite(index: number, pivot: number, n: number): NumericalError {
  return new NumericalError('NOT_POSITIVE_DEFINITE', `pivot ${index} of the matrix must be positive, got ${pivot}`, {
    index,
    pivot,
    n,
  });
}

/**
 * Cholesky factor of a symmetric positive-definite matrix: A = RᵀR with R upper triangular. Only the upper triangle
 * of A is read; nothing is added to its diagonal.
 *
 * @param a  [n, n] symmetric, row-major
 * @returns  [n, n] upper triangular, row-major, zero below the diagonal
 * @throws   NumericalError `NOT_POSITIVE_DEFINITE` with the index and value of the pivot that is not positive
 * @cost     n³/3 flops
 */
export function cholesky(a: Float64Array, n: number): Float64Array {
  requireLength('matrix', a, n * n);
  const r = new Float64Array(n * n);
  for (let i = 0; i < n; i++) r.set(a.subarray(i * n + i, (i + 1) * n), i * n + i);
  for (let p = 0; p < n; p += PANEL) {
    const end = Math.min(n, p + PANEL);
    for (let i = p; i < end; i++) {
      const pivot = r[i * n + i]!;
      if (!(pivot > 0) || pivot === Number.POSITIVE_INFINITY) throw notPositiveDefinite(i, pivot, n);
      const diagonal = Math.sqrt(pivot);
      r[i * n + i] = diagonal;
      for (let j = i + 1; j < n; j++) r[i * n + j] = r[i * n + j]! / diagonal;
      for (let k = i + 1; k < end; k++) {
        const factor = r[i * n + k]!;
        if (factor !== 0) for (let j = k; j < n; j++) r[k * n + j] = r[k * n + j]! - factor * r[i * n + j]!;
      }
    }
    const rest = n - end;
    const panel = blockOf(r, n, p, end);
    addProduct(-1, transposedBlock(panel), panel, blockOf(r, n, end, end), rest, rest, end - p, true);
  }
  for (let i = 1; i < n; i++) r.fill(0, i * n, i * n + i);
  return r;
}

/** ln det(RᵀR) = 2 Σ ln |R_ii|. @param r [n, n] upper triangular, row-major */
export function logDeterminant(r: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.log(Math.abs(r[i * n + i]!));
  return 2 * sum;
}
