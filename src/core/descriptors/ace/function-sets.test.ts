import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FunctionSet } from './basis.ts';
import {
  boundsOfSets,
  canonicalSet,
  checkFunctionSets,
  describeSets,
  isDegreeSet,
  setsContain,
} from './function-sets.ts';

const RECTANGLE: FunctionSet = { nmax: [3, 2], lmax: [0, 1] };
const DEGREE: FunctionSet = { order: 2, degree: 8, weight: 1.5 };

describe('sets of functions', () => {
  it('are bounded by the smallest rectangle', () => {
    expect(boundsOfSets([RECTANGLE])).toEqual({ nmax: [3, 2], lmax: [0, 1] });
    // (n, l) = (7, 0) with (1, 0), and twice (1, 2): degree 8.
    expect(boundsOfSets([DEGREE])).toEqual({ nmax: [0, 7], lmax: [0, 2] });
    expect(boundsOfSets([RECTANGLE, DEGREE, { nmax: [0, 0, 0, 2], lmax: [0, 0, 0, 3] }])).toEqual({
      nmax: [3, 7, 0, 2],
      lmax: [0, 2, 0, 3],
    });
    expect(boundsOfSets([{ order: 1, degree: 5, weight: 1 }])).toEqual({ nmax: [5], lmax: [0] });
  });

  it('hold what is within one of them', () => {
    expect(setsContain([RECTANGLE], [2, 1], [1, 1])).toBe(true);
    expect(setsContain([RECTANGLE], [3, 1], [0, 0])).toBe(false);
    expect(setsContain([RECTANGLE], [1, 1, 1], [0, 0, 0])).toBe(false);
    expect(setsContain([DEGREE], [1, 1], [2, 2])).toBe(true);
    expect(setsContain([DEGREE], [2, 1], [2, 2])).toBe(false);
    expect(setsContain([RECTANGLE, DEGREE], [7, 1], [0, 0])).toBe(true);
    expect(setsContain([DEGREE], [1], [0])).toBe(false);
  });

  it('hold nothing beyond their bounds', () => {
    const set = fc.oneof(
      fc.record({
        order: fc.integer({ min: 1, max: 3 }),
        degree: fc.integer({ min: 3, max: 9 }),
        weight: fc.constantFrom(0.5, 1, 1.5),
      }),
      fc.constantFrom(RECTANGLE, { nmax: [2, 1, 2], lmax: [0, 2, 1] }),
    );
    const slot = fc.record({ n: fc.integer({ min: 1, max: 10 }), l: fc.integer({ min: 0, max: 6 }) });
    fc.assert(
      fc.property(
        fc.array(set, { minLength: 1, maxLength: 3 }),
        fc.array(slot, { minLength: 1, maxLength: 3 }),
        (sets, slots) => {
          const order = slots.length;
          // Coupling needs the l of order 1 to be 0 and those of order 2 to be equal.
          const ls = slots.map(({ l }) => (order === 1 ? 0 : order === 2 ? slots[0]!.l : l));
          fc.pre(order < 3 || Math.max(...ls) <= ls.reduce((sum, l) => sum + l, 0) - Math.max(...ls));
          const ns = slots.map(({ n }) => n);
          if (!setsContain(sets, ns, ls)) return;
          const { nmax, lmax } = boundsOfSets(sets);
          expect(Math.max(...ns)).toBeLessThanOrEqual(nmax[order - 1]!);
          expect(Math.max(...ls)).toBeLessThanOrEqual(lmax[order - 1]!);
        },
      ),
    );
  });

  it.each<[FunctionSet, RegExp]>([
    [{ nmax: [1, 2], lmax: [0] }, /one entry per order/],
    [{ nmax: [], lmax: [] }, /one entry per order/],
    [{ nmax: [-1], lmax: [0] }, /nmax of order 1 must be an integer from 0, got -1/],
    [{ nmax: [1, 1], lmax: [0, 13] }, /lmax of order 2 must be an integer from 0 to 12, got 13/],
    [{ nmax: [1], lmax: [1] }, /lmax of order 1 must be 0, got 1/],
    [{ order: 7, degree: 9, weight: 1 }, /order of a set must be an integer from 1 to 6, got 7/],
    [{ order: 2, degree: 1, weight: 1 }, /degree of order 2 must be at least 2, got 1/],
    [{ order: 2, degree: 9, weight: 0 }, /weight of l in a degree must be positive, got 0/],
  ])('refuses %j', (set, message) => {
    expect(() => checkFunctionSets([set])).toThrow(message);
    expect(() => checkFunctionSets([])).toThrow(/at least one/);
  });

  it('have canonical keys and a description', () => {
    expect(isDegreeSet(DEGREE)).toBe(true);
    expect(JSON.stringify(canonicalSet({ weight: 1.5, degree: 8, order: 2 }))).toBe(
      '{"order":2,"degree":8,"weight":1.5}',
    );
    expect(canonicalSet(RECTANGLE)).toEqual(RECTANGLE);
    expect(describeSets([RECTANGLE, DEGREE])).toBe('3,2/0,1 + order 2 of n + 1.5 l ≤ 8');
  });
});
