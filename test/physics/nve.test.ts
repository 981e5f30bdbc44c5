/** Constant energy along ten picoseconds of a fitted potential: the forces are the derivatives of the energy, everywhere. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Motion } from '../../src/core/dynamics/dynamics.ts';
import { startMotion } from '../../src/core/dynamics/dynamics.ts';
import { kineticEnergy, maxwellBoltzmann } from '../../src/core/dynamics/velocities.ts';
import { velocityVerletStep } from '../../src/core/dynamics/velocity-verlet.ts';
import { AcePotential } from '../../src/core/potentials/ace-potential.ts';
import type { Potential } from '../../src/core/potentials/potential.ts';
import { RandomStream } from '../../src/core/random.ts';
import { prototypeStructure } from '../../src/core/structure/prototypes.ts';
import { nodeKernels } from '../../src/node/kernels.ts';
import { DEFAULT_FIT } from '../../src/node/training/settings.ts';
import { fitOn, siliconFrames } from '../support/models.ts';

const TEMPERATURE = 1000;
const CRYSTAL = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [4, 4, 4] });
const ATOMS = CRYSTAL.species.length;

let potential: Potential;

beforeAll(async () => {
  const frames = [0.02, 0.1, 0.2, 0.3].flatMap((rattle, k) =>
    siliconFrames(12, { rattle, seed: k, repeat: [1, 1, 2] }),
  );
  const fit = await fitOn(2, frames, { ...DEFAULT_FIT, preset: 'small', cutoff: 5 });
  potential = new AcePotential(fit.model, nodeKernels(null).prepare(fit.basis));
});

/** Atoms at their sites with twice the temperature: half of it goes into the lattice. */
function launched(): Motion {
  const motion = startMotion(CRYSTAL, null, potential);
  const velocities = maxwellBoltzmann(motion.masses, 2 * TEMPERATURE, new RandomStream(1, 'nve'));
  motion.velocities.set(velocities);
  return motion;
}

const total = (motion: Motion): number => motion.energy + kineticEnergy(motion.velocities, motion.masses);

/** Total energy per atom after every step, eV. */
function energies(motion: Motion, steps: number, dt: number): number[] {
  return Array.from({ length: steps }, () => {
    velocityVerletStep(motion, potential, dt);
    return total(motion) / ATOMS;
  });
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const deviation = (values: readonly number[]): number => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((x) => (x - middle) * (x - middle))));
};

describe('512 atoms of silicon at 1000 K', () => {
  it('drift by less than 1 meV/atom in 10 ps of 1 fs', () => {
    const motion = launched();
    const along = energies(motion, 10_000, 1);
    const window = 500;
    const drift = mean(along.slice(-window)) - mean(along.slice(0, window));
    expect(Math.abs(drift)).toBeLessThan(1e-3);
    expect(deviation(along)).toBeLessThan(1e-3);
    const temperature = (2 * kineticEnergy(motion.velocities, motion.masses)) / (3 * ATOMS * 8.617333262e-5);
    expect(temperature).toBeGreaterThan(800);
    expect(temperature).toBeLessThan(1200);
  });

  it('fluctuate four times less with half the step', () => {
    const start = launched();
    energies(start, 200, 1);
    const copy = (): Motion => structuredClone(start);
    const ratio = deviation(energies(copy(), 400, 1)) / deviation(energies(copy(), 800, 0.5));
    expect(ratio).toAgree(4, { atol: 0.2, why: 'the energy error of velocity Verlet is of second order' });
  });
});
