import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellDeterminant, cellVolume } from './cell.ts';
import { neighborList } from './neighbor-list.ts';
import type { Structure } from './structure.ts';
import { repeated, supercell } from './supercell.ts';

const crystal: Structure = {
  positions: Float64Array.of(0, 0, 0, 1, 1.2, 0.9),
  cell: Float64Array.of(3, 0, 0, 0.5, 3.5, 0, 0, 0.25, 4),
  pbc: [true, true, true],
  species: Uint8Array.of(14, 8),
};

/** Sorted distances seen by the first atom: the same in every supercell. */
function shells(structure: Structure, cutoff: number): number[] {
  const list = neighborList(structure, cutoff);
  return Array.from(list.distances.subarray(0, list.offsets[1])).sort((a, b) => a - b);
}

describe('repeated', () => {
  it('puts copies in the order of (a, b, c)', () => {
    const twice = repeated(crystal, [2, 1, 2]);
    expect(Array.from(twice.cell!)).toEqual([6, 0, 0, 0.5, 3.5, 0, 0, 0.5, 8]);
    expect(Array.from(twice.species)).toEqual([14, 8, 14, 8, 14, 8, 14, 8]);
    expect(Array.from(twice.positions.subarray(6, 9))).toEqual([0, 0.25, 4]);
    expect(Array.from(twice.positions.subarray(12, 15))).toEqual([3, 0, 0]);
    expect(repeated({ ...crystal, cell: null, pbc: [false, false, false] }, [1, 1, 1]).species.length).toBe(2);
  });

  it('refuses counts that make no sense', () => {
    expect(() => repeated(crystal, [0, 1, 1])).toThrow('repeat a must be a positive integer, got 0');
    expect(() => repeated(crystal, [1, 1.5, 1])).toThrow('repeat b must be a positive integer, got 1.5');
    expect(() => repeated({ ...crystal, pbc: [true, true, false] }, [1, 1, 2])).toThrow('without periodicity');
  });
});

describe('supercell', () => {
  it('is the repeated cell for a diagonal matrix', () => {
    const bySupercell = supercell(crystal, [2, 0, 0, 0, 1, 0, 0, 0, 3]);
    const byRepeat = repeated(crystal, [2, 1, 3]);
    expect(Array.from(bySupercell.positions)).toEqual(Array.from(byRepeat.positions));
    expect(Array.from(bySupercell.cell!)).toEqual(Array.from(byRepeat.cell!));
  });

  it('holds |det| copies and looks the same to every atom', () => {
    const expected = shells(crystal, 5);
    const entry = fc.integer({ min: -2, max: 3 });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 9, maxLength: 9 }), (matrix) => {
        const determinant = Math.round(cellDeterminant(matrix));
        fc.pre(determinant > 0);
        const large = supercell(crystal, matrix);
        expect(large.species.length).toBe(2 * determinant);
        expect(cellVolume(large.cell!)).toAgree(determinant * 42, { rtol: 1e-12, why: 'rounding of one determinant' });
        expect(shells(large, 5)).toAgree(expected, { atol: 1e-12, why: 'rounding of one distance' });
      }),
      { numRuns: 60 },
    );
  });

  it('refuses matrices that make no cell', () => {
    expect(() => supercell(crystal, [1, 0, 0, 1, 0, 0, 0, 0, 1])).toThrow('positive determinant, got 0');
    expect(() => supercell(crystal, [0, 1, 0, 1, 0, 0, 0, 0, 1])).toThrow('positive determinant, got -1');
    expect(() => supercell(crystal, [1, 0, 0, 0, 1, 0, 0, 0, 0.5])).toThrow('9 integers');
    expect(() => supercell({ ...crystal, pbc: [true, true, false] }, [1, 0, 0, 0, 1, 0, 0, 0, 1])).toThrow(
      'three periodic directions',
    );
  });
});
