import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { RandomStream } from '../random.ts';
import { conformalBand, conformalQuantile, structureScores } from './conformal.ts';

describe('conformalQuantile', () => {
  it('has the quantiles of the reference set', () => {
    const { z, conformal_q } = golden<{
      B: { Bcal: { z: number[]; conformal_q: Record<string, number | string> } };
    }>('reference-values').B.Bcal;
    const scores = z.map(Math.abs);
    expect(conformalQuantile(scores, 0.32)).toAgree(conformal_q.alpha_0p32, {
      rtol: 1e-12,
      why: 'an element of the list',
    });
    expect(conformalQuantile(scores, 0.1)).toBe(conformal_q.alpha_0p1);
    expect(conformalQuantile(scores, 0.05)).toBe(conformal_q.alpha_0p05);
    expect(conformalQuantile(scores, 0.04)).toBe(Number(conformal_q.alpha_0p04));
  });

  it('covers new cases as often as promised, whatever the scores', () => {
    const stream = new RandomStream(5, 'conformal');
    const heavy = () => Math.abs(stream.normal() / Math.max(0.05, stream.uniform()));
    const resamples = 200;
    const fresh = 50;
    for (const alpha of [0.05, 0.1, 0.3]) {
      let covered = 0;
      for (let k = 0; k < resamples; k++) {
        const q = conformalQuantile(Float64Array.from({ length: 60 }, heavy), alpha);
        for (let f = 0; f < fresh; f++) if (heavy() <= q) covered++;
      }
      const share = covered / (resamples * fresh);
      // Each calibration set has its own coverage, a beta variate of spread √(α(1−α)/62).
      const spread = Math.sqrt((alpha * (1 - alpha)) / 62 / resamples);
      expect(share).toBeGreaterThan(1 - alpha - 3.3 * spread);
      expect(share).toBeLessThan(1 - alpha + 1 / 61 + 3.3 * spread);
    }
  });

  it('takes ranks as decimals mean them', () => {
    const scores = [9, 1, 2, 3, 4, 5, 6, 7, 8];
    expect(conformalQuantile(scores, 0.3)).toBe(7); // (9 + 1)·0.7 = 7, in binary 7.000000000000001
    expect(conformalQuantile(scores, 0.1)).toBe(9);
    expect(conformalQuantile(scores, 0.09)).toBe(Infinity);
    expect(conformalQuantile([], 0.1)).toBe(Infinity);
    expect(conformalQuantile(scores, 0.999)).toBe(1);
  });

  it('refuses levels and scores that make no sense', () => {
    expect(() => conformalQuantile([1], 0)).toThrow('alpha must lie between 0 and 1, got 0');
    expect(() => conformalQuantile([1, Number.NaN], 0.1)).toThrow('must be numbers, got NaN');
  });
});

describe('structureScores', () => {
  it('keeps the worst component of each structure, in order of structures', () => {
    const scores = structureScores([1, -3, 2, Number.NaN, 0.5, Number.NaN], [7, 7, 2, 2, 4, 9]);
    expect([...scores]).toEqual([2, 0.5, 3]);
  });
});

describe('conformalBand', () => {
  it('holds the coverage of random splits as often as it says', () => {
    const [calibrated, judged, alpha] = [40, 30, 0.1];
    const [low, high] = conformalBand(calibrated, judged, alpha, 0.9);
    let inside = 0;
    const splits = 2000;
    const stream = new RandomStream(8, 'conformal band');
    const score = (): number => Math.abs(stream.normal());
    for (let split = 0; split < splits; split++) {
      const q = conformalQuantile(Float64Array.from({ length: calibrated }, score), alpha);
      let covered = 0;
      for (let k = 0; k < judged; k++) if (score() <= q) covered++;
      if (covered / judged >= low && covered / judged <= high) inside++;
    }
    // Whole numbers of cases make the band a little wider than 0.9.
    expect(inside / splits).toBeGreaterThan(0.88);
    expect(inside / splits).toBeLessThan(0.97);
    expect(low).toBeLessThan(0.9);
    expect(high).toBeGreaterThan(0.9);
  });

  it('narrows with the numbers, and is nothing but 1 where intervals are infinite', () => {
    const width = (n: number): number => {
      const [low, high] = conformalBand(n, n, 0.1);
      return high - low;
    };
    expect(width(1000)).toBeLessThan(0.3 * width(50));
    expect(conformalBand(8, 10, 0.1)).toEqual([1, 1]);
    expect(() => conformalBand(0, 10, 0.1)).toThrow('must be positive integers, got 0 and 10');
    expect(() => conformalBand(10, 10, 1)).toThrow('alpha must lie between 0 and 1');
  });
});
