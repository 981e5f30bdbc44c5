// Sums over neighbours, f64x2: the lanes hold (R_n, r R'_n), so that one pass gives the atomic base and what its
// derivatives by strain are made of.
//
//   rows    [rows, stride]       harmonics of the chunk
//   radial  [count, n, 2]        (R_n, r R'_n) of each neighbour, `radialStride` bytes apart
//   sums    [rows, n, 2]         S += Σ_k Y(k) (R_n, r R'_n)(k), `sumStride` bytes from row to row
//   spare   [n, 2]               takes what the missing partner of an odd last row would have been
//
// A tile is two rows by up to three n: six accumulators and five loads a step.

import { madd } from './madd';
import { One, Three, Two } from './number-types';

function addTo(at: usize, sum: v128): void {
  v128.store(at, f64x2.add(v128.load(at), sum));
}

/** Adds to N columns of sums of the rows `a` and `b`, one, two or three. */
function sumTile<N>(a: usize, b: usize, radial: usize, radialStride: usize, count: i32, toA: usize, toB: usize): void {
  let a0 = f64x2.splat(0);
  let a1 = a0;
  let a2 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  const end = a + ((<usize>count) << 3);
  while (a < end) {
    const ya = v128.load64_splat(a);
    const yb = v128.load64_splat(b);
    let g = v128.load(radial);
    a0 = madd(ya, g, a0);
    b0 = madd(yb, g, b0);
    if (offsetof<N>() > 1) {
      g = v128.load(radial, 16);
      a1 = madd(ya, g, a1);
      b1 = madd(yb, g, b1);
    }
    if (offsetof<N>() > 2) {
      g = v128.load(radial, 32);
      a2 = madd(ya, g, a2);
      b2 = madd(yb, g, b2);
    }
    a += 8;
    b += 8;
    radial += radialStride;
  }
  addTo(toA, a0);
  addTo(toB, b0);
  if (offsetof<N>() > 1) {
    addTo(toA + 16, a1);
    addTo(toB + 16, b1);
  }
  if (offsetof<N>() > 2) {
    addTo(toA + 32, a2);
    addTo(toB + 32, b2);
  }
}

/** Adds a chunk to the sums of `count` rows and the first `width` radial functions. */
export function addSums(
  rows: usize,
  stride: usize,
  count: i32,
  radial: usize,
  radialStride: usize,
  neighbors: i32,
  width: i32,
  sums: usize,
  sumStride: usize,
  spare: usize,
): void {
  for (let q = 0; q < count; q += 2) {
    const a = rows + <usize>q * stride;
    const last = q + 1 === count;
    const b = last ? a : a + stride;
    let toA = sums + <usize>q * sumStride;
    let toB = last ? spare : toA + sumStride;
    let from = radial;
    let left = width;
    while (left > 0) {
      const tile = left === 2 || left === 4 ? 2 : min(left, 3);
      if (tile === 1) sumTile<One>(a, b, from, radialStride, neighbors, toA, toB);
      else if (tile === 2) sumTile<Two>(a, b, from, radialStride, neighbors, toA, toB);
      else sumTile<Three>(a, b, from, radialStride, neighbors, toA, toB);
      const bytes = (<usize>tile) << 4;
      from += bytes;
      toA += bytes;
      toB += bytes;
      left -= tile;
    }
  }
}
