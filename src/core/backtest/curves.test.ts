import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fallOverLastThreeQuarters,
  firstReaching,
  meanCurve,
  monotoneErrors,
  ratioAtEqualLabels,
  savings,
} from './curves.ts';

const positive = fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 30 });
/** Errors that fall as a power of the labels. */
const power = (labels: readonly number[], prefactor: number, exponent: number): number[] =>
  labels.map((n) => prefactor * n ** -exponent);
const LABELS = [5, 10, 20, 40, 80, 160];

describe('monotoneErrors', () => {
  it('leaves falling errors alone and shares a rise', () => {
    expect(monotoneErrors([4, 2, 1])).toAgree([4, 2, 1], { rtol: 1e-15, why: 'nothing to pool' });
    expect(monotoneErrors([4, 1, 2])).toAgree([4, Math.SQRT2, Math.SQRT2], {
      rtol: 1e-14,
      why: 'geometric mean of the violators',
    });
  });

  it('never rises, keeps the mean logarithm and changes nothing when repeated', () => {
    fc.assert(
      fc.property(positive, (errors) => {
        const monotone = monotoneErrors(errors);
        for (let k = 1; k < monotone.length; k++)
          expect(monotone[k]!).toBeLessThanOrEqual(monotone[k - 1]! * (1 + 1e-12));
        const sum = (list: readonly number[]): number => list.reduce((total, value) => total + Math.log(value), 0);
        expect(sum(monotone)).toAgree(sum(errors), { atol: 1e-9, why: 'pooling is averaging' });
        expect(monotoneErrors(monotone)).toAgree(monotone, { rtol: 1e-12, why: 'a projection' });
      }),
    );
  });

  it('is the nearest falling sequence in the logarithms', () => {
    const errors = [3, 5, 2, 2.5, 1, 4];
    const distance = (list: readonly number[]): number =>
      list.reduce((sum, value, k) => sum + Math.log(value / errors[k]!) ** 2, 0);
    const best = distance(monotoneErrors(errors));
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.5, max: 6, noNaN: true }), { minLength: 6, maxLength: 6 }), (other) => {
        expect(distance([...other].sort((a, b) => b - a))).toBeGreaterThanOrEqual(best - 1e-12);
      }),
    );
  });

  it('refuses errors of 0, which have no logarithm', () => {
    expect(() => monotoneErrors([1, 0])).toThrow('errors of a learning curve must be positive, got 0');
  });
});

describe('meanCurve', () => {
  it('is the geometric mean of points and errors', () => {
    const mean = meanCurve([
      { at: [1, 10], error: [4, 1] },
      { at: [4, 10], error: [1, 1] },
    ]);
    expect(mean.at).toAgree([2, 10], { rtol: 1e-14, why: 'geometric mean' });
    expect(mean.error).toAgree([2, 1], { rtol: 1e-14, why: 'geometric mean' });
  });

  it('refuses no curve and curves of different grids', () => {
    expect(() => meanCurve([])).toThrow('at least one');
    expect(() =>
      meanCurve([
        { at: [1], error: [1] },
        { at: [1, 2], error: [1, 1] },
      ]),
    ).toThrow('same points (1), got 2');
  });
});

describe('ratioAtEqualLabels', () => {
  it('averages from 20 labels on and finds the worst point there', () => {
    const { mean, worst } = ratioAtEqualLabels([5, 10, 20, 40], [100, 100, 1, 4], [1, 1, 2, 2]);
    expect([mean, worst]).toAgree([1, 2], { rtol: 1e-14, why: 'the mean of ½ and 2; earlier points do not count' });
  });

  it('has the last point even of a short curve', () => {
    expect(ratioAtEqualLabels([5, 10], [1, 3], [1, 2]).mean).toAgree(1.5, { rtol: 1e-14, why: 'one point is left' });
  });
});

describe('savings', () => {
  const random = { at: LABELS, error: power(LABELS, 1, 0.5) };

  it('is the ratio of labels of two power laws', () => {
    // a n^-b reaches the end of the other where n = 160 (a)^(1/b).
    const better = { at: LABELS, error: power(LABELS, 0.5, 0.5) };
    expect(savings(better, random)).toAgree(0.25, {
      rtol: 1e-10,
      why: 'half the error of n^-½ is a quarter of the labels',
    });
    expect(savings(random, random)).toAgree(1, { rtol: 1e-12, why: 'itself' });
  });

  it('is infinite where the error is not reached, and null where random does not fall any more', () => {
    expect(savings({ at: LABELS, error: power(LABELS, 2, 0.5) }, random)).toBe(Number.POSITIVE_INFINITY);
    const flat = { at: LABELS, error: [9, 3, 1, 1, 0.97, 0.95] };
    expect(savings(random, flat)).toBeNull();
  });

  it('judges the fall over the last three quarters of the labels', () => {
    expect(fallOverLastThreeQuarters(random)).toAgree(0.5, { rtol: 1e-10, why: '4^-½' });
  });

  it('reaches a level at the point itself, or between two', () => {
    expect(firstReaching(random, random.error[0]!)).toBe(5);
    expect(firstReaching(random, 1 / Math.sqrt(30))).toAgree(30, {
      rtol: 1e-10,
      why: 'power laws are interpolated exactly',
    });
    expect(firstReaching({ at: [1, 2, 3], error: [4, 2, 2] }, 2)).toBe(2);
  });
});
