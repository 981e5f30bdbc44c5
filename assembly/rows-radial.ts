// Simplified spherical Bessel functions and r times their slopes, f64x2: two neighbours in the lanes of a vector.
//
//   distances  [count]     r, zero or finite behind an odd count
//   factors    [n, 3]      a, b and 1/(k+1) of  g_k = a (sinc kx + sinc (k+1)x) + b g_{k−1},  x = πr/r_c,  k = 1 … n
//   out        [count, n, 2]  (g_k, r g'_k), with room for one neighbour more
//
// Sines of multiples come from the addition theorem, those of x from Taylor series about π/2: |x − π/2| ≤ π/2 leaves less
// than 1e-17.

import { madd } from './madd';

/** 1/k! of the cosine, from k = 22 down to 2, and of the sine, from k = 21 down to 3, with alternating signs. */
const COSINE = memory.data<f64>([
  -8.896791392450574e-22, 4.110317623312165e-19, -1.5619206968586225e-16, 4.779477332387385e-14,
  -1.1470745597729725e-11, 2.08767569878681e-9, -2.755731922398589e-7, 2.48015873015873e-5, -0.001388888888888889,
  0.041666666666666664, -0.5,
]);
const SINE = memory.data<f64>([
  1.9572941063391263e-20, -8.22063524662433e-18, 2.8114572543455206e-15, -7.647163731819816e-13, 1.6059043836821613e-10,
  -2.505210838544172e-8, 2.7557319223985893e-6, -0.0001984126984126984, 0.008333333333333333, -0.16666666666666666,
]);

/** 1 + c_1 s + c_2 s² … of a table of `terms` coefficients, the highest first. */
function series(s: v128, table: usize, terms: i32): v128 {
  let sum = v128.load64_splat(table);
  for (let k = 1; k < terms; k++) sum = madd(sum, s, v128.load64_splat(table + ((<usize>k) << 3)));
  return madd(sum, s, f64x2.splat(1));
}

/** Fills the rows of `count` neighbours of one pair of elements; `frequency` is π/r_c. */
export function radialRows(distances: usize, count: i32, frequency: f64, factors: usize, n: i32, out: usize): void {
  const half = f64x2.splat(Math.PI / 2);
  const one = f64x2.splat(1);
  const row = (<usize>n) << 4;
  for (let k = 0; k < count; k += 2) {
    const x = f64x2.mul(v128.load(distances + ((<usize>k) << 3)), f64x2.splat(frequency));
    const inverse = f64x2.div(one, x);
    const t = f64x2.sub(x, half);
    const square = f64x2.mul(t, t);
    const sine = series(square, COSINE, 11);
    const cosine = f64x2.neg(f64x2.mul(t, series(square, SINE, 10)));
    // s, c: sine and cosine of kx; sinc kx and r times its slope of the previous multiple are kept.
    let s = sine;
    let c = cosine;
    let sinc = f64x2.mul(sine, inverse);
    let slope = f64x2.sub(cosine, sinc);
    let g = f64x2.splat(0);
    let dg = g;
    let to = out + <usize>k * row;
    let from = factors;
    for (let i = 0; i < n; i++) {
      const next = madd(s, cosine, f64x2.mul(c, sine));
      c = f64x2.sub(f64x2.mul(c, cosine), f64x2.mul(s, sine));
      s = next;
      const sincNext = f64x2.mul(f64x2.mul(s, inverse), v128.load64_splat(from, 16));
      const slopeNext = f64x2.sub(c, sincNext);
      const a = v128.load64_splat(from);
      const b = v128.load64_splat(from, 8);
      g = madd(a, f64x2.add(sinc, sincNext), f64x2.mul(b, g));
      dg = madd(a, f64x2.add(slope, slopeNext), f64x2.mul(b, dg));
      v128.store(to, v128.shuffle<f64>(g, dg, 0, 2));
      v128.store(to + row, v128.shuffle<f64>(g, dg, 1, 3));
      sinc = sincNext;
      slope = slopeNext;
      to += 16;
      from += 24;
    }
  }
}
