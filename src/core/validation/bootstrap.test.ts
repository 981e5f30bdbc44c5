import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { RandomStream } from '../random.ts';
import {
  bootstrapUpperBounds,
  boundErrors,
  chiSquareUpperBound,
  energySums,
  forceSums,
  pooledMean,
  wideningFactor,
} from './bootstrap.ts';
import type { AssessmentFrame } from './errors.ts';

function normalFrames(count: number, atoms: number, seed: number): AssessmentFrame[] {
  const stream = new RandomStream(seed, 'frames');
  return Array.from({ length: count }, () => ({
    atoms,
    energyError: 0.002 * atoms * stream.normal(),
    energySigma: 0.002 * atoms,
    forceErrors: Array.from({ length: 3 * atoms }, () => 0.1 * stream.normal()),
    forceSigmas: Array.from({ length: 3 * atoms }, () => 0.1),
  }));
}

describe('sums per structure', () => {
  it('adds |e|/N and e², and tells absent labels from failed predictions', () => {
    const frames: AssessmentFrame[] = [
      { atoms: 2, energyError: -4, energySigma: 1, forceErrors: [3, 4], forceSigmas: [1, Number.NaN] },
      {
        atoms: 1,
        energyError: Number.NaN,
        energySigma: Number.NaN,
        forceErrors: [Number.NaN],
        forceSigmas: [Number.NaN],
      },
    ];
    expect(energySums(frames)).toEqual({ totals: Float64Array.of(2, 0), counts: Float64Array.of(1, 0) });
    expect(forceSums(frames)).toEqual({ totals: Float64Array.of(25, 0), counts: Float64Array.of(2, 0) });
    expect(pooledMean(forceSums(frames))).toBe(12.5);
    const failed = [{ ...frames[0]!, energyError: Number.NaN, forceErrors: [Number.NaN, 1] }];
    const bounds = boundErrors(failed, 0.05, { seed: 1 });
    for (const value of [bounds.energyMae, bounds.energyMaeUpper, bounds.forceRmse, bounds.forceRmseUpper]) {
      expect(value).toBeNaN();
    }
  });

  it('knows nothing of no frames', () => {
    expect(boundErrors([], 0.05, { seed: 1 }).forceRmseUpper).toBeNaN();
    expect(boundErrors([], 1e-9, { seed: 1 }).energyMaeUpper).toBeNaN();
  });
});

describe('χ² bound', () => {
  it('widens as the reference says', () => {
    const rows = golden<{ F: { F1_rmse_upper_bound: { n: number; rmse: number; upper95: number }[] } }>(
      'reference-values',
    ).F.F1_rmse_upper_bound;
    for (const { n, rmse, upper95 } of rows) {
      expect(chiSquareUpperBound(rmse, n)).toAgree(upper95, { rtol: 1e-10, why: 'χ² quantile' });
    }
    expect(() => wideningFactor(0)).toThrow('number of structures must be at least 1, got 0');
    expect(() => wideningFactor(5, 0)).toThrow('level of an upper bound must lie between 0 and 1, got 0');
  });
});

describe('bootstrap', () => {
  it('is seeded, and grows with the level asked for', () => {
    const sums = forceSums(normalFrames(30, 4, 1));
    const bound = (alpha: number, seed = 5) => bootstrapUpperBounds([sums], alpha, { seed, resamples: 2000 })[0]!;
    expect(bound(0.05)).toBe(bound(0.05));
    expect(bound(0.01)).toBeGreaterThan(bound(0.05));
    expect(bound(0.05)).toBeGreaterThan(pooledMean(sums));
    expect(bound(0.05, 6)).toAgree(bound(0.05), { rtol: 0.03, why: 'Monte-Carlo noise of 2000 resamples' });
  });

  it('draws whole structures: identical structures leave no doubt', () => {
    const frame = normalFrames(1, 8, 2)[0]!;
    const bounds = boundErrors([frame, frame, frame], 0.05, { seed: 1, resamples: 400 });
    expect(bounds.forceRmseUpper).toAgree(bounds.forceRmse, { rtol: 1e-12, why: 'all resamples are alike' });
    expect(bounds.energyMaeUpper).toAgree(bounds.energyMae, { rtol: 1e-12, why: 'all resamples are alike' });
  });

  it('covers the true error about as often as it says', () => {
    let forces = 0;
    let energies = 0;
    const repeats = 300;
    for (let r = 0; r < repeats; r++) {
      const bounds = boundErrors(normalFrames(60, 1, 100 + r), 0.05, { seed: r, resamples: 500 });
      if (bounds.forceRmseUpper >= 0.1) forces++;
      if (bounds.energyMaeUpper >= 0.002 * Math.sqrt(2 / Math.PI)) energies++;
    }
    // Percentile bounds of 60 structures under-cover by one or two points; binomial spread 1.3 points.
    expect(forces / repeats).toAgree(0.94, { atol: 0.045, why: 'binomial spread of 300 data sets' });
    expect(energies / repeats).toAgree(0.94, { atol: 0.045, why: 'binomial spread of 300 data sets' });
  });

  it('takes more resamples for rare levels, and the χ² bound where they would be too many', () => {
    const frames = normalFrames(40, 1, 3);
    const common = boundErrors(frames, 0.05, { seed: 1 });
    const rare = boundErrors(frames, 0.0012, { seed: 1 });
    const rarest = boundErrors(frames, 0.0001, { seed: 1 });
    expect([common.method, rare.method, rarest.method]).toEqual(['bootstrap', 'bootstrap', 'chi-square']);
    expect(common.forceRmseUpper).toBeLessThan(rare.forceRmseUpper);
    expect(rare.forceRmseUpper).toBeLessThan(rarest.forceRmseUpper);
    expect(rarest.forceRmseUpper).toAgree(rarest.forceRmse * wideningFactor(40, 0.0001), {
      rtol: 1e-12,
      why: 'definition',
    });
    expect(common.forceRmse).toBe(rarest.forceRmse);
  });

  it('lies between the least and the largest structure', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { minLength: 1, maxLength: 8 }), (values) => {
        const sums = { totals: Float64Array.from(values), counts: new Float64Array(values.length).fill(1) };
        const [upper] = bootstrapUpperBounds([sums], 0.1, { seed: 1, resamples: 50 });
        expect(upper! >= Math.min(...values) - 1e-12 && upper! <= Math.max(...values) + 1e-12).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses numbers of resamples that are none', () => {
    const sums = { totals: Float64Array.of(1, 2), counts: Float64Array.of(1, 1) };
    for (const resamples of [0, -5, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => bootstrapUpperBounds([sums], 0.05, { seed: 1, resamples })).toThrow(
        `number of resamples must be a positive integer, got ${resamples}`,
      );
      expect(() => boundErrors([], 0.05, { seed: 1, resamples })).toThrow('number of resamples must be');
    }
    expect(bootstrapUpperBounds([sums], 0.05, { seed: 1, resamples: 1 })[0]).toBeGreaterThanOrEqual(1);
  });

  it('agrees with the exact distribution of resamples where that can be counted', () => {
    // Three structures: 27 equally likely resamples; the bound is a quantile of their 10 different means.
    const totals = [1, 2, 6];
    const means: number[] = [];
    for (const a of totals) for (const b of totals) for (const c of totals) means.push((a + b + c) / 3);
    means.sort((a, b) => a - b);
    const sums = { totals: Float64Array.from(totals), counts: Float64Array.of(1, 1, 1) };
    for (const alpha of [0.3, 0.17, 0.1, 0.02]) {
      const [bound] = bootstrapUpperBounds([sums], alpha, { seed: 2, resamples: 40_000 });
      expect(bound).toAgree(means[Math.ceil((1 - alpha) * 27) - 1], {
        atol: 1e-12,
        why: 'far from the steps of the distribution',
      });
    }
  });

  it('weighs structures by their number of values', () => {
    // A structure of 99 values and one of a single value: the pooled mean is ruled by the first.
    const sums = { totals: Float64Array.of(99, 5), counts: Float64Array.of(99, 1) };
    expect(pooledMean(sums)).toAgree(1.04, { rtol: 1e-14, why: '104/100' });
    const [bound] = bootstrapUpperBounds([sums], 0.3, { seed: 3, resamples: 4000 });
    expect(bound).toAgree(1.04, {
      rtol: 1e-12,
      why: 'a quarter of the resamples are the small one twice, half are mixed',
    });
    expect(bootstrapUpperBounds([sums], 0.2, { seed: 3, resamples: 4000 })[0]).toBe(5);
  });

  it('refuses quantities of different structures', () => {
    const two = { totals: Float64Array.of(1, 2), counts: Float64Array.of(1, 1) };
    const one = { totals: Float64Array.of(1), counts: Float64Array.of(1) };
    expect(() => bootstrapUpperBounds([two, one], 0.05, { seed: 1, resamples: 10 })).toThrow(
      'same number of structures (2)',
    );
  });
});
