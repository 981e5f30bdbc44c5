import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atomShares, SHARED_ABOVE, sharesOf, sumOfShares, sumsOfShares } from './atom-shares.ts';

describe('atomShares', () => {
  it('cover every atom once, in order, and differ in length by one at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (n) => {
        const shares = atomShares(n);
        expect(shares[0]![0]).toBe(0);
        expect(shares.at(-1)![1]).toBe(n);
        const lengths = shares.map(([from, to], s) => {
          if (s > 0) expect(from).toBe(shares[s - 1]![1]);
          return to - from;
        });
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('leave a small structure whole', () => {
    expect(atomShares(SHARED_ABOVE - 1)).toEqual([[0, SHARED_ABOVE - 1]]);
    expect(atomShares(SHARED_ABOVE).length).toBeGreaterThan(1);
  });
});

describe('sumOfShares', () => {
  const share = (x: number) => ({
    energy: x,
    atomEnergies: Float64Array.of(x, 0),
    forces: Float64Array.of(x, -x, 0, 0, x, 1),
    virial: new Float64Array(6).fill(x),
  });

  it('adds everything up and leaves the shares alone', () => {
    const shares = [share(1), share(2), share(4)];
    const sum = sumOfShares(shares);
    expect(sum.energy).toBe(7);
    expect([...sum.atomEnergies!]).toEqual([7, 0]);
    expect([...sum.forces]).toEqual([7, -7, 0, 0, 7, 3]);
    expect([...sum.virial]).toEqual([7, 7, 7, 7, 7, 7]);
    expect(shares[0]).toEqual(share(1));
  });

  it('is the share itself when there is one', () => {
    const only = share(3);
    expect(sumOfShares([only])).toBe(only);
  });
});

describe('several structures', () => {
  it('are taken apart in order and added up one by one', () => {
    const counts = [8, SHARED_ABOVE, 3];
    const shares = sharesOf(counts);
    expect(shares[0]).toEqual({ index: 0, atoms: [0, 8] });
    expect(shares.at(-1)).toEqual({ index: 2, atoms: [0, 3] });
    const results = shares.map(({ atoms: [from, to] }) => ({
      energy: to - from,
      atomEnergies: null,
      forces: Float64Array.of(to - from),
      virial: new Float64Array(6),
    }));
    expect(sumsOfShares(shares, results).map(({ energy, forces }) => [energy, forces[0]])).toEqual([
      [8, 8],
      [SHARED_ABOVE, SHARED_ABOVE],
      [3, 3],
    ]);
  });
});
