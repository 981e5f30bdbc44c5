import { describe, expect, it } from 'vitest';
import type { Structure } from '../core/structure/structure.ts';
import { kPointMesh } from './k-points.ts';

const box = (a: number, b: number, c: number, pbc: Structure['pbc'] = [true, true, true]): Structure => ({
  positions: new Float64Array(3),
  cell: Float64Array.of(a, 0, 0, 0, b, 0, 0, 0, c),
  pbc,
  species: Uint8Array.of(14),
});

describe('k-point meshes', () => {
  it('divides |b| = 2π√3/a of the fcc primitive cell by the spacing', () => {
    const h = 5.43 / 2;
    const primitive = { ...box(1, 1, 1), cell: Float64Array.of(0, h, h, h, 0, h, h, h, 0) };
    const b = (2 * Math.PI * Math.sqrt(3)) / 5.43;
    for (const n of [1, 2, 3, 7]) {
      expect(kPointMesh(primitive, { spacing: b / n, shifted: false }).divisions).toEqual([n, n, n]);
      expect(kPointMesh(primitive, { spacing: b / (n + 0.01), shifted: false }).divisions).toEqual([
        n + 1,
        n + 1,
        n + 1,
      ]);
    }
  });

  it('takes the cell as it stands: a slanted vacuum vector stretches the reciprocal ones', () => {
    const slab = { ...box(4, 4, 4, [true, true, false]), cell: Float64Array.of(4, 0, 0, 0, 4, 0, 20, 0, 20) };
    // b_1 = 2π (1, 0, −1)/4, so a plane-wave code divides a length that is √2 longer than 2π/4.
    expect(kPointMesh(slab, { spacing: Math.PI / 4, shifted: true })).toEqual({
      divisions: [3, 2, 1],
      shift: [1, 1, 0],
    });
  });

  it('takes enough points that none are further apart than the spacing', () => {
    // |b| = 1.157, 0.579, 0.289 1/Å
    const structure = box(5.43, 10.86, 21.72);
    expect(kPointMesh(structure, { spacing: 0.3, shifted: false })).toEqual({ divisions: [4, 2, 1], shift: [0, 0, 0] });
    expect(kPointMesh(structure, { spacing: 0.25, shifted: true })).toEqual({ divisions: [5, 3, 2], shift: [1, 1, 1] });
  });

  it('does not add a point for a rounding error of the cell', () => {
    const a = 5;
    const spacing = (2 * Math.PI) / a / 3;
    for (const factor of [1 - 1e-12, 1, 1 + 1e-12]) {
      expect(kPointMesh(box(a * factor, a, a), { spacing, shifted: false }).divisions).toEqual([3, 3, 3]);
    }
  });

  it('has one unshifted point along a direction that is not periodic', () => {
    const slab = box(5, 5, 30, [true, true, false]);
    expect(kPointMesh(slab, { mesh: [3, 3, 3], shifted: true })).toEqual({ divisions: [3, 3, 1], shift: [1, 1, 0] });
    expect(kPointMesh(box(9, 9, 9, [false, false, false]), { spacing: 0.01, shifted: true })).toEqual({
      divisions: [1, 1, 1],
      shift: [0, 0, 0],
    });
  });

  it('refuses contradictory or impossible settings', () => {
    const structure = box(5, 5, 5);
    expect(() => kPointMesh(structure, { shifted: false })).toThrow(/either as a mesh or as a spacing/);
    expect(() => kPointMesh(structure, { mesh: [1, 1, 1], spacing: 1, shifted: false })).toThrow(/either/);
    expect(() => kPointMesh(structure, { mesh: [0, 1, 1], shifted: false })).toThrow(/positive integers, got 0 1 1/);
    expect(() => kPointMesh(structure, { spacing: -1, shifted: false })).toThrow(/positive, got -1/);
    expect(() => kPointMesh({ ...structure, cell: null }, { mesh: [1, 1, 1], shifted: false })).toThrow(
      /must have a cell/,
    );
    expect(() => kPointMesh({ ...structure, cell: new Float64Array(9) }, { mesh: [1, 1, 1], shifted: false })).toThrow(
      /three independent vectors/,
    );
  });
});
