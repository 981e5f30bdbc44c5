import { NumericalError } from '../errors.ts';
import { addProduct, type Block, blockOf } from './block-product.ts';
import { addScaled, dot, requireLength, squaredNorm } from './dense.ts';

/** Reflectors that are applied together (compact WY form). */
const PANEL = 32;
/** Rows that `appendRows` eliminates at once. */
const BLOCK_ROWS = 512;

/** Square of what rounding leaves of a column that others explain, relative to its norm: 64 units in the last place. */
const ROUNDING = 64 * 64 * Number.EPSILON * Number.EPSILON;

/** ‖column j of R‖² above the diagonal. */
function squaredAbove(r: Float64Array, n: number, j: number): number {
  let sum = 0;
  for (let i = 0; i < j; i++) sum += r[i * n + j]! * r[i * n + j]!;
  return sum;
}

/**
 * Factors one panel of [R; Z] by Householder reflectors I − τ[e_j; v][e_j; v]ᵀ: only row j of R and the rows of Z take
 * part. Leaves v in the columns of Z, the new R, and the triangular T with Q = I − V T Vᵀ. Returns false when the
 * panel of Z is zero and nothing is to be done.
 */
function factorPanel(
  r: Float64Array,
  n: number,
  columns: Float64Array,
  stride: number,
  m: number,
  first: number,
  width: number,
  t: Float64Array,
): boolean {
  t.fill(0);
  let active = false;
  for (let a = 0; a < width; a++) {
    const j = first + a;
    const vj = j * stride;
    const sigma = squaredNorm(columns, m, vj);
    if (sigma === 0) continue;
    const alpha = r[j * n + j]!;
    // What is left of a column that the ones before explain is rounding, and must not turn the targets.
    if (alpha === 0 && sigma <= ROUNDING * squaredAbove(r, n, j)) {
      columns.fill(0, vj, vj + m);
      continue;
    }
    const norm = Math.sqrt(alpha * alpha + sigma);
    if (!Number.isFinite(norm)) {
      throw new NumericalError(
        'NOT_FINITE',
        `rows to be factored must be finite, got a norm of ${norm} in column ${j}`,
        { column: j, norm },
      );
    }
    active = true;
    const beta = alpha > 0 ? -norm : norm;
    const tau = (beta - alpha) / beta;
    const scale = 1 / (alpha - beta);
    for (let i = 0; i < m; i++) columns[vj + i] = columns[vj + i]! * scale;
    r[j * n + j] = beta;
    for (let b = a + 1; b < width; b++) {
      const c = first + b;
      const w = tau * (r[j * n + c]! + dot(columns, columns, m, vj, c * stride));
      r[j * n + c] = r[j * n + c]! - w;
      addScaled(-w, columns, columns, m, vj, c * stride);
    }
    for (let b = 0; b < a; b++) t[b * PANEL + a] = dot(columns, columns, m, (first + b) * stride, vj);
    for (let b = 0; b < a; b++) {
      let sum = 0;
      for (let k = b; k < a; k++) sum += t[b * PANEL + k]! * t[k * PANEL + a]!;
      t[b * PANEL + a] = -tau * sum;
    }
    t[a * PANEL + a] = tau;
  }
  return active;
}

/** W ← Tᵀ W in place. @param w [width, n] row-major with row length n */
function applyTransposedT(t: Float64Array, width: number, w: Float64Array, n: number): void {
  for (let i = width - 1; i >= 0; i--) {
    const diagonal = t[i * PANEL + i]!;
    for (let c = 0; c < n; c++) w[i * n + c] = w[i * n + c]! * diagonal;
    for (let k = 0; k < i; k++) if (t[k * PANEL + i] !== 0) addScaled(t[k * PANEL + i]!, w, w, n, k * n, i * n);
  }
}

/**
 * Replaces the upper triangle R by that of QR([R; Z]) and z by the matching part of Qᵀ[z; y], with Householder
 * reflectors in compact WY form. A column that those before it explain to within rounding leaves its row of R empty.
 *
 * @param r           [n, n] upper triangular, row-major, overwritten
 * @param z           [n] overwritten
 * @param columns     Z, column c at c·stride, m numbers each; destroyed
 * @param targets     [m] y; destroyed
 * @param triangular  Z itself is upper triangular (row i has zeros left of column i): its zeros are skipped
 * @returns           ‖what is left of y‖², the growth of the residual sum of squares
 * @throws            NumericalError `NOT_FINITE`
 * @cost              2 m n² flops; two thirds of n³ for a triangle
 */
export function eliminateColumns(
  r: Float64Array,
  z: Float64Array,
  n: number,
  columns: Float64Array,
  stride: number,
  targets: Float64Array,
  m: number,
  triangular = false,
): number {
  const t = new Float64Array(PANEL * PANEL);
  const w = new Float64Array(PANEL * n);
  const wz = new Float64Array(PANEL);
  for (let first = 0; first < n; first += PANEL) {
    const width = Math.min(PANEL, n - first);
    const end = first + width;
    const rows = triangular ? Math.min(m, end) : m;
    if (!factorPanel(r, n, columns, stride, rows, first, width, t)) continue;
    for (let a = 0; a < width; a++) wz[a] = z[first + a]! + dot(columns, targets, rows, (first + a) * stride, 0);
    applyTransposedT(t, width, wz, 1);
    for (let a = 0; a < width; a++) {
      z[first + a] = z[first + a]! - wz[a]!;
      addScaled(-wz[a]!, columns, targets, rows, (first + a) * stride, 0);
    }
    const rest = n - end;
    if (rest === 0) continue;
    const v: Block = { data: columns, offset: first * stride, rowStride: stride, columnStride: 1 };
    const trailing: Block = { data: columns, offset: end * stride, rowStride: stride, columnStride: 1 };
    for (let a = 0; a < width; a++) w.set(r.subarray((first + a) * n + end, (first + a + 1) * n), a * rest);
    addProduct(1, v, { ...trailing, rowStride: 1, columnStride: stride }, blockOf(w, rest), width, rest, rows);
    applyTransposedT(t, width, w, rest);
    for (let a = 0; a < width; a++) addScaled(-1, w, r, rest, a * rest, (first + a) * n + end);
    addProduct(-1, { data: w, offset: 0, rowStride: 1, columnStride: rest }, v, trailing, rest, rows, width);
  }
  const left = squaredNorm(targets, m);
  if (!Number.isFinite(left))
    throw new NumericalError('NOT_FINITE', `targets must be finite, got a norm of ${left}`, { norm: left });
  return left;
}

/** What `eliminateColumns`, the plain form, does; a faster one may stand in for it. */
export type Elimination = typeof eliminateColumns;

/** Copies m rows of length n (from row `first`) into columns of length `stride`, in cache-sized tiles. */
export function rowsToColumns(
  rows: Float64Array,
  n: number,
  first: number,
  m: number,
  columns: Float64Array,
  stride: number,
  at = 0,
): void {
  for (let c0 = 0; c0 < n; c0 += 16) {
    const c1 = Math.min(n, c0 + 16);
    for (let i = 0; i < m; i++) {
      const from = (first + i) * n;
      for (let c = c0; c < c1; c++) columns[c * stride + at + i] = rows[from + c]!;
    }
  }
}

/** Flips the sign of every row of R (and entry of z) whose diagonal is negative: the factor becomes unique. */
export function makeDiagonalPositive(r: Float64Array, z: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    if (r[i * n + i]! < 0) {
      for (let j = i; j < n; j++) r[i * n + j] = -r[i * n + j]!;
      z[i] = -z[i]!;
    }
  }
}

/**
 * Appends rows to an upper-triangular factor in place: R and z become those of QR([R z; X y]).
 *
 * @param r        [n, n] upper triangular, row-major, overwritten; diagonal ≥ 0 afterwards
 * @param z        [n] Qᵀy, overwritten
 * @param rows     [m, n] X, row-major, kept
 * @param targets  [m] y, kept
 * @returns        the growth of ‖y − X w‖² at the least-squares solution
 * @throws         NumericalError `NOT_FINITE`
 * @cost           2 m n² flops
 */
export function appendRows(
  r: Float64Array,
  z: Float64Array,
  n: number,
  rows: Float64Array,
  targets: Float64Array,
  m: number,
): number {
  requireLength('factor', r, n * n);
  requireLength('rows', rows, m * n);
  requireLength('targets', targets, m);
  const stride = Math.min(m, BLOCK_ROWS);
  const columns = new Float64Array(n * stride);
  let residual = 0;
  for (let first = 0; first < m; first += BLOCK_ROWS) {
    const count = Math.min(BLOCK_ROWS, m - first);
    rowsToColumns(rows, n, first, count, columns, stride);
    residual += eliminateColumns(r, z, n, columns, stride, targets.slice(first, first + count), count);
  }
  makeDiagonalPositive(r, z, n);
  return residual;
}

/** Rows of a factor up to the last one that holds anything. @param r [n, n]  @param z [n] */
function filledRows(r: Float64Array, z: Float64Array, n: number): number {
  for (let i = n - 1; i >= 0; i--) {
    if (z[i] !== 0) return i + 1;
    for (let k = i * n + i; k < (i + 1) * n; k++) if (r[k] !== 0) return i + 1;
  }
  return 0;
}

/**
 * Appends another upper-triangular factor in place: R and z become those of QR([R z; scale·R' scale·z']).
 *
 * @param r      [n, n] upper triangular, row-major, overwritten; diagonal ≥ 0 afterwards
 * @param z      [n] overwritten
 * @param other  [n, n] R', upper triangular, row-major, kept
 * @param zOther [n] z', kept
 * @param eliminate  does the elimination; default the plain form
 * @returns      the growth of the residual sum of squares (of the scaled rows)
 * @throws       NumericalError `NOT_FINITE`
 * @cost         2n³/3 flops, 2mn² for one of m rows that hold anything
 */
export function appendUpper(
  r: Float64Array,
  z: Float64Array,
  n: number,
  other: Float64Array,
  zOther: Float64Array,
  scale = 1,
  eliminate: Elimination = eliminateColumns,
): number {
  requireLength('factor', r, n * n);
  requireLength('appended factor', other, n * n);
  const m = filledRows(other, zOther, n);
  if (m === 0) return 0;
  const columns = new Float64Array(n * m);
  for (let i = 0; i < m; i++) for (let j = i; j < n; j++) columns[j * m + i] = scale * other[i * n + j]!;
  const targets = Float64Array.from({ length: m }, (_, i) => scale * zOther[i]!);
  const residual = eliminate(r, z, n, columns, m, targets, m, true);
  makeDiagonalPositive(r, z, n);
  return residual;
}

/**
 * Upper-triangular factor of the rows alone: RᵀR = XᵀX without forming it, diagonal ≥ 0.
 *
 * @param rows  [m, n] row-major
 * @returns     [n, n] upper triangular, row-major
 * @throws      NumericalError `NOT_FINITE`
 * @cost        2 m n² flops
 */
export function qrUpper(rows: Float64Array, m: number, n: number): Float64Array {
  const r = new Float64Array(n * n);
  appendRows(r, new Float64Array(n), n, rows, new Float64Array(m), m);
  return r;
}
