/**
 * Functions as a program of flat arrays. Values are those of the atomic base A (m ≥ 0), of the number 1 and of products
 * of them; a product and its conjugate are one node. Each function is a list of leaves
 *
 *   B_v = Σ cRe·Re(left)·Re(right) + cIm·Im(left)·Im(right)
 *
 * and its derivative by Re A and Im A a list of contributions coefficient·(Re or Im of a node), so that nothing is ever
 * divided by A. Products shared by several functions are computed once.
 */
import type { AceFunction } from './basis.ts';

/** Where the components A_{μnlm}, m ≥ 0, sit: for each (μ, l, m) the n = 1 … counts[l] follow one another. */
export interface ComponentLayout {
  readonly nElements: number;
  readonly lmax: number;
  /** [lmax+1] number of radial indices in use at each l. */
  readonly counts: Int32Array;
  /** [number of (l, m)] first component of (l, m) within the block of one element. */
  readonly starts: Int32Array;
  /** Components per element. */
  readonly perElement: number;
}

/** Components that the functions of all central elements use: every n up to the largest that occurs with each l. */
export function componentLayout(nElements: number, functions: readonly (readonly AceFunction[])[]): ComponentLayout {
  const largest: number[] = [0];
  // Central elements mostly share one list.
  for (const list of new Set(functions)) {
    for (const { ls, ns } of list) {
      ls.forEach((l, t) => {
        while (largest.length <= l) largest.push(0);
        largest[l] = Math.max(largest[l]!, ns[t]!);
      });
    }
  }
  const top = largest.length - 1;
  const counts = Int32Array.from(largest);
  const starts = new Int32Array(((top + 1) * (top + 2)) / 2);
  let perElement = 0;
  for (let l = 0, lm = 0; l <= top; l++) {
    for (let m = 0; m <= l; m++, lm++) {
      starts[lm] = perElement;
      perElement += counts[l]!;
    }
  }
  return { nElements, lmax: top, counts, starts, perElement };
}

/** Derivatives by the components of one element, as sparse rows. Real component 2c is Re A_c, 2c+1 is Im A_c. */
export interface JacobianBlock {
  /** [rows] function of each row. */
  readonly functions: Int32Array;
  /** [rows+1] first entry of each row. */
  readonly rows: Int32Array;
  /** [entries] real component, counted within the element. */
  readonly components: Int32Array;
  /** [entries+1] first contribution of each entry. */
  readonly contributions: Int32Array;
  /** [contributions] index into the values (2·node for Re, 2·node+1 for Im) and coefficient. */
  readonly sources: Int32Array;
  readonly coefficients: Float64Array;
}

/** The program of one central element. Node c < nComponents is A_c, node nComponents is 1, the others are products. */
export interface ProductProgram {
  readonly nFunctions: number;
  readonly nComponents: number;
  readonly nNodes: number;
  /** Nodes below this suffice for the leaves; the rest serve derivatives. */
  readonly nLeafNodes: number;
  /** [nNodes − nComponents − 1] factors of each product, in an order that can be computed; `conjugated`: left · conj right. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly conjugated: Uint8Array;
  /** [nFunctions+1] first leaf of each function. */
  readonly leaves: Int32Array;
  /** [leaves] pair of nodes it is made of, and its coefficients. */
  readonly leafPairs: Int32Array;
  readonly leafRe: Float64Array;
  readonly leafIm: Float64Array;
  /** [pairs] the different pairs of nodes of all leaves. */
  readonly pairLeft: Int32Array;
  readonly pairRight: Int32Array;
  /** By element of the components. */
  readonly jacobian: readonly JacobianBlock[];
}

/** A node, perhaps conjugated, with a sign. */
interface Factor {
  readonly node: number;
  readonly conjugate: boolean;
  readonly sign: number;
}

const NODES = 1 << 24;

/** Makes product nodes, each once up to conjugation. */
class NodeTable {
  readonly real: boolean[];
  readonly left: number[] = [];
  readonly right: number[] = [];
  readonly conjugated: number[] = [];
  private readonly known = [new Map<number, number>(), new Map<number, number>()] as const;

  /** @param real whether each of the given nodes has no imaginary part */
  constructor(real: boolean[]) {
    this.real = real;
  }

  get size(): number {
    return this.real.length;
  }

  multiply(a: Factor, b: Factor): Factor {
    const [x, y] = a.node <= b.node ? [a, b] : [b, a];
    const xReal = this.real[x.node]!;
    const yReal = this.real[y.node]!;
    const xConjugate = xReal ? y.conjugate : x.conjugate;
    const yConjugate = yReal ? xConjugate : y.conjugate;
    const mixed = xConjugate === yConjugate ? 0 : 1;
    const key = x.node * NODES + y.node;
    let node = this.known[mixed].get(key);
    if (node === undefined) {
      node = this.real.length;
      this.known[mixed].set(key, node);
      this.real.push((xReal && yReal) || (mixed === 1 && x.node === y.node));
      this.left.push(x.node);
      this.right.push(y.node);
      this.conjugated.push(mixed);
    }
    return { node, conjugate: xConjugate && !this.real[node], sign: a.sign * b.sign };
  }

  /** Product of factors, sorted so that equal multisets (up to conjugation) give the same node. */
  product(factors: readonly Factor[]): Factor {
    return factors.slice(1).reduce((head, factor) => this.multiply(head, factor), factors[0]!);
  }
}

/** Factors of the terms of a function, sorted by node. */
function termsOf(fn: AceFunction, layout: ComponentLayout): { factors: Factor[]; coefficient: number }[] {
  return Array.from(fn.coefficients, (coefficient, k) => {
    const factors = fn.ls.map((l, t) => {
      const m = fn.ms[k * fn.order + t]!;
      const size = Math.abs(m);
      const node = fn.mus[t]! * layout.perElement + layout.starts[(l * (l + 1)) / 2 + size]! + fn.ns[t]! - 1;
      return { node, conjugate: m < 0, sign: m < 0 && size % 2 === 1 ? -1 : 1 };
    });
    factors.sort((a, b) => a.node - b.node || Number(a.conjugate) - Number(b.conjugate));
    return { factors, coefficient };
  });
}

/** Leaves of all functions, and the pairs of nodes they share. */
function buildLeaves(terms: ReturnType<typeof termsOf>[], one: Factor, nodes: NodeTable) {
  const leaves = [0];
  const leafPairs: number[] = [];
  const leafRe: number[] = [];
  const leafIm: number[] = [];
  const pairLeft: number[] = [];
  const pairRight: number[] = [];
  const pairs = new Map<number, number>();
  for (const functionTerms of terms) {
    const merged = new Map<number, { re: number; im: number }>();
    for (const { factors, coefficient } of functionTerms) {
      const half = Math.ceil(factors.length / 2);
      const a = nodes.product(factors.slice(0, half));
      const b = factors.length > half ? nodes.product(factors.slice(half)) : one;
      const [x, y] = a.node <= b.node ? [a, b] : [b, a];
      const key = x.node * NODES + y.node;
      let pair = pairs.get(key);
      if (pair === undefined) {
        pair = pairLeft.length;
        pairs.set(key, pair);
        pairLeft.push(x.node);
        pairRight.push(y.node);
      }
      const re = coefficient * a.sign * b.sign;
      const im = nodes.real[x.node] || nodes.real[y.node] ? 0 : x.conjugate === y.conjugate ? -re : re;
      const leaf = merged.get(pair);
      if (leaf === undefined) merged.set(pair, { re, im });
      else {
        leaf.re += re;
        leaf.im += im;
      }
    }
    for (const [pair, { re, im }] of merged) {
      leafPairs.push(pair);
      leafRe.push(re);
      leafIm.push(im);
    }
    leaves.push(leafPairs.length);
  }
  return {
    leaves: Int32Array.from(leaves),
    leafPairs: Int32Array.from(leafPairs),
    leafRe: Float64Array.from(leafRe),
    leafIm: Float64Array.from(leafIm),
    pairLeft: Int32Array.from(pairLeft),
    pairRight: Int32Array.from(pairRight),
  };
}

/** Contributions to the derivatives of one function: real component → (value index → coefficient). */
function derivativesOf(
  terms: ReturnType<typeof termsOf>,
  one: Factor,
  nodes: NodeTable,
): Map<number, Map<number, number>> {
  const derivatives = new Map<number, Map<number, number>>();
  const add = (component: number, source: number, coefficient: number): void => {
    let sources = derivatives.get(component);
    if (sources === undefined) {
      sources = new Map();
      derivatives.set(component, sources);
    }
    sources.set(source, (sources.get(source) ?? 0) + coefficient);
  };
  for (const { factors, coefficient } of terms) {
    factors.forEach((factor, t) => {
      const others = factors.filter((_, s) => s !== t);
      const rest = others.length > 0 ? nodes.product(others) : one;
      const c = coefficient * factor.sign * rest.sign;
      add(2 * factor.node, 2 * rest.node, c);
      if (nodes.real[factor.node] || nodes.real[rest.node]) return;
      add(2 * factor.node + 1, 2 * rest.node + 1, factor.conjugate === rest.conjugate ? -c : c);
    });
  }
  return derivatives;
}

/** Sparse rows of the derivatives by the components of element `mu`. */
function jacobianBlock(derivatives: Map<number, Map<number, number>>[], mu: number, perElement: number): JacobianBlock {
  const functions: number[] = [];
  const rows = [0];
  const components: number[] = [];
  const contributions = [0];
  const sources: number[] = [];
  const coefficients: number[] = [];
  const first = 2 * perElement * mu;
  derivatives.forEach((byComponent, v) => {
    const own = [...byComponent.keys()].filter((c) => c >= first && c < first + 2 * perElement).sort((a, b) => a - b);
    if (own.length === 0) return;
    for (const component of own) {
      components.push(component - first);
      for (const [source, coefficient] of byComponent.get(component)!) {
        sources.push(source);
        coefficients.push(coefficient);
      }
      contributions.push(sources.length);
    }
    functions.push(v);
    rows.push(components.length);
  });
  return {
    functions: Int32Array.from(functions),
    rows: Int32Array.from(rows),
    components: Int32Array.from(components),
    contributions: Int32Array.from(contributions),
    sources: Int32Array.from(sources),
    coefficients: Float64Array.from(coefficients),
  };
}

/** Compiles the functions of one central element. */
export function compileProducts(functions: readonly AceFunction[], layout: ComponentLayout): ProductProgram {
  const nComponents = layout.nElements * layout.perElement;
  const real = new Array<boolean>(nComponents + 1).fill(true);
  for (let mu = 0; mu < layout.nElements; mu++) {
    for (let l = 0; l <= layout.lmax; l++) {
      for (let m = 1; m <= l; m++) {
        const start = mu * layout.perElement + layout.starts[(l * (l + 1)) / 2 + m]!;
        real.fill(false, start, start + layout.counts[l]!);
      }
    }
  }
  const nodes = new NodeTable(real);
  const one: Factor = { node: nComponents, conjugate: false, sign: 1 };
  const terms = functions.map((fn) => termsOf(fn, layout));
  const leaves = buildLeaves(terms, one, nodes);
  const nLeafNodes = nodes.size;
  const derivatives = terms.map((functionTerms) => derivativesOf(functionTerms, one, nodes));
  return {
    nFunctions: functions.length,
    nComponents,
    nNodes: nodes.size,
    nLeafNodes,
    left: Int32Array.from(nodes.left),
    right: Int32Array.from(nodes.right),
    conjugated: Uint8Array.from(nodes.conjugated),
    ...leaves,
    jacobian: Array.from({ length: layout.nElements }, (_, mu) => jacobianBlock(derivatives, mu, layout.perElement)),
  };
}
