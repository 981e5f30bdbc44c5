// Forces of a block of neighbours from the derivatives by the atomic base.
//
//   C_lm = Σ_n ∂E/∂A_nlm R_nl and C'_lm = Σ_n ∂E/∂A_nlm dR_nl/dw, matrix products with values and slopes side by side;
//   along   Σ_lm C'_lm · Y_lm, and the slopes of single functions and of the core
//   across  Σ_lm C_lm · ∇Y_lm: with e = (x + iy)^m, ∂e/∂x = m e_{m−1}, ∂e/∂y = i m e_{m−1}, and dQ_lm/dz = Q_{l,m+1}
//
// `contracted` holds C and C' as long rows, m outer, l ≥ m inner, for m > 0 Re and Im.

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
  IMAGINARY,
  LONG_ROW,
  NODE,
  ROW,
} from './records';
import { coreRow } from './radial';

/** Rows of Re and Im of C and C' for one (l, m): `count` derivatives from `weight` on times as many rows of R. */
function contractComplex(count: i32, weight: usize, radial: usize, bytes: usize, out: usize): void {
  const end = weight + <usize>count * NODE;
  for (const last = radial + bytes; radial < last; radial += 64, out += 64) {
    let r0 = f64x2.splat(0);
    let r1 = f64x2.splat(0);
    let r2 = f64x2.splat(0);
    let r3 = f64x2.splat(0);
    let i0 = f64x2.splat(0);
    let i1 = f64x2.splat(0);
    let i2 = f64x2.splat(0);
    let i3 = f64x2.splat(0);
    let row = radial;
    for (let w = weight; w < end; w += NODE, row += LONG_ROW) {
      const re = v128.load64_splat(w);
      const im = v128.load64_splat(w, IMAGINARY);
      const a = v128.load(row);
      const b = v128.load(row, 16);
      const c = v128.load(row, 32);
      const d = v128.load(row, 48);
      r0 = madd(re, a, r0);
      i0 = madd(im, a, i0);
      r1 = madd(re, b, r1);
      i1 = madd(im, b, i1);
      r2 = madd(re, c, r2);
      i2 = madd(im, c, i2);
      r3 = madd(re, d, r3);
      i3 = madd(im, d, i3);
    }
    v128.store(out, r0);
    v128.store(out, r1, 16);
    v128.store(out, r2, 32);
    v128.store(out, r3, 48);
    v128.store(out, i0, LONG_ROW);
    v128.store(out, i1, LONG_ROW + 16);
    v128.store(out, i2, LONG_ROW + 32);
    v128.store(out, i3, LONG_ROW + 48);
  }
}

/** The same for m = 0, where there is no imaginary part. */
function contractReal(count: i32, weight: usize, radial: usize, bytes: usize, out: usize): void {
  const end = weight + <usize>count * NODE;
  for (const last = radial + bytes; radial < last; radial += 64, out += 64) {
    let r0 = f64x2.splat(0);
    let r1 = f64x2.splat(0);
    let r2 = f64x2.splat(0);
    let r3 = f64x2.splat(0);
    let row = radial;
    for (let w = weight; w < end; w += NODE, row += LONG_ROW) {
      const re = v128.load64_splat(w);
      r0 = madd(re, v128.load(row), r0);
      r1 = madd(re, v128.load(row, 16), r1);
      r2 = madd(re, v128.load(row, 32), r2);
      r3 = madd(re, v128.load(row, 48), r3);
    }
    v128.store(out, r0);
    v128.store(out, r1, 16);
    v128.store(out, r2, 32);
    v128.store(out, r3, 48);
  }
}

/** Fills `contracted` for one lane. */
function contract(evaluator: Evaluator, bond: Bond, block: usize, lane: i32): void {
  const lmax = bond.lmax;
  const bytes: usize = 32 * <usize>load<i32>(block, BLOCK_PAIRS);
  const adjoint = evaluator.adjoint + 8 * <usize>lane;
  for (let l = 0; l <= lmax; l++) {
    const momentum = bond.momenta + 12 * <usize>l;
    const radial = block + BLOCK_RADIAL + <usize>load<i32>(momentum) * LONG_ROW;
    const count = load<i32>(momentum, 4);
    const step = <usize>count * NODE;
    let weight = adjoint + <usize>load<i32>(momentum, 8);
    contractReal(count, weight, radial, bytes, evaluator.contracted + <usize>l * LONG_ROW);
    let first = evaluator.contracted + <usize>(lmax + 1) * LONG_ROW;
    for (let m = 1; m <= l; m++) {
      weight += step;
      contractComplex(count, weight, radial, bytes, first + <usize>(2 * (l - m)) * LONG_ROW);
      first += <usize>(2 * (lmax + 1 - m)) * LONG_ROW;
    }
  }
}

/** Sums C and C' over l and m into `gradients`: derivatives by x, y, z of the unit vector, and along by w. */
function sumHarmonics(evaluator: Evaluator, block: usize, lmax: i32): void {
  const bytes: usize = 16 * <usize>load<i32>(block, BLOCK_PAIRS);
  const height = <usize>(lmax + 1);
  for (let k: usize = 0; k < bytes; k += 16) {
    let gx = f64x2.splat(0);
    let gy = f64x2.splat(0);
    let gz = f64x2.splat(0);
    let c = evaluator.contracted + k;
    let q = evaluator.legendre + k;
    let along = f64x2.mul(v128.load(c + bytes), v128.load(q));
    // Q_{l,m+1} stands where the next m has l.
    let next = q + height * ROW;
    for (const end = next; q + ROW < end; next += ROW) {
      q += ROW;
      c += LONG_ROW;
      along = madd(v128.load(c + bytes), v128.load(q), along);
      gz = madd(v128.load(c), v128.load(next), gz);
    }
    q += ROW;
    c += LONG_ROW;
    let power = evaluator.powers + k;
    let lowRe = f64x2.splat(1);
    let lowIm = f64x2.splat(0);
    for (let m: usize = 1; m < height; m++, power += 2 * ROW) {
      next = q + (height - m) * ROW;
      let legendre = v128.load(q);
      let re = v128.load(c);
      let im = v128.load(c, LONG_ROW);
      let flatRe = f64x2.mul(re, legendre);
      let flatIm = f64x2.mul(im, legendre);
      let alongRe = f64x2.mul(v128.load(c + bytes), legendre);
      let alongIm = f64x2.mul(v128.load(c + bytes, LONG_ROW), legendre);
      let steepRe = f64x2.splat(0);
      let steepIm = f64x2.splat(0);
      q += ROW;
      c += 2 * LONG_ROW;
      for (const end = next; q < end; q += ROW, next += ROW, c += 2 * LONG_ROW) {
        legendre = v128.load(q);
        const steep = v128.load(next);
        re = v128.load(c);
        im = v128.load(c, LONG_ROW);
        flatRe = madd(re, legendre, flatRe);
        flatIm = madd(im, legendre, flatIm);
        steepRe = madd(re, steep, steepRe);
        steepIm = madd(im, steep, steepIm);
        alongRe = madd(v128.load(c + bytes), legendre, alongRe);
        alongIm = madd(v128.load(c + bytes, LONG_ROW), legendre, alongIm);
      }
      const powerRe = v128.load(power);
      const powerIm = v128.load(power, ROW);
      along = madd(alongRe, powerRe, madd(alongIm, powerIm, along));
      gz = madd(steepRe, powerRe, madd(steepIm, powerIm, gz));
      const order = f64x2.splat(<f64>m);
      gx = madd(order, madd(flatRe, lowRe, f64x2.mul(flatIm, lowIm)), gx);
      gy = madd(order, f64x2.sub(f64x2.mul(flatIm, lowRe), f64x2.mul(flatRe, lowIm)), gy);
      lowRe = powerRe;
      lowIm = powerIm;
    }
    const out = evaluator.gradients + k;
    v128.store(out, gx);
    v128.store(out, gy, ROW);
    v128.store(out, gz, 2 * ROW);
    v128.store(out, along, 3 * ROW);
  }
}

/** Without products: only what is along the bond. */
function clearGradients(evaluator: Evaluator, bytes: usize): void {
  memory.fill(evaluator.gradients, 0, bytes);
  memory.fill(evaluator.gradients + ROW, 0, bytes);
  memory.fill(evaluator.gradients + 2 * ROW, 0, bytes);
  memory.fill(evaluator.gradients + 3 * ROW, 0, bytes);
}

/** Adds one force on a neighbour. */
function subtract(force: usize, x: f64, y: f64, z: f64): void {
  store<f64>(force, load<f64>(force) - x);
  store<f64>(force, load<f64>(force, 8) - y, 8);
  store<f64>(force, load<f64>(force, 16) - z, 16);
}

/** Makes forces and virial of the gradients of a block: those of slopes and core included. */
function scatter(evaluator: Evaluator, bond: Bond, block: usize, lane: i32, i: i32): void {
  const bytes: usize = 16 * <usize>load<i32>(block, BLOCK_PAIRS);
  const singles = block + BLOCK_RADIAL + <usize>bond.radials * LONG_ROW + bytes;
  const core = block + BLOCK_RADIAL + <usize>coreRow(bond) * LONG_ROW + bytes;
  const slope0 = v128.load64_splat(evaluator.slopes + 8 * <usize>lane);
  const slope1 = v128.load64_splat(evaluator.slopes + 8 * <usize>lane, 32);
  const coreSlope = v128.load64_splat(evaluator.coreSlopes + 8 * <usize>lane);
  const two = bond.densities > 1;
  const hasCore = bond.hasCore;
  const forces = evaluator.forces;
  const gradients = evaluator.gradients;
  let fx = f64x2.splat(0);
  let fy = f64x2.splat(0);
  let fz = f64x2.splat(0);
  let xx = f64x2.splat(0);
  let yy = f64x2.splat(0);
  let zz = f64x2.splat(0);
  let yz = f64x2.splat(0);
  let xz = f64x2.splat(0);
  let xy = f64x2.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) {
    const x = v128.load(block + k, BLOCK_X);
    const y = v128.load(block + k, BLOCK_Y);
    const z = v128.load(block + k, BLOCK_Z);
    const inverse = v128.load(block + k, BLOCK_INVERSE);
    let along = madd(slope0, v128.load(singles + k), v128.load(gradients + k, 3 * ROW));
    if (two) along = madd(slope1, v128.load(singles + k, LONG_ROW), along);
    if (hasCore) along = madd(coreSlope, v128.load(core + k), along);
    const ax = v128.load(gradients + k);
    const ay = v128.load(gradients + k, ROW);
    const az = v128.load(gradients + k, 2 * ROW);
    const radial = madd(x, ax, madd(y, ay, f64x2.mul(z, az)));
    along = f64x2.sub(f64x2.mul(along, v128.load(block + k, BLOCK_SCALE)), f64x2.mul(radial, inverse));
    const gx = madd(x, along, f64x2.mul(ax, inverse));
    const gy = madd(y, along, f64x2.mul(ay, inverse));
    const gz = madd(z, along, f64x2.mul(az, inverse));
    fx = f64x2.add(fx, gx);
    fy = f64x2.add(fy, gy);
    fz = f64x2.add(fz, gz);
    const r = v128.load(block + k, BLOCK_DISTANCE);
    const dx = f64x2.mul(r, x);
    const dy = f64x2.mul(r, y);
    const dz = f64x2.mul(r, z);
    xx = madd(gx, dx, xx);
    yy = madd(gy, dy, yy);
    zz = madd(gz, dz, zz);
    yz = madd(gy, dz, yz);
    xz = madd(gx, dz, xz);
    xy = madd(gx, dy, xy);
    const atoms = block + BLOCK_ATOMS + (k >> 1);
    subtract(
      forces + 24 * <usize>load<i32>(atoms),
      f64x2.extract_lane(gx, 0),
      f64x2.extract_lane(gy, 0),
      f64x2.extract_lane(gz, 0),
    );
    subtract(
      forces + 24 * <usize>load<i32>(atoms, 4),
      f64x2.extract_lane(gx, 1),
      f64x2.extract_lane(gy, 1),
      f64x2.extract_lane(gz, 1),
    );
  }
  subtract(forces + 24 * <usize>i, -sum(fx), -sum(fy), -sum(fz));
  const virial = evaluator.virial;
  store<f64>(virial, load<f64>(virial) - sum(xx));
  store<f64>(virial, load<f64>(virial, 8) - sum(yy), 8);
  store<f64>(virial, load<f64>(virial, 16) - sum(zz), 16);
  store<f64>(virial, load<f64>(virial, 24) - sum(yz), 24);
  store<f64>(virial, load<f64>(virial, 32) - sum(xz), 32);
  store<f64>(virial, load<f64>(virial, 40) - sum(xy), 40);
}

function sum(pair: v128): f64 {
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}

/** Adds forces and virial of a block of atom i. `legendre` and `powers` are those of the block. */
export function addForces(evaluator: Evaluator, block: usize, lane: i32, i: i32): void {
  const bond = changetype<Bond>(load<usize>(block, BLOCK_BOND));
  if (bond.lmax >= 0) {
    contract(evaluator, bond, block, lane);
    sumHarmonics(evaluator, block, bond.lmax);
  } else {
    clearGradients(evaluator, 16 * <usize>load<i32>(block, BLOCK_PAIRS));
  }
  scatter(evaluator, bond, block, lane, i);
}

/** Adds the force and virial of a slope by the distance of neighbour k of a block of atom i. */
export function addRadially(evaluator: Evaluator, block: usize, k: i32, slope: f64, i: i32): void {
  const at = block + 8 * <usize>k;
  const x = load<f64>(at, BLOCK_X);
  const y = load<f64>(at, BLOCK_Y);
  const z = load<f64>(at, BLOCK_Z);
  const r = load<f64>(at, BLOCK_DISTANCE) * slope;
  const j = load<i32>(block + BLOCK_ATOMS + 4 * <usize>k);
  subtract(evaluator.forces + 24 * <usize>j, slope * x, slope * y, slope * z);
  subtract(evaluator.forces + 24 * <usize>i, -slope * x, -slope * y, -slope * z);
  const virial = evaluator.virial;
  store<f64>(virial, load<f64>(virial) - r * x * x);
  store<f64>(virial, load<f64>(virial, 8) - r * y * y, 8);
  store<f64>(virial, load<f64>(virial, 16) - r * z * z, 16);
  store<f64>(virial, load<f64>(virial, 24) - r * y * z, 24);
  store<f64>(virial, load<f64>(virial, 32) - r * x * z, 32);
  store<f64>(virial, load<f64>(virial, 40) - r * x * y, 40);
}
