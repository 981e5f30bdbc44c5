// The atomic base A_{μnlm} = Σ_j R_nl(r_j) Y_lm(r̂_j): for each (l, m) a small matrix product, rows of R times rows of Y.
//
// Up to six R_nl meet Re and Im of a harmonic at once; the sums are reduced to one number when the block is through.

import { madd } from './madd';
import { BLOCK_BOND, BLOCK_PAIRS, BLOCK_RADIAL, Bond, Evaluator, IMAGINARY, LONG_ROW, NODE, ROW } from './records';

/** Adds both lanes of a sum to the number at an address. */
// @ts-ignore: decorator
@inline
function addTo(address: usize, sum: v128): void {
  store<f64>(address, load<f64>(address) + (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)));
}

/** Adds `count` R_nl from `radial` on times Re and Im of `harmonic` to the nodes from `node` on. */
// @ts-ignore: decorator
@inline
function complexTile(count: i32, radial: usize, harmonic: usize, bytes: usize, node: usize): void {
  let a0 = f64x2.splat(0);
  let b0 = f64x2.splat(0);
  let a1 = f64x2.splat(0);
  let b1 = f64x2.splat(0);
  let a2 = f64x2.splat(0);
  let b2 = f64x2.splat(0);
  let a3 = f64x2.splat(0);
  let b3 = f64x2.splat(0);
  let a4 = f64x2.splat(0);
  let b4 = f64x2.splat(0);
  let a5 = f64x2.splat(0);
  let b5 = f64x2.splat(0);
  for (const end = radial + bytes; radial < end; radial += 16, harmonic += 16) {
    const re = v128.load(harmonic);
    const im = v128.load(harmonic, ROW);
    let r = v128.load(radial);
    a0 = madd(r, re, a0);
    b0 = madd(r, im, b0);
    if (count > 1) {
      r = v128.load(radial, LONG_ROW);
      a1 = madd(r, re, a1);
      b1 = madd(r, im, b1);
    }
    if (count > 2) {
      r = v128.load(radial, 2 * LONG_ROW);
      a2 = madd(r, re, a2);
      b2 = madd(r, im, b2);
    }
    if (count > 3) {
      r = v128.load(radial, 3 * LONG_ROW);
      a3 = madd(r, re, a3);
      b3 = madd(r, im, b3);
    }
    if (count > 4) {
      r = v128.load(radial, 4 * LONG_ROW);
      a4 = madd(r, re, a4);
      b4 = madd(r, im, b4);
    }
    if (count > 5) {
      r = v128.load(radial, 5 * LONG_ROW);
      a5 = madd(r, re, a5);
      b5 = madd(r, im, b5);
    }
  }
  addTo(node, a0);
  addTo(node + IMAGINARY, b0);
  if (count > 1) {
    addTo(node + NODE, a1);
    addTo(node + NODE + IMAGINARY, b1);
  }
  if (count > 2) {
    addTo(node + 2 * NODE, a2);
    addTo(node + 2 * NODE + IMAGINARY, b2);
  }
  if (count > 3) {
    addTo(node + 3 * NODE, a3);
    addTo(node + 3 * NODE + IMAGINARY, b3);
  }
  if (count > 4) {
    addTo(node + 4 * NODE, a4);
    addTo(node + 4 * NODE + IMAGINARY, b4);
  }
  if (count > 5) {
    addTo(node + 5 * NODE, a5);
    addTo(node + 5 * NODE + IMAGINARY, b5);
  }
}

/** The same for a harmonic of m = 0, which is real. */
// @ts-ignore: decorator
@inline
function realTile(count: i32, radial: usize, harmonic: usize, bytes: usize, node: usize): void {
  let a0 = f64x2.splat(0);
  let a1 = f64x2.splat(0);
  let a2 = f64x2.splat(0);
  let a3 = f64x2.splat(0);
  for (const end = radial + bytes; radial < end; radial += 16, harmonic += 16) {
    const re = v128.load(harmonic);
    a0 = madd(v128.load(radial), re, a0);
    if (count > 1) a1 = madd(v128.load(radial, LONG_ROW), re, a1);
    if (count > 2) a2 = madd(v128.load(radial, 2 * LONG_ROW), re, a2);
    if (count > 3) a3 = madd(v128.load(radial, 3 * LONG_ROW), re, a3);
  }
  addTo(node, a0);
  if (count > 1) addTo(node + NODE, a1);
  if (count > 2) addTo(node + 2 * NODE, a2);
  if (count > 3) addTo(node + 3 * NODE, a3);
}

function addComplex(count: i32, radial: usize, harmonic: usize, bytes: usize, node: usize): void {
  while (count > 6) {
    complexTile(4, radial, harmonic, bytes, node);
    radial += 4 * LONG_ROW;
    node += 4 * NODE;
    count -= 4;
  }
  if (count === 6) complexTile(6, radial, harmonic, bytes, node);
  else if (count === 5) complexTile(5, radial, harmonic, bytes, node);
  else if (count === 4) complexTile(4, radial, harmonic, bytes, node);
  else if (count === 3) complexTile(3, radial, harmonic, bytes, node);
  else if (count === 2) complexTile(2, radial, harmonic, bytes, node);
  else if (count === 1) complexTile(1, radial, harmonic, bytes, node);
}

function addReal(count: i32, radial: usize, harmonic: usize, bytes: usize, node: usize): void {
  while (count >= 4) {
    realTile(4, radial, harmonic, bytes, node);
    radial += 4 * LONG_ROW;
    node += 4 * NODE;
    count -= 4;
  }
  if (count === 3) realTile(3, radial, harmonic, bytes, node);
  else if (count === 2) realTile(2, radial, harmonic, bytes, node);
  else if (count === 1) realTile(1, radial, harmonic, bytes, node);
}

/** Adds a block, whose harmonics are computed, to the components of one lane. */
export function addToBase(evaluator: Evaluator, block: usize, lane: i32): void {
  const bond = changetype<Bond>(load<usize>(block, BLOCK_BOND));
  const bytes: usize = 16 * <usize>load<i32>(block, BLOCK_PAIRS);
  const lmax = bond.lmax;
  const nodes = evaluator.nodes + 8 * <usize>lane;
  for (let l = 0; l <= lmax; l++) {
    const momentum = bond.momenta + 12 * <usize>l;
    const radial = block + BLOCK_RADIAL + <usize>load<i32>(momentum) * LONG_ROW;
    const count = load<i32>(momentum, 4);
    const step = <usize>count * NODE;
    let node = nodes + <usize>load<i32>(momentum, 8);
    addReal(count, radial, evaluator.legendre + <usize>l * ROW, bytes, node);
    // Harmonics of m begin behind those of smaller m, and with l = m.
    let first = evaluator.harmonics;
    for (let m = 1; m <= l; m++) {
      node += step;
      addComplex(count, radial, first + <usize>(2 * (l - m)) * ROW, bytes, node);
      first += <usize>(2 * (lmax + 1 - m)) * ROW;
    }
  }
}
