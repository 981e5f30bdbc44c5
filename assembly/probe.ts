// How fast this engine can multiply and add at all: the yardstick of the kernels, never called by them.

import { madd } from './madd';

/** Numbers that one pass multiplies and adds: twelve independent chains of two lanes. */
export const PROBE_WIDTH: i32 = 24;

/**
 * Twelve chains a ← a·x + y in registers, `passes` links long. Twelve hide the latency of a product and a sum on every
 * processor that we know, and with x, y and a temporary they fit into sixteen registers. The numbers come from outside:
 * V8 would make constants anew for each product.
 */
export function probe(passes: i32, factor: f64, summand: f64): f64 {
  const x = f64x2.splat(factor);
  const y = f64x2.splat(summand);
  let a0 = f64x2.splat(0.5);
  let a1 = f64x2.splat(0.51);
  let a2 = f64x2.splat(0.52);
  let a3 = f64x2.splat(0.53);
  let a4 = f64x2.splat(0.54);
  let a5 = f64x2.splat(0.55);
  let a6 = f64x2.splat(0.56);
  let a7 = f64x2.splat(0.57);
  let a8 = f64x2.splat(0.58);
  let a9 = f64x2.splat(0.59);
  let a10 = f64x2.splat(0.6);
  let a11 = f64x2.splat(0.61);
  for (let k = 0; k < passes; k++) {
    a0 = madd(a0, x, y);
    a1 = madd(a1, x, y);
    a2 = madd(a2, x, y);
    a3 = madd(a3, x, y);
    a4 = madd(a4, x, y);
    a5 = madd(a5, x, y);
    a6 = madd(a6, x, y);
    a7 = madd(a7, x, y);
    a8 = madd(a8, x, y);
    a9 = madd(a9, x, y);
    a10 = madd(a10, x, y);
    a11 = madd(a11, x, y);
  }
  const even = f64x2.add(f64x2.add(f64x2.add(a0, a2), f64x2.add(a4, a6)), f64x2.add(a8, a10));
  const odd = f64x2.add(f64x2.add(f64x2.add(a1, a3), f64x2.add(a5, a7)), f64x2.add(a9, a11));
  const all = f64x2.add(even, odd);
  return f64x2.extract_lane(all, 0) + f64x2.extract_lane(all, 1);
}
