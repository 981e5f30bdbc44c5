/**
 * Active sets of largest volume and the extrapolation grade γ that they define: d environments whose descriptors span the
 * training set, and the coefficients with which another environment is a combination of them.
 */
import { InputError, NumericalError } from '../errors.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { type PivotedRows, pivotedRows, pseudoRows } from './pivoted-rows.ts';

/** Pseudo-row of column v: this times the root mean square of the column, in that column alone. */
export const PSEUDO_ROW_SCALE = 1e-3;
/** Largest coefficient of a row at convergence. */
const TOLERANCE = 1.001;
/** Rows whose coefficients are kept up to date at once. */
const CHUNK = 128;
/** Swaps after which the inverse is brought up to date. */
const PENDING = 128;
/** Coefficients this close to the tolerance are not above it. */
const ROUNDING = 1e-10;
/** Exchanges after which rounding in the inverse is removed. */
const REFINED_EVERY = 512;
/** Swaps at most, in units of d. */
const MOST_SWAPS = 300;
/** Columns smaller than this part of the largest are taken as never seen. */
const SMALLEST_COLUMN = 1e-12;

/** How a search is made. */
export interface MaxvolOptions {
  readonly tolerance?: number;
  readonly kernels?: LinearKernels;
}

/** A set of d rows and the inverse of their matrix. */
export interface ActiveSet {
  /** [d] index of the row at each place; −1 − v for the pseudo-row of column v. */
  readonly rows: Int32Array;
  /** [d, d] inverse of the matrix of active rows, row-major: coefficients of a row b are b·inverse. */
  readonly inverse: Float64Array;
  /** Rows that stand in for directions no training row covers. */
  readonly pseudoRows: number;
  readonly swaps: number;
}

/** An active set that a further search with more rows may start from. */
export interface GrowingSet extends ActiveSet {
  /** [d] root mean square of each column of the rows it was begun with: what pseudo-rows are measured by. */
  readonly scale: Float64Array;
}

/** An exchange: a row comes to stand at a place. */
export interface Swap {
  readonly row: number;
  readonly place: number;
  /** Coefficient of the row at the place: the factor by which the volume grows. */
  readonly value: number;
}

/**
 * Keeps a square matrix of active rows A, its inverse X and exchanges rows. The inverse lags behind by up to 128 exchanges
 * of rank one, which are applied together.
 */
class SwapState {
  readonly d: number;
  readonly a: Float64Array;
  x: Float64Array;
  private readonly kernels: LinearKernels;
  private readonly left: Float64Array;
  private readonly right: Float64Array;
  private pending = 0;
  private unrefined = 0;

  constructor(a: Float64Array, x: Float64Array, d: number, kernels: LinearKernels) {
    this.d = d;
    this.a = a;
    this.x = x;
    this.kernels = kernels;
    this.left = new Float64Array(PENDING * d);
    this.right = new Float64Array(PENDING * d);
  }

  /**
   * Puts `row` in place j: X ← X − X e_j (c − e_j)ᵀ/c_j with c = row·X.
   * @param coefficients [d] c at `offset`
   * @returns            [d] (c − e_j)/c_j, valid until the next exchange
   */
  swap(row: Float64Array, rowOffset: number, coefficients: Float64Array, offset: number, j: number): Float64Array {
    const { d, left, right } = this;
    if (this.pending === PENDING) this.flush();
    const k = this.pending++;
    this.unrefined++;
    const l = k * d;
    const pivot = coefficients[offset + j]!;
    for (let v = 0; v < d; v++) left[l + v] = this.x[v * d + j]!;
    for (let q = 0; q < k; q++) {
      const f = right[q * d + j]!;
      if (f === 0) continue;
      for (let v = 0; v < d; v++) left[l + v] = left[l + v]! - f * left[q * d + v]!;
    }
    for (let v = 0; v < d; v++) right[l + v] = coefficients[offset + v]! / pivot;
    right[l + j] = (pivot - 1) / pivot;
    for (let v = 0; v < d; v++) this.a[j * d + v] = row[rowOffset + v]!;
    return right.subarray(l, l + d);
  }

  /** What is pending: X = x − left·right of [d, count] and [count, d]. */
  change(): { readonly left: Float64Array; readonly right: Float64Array; readonly count: number } {
    const { d, left, right, pending } = this;
    const columns = new Float64Array(d * pending);
    for (let k = 0; k < pending; k++) for (let v = 0; v < d; v++) columns[v * pending + k] = left[k * d + v]!;
    return { left: columns, right: right.slice(0, pending * d), count: pending };
  }

  /** Applies what is pending. */
  private flush(): void {
    if (this.pending === 0) return;
    const { left, right, count } = this.change();
    subtract(this.x, this.kernels.multiply(left, right, this.d, count, this.d));
    this.pending = 0;
  }

  /** The inverse, up to date; rounding of many exchanges is removed now and then. */
  current(): Float64Array {
    this.flush();
    return this.unrefined > REFINED_EVERY ? this.inverse() : this.x;
  }

  /**
   * The inverse, up to date and refined by Newton's iteration X ← X + X(1 − A X) until rounding is all that is left.
   * @throws NumericalError `SINGULAR_ACTIVE_SET`
   */
  inverse(): Float64Array {
    this.flush();
    this.unrefined = 0;
    const { d } = this;
    let last = Number.POSITIVE_INFINITY;
    for (let step = 0; step < 8; step++) {
      const residual = this.kernels.multiply(this.a, this.x, d, d, d);
      let worst = 0;
      for (let i = 0; i < d; i++) {
        for (let j = 0; j < d; j++) {
          const value = (i === j ? 1 : 0) - residual[i * d + j]!;
          residual[i * d + j] = value;
          if (!(Math.abs(value) <= worst)) worst = Math.abs(value);
        }
      }
      if (worst < 1e-13 || (worst < 1e-7 && worst >= 0.25 * last)) return this.x;
      if (!(worst < 0.5)) break;
      last = worst;
      const change = this.kernels.multiply(this.x, residual, d, d, d);
      for (let i = 0; i < change.length; i++) this.x[i] = this.x[i]! + change[i]!;
    }
    throw new NumericalError(
      'SINGULAR_ACTIVE_SET',
      'rows of an active set must be linearly independent to rounding, but their inverse cannot be refined',
      { d },
    );
  }
}

function subtract(a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i] = a[i]! - b[i]!;
}

/** Place of the largest |c| of [count, d] coefficients, the first one on ties; NaN counts as the largest. */
function largestCoefficient(c: Float64Array, size: number): number {
  let at = 0;
  let largest = -1;
  for (let k = 0; k < size; k++) {
    const value = Math.abs(c[k]!);
    if (value > largest) {
      largest = value;
      at = k;
    }
  }
  return at;
}

/** c_r ← c_r − c_rj·direction for all rows; returns the place of the largest |c| afterwards. */
function updateCoefficients(c: Float64Array, count: number, d: number, j: number, direction: Float64Array): number {
  let at = 0;
  let largest = -1;
  for (let r = 0; r < count; r++) {
    const o = r * d;
    const f = c[o + j]!;
    for (let v = 0; v < d; v++) {
      const value = c[o + v]! - f * direction[v]!;
      c[o + v] = value;
      const size = value < 0 ? -value : value;
      if (size > largest) {
        largest = size;
        at = o + v;
      }
    }
  }
  return at;
}

/**
 * Exchanges rows, the largest coefficient first, until none of these rows has one above the tolerance.
 *
 * @param rows    [count, d]
 * @param indices [count] what to call them
 */
function exchange(
  state: SwapState,
  active: Int32Array,
  rows: Float64Array,
  indices: Int32Array,
  tolerance: number,
  kernels: LinearKernels,
  most: number,
  swapped?: (swap: Swap) => void,
): number {
  const { d } = state;
  const count = indices.length;
  const c = kernels.multiply(rows, state.current(), count, d, d);
  let at = largestCoefficient(c, count * d);
  let swaps = 0;
  while (Math.abs(c[at]!) > tolerance && swaps < most) {
    const r = Math.floor(at / d);
    const j = at - r * d;
    swapped?.({ row: indices[r]!, place: j, value: c[at]! });
    active[j] = indices[r]!;
    const direction = state.swap(rows, r * d, c, r * d, j);
    at = updateCoefficients(c, count, d, j, direction);
    swaps++;
  }
  return swaps;
}

function requireRows(rows: Float64Array, n: number, d: number): void {
  if (!(d >= 1 && n >= 1 && rows.length === n * d)) {
    throw new InputError('WRONG_LENGTH', `rows must be [n, d] with n and d from 1, got ${rows.length} for ${n} × ${d}`);
  }
  for (let i = 0; i < rows.length; i++) {
    if (!Number.isFinite(rows[i]!)) throw new InputError('NOT_FINITE', `rows must be finite, got ${rows[i]} at ${i}`);
  }
}

/** γ of each row of coefficients. */
function largestOfRows(c: Float64Array, n: number, d: number): Float64Array {
  const grades = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let largest = 0;
    for (let v = 0; v < d; v++) {
      const size = Math.abs(c[i * d + v]!);
      if (!(size <= largest)) largest = size;
    }
    grades[i] = largest;
  }
  return grades;
}

/**
 * Extrapolation grade γ = max_k |(b A⁻¹)_k|: up to 1 an environment is an interpolation of the active set; above, taking
 * it into the set would make the volume |det A| grow by that factor. NaN where a row is not finite.
 *
 * @param inverse [d, d] A⁻¹, row-major
 * @param rows    [n, d]
 * @returns       [n]
 * @cost          2 n d² flops
 */
export function extrapolationGrades(
  inverse: Float64Array,
  d: number,
  rows: Float64Array,
  n: number,
  kernels: LinearKernels = plainKernels,
): Float64Array {
  return n === 0 ? new Float64Array(0) : largestOfRows(kernels.multiply(rows, inverse, n, d, d), n, d);
}

/**
 * Rows of nearly largest volume by exchanges from given ones.
 *
 * @param rows  [n, d]
 * @param start [d] indices of linearly independent rows
 * @throws      InputError `WRONG_LENGTH`, `NOT_FINITE`; NumericalError `SINGULAR_ACTIVE_SET`
 * @see         S. A. Goreinov, E. E. Tyrtyshnikov, N. L. Zamarashkin, Linear Algebra Appl. 261, 1 (1997)
 */
export function maxvol(
  rows: Float64Array,
  n: number,
  d: number,
  start: readonly number[],
  options: MaxvolOptions & { readonly swapped?: (swap: Swap) => void } = {},
): ActiveSet {
  requireRows(rows, n, d);
  if (start.length !== d) {
    throw new InputError('WRONG_LENGTH', `a start must be ${d} rows, got ${start.length}`, { d });
  }
  const { kernels = plainKernels, tolerance = TOLERANCE, swapped } = options;
  const a = new Float64Array(d * d);
  start.forEach((i, j) => {
    a.set(rows.subarray(i * d, (i + 1) * d), j * d);
  });
  const active = Int32Array.from(start);
  const state = new SwapState(a, invertByExchange(a, d, kernels), d, kernels);
  const indices = Int32Array.from({ length: n }, (_, i) => i);
  const swaps = exchange(state, active, rows, indices, tolerance, kernels, MOST_SWAPS * d, swapped);
  return { rows: active, inverse: state.inverse(), pseudoRows: 0, swaps };
}

/** A⁻¹ by exchanging the rows of the identity for those of A, the largest pivot first; its rows end in the order of A. */
function invertByExchange(a: Float64Array, d: number, kernels: LinearKernels): Float64Array {
  const identity = new Float64Array(d * d);
  for (let v = 0; v < d; v++) identity[v * d + v] = 1;
  const state = new SwapState(identity.slice(), identity.slice(), d, kernels);
  const c = a.slice();
  const place = new Int32Array(d).fill(-1);
  const taken = new Uint8Array(d);
  for (let step = 0; step < d; step++) {
    let best = 0;
    let row = -1;
    let column = -1;
    for (let r = 0; r < d; r++) {
      if (place[r]! >= 0) continue;
      for (let v = 0; v < d; v++) {
        if (taken[v] === 1 || !(Math.abs(c[r * d + v]!) > best)) continue;
        best = Math.abs(c[r * d + v]!);
        row = r;
        column = v;
      }
    }
    if (row < 0) {
      throw new NumericalError(
        'SINGULAR_ACTIVE_SET',
        `rows of an active set must be linearly independent, got rank ${step} of ${d}`,
        {
          rank: step,
          d,
        },
      );
    }
    place[row] = column;
    taken[column] = 1;
    updateCoefficients(c, d, d, column, state.swap(a, row * d, c, row * d, column));
  }
  // Place `column` of the state holds row r: its column of the inverse belongs to r.
  const found = state.inverse();
  const inverse = new Float64Array(d * d);
  for (let v = 0; v < d; v++) for (let r = 0; r < d; r++) inverse[v * d + r] = found[v * d + place[r]!]!;
  return inverse;
}

/**
 * The active set of some rows, regularised: below them stand pseudo-rows ε_v e_v, ε_v = 10⁻³ of the root mean square of
 * column v. They leave the set as data cover their directions, so that γ is finite from few rows on; `pseudoRows` says how
 * many remain. Elimination with row pivoting finds the start; rows are then exchanged, in order of their γ, until none has
 * one above the tolerance; equal rows give equal sets.
 *
 * @param rows  [n, d]
 * @param start the set of the first rows of these, from an earlier call, to go on from
 * @throws      InputError `WRONG_LENGTH`, `NOT_FINITE`, `NO_DESCRIPTORS` (all rows zero); NumericalError `SINGULAR_ACTIVE_SET`
 * @cost        about 4 n d² flops in matrix products and 500 d flops per exchange
 * @see         E. V. Podryabinkin, A. V. Shapeev, Comput. Mater. Sci. 140, 171 (2017); Y. Lysogorskiy et al.,
 *              Phys. Rev. Mater. 7, 043801 (2023)
 */
export function activeSet(
  rows: Float64Array,
  n: number,
  d: number,
  options: MaxvolOptions & { readonly start?: GrowingSet } = {},
): GrowingSet {
  requireRows(rows, n, d);
  const { kernels = plainKernels, tolerance = TOLERANCE, start } = options;
  const scale = start?.scale ?? columnScales(rows, n, d);
  const scaled = new Float64Array(n * d);
  for (let i = 0; i < n; i++) for (let v = 0; v < d; v++) scaled[i * d + v] = rows[i * d + v]! / scale[v]!;
  const most = MOST_SWAPS * d;
  const found = (begun: PivotedRows) => exchangeAll(scaled, n, d, begun, tolerance, most, kernels);
  let set: Omit<GrowingSet, 'scale' | 'pseudoRows'>;
  try {
    set = found(start === undefined ? pivotedRows(scaled, n, d, PSEUDO_ROW_SCALE, kernels) : resumed(start, scaled, d));
  } catch (error) {
    // Elimination takes rows as soon as they are longer than pseudo-rows; few data may leave no digits of their inverse.
    if (!(error instanceof NumericalError && error.code === 'SINGULAR_ACTIVE_SET')) throw error;
    set = found(pseudoRows(d, PSEUDO_ROW_SCALE));
  }
  const { rows: active, inverse, swaps } = set;
  // Rows were divided by the scales, so the inverse is that of scaled columns.
  for (let v = 0; v < d; v++) for (let k = 0; k < d; k++) inverse[v * d + k] = inverse[v * d + k]! / scale[v]!;
  return { rows: active, inverse, pseudoRows: active.filter((row) => row < 0).length, swaps, scale };
}

/** Exchanges rows, those of the largest γ first, until none has one above the tolerance. */
function exchangeAll(
  scaled: Float64Array,
  n: number,
  d: number,
  begun: PivotedRows,
  tolerance: number,
  most: number,
  kernels: LinearKernels,
): Omit<GrowingSet, 'scale' | 'pseudoRows'> {
  const state = new SwapState(begun.matrix, begun.inverse, d, kernels);
  const active = begun.rows.slice();
  let swaps = 0;
  const take = (indices: Int32Array): void => {
    const chunk = new Float64Array(indices.length * d);
    indices.forEach((i, r) => {
      chunk.set(scaled.subarray(i * d, (i + 1) * d), r * d);
    });
    swaps += exchange(state, active, chunk, indices, tolerance, kernels, most - swaps);
  };
  // Coefficients of all rows, kept up to date from exchange to exchange, and computed anew before they are believed.
  let coefficients = kernels.multiply(scaled, state.inverse(), n, d, d);
  let fresh = true;
  for (;;) {
    const grades = largestOfRows(coefficients, n, d);
    if (swaps >= most || grades.every((grade) => grade <= tolerance * (1 + ROUNDING))) {
      if (fresh) break;
      coefficients = kernels.multiply(scaled, state.inverse(), n, d, d);
      fresh = true;
      continue;
    }
    const before = swaps;
    // Those below the tolerance may rise above it with the next exchange.
    take(
      Int32Array.from(grades.keys())
        .sort((i, k) => grades[k]! - grades[i]! || i - k)
        .subarray(0, CHUNK),
    );
    const { left, right, count } = state.change();
    // Nothing to exchange where rounding alone was above the tolerance.
    fresh = count < swaps - before || swaps === before;
    if (fresh) coefficients = kernels.multiply(scaled, state.inverse(), n, d, d);
    else subtract(coefficients, kernels.multiply(kernels.multiply(scaled, left, n, d, count), right, n, count, d));
  }
  return { rows: active, inverse: state.inverse().slice(), swaps };
}

/** The rows of a set and the inverse of their matrix, both scaled. */
function resumed({ rows, inverse, scale }: GrowingSet, scaled: Float64Array, d: number): PivotedRows {
  const matrix = new Float64Array(d * d);
  rows.forEach((row, k) => {
    if (row < 0) matrix[k * d - 1 - row] = PSEUDO_ROW_SCALE;
    else matrix.set(scaled.subarray(row * d, (row + 1) * d), k * d);
  });
  return { rows, matrix, inverse: inverse.map((value, at) => value * scale[Math.floor(at / d)]!) };
}

/** Root mean square of each column, not below a small part of the largest. */
function columnScales(rows: Float64Array, n: number, d: number): Float64Array {
  const scale = new Float64Array(d);
  for (let i = 0; i < n; i++) {
    for (let v = 0; v < d; v++) scale[v] = scale[v]! + rows[i * d + v]! * rows[i * d + v]!;
  }
  let largest = 0;
  for (let v = 0; v < d; v++) {
    scale[v] = Math.sqrt(scale[v]! / n);
    largest = Math.max(largest, scale[v]!);
  }
  if (!(largest > 0)) throw new InputError('NO_DESCRIPTORS', 'rows must not all be zero', { n, d });
  return scale.map((value) => Math.max(value, SMALLEST_COLUMN * largest));
}
