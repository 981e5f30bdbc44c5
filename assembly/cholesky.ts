// Cholesky factorization A = RᵀR in place, A [n, n] in the layout of strips.ts, its upper triangle given. The padding
// of A must carry ones on its diagonal.
//
// Left-looking by panels of rows: what earlier rows contribute is subtracted by the blocked product; the panel's own
// triangle is factored tile by tile, and every strip right of it descends the panel as in a triangular solve.

import { ABOVE, accumulate, multiplyStrips, stripBytes, stripCount, TILE_ROW } from './strips';
import { descend, SOLVE_PANEL } from './triangular';

/** Factors one 4 × 4 tile; −1, or the first of its rows whose pivot is not positive and finite. */
function factorTile(tile: usize): i32 {
  for (let i = 0; i < 4; i++) {
    const row = tile + ((<usize>i) << 5);
    const at = (<usize>i) << 3;
    const pivot = load<f64>(row + at);
    if (!(pivot > 0) || pivot === Infinity) return i;
    const diagonal = Math.sqrt(pivot);
    store<f64>(row + at, diagonal);
    for (let j = i + 1; j < 4; j++) {
      const to = row + ((<usize>j) << 3);
      store<f64>(to, load<f64>(to) / diagonal);
    }
    for (let k = i + 1; k < 4; k++) {
      const below = tile + ((<usize>k) << 5);
      const u = load<f64>(row + ((<usize>k) << 3));
      store<f64>(below + at, 0);
      for (let j = k; j < 4; j++) {
        const to = below + ((<usize>j) << 3);
        store<f64>(to, load<f64>(to) - u * load<f64>(row + ((<usize>j) << 3)));
      }
    }
  }
  return -1;
}

/** Factors A. Returns −1, or the row whose pivot is not positive and finite; the pivot is then on the diagonal. */
export function factorCholesky(a: usize, n: i32): i32 {
  const strip = stripBytes(n);
  const strips = stripCount(n);
  const width = SOLVE_PANEL >> 2;
  for (let p = 0; p < strips; p += width) {
    const end = min(strips, p + width);
    accumulate(a, strip, a, strip, a, strip, p, end, p, strips, 0, 4 * p, ABOVE, true);
    const top = (<usize>p) << 7;
    for (let j = p; j < strips; j++) {
      const column = a + <usize>j * strip;
      descend(a, strip, column, p, min(j, end));
      if (j >= end) continue;
      const tile = column + ((<usize>j) << 7);
      if (j > p) multiplyStrips(column + top, column + top, 4 * (j - p), tile, TILE_ROW, true);
      const failed = factorTile(tile);
      if (failed >= 0) return 4 * j + failed;
    }
  }
  return -1;
}
