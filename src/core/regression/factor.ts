import { InputError } from '../errors.ts';
import { dot, squaredNorm } from '../numerics/dense.ts';
import {
  appendUpper,
  type Elimination,
  eliminateColumns,
  makeDiagonalPositive,
  rowsToColumns,
} from '../numerics/qr.ts';
import type { Factor, FactorState } from './regression.ts';

/** Rows that are gathered before they are eliminated: enough for matrix products, few enough for the cache. */
const BUFFER_ROWS = 512;

/** The factor of no observations. */
export function emptyFactor(columns: number): FactorState {
  return {
    columns,
    r: new Float64Array(columns * columns),
    z: new Float64Array(columns),
    residual: 0,
    count: 0,
    logScale: 0,
  };
}

function requireColumns(expected: number, state: FactorState): void {
  if (state.columns !== expected) {
    throw new InputError('COLUMNS_DIFFER', `factors to be merged must have ${expected} columns, got ${state.columns}`, {
      expected,
      actual: state.columns,
    });
  }
}

/**
 * An empty factor that absorbs streamed rows by Householder elimination of [R z; X y] (sequential TSQR): the memory is
 * that of R and one block of rows, whatever the number of observations, and the condition number is never squared.
 * Rows are eliminated in blocks of fixed size, so the result does not depend on how they were cut into appends; the
 * diagonal of R is ≥ 0.
 *
 * `append` throws InputError `SHAPE_MISMATCH` or `NOT_FINITE` before anything is taken in; `merge` InputError
 * `COLUMNS_DIFFER` or NumericalError `NOT_FINITE`.
 *
 * @param eliminate  does the elimination of a block; default the plain form
 * @cost  2 m d² flops for m rows
 */
export function createFactor(columns: number, eliminate: Elimination = eliminateColumns): Factor {
  if (!Number.isInteger(columns) || columns < 1) {
    throw new InputError('BAD_COLUMNS', `number of columns must be a positive integer, got ${columns}`, { columns });
  }
  const d = columns;
  const r = new Float64Array(d * d);
  const z = new Float64Array(d);
  const buffer = new Float64Array(d * BUFFER_ROWS);
  const targetsBuffer = new Float64Array(BUFFER_ROWS);
  let buffered = 0;
  let residual = 0;
  let count = 0;
  let scale = 0;

  function append(rows: Float64Array, targets: Float64Array, m: number, logScale = 0): void {
    if (rows.length < m * d || targets.length < m) {
      throw new InputError(
        'SHAPE_MISMATCH',
        `${m} rows of ${d} columns must come with ${m} targets, got ${rows.length} and ${targets.length} numbers`,
        {
          m,
          columns: d,
          rows: rows.length,
          targets: targets.length,
        },
      );
    }
    // The norm finds NaN and infinities before they enter the factor, so that a caught error leaves it intact.
    const norm = dot(rows, rows, m * d) + squaredNorm(targets, m);
    if (!Number.isFinite(norm) || !Number.isFinite(logScale)) {
      throw new InputError(
        'NOT_FINITE',
        `rows and targets must be finite, got a squared norm of ${norm} (log scale ${logScale})`,
        { norm, logScale },
      );
    }
    for (let first = 0; first < m; ) {
      const taken = Math.min(m - first, BUFFER_ROWS - buffered);
      rowsToColumns(rows, d, first, taken, buffer, BUFFER_ROWS, buffered);
      targetsBuffer.set(targets.subarray(first, first + taken), buffered);
      buffered += taken;
      first += taken;
      if (buffered === BUFFER_ROWS) {
        residual += eliminate(r, z, d, buffer, BUFFER_ROWS, targetsBuffer, BUFFER_ROWS);
        buffered = 0;
      }
    }
    count += m;
    scale += logScale;
  }

  function merge(other: FactorState): void {
    requireColumns(d, other);
    residual += appendUpper(r, z, d, other.r, other.z, 1, eliminate) + other.residual;
    count += other.count;
    scale += other.logScale;
  }

  function state(): FactorState {
    const rNow = r.slice();
    const zNow = z.slice();
    let residualNow = residual;
    if (buffered > 0) {
      residualNow += eliminate(rNow, zNow, d, buffer.slice(), BUFFER_ROWS, targetsBuffer.slice(), buffered);
    }
    makeDiagonalPositive(rNow, zNow, d);
    return { columns: d, r: rNow, z: zNow, residual: residualNow, count, logScale: scale };
  }

  return { columns, append, merge, state };
}

/**
 * The factor of all observations of two factors.
 * @param eliminate does the elimination; default the plain form
 * @throws InputError `COLUMNS_DIFFER`  @cost 2d³/3 flops
 */
export function mergeTwoFactors(
  a: FactorState,
  b: FactorState,
  eliminate: Elimination = eliminateColumns,
): FactorState {
  requireColumns(a.columns, b);
  if (b.count === 0) return a;
  if (a.count === 0) return b;
  const r = a.r.slice();
  const z = a.z.slice();
  const growth = appendUpper(r, z, a.columns, b.r, b.z, 1, eliminate);
  return {
    columns: a.columns,
    r,
    z,
    residual: a.residual + b.residual + growth,
    count: a.count + b.count,
    logScale: a.logScale + b.logScale,
  };
}

/**
 * The factor of all observations of several factors, merged in a binary tree that depends on their number alone: the
 * bits do not depend on which worker made which of them.
 *
 * @param states     at least one, all of the same columns
 * @param eliminate  does the elimination; default the plain form
 * @throws           InputError `NO_FACTORS`, `COLUMNS_DIFFER`
 */
export function mergeFactors(states: readonly FactorState[], eliminate: Elimination = eliminateColumns): FactorState {
  if (states.length === 0) throw new InputError('NO_FACTORS', 'factors to be merged must be at least one, got none');
  let level = states;
  while (level.length > 1) {
    const next: FactorState[] = [];
    for (let i = 0; i < level.length; i += 2)
      next.push(i + 1 < level.length ? mergeTwoFactors(level[i]!, level[i + 1]!, eliminate) : level[i]!);
    level = next;
  }
  return level[0]!;
}

/** Xᵀy of the rows of a factor, Rᵀz. @returns [d] */
export function crossOf(state: FactorState): Float64Array {
  const d = state.columns;
  const c = new Float64Array(d);
  for (let i = 0; i < d; i++) for (let j = i; j < d; j++) c[j] = c[j]! + state.r[i * d + j]! * state.z[i]!;
  return c;
}

/** ‖y − X·w‖² of the rows of a factor for any weights: ‖R w − z‖² + residual. @param weights [d] */
export function squaredResidual(state: FactorState, weights: Float64Array): number {
  const d = state.columns;
  let sum = state.residual;
  for (let i = 0; i < d; i++) {
    const e = dot(state.r, weights, d - i, i * d + i, i) - state.z[i]!;
    sum += e * e;
  }
  return sum;
}

/** Root mean square of every column over the rows of a factor; zeros for a factor without rows. @returns [d] */
export function columnScales(state: FactorState): Float64Array {
  const d = state.columns;
  const scales = new Float64Array(d);
  if (state.count === 0) return scales;
  for (let i = 0; i < d; i++)
    for (let j = i; j < d; j++) scales[j] = scales[j]! + state.r[i * d + j]! * state.r[i * d + j]!;
  for (let j = 0; j < d; j++) scales[j] = Math.sqrt(scales[j]! / state.count);
  return scales;
}
