import { describe, expect, it } from 'vitest';
import { einsteinCrystal, simpleCubic } from '../../../test/support/toy-potentials.ts';
import { RandomStream } from '../random.ts';
import { BOLTZMANN } from '../units.ts';
import { startMotion } from './dynamics.ts';
import { langevinStep, requireThermostat } from './langevin.ts';
import { kineticTemperature, maxwellBoltzmann } from './velocities.ts';

const CRYSTAL = simpleCubic(2, 4);
const STIFFNESS = 3;
const POTENTIAL = einsteinCrystal(CRYSTAL, STIFFNESS);
const TEMPERATURE = 400;

/** Displacement components and kinetic temperatures, one sample of the whole crystal every `every` steps. */
function sample(samples: number, every: number, dt: (step: number) => number) {
  const stream = new RandomStream(11, 'langevin');
  const motion = startMotion(CRYSTAL, null, POTENTIAL);
  motion.velocities.set(maxwellBoltzmann(motion.masses, 2 * TEMPERATURE, stream));
  const displacements: number[] = [];
  const temperatures: number[] = [];
  for (let s = -10 * every; s < samples * every; s++) {
    langevinStep(motion, POTENTIAL, { temperature: TEMPERATURE }, dt(s), stream);
    if (s < 0 || s % every !== 0) continue;
    for (let k = 0; k < motion.positions.length; k++) displacements.push(motion.positions[k]! - CRYSTAL.positions[k]!);
    temperatures.push(kineticTemperature(motion.velocities, motion.masses));
  }
  return { displacements, temperatures };
}

describe('langevinStep', () => {
  const { displacements, temperatures } = sample(500, 100, () => 4);

  it('keeps the kinetic temperature within three standard errors', () => {
    const n = temperatures.length;
    const mean = temperatures.reduce((sum, t) => sum + t, 0) / n;
    const spread = Math.sqrt(temperatures.reduce((sum, t) => sum + (t - mean) * (t - mean), 0) / (n - 1));
    expect(mean).toAgree(TEMPERATURE, { atol: (3 * spread) / Math.sqrt(n), why: 'three standard errors of the mean' });
    const expected = TEMPERATURE * Math.sqrt(2 / 24);
    expect(spread).toAgree(expected, {
      rtol: 4 / Math.sqrt(2 * n),
      why: 'χ² fluctuation of 24 degrees of freedom, four standard errors',
    });
  });

  it('samples the normal distribution of a harmonic mode (χ², p > 0.001)', () => {
    const sigma = Math.sqrt((BOLTZMANN * TEMPERATURE) / STIFFNESS);
    const deciles = [
      -1.2815515655, -0.8416212336, -0.5244005127, -0.2533471031, 0, 0.2533471031, 0.5244005127, 0.8416212336,
      1.2815515655,
    ];
    const counts = new Array<number>(10).fill(0);
    for (const x of displacements) counts[deciles.filter((q) => x / sigma > q).length]!++;
    const expected = displacements.length / 10;
    const chiSquare = counts.reduce((sum, c) => sum + ((c - expected) * (c - expected)) / expected, 0);
    expect(displacements.length).toBe(12_000);
    expect(chiSquare).toBeLessThan(27.877); // 0.999 quantile for 9 degrees of freedom
  });

  it('keeps the variance of positions at a step of a fifth of the period', () => {
    // ω = 0.0321/fs, period 196 fs: ω·dt = 1.25.
    const coarse = sample(500, 20, () => 39).displacements;
    const variance = coarse.reduce((sum, x) => sum + x * x, 0) / coarse.length;
    const expected = (BOLTZMANN * TEMPERATURE) / STIFFNESS;
    expect(variance).toAgree(expected, {
      rtol: 4 * Math.sqrt(2 / coarse.length),
      why: 'four standard errors; BAOAB is exact here',
    });
  });

  it('allows another step at every call and adds up the time', () => {
    const stream = new RandomStream(1, 'langevin');
    const motion = startMotion(CRYSTAL, null, POTENTIAL);
    for (const dt of [1, 0.5, 2]) langevinStep(motion, POTENTIAL, { temperature: 300 }, dt, stream);
    expect(motion.time).toBe(3.5);
    expect(motion.step).toBe(3);
  });

  it('is velocity Verlet without friction and repeats itself bit for bit', () => {
    const run = (friction: number, seed: number) => {
      const stream = new RandomStream(seed, 'langevin');
      const motion = startMotion(
        { ...CRYSTAL, positions: CRYSTAL.positions.map((x, k) => x + 0.01 * (k % 5)) },
        null,
        POTENTIAL,
      );
      const energy = motion.energy;
      for (let s = 0; s < 50; s++) langevinStep(motion, POTENTIAL, { temperature: 300, friction }, 1, stream);
      return { motion, energy };
    };
    expect(run(0.01, 3)).toEqual(run(0.01, 3));
    expect(run(0.01, 3)).not.toEqual(run(0.01, 4));
    expect(run(0, 3)).toEqual(run(0, 4));
  });
});

describe('requireThermostat', () => {
  it('refuses a negative temperature or friction', () => {
    expect(() => requireThermostat({ temperature: -1 })).toThrow('temperature must be finite');
    expect(() => requireThermostat({ temperature: 1, friction: -1 })).toThrow(
      'friction must be finite and not negative, got -1 1/fs',
    );
  });
});
