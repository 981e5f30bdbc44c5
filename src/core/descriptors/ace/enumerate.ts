import { InputError } from '../../errors.ts';
import { sha256Hex } from '../../hash.ts';
import type { AceBasis, AceFunction, AceSpecification, FunctionSet } from './basis.ts';
import { countFunctions } from './count.ts';
import { type Coupling, selectCouplings } from './coupling.ts';
import { boundsOfSets, setsContain } from './function-sets.ts';
import { canonicalSpecification, checkSpecification } from './specification.ts';

/** Largest basis that is built: functions of one central element, and of all together. */
export interface BasisLimits {
  readonly perElement: number;
  readonly total: number;
}

/** Default limits: a factor of 3000 columns is 72 MB. */
export const DEFAULT_BASIS_LIMITS: BasisLimits = { perElement: 1500, total: 3000 };

/** Momenta of the slots and the couplings kept for them. */
interface Pattern {
  readonly ls: readonly number[];
  readonly couplings: readonly Coupling[];
}

/** All l tuples up to lmax, ascending inside runs of equal slots, that have couplings. */
function patternsOf(groups: readonly number[], lmax: number): Pattern[] {
  const patterns: Pattern[] = [];
  const ls: number[] = [];
  const extend = (): void => {
    const t = ls.length;
    if (t === groups.length) {
      const couplings = selectCouplings(groups, ls);
      if (couplings.length > 0) patterns.push({ ls: [...ls], couplings });
      return;
    }
    for (let l = t > 0 && groups[t] === groups[t - 1] ? ls[t - 1]! : 0; l <= lmax; l++) {
      ls.push(l);
      extend();
      ls.pop();
    }
  };
  extend();
  return patterns;
}

interface Entry {
  readonly fn: AceFunction;
  readonly coupling: Coupling;
}

function compareLists(a: ArrayLike<number>, b: ArrayLike<number>): number {
  for (let k = 0; k < a.length && k < b.length; k++) if (a[k] !== b[k]) return a[k]! - b[k]!;
  return a.length - b.length;
}

/** Canonical order: order, elements, n, l, number of m tuples before compression, those tuples. */
function compareEntries(a: Entry, b: Entry): number {
  return (
    a.fn.order - b.fn.order ||
    compareLists(a.fn.mus, b.fn.mus) ||
    compareLists(a.fn.ns, b.fn.ns) ||
    compareLists(a.fn.ls, b.fn.ls) ||
    a.coupling.half.coefficients.length - b.coupling.half.coefficients.length ||
    compareLists(a.coupling.half.ms, b.coupling.half.ms)
  );
}

/**
 * Functions of one order: every non-decreasing tuple of slots (element, n) with those of its l tuples that a set holds,
 * and their couplings; refused beyond the limits, `before` of them being there from other orders.
 */
function entriesOfOrder(
  order: number,
  nElements: number,
  sets: readonly FunctionSet[],
  limits: BasisLimits,
  before: number,
): Entry[] {
  const bounds = boundsOfSets(sets);
  const nmax = bounds.nmax[order - 1]!;
  const lmax = bounds.lmax[order - 1]!;
  const entries: Entry[] = [];
  const byPattern = new Map<string, Pattern[]>();
  const slots: number[] = [];
  const zeros = new Array<number>(order).fill(0);
  const emit = (): void => {
    const ns = slots.map((slot) => (slot % nmax) + 1);
    if (!setsContain(sets, ns, zeros)) return;
    const groups: number[] = [];
    slots.forEach((slot, t) => {
      groups.push(t === 0 ? 0 : groups[t - 1]! + (slot === slots[t - 1] ? 0 : 1));
    });
    const key = groups.join();
    let patterns = byPattern.get(key);
    if (patterns === undefined) {
      patterns = patternsOf(groups, lmax);
      byPattern.set(key, patterns);
    }
    const mus = slots.map((slot) => Math.floor(slot / nmax));
    for (const { ls, couplings } of patterns) {
      if (!setsContain(sets, ns, ls)) continue;
      const size = before + entries.length;
      if (size > limits.perElement || size * nElements > limits.total) refuse(size, nElements, limits, false);
      for (const coupling of couplings) {
        const { ms, coefficients } = coupling.compressed;
        entries.push({ fn: { order, mus, ns, ls, couplings: coupling.couplings, ms, coefficients }, coupling });
      }
    }
  };
  const extend = (first: number): void => {
    if (slots.length === order) {
      emit();
      return;
    }
    for (let slot = first; slot < nElements * nmax; slot++) {
      slots.push(slot);
      extend(slot);
      slots.pop();
    }
  };
  extend(0);
  return entries;
}

function refuse(count: number, nElements: number, limits: BasisLimits, counted = true): never {
  const total = count * nElements;
  const megabytes = Math.ceil((8 * total * total) / 1e6);
  throw new InputError(
    'BASIS_TOO_LARGE',
    `basis must have at most ${limits.perElement} functions per element and ${limits.total} in all, ` +
      (counted
        ? `got ${count} and ${total} (one factor of them takes ${megabytes} MB); lower nmax, lmax or the order`
        : `got more than ${count} per element; lower nmax, lmax, degrees or the order`),
    counted ? { perElement: count, total, megabytes } : { perElement: count },
  );
}

/** Refuses a basis beyond the limits, by its counted size where it is a rectangle, otherwise by its slots. */
function checkSize(specification: AceSpecification, limits: BasisLimits): void {
  const { elements, nmax, lmax, sets } = specification;
  // An order has at least one function for each of its slots: too many of these need not be counted.
  const slots = elements.length * Math.max(...nmax);
  if (slots > limits.perElement) {
    throw new InputError(
      'BASIS_TOO_LARGE',
      `basis must have at most ${limits.perElement} functions per element and ${limits.total} in all, got more than ${slots} per element; lower nmax`,
      { perElement: slots },
    );
  }
  for (const set of sets ?? [{ nmax, lmax }]) {
    if ('order' in set) continue;
    // Orders without functions count as nothing.
    const count = countFunctions(elements.length, set.nmax, set.lmax).reduce((sum, k) => sum + k, 0);
    if (count > limits.perElement || count * elements.length > limits.total) refuse(count, elements.length, limits);
  }
}

/** Name of a function that says all about it: slots (element, n, l) and couplings. */
export function functionLabel(fn: AceFunction): string {
  return `${fn.mus.join()}|${fn.ns.join()}|${fn.ls.join()}|${fn.couplings.join()}`;
}

/**
 * The basis of a specification: linearly independent invariants in canonical order, the same list for every central
 * element (each with its own block of columns).
 *
 * @throws InputError `INVALID_BASIS`, `BASIS_TOO_LARGE` (before anything is enumerated)
 */
export function buildAceBasis(specification: AceSpecification, limits: BasisLimits = DEFAULT_BASIS_LIMITS): AceBasis {
  checkSpecification(specification);
  checkSize(specification, limits);
  const canonical = canonicalSpecification(specification);
  const { elements, nmax, lmax, sets = [{ nmax, lmax }], kept } = canonical;
  const entries: Entry[] = [];
  for (let order = 1; order <= nmax.length; order++) {
    entries.push(...entriesOfOrder(order, elements.length, sets, limits, entries.length));
  }
  const every = entries.sort(compareEntries).map(({ fn }) => fn);
  if (kept !== undefined && !(kept.length > 0 && kept.at(-1)! < every.length)) {
    throw new InputError(
      'INVALID_BASIS',
      `kept functions must be some of the ${every.length} of the sets, got ${kept.length === 0 ? 'none' : kept.at(-1)}`,
      { functions: every.length },
    );
  }
  const functions = kept === undefined ? every : kept.map((v) => every[v]!);
  const labels = functions.map(functionLabel).join('\n');
  return {
    specification: canonical,
    functions: elements.map(() => functions),
    offsets: Array.from({ length: elements.length + 1 }, (_, mu) => mu * functions.length),
    id: sha256Hex(JSON.stringify(canonical), '\n', labels),
  };
}
