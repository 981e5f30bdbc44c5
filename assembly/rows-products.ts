// Products of the atomic base, values of the functions and their sparse derivatives for four atoms of one element.
//
//   nodes     [node, 2, 4]   Re of four atoms, then Im: 64 bytes
//   products  [count, 16 B]  byte offsets of the factors (u32, u32) and ±1 (f64), −1 where the second is conjugated
//   leaves    [count, 24 B]  byte offsets of two nodes (u32, u32), then the coefficients of Re·Re and of Im·Im
//   sources   [count] (u32)  byte offset of the Re or Im that a derivative takes, with its `factors` (f64)
//
// Rows of functions and derivatives have their own length each, in `lengths` (u32).

import { madd } from './madd';

/** Computes `count` products into the nodes from `to` on; factors stand before their products. */
export function multiplyNodes(products: usize, count: i32, nodes: usize, to: usize): void {
  for (let i = 0; i < count; i++) {
    const a = nodes + <usize>load<u32>(products);
    const b = nodes + <usize>load<u32>(products, 4);
    const sign = v128.load64_splat(products, 8);
    for (let half: usize = 0; half < 32; half += 16) {
      const ar = v128.load(a + half);
      const ai = v128.load(a + half, 32);
      const br = v128.load(b + half);
      const bi = f64x2.mul(sign, v128.load(b + half, 32));
      v128.store(to + half, f64x2.sub(f64x2.mul(ar, br), f64x2.mul(ai, bi)));
      v128.store(to + half, madd(ar, bi, f64x2.mul(ai, br)), 32);
    }
    products += 16;
    to += 64;
  }
}

/** Values of `count` functions into out[lane][function]; `stride` bytes from lane to lane. */
export function functionValues(
  lengths: usize,
  leaves: usize,
  count: i32,
  nodes: usize,
  out: usize,
  stride: usize,
): void {
  for (let v = 0; v < count; v++) {
    let low = f64x2.splat(0);
    let high = low;
    const end = leaves + <usize>load<u32>(lengths) * 24;
    for (; leaves < end; leaves += 24) {
      const a = nodes + <usize>load<u32>(leaves);
      const b = nodes + <usize>load<u32>(leaves, 4);
      const re = v128.load64_splat(leaves, 8);
      const im = v128.load64_splat(leaves, 16);
      low = madd(f64x2.mul(re, v128.load(a)), v128.load(b), low);
      high = madd(f64x2.mul(re, v128.load(a, 16)), v128.load(b, 16), high);
      low = madd(f64x2.mul(im, v128.load(a, 32)), v128.load(b, 32), low);
      high = madd(f64x2.mul(im, v128.load(a, 48)), v128.load(b, 48), high);
    }
    v128.store64_lane(out, low, 0);
    v128.store64_lane(out + stride, low, 1);
    v128.store64_lane(out + 2 * stride, high, 0);
    v128.store64_lane(out + 3 * stride, high, 1);
    lengths += 4;
    out += 8;
  }
}

/** Derivatives of the functions by components, `count` entries, into out[lane][entry]; `stride` bytes from lane to lane. */
export function derivatives(
  lengths: usize,
  sources: usize,
  factors: usize,
  count: i32,
  nodes: usize,
  out: usize,
  stride: usize,
): void {
  for (let e = 0; e < count; e++) {
    let low = f64x2.splat(0);
    let high = low;
    const end = sources + ((<usize>load<u32>(lengths)) << 2);
    while (sources < end) {
      const from = nodes + <usize>load<u32>(sources);
      const c = v128.load64_splat(factors);
      low = madd(c, v128.load(from), low);
      high = madd(c, v128.load(from, 16), high);
      sources += 4;
      factors += 8;
    }
    v128.store64_lane(out, low, 0);
    v128.store64_lane(out + stride, low, 1);
    v128.store64_lane(out + 2 * stride, high, 0);
    v128.store64_lane(out + 3 * stride, high, 1);
    lengths += 4;
    out += 8;
  }
}
