import { describe, expect, it } from 'vitest';
import { einsteinCrystal, lennardJonesCluster, simpleCubic } from '../../../test/support/toy-potentials.ts';
import { RandomStream } from '../random.ts';
import type { Structure } from '../structure/structure.ts';
import { ACCELERATION } from '../units.ts';
import { largestNorm, type Motion, massesOf, startMotion, structureOf } from './dynamics.ts';
import { kineticEnergy, maxwellBoltzmann } from './velocities.ts';
import { velocityVerletStep } from './velocity-verlet.ts';

const CLUSTER = lennardJonesCluster();

function argonCube(): Structure {
  const cube = simpleCubic(2, 3.8, 18);
  return { ...cube, cell: null, pbc: [false, false, false] };
}

function launch(): Motion {
  const structure = argonCube();
  const masses = massesOf(structure.species);
  return startMotion(
    structure,
    maxwellBoltzmann(masses, 40, new RandomStream(5, 'verlet'), { zeroMomentum: true }),
    CLUSTER,
  );
}

/** Standard deviation of the total energy over 4 ps, eV. */
function fluctuation(dt: number): number {
  const motion = launch();
  const energies: number[] = [];
  const steps = 4096 / dt;
  for (let s = 0; s < steps; s++) {
    velocityVerletStep(motion, CLUSTER, dt);
    energies.push(motion.energy + kineticEnergy(motion.velocities, motion.masses));
  }
  const mean = energies.reduce((sum, e) => sum + e, 0) / steps;
  return Math.sqrt(energies.reduce((sum, e) => sum + (e - mean) * (e - mean), 0) / steps);
}

describe('velocityVerletStep', () => {
  it('has a fluctuation of the total energy that falls by four when the step is halved', () => {
    const [coarse, middle, fine] = [8, 4, 2].map(fluctuation);
    for (const ratio of [coarse! / middle!, middle! / fine!]) {
      expect(ratio).toAgree(4, { atol: 0.2, why: 'the shadow Hamiltonian differs in second order of the step' });
    }
  });

  it('conserves momentum', () => {
    const motion = launch();
    for (let s = 0; s < 200; s++) velocityVerletStep(motion, CLUSTER, 4);
    for (let axis = 0; axis < 3; axis++) {
      const momentum = motion.masses.reduce((total, m, i) => total + m * motion.velocities[3 * i + axis]!, 0);
      expect(momentum).toAgree(0, { atol: 1e-12, why: 'rounding of 200 steps' });
    }
  });

  it('is reversible', () => {
    const motion = launch();
    const start = motion.positions.slice();
    for (let s = 0; s < 100; s++) velocityVerletStep(motion, CLUSTER, 4);
    for (let k = 0; k < motion.velocities.length; k++) motion.velocities[k]! *= -1;
    for (let s = 0; s < 100; s++) velocityVerletStep(motion, CLUSTER, 4);
    expect(motion.positions).toAgree(start, { atol: 1e-10, why: 'rounding, amplified along 200 steps' });
  });

  it('oscillates with the angular frequency √(K·k/m)', () => {
    const crystal = simpleCubic(1, 4);
    const potential = einsteinCrystal(crystal, 3);
    const displaced = { ...crystal, positions: Float64Array.of(0.1, 0, 0) };
    const motion = startMotion(displaced, null, potential);
    const period = (2 * Math.PI) / Math.sqrt((3 * ACCELERATION) / motion.masses[0]!);
    for (let s = 0; s < 1000; s++) velocityVerletStep(motion, potential, period / 1000);
    expect(motion.positions[0]!).toAgree(0.1, { atol: 1e-6, why: 'phase error (ω·dt)²/24 of one period' });
    expect(motion.time).toAgree(period, { rtol: 1e-12, why: 'sum of 1000 steps' });
    expect(motion.step).toBe(1000);
  });
});

describe('motion', () => {
  it('owns its arrays and leaves the structure alone', () => {
    const structure = argonCube();
    const before = structure.positions.slice();
    const motion = startMotion(structure, null, CLUSTER);
    const frame = structureOf(motion);
    velocityVerletStep(motion, CLUSTER, 10);
    expect(structure.positions).toEqual(before);
    expect(frame.positions).toEqual(before);
    expect(motion.positions).not.toEqual(before);
    expect(structuredClone(motion)).toEqual(motion);
  });

  it('refuses velocities of another number of atoms', () => {
    expect(() => startMotion(argonCube(), new Float64Array(3), CLUSTER)).toThrow(
      'velocities must hold 24 numbers, got 3',
    );
  });
});

describe('largestNorm', () => {
  it('is the longest row, and NaN wherever one is', () => {
    expect(largestNorm(Float64Array.of(1, 0, 0, 0, 3, 4))).toBe(5);
    expect(largestNorm(new Float64Array(0))).toBe(0);
    expect(largestNorm(Float64Array.of(Number.NaN, 0, 0, 0, 3, 4))).toBeNaN();
    expect(largestNorm(Float64Array.of(0, 3, 4, 0, Number.NaN, 0))).toBeNaN();
    expect(largestNorm(Float64Array.of(Number.POSITIVE_INFINITY, 0, 0))).toBe(Number.POSITIVE_INFINITY);
  });
});
