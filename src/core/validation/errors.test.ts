import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AssessmentFrame,
  energyErrorsPerAtom,
  pooledEnergies,
  pooledForces,
  requireFrames,
  summarizeErrors,
} from './errors.ts';

const frame = (over: Partial<AssessmentFrame> = {}): AssessmentFrame => ({
  atoms: 2,
  energyError: -0.4,
  energySigma: 0.2,
  forceErrors: [1, 2, 3, 4, 5, 6],
  forceSigmas: [1, 1, 1, 1, 1, Number.NaN],
  ...over,
});

describe('summarizeErrors', () => {
  it('gives the figures of a hand-made list and leaves out NaN', () => {
    expect(summarizeErrors([3, Number.NaN, -4, 0])).toEqual({
      count: 3,
      mean: -1 / 3,
      mae: 7 / 3,
      rmse: Math.sqrt(25 / 3),
      max: 4,
    });
  });

  it('says NaN, not zero, when nothing is left', () => {
    const empty = summarizeErrors([Number.NaN]);
    expect(empty.count).toBe(0);
    for (const value of [empty.mean, empty.mae, empty.rmse, empty.max]) expect(value).toBeNaN();
  });

  it('orders |mean| ≤ MAE ≤ RMSE ≤ max', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1 }), (errors) => {
        const { mean, mae, rmse, max } = summarizeErrors(errors);
        const slack = 1e-12;
        expect(Math.abs(mean) <= mae + slack && mae <= rmse + slack && rmse <= max + slack).toBe(true);
      }),
    );
  });
});

describe('frames', () => {
  it('pools energies and forces with their owners', () => {
    const frames = [frame(), frame({ atoms: 1, energyError: 3, forceErrors: [7, 8, 9], forceSigmas: [1, 2, 3] })];
    expect(energyErrorsPerAtom(frames)).toEqual(Float64Array.of(-0.2, 3));
    const forces = pooledForces(frames);
    expect([...forces.errors]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...forces.frames]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1]);
    expect(forces.sigmas[5]).toBeNaN();
    const energies = pooledEnergies(frames);
    expect([...energies.errors]).toEqual([-0.4, 3]);
    expect([...energies.sigmas]).toEqual([0.2, 0.2]);
    expect([...energies.frames]).toEqual([0, 1]);
  });

  it('refuses frames that contradict themselves', () => {
    expect(() => requireFrames([frame()])).not.toThrow();
    expect(() => requireFrames([frame({ atoms: 0 })])).toThrow('atoms of frame 0 must be a positive integer, got 0');
    expect(() => requireFrames([frame(), frame({ forceSigmas: [1] })])).toThrow(
      'force sigmas of frame 1 must be as many as its force errors (6), got 1',
    );
  });
});
