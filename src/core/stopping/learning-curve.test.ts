import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { RandomStream } from '../random.ts';
import type { LearningCurve, LearningPoint } from './learning-curve.ts';
import { errorAt, fitLearningCurve, forecast, gainPerDoubling, labelsFor } from './learning-curve.ts';

const ROUNDING = { rtol: 1e-9, why: 'a fit without residuals converges quadratically' };

function pointsOf(curve: LearningCurve, labels: readonly number[], noise = 0, seed = 1): LearningPoint[] {
  const random = new RandomStream(seed, 'learning curve');
  return labels.map((n) => ({ labels: n, error: errorAt(curve, n) * Math.exp(noise * random.normal()) }));
}

describe('fitLearningCurve', () => {
  it('finds the curve of the reference values', () => {
    const { N, err, fit, predicted_at_320, gain_per_doubling_at_160 } = golden<{
      F: {
        F3_learning_curve: {
          N: number[];
          err: number[];
          fit: [number, number, number];
          predicted_at_320: number;
          gain_per_doubling_at_160: number;
        };
      };
    }>('reference-values').F.F3_learning_curve;
    const curve = fitLearningCurve(N.map((labels, k) => ({ labels, error: err[k]! })));
    expect([curve.a, curve.b, curve.c]).toAgree(fit, ROUNDING);
    expect(errorAt(curve, 320)).toAgree(predicted_at_320, ROUNDING);
    expect(errorAt(curve, 160) - errorAt(curve, 320)).toAgree(gain_per_doubling_at_160, ROUNDING);
    expect(gainPerDoubling(curve, 160)).toAgree(gain_per_doubling_at_160 / err[4]!, ROUNDING);
  });

  it('finds any curve from exact points, and the labels at which it reaches an error', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.15, max: 1.6, noNaN: true }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (b, floor, scale) => {
          const a = scale * Math.exp(b * Math.log(40));
          const curve = { a, b, c: floor * scale };
          const found = fitLearningCurve(pointsOf(curve, [10, 20, 40, 80, 160, 320]));
          const why = 'a and c of a steep curve with a high floor are known to fewer digits';
          for (const n of [15, 100, 600]) {
            expect(errorAt(found, n)).toAgree(errorAt(curve, n), { rtol: 1e-5, why });
            expect(labelsFor(curve, errorAt(curve, n))).toAgree(n, { rtol: 1e-9, why: 'inverse function' });
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('keeps to its bounds: an error that rises has the least exponent, one that falls faster than N⁻² the largest', () => {
    const rising = fitLearningCurve([1, 2, 3, 4].map((k) => ({ labels: 10 * k, error: 0.1 + 0.01 * k })));
    expect(rising.c).toBeGreaterThanOrEqual(0);
    expect(rising.b).toBeGreaterThanOrEqual(0.05);
    expect(gainPerDoubling(rising, 40)).toBeLessThan(0.04);
    const falling = fitLearningCurve([10, 20, 40, 80].map((n) => ({ labels: n, error: 1 / (n * n * n) })));
    expect(falling).toMatchObject({ b: 2, c: 0 });
  });

  it('refuses what is no curve', () => {
    const three = pointsOf({ a: 1, b: 0.5, c: 0 }, [1, 2, 3]);
    expect(() => fitLearningCurve(three)).toThrow('points must be at least 4, got 3');
    expect(() => fitLearningCurve([...three, { labels: 4, error: 0 }])).toThrow('got 0 at 4 labels');
    expect(() => fitLearningCurve(new Array(4).fill(three[0]))).toThrow('different numbers of labels');
  });
});

describe('forecast', () => {
  const labels = [20, 30, 40, 50, 60, 70, 80, 90, 100];
  const options = { tolerance: 0.08, budget: 400, seed: 1, resamples: 100 };

  it('says how many labels it takes, with a range that holds the truth', () => {
    const truth = { a: 1, b: 0.5, c: 0.02 };
    const found = forecast(pointsOf(truth, labels, 0.02), options);
    const expected = labelsFor(truth, 0.08);
    expect(found.labels.low).toBeLessThan(expected);
    expect(found.labels.high).toBeGreaterThan(expected);
    expect(found.atBudget.expected).toAgree(errorAt(truth, 400), {
      rtol: 0.3,
      why: 'fourfold extrapolation at 2 % noise',
    });
    expect(found.gainPerDoubling).toAgree(gainPerDoubling(truth, 100), {
      atol: 0.15,
      why: 'extrapolation at 2 % noise',
    });
    expect(forecast(pointsOf(truth, labels, 0.02), options)).toEqual(found);
  });

  it('says never where the floor is above the tolerance', () => {
    const found = forecast(pointsOf({ a: 3, b: 1, c: 0.1 }, labels, 0.005), options);
    expect(found.labels.expected).toBe(Number.POSITIVE_INFINITY);
    expect(found.atBudget.low).toBeGreaterThan(0.08);
    expect(found.gainPerDoubling).toBeLessThan(0.2);
  });
});
