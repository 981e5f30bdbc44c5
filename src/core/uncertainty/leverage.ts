import { InputError } from '../errors.ts';
import { squaredRowNorms } from '../numerics/dense.ts';
import { median } from '../numerics/median.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';

/**
 * Leverages h = x (RᵀR)⁻¹ xᵀ of rows: the variance of each row's value under the posterior precision RᵀR. Summed over
 * whitened training rows they are the number of determined parameters.
 *
 * @param r        [n, n] upper-triangular factor of the precision, row-major
 * @param rows     [m, n] row-major
 * @param kernels  default plain
 * @returns        [m]
 * @cost           m n² flops
 */
export function leverages(
  r: Float64Array,
  n: number,
  rows: Float64Array,
  m: number,
  kernels: LinearKernels = plainKernels,
): Float64Array {
  return squaredRowNorms(kernels.whitenRows(r, n, rows, m), m, n);
}

/** Median of some leverages. @throws InputError `NO_LEVERAGES` without any */
export function medianLeverage(values: ArrayLike<number>): number {
  if (values.length === 0) throw new InputError('NO_LEVERAGES', 'leverages must be at least one, got none');
  return median(values);
}
