import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { type NeighborList, neighborList } from './neighbor-list.ts';
import { prototypeStructure } from './prototypes.ts';
import type { Structure } from './structure.ts';
import { VerletList } from './verlet-list.ts';

const CUTOFF = 4;
const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [2, 2, 2] });

/** The structure with every coordinate moved by a normal deviate of `spread` Å. */
function moved(structure: Structure, spread: number, seed: number): Structure {
  const stream = new RandomStream(seed, 'verlet');
  return { ...structure, positions: structure.positions.map((x) => x + spread * stream.normal()) };
}

/** Pairs (i, j, image) within the cutoff at the positions of `structure`, in the order of the list. */
function pairsWithin(list: NeighborList, structure: Structure): string[] {
  const { positions, cell } = structure;
  const found: string[] = [];
  for (let i = 0; i < structure.species.length; i++) {
    for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
      const j = list.indices[p]!;
      const image = list.images.subarray(3 * p, 3 * p + 3);
      let square = 0;
      for (let d = 0; d < 3; d++) {
        const shift = image[0]! * cell![d]! + image[1]! * cell![3 + d]! + image[2]! * cell![6 + d]!;
        const x = positions[3 * j + d]! - positions[3 * i + d]! + shift;
        square += x * x;
      }
      if (square < CUTOFF * CUTOFF) found.push(`${i} ${j} ${image.join()}`);
    }
  }
  return found;
}

describe('VerletList', () => {
  it('holds the pairs of a fresh list, in its order, along a motion, with far fewer lists than steps', () => {
    const verlet = new VerletList(CUTOFF, 0.5);
    let structure = crystal;
    for (let step = 0; step < 60; step++) {
      structure = moved(structure, 0.01, step);
      const fresh = neighborList(structure, CUTOFF);
      expect(pairsWithin(verlet.of(structure), structure)).toEqual(pairsWithin(fresh, structure));
    }
    expect(verlet.builds).toBeLessThan(12);
  });

  it('makes a list without a skin of a structure it does not know, and keeps it for the same one', () => {
    const verlet = new VerletList(CUTOFF);
    expect(verlet.of(crystal).cutoff).toBe(CUTOFF);
    expect(verlet.of({ ...crystal, positions: crystal.positions.slice() }).cutoff).toBe(CUTOFF);
    expect(verlet.builds).toBe(1);
    expect(verlet.of(moved(crystal, 1, 1)).cutoff).toBe(CUTOFF);
    expect(verlet.builds).toBe(2);
  });

  it.each([
    ['species', { ...crystal, species: crystal.species.map((z, i) => (i === 0 ? 32 : z)) }],
    ['cell', { ...crystal, cell: crystal.cell!.map((x) => 1.001 * x) }],
    ['periodicity', { ...crystal, pbc: [true, true, false] as const }],
    ['number of atoms', { ...crystal, species: crystal.species.slice(1), positions: crystal.positions.slice(3) }],
  ])('makes a new list when the %s differs', (_, other) => {
    const verlet = new VerletList(CUTOFF);
    verlet.of(crystal);
    verlet.of(moved(crystal, 0.01, 3));
    const list = verlet.of(other);
    expect(verlet.builds).toBe(3);
    expect(list.cutoff).toBe(CUTOFF);
  });

  it('does not depend on what becomes of the positions it was given', () => {
    const verlet = new VerletList(CUTOFF);
    const structure = { ...crystal, positions: crystal.positions.slice() };
    verlet.of(structure);
    structure.positions.set(moved(crystal, 0.3, 5).positions);
    expect(pairsWithin(verlet.of(structure), structure)).toEqual(
      pairsWithin(neighborList(structure, CUTOFF), structure),
    );
  });

  it('refuses a position that is not a number, and a skin that is none', () => {
    const verlet = new VerletList(CUTOFF);
    verlet.of(crystal);
    const positions = crystal.positions.slice();
    positions[4] = Number.NaN;
    expect(() => verlet.of({ ...crystal, positions })).toThrow(/position of atom 1 must be finite/);
    expect(() => new VerletList(CUTOFF, -1)).toThrow(/skin must be finite and not negative, got -1 Å/);
  });
});
