// The atomic base A_{μnlm} = Σ_j R_nl(r_j) Y_lm(r̂_j): for each (l, m) a small matrix product, rows of R times rows of Y.
//
// Up to five R_nl meet Re and Im of a harmonic at once; the sums are reduced to one number when the block is through.

import { madd } from './madd';
import { Five, Three, Two } from './number-types';
import { BLOCK_BOND, BLOCK_PAIRS, BLOCK_RADIAL, Bond, Evaluator, IMAGINARY, LONG_ROW, NODE, ROW } from './records';

/** Adds both lanes of a sum to the number at an address. */
function addTo(address: usize, sum: v128): void {
  store<f64>(address, load<f64>(address) + (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)));
}

/** Adds N R_nl, two, three or five, from `radial` on times Re and Im of `harmonic` to the nodes from `node` on. */
function complexTile<N>(radial: usize, harmonic: usize, bytes: usize, node: usize): void {
  let a0 = f64x2.splat(0);
  let b0 = a0;
  let a1 = a0;
  let b1 = a0;
  let a2 = a0;
  let b2 = a0;
  let a3 = a0;
  let b3 = a0;
  let a4 = a0;
  let b4 = a0;
  for (const end = radial + bytes; radial < end; radial += 16, harmonic += 16) {
    const re = v128.load(harmonic);
    const im = v128.load(harmonic, ROW);
    let r = v128.load(radial);
    a0 = madd(r, re, a0);
    b0 = madd(r, im, b0);
    r = v128.load(radial, LONG_ROW);
    a1 = madd(r, re, a1);
    b1 = madd(r, im, b1);
    if (offsetof<N>() > 2) {
      r = v128.load(radial, 2 * LONG_ROW);
      a2 = madd(r, re, a2);
      b2 = madd(r, im, b2);
    }
    if (offsetof<N>() > 3) {
      r = v128.load(radial, 3 * LONG_ROW);
      a3 = madd(r, re, a3);
      b3 = madd(r, im, b3);
      r = v128.load(radial, 4 * LONG_ROW);
      a4 = madd(r, re, a4);
      b4 = madd(r, im, b4);
    }
  }
  addTo(node, a0);
  addTo(node + IMAGINARY, b0);
  addTo(node + NODE, a1);
  addTo(node + NODE + IMAGINARY, b1);
  if (offsetof<N>() > 2) {
    addTo(node + 2 * NODE, a2);
    addTo(node + 2 * NODE + IMAGINARY, b2);
  }
  if (offsetof<N>() > 3) {
    addTo(node + 3 * NODE, a3);
    addTo(node + 3 * NODE + IMAGINARY, b3);
    addTo(node + 4 * NODE, a4);
    addTo(node + 4 * NODE + IMAGINARY, b4);
  }
}

/** One R_nl times one row of harmonics. */
function oneReal(radial: usize, harmonic: usize, bytes: usize, node: usize): void {
  let a0 = f64x2.splat(0);
  for (const end = radial + bytes; radial < end; radial += 16, harmonic += 16) {
    a0 = madd(v128.load(radial), v128.load(harmonic), a0);
  }
  addTo(node, a0);
}

/** Four R_nl times one row of harmonics. */
function fourReal(radial: usize, harmonic: usize, bytes: usize, node: usize): void {
  let a0 = f64x2.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  for (const end = radial + bytes; radial < end; radial += 16, harmonic += 16) {
    const re = v128.load(harmonic);
    a0 = madd(v128.load(radial), re, a0);
    a1 = madd(v128.load(radial, LONG_ROW), re, a1);
    a2 = madd(v128.load(radial, 2 * LONG_ROW), re, a2);
    a3 = madd(v128.load(radial, 3 * LONG_ROW), re, a3);
  }
  addTo(node, a0);
  addTo(node + NODE, a1);
  addTo(node + 2 * NODE, a2);
  addTo(node + 3 * NODE, a3);
}

function addComplex(count: i32, radial: usize, harmonic: usize, bytes: usize, node: usize): void {
  while (count > 1) {
    const tile: usize = count === 2 || count === 4 ? 2 : count === 3 || count === 6 ? 3 : 5;
    if (tile === 2) complexTile<Two>(radial, harmonic, bytes, node);
    else if (tile === 3) complexTile<Three>(radial, harmonic, bytes, node);
    else complexTile<Five>(radial, harmonic, bytes, node);
    radial += tile * LONG_ROW;
    node += tile * NODE;
    count -= <i32>tile;
  }
  if (count === 0) return;
  oneReal(radial, harmonic, bytes, node);
  oneReal(radial, harmonic + ROW, bytes, node + IMAGINARY);
}

function addReal(count: i32, radial: usize, harmonic: usize, bytes: usize, node: usize): void {
  for (; count >= 4; count -= 4) {
    fourReal(radial, harmonic, bytes, node);
    radial += 4 * LONG_ROW;
    node += 4 * NODE;
  }
  for (; count > 0; count--) {
    oneReal(radial, harmonic, bytes, node);
    radial += LONG_ROW;
    node += NODE;
  }
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
