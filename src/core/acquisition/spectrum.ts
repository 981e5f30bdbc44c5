import { SymmetricEigensolver } from '../numerics/eigen-symmetric.ts';

/** What is added to the diagonal, as a part of the largest entry. */
const SHIFT = 1e-11;
/** Eigenvalues below this part of the largest are rounding. */
const ROUNDING = 1e-14;

/** Eigenvalues and eigenvectors of a symmetric positive semi-definite matrix. */
export interface Spectrum {
  /** [n] ascending; rounding is 0. */
  readonly values: Float64Array;
  /** [n, n] the eigenvector of each, as rows. */
  readonly vectors: Float64Array;
}

/**
 * Spectrum of a positive semi-definite matrix that may be of any rank. It is shifted by 10⁻¹¹ of its largest entry while it is
 * diagonalised: where many eigenvalues are nothing but rounding, couplings between them never become small beside them.
 * @param a [n, n] symmetric  @cost about 9 n³ flops
 */
export function semidefiniteSpectrum(a: Float64Array, n: number): Spectrum {
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, a[i * n + i]!);
  const shift = SHIFT * largest;
  const shifted = a.slice(0, n * n);
  for (let i = 0; i < n; i++) shifted[i * n + i] = shifted[i * n + i]! + shift;
  const solver = new SymmetricEigensolver(n);
  const values = solver.decompose(shifted).map((value) => value - shift);
  const vectors = new Float64Array(n * n);
  solver.vectors(n, vectors);
  const least = Math.max(ROUNDING, n * 2e-16) * values[n - 1]!;
  return { values: values.map((value) => (value > least ? value : 0)), vectors };
}
