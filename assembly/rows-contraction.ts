// Design rows: sparse derivatives of the functions by components of A times dense derivatives of A by columns.
//
//   derivatives  [entries]           row after row, `lengths` (u32) entries each, `components` (u32): byte offsets in a block
//   columns      [block, component, 16]  in blocks of sixteen; one block of all components fits the first-level cache
//   tile         [functions, 16]     what functions have for a block; [functions, 8] or [functions, 4] for its first columns
//   places       [pairs] (u32)       16 p of each pair of neighbouring functions 2p, 2p + 1: where it stands in a design row
//   targets      [16·blocks] (u32)   address of the design row that each column is added to
//
// A function by sixteen columns is eight accumulators. `contract` adds small tiles of one atom to the rows at once;
// `accumulate` keeps tiles of all functions, to which many atoms add before `addTransposed` brings them to the rows.

import { madd } from './madd';
import { Eight, Four, Two } from './number-types';

/** Pairs of functions in a small tile, and their places in it. */
const PAIRS: i32 = 16;
const TILE_PLACES = memory.data<u32>([0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240]);

/** Bytes of a small tile. */
export const TILE_BYTES: i32 = 2 * 16 * 128;

/**
 * Sparse rows times 2 N columns, N two, four or eight, added to a tile of as many, or put there when it is fresh. Returns
 * where the entries end.
 */
function multiply<N>(
  pairs: i32,
  places: usize,
  lengths: usize,
  components: usize,
  derivatives: usize,
  block: usize,
  tile: usize,
  fresh: bool,
): usize {
  for (let row = 0; row < 2 * pairs; row++) {
    // A place counts two rows of functions, of 8 bytes each, in a design row: 16 N bytes each in the tile.
    const place = <usize>load<u32>(places + ((<usize>(row >> 1)) << 2));
    const to = tile + (2 * place + 16 * <usize>(row & 1)) * offsetof<N>();
    let c0 = f64x2.splat(0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    let c4 = c0;
    let c5 = c0;
    let c6 = c0;
    let c7 = c0;
    if (!fresh) {
      c0 = v128.load(to);
      c1 = v128.load(to, 16);
      if (offsetof<N>() > 2) {
        c2 = v128.load(to, 32);
        c3 = v128.load(to, 48);
      }
      if (offsetof<N>() > 4) {
        c4 = v128.load(to, 64);
        c5 = v128.load(to, 80);
        c6 = v128.load(to, 96);
        c7 = v128.load(to, 112);
      }
    }
    const end = derivatives + ((<usize>load<u32>(lengths)) << 3);
    while (derivatives < end) {
      const d = v128.load64_splat(derivatives);
      const from = block + <usize>load<u32>(components);
      c0 = madd(d, v128.load(from), c0);
      c1 = madd(d, v128.load(from, 16), c1);
      if (offsetof<N>() > 2) {
        c2 = madd(d, v128.load(from, 32), c2);
        c3 = madd(d, v128.load(from, 48), c3);
      }
      if (offsetof<N>() > 4) {
        c4 = madd(d, v128.load(from, 64), c4);
        c5 = madd(d, v128.load(from, 80), c5);
        c6 = madd(d, v128.load(from, 96), c6);
        c7 = madd(d, v128.load(from, 112), c7);
      }
      derivatives += 8;
      components += 4;
    }
    v128.store(to, c0);
    v128.store(to, c1, 16);
    if (offsetof<N>() > 2) {
      v128.store(to, c2, 32);
      v128.store(to, c3, 48);
    }
    if (offsetof<N>() > 4) {
      v128.store(to, c4, 64);
      v128.store(to, c5, 80);
      v128.store(to, c6, 96);
      v128.store(to, c7, 112);
    }
    lengths += 4;
  }
  return derivatives;
}

/** Adds a tile of `columns` columns to their design rows. */
export function addTransposed(tile: usize, pairs: i32, places: usize, targets: usize, columns: i32): void {
  const row = (<usize>columns) << 3;
  for (let c = 0; c < columns; c += 2) {
    const first = <usize>load<u32>(targets);
    const second = <usize>load<u32>(targets, 4);
    let from = tile;
    for (let p = 0; p < pairs; p++) {
      const place = <usize>load<u32>(places + ((<usize>p) << 2));
      const a = v128.load(from);
      const b = v128.load(from + row);
      v128.store(first + place, f64x2.add(v128.load(first + place), v128.shuffle<f64>(a, b, 0, 2)));
      v128.store(second + place, f64x2.add(v128.load(second + place), v128.shuffle<f64>(a, b, 1, 3)));
      from += 2 * row;
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
    let from = derivatives;
    for (let p = 0; p < pairs; p += PAIRS) {
      const some = min(PAIRS, pairs - p);
      const entry = components + ((from - derivatives) >> 1);
      const length = lengths + ((<usize>p) << 3);
      if (narrow) from = multiply<Four>(some, TILE_PLACES, length, entry, from, columns, tile, true);
      else from = multiply<Eight>(some, TILE_PLACES, length, entry, from, columns, tile, true);
      addTransposed(tile, some, places + ((<usize>p) << 2), targets, narrow ? 8 : 16);
    }
    columns += blockBytes;
    targets += 64;
  }
}

/** Adds what one atom has for `count` columns, four of them or whole blocks, to tiles of `functions` functions. */
export function accumulate(
  pairs: i32,
  places: usize,
  lengths: usize,
  components: usize,
  derivatives: usize,
  columns: usize,
  blockBytes: usize,
  count: i32,
  functions: i32,
  tiles: usize,
): void {
  if (count === 4) {
    multiply<Two>(pairs, places, lengths, components, derivatives, columns, tiles, false);
    return;
  }
  for (let first = 0; first < count; first += 16) {
    if (count - first <= 8) multiply<Four>(pairs, places, lengths, components, derivatives, columns, tiles, false);
    else multiply<Eight>(pairs, places, lengths, components, derivatives, columns, tiles, false);
    columns += blockBytes;
    tiles += (<usize>functions) << 7;
  }
}
