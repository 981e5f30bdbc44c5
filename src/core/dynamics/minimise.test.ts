import { describe, expect, it } from 'vitest';
import {
  einsteinCrystal,
  lennardJonesCluster,
  simpleCubic,
  trustedCrystal,
} from '../../../test/support/toy-potentials.ts';
import { RandomStream } from '../random.ts';
import type { Structure } from '../structure/structure.ts';
import { minimise } from './minimise.ts';

const CRYSTAL = simpleCubic(2, 4);

function rattled(amplitude: number): Structure {
  const stream = new RandomStream(1, 'rattle');
  return { ...CRYSTAL, positions: CRYSTAL.positions.map((x) => x + amplitude * stream.normal()) };
}

describe('minimise', () => {
  it('brings a displaced crystal back to its sites', () => {
    const start = rattled(0.2);
    const held = start.positions.slice();
    const result = minimise(start, einsteinCrystal(CRYSTAL, 3), { forceTolerance: 1e-4 });
    expect(result.converged).toBe(true);
    expect(result.maxForce).toBeLessThanOrEqual(1e-4);
    expect(result.structure.positions).toAgree(CRYSTAL.positions, {
      atol: 1e-4 / 3,
      why: 'force tolerance over stiffness',
    });
    expect(result.evaluations).toBeLessThan(100);
    expect(start.positions).toEqual(held);
  });

  it('finds the bond length and energy of a Lennard-Jones dimer', () => {
    const dimer: Structure = {
      positions: Float64Array.of(0, 0, 0, 4.6, 0, 0),
      cell: null,
      pbc: [false, false, false],
      species: Uint8Array.of(18, 18),
    };
    const { structure, energy } = minimise(dimer, lennardJonesCluster(0.0104, 3.4), { forceTolerance: 1e-5 });
    const length = structure.positions[3]! - structure.positions[0]!;
    expect(length).toAgree(3.4 * Math.cbrt(Math.SQRT2), {
      atol: 1e-3,
      why: 'force tolerance over the curvature 57ε/σ²',
    });
    expect(energy).toAgree(-0.0104, { atol: 1e-8, why: 'second order in the remaining displacement' });
  });

  it('returns what it has when the evaluations are used up', () => {
    const result = minimise(rattled(0.3), einsteinCrystal(CRYSTAL, 3), { maxEvaluations: 3 });
    expect(result).toMatchObject({ converged: false, evaluations: 3 });
  });

  it('needs one evaluation at a minimum', () => {
    expect(minimise(CRYSTAL, einsteinCrystal(CRYSTAL, 3))).toMatchObject({
      converged: true,
      evaluations: 1,
      energy: 0,
    });
  });

  it('throws on forces that are not finite and on a tolerance that is none', () => {
    const broken = trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1, nanBeyond: 0.01 });
    expect(() => minimise(rattled(0.2), broken)).toThrow('forces must stay finite in a minimisation, got NaN eV/Å');
    expect(() => minimise(CRYSTAL, broken, { forceTolerance: 0 })).toThrow(
      'force tolerance must be positive, got 0 eV/Å',
    );
  });
});
