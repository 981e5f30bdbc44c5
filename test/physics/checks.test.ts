import { describe, expect, it } from 'vitest';
import type { Potential, PotentialResult } from '../../src/core/potentials/potential.ts';
import { stillingerWeberSilicon } from '../../src/core/potentials/stillinger-weber.ts';
import type { Structure } from '../../src/core/structure/structure.ts';
import {
  clusterVirial,
  forceSweep,
  largestDifference,
  permuted,
  randomRotation,
  rewrapped,
  SHAPES,
  shape,
  turned,
  virialSweeps,
} from '../support/physics.ts';

const right = stillingerWeberSilicon();

/** Stillinger-Weber with one defect put into its results. */
function wrong(spoil: (result: PotentialResult, structure: Structure) => PotentialResult): Potential {
  return { name: 'spoilt', evaluate: (structure) => spoil(right.evaluate(structure), structure) };
}

const crystal = shape('crystal', ['Si'], 2.35);

describe('the physics checks see defects', () => {
  it('of a part in ten thousand in the forces', () => {
    const spoilt = wrong((result) => ({ ...result, forces: result.forces.map((f) => f * (1 + 1e-4)) }));
    expect(forceSweep(right, crystal, 1).best).toBeLessThan(1e-7);
    expect(forceSweep(spoilt, crystal, 1).best).toBeGreaterThan(1e-6);
    const one = wrong((result) => ({ ...result, forces: result.forces.map((f, k) => (k === 5 ? f + 1e-4 : f)) }));
    expect(forceSweep(one, crystal, 1).best).toBeGreaterThan(1e-6);
  });

  it('of sign, order and factors of two in the virial', () => {
    const defects: ((w: Float64Array) => Float64Array)[] = [
      (w) => w.map((x) => -x),
      (w) => Float64Array.of(w[0]!, w[1]!, w[2]!, w[5]!, w[4]!, w[3]!),
      (w) => w.map((x, v) => (v > 2 ? 2 * x : x)),
    ];
    expect(Math.max(...virialSweeps(right, crystal).map(({ best }) => best))).toBeLessThan(1e-7);
    for (const defect of defects) {
      const spoilt = wrong((result) => ({ ...result, virial: defect(result.virial) }));
      expect(Math.max(...virialSweeps(spoilt, crystal).map(({ best }) => best))).toBeGreaterThan(1e-2);
    }
  });

  it('of jumps in the energy, which differences of no step size follow', () => {
    const jumpy = wrong((result, { positions }) => ({
      ...result,
      energy: result.energy + 0.01 * Math.sign(positions[0]! - crystal.positions[0]!),
    }));
    expect(forceSweep(jumpy, crystal, 1).best).toBeGreaterThan(0.1);
  });

  it('of direction, origin and order of atoms', () => {
    const offsets: [string, (structure: Structure) => number, ReturnType<typeof turned>][] = [
      ['direction', ({ positions }) => positions[3]! - positions[0]!, turned(crystal, randomRotation(4))],
      ['origin', ({ positions }) => positions[0]!, rewrapped(crystal, 4)],
      ['order', ({ positions }) => Math.hypot(positions[0]! - positions[3]!, positions[1]!), permuted(crystal, 4)],
    ];
    for (const [, offset, transformed] of offsets) {
      const spoilt = wrong((result, structure) => ({ ...result, energy: result.energy + 1e-6 * offset(structure) }));
      const expected = transformed.expected(spoilt.evaluate(crystal)).energy;
      expect(Math.abs(spoilt.evaluate(transformed.structure).energy - expected)).toBeGreaterThan(1e-8);
    }
  });

  it('of numbers that are none, and of lengths', () => {
    expect(largestDifference([1, Number.NaN, 3], [1, 2, 3])).toBeNaN();
    expect(largestDifference([1, 2], [1, 2, 3])).toBe(Number.POSITIVE_INFINITY);
    expect(largestDifference([1, 2, 5], [1, 4, 3])).toBe(2);
  });
});

describe('the shapes', () => {
  it('are what they are called', () => {
    const periods = SHAPES.map((name) => shape(name, ['Si'], 2.35).pbc.filter(Boolean).length);
    expect(periods).toEqual([0, 2, 3, 3, 3]);
    const small = shape('cell smaller than the cutoff', ['C', 'Si'], 2.35);
    expect(Math.hypot(...small.cell!.subarray(0, 3))).toBeLessThan(3);
    expect(Array.from(small.species)).toEqual([6, 14]);
  });

  it('come from orthogonal matrices and consistent virials', () => {
    const rotation = randomRotation(9);
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) {
        const dot = [0, 1, 2].reduce((sum, k) => sum + rotation[3 * a + k]! * rotation[3 * b + k]!, 0);
        expect(dot).toAgree(a === b ? 1 : 0, { atol: 1e-15, why: 'rotation' });
      }
    }
    const molecule = shape('molecule', ['Si'], 2.35);
    const { forces, virial } = right.evaluate(molecule);
    expect(clusterVirial(molecule, forces)).toAgree(virial, { atol: 1e-11, why: 'cluster' });
  });
});
