import { addScaled, dot, squaredNorm } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { RandomStream } from '../random.ts';

const ITERATIONS = 24;

/** Orthonormalizes the rows of a [k, d] matrix in place, twice over; dependent rows become 0. */
function orthonormalize(rows: Float64Array, k: number, d: number): void {
  for (let i = 0; i < k; i++) {
    const before = Math.sqrt(squaredNorm(rows, d, i * d));
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) addScaled(-dot(rows, rows, d, i * d, j * d), rows, rows, d, j * d, i * d);
    }
    const norm = Math.sqrt(squaredNorm(rows, d, i * d));
    const factor = norm > 1e-12 * before ? 1 / norm : 0;
    for (let v = 0; v < d; v++) rows[i * d + v]! *= factor;
  }
}

/**
 * Orthonormal basis of the span of the k leading eigenvectors of a symmetric positive semi-definite matrix, by subspace
 * iteration from a fixed start. Rows beyond the rank of the matrix are 0. Directions with close eigenvalues may mix.
 *
 * @param a        [d, d] symmetric, row-major
 * @param kernels  multiply; default plain
 * @returns        [k, d] row-major
 * @cost           48 k d² flops
 */
export function leadingSubspace(
  a: Float64Array,
  d: number,
  k: number,
  kernels: Pick<LinearKernels, 'multiply'> = plainKernels,
): Float64Array {
  const stream = new RandomStream(0, 'leading subspace', d, k);
  let basis: Float64Array = Float64Array.from({ length: k * d }, () => stream.normal());
  orthonormalize(basis, k, d);
  for (let step = 0; step < ITERATIONS; step++) {
    basis = kernels.multiply(basis, a, k, d, d);
    orthonormalize(basis, k, d);
  }
  return basis;
}
