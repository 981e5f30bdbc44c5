import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { eceNoiseFloor, expectedCalibrationError } from './calibration.ts';
import { noiseFloor } from './noise-floor.ts';

describe('noiseFloor', () => {
  it('falls as 0.33/√n with the number of structures, whatever the number of components', () => {
    const of = (structures: number, components: number) => {
      const n = structures * components;
      return noiseFloor(
        new Float64Array(n).fill(0.1),
        Int32Array.from({ length: n }, (_, i) => i % structures),
      );
    };
    for (const n of [25, 100, 400]) {
      const single = of(n, 1);
      expect(single.structures).toBe(n);
      const why = 'mean over 200 sets, each scattered by about half of itself';
      expect(single.ece.mean).toAgree(eceNoiseFloor(n), { rtol: 0.15, why });
      expect(of(n, 30).ece.mean).toAgree(single.ece.mean, { rtol: 0.15, why });
      expect(single.ece.high).toBeGreaterThan(1.4 * single.ece.mean);
    }
  });

  it('brackets what one honest set shows', () => {
    const random = new RandomStream(4, 'honest');
    const n = 120;
    const sigmas = Float64Array.from({ length: n }, () => Math.exp(random.normal()));
    const floor = noiseFloor(sigmas, Int32Array.from(sigmas.keys()));
    const z = sigmas.map(() => random.normal());
    const rms = Math.sqrt(z.reduce((sum, value) => sum + value * value, 0) / n);
    expect(expectedCalibrationError(z)).toBeLessThan(2 * floor.ece.high);
    expect(rms).toBeGreaterThan(floor.rmsResidual.low - 0.1);
    expect(rms).toBeLessThan(floor.rmsResidual.high + 0.1);
    expect(floor.ence.mean).toBeGreaterThan(0.1);
    expect(floor.ence.high).toBeGreaterThan(floor.ence.mean);
  });

  it('is a function of the seed and leaves out what has no sigma', () => {
    const sigmas = Float64Array.of(1, Number.NaN, 2, 3);
    const owners = [0, 1, 2, 3];
    expect(noiseFloor(sigmas, owners, 3)).toEqual(noiseFloor(sigmas, owners, 3));
    expect(noiseFloor(sigmas, owners, 3).structures).toBe(3);
    expect(noiseFloor(sigmas, owners, 4)).not.toEqual(noiseFloor(sigmas, owners, 3));
  });
});
