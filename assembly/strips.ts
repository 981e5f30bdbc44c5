// Layout of the matrices of dense linear algebra, and the one product that everything else is made of.
//
// A matrix [m, n] lies in strips of four columns, [n/4][m][4], m and n rounded up to 4 and padded with zeros: strip s
// holds columns 4s … 4s+3, its rows 32 bytes apart. Two strips of up to DEPTH rows (8 KiB each) meet in the first-level
// cache; a block of BLOCK_STRIPS of them (192 KiB) stays in the second level while others pass by. A tile of 4 × 4 sums
// is eight vector accumulators with six loads a step, which V8 keeps in sixteen registers. Tile (i, j) of a result is
// 128 adjacent bytes: row 4i of strip j.

import { madd } from './madd';

/** Bytes from one row of a strip to the next. */
export const TILE_ROW: usize = 32;

const DEPTH: i32 = 256;
const BLOCK_STRIPS: i32 = 24;

/** Only tiles with j ≥ i. */
export const ABOVE: i32 = 1;
/** Only tiles with j ≤ i. */
export const BELOW: i32 = 2;
/** Strip i of the left operand is zero from row 4i + 4 on (an upper triangle). */
export const LEFT_UPPER: i32 = 4;
/** Strip j of the right operand is zero above row 4j (a lower triangle). */
export const RIGHT_LOWER: i32 = 8;

/** Strips of n columns. */
export function stripCount(n: i32): i32 {
  return (n + 3) >> 2;
}

/** Bytes of a strip of m rows. */
export function stripBytes(m: i32): usize {
  return (<usize>stripCount(m)) << 7;
}

/** Numbers in the strips of an [m, n] matrix, padding included. */
export function stripsLength(m: i32, n: i32): i32 {
  return stripCount(m) * stripCount(n) * 16;
}

/** Copies m rows [m, n], row-major, into rows `first` … of strips. */
export function packRows(rows: usize, m: i32, n: i32, strips: usize, strip: usize, first: i32): void {
  const row = (<usize>n) << 3;
  for (let c = 0; c < n; c += 4) {
    let from = rows + ((<usize>c) << 3);
    let to = strips + <usize>(c >> 2) * strip + ((<usize>first) << 5);
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

/** Copies rows `first` … of strips into m rows [m, n], row-major. */
export function unpackRows(strips: usize, strip: usize, first: i32, rows: usize, m: i32, n: i32): void {
  const row = (<usize>n) << 3;
  for (let c = 0; c < n; c += 4) {
    let to = rows + ((<usize>c) << 3);
    let from = strips + <usize>(c >> 2) * strip + ((<usize>first) << 5);
    const width = min(4, n - c);
    if (width === 4) {
      for (let k = 0; k < m; k++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        from += 32;
        to += row;
      }
    } else {
      for (let k = 0; k < m; k++) {
        for (let q = 0; q < width; q++) {
          const at = (<usize>q) << 3;
          store<f64>(to + at, load<f64>(from + at));
        }
        from += 32;
        to += row;
      }
    }
  }
}

/**
 * Copies m rows [m, n], row-major, into strips of the transposed matrix [n, …]: row r becomes column r, the first one
 * column `first`, a multiple of 4. Missing columns of the last strip become zeros.
 */
export function packTransposed(rows: usize, m: i32, n: i32, strips: usize, strip: usize, first: i32): void {
  const row = (<usize>n) << 3;
  for (let r = 0; r < m; r += 4) {
    let to = strips + <usize>((first + r) >> 2) * strip;
    const a = rows + <usize>r * row;
    if (m - r >= 4) {
      let k = 0;
      let at = a;
      for (; k + 2 <= n; k += 2) {
        const v0 = v128.load(at);
        const v1 = v128.load(at + row);
        const v2 = v128.load(at + 2 * row);
        const v3 = v128.load(at + 3 * row);
        v128.store(to, v128.shuffle<f64>(v0, v1, 0, 2));
        v128.store(to, v128.shuffle<f64>(v2, v3, 0, 2), 16);
        v128.store(to, v128.shuffle<f64>(v0, v1, 1, 3), 32);
        v128.store(to, v128.shuffle<f64>(v2, v3, 1, 3), 48);
        at += 16;
        to += 64;
      }
      if (k < n) {
        for (let q = 0; q < 4; q++) store<f64>(to + ((<usize>q) << 3), load<f64>(at + <usize>q * row));
      }
    } else {
      for (let k = 0; k < n; k++) {
        const at = a + ((<usize>k) << 3);
        for (let q = 0; q < 4; q++) store<f64>(to + ((<usize>q) << 3), r + q < m ? load<f64>(at + <usize>q * row) : 0);
        to += 32;
      }
    }
  }
}

/** The reverse of `packTransposed`: columns `first` … of strips into m rows [m, n], row-major. */
export function unpackTransposed(strips: usize, strip: usize, first: i32, rows: usize, m: i32, n: i32): void {
  const row = (<usize>n) << 3;
  for (let r = 0; r < m; r += 4) {
    let from = strips + <usize>((first + r) >> 2) * strip;
    const a = rows + <usize>r * row;
    if (m - r >= 4) {
      let k = 0;
      let at = a;
      for (; k + 2 <= n; k += 2) {
        const v0 = v128.load(from);
        const v1 = v128.load(from, 16);
        const v2 = v128.load(from, 32);
        const v3 = v128.load(from, 48);
        v128.store(at, v128.shuffle<f64>(v0, v2, 0, 2));
        v128.store(at + row, v128.shuffle<f64>(v0, v2, 1, 3));
        v128.store(at + 2 * row, v128.shuffle<f64>(v1, v3, 0, 2));
        v128.store(at + 3 * row, v128.shuffle<f64>(v1, v3, 1, 3));
        at += 16;
        from += 64;
      }
      if (k < n) {
        for (let q = 0; q < 4; q++) store<f64>(at + <usize>q * row, load<f64>(from + ((<usize>q) << 3)));
      }
    } else {
      for (let k = 0; k < n; k++) {
        const at = a + ((<usize>k) << 3);
        for (let q = 0; q < m - r; q++) store<f64>(at + <usize>q * row, load<f64>(from + ((<usize>q) << 3)));
        from += 32;
      }
    }
  }
}

/** Tile (j, i) becomes the transpose of tile (i, j). */
function mirrorTile(from: usize, to: usize): void {
  const a = v128.load(from);
  const b = v128.load(from, 16);
  const c = v128.load(from, 32);
  const d = v128.load(from, 48);
  const e = v128.load(from, 64);
  const f = v128.load(from, 80);
  const g = v128.load(from, 96);
  const h = v128.load(from, 112);
  v128.store(to, v128.shuffle<f64>(a, c, 0, 2));
  v128.store(to, v128.shuffle<f64>(e, g, 0, 2), 16);
  v128.store(to, v128.shuffle<f64>(a, c, 1, 3), 32);
  v128.store(to, v128.shuffle<f64>(e, g, 1, 3), 48);
  v128.store(to, v128.shuffle<f64>(b, d, 0, 2), 64);
  v128.store(to, v128.shuffle<f64>(f, h, 0, 2), 80);
  v128.store(to, v128.shuffle<f64>(b, d, 1, 3), 96);
  v128.store(to, v128.shuffle<f64>(f, h, 1, 3), 112);
}

/** Copies the tiles above the diagonal of a square matrix to their places below it. */
export function mirrorAbove(c: usize, n: i32): void {
  const strip = stripBytes(n);
  const strips = stripCount(n);
  for (let j = 1; j < strips; j++) {
    for (let i = 0; i < j; i++) {
      mirrorTile(c + <usize>j * strip + ((<usize>i) << 7), c + <usize>i * strip + ((<usize>j) << 7));
    }
  }
}

/** Transposes a square matrix in place. */
export function transposeInPlace(c: usize, n: i32, scratch: usize): void {
  const strip = stripBytes(n);
  const strips = stripCount(n);
  for (let j = 0; j < strips; j++) {
    for (let i = 0; i <= j; i++) {
      const one = c + <usize>j * strip + ((<usize>i) << 7);
      const other = c + <usize>i * strip + ((<usize>j) << 7);
      memory.copy(scratch, one, 128);
      if (i !== j) mirrorTile(other, one);
      mirrorTile(scratch, other);
    }
  }
}

/**
 * Tile C ± Σ_k a_k ⊗ b_k over `steps` rows of two strips.
 *
 * @param row  bytes from one row of the tile to the next: 32 in strips
 */
export function multiplyStrips(a: usize, b: usize, steps: i32, tile: usize, row: usize, subtract: bool): void {
  let c00 = f64x2.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  const end = a + ((<usize>steps) << 5);
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
  const tile1 = tile + row;
  const tile2 = tile1 + row;
  const tile3 = tile2 + row;
  if (subtract) {
    v128.store(tile, f64x2.sub(v128.load(tile), c00));
    v128.store(tile, f64x2.sub(v128.load(tile, 16), c01), 16);
    v128.store(tile1, f64x2.sub(v128.load(tile1), c10));
    v128.store(tile1, f64x2.sub(v128.load(tile1, 16), c11), 16);
    v128.store(tile2, f64x2.sub(v128.load(tile2), c20));
    v128.store(tile2, f64x2.sub(v128.load(tile2, 16), c21), 16);
    v128.store(tile3, f64x2.sub(v128.load(tile3), c30));
    v128.store(tile3, f64x2.sub(v128.load(tile3, 16), c31), 16);
  } else {
    v128.store(tile, f64x2.add(v128.load(tile), c00));
    v128.store(tile, f64x2.add(v128.load(tile, 16), c01), 16);
    v128.store(tile1, f64x2.add(v128.load(tile1), c10));
    v128.store(tile1, f64x2.add(v128.load(tile1, 16), c11), 16);
    v128.store(tile2, f64x2.add(v128.load(tile2), c20));
    v128.store(tile2, f64x2.add(v128.load(tile2, 16), c21), 16);
    v128.store(tile3, f64x2.add(v128.load(tile3), c30));
    v128.store(tile3, f64x2.add(v128.load(tile3, 16), c31), 16);
  }
}

/**
 * C ± AᵀB for tiles i0 ≤ i < i1, 0 ≤ j < j1 and rows k0 ≤ k < k1 of the operands. `shape` adds ABOVE, BELOW,
 * LEFT_UPPER and RIGHT_LOWER: tiles that are not wanted and rows that are known to be zero are left out.
 */
export function accumulate(
  a: usize,
  aStrip: usize,
  b: usize,
  bStrip: usize,
  c: usize,
  cStrip: usize,
  i0: i32,
  i1: i32,
  j0: i32,
  j1: i32,
  k0: i32,
  k1: i32,
  shape: i32,
  subtract: bool,
): void {
  for (let k = k0; k < k1; k += DEPTH) {
    const kEnd = min(k1, k + DEPTH);
    for (let first = j0; first < j1; first += BLOCK_STRIPS) {
      const last = min(j1, first + BLOCK_STRIPS);
      for (let i = i0; i < i1; i++) {
        const high = (shape & LEFT_UPPER) !== 0 ? min(kEnd, 4 * (i + 1)) : kEnd;
        const from = (shape & ABOVE) !== 0 ? max(first, i) : first;
        const to = (shape & BELOW) !== 0 ? min(last, i + 1) : last;
        const left = a + <usize>i * aStrip;
        for (let j = from; j < to; j++) {
          const low = (shape & RIGHT_LOWER) !== 0 ? max(k, 4 * j) : k;
          if (low >= high) continue;
          const at = (<usize>low) << 5;
          const tile = c + <usize>j * cStrip + ((<usize>i) << 7);
          multiplyStrips(left + at, b + <usize>j * bStrip + at, high - low, tile, TILE_ROW, subtract);
        }
      }
    }
  }
}
