import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { RandomStream } from '../random.ts';
import type { AssessmentFrame } from '../validation/errors.ts';
import type { Tolerances } from './criteria.ts';
import { decideStopping, lookLevel, NO_HISTORY, type StoppingOptions } from './joint.ts';

// Tolerances of the quickstart: 2 meV/atom, 0.09 eV/Å.
const tolerances: Tolerances = {
  energyMae: 0.002,
  forceRmse: 0.09,
  forceEce: 0.08,
  energyEce: 0.15,
  forceWorst: 10,
  energyWorst: 6,
};
const options: StoppingOptions = { tolerances, seed: 1, maxBrokenShare: 1 / 6, resamples: 2000 };
const calm = { walkers: 6, broken: 1 };

/** A calibrated model of given errors: energies per atom (MAE) and force components (RMS). */
function frames(energyMae: number, forceRms: number, seed = 1, claimed = 1): AssessmentFrame[] {
  const stream = new RandomStream(seed, 'assessment');
  return Array.from({ length: 80 }, () => {
    const energySigma = 16 * energyMae * Math.sqrt(Math.PI / 2);
    return {
      atoms: 16,
      energyError: energySigma * stream.normal(),
      energySigma: claimed * energySigma,
      forceErrors: Array.from({ length: 48 }, () => forceRms * stream.normal()),
      forceSigmas: new Array(48).fill(claimed * forceRms),
    };
  });
}

describe('lookLevel', () => {
  it('spends α over the looks as the reference does', () => {
    const { alpha, first, sum_to_inf } = golden<{
      F: { F2_alpha_spending: { alpha: number; first: number[]; sum_to_inf: number } };
    }>('reference-values').F.F2_alpha_spending;
    // The reference lists looks 1, 2, 3, 5 and 10.
    expect([1, 2, 3, 5, 10].map((look) => lookLevel(look, alpha))).toAgree(first, { rtol: 1e-10, why: 'closed form' });
    let sum = 0;
    for (let look = 1; look <= 20_000; look++) sum += lookLevel(look, alpha);
    expect(sum).toAgree(sum_to_inf, { rtol: 1e-4, why: 'the tail beyond 20 000 looks is 6α/(π²·20 000)' });
    expect(() => lookLevel(0)).toThrow('look must be a positive integer, got 0');
    expect(() => lookLevel(1, 1)).toThrow('alpha must lie between 0 and 1, got 1');
  });
});

describe('decideStopping', () => {
  it('stops after two good rounds and says so', () => {
    const first = decideStopping(frames(0.0012, 0.07), calm, options);
    expect(first.stop).toBe(false);
    expect(first.reason).toBe('all criteria met in 1 of 2 consecutive rounds');
    expect(first.history).toEqual({ looks: 1, consecutive: 1 });
    const second = decideStopping(frames(0.0012, 0.07, 2), calm, options, first.history);
    expect(second.stop).toBe(true);
    expect(second.reason).toBe('all criteria met in 2 consecutive rounds');
    expect(second.look).toBe(2);
    expect(second.level).toAgree(0.0076, { rtol: 1e-3, why: '6·0.05/(4π²)' });
    for (const criterion of second.criteria) expect(criterion).toMatchObject({ met: true });
    for (const precondition of second.preconditions) expect(precondition.met).toBe(true);
  });

  it('never stops on a useless model with an honest sigma', () => {
    // It predicts no force and the mean energy; the true forces are heavy-tailed (Student, 12 degrees of freedom).
    let history = NO_HISTORY;
    for (let round = 0; round < 6; round++) {
      const stream = new RandomStream(round, 'useless');
      const student = (freedom: number) => {
        let square = 0;
        for (let k = 0; k < freedom; k++) square += stream.normal() ** 2;
        return stream.normal() / Math.sqrt(square / freedom);
      };
      const useless: AssessmentFrame[] = Array.from({ length: 80 }, () => ({
        atoms: 16,
        energyError: 16 * 0.054 * stream.normal(),
        energySigma: 16 * 0.054,
        forceErrors: Array.from({ length: 48 }, () => 1.1 * student(12)),
        forceSigmas: new Array(48).fill(1.1 * Math.sqrt(12 / 10)),
      }));
      const decision = decideStopping(useless, { walkers: 6, broken: 0 }, options, history);
      const met = Object.fromEntries(decision.criteria.map((criterion) => [criterion.name, criterion.met]));
      expect(met, `round ${round}`).toEqual({
        energyMae: false,
        forceRmse: false,
        forceEce: true,
        energyEce: true,
        forceWorst: true,
        energyWorst: true,
      });
      expect(decision.stop).toBe(false);
      expect(decision.counted).toBe(false);
      expect(['energyMae', 'forceRmse']).toContain(decision.binding.name);
      expect(decision.binding.ratio).toBeGreaterThan(10);
      expect(decision.reason).toMatch(/energyMae .* above 0.002; forceRmse .* above 0.09/);
      history = decision.history;
    }
    expect(history).toEqual({ looks: 0, consecutive: 0 });
  });

  it('needs the rounds to be consecutive', () => {
    const good = decideStopping(frames(0.0012, 0.07), calm, options);
    const bad = decideStopping(frames(0.0012, 0.2), calm, options, good.history);
    expect(bad.history).toEqual({ looks: 1, consecutive: 0 });
    const again = decideStopping(frames(0.0012, 0.07), calm, options, bad.history);
    expect(again.stop).toBe(false);
    expect(again.look).toBe(2);
  });

  it('spends a look on bounds that fail after values that pass, none on values that fail', () => {
    const tight = { ...options, tolerances: { ...tolerances, forceRmse: 0.0705 } };
    const near = decideStopping(frames(0.0012, 0.07, 4), calm, tight);
    expect(near.criteria[1]!.value).toBeLessThan(0.0705);
    expect(near.criteria[1]!.met).toBe(false);
    expect(near).toMatchObject({ counted: true, history: { looks: 1, consecutive: 0 } });
    expect(near.reason).toMatch(/^forceRmse 0\.0\d+ \(upper bound 0\.0\d+\) above 0\.0705$/);
    const later = decideStopping(frames(0.0012, 0.07, 4), calm, tight, { looks: 4, consecutive: 0 });
    expect(later.criteria[1]!.upper).toBeGreaterThan(near.criteria[1]!.upper);
    const far = decideStopping(frames(0.0012, 0.3), calm, options);
    expect(far).toMatchObject({ counted: false, history: { looks: 0, consecutive: 0 } });
    expect(far.binding.name).toBe('forceRmse');
  });

  it('does not stop with good errors and dishonest error bars', () => {
    const overconfident = decideStopping(frames(0.0012, 0.07, 1, 0.3), calm, options);
    expect(overconfident.criteria.find(({ name }) => name === 'forceEce')!.met).toBe(false);
    expect(overconfident.preconditions[0]!.met).toBe(false);
    expect(overconfident.reason).toContain('energies inside their 95 % interval');
  });

  it('does not stop while walkers break', () => {
    const decision = decideStopping(frames(0.0012, 0.07), { walkers: 6, broken: 3 }, { ...options, patience: 1 });
    expect(decision.stop).toBe(false);
    expect(decision.reason).toBe('3 of 6 walkers left the trust region, 1 allowed');
    const done = decideStopping(frames(0.0012, 0.07), calm, { ...options, patience: 1 });
    expect(done.reason).toBe('all criteria met in 1 consecutive round');
    expect(decideStopping(frames(0.0012, 0.07), null, { ...options, patience: 1 }).stop).toBe(false);
  });

  it('does not stop on nothing, and is deterministic', () => {
    const nothing = decideStopping([], calm, options);
    expect(nothing.stop).toBe(false);
    expect(nothing.binding.ratio).toBe(Infinity);
    expect(decideStopping(frames(0.001, 0.05), calm, options)).toEqual(
      decideStopping(frames(0.001, 0.05), calm, options),
    );
    expect(() => decideStopping([], calm, { ...options, patience: 0 })).toThrow(
      'patience must be a positive integer, got 0',
    );
  });
});
