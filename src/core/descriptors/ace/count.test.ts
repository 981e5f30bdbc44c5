import { describe, expect, it } from 'vitest';
import { countCouplings } from '../../../../test/support/coupling-count.ts';
import { golden } from '../../../../test/support/golden.ts';
import { countFunctions, countOrder } from './count.ts';

interface Reference {
  A: {
    A4_counts_per_order: { species: number; nmax_by_order: number[]; lmax_by_order: number[]; counts: number[] }[];
    A4_counts_public_blocks: { block: string; nmax: number[]; lmax: number[]; count: number }[];
    A4_table_sizes: Record<string, number>;
  };
}
const { A } = golden<Reference>('reference-values');
const total = (counts: readonly number[]): number => counts.reduce((sum, k) => sum + k, 0);

describe('number of functions', () => {
  it.each(A.A4_counts_per_order.map((c) => [c.species, c.nmax_by_order, c.lmax_by_order, c.counts] as const))(
    '%i species, nmax %j, lmax %j',
    (species, nmax, lmax, counts) => {
      expect(countFunctions(species, nmax, lmax)).toEqual(counts);
    },
  );

  it.each(A.A4_counts_public_blocks.map((c) => [c.block, c] as const))(
    'published block %s',
    (block, { nmax, lmax, count }) => {
      // Functions of a block have every one of its neighbour elements in a slot (the central one may be missing):
      // inclusion and exclusion over the others.
      const others = block.split(' ').length - 1;
      let expected = 0;
      for (let left = 0; left <= others; left++) {
        const ways = left === 0 || left === others ? 1 : others;
        expected += (left % 2 === 0 ? 1 : -1) * ways * total(countFunctions(others + 1 - left, nmax, lmax));
      }
      expect(expected).toBe(count);
    },
  );

  it('sizes of tables of couplings', () => {
    const sizes = A.A4_table_sizes;
    const cases: [string, number[], number][] = [
      ['(n,n),l<=10', [2], 10],
      ['(n,n,n),l<=6', [3], 6],
      ['(n,n,n2),l<=6', [2, 1], 6],
      ['(n1,n2,n3),l<=6', [1, 1, 1], 6],
      ['4 equal,l<=4', [4], 4],
      ['4 distinct,l<=4', [1, 1, 1, 1], 4],
      ['5 equal,l<=3', [5], 3],
      ['5 distinct,l<=3', [1, 1, 1, 1, 1], 3],
      ['6 equal,l<=2', [6], 2],
    ];
    expect(cases.map(([name]) => name)).toEqual(Object.keys(sizes));
    for (const [name, multiplicities, lmax] of cases) expect(countCouplings(multiplicities, lmax)).toBe(sizes[name]);
  });

  it('has closed forms at orders 1 and 2', () => {
    expect(countOrder(7, 1, 0)).toBe(7);
    for (const [n, l] of [
      [4, 3],
      [6, 5],
    ] as const) {
      expect(countOrder(n, 2, l)).toBe(((n * (n + 1)) / 2) * (l + 1));
    }
  });

  it('of many slots is found without walking through them', () => {
    // Order 1 counts its slots; order 2 with l = 0 counts pairs of slots.
    expect(countFunctions(1, [1200, 900], [0, 0])).toEqual([1200, (900 * 901) / 2]);
  });

  it('refuses lists of different length', () => {
    expect(() => countFunctions(1, [3, 2], [0])).toThrowError('nmax and lmax must have one entry per order, 1 to 6');
  });
});
