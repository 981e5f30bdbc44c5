import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simpleCubic } from '../../../test/support/toy-potentials.ts';
import { RandomStream } from '../random.ts';
import { neighborList } from '../structure/neighbor-list.ts';
import type { Structure } from '../structure/structure.ts';
import { covalentGate, gateRatio, nearestNeighbor, requireDistances } from './distances.ts';
import { rattle } from './rattle.ts';
import { shortDistance } from './short-distance.ts';

const CRYSTAL = simpleCubic(2, 2.6);
const GATE = covalentGate(0.7);
const DIMER: Structure = {
  positions: Float64Array.of(0, 0, 0, 0, 0, 2),
  cell: null,
  pbc: [false, false, false],
  species: Uint8Array.of(14, 8),
};

function shortest(structure: Structure): number {
  return Math.min(...neighborList(structure, 5).distances);
}

describe('distance gates', () => {
  it('are a share of the covalent radii', () => {
    expect(GATE(14, 14)).toAgree(0.7 * 2.22, { rtol: 1e-15, why: 'radius of silicon 1.11 Å' });
    expect(GATE(14, 8)).toBe(GATE(8, 14));
  });

  it('give the ratio of the worst pair, 1 when all are outside', () => {
    expect(gateRatio(CRYSTAL, GATE)).toBe(1);
    expect(gateRatio(DIMER, () => 2.5)).toAgree(0.8, { rtol: 1e-15, why: '2 of 2.5 Å' });
    expect(gateRatio(DIMER, (a, b) => (a === b ? 9 : 1))).toBe(1);
    expect(gateRatio(DIMER, () => 0)).toBe(1);
    expect(() => requireDistances(DIMER, () => 2.5, 4)).toThrow(
      'distances of structure 4 must not be below their gates, got 0.800 of one',
    );
  });
});

describe('nearestNeighbor', () => {
  it('finds the other atom, over the boundary as well', () => {
    const nearest = nearestNeighbor(DIMER, 1)!;
    expect(nearest).toMatchObject({ index: 0, distance: 2 });
    expect([...nearest.vector]).toEqual([0, 0, -2]);
    const periodic: Structure = { ...DIMER, cell: Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 3), pbc: [true, true, true] };
    expect(nearestNeighbor(periodic, 0)!.vector[2]).toBe(-1);
  });

  it('is null for an atom alone, whose images do not count', () => {
    expect(nearestNeighbor(simpleCubic(1, 3), 0)).toBeNull();
  });
});

describe('shortDistance', () => {
  it('leaves one short pair outside its gate, and its centre where it was', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const stream = new RandomStream(seed, 'short');
        const start = rattle(CRYSTAL, [0.03, 0.05], stream).structure;
        const { structure, atoms, distance } = shortDistance(start, GATE, stream);
        expect(shortest(structure)).toAgree(distance, { rtol: 1e-12, why: 'the pushed pair is the shortest' });
        expect(distance).toBeGreaterThan(GATE(14, 14));
        expect(distance).toBeLessThan(shortest(start));
        const [i, j] = atoms;
        for (let k = 0; k < 24; k++) {
          const atom = Math.floor(k / 3);
          if (atom !== i && atom !== j) expect(structure.positions[k]).toBe(start.positions[k]);
        }
        for (let k = 0; k < 3; k++) {
          const sum = structure.positions[3 * i + k]! + structure.positions[3 * j + k]!;
          expect(sum).toAgree(start.positions[3 * i + k]! + start.positions[3 * j + k]!, {
            atol: 1e-12,
            why: 'rounding',
          });
        }
      }),
      { numRuns: 40 },
    );
  });

  it('covers the way from the gate to the bond', () => {
    const distances = Array.from(
      { length: 300 },
      (_, i) => shortDistance(DIMER, () => 1, new RandomStream(i, 's')).distance,
    );
    expect(Math.min(...distances)).toBeGreaterThanOrEqual(1.1);
    expect(Math.max(...distances)).toBeLessThanOrEqual(1.7);
    expect(Math.min(...distances)).toBeLessThan(1.12);
    expect(Math.max(...distances)).toBeGreaterThan(1.68);
  });

  it('refuses structures without a pair to push', () => {
    expect(() => shortDistance(simpleCubic(1, 3), GATE, new RandomStream(1, 's'))).toThrow(
      'two neighbours that can be pushed together, got 1 atoms',
    );
    expect(() => shortDistance(DIMER, () => 2, new RandomStream(1, 's'))).toThrow('got 2 atoms');
  });
});
