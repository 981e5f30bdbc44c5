// Products of the atomic base for the atoms of a batch, and the densities that edges between nodes make of them:
//
//   ρ_p = Σ_h Re h Re S_hp + Im h Im S_hp,  S_hp = Σ_b c_p (Re b, ± Im b)
//
// A product and its conjugate are one node. Edges come in rows, once by head and once by tail, so that both directions are
// gathers into registers: byte offset of the node that the row belongs to; numbers of edges whose imaginary part counts
// with +, with −, and not at all, in this order; byte offsets of the other ends. Coefficients stand in the same order.

import { madd, nmadd } from './madd';
import { One, Two } from './number-types';
import { Element, Evaluator, IMAGINARY, NODE } from './records';

/** Two lanes of left · right, or of left · conj right. */
function multiplyLanes(conjugated: bool, left: usize, right: usize, out: usize): void {
  const ar = v128.load(left);
  const ai = v128.load(left, IMAGINARY);
  const br = v128.load(right);
  const bi = v128.load(right, IMAGINARY);
  if (conjugated) {
    v128.store(out, madd(ai, bi, f64x2.mul(ar, br)));
    v128.store(out, nmadd(ar, bi, f64x2.mul(ai, br)), IMAGINARY);
  } else {
    v128.store(out, nmadd(ai, bi, f64x2.mul(ar, br)));
    v128.store(out, madd(ai, br, f64x2.mul(ar, bi)), IMAGINARY);
  }
}

/** Computes every product from the components. */
export function computeProducts(evaluator: Evaluator, element: Element): void {
  const nodes = evaluator.nodes;
  let out = nodes + <usize>element.components * NODE;
  let product = element.products;
  for (const end = nodes + <usize>element.nodes * NODE; out < end; out += NODE, product += 12) {
    const left = nodes + <usize>load<i32>(product);
    const right = nodes + <usize>load<i32>(product, 4);
    if (load<i32>(product, 8)) {
      multiplyLanes(true, left, right, out);
      multiplyLanes(true, left + 16, right + 16, out + 16);
    } else {
      multiplyLanes(false, left, right, out);
      multiplyLanes(false, left + 16, right + 16, out + 16);
    }
  }
}

/** Adds the N densities, one or two, of the edges and keeps the sums S. */
function sumEdges<N>(evaluator: Evaluator, element: Element): void {
  const nodes = evaluator.nodes;
  const out = evaluator.densities;
  let rho0 = v128.load(out);
  let rho1 = v128.load(out, 16);
  let rho2 = v128.load(out, 32);
  let rho3 = v128.load(out, 48);
  let row = element.heads;
  let coefficient = element.headCoefficients;
  let sums = evaluator.sums;
  for (let k = 0, rows = element.headRows; k < rows; k++) {
    const head = nodes + <usize>load<i32>(row);
    const plus = row + 16 + 4 * <usize>load<i32>(row, 4);
    const minus = plus + 4 * <usize>load<i32>(row, 8);
    const real = minus + 4 * <usize>load<i32>(row, 12);
    row += 16;
    let r0 = f64x2.splat(0);
    let r1 = f64x2.splat(0);
    let i0 = f64x2.splat(0);
    let i1 = f64x2.splat(0);
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let j0 = f64x2.splat(0);
    let j1 = f64x2.splat(0);
    for (; row < plus; row += 4) {
      const b = nodes + <usize>load<i32>(row);
      const c = v128.load64_splat(coefficient);
      const re0 = v128.load(b);
      const re1 = v128.load(b, 16);
      const im0 = v128.load(b, 32);
      const im1 = v128.load(b, 48);
      r0 = madd(c, re0, r0);
      r1 = madd(c, re1, r1);
      i0 = madd(c, im0, i0);
      i1 = madd(c, im1, i1);
      if (offsetof<N>() > 1) {
        const d = v128.load64_splat(coefficient, 8);
        s0 = madd(d, re0, s0);
        s1 = madd(d, re1, s1);
        j0 = madd(d, im0, j0);
        j1 = madd(d, im1, j1);
      }
      coefficient += 8 * offsetof<N>();
    }
    for (; row < minus; row += 4) {
      const b = nodes + <usize>load<i32>(row);
      const c = v128.load64_splat(coefficient);
      const re0 = v128.load(b);
      const re1 = v128.load(b, 16);
      const im0 = v128.load(b, 32);
      const im1 = v128.load(b, 48);
      r0 = madd(c, re0, r0);
      r1 = madd(c, re1, r1);
      i0 = nmadd(c, im0, i0);
      i1 = nmadd(c, im1, i1);
      if (offsetof<N>() > 1) {
        const d = v128.load64_splat(coefficient, 8);
        s0 = madd(d, re0, s0);
        s1 = madd(d, re1, s1);
        j0 = nmadd(d, im0, j0);
        j1 = nmadd(d, im1, j1);
      }
      coefficient += 8 * offsetof<N>();
    }
    for (; row < real; row += 4) {
      const b = nodes + <usize>load<i32>(row);
      const c = v128.load64_splat(coefficient);
      const re0 = v128.load(b);
      const re1 = v128.load(b, 16);
      r0 = madd(c, re0, r0);
      r1 = madd(c, re1, r1);
      if (offsetof<N>() > 1) {
        const d = v128.load64_splat(coefficient, 8);
        s0 = madd(d, re0, s0);
        s1 = madd(d, re1, s1);
      }
      coefficient += 8 * offsetof<N>();
    }
    const re0 = v128.load(head);
    const re1 = v128.load(head, 16);
    const im0 = v128.load(head, 32);
    const im1 = v128.load(head, 48);
    rho0 = madd(re0, r0, madd(im0, i0, rho0));
    rho1 = madd(re1, r1, madd(im1, i1, rho1));
    v128.store(sums, r0);
    v128.store(sums, r1, 16);
    v128.store(sums, i0, 32);
    v128.store(sums, i1, 48);
    sums += NODE;
    if (offsetof<N>() > 1) {
      rho2 = madd(re0, s0, madd(im0, j0, rho2));
      rho3 = madd(re1, s1, madd(im1, j1, rho3));
      v128.store(sums, s0);
      v128.store(sums, s1, 16);
      v128.store(sums, j0, 32);
      v128.store(sums, j1, 48);
      sums += NODE;
    }
  }
  v128.store(out, rho0);
  v128.store(out, rho1, 16);
  v128.store(out, rho2, 32);
  v128.store(out, rho3, 48);
}

/** Adds the densities of products of two factors and more. */
export function addDensities(evaluator: Evaluator, element: Element): void {
  if (element.densities === 1) sumEdges<One>(evaluator, element);
  else sumEdges<Two>(evaluator, element);
}

/** Derivatives of N densities by heads, from the sums, and by tails, from the edges. */
function differentiateEdges<N>(evaluator: Evaluator, element: Element): void {
  const nodes = evaluator.nodes;
  const adjoint = evaluator.adjoint;
  const slopes = evaluator.slopes;
  const f0 = v128.load(slopes);
  const f1 = v128.load(slopes, 16);
  const g0 = v128.load(slopes, 32);
  const g1 = v128.load(slopes, 48);
  let row = element.heads;
  let sums = evaluator.sums;
  for (let k = 0, rows = element.headRows; k < rows; k++) {
    const head = adjoint + <usize>load<i32>(row);
    row += 16 + 4 * <usize>(load<i32>(row, 4) + load<i32>(row, 8) + load<i32>(row, 12));
    let r0 = f64x2.mul(f0, v128.load(sums));
    let r1 = f64x2.mul(f1, v128.load(sums, 16));
    let i0 = f64x2.mul(f0, v128.load(sums, 32));
    let i1 = f64x2.mul(f1, v128.load(sums, 48));
    sums += NODE;
    if (offsetof<N>() > 1) {
      r0 = madd(g0, v128.load(sums), r0);
      r1 = madd(g1, v128.load(sums, 16), r1);
      i0 = madd(g0, v128.load(sums, 32), i0);
      i1 = madd(g1, v128.load(sums, 48), i1);
      sums += NODE;
    }
    v128.store(head, r0);
    v128.store(head, r1, 16);
    v128.store(head, i0, 32);
    v128.store(head, i1, 48);
  }
  row = element.tails;
  let coefficient = element.tailCoefficients;
  for (let k = 0, rows = element.tailRows; k < rows; k++) {
    const tail = adjoint + <usize>load<i32>(row);
    const plus = row + 16 + 4 * <usize>load<i32>(row, 4);
    const minus = plus + 4 * <usize>load<i32>(row, 8);
    const real = minus + 4 * <usize>load<i32>(row, 12);
    row += 16;
    let r0 = v128.load(tail);
    let r1 = v128.load(tail, 16);
    let i0 = v128.load(tail, 32);
    let i1 = v128.load(tail, 48);
    for (; row < plus; row += 4) {
      const h = nodes + <usize>load<i32>(row);
      const c = v128.load64_splat(coefficient);
      let w0 = f64x2.mul(c, f0);
      let w1 = f64x2.mul(c, f1);
      if (offsetof<N>() > 1) {
        const d = v128.load64_splat(coefficient, 8);
        w0 = madd(d, g0, w0);
        w1 = madd(d, g1, w1);
      }
      r0 = madd(w0, v128.load(h), r0);
      r1 = madd(w1, v128.load(h, 16), r1);
      i0 = madd(w0, v128.load(h, 32), i0);
      i1 = madd(w1, v128.load(h, 48), i1);
      coefficient += 8 * offsetof<N>();
    }
    for (; row < minus; row += 4) {
      const h = nodes + <usize>load<i32>(row);
      const c = v128.load64_splat(coefficient);
      let w0 = f64x2.mul(c, f0);
      let w1 = f64x2.mul(c, f1);
      if (offsetof<N>() > 1) {
        const d = v128.load64_splat(coefficient, 8);
        w0 = madd(d, g0, w0);
        w1 = madd(d, g1, w1);
      }
      r0 = madd(w0, v128.load(h), r0);
      r1 = madd(w1, v128.load(h, 16), r1);
      i0 = nmadd(w0, v128.load(h, 32), i0);
      i1 = nmadd(w1, v128.load(h, 48), i1);
      coefficient += 8 * offsetof<N>();
    }
    for (; row < real; row += 4) {
      const h = nodes + <usize>load<i32>(row);
      const c = v128.load64_splat(coefficient);
      let w0 = f64x2.mul(c, f0);
      let w1 = f64x2.mul(c, f1);
      if (offsetof<N>() > 1) {
        const d = v128.load64_splat(coefficient, 8);
        w0 = madd(d, g0, w0);
        w1 = madd(d, g1, w1);
      }
      r0 = madd(w0, v128.load(h), r0);
      r1 = madd(w1, v128.load(h, 16), r1);
      coefficient += 8 * offsetof<N>();
    }
    v128.store(tail, r0);
    v128.store(tail, r1, 16);
    v128.store(tail, i0, 32);
    v128.store(tail, i1, 48);
  }
}

/** What a factor is to a product, and whether the other factor is real. */
class Left {}
class LeftOfConjugate {}
class Conjugated {}
class BesideReal {}

/** Adds two lanes of the derivatives by a factor: those by the product times what stands beside the factor. */
function passOn<Role>(product: usize, other: usize, factor: usize): void {
  const wr = v128.load(product);
  const wi = v128.load(product, IMAGINARY);
  const or = v128.load(other);
  let re = madd(wr, or, v128.load(factor));
  let im = v128.load(factor, IMAGINARY);
  if (idof<Role>() === idof<Conjugated>()) im = nmadd(wi, or, im);
  else im = madd(wi, or, im);
  if (idof<Role>() !== idof<BesideReal>()) {
    const oi = v128.load(other, IMAGINARY);
    if (idof<Role>() === idof<LeftOfConjugate>()) re = nmadd(wi, oi, re);
    else re = madd(wi, oi, re);
    if (idof<Role>() === idof<Left>()) im = nmadd(wr, oi, im);
    else im = madd(wr, oi, im);
  }
  v128.store(factor, re);
  v128.store(factor, im, IMAGINARY);
}

/** One run of the products of a factor. */
function passOnRun<Role>(from: usize, to: usize, nodes: usize, adjoint: usize, factor: usize): void {
  for (; from < to; from += 8) {
    const product = adjoint + <usize>load<i32>(from);
    const other = nodes + <usize>load<i32>(from, 4);
    passOn<Role>(product, other, factor);
    passOn<Role>(product + 16, other + 16, factor + 16);
  }
}

/** Derivatives by all factors of products, those made last first. */
function differentiateProducts(evaluator: Evaluator, element: Element): void {
  const nodes = evaluator.nodes;
  const adjoint = evaluator.adjoint;
  let row = element.factors;
  for (let k = 0, rows = element.factorRows; k < rows; k++) {
    const factor = adjoint + <usize>load<i32>(row);
    const left = row + 20 + 8 * <usize>load<i32>(row, 4);
    const leftOfConjugate = left + 8 * <usize>load<i32>(row, 8);
    const conjugated = leftOfConjugate + 8 * <usize>load<i32>(row, 12);
    const besideReal = conjugated + 8 * <usize>load<i32>(row, 16);
    passOnRun<Left>(row + 20, left, nodes, adjoint, factor);
    passOnRun<LeftOfConjugate>(left, leftOfConjugate, nodes, adjoint, factor);
    passOnRun<Conjugated>(leftOfConjugate, conjugated, nodes, adjoint, factor);
    passOnRun<BesideReal>(conjugated, besideReal, nodes, adjoint, factor);
    row = besideReal;
  }
}

/** Derivatives of the energy by every node, given those by the densities. */
export function differentiate(evaluator: Evaluator, element: Element): void {
  memory.fill(evaluator.adjoint, 0, <usize>element.nodes * NODE);
  if (element.densities === 1) differentiateEdges<One>(evaluator, element);
  else differentiateEdges<Two>(evaluator, element);
  differentiateProducts(evaluator, element);
}
