import { describe, expect, it } from 'vitest';
import { assertNoOverlap, checkStructure, minimumDistance, requireDistance } from './checks.ts';
import type { Structure } from './structure.ts';

const good: Structure = {
  positions: Float64Array.of(0, 0, 0, 3.9, 0, 0),
  cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4),
  pbc: [true, true, true],
  species: Uint8Array.of(14, 1),
};
const open = { pbc: [false, false, false] as const };

describe('checkStructure', () => {
  it('accepts molecules, slabs, boxes and left-handed cells', () => {
    for (const structure of [
      good,
      { ...good, cell: null, ...open },
      { ...good, cell: new Float64Array(9), ...open },
      { ...good, cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 0), pbc: [true, true, false] as const },
      { ...good, cell: Float64Array.of(0, 4, 0, 4, 0, 0, 0, 0, 4) },
    ]) {
      expect(() => checkStructure(structure)).not.toThrow();
    }
  });

  it.each<[string, Partial<Structure>, string]>([
    [
      'NO_ATOMS',
      { positions: new Float64Array(0), species: new Uint8Array(0) },
      'seed 3 must have at least one atom, got none',
    ],
    [
      'SHAPE_MISMATCH',
      { positions: new Float64Array(5) },
      'seed 3 must have 3 coordinates per atom, got 5 for 2 atoms',
    ],
    ['UNKNOWN_ELEMENT', { species: Uint8Array.of(14, 0) }, 'atomic number must be 1 to 96, got 0'],
    [
      'NOT_FINITE_POSITION',
      { positions: Float64Array.of(0, 0, 0, 1, Number.NaN, 0) },
      'position of atom 1 of seed 3 must be finite, got NaN Å',
    ],
    [
      'NOT_FINITE_CELL',
      { cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, Number.POSITIVE_INFINITY) },
      'cell of seed 3 must be finite',
    ],
    ['SHAPE_MISMATCH', { cell: new Float64Array(3) }, 'cell of seed 3 must have 9 components, got 3'],
    ['MISSING_LATTICE_VECTOR', { cell: null }, 'periodic direction a'],
    ['MISSING_LATTICE_VECTOR', { cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 0) }, 'periodic direction c'],
    ['SINGULAR_CELL', { cell: Float64Array.of(4, 0, 0, 4, 0, 0, 0, 0, 4) }, 'independent periodic vectors'],
    ['SINGULAR_CELL', { cell: Float64Array.of(4, 0, 0, 4, 0, 0, 0, 0, 4), ...open }, 'independent vectors'],
  ])('refuses %s', (code, change, message) => {
    expect(() => checkStructure({ ...good, ...change }, 'seed 3')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});

describe('minimumDistance', () => {
  it('finds the closest pair through the boundary', () => {
    const pair = minimumDistance(good, 3)!;
    expect(pair).toMatchObject({ i: 0, j: 1, image: [-1, 0, 0] });
    expect(pair.distance).toAgree(0.1, { atol: 1e-14, why: 'one subtraction of numbers near 4' });
    expect(minimumDistance({ ...good, ...open }, 3)).toBeNull();
    expect(minimumDistance({ ...good, positions: new Float64Array(3), species: Uint8Array.of(14) }, 4.5)).toMatchObject(
      { i: 0, j: 0, distance: 4 },
    );
  });
});

describe('assertNoOverlap', () => {
  it('compares with covalent radii and names the worst pair', () => {
    expect(() => assertNoOverlap(good)).toThrow(
      'atoms 0 (Si) and 1 (H) of structure must be at least 0.710 Å apart, got 0.100 Å',
    );
    expect(() => assertNoOverlap({ ...good, ...open })).not.toThrow();
    // Si-H at 0.8 Å is fine by half the radii (0.71 Å) although Si-Si could not be.
    const hydride = { ...good, positions: Float64Array.of(0, 0, 0, 0.8, 0, 0) };
    expect(() => assertNoOverlap(hydride)).not.toThrow();
    expect(() => assertNoOverlap(hydride, 0.6)).toThrow('at least 0.852 Å apart');
    expect(() =>
      assertNoOverlap({
        ...good,
        positions: new Float64Array(3),
        species: Uint8Array.of(14),
        cell: good.cell!.map((x) => x / 5),
      }),
    ).toThrow('atom 0 (Si) and its own image');
  });
});

describe('shortest distance', () => {
  it('refuses what has no direction', () => {
    expect(() => requireDistance(1e-3, 0, 1)).not.toThrow();
    expect(() => requireDistance(0, 4, 7)).toThrowError('distance of atoms 4 and 7 must be at least 0.001 Å, got 0 Å');
    expect(() => requireDistance(Number.NaN, 0, 1)).toThrowError('got NaN Å');
  });
});
