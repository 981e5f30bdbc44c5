// Unnormalised harmonics of a block of neighbours, Y_lm = Q_lm(z) (x + iy)^m with m ≥ 0: Q_lm is the m-th derivative of the
// monic Legendre polynomial of degree l, so that dQ_lm/dz = Q_{l,m+1}. Their norms belong to the coefficients of products.
//
//   legendre    rows of Q_lm, m outer, l ≥ m inner
//   powers      rows of Re and Im of (x + iy)^m, m = 1 …
//   harmonics   rows of Re and Im of Y_lm, m = 1 …, l ≥ m inner; those of m = 0 are the first of `legendre`

import { madd } from './madd';
import { BLOCK_PAIRS, BLOCK_X, BLOCK_Y, BLOCK_Z, Evaluator, ROW } from './records';

function fillRow(row: usize, bytes: usize, value: f64): void {
  const all = f64x2.splat(value);
  for (let k: usize = 0; k < bytes; k += 16) v128.store(row + k, all);
}

/** Q_lm = a z Q_{l−1,m} − b Q_{l−2,m}. @param row of Q_lm; the others stand before it */
function nextLegendre(row: usize, z: usize, bytes: usize, a: f64, b: f64): void {
  const ahead = f64x2.splat(a);
  const back = f64x2.splat(b);
  for (const end = row + bytes; row < end; row += 16, z += 16) {
    const raised = f64x2.mul(f64x2.mul(ahead, v128.load(z)), v128.load(row - ROW));
    v128.store(row, f64x2.sub(raised, f64x2.mul(back, v128.load(row - 2 * ROW))));
  }
}

/** Q_{m+1,m} = a z Q_mm. */
function secondLegendre(row: usize, z: usize, bytes: usize, a: f64): void {
  const ahead = f64x2.splat(a);
  for (const end = row + bytes; row < end; row += 16, z += 16) v128.store(row, f64x2.mul(ahead, v128.load(z)));
}

/** (x + iy)^m from the power before, both as Re and Im. */
function nextPower(row: usize, x: usize, y: usize, bytes: usize): void {
  for (const end = row + bytes; row < end; row += 16, x += 16, y += 16) {
    const re = v128.load(row - 2 * ROW);
    const im = v128.load(row - ROW);
    const u = v128.load(x);
    const v = v128.load(y);
    v128.store(row, f64x2.sub(f64x2.mul(re, u), f64x2.mul(im, v)));
    v128.store(row, madd(re, v, f64x2.mul(im, u)), ROW);
  }
}

/** Fills `legendre` and `powers` for a block. */
export function computeFactors(evaluator: Evaluator, block: usize, lmax: i32): void {
  const bytes: usize = 16 * <usize>load<i32>(block, BLOCK_PAIRS);
  let row = evaluator.legendre;
  let factorial = 1.0;
  for (let m = 0; m <= lmax; m++) {
    if (m > 0) factorial *= <f64>m;
    fillRow(row, bytes, factorial);
    row += ROW;
    const recursion = evaluator.recursion + 16 * <usize>(m * (evaluator.lmax + 1));
    for (let l = m + 1; l <= lmax; l++, row += ROW) {
      const a = load<f64>(recursion + 16 * <usize>l);
      if (l === m + 1) secondLegendre(row, block + BLOCK_Z, bytes, a * factorial);
      else nextLegendre(row, block + BLOCK_Z, bytes, a, load<f64>(recursion + 16 * <usize>l, 8));
    }
  }
  if (lmax < 1) return;
  row = evaluator.powers;
  memory.copy(row, block + BLOCK_X, bytes);
  memory.copy(row + ROW, block + BLOCK_Y, bytes);
  for (let m = 2; m <= lmax; m++) {
    row += 2 * ROW;
    nextPower(row, block + BLOCK_X, block + BLOCK_Y, bytes);
  }
}

/** Fills `harmonics` from `legendre` and `powers`. */
export function computeHarmonics(evaluator: Evaluator, block: usize, lmax: i32): void {
  const bytes: usize = 16 * <usize>load<i32>(block, BLOCK_PAIRS);
  let legendre = evaluator.legendre + <usize>(lmax + 1) * ROW;
  let row = evaluator.harmonics;
  let power = evaluator.powers;
  for (let m = 1; m <= lmax; m++, power += 2 * ROW) {
    for (let l = m; l <= lmax; l++, legendre += ROW, row += 2 * ROW) {
      for (let k: usize = 0; k < bytes; k += 16) {
        const q = v128.load(legendre + k);
        v128.store(row + k, f64x2.mul(q, v128.load(power + k)));
        v128.store(row + k, f64x2.mul(q, v128.load(power + k, ROW)), ROW);
      }
    }
  }
}
