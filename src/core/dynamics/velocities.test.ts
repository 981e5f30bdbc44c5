import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { ACCELERATION, BOLTZMANN } from '../units.ts';
import { kineticEnergy, kineticTemperature, maxwellBoltzmann, removeMomentum } from './velocities.ts';

const MASSES = Float64Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? 28.085 : 1.008));

describe('kinetic energy and temperature', () => {
  it('are those of one atom', () => {
    const energy = kineticEnergy(Float64Array.of(0.01, 0, 0), Float64Array.of(28.085));
    expect(energy).toAgree((0.5 * 28.085 * 1e-4) / ACCELERATION, { rtol: 1e-15, why: '½mv²' });
    const temperature = kineticTemperature(Float64Array.of(0.01, 0, 0), Float64Array.of(28.085));
    expect(temperature).toAgree((2 * energy) / (3 * BOLTZMANN), {
      rtol: 1e-15,
      why: 'equipartition over 3 components',
    });
    expect(kineticTemperature(new Float64Array(0), new Float64Array(0))).toBe(0);
  });
});

describe('maxwellBoltzmann', () => {
  it('gives every species the temperature', () => {
    const velocities = maxwellBoltzmann(MASSES, 300, new RandomStream(1, 'velocities'));
    const standardError = 300 * Math.sqrt(2 / (3 * 1000));
    for (const parity of [0, 1]) {
      const part = velocities.filter((_, k) => Math.floor(k / 3) % 2 === parity);
      const temperature = kineticTemperature(
        part,
        MASSES.filter((_, i) => i % 2 === parity),
      );
      expect(temperature).toAgree(300, {
        atol: 3 * standardError,
        why: 'three standard errors of 3000 normal components',
      });
    }
  });

  it('is normal: the kurtosis of a component is 3', () => {
    const velocities = maxwellBoltzmann(new Float64Array(5000).fill(10), 500, new RandomStream(2, 'velocities'));
    let second = 0;
    let fourth = 0;
    for (const v of velocities) {
      second += (v * v) / velocities.length;
      fourth += (v * v * v * v) / velocities.length;
    }
    expect(fourth / (second * second)).toAgree(3, {
      atol: 3 * Math.sqrt(24 / 15_000),
      why: 'three standard errors of kurtosis',
    });
  });

  it('takes the motion of the centre of mass out without changing the expected temperature', () => {
    const masses = Float64Array.of(1, 12, 40);
    let sum = 0;
    for (let s = 0; s < 3000; s++) {
      const velocities = maxwellBoltzmann(masses, 300, new RandomStream(s, 'velocities'), { zeroMomentum: true });
      for (let axis = 0; axis < 3; axis++) {
        const momentum = masses.reduce((total, m, i) => total + m * velocities[3 * i + axis]!, 0);
        expect(momentum).toAgree(0, { atol: 1e-14, why: 'rounding' });
      }
      sum += kineticTemperature(velocities, masses, 6) / 3000;
    }
    expect(sum).toAgree(300, {
      atol: 3 * 300 * Math.sqrt(2 / (6 * 3000)),
      why: 'three standard errors over 6 degrees of freedom',
    });
  });

  it('rescales to the exact temperature when asked', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 3000, noNaN: true }), fc.boolean(), (temperature, zeroMomentum) => {
        const masses = Float64Array.of(28, 28, 1, 16);
        const velocities = maxwellBoltzmann(masses, temperature, new RandomStream(3, 'v'), {
          zeroMomentum,
          exact: true,
        });
        const g = zeroMomentum ? 9 : 12;
        expect(kineticTemperature(velocities, masses, g)).toAgree(temperature, {
          rtol: 1e-13,
          why: 'rounding of a rescaling',
        });
      }),
    );
  });

  it('is at rest at 0 K and for one atom without momentum', () => {
    const one = Float64Array.of(28);
    expect([...maxwellBoltzmann(one, 0, new RandomStream(1, 'v'), { exact: true })].every((v) => v === 0)).toBe(true);
    const still = maxwellBoltzmann(one, 300, new RandomStream(1, 'v'), { zeroMomentum: true });
    expect(still).toAgree([0, 0, 0], { atol: 1e-18, why: 'rounding' });
  });

  it('depends on the stream alone', () => {
    const draw = (seed: number) => maxwellBoltzmann(MASSES, 300, new RandomStream(seed, 'velocities', 4));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('refuses temperatures that are none', () => {
    expect(() => maxwellBoltzmann(MASSES, -1, new RandomStream(1, 'v'))).toThrow(
      'temperature must be finite and not negative, got -1 K',
    );
    expect(() => maxwellBoltzmann(MASSES, Number.NaN, new RandomStream(1, 'v'))).toThrow('got NaN K');
  });
});

describe('removeMomentum', () => {
  it('leaves relative velocities alone', () => {
    const velocities = Float64Array.of(1, 2, 3, 4, 5, 6);
    removeMomentum(velocities, Float64Array.of(1, 3));
    const relative = [0, 1, 2].map((k) => velocities[3 + k]! - velocities[k]!);
    expect(relative).toAgree([3, 3, 3], { rtol: 1e-15, why: 'a common shift' });
  });
});
