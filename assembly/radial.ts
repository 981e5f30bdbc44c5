// Geometry and radial functions of a block of neighbours: piecewise polynomials by Horner, value and slope in one pass.
//
// Two neighbours times four functions are eight independent chains. Coefficients of a bin are one sequential stream.

import { madd } from './madd';
import {
  BLOCK_ATOMS,
  BLOCK_BOND,
  BLOCK_DISTANCE,
  BLOCK_INVERSE,
  BLOCK_PAIRS,
  BLOCK_RADIAL,
  BLOCK_SCALE,
  BLOCK_X,
  BLOCK_Y,
  BLOCK_Z,
  Bond,
  Evaluator,
  LONG_ROW,
  ROW,
} from './records';

/** Sets up a block of `count` neighbours, a multiple of 4, gathered from `place` on. */
export function fillBlock(
  evaluator: Evaluator,
  bond: Bond,
  block: usize,
  place: usize,
  atoms: usize,
  count: i32,
): void {
  store<usize>(block, changetype<usize>(bond), BLOCK_BOND);
  store<i32>(block, count >> 1, BLOCK_PAIRS);
  memory.copy(block + BLOCK_ATOMS, atoms, 4 * <usize>count);
  locate(evaluator, bond, block, place, count >> 1);
  evaluateTable(evaluator, bond, block, count >> 1);
  if (bond.hasCore) divideCore(bond, block, count >> 1);
}

/** Unit vectors and distances; the bin of each neighbour, its dw/dr, and w. */
function locate(evaluator: Evaluator, bond: Bond, block: usize, place: usize, pairs: i32): void {
  const capacity: usize = 8 * <usize>evaluator.capacity;
  const segments = bond.segments;
  const lastSegment = segments + 24 * <usize>(bond.segmentCount - 1);
  const binBytes = i32x4.splat((bond.functions >> 2) * (bond.degree + 1) * 32);
  const table = i32x4.splat(<i32>bond.table);
  const one = f64x2.splat(1);
  const bins = evaluator.bins;
  for (let k: usize = 0, end: usize = 16 * <usize>pairs; k < end; k += 16) {
    const x = v128.load(place + k);
    const y = v128.load(place + capacity + k);
    const z = v128.load(place + 2 * capacity + k);
    const r = f64x2.sqrt(madd(x, x, madd(y, y, f64x2.mul(z, z))));
    const inverse = f64x2.div(one, r);
    v128.store(block + k, f64x2.mul(x, inverse), BLOCK_X);
    v128.store(block + k, f64x2.mul(y, inverse), BLOCK_Y);
    v128.store(block + k, f64x2.mul(z, inverse), BLOCK_Z);
    v128.store(block + k, r, BLOCK_DISTANCE);
    v128.store(block + k, inverse, BLOCK_INVERSE);
    let start = v128.load64_splat(segments);
    let scale = v128.load64_splat(segments, 8);
    let first = v128.load64_splat(segments, 16);
    for (let s = segments + 24; s <= lastSegment; s += 24) {
      const next = v128.load64_splat(s);
      const beyond = f64x2.ge(r, next);
      start = v128.bitselect(next, start, beyond);
      scale = v128.bitselect(v128.load64_splat(s, 8), scale, beyond);
      first = v128.bitselect(v128.load64_splat(s, 16), first, beyond);
    }
    // The shortest distance may round to just below the start of the table.
    const position = f64x2.max(f64x2.mul(f64x2.sub(r, start), scale), f64x2.splat(0));
    const bin = f64x2.floor(position);
    const half = f64x2.sub(position, bin);
    v128.store(block + k, f64x2.add(scale, scale), BLOCK_SCALE);
    v128.store(bins + k, f64x2.sub(f64x2.add(half, half), one));
    const number = i32x4.trunc_sat_f64x2_s_zero(f64x2.add(bin, first));
    v128.store64_lane(bins + ROW + (k >> 1), i32x4.add(i32x4.mul(number, binBytes), table), 0);
  }
}

/** Values and slopes of every function. */
function evaluateTable(evaluator: Evaluator, bond: Bond, block: usize, pairs: i32): void {
  const bins = evaluator.bins;
  const slopes: usize = 16 * <usize>pairs;
  const powers: usize = 32 * <usize>bond.degree;
  const functions = <usize>bond.functions * LONG_ROW;
  for (let k: usize = 0; k < slopes; k += 16) {
    const w = v128.load(bins + k);
    const w0 = v128.shuffle<f64>(w, w, 0, 0);
    const w1 = v128.shuffle<f64>(w, w, 1, 1);
    let t0 = load<usize>(bins + ROW + (k >> 1));
    let t1 = load<usize>(bins + ROW + (k >> 1), 4);
    let row = block + BLOCK_RADIAL + k;
    for (const last = row + functions; row < last; row += 4 * LONG_ROW) {
      let da = v128.load(t0);
      let db = v128.load(t1);
      let dc = v128.load(t0, 16);
      let dd = v128.load(t1, 16);
      let va = madd(da, w0, v128.load(t0, 32));
      let vb = madd(db, w1, v128.load(t1, 32));
      let vc = madd(dc, w0, v128.load(t0, 48));
      let vd = madd(dd, w1, v128.load(t1, 48));
      const end = t0 + powers;
      t0 += 32;
      t1 += 32;
      while (t0 < end) {
        t0 += 32;
        t1 += 32;
        da = madd(da, w0, va);
        va = madd(va, w0, v128.load(t0));
        db = madd(db, w1, vb);
        vb = madd(vb, w1, v128.load(t1));
        dc = madd(dc, w0, vc);
        vc = madd(vc, w0, v128.load(t0, 16));
        dd = madd(dd, w1, vd);
        vd = madd(vd, w1, v128.load(t1, 16));
      }
      t0 += 32;
      t1 += 32;
      v128.store(row, v128.shuffle<f64>(va, vb, 0, 2));
      v128.store(row, v128.shuffle<f64>(va, vb, 1, 3), LONG_ROW);
      v128.store(row, v128.shuffle<f64>(vc, vd, 0, 2), 2 * LONG_ROW);
      v128.store(row, v128.shuffle<f64>(vc, vd, 1, 3), 3 * LONG_ROW);
      const slope = row + slopes;
      v128.store(slope, v128.shuffle<f64>(da, db, 0, 2));
      v128.store(slope, v128.shuffle<f64>(da, db, 1, 3), LONG_ROW);
      v128.store(slope, v128.shuffle<f64>(dc, dd, 0, 2), 2 * LONG_ROW);
      v128.store(slope, v128.shuffle<f64>(dc, dd, 1, 3), 3 * LONG_ROW);
    }
  }
}

/** Turns r times the core into the core. */
function divideCore(bond: Bond, block: usize, pairs: i32): void {
  const bytes: usize = 16 * <usize>pairs;
  const row = block + BLOCK_RADIAL + <usize>coreRow(bond) * LONG_ROW;
  for (let k: usize = 0; k < bytes; k += 16) {
    const inverse = v128.load(block + k, BLOCK_INVERSE);
    const core = f64x2.mul(v128.load(row + k), inverse);
    const slope = v128.load(row + bytes + k);
    v128.store(row + k, core);
    v128.store(
      row + bytes + k,
      f64x2.mul(f64x2.sub(slope, f64x2.div(core, v128.load(block + k, BLOCK_SCALE))), inverse),
    );
  }
}

/** Which function of a bond is its core. */
export function coreRow(bond: Bond): i32 {
  return bond.radials + bond.densities;
}

/** Sum of a function over a block. */
export function sumRow(block: usize, row: i32): f64 {
  const bytes: usize = 16 * <usize>load<i32>(block, BLOCK_PAIRS);
  const start = block + BLOCK_RADIAL + <usize>row * LONG_ROW;
  let sum = f64x2.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) sum = f64x2.add(sum, v128.load(start + k));
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}
