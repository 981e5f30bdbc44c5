import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Structure } from '../../structure/structure.ts';
import { kPoints } from './k-points.ts';

const EXACT = { atol: 1e-15, why: 'small fractions' };

function cube(a: number, pbc: Structure['pbc'] = [true, true, true]): Structure {
  return {
    positions: new Float64Array(3),
    cell: Float64Array.of(a, 0, 0, 0, a, 0, 0, 0, a),
    pbc,
    species: Uint8Array.of(14),
  };
}

describe('k-points', () => {
  it('are the four special points of the shifted 2 × 2 × 2 mesh', () => {
    const { points, weights } = kPoints(cube(5), { mesh: [2, 2, 2], shifted: true });
    // biome-ignore format: rows
    expect(points).toAgree([0.25, 0.25, 0.25, 0.25, 0.25, 0.75, 0.25, 0.75, 0.25, 0.25, 0.75, 0.75], EXACT);
    expect(weights).toAgree([0.25, 0.25, 0.25, 0.25], EXACT);
  });

  it('keep Γ and the zone faces unpaired on a mesh that is not shifted', () => {
    const { points, weights } = kPoints(cube(5), { mesh: [2, 2, 2], shifted: false });
    expect(points.length).toBe(24);
    expect(weights).toAgree(new Float64Array(8).fill(1 / 8), EXACT);
    const odd = kPoints(cube(5), { mesh: [3, 3, 3], shifted: false });
    expect(odd.weights.length).toBe(14);
    expect(odd.weights[0]).toAgree(1 / 27, EXACT);
    expect(odd.weights[1]).toAgree(2 / 27, EXACT);
  });

  it('is the corner R of the zone for a shifted single point', () => {
    const { points, weights } = kPoints(cube(10), { mesh: [1, 1, 1], shifted: true });
    expect(points).toAgree([0.5, 0.5, 0.5], EXACT);
    expect(weights).toAgree([1], EXACT);
  });

  it('take one point along open directions and Γ for molecules', () => {
    const slab = kPoints(cube(5, [true, true, false]), { mesh: [2, 2, 2], shifted: true });
    expect(slab.points).toAgree([0.25, 0.25, 0, 0.25, 0.75, 0], EXACT);
    const molecule = kPoints({ ...cube(5, [false, false, false]), cell: null }, { spacing: 0.1, shifted: true });
    expect(molecule.points).toAgree([0, 0, 0], EXACT);
    expect(molecule.weights).toAgree([1], EXACT);
  });

  it('follow a spacing by cell heights, rounded up but not for rounding errors', () => {
    const spacing = (2 * Math.PI) / (5 * 3);
    expect(kPoints(cube(5), { spacing, shifted: false }).weights.length).toBe(14);
    expect(kPoints(cube(5), { spacing: 0.999 * spacing, shifted: true }).weights.length).toBe(32);
    expect(kPoints(cube(5), { spacing: 100, shifted: false }).weights.length).toBe(1);
  });

  it('stand for the whole mesh: weights sum to 1 and points with their mirror images fill it', () => {
    const divisions = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(fc.tuple(divisions, divisions, divisions), fc.boolean(), (mesh, shifted) => {
        const { points, weights } = kPoints(cube(5), { mesh, shifted });
        expect(weights.reduce((sum, w) => sum + w, 0)).toAgree(1, { atol: 1e-14, why: 'a mean over the zone' });
        const seen = new Set<string>();
        for (let k = 0; k < points.length; k += 3) {
          for (const sign of [1, -1]) {
            const place = [0, 1, 2].map((d) => {
              const units = Math.round(2 * mesh[d]! * sign * points[k + d]!);
              return ((units % (2 * mesh[d]!)) + 2 * mesh[d]!) % (2 * mesh[d]!);
            });
            seen.add(place.join());
          }
        }
        expect(seen.size).toBe(mesh[0] * mesh[1] * mesh[2]);
      }),
      { numRuns: 40 },
    );
  });

  it('refuse what is neither or both, and not positive', () => {
    const bad = (sampling: object) => () => kPoints(cube(5), { shifted: true, ...sampling });
    expect(bad({})).toThrow('k-points must be given either as a mesh or as a spacing');
    expect(bad({ mesh: [1, 1, 1], spacing: 1 })).toThrow('either as a mesh or as a spacing');
    expect(bad({ mesh: [2, 0, 2] })).toThrow('k-point mesh must be three positive integers, got 2 0 2');
    expect(bad({ spacing: 0 })).toThrow('k-point spacing must be positive, got 0 1/Å');
  });
});
