import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backtestSplit, mergedGroups, OTHER_GROUPS } from './split.ts';

const identity = (n: number): Int32Array => Int32Array.from({ length: n }, (_, f) => f);
const groups = [...new Array(20).fill('a'), ...new Array(8).fill('b'), 'c', 'd', 'd'] as string[];
const options = { testShare: 0.25, heldOut: [], seed: 3 };

describe('mergedGroups', () => {
  it('puts small groups together and leaves the others alone', () => {
    const merged = mergedGroups(groups, 3);
    expect(merged.slice(0, 28)).toEqual(groups.slice(0, 28));
    expect(merged.slice(28)).toEqual([OTHER_GROUPS, OTHER_GROUPS, OTHER_GROUPS]);
    expect(mergedGroups(groups, 1)).toEqual(groups);
  });
});

describe('backtestSplit', () => {
  it('takes its share of each group, and nothing of a group of one', () => {
    const { pool, test, heldOut } = backtestSplit(groups, identity(31), options, 0);
    const count = (name: string): number => test.filter((f) => groups[f] === name).length;
    expect(['a', 'b', 'c', 'd'].map(count)).toEqual([5, 2, 0, 1]);
    expect([...pool, ...test].sort((a, b) => a - b)).toEqual([...identity(31)]);
    expect(heldOut).toEqual([]);
  });

  it('is another for another split or seed, and the same again for the same', () => {
    const first = backtestSplit(groups, identity(31), options, 0);
    expect(backtestSplit(groups, identity(31), options, 0)).toEqual(first);
    expect(backtestSplit(groups, identity(31), options, 1).test).not.toEqual(first.test);
    expect(backtestSplit(groups, identity(31), { ...options, seed: 4 }, 0).test).not.toEqual(first.test);
  });

  it('keeps groups that are held out from pool and test set', () => {
    const { pool, test, heldOut } = backtestSplit(groups, identity(31), { ...options, heldOut: ['b'] }, 0);
    expect(heldOut.map((f) => groups[f])).toEqual(new Array(8).fill('b'));
    expect([...pool, ...test].some((f) => groups[f] === 'b')).toBe(false);
  });

  it('sends copies where their originals go, and judges by originals alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 2, max: 4 }), (split, copies) => {
        const originals = Int32Array.from({ length: 31 * copies }, (_, f) => f % 31);
        const all = Array.from({ length: copies }, () => groups).flat();
        const { pool, test } = backtestSplit(all, originals, options, split);
        const judged = new Set(test);
        expect(test.every((f) => f < 31)).toBe(true);
        expect(pool.every((f) => !judged.has(originals[f]!))).toBe(true);
        expect(pool.length).toBe(copies * (31 - test.length));
      }),
      { numRuns: 20 },
    );
  });

  it('refuses groups that are not there and shares that are none', () => {
    expect(() => backtestSplit(groups, identity(31), { ...options, heldOut: ['x'] }, 0)).toThrow(
      'group to hold out must be in the data, got "x"',
    );
    expect(() => backtestSplit(groups, identity(31), { ...options, testShare: 1 }, 0)).toThrow(
      'share of the test set must lie between 0 and 1, got 1',
    );
  });
});
