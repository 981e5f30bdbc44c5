import { edgeCoefficients, type HalfGraph } from './half-graph.ts';
import type { ProductFunction } from './product-basis.ts';

/** Edges of one sign in rows of one head each; all places are those of real parts in `values`. */
interface EdgeRows {
  readonly sign: number;
  /** [rows] head of each row, and [rows + 1] its first edge. */
  readonly heads: Int32Array;
  readonly first: Int32Array;
}

/**
 * Densities of one central element and their derivatives by A, for one atom at a time.
 *
 *   ρ_p = Σ_edges c_p (Re h Re b + sign Im h Im b)
 */
export class DensityGraph {
  readonly graph: HalfGraph;
  /** [2·nodes] Re and Im of every node; the caller writes A to the first 2·components. */
  readonly values: Float64Array;
  /** [2·nodes] derivatives of an energy by both; the first 2·components are those by A. */
  readonly adjoint: Float64Array;
  private readonly densities: number;
  /** [nodes − components] factors of each product, as places. */
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly rows: readonly EdgeRows[];
  /** [edges] tails as places, row by row. */
  private readonly tails: Int32Array;
  /** [densities, edges] coefficients c_p, and Σ_p ∂E/∂ρ_p c_p. */
  private readonly coefficients: Float64Array;
  private readonly folded: Float64Array;
  /** [edges] what a coefficient of each edge multiplies. */
  private readonly products: Float64Array;

  constructor(graph: HalfGraph, functions: readonly ProductFunction[], densities: number) {
    const { heads, tails, signs } = graph;
    const count = heads.length;
    const order = Array.from(heads.keys()).sort(
      (a, b) => signs[a]! - signs[b]! || heads[a]! - heads[b]! || tails[a]! - tails[b]!,
    );
    const coefficients = edgeCoefficients(graph, functions, densities);
    this.graph = graph;
    this.densities = densities;
    this.left = graph.left.map((node) => 2 * node);
    this.right = graph.right.map((node) => 2 * node);
    this.rows = [-1, 0, 1].map((sign) => edgeRows(graph, order, sign));
    this.tails = Int32Array.from(order, (edge) => 2 * tails[edge]!);
    this.coefficients = new Float64Array(densities * count);
    order.forEach((edge, e) => {
      for (let p = 0; p < densities; p++) this.coefficients[p * count + e] = coefficients[edge * densities + p]!;
    });
    this.folded = new Float64Array(count);
    this.products = new Float64Array(count);
    this.values = new Float64Array(2 * graph.nodes);
    this.adjoint = new Float64Array(2 * graph.nodes);
  }

  /** Computes the products of A and adds the densities to `out` [densities]. */
  addDensities(out: Float64Array): void {
    this.multiply();
    const { values, tails, products, coefficients } = this;
    for (const { sign, heads, first } of this.rows) {
      for (let row = 0; row < heads.length; row++) {
        const re = values[heads[row]!]!;
        const im = sign * values[heads[row]! + 1]!;
        const end = first[row + 1]!;
        for (let e = first[row]!; e < end; e++) {
          const b = tails[e]!;
          products[e] = re * values[b]! + im * values[b + 1]!;
        }
      }
    }
    for (let p = 0; p < this.densities; p++) {
      out[p] = out[p]! + dot(coefficients, p * products.length, products);
    }
  }

  /** Values of the nodes that are products. */
  private multiply(): void {
    const { values, left, right } = this;
    const { conjugated, components } = this.graph;
    for (let k = 0, node = 2 * components; k < left.length; k++, node += 2) {
      const a = left[k]!;
      const b = right[k]!;
      const ar = values[a]!;
      const ai = values[a + 1]!;
      const br = values[b]!;
      const bi = conjugated[k] === 0 ? values[b + 1]! : -values[b + 1]!;
      values[node] = ar * br - ai * bi;
      values[node + 1] = ar * bi + ai * br;
    }
  }

  /** Writes the derivatives of an energy by A to `adjoint`, given those by the densities. Uses the products of A. */
  differentiate(slopes: Float64Array): void {
    this.fold(slopes);
    const { values, adjoint, tails, folded } = this;
    adjoint.fill(0);
    for (const { sign, heads, first } of this.rows) {
      for (let row = 0; row < heads.length; row++) {
        const h = heads[row]!;
        const re = values[h]!;
        const im = sign * values[h + 1]!;
        let sumRe = 0;
        let sumIm = 0;
        const end = first[row + 1]!;
        for (let e = first[row]!; e < end; e++) {
          const b = tails[e]!;
          const c = folded[e]!;
          sumRe += c * values[b]!;
          sumIm += c * values[b + 1]!;
          adjoint[b] = adjoint[b]! + c * re;
          adjoint[b + 1] = adjoint[b + 1]! + c * im;
        }
        adjoint[h] = adjoint[h]! + sumRe;
        adjoint[h + 1] = adjoint[h + 1]! + sign * sumIm;
      }
    }
    this.backThroughProducts();
  }

  /** Coefficients of all densities as one. */
  private fold(slopes: Float64Array): void {
    const { coefficients, folded, densities } = this;
    const count = folded.length;
    const first = slopes[0]!;
    if (densities === 1) {
      for (let e = 0; e < count; e++) folded[e] = first * coefficients[e]!;
      return;
    }
    const second = slopes[1]!;
    for (let e = 0, f = count; e < count; e++, f++) folded[e] = first * coefficients[e]! + second * coefficients[f]!;
    for (let p = 2, f = 2 * count; p < densities; p++) {
      const slope = slopes[p]!;
      for (let e = 0; e < count; e++, f++) folded[e] = folded[e]! + slope * coefficients[f]!;
    }
  }

  /** Carries the derivatives from the products to their factors. */
  private backThroughProducts(): void {
    const { values, adjoint, left, right } = this;
    const { conjugated, components } = this.graph;
    for (let k = left.length - 1, node = 2 * (components + k); k >= 0; k--, node -= 2) {
      const a = left[k]!;
      const b = right[k]!;
      const sign = conjugated[k] === 0 ? 1 : -1;
      const gr = adjoint[node]!;
      const gi = adjoint[node + 1]!;
      const ar = values[a]!;
      const ai = values[a + 1]!;
      const br = values[b]!;
      const bi = sign * values[b + 1]!;
      adjoint[a] = adjoint[a]! + gr * br + gi * bi;
      adjoint[a + 1] = adjoint[a + 1]! + gi * br - gr * bi;
      adjoint[b] = adjoint[b]! + gr * ar + gi * ai;
      adjoint[b + 1] = adjoint[b + 1]! + sign * (gi * ar - gr * ai);
    }
  }
}

/** Σ_e a[start + e] b[e], in four sums that do not wait for one another. */
function dot(a: Float64Array, start: number, b: Float64Array): number {
  const whole = b.length & ~3;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let k = start;
  for (let e = 0; e < whole; e += 4, k += 4) {
    s0 += a[k]! * b[e]!;
    s1 += a[k + 1]! * b[e + 1]!;
    s2 += a[k + 2]! * b[e + 2]!;
    s3 += a[k + 3]! * b[e + 3]!;
  }
  for (let e = whole; e < b.length; e++, k++) s0 += a[k]! * b[e]!;
  return s0 + s1 + (s2 + s3);
}

/** Rows of the edges of one sign, which follow one another in `order`, sorted by head. */
function edgeRows({ heads, signs }: HalfGraph, order: readonly number[], sign: number): EdgeRows {
  const places: number[] = [];
  const first: number[] = [];
  let end = 0;
  order.forEach((edge, e) => {
    if (signs[edge] !== sign) return;
    if (places.at(-1) !== 2 * heads[edge]!) {
      places.push(2 * heads[edge]!);
      first.push(e);
    }
    end = e + 1;
  });
  first.push(end);
  return { sign, heads: Int32Array.from(places), first: Int32Array.from(first) };
}
