import { InputError } from '../errors.ts';
import { addScaled, dot, requireLength, squaredNorm, transpose } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';

/**
 * Sums over changes q of the weights, in the coordinates in which the posterior is the identity (weights = mean + R⁻¹q).
 * Their size does not depend on how many changes there were, and sums of parts add up.
 */
export interface ShiftMoments {
  readonly columns: number;
  /** Number of changes. */
  readonly count: number;
  /** [d] Σ q. */
  readonly sum: Float64Array;
  /** [d, d] Σ q qᵀ. */
  readonly square: Float64Array;
}

/** The sums of no changes. */
export function noShifts(columns: number): ShiftMoments {
  return { columns, count: 0, sum: new Float64Array(columns), square: new Float64Array(columns * columns) };
}

/** Sums over some changes. @param shifts [count, d] row-major */
export function shiftMoments(
  shifts: Float64Array,
  count: number,
  columns: number,
  kernels: LinearKernels = plainKernels,
): ShiftMoments {
  requireLength('shifts', shifts, count * columns);
  if (count === 0) return noShifts(columns);
  const sum = new Float64Array(columns);
  for (let c = 0; c < count; c++) addScaled(1, shifts, sum, columns, c * columns);
  return { columns, count, sum, square: kernels.gram(shifts, count, columns) };
}

/** Sums of two parts together (`weight` 1) or of one without the other (−1). @throws InputError `COLUMNS_DIFFER` */
export function addMoments(a: ShiftMoments, b: ShiftMoments, weight: 1 | -1 = 1): ShiftMoments {
  if (a.columns !== b.columns)
    throw new InputError('COLUMNS_DIFFER', `moments must have ${a.columns} columns, got ${b.columns}`);
  const sum = a.sum.slice();
  const square = a.square.slice();
  addScaled(weight, b.sum, sum);
  addScaled(weight, b.square, square);
  return { columns: a.columns, count: a.count + weight * b.count, sum, square };
}

/** Changes of the weights one by one. */
export interface Shifts {
  readonly count: number;
  /** [count, d] row-major. */
  readonly shifts: Float64Array;
}

/**
 * Σ (ũ·q)² of rows over all changes but some of their own, which are told one by one. What rounding makes negative is 0.
 *
 * @param rows [m, d] row-major
 * @param own  changes that are among those of the sums
 * @returns    [m]
 * @cost       2 m d² + 2 m d count flops
 */
export function squaresWithout(
  moments: ShiftMoments,
  own: Shifts,
  rows: Float64Array,
  m: number,
  kernels: LinearKernels = plainKernels,
): Float64Array {
  const { columns: d, square } = moments;
  const all = quadraticForms(rows, square, m, d, kernels);
  if (own.count === 0) return all;
  const overlaps = kernels.multiply(rows, transpose(own.shifts, own.count, d), m, d, own.count);
  for (let i = 0; i < m; i++) all[i] = Math.max(0, all[i]! - squaredNorm(overlaps, own.count, i * own.count));
  return all;
}

/**
 * ũ K ũᵀ of rows. What rounding makes negative is 0.
 *
 * @param rows [m, d] row-major
 * @param k    [d, d] symmetric
 * @cost       2 m d² flops
 */
export function quadraticForms(
  rows: Float64Array,
  k: Float64Array,
  m: number,
  d: number,
  kernels: LinearKernels = plainKernels,
): Float64Array {
  const product = kernels.multiply(rows, k, m, d, d);
  const forms = new Float64Array(m);
  for (let i = 0; i < m; i++) forms[i] = Math.max(0, dot(product, rows, d, i * d, i * d));
  return forms;
}
