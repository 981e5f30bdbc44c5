// Gram matrix C += XᵀX of a panel of rows, f64x2.
//
// Memory, all from the arena:
//
//   rows    [m, n]       row-major panel, m ≤ PANEL_ROWS
//   packed  [w/4, m, 4]  the same numbers in strips of four columns, w = n rounded up to 4; missing columns are 0
//   gram    [w, w]       row-major; only 4 × 4 tiles on and above the diagonal are touched
//
// One strip (PANEL_ROWS · 32 bytes = 8 KiB) stays in the first-level cache while a block of BLOCK_STRIPS strips
// (192 KiB, second level) passes by. A 4 × 4 tile is eight vector accumulators with six loads a step, which V8 keeps in
// sixteen registers.

import { madd } from './madd';

/** Most rows of a panel. */
export const PANEL_ROWS: i32 = 256;

const BLOCK_STRIPS: i32 = 24;

/** Numbers in the packed form of m rows of n columns. */
export function packedLength(m: i32, n: i32): i32 {
  return ((n + 3) & ~3) * m;
}

function pack(rows: usize, m: i32, n: i32, packed: usize): void {
  const row = (<usize>n) << 3;
  let to = packed;
  for (let c = 0; c < n; c += 4) {
    let from = rows + ((<usize>c) << 3);
    const width = min(4, n - c);
    if (width === 4) {
      for (let k = 0; k < m; k++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        from += row;
        to += 32;
      }
    } else {
      for (let k = 0; k < m; k++) {
        for (let q = 0; q < 4; q++) {
          const at = (<usize>q) << 3;
          store<f64>(to + at, q < width ? load<f64>(from + at) : 0);
        }
        from += row;
        to += 32;
      }
    }
  }
}

function addTile(at: usize, low: v128, high: v128): void {
  v128.store(at, f64x2.add(v128.load(at), low));
  v128.store(at, f64x2.add(v128.load(at, 16), high), 16);
}

function multiplyStrips(a: usize, b: usize, m: i32, tile: usize, row: usize): void {
  let c00 = f64x2.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  const end = a + ((<usize>m) << 5);
  while (a < end) {
    const low = v128.load(b);
    const high = v128.load(b, 16);
    let u = v128.load64_splat(a);
    c00 = madd(u, low, c00);
    c01 = madd(u, high, c01);
    u = v128.load64_splat(a, 8);
    c10 = madd(u, low, c10);
    c11 = madd(u, high, c11);
    u = v128.load64_splat(a, 16);
    c20 = madd(u, low, c20);
    c21 = madd(u, high, c21);
    u = v128.load64_splat(a, 24);
    c30 = madd(u, low, c30);
    c31 = madd(u, high, c31);
    a += 32;
    b += 32;
  }
  addTile(tile, c00, c01);
  addTile(tile + row, c10, c11);
  addTile(tile + 2 * row, c20, c21);
  addTile(tile + 3 * row, c30, c31);
}

/** Adds XᵀX of one panel to the tiles of C on and above the diagonal. */
export function accumulateGram(rows: usize, m: i32, n: i32, packed: usize, gram: usize): void {
  pack(rows, m, n, packed);
  const strips = (n + 3) >> 2;
  const strip = (<usize>m) << 5;
  const row = (<usize>strips) << 5;
  for (let first = 0; first < strips; first += BLOCK_STRIPS) {
    const last = min(strips, first + BLOCK_STRIPS);
    for (let i = 0; i < last; i++) {
      const a = packed + <usize>i * strip;
      const line = gram + ((<usize>i) << 2) * row;
      for (let j = max(i, first); j < last; j++) {
        multiplyStrips(a, packed + <usize>j * strip, m, line + ((<usize>j) << 5), row);
      }
    }
  }
}
