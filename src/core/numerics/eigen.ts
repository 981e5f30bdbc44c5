import { InputError } from '../errors.ts';
import { HermitianEigensolver } from './eigen-hermitian.ts';
import { SymmetricEigensolver } from './eigen-symmetric.ts';

export { HermitianEigensolver } from './eigen-hermitian.ts';
export { SymmetricEigensolver } from './eigen-symmetric.ts';

/** A = Σ_v values_v x_v x_vᵀ of a real symmetric matrix. */
export interface SymmetricEigen {
  /** [n] ascending. */
  readonly values: Float64Array;
  /** [n, n] row v is the unit eigenvector x_v of values[v]. */
  readonly vectors: Float64Array;
}

/** A = Σ_v values_v x_v x_v† of a complex Hermitian matrix. */
export interface HermitianEigen {
  /** [n] ascending. */
  readonly values: Float64Array;
  /** [n, n] row v is the real part of the unit eigenvector x_v. */
  readonly real: Float64Array;
  /** [n, n] row v is the imaginary part of x_v. */
  readonly imaginary: Float64Array;
}

function checkSize(name: string, matrix: Float64Array, n: number): void {
  if (matrix.length !== n * n) {
    throw new InputError('MATRIX_SIZE', `${name} must have ${n * n} entries, got ${matrix.length}`, { n });
  }
}

/**
 * All eigenvalues and eigenvectors of a real symmetric matrix, of which only the lower triangle is read.
 * @param matrix [n, n] row-major, left as it is
 * @throws InputError `MATRIX_SIZE`  @throws NumericalError `EIGEN_NO_CONVERGENCE` for entries that are not finite
 */
export function symmetricEigen(matrix: Float64Array, n: number): SymmetricEigen {
  checkSize('matrix', matrix, n);
  const solver = new SymmetricEigensolver(n);
  const values = solver.decompose(matrix).slice();
  const vectors = new Float64Array(n * n);
  solver.vectors(n, vectors);
  return { values, vectors };
}

/**
 * All eigenvalues and eigenvectors of the Hermitian matrix real + i·imaginary, of which only the lower triangle is read.
 * @param real [n, n] row-major  @param imaginary [n, n] row-major; both left as they are
 * @throws InputError `MATRIX_SIZE`  @throws NumericalError `EIGEN_NO_CONVERGENCE` for entries that are not finite
 */
export function hermitianEigen(real: Float64Array, imaginary: Float64Array, n: number): HermitianEigen {
  checkSize('real part', real, n);
  checkSize('imaginary part', imaginary, n);
  const solver = new HermitianEigensolver(n);
  const values = solver.decompose(real, imaginary).slice();
  const vectorsRe = new Float64Array(n * n);
  const vectorsIm = new Float64Array(n * n);
  solver.vectors(n, vectorsRe, vectorsIm);
  return { values, real: vectorsRe, imaginary: vectorsIm };
}
