// Derivatives of the atomic base by the positions of neighbours, f64x2, summed over the periodic images of each.
//
//   ∂(R_n Y_q)/∂r = [R_n (r∇)Y_q + r R'_n Y_q u]/r,  (r∇_a)Y_q = Σ_q' D_a[q, q'] Y_q'
//
// One row q at a time: first the pairs −((r∇_a)Y_q, Y_q u_a)/r of a chunk, then their products with (R_n, r R'_n), whose two
// lanes add up to the derivative with the sign of a force.
//
//   pairs     [count, 3, 2]   of the row
//   columns   [component] numbers `COMPONENT` bytes apart, from the address of each of the three columns of an atom on
//   central   [component, 3]  minus the sum over atoms

import { madd } from './madd';
import { One, Three, Two } from './number-types';

/** Bytes from a component to the next in a block of sixteen columns. */
export const COMPONENT: usize = 128;

/** Non-zero D_a[q, q'] of a row: four for x, four for y, two for z. */
export const GRADIENT_TERMS: i32 = 10;

/** Numbers of a segment: first neighbour, number of images, and the three columns of the atom (−1: none). */
export const SEGMENT: i32 = 5;

function storePairs(to: usize, across: v128, along: v128): void {
  v128.store(to, v128.shuffle<f64>(across, along, 0, 2));
  v128.store(to + 48, v128.shuffle<f64>(across, along, 1, 3));
}

/** Pairs of row `own`; `terms` are the rows q' and `factors` the D that go with them, `inverse` is −1/r. */
export function gradientPairs(
  own: usize,
  rows: usize,
  stride: usize,
  terms: usize,
  factors: usize,
  x: usize,
  y: usize,
  z: usize,
  inverse: usize,
  count: i32,
  pairs: usize,
): void {
  for (let axis: usize = 0; axis < 2; axis++) {
    const t = terms + (axis << 4);
    const d = factors + (axis << 5);
    const q0 = rows + <usize>load<u32>(t) * stride;
    const q1 = rows + <usize>load<u32>(t, 4) * stride;
    const q2 = rows + <usize>load<u32>(t, 8) * stride;
    const q3 = rows + <usize>load<u32>(t, 12) * stride;
    const d0 = v128.load64_splat(d);
    const d1 = v128.load64_splat(d, 8);
    const d2 = v128.load64_splat(d, 16);
    const d3 = v128.load64_splat(d, 24);
    const u = axis === 0 ? x : y;
    let to = pairs + (axis << 4);
    for (let k = 0; k < count; k += 2) {
      const at = (<usize>k) << 3;
      let across = madd(d1, v128.load(q1 + at), f64x2.mul(d0, v128.load(q0 + at)));
      across = madd(d3, v128.load(q3 + at), madd(d2, v128.load(q2 + at), across));
      const r = v128.load(inverse + at);
      storePairs(to, f64x2.mul(across, r), f64x2.mul(f64x2.mul(v128.load(own + at), v128.load(u + at)), r));
      to += 96;
    }
  }
  const q0 = rows + <usize>load<u32>(terms, 32) * stride;
  const q1 = rows + <usize>load<u32>(terms, 36) * stride;
  const d0 = v128.load64_splat(factors, 64);
  const d1 = v128.load64_splat(factors, 72);
  let to = pairs + 32;
  for (let k = 0; k < count; k += 2) {
    const at = (<usize>k) << 3;
    const across = madd(d1, v128.load(q1 + at), f64x2.mul(d0, v128.load(q0 + at)));
    const r = v128.load(inverse + at);
    storePairs(to, f64x2.mul(across, r), f64x2.mul(f64x2.mul(v128.load(own + at), v128.load(z + at)), r));
    to += 96;
  }
}

/** Adds up the lanes of two derivatives, puts them into their columns and takes them from the sum for the central atom. */
function putTwo(columnA: usize, columnB: usize, central: usize, a: v128, b: v128): void {
  const both = f64x2.add(v128.shuffle<f64>(a, b, 0, 2), v128.shuffle<f64>(a, b, 1, 3));
  v128.store64_lane(columnA, both, 0);
  v128.store64_lane(columnB, both, 1);
  v128.store(central, f64x2.sub(v128.load(central), both));
}

function putOne(column: usize, central: usize, a: v128): void {
  const sum = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
  store<f64>(column, sum);
  store<f64>(central, load<f64>(central) - sum);
}

/** Derivatives of N components, one, two or three, by the position of one atom, summed over its images. */
function columnTile<N>(
  pairs: usize,
  radial: usize,
  radialStride: usize,
  count: i32,
  x: usize,
  y: usize,
  z: usize,
  central: usize,
): void {
  let x0 = f64x2.splat(0);
  let y0 = x0;
  let z0 = x0;
  let x1 = x0;
  let y1 = x0;
  let z1 = x0;
  let x2 = x0;
  let y2 = x0;
  let z2 = x0;
  const end = pairs + <usize>count * 48;
  while (pairs < end) {
    const px = v128.load(pairs);
    const py = v128.load(pairs, 16);
    const pz = v128.load(pairs, 32);
    let g = v128.load(radial);
    x0 = madd(px, g, x0);
    y0 = madd(py, g, y0);
    z0 = madd(pz, g, z0);
    if (offsetof<N>() > 1) {
      g = v128.load(radial, 16);
      x1 = madd(px, g, x1);
      y1 = madd(py, g, y1);
      z1 = madd(pz, g, z1);
    }
    if (offsetof<N>() > 2) {
      g = v128.load(radial, 32);
      x2 = madd(px, g, x2);
      y2 = madd(py, g, y2);
      z2 = madd(pz, g, z2);
    }
    pairs += 48;
    radial += radialStride;
  }
  putTwo(x, y, central, x0, y0);
  if (offsetof<N>() === 1) {
    putOne(z, central + 16, z0);
    return;
  }
  putTwo(z, x + COMPONENT, central + 16, z0, x1);
  putTwo(y + COMPONENT, z + COMPONENT, central + 32, y1, z1);
  if (offsetof<N>() === 2) return;
  putTwo(x + 2 * COMPONENT, y + 2 * COMPONENT, central + 48, x2, y2);
  putOne(z + 2 * COMPONENT, central + 64, z2);
}

/** Columns of the atoms of `segments`, which begin at neighbour `origin`, for the `width` components of a row. */
export function addColumns(
  pairs: usize,
  origin: i32,
  segments: usize,
  count: i32,
  radial: usize,
  radialStride: usize,
  width: i32,
  columns: usize,
  central: usize,
): void {
  for (let s = 0; s < count; s++, segments += SEGMENT << 2) {
    if (load<i32>(segments, 8) < 0) continue;
    const k = <usize>(load<i32>(segments) - origin);
    const images = load<i32>(segments, 4);
    let x = columns + <usize>load<i32>(segments, 8);
    let y = columns + <usize>load<i32>(segments, 12);
    let z = columns + <usize>load<i32>(segments, 16);
    const from = pairs + k * 48;
    let g = radial + k * radialStride;
    let sum = central;
    let left = <usize>width;
    while (left > 0) {
      const tile: usize = left === 2 || left === 4 ? 2 : min(left, <usize>3);
      if (tile === 1) columnTile<One>(from, g, radialStride, images, x, y, z, sum);
      else if (tile === 2) columnTile<Two>(from, g, radialStride, images, x, y, z, sum);
      else columnTile<Three>(from, g, radialStride, images, x, y, z, sum);
      g += tile << 4;
      x += tile * COMPONENT;
      y += tile * COMPONENT;
      z += tile * COMPONENT;
      sum += tile * 24;
      left -= tile;
    }
  }
}
