// Spherical harmonics of a chunk of unit vectors, f64x2: two neighbours in the lanes of a vector.
//
//   x, y, z    [count]      components of the unit vectors
//   recursion  [(lm), 2]    m outer, l = m … longest + 1 inner: (P_mm, 0), then a and c of P_lm = a z P_{l−1,m} + c P_{l−2,m}
//   rows       [(lmax+1)², stride]  row l² holds Y_l0, rows l² + 2m − 1 and l² + 2m hold Re and Im of Y_lm = P_lm (x + iy)^m
//
// `stride` is in bytes and has room for an odd count rounded up to even.

import { madd } from './madd';

/** Fills the rows of l = 0 … lmax ≤ longest. */
export function harmonicRows(
  x: usize,
  y: usize,
  z: usize,
  count: i32,
  lmax: i32,
  recursion: usize,
  longest: i32,
  rows: usize,
  stride: usize,
): void {
  const next = (<usize>(1 + longest - lmax)) << 4;
  for (let k = 0; k < count; k += 2) {
    const at = (<usize>k) << 3;
    const ux = v128.load(x + at);
    const uy = v128.load(y + at);
    const uz = v128.load(z + at);
    let re = f64x2.splat(1);
    let im = f64x2.splat(0);
    let table = recursion;
    for (let m = 0; m <= lmax; m++) {
      let p = v128.load64_splat(table);
      let before = f64x2.splat(0);
      let to = rows + at + <usize>(m * m + (m > 0 ? 2 * m - 1 : 0)) * stride;
      for (let l = m; l <= lmax; l++) {
        v128.store(to, f64x2.mul(p, re));
        if (m > 0) v128.store(to + stride, f64x2.mul(p, im));
        to += <usize>(2 * l + 1) * stride;
        table += 16;
        const ahead = f64x2.mul(v128.load64_splat(table), uz);
        const value = madd(ahead, p, f64x2.mul(v128.load64_splat(table, 8), before));
        before = p;
        p = value;
      }
      table += next;
      const real = f64x2.sub(f64x2.mul(re, ux), f64x2.mul(im, uy));
      im = madd(re, uy, f64x2.mul(im, ux));
      re = real;
    }
  }
}
