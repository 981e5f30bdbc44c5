/**
 * The products of one central element as a graph that holds every product once for itself and its conjugate. The last
 * multiplication of a term is never carried out as a node: it is an edge between two nodes, and the coefficients of the
 * terms flow to the edges linearly,
 *
 *   ρ_p = Σ_edges c_p (Re h Re b + sign Im h Im b),  c_p = Σ_terms scale · c̃_p
 *
 * so that the graph depends on the functions alone and new coefficients need no new graph. A is taken without the constants
 * of the harmonics (Y_lm = N_lm Q_lm (x + iy)^m), which are folded into the scales.
 */
import { radialIndices } from './bond-functions.ts';
import { harmonicNorm } from './neighborhood.ts';
import type { ProductFunction } from './product-basis.ts';

/** The components A_{μnlm}, m ≥ 0, of one neighbour element: for each l a block of all m with the same radial functions. */
export interface ComponentBlock {
  /** Largest l, −1 for none. */
  readonly lmax: number;
  /** [lmax + 1] radial indices of each l, ascending. */
  readonly ns: readonly (readonly number[])[];
  /** [lmax + 1] first component of each l; (m, place of n) stands at starts[l] + m·ns[l].length + place. */
  readonly starts: readonly number[];
}

/** Products of one central element. Nodes are the components, then the products in an order in which they can be made. */
export interface HalfGraph {
  /** [elements] components of each neighbour element. */
  readonly blocks: readonly ComponentBlock[];
  readonly components: number;
  readonly nodes: number;
  /** [nodes − components] factors of each product: left · right, or left · conj right where `conjugated`. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly conjugated: Uint8Array;
  /** [nodes] 1 where the imaginary part is zero. */
  readonly real: Uint8Array;
  /** [edges] ends h > b or h = b, and the sign of the imaginary part: +1, −1, or 0 where either end is real. */
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  readonly signs: Int8Array;
  /** [terms] edge and scale of each term of two and more factors, in the order of the functions. */
  readonly termEdges: Int32Array;
  readonly termScales: Float64Array;
}

/** A factor: twice the component, plus one for its conjugate; real components have no conjugate. */
type Factor = number;

/** A product, sorted; of it and its conjugate the one that comes first. */
interface Canonical {
  readonly key: string;
  readonly factors: readonly Factor[];
  /** Whether the conjugate of what was asked for came first. */
  readonly conjugated: boolean;
  readonly ownConjugate: boolean;
}

/** A node or its conjugate. */
interface Reference {
  readonly node: number;
  readonly conjugated: boolean;
}

type Partition = readonly [readonly Factor[], readonly Factor[]];

function compare(a: readonly number[], b: readonly number[]): number {
  for (let t = 0; t < a.length; t++) if (a[t] !== b[t]) return a[t]! - b[t]!;
  return 0;
}

/** All ways to take a product apart into two, each once, the larger part first. */
function partitions(factors: readonly Factor[]): Partition[] {
  const found: Partition[] = [];
  const half = 1 << (factors.length - 1);
  for (let bits = 1; bits < half; bits++) {
    const within = factors.filter((_, t) => ((bits >> t) & 1) === 1);
    const without = factors.filter((_, t) => ((bits >> t) & 1) === 0);
    found.push(within.length >= without.length ? [within, without] : [without, within]);
  }
  return found;
}

/** Lays out the components that functions of two and more factors need. */
function layOutComponents(functions: readonly ProductFunction[], elements: number): ComponentBlock[] {
  let next = 0;
  return Array.from({ length: elements }, (_, mu) => {
    const indices = radialIndices(functions, mu);
    const lmax = indices.reduce((largest, { l }) => Math.max(largest, l), -1);
    const ns = Array.from({ length: lmax + 1 }, (_, l) => indices.filter((one) => one.l === l).map(({ n }) => n));
    const starts = ns.map((own, l) => {
      const start = next;
      next += (l + 1) * own.length;
      return start;
    });
    return { lmax, ns, starts };
  });
}

class HalfGraphBuilder {
  readonly left: number[] = [];
  readonly right: number[] = [];
  readonly conjugated: number[] = [];
  readonly real: boolean[];
  readonly heads: number[] = [];
  readonly tails: number[] = [];
  readonly signs: number[] = [];
  private readonly nodeOf = new Map<string, Reference>();
  private readonly edgeOf = new Map<number, number>();

  /** @param real whether each component has no imaginary part */
  constructor(real: readonly boolean[]) {
    this.real = [...real];
  }

  canonical(factors: readonly Factor[]): Canonical {
    const own = [...factors].sort((a, b) => a - b);
    const other = factors.map((f) => (this.real[f >> 1] ? f : f ^ 1)).sort((a, b) => a - b);
    const order = compare(other, own);
    const first = order < 0 ? other : own;
    return { key: first.join(), factors: first, conjugated: order < 0, ownConjugate: order === 0 };
  }

  /** Whether a product needs no new node. */
  has(factors: readonly Factor[]): boolean {
    return factors.length === 1 || this.nodeOf.has(this.canonical(factors).key);
  }

  /** The node of a product, made if need be. */
  reference(factors: readonly Factor[]): Reference {
    if (factors.length === 1) return { node: factors[0]! >> 1, conjugated: (factors[0]! & 1) === 1 };
    const canonical = this.canonical(factors);
    const known = this.nodeOf.get(canonical.key) ?? this.make(canonical);
    return { node: known.node, conjugated: known.conjugated !== canonical.conjugated && !this.real[known.node] };
  }

  private make({ key, factors, ownConjugate }: Canonical): Reference {
    const [x, y] = this.cheapest(factors);
    let [a, b] = [this.reference(x), this.reference(y)];
    // conj a · conj b is the conjugate of a · b; conj a · b is b · conj a.
    const both = a.conjugated && (b.conjugated || this.real[b.node]!);
    if (!both && a.conjugated) [a, b] = [b, a];
    const made = { node: this.real.length, conjugated: both && !ownConjugate };
    this.left.push(a.node);
    this.right.push(b.node);
    this.conjugated.push(!both && b.conjugated ? 1 : 0);
    this.real.push(ownConjugate);
    this.nodeOf.set(key, made);
    return made;
  }

  /** The partition that needs the fewest new nodes; of equals the most even one. */
  cheapest(factors: readonly Factor[]): Partition {
    let best: Partition | null = null;
    let most = Number.NEGATIVE_INFINITY;
    for (const partition of partitions(factors)) {
      const [x, y] = partition;
      const score = (this.has(x) ? 10 : 0) + (this.has(y) ? 10 : 0) - (x.length - y.length);
      if (score > most) [best, most] = [partition, score];
    }
    return best!;
  }

  private ends([x, y]: Partition): { key: number; head: number; tail: number; sign: number } {
    const [a, b] = [this.reference(x), this.reference(y)];
    const [head, tail] = [Math.max(a.node, b.node), Math.min(a.node, b.node)];
    const isReal = this.real[head]! || this.real[tail]!;
    const sign = isReal ? 0 : a.conjugated === b.conjugated ? -1 : 1;
    return { key: (head * 2 ** 24 + tail) * 4 + sign + 1, head, tail, sign };
  }

  /** Whether an edge between the parts of a partition is there already. */
  connected(partition: Partition): boolean {
    return this.has(partition[0]) && this.has(partition[1]) && this.edgeOf.has(this.ends(partition).key);
  }

  /** The edge between the parts of a partition, made if need be. */
  connect(partition: Partition): number {
    const { key, head, tail, sign } = this.ends(partition);
    const known = this.edgeOf.get(key);
    if (known !== undefined) return known;
    const edge = this.heads.length;
    this.heads.push(head);
    this.tails.push(tail);
    this.signs.push(sign);
    this.edgeOf.set(key, edge);
    return edge;
  }
}

/** Makes pairs of factors until every product of three contains one: always the pair that serves most of the rest. */
function coverTriples(triples: readonly (readonly Factor[])[], builder: HalfGraphBuilder): void {
  const pairs = new Map<string, { readonly factors: readonly Factor[]; readonly serves: Set<number> }>();
  const pairsOf = triples.map((factors, k) =>
    partitions(factors).map(([x]) => {
      const { key, factors: first } = builder.canonical(x);
      const pair = pairs.get(key);
      if (pair === undefined) pairs.set(key, { factors: first, serves: new Set([k]) });
      else pair.serves.add(k);
      return key;
    }),
  );
  // Pairs by the number of products that they would still serve; numbers only fall.
  const bySize: string[][] = [[]];
  for (const [key, { serves }] of pairs) {
    while (bySize.length <= serves.size) bySize.push([]);
    bySize[serves.size]!.push(key);
  }
  for (let size = bySize.length - 1; size > 0; ) {
    const key = bySize[size]!.pop();
    if (key === undefined) {
      size--;
      continue;
    }
    const { factors, serves } = pairs.get(key)!;
    if (serves.size < size) {
      bySize[serves.size]!.push(key);
      continue;
    }
    builder.reference(factors);
    for (const k of [...serves]) for (const other of pairsOf[k]!) pairs.get(other)!.serves.delete(k);
  }
}

/**
 * Compiles the functions of one central element; only their indices matter, not their coefficients.
 *
 * @param elements number of elements of the potential
 */
export function compileHalfGraph(functions: readonly ProductFunction[], elements: number): HalfGraph {
  const blocks = layOutComponents(functions, elements);
  const real: boolean[] = [];
  for (const { ns } of blocks) {
    ns.forEach((own, l) => {
      for (let m = 0; m <= l; m++) for (let k = 0; k < own.length; k++) real.push(m === 0);
    });
  }
  const builder = new HalfGraphBuilder(real);
  // Terms that are equal up to conjugation share a product.
  const products = new Map<string, { readonly factors: readonly Factor[]; edge: number }>();
  const termKeys: string[] = [];
  const termScales: number[] = [];
  for (const { mus, ns, ls, ms } of functions) {
    const order = mus.length;
    for (let from = 0; order > 1 && from < ms.length; from += order) {
      let scale = 1;
      const factors = mus.map((mu, t) => {
        const [n, l, m] = [ns[t]!, ls[t]!, ms[from + t]!];
        const size = Math.abs(m);
        const { ns: own, starts } = blocks[mu]!;
        const component = starts[l]! + size * own[l]!.length + own[l]!.indexOf(n);
        // A_{−m} = (−1)^m conj A_m.
        scale *= harmonicNorm(l, size) * (m < 0 && size % 2 === 1 ? -1 : 1);
        return 2 * component + (m < 0 ? 1 : 0);
      });
      const { key, factors: first } = builder.canonical(factors);
      if (!products.has(key)) products.set(key, { factors: first, edge: -1 });
      termKeys.push(key);
      termScales.push(scale);
    }
  }
  const byOrder: { readonly factors: readonly Factor[]; edge: number }[][] = [];
  for (const product of products.values()) {
    while (byOrder.length <= product.factors.length) byOrder.push([]);
    byOrder[product.factors.length]!.push(product);
  }
  coverTriples(
    (byOrder[3] ?? []).map(({ factors }) => factors),
    builder,
  );
  for (const sameOrder of byOrder) {
    for (const product of sameOrder) {
      const known = partitions(product.factors).find((partition) => builder.connected(partition));
      product.edge = builder.connect(known ?? builder.cheapest(product.factors));
    }
  }
  return {
    blocks,
    components: real.length,
    nodes: builder.real.length,
    left: Int32Array.from(builder.left),
    right: Int32Array.from(builder.right),
    conjugated: Uint8Array.from(builder.conjugated),
    real: Uint8Array.from(builder.real, Number),
    heads: Int32Array.from(builder.heads),
    tails: Int32Array.from(builder.tails),
    signs: Int8Array.from(builder.signs),
    termEdges: Int32Array.from(termKeys, (key) => products.get(key)!.edge),
    termScales: Float64Array.from(termScales),
  };
}

/**
 * Coefficients of the edges, [edges, densities], for functions with the indices that the graph was compiled for.
 */
export function edgeCoefficients(
  graph: HalfGraph,
  functions: readonly ProductFunction[],
  densities: number,
): Float64Array {
  const { termEdges, termScales } = graph;
  const out = new Float64Array(graph.heads.length * densities);
  let term = 0;
  for (const { mus, coefficients } of functions) {
    if (mus.length === 1) continue;
    for (let k = 0; k < coefficients.length; k += densities, term++) {
      const at = termEdges[term]! * densities;
      for (let p = 0; p < densities; p++) out[at + p] = out[at + p]! + termScales[term]! * coefficients[k + p]!;
    }
  }
  return out;
}
