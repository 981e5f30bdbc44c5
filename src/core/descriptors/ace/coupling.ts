import { InputError } from '../../errors.ts';
import { clebschGordan } from './clebsch-gordan.ts';

/** Largest order for which a coupling tree is known. */
export const MAX_ORDER = 6;

/**
 * Pairwise coupling trees by order: leaves 0 … ν−1 are the slots, each node [a, b, out] couples momenta a and b to `out`;
 * the root (out −1) couples to total momentum 0. Inner nodes are numbered on from ν in this order.
 */
export const COUPLING_TREES: Readonly<Record<number, readonly (readonly [number, number, number])[]>> = {
  1: [],
  2: [[0, 1, -1]],
  3: [
    [0, 1, 3],
    [3, 2, -1],
  ],
  4: [
    [0, 1, 4],
    [2, 3, 5],
    [4, 5, -1],
  ],
  5: [
    [0, 1, 5],
    [2, 3, 6],
    [5, 6, 7],
    [7, 4, -1],
  ],
  6: [
    [0, 1, 6],
    [2, 3, 7],
    [4, 5, 8],
    [6, 7, 9],
    [8, 9, -1],
  ],
};

/** Terms Σ C_m Re Π_t A_{l_t m_t}: `ms` holds [terms·order] magnetic numbers, `coefficients` [terms] C_m. */
export interface CoupledTerms {
  readonly ms: Int8Array;
  readonly coefficients: Float64Array;
}

/** One coupling kept for a tuple of momenta: its intermediate momenta and its terms before and after compression. */
export interface Coupling {
  readonly couplings: readonly number[];
  readonly half: CoupledTerms;
  readonly compressed: CoupledTerms;
}

function treeOf(ls: readonly number[]): readonly (readonly [number, number, number])[] {
  const tree = COUPLING_TREES[ls.length];
  if (tree === undefined) {
    throw new InputError('UNSUPPORTED_ORDER', `order must be 1 to ${MAX_ORDER}, got ${ls.length}`, {
      order: ls.length,
    });
  }
  return tree;
}

/**
 * Intermediate momenta LS that couple `ls` along the tree to total momentum 0, in ascending lexicographic order; empty
 * when there are none (Σ l odd, or a triangle rule is broken).
 */
export function admissibleCouplings(ls: readonly number[]): number[][] {
  const tree = treeOf(ls);
  if (tree.length === 0) return ls[0] === 0 ? [[]] : [];
  if (ls.reduce((sum, l) => sum + l, 0) % 2 !== 0) return [];
  const momenta = [...ls];
  const found: number[][] = [];
  const couple = (node: number): void => {
    const [a, b, out] = tree[node]!;
    if (out < 0) {
      if (momenta[a] === momenta[b]) found.push(momenta.slice(ls.length));
      return;
    }
    const la = momenta[a]!;
    const lb = momenta[b]!;
    for (let l = Math.abs(la - lb); l <= la + lb; l++) {
      momenta[out] = l;
      couple(node + 1);
    }
  };
  couple(0);
  return found;
}

/**
 * Generalised Clebsch–Gordan coefficients of one coupling: products of ⟨l_a m_a l_b m_b | L M⟩ over the nodes, for
 * Σ m = 0. Half basis: only tuples whose first non-zero m is positive, counted twice, and m = 0 (valid since Σ l is even,
 * Re Π A being the same for m and −m). Tuples run with m₁ fastest; zero coefficients are left out.
 */
export function generalizedClebschGordan(ls: readonly number[], couplings: readonly number[]): CoupledTerms {
  const tree = treeOf(ls);
  const order = ls.length;
  const momenta = [...ls, ...couplings];
  const m = new Array<number>(momenta.length).fill(0);
  const ms: number[] = [];
  const coefficients: number[] = [];
  const emit = (): void => {
    const leading = m.slice(0, order).find((value) => value !== 0) ?? 0;
    if (leading < 0) return;
    let c = leading === 0 ? 1 : 2;
    for (const [a, b, out] of tree) {
      const sum = m[a]! + m[b]!;
      if (out >= 0) m[out] = sum;
      c *= clebschGordan(momenta[a]!, m[a]!, momenta[b]!, m[b]!, out < 0 ? 0 : momenta[out]!, out < 0 ? 0 : sum);
      if (c === 0) return;
    }
    ms.push(...m.slice(0, order));
    coefficients.push(c);
  };
  // Slots are filled from the last to the second; the first, fastest one is what makes the sum vanish.
  const fill = (slot: number, sum: number): void => {
    if (slot === 0) {
      m[0] = -sum;
      if (Math.abs(sum) <= ls[0]!) emit();
      return;
    }
    for (let value = -ls[slot]!; value <= ls[slot]!; value++) {
      m[slot] = value;
      fill(slot - 1, sum + value);
    }
  };
  fill(order - 1, 0);
  return { ms: Int8Array.from(ms), coefficients: Float64Array.from(coefficients) };
}

function compareTuples(a: readonly number[], b: readonly number[]): number {
  for (let t = 0; t < a.length; t++) if (a[t] !== b[t]) return a[t]! - b[t]!;
  return 0;
}

/** m of each slot sorted inside runs of equal (group, l): the name of a product of A that does not depend on slot order. */
function sortedTuple(groups: readonly number[], ls: readonly number[], ms: readonly number[]): number[] {
  const slots = ls.map((_, t) => t);
  slots.sort((a, b) => groups[a]! - groups[b]! || ls[a]! - ls[b]! || ms[a]! - ms[b]!);
  return slots.map((t) => ms[t]!);
}

function tuplesOf(terms: CoupledTerms, order: number): number[][] {
  return Array.from(terms.coefficients, (_, k) => Array.from(terms.ms.subarray(k * order, (k + 1) * order)));
}

/**
 * Merges terms that are the same product because slots are equal. `groups[t]` numbers the (element, n) of slot t,
 * non-decreasing, and l ascends inside a group. Where nothing merges the tuples stay as they were. Terms come in
 * ascending order of m; those that cancel are dropped.
 */
export function compressTerms(groups: readonly number[], ls: readonly number[], terms: CoupledTerms): CoupledTerms {
  const order = ls.length;
  const tuples = tuplesOf(terms, order);
  const merged = new Map<string, { tuple: number[]; c: number; size: number }>();
  tuples.forEach((ms, k) => {
    const tuple = sortedTuple(groups, ls, ms);
    const c = terms.coefficients[k]!;
    const entry = merged.get(tuple.join());
    if (entry) {
      entry.c += c;
      entry.size += Math.abs(c);
    } else merged.set(tuple.join(), { tuple, c, size: Math.abs(c) });
  });
  const kept =
    merged.size < tuples.length
      ? // What is left of terms that cancel exactly is rounding.
        [...merged.values()].filter(({ c, size }) => Math.abs(c) > 1e-13 * size)
      : tuples.map((tuple, k) => ({ tuple, c: terms.coefficients[k]! }));
  const sorted = kept.sort((a, b) => compareTuples(a.tuple, b.tuple));
  return {
    ms: Int8Array.from(sorted.flatMap(({ tuple }) => tuple)),
    coefficients: Float64Array.from(sorted, ({ c }) => c),
  };
}

/** Coefficients by product of A, a product and its conjugate being one: what makes couplings linearly dependent. */
function foldedTerms(groups: readonly number[], ls: readonly number[], terms: CoupledTerms): Map<string, number> {
  const folded = new Map<string, number>();
  tuplesOf(terms, ls.length).forEach((ms, k) => {
    const tuple = sortedTuple(groups, ls, ms);
    const conjugate = sortedTuple(
      groups,
      ls,
      ms.map((m) => -m),
    );
    const key = (compareTuples(tuple, conjugate) <= 0 ? tuple : conjugate).join();
    folded.set(key, (folded.get(key) ?? 0) + terms.coefficients[k]!);
  });
  return folded;
}

function dot(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [key, value] of a) sum += value * (b.get(key) ?? 0);
  return sum;
}

const selections = new Map<string, readonly Coupling[]>();

/**
 * The linearly independent couplings of slots with the given groups and momenta: LS in ascending order, kept when the
 * part orthogonal to those kept before exceeds 1e-8 of its norm. Cached by (groups, ls); groups are numbered from 0.
 */
export function selectCouplings(groups: readonly number[], ls: readonly number[]): readonly Coupling[] {
  const key = `${groups.join()}|${ls.join()}`;
  const known = selections.get(key);
  if (known) return known;
  const directions: Map<string, number>[] = [];
  const selected: Coupling[] = [];
  for (const couplings of admissibleCouplings(ls)) {
    const half = generalizedClebschGordan(ls, couplings);
    const compressed = compressTerms(groups, ls, half);
    const rest = foldedTerms(groups, ls, compressed);
    const norm = Math.sqrt(dot(rest, rest));
    // Products and their conjugates may cancel; what is left then is rounding.
    const size = Math.sqrt(compressed.coefficients.reduce((sum, c) => sum + c * c, 0));
    if (norm <= 1e-12 * size) continue;
    for (let pass = 0; pass < 2; pass++) {
      for (const direction of directions) {
        const overlap = dot(direction, rest);
        for (const [term, value] of direction) rest.set(term, (rest.get(term) ?? 0) - overlap * value);
      }
    }
    const left = Math.sqrt(dot(rest, rest));
    if (!(left > 1e-8 * norm)) continue;
    directions.push(new Map([...rest].map(([term, value]) => [term, value / left])));
    selected.push({ couplings, half, compressed });
  }
  selections.set(key, selected);
  return selected;
}
