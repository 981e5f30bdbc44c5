import { InputError } from '../../errors.ts';
import type { DegreeSet, FunctionSet, RectangularSet } from './basis.ts';
import { MAX_ORDER } from './coupling.ts';

/** Largest angular momentum of a basis. */
const MAX_ANGULAR_MOMENTUM = 12;

/** Largest n and l by order. */
export interface SetBounds {
  readonly nmax: readonly number[];
  readonly lmax: readonly number[];
}

/** Rounding allowance of the degree, so that 18 of 1.5·12 is in. */
const SLACK = 1e-9;

function fail(message: string, details: Record<string, unknown>): never {
  throw new InputError('INVALID_BASIS', message, details);
}

/** Whether a set is bounded by total degree. */
export function isDegreeSet(set: FunctionSet): set is DegreeSet {
  return 'order' in set;
}

function checkRectangle({ nmax, lmax }: RectangularSet): void {
  if (nmax.length !== lmax.length || nmax.length < 1 || nmax.length > MAX_ORDER) {
    fail(`nmax and lmax must have one entry per order, 1 to ${MAX_ORDER}, got ${nmax.length} and ${lmax.length}`, {});
  }
  nmax.forEach((n, k) => {
    const l = lmax[k]!;
    if (!(Number.isInteger(n) && n >= 0)) fail(`nmax of order ${k + 1} must be an integer from 0, got ${n}`, { n });
    if (!(Number.isInteger(l) && l >= 0 && l <= MAX_ANGULAR_MOMENTUM && (k > 0 || l === 0))) {
      fail(`lmax of order ${k + 1} must be ${k > 0 ? `an integer from 0 to ${MAX_ANGULAR_MOMENTUM}` : '0'}, got ${l}`, {
        l,
      });
    }
  });
}

function checkDegree({ order, degree, weight }: DegreeSet): void {
  if (!(Number.isInteger(order) && order >= 1 && order <= MAX_ORDER)) {
    fail(`order of a set must be an integer from 1 to ${MAX_ORDER}, got ${order}`, { order });
  }
  if (!(weight > 0 && Number.isFinite(weight)))
    fail(`weight of l in a degree must be positive, got ${weight}`, { weight });
  if (!(degree >= order && Number.isFinite(degree))) {
    fail(`degree of order ${order} must be at least ${order}, got ${degree}`, { degree });
  }
}

/** Checks the sets of a union one by one. @throws InputError `INVALID_BASIS` */
export function checkFunctionSets(sets: readonly FunctionSet[]): void {
  if (sets.length < 1) fail('sets must be at least one, got none', {});
  for (const set of sets) {
    if (isDegreeSet(set)) checkDegree(set);
    else checkRectangle(set);
  }
}

/** Largest l of one slot of a degree set: two slots of that l and all others with n = 1, l = 0. */
function largestMomentum({ order, degree, weight }: DegreeSet): number {
  if (order === 1) return 0;
  return Math.min(MAX_ANGULAR_MOMENTUM, Math.floor((degree - order) / (2 * weight) + SLACK));
}

/** Smallest rectangle by order that holds every set; 0 radial functions where an order has none. */
export function boundsOfSets(sets: readonly FunctionSet[]): SetBounds {
  const orders = Math.max(...sets.map((set) => (isDegreeSet(set) ? set.order : set.nmax.length)));
  const nmax = new Array<number>(orders).fill(0);
  const lmax = new Array<number>(orders).fill(0);
  for (const set of sets) {
    if (isDegreeSet(set)) {
      const k = set.order - 1;
      nmax[k] = Math.max(nmax[k]!, Math.floor(set.degree - k + SLACK));
      lmax[k] = Math.max(lmax[k]!, largestMomentum(set));
    } else {
      set.nmax.forEach((n, k) => {
        nmax[k] = Math.max(nmax[k]!, n);
        if (n > 0) lmax[k] = Math.max(lmax[k]!, set.lmax[k]!);
      });
    }
  }
  return { nmax, lmax };
}

/** Whether a set holds the functions with these n and l (couplings and elements do not matter). */
function setContains(set: FunctionSet, ns: readonly number[], ls: readonly number[]): boolean {
  const order = ns.length;
  if (isDegreeSet(set)) {
    if (set.order !== order) return false;
    let degree = 0;
    for (let t = 0; t < order; t++) degree += ns[t]! + set.weight * ls[t]!;
    return degree <= set.degree + SLACK;
  }
  const n = set.nmax[order - 1] ?? 0;
  const l = set.lmax[order - 1] ?? 0;
  for (let t = 0; t < order; t++) if (ns[t]! > n || ls[t]! > l) return false;
  return true;
}

/** Whether a union holds the functions with these n and l. */
export function setsContain(sets: readonly FunctionSet[], ns: readonly number[], ls: readonly number[]): boolean {
  return sets.some((set) => setContains(set, ns, ls));
}

/** A set with its keys in fixed order and nothing else. */
export function canonicalSet(set: FunctionSet): FunctionSet {
  return isDegreeSet(set)
    ? { order: set.order, degree: set.degree, weight: set.weight }
    : { nmax: [...set.nmax], lmax: [...set.lmax] };
}

/** `15,6,4/0,5,4 + order 2 of n + 1.5 l ≤ 18`: a union in words. */
export function describeSets(sets: readonly FunctionSet[]): string {
  return sets
    .map((set) =>
      isDegreeSet(set)
        ? `order ${set.order} of n + ${set.weight} l ≤ ${set.degree}`
        : `${set.nmax.join(',')}/${set.lmax.join(',')}`,
    )
    .join(' + ');
}
