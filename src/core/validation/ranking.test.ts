import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import {
  atomForceErrors,
  detection,
  midRanks,
  rankCeiling,
  rankCorrelation,
  reportRanking,
  worstErrorsFound,
} from './ranking.ts';

const EXACT = { rtol: 1e-12, atol: 1e-12, why: 'a handful of sums of small integers' };

describe('atomForceErrors', () => {
  it('takes the components that have an error and a sigma', () => {
    const nan = Number.NaN;
    const found = atomForceErrors([
      {
        atoms: 3,
        energyError: 0,
        energySigma: 1,
        forceErrors: [3, 4, 0, 1, 1, 1, 2, 0, 0],
        forceSigmas: [1, 1, 1, nan, nan, nan, 0.5, nan, 1.5],
      },
    ]);
    expect(found.sizes).toAgree([5, 2], EXACT);
    expect(found.sigmas).toAgree([1, Math.sqrt(1.25)], EXACT);
    expect([...found.components]).toEqual([3, 2]);
  });
});

describe('midRanks', () => {
  it('gives equal values the mean of their ranks', () => {
    expect([...midRanks([3, 1, 3, 2])]).toEqual([3.5, 1, 3.5, 2]);
    expect([...midRanks([])]).toEqual([]);
  });
});

describe('rankCorrelation', () => {
  it('is 1 for lists in the same order, −1 for the reverse, whatever the spacing', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 3, maxLength: 30 }), (values) => {
        const cubes = values.map((x) => x * x * x);
        expect(rankCorrelation(values, cubes)).toAgree(1, EXACT);
        expect(
          rankCorrelation(
            values,
            cubes.map((x) => -x),
          ),
        ).toAgree(-1, EXACT);
      }),
    );
  });

  it('agrees with 1 − 6Σd²/(n(n²−1)) without ties, and is undefined for a constant', () => {
    expect(rankCorrelation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])).toAgree(1 - (6 * 4) / (5 * 24), EXACT);
    expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(() => rankCorrelation([1], [1, 2])).toThrow('lists must be of the same length, got 1 and 2');
  });
});

describe('rankCeiling', () => {
  it('is what errors drawn from the sigmas reach, and 0 where sigma says nothing', () => {
    const n = 4000;
    const random = new RandomStream(5, 'sigmas');
    const components = new Uint8Array(n).fill(3);
    const sigmas = Float64Array.from({ length: n }, () => Math.exp(random.normal()));
    const sizes = sigmas.map((s) => s * Math.hypot(random.normal(), random.normal(), random.normal()));
    const ceiling = rankCeiling({ sizes, sigmas, components }, new RandomStream(1, 'ceiling'));
    const why = 'standard error of Spearman ρ over 4000 atoms is about 0.01';
    expect(rankCorrelation(sizes, sigmas)).toAgree(ceiling, { atol: 0.03, why });
    expect(ceiling).toBeGreaterThan(0.8);
    const narrow = sigmas.map((s) => 1 + 1e-6 * s);
    expect(rankCeiling({ sizes, sigmas: narrow, components }, new RandomStream(1, 'ceiling'))).toAgree(0, {
      atol: 0.03,
      why,
    });
  });

  it('is higher for vectors than for single components, which may be small by chance', () => {
    const random = new RandomStream(6, 'sigmas');
    const sigmas = Float64Array.from({ length: 2000 }, () => Math.exp(0.5 * random.normal()));
    const of = (k: number): number =>
      rankCeiling({ sizes: sigmas, sigmas, components: new Uint8Array(2000).fill(k) }, new RandomStream(2, 'ceiling'));
    expect(of(3)).toBeGreaterThan(of(1) + 0.1);
    expect(
      rankCeiling(
        { sizes: sigmas.slice(0, 1), sigmas: sigmas.slice(0, 1), components: Uint8Array.of(1) },
        new RandomStream(2, 'x'),
      ),
    ).toBeNaN();
  });
});

describe('detection', () => {
  it('is the share of pairs of a large and a small error in the right order, ties by half', () => {
    const sizes = [0.1, 0.5, 0.2, 0.9, 0.05];
    const scores = [1, 2, 2, 5, 0];
    // Large: 0.5 (score 2), 0.9 (score 5); small: 1, 2, 0. Pairs won: 2 + ½ and 3 of 6.
    expect(detection(sizes, scores, 0.3)).toEqual({ threshold: 0.3, positives: 2, auroc: 5.5 / 6 });
    expect(detection(sizes, scores, 1).auroc).toBeNaN();
    expect(detection(sizes, scores, 0.01).auroc).toBeNaN();
  });
});

describe('worstErrorsFound', () => {
  it('counts the worst errors under the largest scores', () => {
    const sizes = Array.from({ length: 200 }, (_, i) => i);
    expect(worstErrorsFound(sizes, sizes)).toBe(1);
    expect(
      worstErrorsFound(
        sizes,
        sizes.map((x) => -x),
      ),
    ).toBe(0);
    expect(worstErrorsFound(sizes, new Array(200).fill(1))).toAgree(0.1, EXACT);
    expect(worstErrorsFound([], [])).toBeNaN();
  });
});

describe('reportRanking', () => {
  it('puts all figures together', () => {
    const random = new RandomStream(7, 'report');
    const sigmas = Float64Array.from({ length: 500 }, () => 0.05 + random.uniform());
    const sizes = sigmas.map((s) => s * Math.abs(random.normal()));
    const report = reportRanking({ sizes, sigmas, components: new Uint8Array(500).fill(1) }, [0.3, 99], random);
    expect(report.count).toBe(500);
    expect(report.rankCorrelation).toBeGreaterThan(0.3);
    expect(report.spread).toBeGreaterThan(4);
    expect(report.detections.map((found) => found.positives > 0)).toEqual([true, false]);
    expect(report.worstFound).toBeGreaterThanOrEqual(0);
    const nothing = reportRanking(
      { sizes: new Float64Array(0), sigmas: new Float64Array(0), components: new Uint8Array(0) },
      [0.3],
      random,
    );
    expect(nothing).toMatchObject({ count: 0, rankCorrelation: Number.NaN, spread: Number.NaN });
  });
});
