/**
 * Densities ρ_p = Σ c_p Re Π A of one central element as a graph of flat arrays. A product and its conjugate are one node;
 * the last multiplication of every term is never carried out as such, but is an edge between two nodes
 *
 *   ρ_p = Σ_edges cRe_p Re(head) Re(tail) + cIm_p Im(head) Im(tail)
 *
 * Products shared by several terms are computed once, and pairs are chosen so that few of them serve all terms of three.
 */
import type { ProductFunction } from './product-basis.ts';
import { harmonicNorm } from './neighborhood.ts';

/** Where A_{μnlm}, m ≥ 0, stands, in complex numbers. */
export type ComponentPlace = (mu: number, n: number, l: number, m: number) => number;

/** A factor: twice the component, plus one for its conjugate. Real components have no conjugate. */
type Factor = number;

/** A product of several factors, sorted; of it and its conjugate the one that comes first. */
interface Canonical {
  readonly key: string;
  readonly factors: readonly Factor[];
  /** Whether the conjugate of what was asked for came first. */
  readonly conjugated: boolean;
}

/** A term after merging all that are equal up to conjugation. */
interface Term {
  readonly factors: readonly Factor[];
  readonly coefficients: Float64Array;
}

/** A node or its conjugate. */
interface Reference {
  readonly node: number;
  readonly conjugated: boolean;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let t = 0; t < a.length; t++) if (a[t] !== b[t]) return a[t]! - b[t]!;
  return 0;
}

/** All ways to take a product apart into two, each once, the larger part first. */
function partitions(factors: readonly Factor[]): [Factor[], Factor[]][] {
  const found: [Factor[], Factor[]][] = [];
  const all = 2 ** factors.length;
  for (let bits = 1; bits < all / 2; bits++) {
    const within = factors.filter((_, t) => ((bits >> t) & 1) === 1);
    const without = factors.filter((_, t) => ((bits >> t) & 1) === 0);
    found.push(within.length >= without.length ? [within, without] : [without, within]);
  }
  return found;
}

/** Builds nodes and edges. */
class GraphBuilder {
  readonly left: number[] = [];
  readonly right: number[] = [];
  readonly conjugated: number[] = [];
  readonly real: boolean[];
  readonly edges = new Map<number, { head: number; tail: number; re: Float64Array; im: Float64Array }>();
  private readonly components: number;
  private readonly densities: number;
  private readonly nodeOf = new Map<string, Reference>();

  /** @param real whether each component has no imaginary part */
  constructor(real: readonly boolean[], densities: number) {
    this.real = [...real];
    this.components = real.length;
    this.densities = densities;
  }

  canonical(factors: readonly Factor[]): Canonical {
    const own = [...factors].sort((a, b) => a - b);
    const other = factors.map((f) => (this.real[f >> 1] ? f : f ^ 1)).sort((a, b) => a - b);
    const conjugated = compare(other, own) < 0;
    const first = conjugated ? other : own;
    return { key: first.join(), factors: first, conjugated };
  }

  /** Whether a product needs no new node. */
  has(factors: readonly Factor[]): boolean {
    return factors.length === 1 || this.nodeOf.has(this.canonical(factors).key);
  }

  /** The node of a product, made if need be. */
  reference(factors: readonly Factor[]): Reference {
    if (factors.length === 1) return { node: factors[0]! >> 1, conjugated: (factors[0]! & 1) === 1 };
    const { key, factors: first, conjugated } = this.canonical(factors);
    const known = this.nodeOf.get(key) ?? this.make(first);
    this.nodeOf.set(key, known);
    return { node: known.node, conjugated: known.conjugated !== conjugated && !this.real[known.node] };
  }

  private make(factors: readonly Factor[]): Reference {
    const [x, y] = this.cheapest(factors);
    let [a, b] = [this.reference(x), this.reference(y)];
    // conj a · conj b is the conjugate of a · b; conj a · b is b · conj a.
    const both = a.conjugated && (b.conjugated || this.real[b.node]!);
    if (!both && a.conjugated) [a, b] = [b, a];
    const node = this.real.length;
    this.left.push(a.node);
    this.right.push(b.node);
    this.conjugated.push(!both && b.conjugated ? 1 : 0);
    const isReal = factors.every((f) => this.real[f >> 1]) || this.isOwnConjugate(factors);
    this.real.push(isReal);
    return { node, conjugated: both && !isReal };
  }

  private isOwnConjugate(factors: readonly Factor[]): boolean {
    const other = factors.map((f) => (this.real[f >> 1] ? f : f ^ 1)).sort((a, b) => a - b);
    return compare(other, factors) === 0;
  }

  /** The partition that needs the fewest new nodes; of equals the most even one. */
  cheapest(factors: readonly Factor[]): [Factor[], Factor[]] {
    let best: [Factor[], Factor[]] | null = null;
    let most = Number.NEGATIVE_INFINITY;
    for (const partition of partitions(factors)) {
      const [x, y] = partition;
      const score = (this.has(x) ? 10 : 0) + (this.has(y) ? 10 : 0) - (x.length - y.length);
      if (score > most) [best, most] = [partition, score];
    }
    return best!;
  }

  /** Adds a term as an edge between the two parts of a partition. */
  connect(x: readonly Factor[], y: readonly Factor[], coefficients: Float64Array): void {
    const [a, b] = [this.reference(x), this.reference(y)];
    const key = this.edgeKey(a.node, b.node);
    let edge = this.edges.get(key);
    if (edge === undefined) {
      const [head, tail] = [Math.max(a.node, b.node), Math.min(a.node, b.node)];
      edge = { head, tail, re: new Float64Array(this.densities), im: new Float64Array(this.densities) };
      this.edges.set(key, edge);
    }
    const isReal = this.real[a.node]! || this.real[b.node]!;
    const sign = isReal ? 0 : a.conjugated === b.conjugated ? -1 : 1;
    for (let p = 0; p < this.densities; p++) {
      edge.re[p] = edge.re[p]! + coefficients[p]!;
      edge.im[p] = edge.im[p]! + sign * coefficients[p]!;
    }
  }

  /** Whether an edge between the parts of a partition is there already. */
  connected(x: readonly Factor[], y: readonly Factor[]): boolean {
    if (!this.has(x) || !this.has(y)) return false;
    return this.edges.has(this.edgeKey(this.reference(x).node, this.reference(y).node));
  }

  private edgeKey(a: number, b: number): number {
    return Math.max(a, b) * 2 ** 26 + Math.min(a, b);
  }

  get nodes(): number {
    return this.components + this.left.length;
  }
}

/** Terms of all functions of two factors and more, equal ones merged, constants of harmonics in their coefficients. */
function mergedTerms(
  functions: readonly ProductFunction[],
  densities: number,
  place: ComponentPlace,
  builder: GraphBuilder,
): Term[] {
  const merged = new Map<string, Term>();
  for (const { mus, ns, ls, ms, coefficients } of functions) {
    const order = mus.length;
    if (order === 1) continue;
    for (let k = 0; k < ms.length / order; k++) {
      let constant = 1;
      const factors = mus.map((mu, t) => {
        const m = ms[k * order + t]!;
        const size = Math.abs(m);
        constant *= harmonicNorm(ls[t]!, size) * (m < 0 && size % 2 === 1 ? -1 : 1);
        return 2 * place(mu, ns[t]!, ls[t]!, size) + (m < 0 ? 1 : 0);
      });
      const { key, factors: first } = builder.canonical(factors);
      let term = merged.get(key);
      if (term === undefined) {
        term = { factors: first, coefficients: new Float64Array(densities) };
        merged.set(key, term);
      }
      for (let p = 0; p < densities; p++) {
        term.coefficients[p] = term.coefficients[p]! + constant * coefficients[k * densities + p]!;
      }
    }
  }
  return [...merged.values()].filter(({ coefficients }) => coefficients.some((c) => c !== 0));
}

/** Makes pairs of factors until every term of three contains one: always the pair that serves most of the rest. */
function coverTriples(terms: readonly Term[], builder: GraphBuilder): void {
  const pairs = new Map<string, { factors: readonly Factor[]; terms: Set<number> }>();
  const pairsOf = terms.map(({ factors }, k) =>
    partitions(factors).map(([x]) => {
      const { key, factors: first } = builder.canonical(x);
      const pair = pairs.get(key);
      if (pair === undefined) pairs.set(key, { factors: first, terms: new Set([k]) });
      else pair.terms.add(k);
      return key;
    }),
  );
  // Pairs by the number of terms they would still serve; numbers only fall.
  const bySize: string[][] = [];
  for (const [key, { terms: served }] of pairs) {
    while (bySize.length <= served.size) bySize.push([]);
    bySize[served.size]!.push(key);
  }
  for (let size = bySize.length - 1; size > 0; ) {
    const key = bySize[size]!.pop();
    if (key === undefined) {
      size--;
      continue;
    }
    const pair = pairs.get(key)!;
    if (pair.terms.size < size) {
      if (pair.terms.size > 0) bySize[pair.terms.size]!.push(key);
      continue;
    }
    builder.reference(pair.factors);
    for (const k of [...pair.terms]) for (const other of pairsOf[k]!) pairs.get(other)!.terms.delete(k);
  }
}

function buildGraph(
  functions: readonly ProductFunction[],
  densities: number,
  place: ComponentPlace,
  real: readonly boolean[],
): GraphBuilder {
  const builder = new GraphBuilder(real, densities);
  const terms = mergedTerms(functions, densities, place, builder);
  const ofOrder = (order: number): Term[] => terms.filter(({ factors }) => factors.length === order);
  const largest = terms.reduce((most, { factors }) => Math.max(most, factors.length), 0);
  coverTriples(ofOrder(3), builder);
  for (let order = 2; order <= largest; order++) {
    for (const { factors, coefficients } of ofOrder(order)) {
      const known = partitions(factors).find(([x, y]) => builder.connected(x, y));
      const [x, y] = known ?? builder.cheapest(factors);
      builder.connect(x, y, coefficients);
    }
  }
  return builder;
}

/** Runs the graph of one central element for one atom at a time. */
export class DensityGraph {
  /** Number of components A, nodes and edges. */
  readonly components: number;
  readonly nodes: number;
  readonly edges: number;
  /** [2·nodes] Re and Im of every node; the caller writes A to the first 2·components. */
  readonly values: Float64Array;
  /** [2·nodes] derivatives of the embedded energy by both; the first 2·components are those by A. */
  readonly adjoint: Float64Array;
  private readonly densities: number;
  /** [nodes − components] factors of each product; `conjugated`: left · conj right. */
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly conjugated: Uint8Array;
  /** [edges] both ends as places of Re in `values`, edges with real ends first. */
  private readonly heads: Int32Array;
  private readonly tails: Int32Array;
  private readonly realEdges: number;
  /** [densities, edges] coefficients. */
  private readonly re: Float64Array;
  private readonly im: Float64Array;
  /** [edges] products of both ends, and the coefficients of all densities folded. */
  private readonly productRe: Float64Array;
  private readonly productIm: Float64Array;
  private readonly foldedRe: Float64Array;
  private readonly foldedIm: Float64Array;

  /** @param real [components] whether each component has no imaginary part */
  constructor(
    functions: readonly ProductFunction[],
    densities: number,
    place: ComponentPlace,
    real: readonly boolean[],
  ) {
    const builder = buildGraph(functions, densities, place, real);
    const isReal = ({ head, tail }: { head: number; tail: number }): boolean =>
      builder.real[head]! || builder.real[tail]!;
    const edges = [...builder.edges.values()].sort(
      (a, b) => Number(isReal(b)) - Number(isReal(a)) || a.head - b.head || a.tail - b.tail,
    );
    this.components = real.length;
    this.nodes = builder.nodes;
    this.edges = edges.length;
    this.densities = densities;
    this.left = Int32Array.from(builder.left, (node) => 2 * node);
    this.right = Int32Array.from(builder.right, (node) => 2 * node);
    this.conjugated = Uint8Array.from(builder.conjugated);
    this.heads = Int32Array.from(edges, ({ head }) => 2 * head);
    this.tails = Int32Array.from(edges, ({ tail }) => 2 * tail);
    this.realEdges = edges.filter(isReal).length;
    const byDensity = Array.from({ length: densities }, (_, p) => p);
    this.re = Float64Array.from(byDensity.flatMap((p) => edges.map(({ re }) => re[p]!)));
    this.im = Float64Array.from(byDensity.flatMap((p) => edges.map(({ im }) => im[p]!)));
    this.values = new Float64Array(2 * this.nodes);
    this.adjoint = new Float64Array(2 * this.nodes);
    this.productRe = new Float64Array(edges.length);
    this.productIm = new Float64Array(edges.length);
    this.foldedRe = new Float64Array(edges.length);
    this.foldedIm = new Float64Array(edges.length);
  }

  /** Computes the products of A and adds the densities to `out` [densities]. */
  addDensities(out: Float64Array): void {
    const { values, left, right, conjugated, components } = this;
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
    const { heads, tails, edges, realEdges, re, im, productRe, productIm } = this;
    for (let e = 0; e < realEdges; e++) productRe[e] = values[heads[e]!]! * values[tails[e]!]!;
    for (let e = realEdges; e < edges; e++) {
      const a = heads[e]!;
      const b = tails[e]!;
      productRe[e] = values[a]! * values[b]!;
      productIm[e] = values[a + 1]! * values[b + 1]!;
    }
    for (let p = 0; p < this.densities; p++) {
      const start = p * edges;
      let sum = 0;
      for (let e = 0; e < realEdges; e++) sum += re[start + e]! * productRe[e]!;
      for (let e = realEdges; e < edges; e++) {
        sum += re[start + e]! * productRe[e]! + im[start + e]! * productIm[e]!;
      }
      out[p] = out[p]! + sum;
    }
  }

  /** Writes the derivatives of an energy by A to `adjoint`, given those by the densities. Uses the products of A. */
  differentiate(slopes: Float64Array): void {
    this.fold(slopes);
    const { values, adjoint, left, right, conjugated, components } = this;
    const { heads, tails, edges, realEdges, foldedRe, foldedIm } = this;
    adjoint.fill(0);
    for (let e = 0; e < realEdges; e++) {
      const a = heads[e]!;
      const b = tails[e]!;
      const c = foldedRe[e]!;
      adjoint[a] = adjoint[a]! + c * values[b]!;
      adjoint[b] = adjoint[b]! + c * values[a]!;
    }
    for (let e = realEdges; e < edges; e++) {
      const a = heads[e]!;
      const b = tails[e]!;
      const c = foldedRe[e]!;
      const d = foldedIm[e]!;
      adjoint[a] = adjoint[a]! + c * values[b]!;
      adjoint[a + 1] = adjoint[a + 1]! + d * values[b + 1]!;
      adjoint[b] = adjoint[b]! + c * values[a]!;
      adjoint[b + 1] = adjoint[b + 1]! + d * values[a + 1]!;
    }
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

  /** Coefficients of all densities as one. */
  private fold(slopes: Float64Array): void {
    const { edges, re, im, foldedRe, foldedIm } = this;
    for (let p = 0; p < this.densities; p++) {
      const slope = slopes[p]!;
      const start = p * edges;
      if (p === 0) {
        for (let e = 0; e < edges; e++) foldedRe[e] = slope * re[e]!;
        for (let e = this.realEdges; e < edges; e++) foldedIm[e] = slope * im[e]!;
        continue;
      }
      for (let e = 0; e < edges; e++) foldedRe[e] = foldedRe[e]! + slope * re[start + e]!;
      for (let e = this.realEdges; e < edges; e++) foldedIm[e] = foldedIm[e]! + slope * im[start + e]!;
    }
  }
}
