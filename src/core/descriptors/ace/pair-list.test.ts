import { describe, expect, it } from 'vitest';
import { shape } from '../../../../test/support/physics.ts';
import { neighborList } from '../../structure/neighbor-list.ts';
import { ElementIndex, pairList } from './pair-list.ts';

const structure = shape('triclinic', ['Si'], 2.4);
const n = structure.species.length;

describe('pairs of a structure', () => {
  it('come from a fresh list where none is given', () => {
    const { list, from, to } = pairList(structure, 4, {}, 0);
    expect([from, to]).toEqual([0, n]);
    expect(list).toEqual(neighborList(structure, 4));
  });

  it('keep their order and get vectors of now from a list with a skin', () => {
    const old = neighborList(structure, 4.6);
    const positions = structure.positions.map((x, k) => x + 0.05 * Math.sin(k));
    const moved = { ...structure, positions };
    const { list } = pairList(moved, 4, { lists: [old] }, 0);
    const fresh = neighborList(moved, 4);
    for (let i = 0; i < n; i++) {
      const within: number[] = [];
      for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) if (list.distances[p]! < 4) within.push(p);
      const expected = Array.from(
        { length: fresh.offsets[i + 1]! - fresh.offsets[i]! },
        (_, k) => fresh.offsets[i]! + k,
      );
      expect(within.map((p) => list.indices[p])).toEqual(expected.map((p) => fresh.indices[p]));
      expect(within.map((p) => list.distances[p])).toEqual(expected.map((p) => fresh.distances[p]));
      expect(within.map((p) => [...list.vectors.subarray(3 * p, 3 * p + 3)])).toEqual(
        expected.map((p) => [...fresh.vectors.subarray(3 * p, 3 * p + 3)]),
      );
    }
    expect(old).toEqual(neighborList(structure, 4.6));
  });

  it('of a range of atoms', () => {
    const { list, from, to } = pairList(structure, 4, { atoms: [1, 3] }, 0);
    expect([from, to]).toEqual([1, 3]);
    const whole = neighborList(structure, 4);
    expect(list.offsets[2]! - list.offsets[1]!).toBe(whole.offsets[2]! - whole.offsets[1]!);
  });

  it.each([[[-1, 2]], [[0, n + 1]], [[2, 1]], [[0.5, 2]]] as const)('refuses the range %j', (atoms) => {
    expect(() => pairList(structure, 4, { atoms }, 0)).toThrowError(
      `atoms must be a range within 0 to ${n}, got ${atoms[0]} to ${atoms[1]}`,
    );
  });

  it('refuses lists that are too short, of another structure, or none', () => {
    const refuse = (lists: readonly ReturnType<typeof neighborList>[], got: string): void =>
      expect(() => pairList(structure, 4, { lists }, 0)).toThrowError(
        `neighbour list 0 must be of ${n} atoms and reach 4 Å, got ${got}`,
      );
    refuse([neighborList(structure, 3.9)], `${n} atoms and 3.9 Å`);
    refuse([neighborList(shape('molecule', ['Si'], 2.4), 4)], '6 atoms and 4 Å');
    refuse([], 'none');
  });
});

describe('elements of atoms', () => {
  it('are places in the list', () => {
    const index = new ElementIndex(['Si', 'C']);
    const { species } = shape('triclinic', ['C', 'Si'], 2);
    expect([...index.of({ ...structure, species })]).toEqual([1, 0, 1, 0]);
    expect(() => new ElementIndex(['C', 'O']).of(structure)).toThrowError(
      'species must be one of C, O, got Si (atom 0)',
    );
  });
});
