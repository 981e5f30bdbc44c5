// Products in the layout of strips.ts. Addresses are those of strips; results are added to.

import { ABOVE, accumulate, LEFT_UPPER, packRows, RIGHT_LOWER, stripBytes, stripCount } from './strips';

/** Most rows of a panel that the host hands over at once. */
export const PANEL_ROWS: i32 = 256;

/** Adds XᵀX of one panel of rows [m, n], m ≤ PANEL_ROWS, to the tiles of C [n, n] on and above the diagonal. */
export function accumulateGram(rows: usize, m: i32, n: i32, packed: usize, c: usize): void {
  const strip = (<usize>m) << 5;
  const strips = stripCount(n);
  packRows(rows, m, n, packed, strip, 0);
  accumulate(packed, strip, packed, strip, c, stripBytes(n), 0, strips, 0, strips, 0, m, ABOVE, false);
}

/** Tiles on and above the diagonal of AᵀA. @param a [k, n] */
export function gramAll(a: usize, k: i32, n: i32, c: usize): void {
  const strip = stripBytes(k);
  const strips = stripCount(n);
  accumulate(a, strip, a, strip, c, stripBytes(n), 0, strips, 0, strips, 0, k, ABOVE, false);
}

/** The same of an upper triangle [n, n]. */
export function gramUpper(a: usize, n: i32, c: usize): void {
  const strip = stripBytes(n);
  const strips = stripCount(n);
  accumulate(a, strip, a, strip, c, strip, 0, strips, 0, strips, 0, 4 * strips, ABOVE | LEFT_UPPER, false);
}

/** The same of a lower triangle [n, n]. */
export function gramLower(a: usize, n: i32, c: usize): void {
  const strip = stripBytes(n);
  const strips = stripCount(n);
  accumulate(a, strip, a, strip, c, strip, 0, strips, 0, strips, 0, 4 * strips, ABOVE | RIGHT_LOWER, false);
}

/** AᵀB. @param a [k, m]  @param b [k, n]  @param c [m, n] */
export function product(a: usize, b: usize, k: i32, m: i32, n: i32, c: usize): void {
  const strip = stripBytes(k);
  accumulate(a, strip, b, strip, c, stripBytes(m), 0, stripCount(m), 0, stripCount(n), 0, k, 0, false);
}
