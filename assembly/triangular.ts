// Solves RᵀY = B in place, R upper triangular [n, n] and Y [n, columns] in the layout of strips.ts. The padding of R
// must carry ones on its diagonal.
//
// Panels of PANEL rows: all that lies above a panel is subtracted by the blocked product, then each strip of Y descends
// the panel tile by tile, every tile less the product of the rows above it in the panel, and four steps of substitution.

import { accumulate, BELOW, multiplyStrips, RIGHT_LOWER, stripBytes, stripCount, TILE_ROW } from './strips';

/** Rows of a panel, a multiple of 4. */
export const SOLVE_PANEL: i32 = 64;

/** x ← R_ii⁻ᵀ x for four rows of four columns. @param r tile (i, i) of R */
function substitute(r: usize, x: usize): void {
  let d = v128.load64_splat(r);
  const x00 = f64x2.div(v128.load(x), d);
  const x01 = f64x2.div(v128.load(x, 16), d);
  v128.store(x, x00);
  v128.store(x, x01, 16);
  let u = v128.load64_splat(r, 8);
  d = v128.load64_splat(r, 40);
  const x10 = f64x2.div(f64x2.sub(v128.load(x, 32), f64x2.mul(u, x00)), d);
  const x11 = f64x2.div(f64x2.sub(v128.load(x, 48), f64x2.mul(u, x01)), d);
  v128.store(x, x10, 32);
  v128.store(x, x11, 48);
  u = v128.load64_splat(r, 16);
  let v = v128.load64_splat(r, 48);
  d = v128.load64_splat(r, 80);
  const x20 = f64x2.div(f64x2.sub(f64x2.sub(v128.load(x, 64), f64x2.mul(u, x00)), f64x2.mul(v, x10)), d);
  const x21 = f64x2.div(f64x2.sub(f64x2.sub(v128.load(x, 80), f64x2.mul(u, x01)), f64x2.mul(v, x11)), d);
  v128.store(x, x20, 64);
  v128.store(x, x21, 80);
  u = v128.load64_splat(r, 24);
  v = v128.load64_splat(r, 56);
  const w = v128.load64_splat(r, 88);
  d = v128.load64_splat(r, 120);
  const low = f64x2.sub(f64x2.sub(v128.load(x, 96), f64x2.mul(u, x00)), f64x2.mul(v, x10));
  const high = f64x2.sub(f64x2.sub(v128.load(x, 112), f64x2.mul(u, x01)), f64x2.mul(v, x11));
  v128.store(x, f64x2.div(f64x2.sub(low, f64x2.mul(w, x20)), d), 96);
  v128.store(x, f64x2.div(f64x2.sub(high, f64x2.mul(w, x21)), d), 112);
}

/** Strip y descends rows 4·first … 4·end of R, whose rows above 4·first are subtracted already. */
export function descend(r: usize, rStrip: usize, y: usize, first: i32, end: i32): void {
  const top = (<usize>first) << 7;
  for (let i = first; i < end; i++) {
    const column = r + <usize>i * rStrip;
    const tile = y + ((<usize>i) << 7);
    if (i > first) multiplyStrips(column + top, y + top, 4 * (i - first), tile, TILE_ROW, true);
    substitute(column + ((<usize>i) << 7), tile);
  }
}

/** Solves RᵀY = B. With `lower` B is lower triangular [n, n], and so is Y: what is above its diagonal is left out. */
export function solveTransposed(r: usize, n: i32, y: usize, columns: i32, lower: bool): void {
  const strip = stripBytes(n);
  const strips = stripCount(n);
  const others = stripCount(columns);
  const width = SOLVE_PANEL >> 2;
  for (let p = 0; p < strips; p += width) {
    const end = min(strips, p + width);
    const reached = lower ? min(others, end) : others;
    const shape = lower ? BELOW | RIGHT_LOWER : 0;
    accumulate(r, strip, y, strip, y, strip, p, end, 0, reached, 0, 4 * p, shape, true);
    for (let j = 0; j < reached; j++) descend(r, strip, y + <usize>j * strip, lower ? max(p, j) : p, end);
  }
}
