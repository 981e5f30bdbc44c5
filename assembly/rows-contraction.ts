// Design rows of one atom: sparse derivatives of the functions by components of A times dense derivatives of A by columns.
//
//   derivatives  [entries]           row after row, `lengths` (u32) entries each, `components` (u32): byte offsets in a block
//   columns      [block, component, 16]  columns in blocks of sixteen; one block of all components fits the first-level cache
//   tile         [2·PAIRS, 16]       what a run of functions has for a block
//   targets      [16·blocks] (u32)   address of the design row that each column is added to
//   places       [pairs] (u32)       byte offset of each pair of neighbouring functions within a design row
//
// A function by sixteen columns is eight accumulators; tiles are transposed two by two on their way out.

import { madd } from './madd';

/** Pairs of functions in a tile. */
const PAIRS: i32 = 16;

/** Bytes of a tile. */
export const TILE_BYTES: i32 = 2 * 16 * 128;

/** Sparse rows of a tile times a block of sixteen columns. Returns the address behind the derivatives it used. */
function multiplyWide(
  rows: i32,
  lengths: usize,
  components: usize,
  derivatives: usize,
  block: usize,
  tile: usize,
): usize {
  for (let row = 0; row < rows; row++) {
    let c0 = f64x2.splat(0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    let c4 = c0;
    let c5 = c0;
    let c6 = c0;
    let c7 = c0;
    const end = derivatives + ((<usize>load<u32>(lengths)) << 3);
    while (derivatives < end) {
      const d = v128.load64_splat(derivatives);
      const from = block + <usize>load<u32>(components);
      c0 = madd(d, v128.load(from), c0);
      c1 = madd(d, v128.load(from, 16), c1);
      c2 = madd(d, v128.load(from, 32), c2);
      c3 = madd(d, v128.load(from, 48), c3);
      c4 = madd(d, v128.load(from, 64), c4);
      c5 = madd(d, v128.load(from, 80), c5);
      c6 = madd(d, v128.load(from, 96), c6);
      c7 = madd(d, v128.load(from, 112), c7);
      derivatives += 8;
      components += 4;
    }
    v128.store(tile, c0);
    v128.store(tile, c1, 16);
    v128.store(tile, c2, 32);
    v128.store(tile, c3, 48);
    v128.store(tile, c4, 64);
    v128.store(tile, c5, 80);
    v128.store(tile, c6, 96);
    v128.store(tile, c7, 112);
    tile += 128;
    lengths += 4;
  }
  return derivatives;
}

/** The same for the first eight columns of a block. */
function multiplyNarrow(
  rows: i32,
  lengths: usize,
  components: usize,
  derivatives: usize,
  block: usize,
  tile: usize,
): usize {
  for (let row = 0; row < rows; row++) {
    let c0 = f64x2.splat(0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    const end = derivatives + ((<usize>load<u32>(lengths)) << 3);
    while (derivatives < end) {
      const d = v128.load64_splat(derivatives);
      const from = block + <usize>load<u32>(components);
      c0 = madd(d, v128.load(from), c0);
      c1 = madd(d, v128.load(from, 16), c1);
      c2 = madd(d, v128.load(from, 32), c2);
      c3 = madd(d, v128.load(from, 48), c3);
      derivatives += 8;
      components += 4;
    }
    v128.store(tile, c0);
    v128.store(tile, c1, 16);
    v128.store(tile, c2, 32);
    v128.store(tile, c3, 48);
    tile += 128;
    lengths += 4;
  }
  return derivatives;
}

/** Adds a tile of functions in rows to the design rows of its columns. */
function addTransposed(tile: usize, pairs: i32, places: usize, targets: usize, columns: i32): void {
  for (let c = 0; c < columns; c += 2) {
    const first = <usize>load<u32>(targets);
    const second = <usize>load<u32>(targets, 4);
    let from = tile;
    for (let p = 0; p < pairs; p++) {
      const place = <usize>load<u32>(places + ((<usize>p) << 2));
      const a = v128.load(from);
      const b = v128.load(from, 128);
      v128.store(first + place, f64x2.add(v128.load(first + place), v128.shuffle<f64>(a, b, 0, 2)));
      v128.store(second + place, f64x2.add(v128.load(second + place), v128.shuffle<f64>(a, b, 1, 3)));
      from += 256;
    }
    tile += 16;
    targets += 8;
  }
}

/** Adds the design rows of one atom for the neighbours of one element. `blockBytes`: one block of columns. */
export function contract(
  pairs: i32,
  places: usize,
  lengths: usize,
  components: usize,
  derivatives: usize,
  columns: usize,
  blockBytes: usize,
  count: i32,
  targets: usize,
  tile: usize,
): void {
  for (let first = 0; first < count; first += 16) {
    const narrow = count - first <= 8;
    const width = narrow ? 8 : 16;
    let from = derivatives;
    for (let p = 0; p < pairs; p += PAIRS) {
      const some = min(PAIRS, pairs - p);
      const entry = components + ((from - derivatives) >> 1);
      const length = lengths + ((<usize>p) << 3);
      if (narrow) from = multiplyNarrow(2 * some, length, entry, from, columns, tile);
      else from = multiplyWide(2 * some, length, entry, from, columns, tile);
      addTransposed(tile, some, places + ((<usize>p) << 2), targets, width);
    }
    columns += blockBytes;
    targets += 64;
  }
}
