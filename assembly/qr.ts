// Householder elimination of a block of rows below an upper triangle: [R z; X y] becomes [R' z'; 0 y'].
//
// Memory, all from the arena; numbers are f64, ld = n rounded up to 4, rows = m rounded up to 8:
//
//   r        [n, ld]       upper triangle, row-major; columns n … ld−1 are 0
//   z        [n]
//   columns  [ld, stride]  X by columns, stride ≥ rows; rows m … rows−1 and columns n … ld−1 are 0; destroyed
//   targets  [rows]        y, zero-padded; destroyed
//   scratch  T [32, 32], W [32, 4], then V packed in strips of four rows [rows/4, 32, 4]
//
// Thirty-two reflectors I − τ[e_j; v][e_j; v]ᵀ form a panel and act together as I − V T Vᵀ on four columns at a time,
// which stay in the first-level cache (4 × 512 numbers) while V passes by. What V W takes away is the tile of strips.ts.

import { madd } from './madd';
import { multiplyStrips } from './strips';

/** Reflectors of a panel. */
const PANEL: i32 = 32;

/** Square of what rounding leaves of a column that others explain, relative to its norm: 64 units in the last place. */
const ROUNDING: f64 = 64 * 64 * f64.EPSILON * f64.EPSILON;

const T_BYTES: usize = 8 * 32 * 32;
const W_BYTES: usize = 8 * 32 * 4;

/** Bytes of scratch memory for a block of `rows` rows. */
export function scratchBytes(rows: i32): i32 {
  return <i32>(T_BYTES + W_BYTES) + rows * 8 * PANEL;
}

function sum2(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/** a·b of `rows` numbers, a multiple of 8. */
function dot(a: usize, b: usize, rows: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const end = a + ((<usize>rows) << 3);
  while (a < end) {
    s0 = madd(v128.load(a), v128.load(b), s0);
    s1 = madd(v128.load(a, 16), v128.load(b, 16), s1);
    s2 = madd(v128.load(a, 32), v128.load(b, 32), s2);
    s3 = madd(v128.load(a, 48), v128.load(b, 48), s3);
    a += 64;
    b += 64;
  }
  return sum2(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)));
}

/** y += scale·x of `rows` numbers, a multiple of 8. */
function addScaled(scale: f64, x: usize, y: usize, rows: i32): void {
  const s = f64x2.splat(scale);
  const end = x + ((<usize>rows) << 3);
  while (x < end) {
    v128.store(y, f64x2.add(v128.load(y), f64x2.mul(s, v128.load(x))));
    v128.store(y, f64x2.add(v128.load(y, 16), f64x2.mul(s, v128.load(x, 16))), 16);
    x += 32;
    y += 32;
  }
}

/** ‖column j of R‖² above the diagonal. */
function squaredAbove(r: usize, ld: i32, j: i32): f64 {
  let sum: f64 = 0;
  let at = r + ((<usize>j) << 3);
  for (let i = 0; i < j; i++) {
    const value = load<f64>(at);
    sum += value * value;
    at += (<usize>ld) << 3;
  }
  return sum;
}

/** One panel: v in the columns, the new R, T. Returns 1 when something was done, 0 for zeros, −1 for a norm not finite. */
function factorPanel(
  r: usize,
  ld: i32,
  columns: usize,
  column: usize,
  rows: i32,
  first: i32,
  width: i32,
  t: usize,
): i32 {
  memory.fill(t, 0, T_BYTES);
  let active = 0;
  for (let a = 0; a < width; a++) {
    const j = first + a;
    const vj = columns + <usize>j * column;
    const sigma = dot(vj, vj, rows);
    if (sigma === 0) continue;
    const diagonal = r + ((<usize>(j * ld + j)) << 3);
    const alpha = load<f64>(diagonal);
    // What is left of a column that the ones before explain is rounding, and must not turn the targets.
    if (alpha === 0 && sigma <= ROUNDING * squaredAbove(r, ld, j)) {
      memory.fill(vj, 0, (<usize>rows) << 3);
      continue;
    }
    const norm = Math.sqrt(alpha * alpha + sigma);
    if (!(norm < Infinity)) return -1;
    active = 1;
    const beta = alpha > 0 ? -norm : norm;
    const tau = (beta - alpha) / beta;
    const scale = 1 / (alpha - beta);
    for (let i = 0; i < rows; i += 2) {
      const at = vj + ((<usize>i) << 3);
      v128.store(at, f64x2.mul(v128.load(at), f64x2.splat(scale)));
    }
    store<f64>(diagonal, beta);
    for (let b = a + 1; b < width; b++) {
      const c = columns + <usize>(first + b) * column;
      const at = diagonal + ((<usize>(b - a)) << 3);
      const w = tau * (load<f64>(at) + dot(vj, c, rows));
      store<f64>(at, load<f64>(at) - w);
      addScaled(-w, vj, c, rows);
    }
    // T[b, a] = −τ Σ_k T[b, k] (v_k·v_a); the products are parked in the row below the triangle.
    const parked = t + ((<usize>(a * PANEL)) << 3);
    for (let b = 0; b < a; b++)
      store<f64>(parked + ((<usize>b) << 3), dot(columns + <usize>(first + b) * column, vj, rows));
    for (let b = 0; b < a; b++) {
      let sum: f64 = 0;
      for (let k = b; k < a; k++)
        sum += load<f64>(t + ((<usize>(b * PANEL + k)) << 3)) * load<f64>(parked + ((<usize>k) << 3));
      store<f64>(t + ((<usize>(b * PANEL + a)) << 3), -tau * sum);
    }
    memory.fill(parked, 0, (<usize>a) << 3);
    store<f64>(t + ((<usize>(a * PANEL + a)) << 3), tau);
  }
  return active;
}

/** V into strips of four rows, [strip][reflector][4]. */
function packPanel(v: usize, column: usize, rows: i32, packed: usize): void {
  for (let i = 0; i < rows; i += 4) {
    let from = v + ((<usize>i) << 3);
    for (let a = 0; a < PANEL; a++) {
      v128.store(packed, v128.load(from));
      v128.store(packed, v128.load(from, 16), 16);
      packed += 32;
      from += column;
    }
  }
}

/** W = R + VᵀZ for two reflectors and four columns. */
function projectTwo(v: usize, z: usize, column: usize, rows: i32, r: usize, row: usize, w: usize): void {
  let c00 = f64x2.splat(0);
  let c01 = c00;
  let c02 = c00;
  let c03 = c00;
  let c10 = c00;
  let c11 = c00;
  let c12 = c00;
  let c13 = c00;
  let z1 = z + column;
  let z2 = z1 + column;
  let z3 = z2 + column;
  let v1 = v + column;
  const end = v + ((<usize>rows) << 3);
  while (v < end) {
    const a0 = v128.load(v);
    const a1 = v128.load(v1);
    let b = v128.load(z);
    c00 = madd(a0, b, c00);
    c10 = madd(a1, b, c10);
    b = v128.load(z1);
    c01 = madd(a0, b, c01);
    c11 = madd(a1, b, c11);
    b = v128.load(z2);
    c02 = madd(a0, b, c02);
    c12 = madd(a1, b, c12);
    b = v128.load(z3);
    c03 = madd(a0, b, c03);
    c13 = madd(a1, b, c13);
    v += 16;
    v1 += 16;
    z += 16;
    z1 += 16;
    z2 += 16;
    z3 += 16;
  }
  store<f64>(w, load<f64>(r) + sum2(c00));
  store<f64>(w, load<f64>(r, 8) + sum2(c01), 8);
  store<f64>(w, load<f64>(r, 16) + sum2(c02), 16);
  store<f64>(w, load<f64>(r, 24) + sum2(c03), 24);
  r += row;
  store<f64>(w, load<f64>(r) + sum2(c10), 32);
  store<f64>(w, load<f64>(r, 8) + sum2(c11), 40);
  store<f64>(w, load<f64>(r, 16) + sum2(c12), 48);
  store<f64>(w, load<f64>(r, 24) + sum2(c13), 56);
}

/** W ← TᵀW for four columns. */
function applyT(t: usize, w: usize): void {
  for (let i = PANEL - 1; i >= 0; i--) {
    let low = f64x2.splat(0);
    let high = low;
    for (let k = 0; k <= i; k++) {
      const s = v128.load64_splat(t + ((<usize>(k * PANEL + i)) << 3));
      const at = w + ((<usize>k) << 5);
      low = madd(s, v128.load(at), low);
      high = madd(s, v128.load(at, 16), high);
    }
    const to = w + ((<usize>i) << 5);
    v128.store(to, low);
    v128.store(to, high, 16);
  }
}

/** The panel's reflectors on z and the targets. */
function applyToTargets(
  z: usize,
  v: usize,
  column: usize,
  targets: usize,
  rows: i32,
  width: i32,
  t: usize,
  w: usize,
): void {
  for (let a = 0; a < width; a++) {
    store<f64>(w + ((<usize>a) << 3), load<f64>(z + ((<usize>a) << 3)) + dot(v + <usize>a * column, targets, rows));
  }
  for (let i = width - 1; i >= 0; i--) {
    let sum: f64 = 0;
    for (let k = 0; k <= i; k++)
      sum += load<f64>(t + ((<usize>(k * PANEL + i)) << 3)) * load<f64>(w + ((<usize>k) << 3));
    store<f64>(w + ((<usize>i) << 3), sum);
  }
  for (let a = 0; a < width; a++) {
    const value = load<f64>(w + ((<usize>a) << 3));
    const at = z + ((<usize>a) << 3);
    store<f64>(at, load<f64>(at) - value);
    addScaled(-value, v + <usize>a * column, targets, rows);
  }
}

/**
 * Eliminates m rows. With `triangular` X is itself upper triangular and its zeros are skipped. Returns ‖y'‖², or a
 * number that is not finite when the rows or targets are not.
 */
export function eliminate(
  r: usize,
  z: usize,
  n: i32,
  columns: usize,
  stride: i32,
  targets: usize,
  m: i32,
  triangular: bool,
  scratch: usize,
): f64 {
  const ld = (n + 3) & ~3;
  const row = (<usize>ld) << 3;
  const column = (<usize>stride) << 3;
  const t = scratch;
  const w = t + T_BYTES;
  const packed = w + W_BYTES;
  const all = (m + 7) & ~7;
  for (let first = 0; first < n; first += PANEL) {
    const width = min(PANEL, n - first);
    const end = first + width;
    const rows = triangular ? min(all, (end + 7) & ~7) : all;
    const active = factorPanel(r, ld, columns, column, rows, first, width, t);
    if (active < 0) return NaN;
    if (active === 0) continue;
    const v = columns + <usize>first * column;
    applyToTargets(z + ((<usize>first) << 3), v, column, targets, rows, width, t, w);
    if (end === n) break;
    packPanel(v, column, rows, packed);
    for (let c = end; c < ld; c += 4) {
      const block = columns + <usize>c * column;
      const corner = r + ((<usize>(first * ld + c)) << 3);
      for (let a = 0; a < PANEL; a += 2) {
        projectTwo(v + <usize>a * column, block, column, rows, corner + <usize>a * row, row, w + ((<usize>a) << 5));
      }
      applyT(t, w);
      for (let a = 0; a < PANEL; a++) {
        const at = corner + <usize>a * row;
        const from = w + ((<usize>a) << 5);
        v128.store(at, f64x2.sub(v128.load(at), v128.load(from)));
        v128.store(at, f64x2.sub(v128.load(at, 16), v128.load(from, 16)), 16);
      }
      for (let i = 0; i < rows; i += 4) {
        // Z −= V W: a tile of four columns and four rows, its rows a column apart.
        multiplyStrips(w, packed + ((<usize>i) << 8), PANEL, block + ((<usize>i) << 3), column, true);
      }
    }
  }
  return dot(targets, targets, all);
}
