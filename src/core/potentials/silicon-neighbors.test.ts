import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { neighborList } from '../structure/neighbor-list.ts';
import type { Structure } from '../structure/structure.ts';
import { siliconNeighbors } from './silicon-neighbors.ts';

const pair: Structure = {
  positions: Float64Array.of(0, 0, 0, 2.3, 0, 0),
  cell: Float64Array.of(5, 0, 0, 0, 5, 0, 0, 0, 5),
  pbc: [true, true, true],
  species: Uint8Array.of(14, 14),
};

describe('siliconNeighbors', () => {
  it('is the neighbour list of silicon', () => {
    expect(siliconNeighbors(pair, 3.7, 'model')).toEqual(neighborList(pair, 3.7));
  });

  it.each<[string, Partial<Structure>, string, string]>([
    [
      'no atoms',
      { positions: new Float64Array(0), species: new Uint8Array(0) },
      'NO_ATOMS',
      'structure must have at least one atom, got none',
    ],
    [
      'another element',
      { species: Uint8Array.of(14, 32) },
      'SPECIES_NOT_IN_POTENTIAL',
      'species for model must be Si, got Ge at atom 1',
    ],
    [
      'atoms on one spot',
      { positions: Float64Array.of(0, 0, 0, 0, 0, 5e-4) },
      'ATOMS_COINCIDE',
      'distance of atoms 0 and 1 must be at least 0.001 Å',
    ],
    [
      'atoms on one spot by their images',
      { positions: Float64Array.of(0, 0, 0, 5, 0, 0) },
      'ATOMS_COINCIDE',
      'got 0 Å',
    ],
    [
      'a position that is no number',
      { positions: Float64Array.of(0, 0, 0, Number.NaN, 0, 0) },
      'NOT_FINITE_POSITION',
      'position of atom 1',
    ],
    ['no cell', { cell: null }, 'MISSING_LATTICE_VECTOR', 'periodic direction a'],
  ])('refuses %s', (_, change, code, message) => {
    expect(() => siliconNeighbors({ ...pair, ...change }, 3.7, 'model')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
    expect(() => siliconNeighbors({ ...pair, ...change }, 3.7, 'model')).toThrow(InputError);
  });
});
