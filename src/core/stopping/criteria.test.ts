import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import type { AssessmentFrame } from '../validation/errors.ts';
import {
  assessFrames,
  CRITERION_NAMES,
  coveragePrecondition,
  energyEceCriterion,
  energyMaeCriterion,
  energyWorstCriterion,
  explorationPrecondition,
  forceEceCriterion,
  forceRmseCriterion,
  forceWorstCriterion,
  judgeCriteria,
} from './criteria.ts';

const frame = (energyError: number, forceError: number): AssessmentFrame => ({
  atoms: 2,
  energyError,
  energySigma: 0.5,
  forceErrors: [forceError, -forceError, forceError, 0, 0, 0],
  forceSigmas: [0.1, 0.1, 0.1, Number.NaN, Number.NaN, Number.NaN],
});

const figures = assessFrames([frame(1, 0.2), frame(-2, 0.4)], 0.05, { seed: 1, resamples: 1000 });

describe('criteria', () => {
  it('read the right figure, each with its own tolerance', () => {
    expect(energyMaeCriterion(figures, 1)).toEqual({
      name: 'energyMae',
      value: 0.75,
      upper: 1,
      tolerance: 1,
      met: true,
    });
    expect(energyMaeCriterion(figures, 0.9).met).toBe(false); // 0.75 passes, its bound does not
    const force = forceRmseCriterion(figures, 0.2);
    expect(force.value).toAgree(Math.sqrt((3 * 0.04 + 3 * 0.16) / 12), { rtol: 1e-12, why: 'by hand' });
    expect(force.upper).toAgree(Math.sqrt(0.08), { rtol: 1e-12, why: 'both draws are the worse structure' });
    expect(force.met).toBe(false);
    expect(forceWorstCriterion(figures, 4).value).toAgree(4, { rtol: 1e-12, why: '0.4/0.1' });
    expect(energyWorstCriterion(figures, 3.9)).toMatchObject({ value: 4, met: false });
    expect(forceEceCriterion(figures, 0.5).upper).toBe(forceEceCriterion(figures, 0.5).value);
    expect(energyEceCriterion(figures, 0.01).met).toBe(false);
  });

  it('fall with better predictions, never rise: half of every error meets whatever the whole met', () => {
    const stream = new RandomStream(8, 'criteria');
    const many = (scale: number): AssessmentFrame[] => {
      const draw = new RandomStream(9, 'frames');
      return Array.from({ length: 30 }, () => ({
        ...{ atoms: 4, energySigma: 0.3, energyError: 0.3 * scale * draw.normal() },
        forceErrors: Array.from({ length: 12 }, () => 0.1 * scale * draw.normal()),
        forceSigmas: new Array<number>(12).fill(0.1),
      }));
    };
    const judged = [1, 0.5].map((scale) => {
      const found = assessFrames(many(scale), 0.05, { seed: 1, resamples: 2000 });
      return {
        mae: energyMaeCriterion(found, 1),
        rmse: forceRmseCriterion(found, 1),
        worst: forceWorstCriterion(found, 9),
      };
    });
    const [whole, half] = [judged[0]!, judged[1]!];
    for (const name of ['mae', 'rmse', 'worst'] as const) {
      expect(half[name].value).toAgree(whole[name].value / 2, {
        rtol: 1e-12,
        why: 'all are of first order in the errors',
      });
      expect(half[name].upper).toAgree(whole[name].upper / 2, { rtol: 1e-12, why: 'the same resamples' });
      expect(whole[name].upper).toBeGreaterThanOrEqual(whole[name].value);
      const tolerance = whole[name].upper * (1 + stream.uniform());
      expect(half[name].upper <= tolerance).toBe(true);
    }
  });

  it('come in a fixed order', () => {
    const tolerances = { energyMae: 1, forceRmse: 1, forceEce: 1, energyEce: 1, forceWorst: 10, energyWorst: 10 };
    expect(judgeCriteria(figures, tolerances).map((criterion) => criterion.name)).toEqual([...CRITERION_NAMES]);
    expect(judgeCriteria(figures, tolerances).every((criterion) => criterion.met)).toBe(true);
  });

  it('are never met by nothing or by a failed prediction', () => {
    const tolerances = { energyMae: 9, forceRmse: 9, forceEce: 9, energyEce: 9, forceWorst: 99, energyWorst: 99 };
    const nothing = judgeCriteria(assessFrames([], 0.05, { seed: 1 }), tolerances);
    expect(nothing.some((criterion) => criterion.met)).toBe(false);
    const failed = { ...frame(1, 0.1), forceErrors: [Number.NaN, 0, 0, 0, 0, 0] };
    const judged = judgeCriteria(assessFrames([frame(1, 0.1), failed], 0.05, { seed: 1 }), tolerances);
    expect(judged.find((criterion) => criterion.name === 'forceRmse')!.met).toBe(false);
    const certain = { ...frame(1, 0.1), energySigma: 0 };
    const overconfident = judgeCriteria(assessFrames([certain], 0.05, { seed: 1 }), tolerances);
    expect(overconfident.find((criterion) => criterion.name === 'energyWorst')).toMatchObject({
      value: Infinity,
      met: false,
    });
  });
});

describe('preconditions', () => {
  it('asks whether the 95 % intervals of energies can cover 0.95', () => {
    const stream = new RandomStream(1, 'coverage');
    const frames = (scale: number, n = 80) =>
      Array.from({ length: n }, () => ({ ...frame(0, 0.1), energyError: 0.5 * scale * stream.normal() }));
    const honest = coveragePrecondition(assessFrames(frames(1), 0.05, { seed: 1, resamples: 10 }));
    expect(honest.met).toBe(true);
    expect(honest.detail).toMatch(
      /^\d+ of 80 energies inside their 95 % interval, share within \[0\.\d+, [01]\.\d+\]$/,
    );
    expect(coveragePrecondition(assessFrames(frames(3), 0.05, { seed: 1, resamples: 10 })).met).toBe(false);
    // Far too wide error bars are dishonest as well: 200 of 200 are more than 0.95.
    expect(coveragePrecondition(assessFrames(frames(0.1, 200), 0.05, { seed: 1, resamples: 10 })).met).toBe(false);
    expect(coveragePrecondition(assessFrames([], 0.05, { seed: 1 })).detail).toBe('no energies were assessed');
  });

  it('counts broken walkers against the allowed share', () => {
    expect(explorationPrecondition({ walkers: 6, broken: 1 }, 1 / 6)).toEqual({
      name: 'exploration',
      met: true,
      detail: '1 of 6 walkers left the trust region, 1 allowed',
    });
    expect(explorationPrecondition({ walkers: 6, broken: 1 }, 0).met).toBe(false);
    expect(explorationPrecondition({ walkers: 6, broken: 0 }, 0).met).toBe(true);
    expect(explorationPrecondition({ walkers: 3, broken: 1 }, 1 / 3).met).toBe(true);
    expect(explorationPrecondition(null, 1)).toMatchObject({ met: false, detail: 'nothing was explored' });
    expect(explorationPrecondition({ walkers: 0, broken: 0 }, 1).met).toBe(false);
  });
});
