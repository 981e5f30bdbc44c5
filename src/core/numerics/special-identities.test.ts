import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import {
  betaI,
  betaQuantile,
  chiSquareQuantile,
  clopperPearson,
  erf,
  erfc,
  gammaP,
  gammaQ,
  gammaQuantile,
  logGamma,
  normalCdf,
  normalDensity,
  normalQuantile,
} from './special.ts';

const CLOSED = { rtol: 2e-13, atol: 1e-300, why: 'closed form of a special case' };
const shape = fc.double({ min: 0.05, max: 500, noNaN: true });
const probability = fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true });

/** ln C(n, k) by a sum of logarithms. */
function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log(n - k + i) - Math.log(i);
  return sum;
}

describe('error function', () => {
  it('has the derivative 2/√π e^{−x²} and keeps its sign, order and bounds', () => {
    for (let x = -3; x <= 3; x += 0.37) {
      const h = 1e-5;
      const slope = (erf(x + h) - erf(x - h)) / (2 * h);
      expect(slope).toAgree((2 / Math.sqrt(Math.PI)) * Math.exp(-x * x), { atol: 2e-10, why: 'central difference' });
    }
    fc.assert(
      fc.property(
        fc.double({ min: -30, max: 30, noNaN: true }),
        fc.double({ min: 0, max: 5, noNaN: true }),
        (x, step) => {
          expect(erf(x + step)).toBeGreaterThanOrEqual(erf(x));
          expect(erfc(x + step)).toBeLessThanOrEqual(erfc(x));
          expect(Math.abs(erf(x))).toBeLessThanOrEqual(1);
          expect(erf(x) + erfc(x)).toAgree(1, { atol: 4e-16, why: 'complements' });
        },
      ),
    );
  });

  it('falls off as its asymptotic series says, down to the smallest double', () => {
    for (const x of [10, 15, 20, 26]) {
      const inverse = 1 / (2 * x * x);
      const series = 1 - inverse + 3 * inverse * inverse - 15 * inverse ** 3 + 105 * inverse ** 4 - 945 * inverse ** 5;
      const leading = Math.exp(-x * x) / (x * Math.sqrt(Math.PI));
      expect(erfc(x)).toAgree(leading * series, { rtol: 1e-8, why: 'the next term of the series at x = 10' });
    }
    expect(erfc(27)).toBeGreaterThan(0);
    expect(erfc(28)).toBe(0);
    expect(erf(Number.POSITIVE_INFINITY)).toBe(1);
    expect(erfc(Number.NEGATIVE_INFINITY)).toBe(2);
  });
});

describe('normal distribution', () => {
  it('integrates its density', () => {
    const n = 400;
    for (const [a, b] of [
      [-1, 1],
      [0, 3],
      [2, 5],
    ] as const) {
      let sum = 0;
      for (let k = 0; k <= n; k++) {
        const weight = k === 0 || k === n ? 1 : k % 2 === 1 ? 4 : 2;
        sum += weight * normalDensity(a + ((b - a) * k) / n);
      }
      const simpson = (sum * (b - a)) / (3 * n);
      expect(simpson).toAgree(normalCdf(b) - normalCdf(a), { rtol: 1e-9, why: 'Simpson with 400 steps' });
    }
  });

  it('is inverted in the farthest tails, where 1 − p is long gone', () => {
    for (let power = 1; power <= 300; power += 13) {
      const p = 10 ** -power;
      expect(normalCdf(normalQuantile(p))).toAgree(p, { rtol: 1e-11, why: 'd ln Φ/dx is 37 at 1e-300' });
    }
    expect(normalQuantile(5e-324)).toBeLessThan(-38.4);
    expect(Math.abs(normalQuantile(0.5))).toBe(0);
    for (const bad of [-1e-300, 1 + 2e-16, Number.NaN]) expect(() => normalQuantile(bad)).toThrow(InputError);
  });
});

describe('gamma function', () => {
  it('is the factorial, and √π at one half', () => {
    let factorial = 1;
    for (let n = 1; n <= 170; n++) {
      factorial *= n;
      expect(Math.exp(logGamma(n + 1) - Math.log(factorial))).toAgree(1, {
        rtol: 1e-12,
        why: 'ln Γ to 1e-15 of 700',
      });
    }
    expect(logGamma(0.5)).toAgree(0.5 * Math.log(Math.PI), { rtol: 1e-14, why: 'closed form' });
    expect(logGamma(1e-300)).toAgree(300 * Math.log(10), { rtol: 1e-14, why: 'Γ(x) → 1/x' });
    expect(logGamma(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(logGamma(1e300)).toAgree(1e300 * (300 * Math.log(10) - 1), { rtol: 1e-14, why: 'Stirling' });
  });

  it('doubles: Γ(2x) = Γ(x) Γ(x + ½) 2^{2x−1}/√π', () => {
    fc.assert(
      fc.property(shape, (x) => {
        const right = logGamma(x) + logGamma(x + 0.5) + (2 * x - 1) * Math.LN2 - 0.5 * Math.log(Math.PI);
        expect(logGamma(2 * x)).toAgree(right, { rtol: 1e-13, atol: 1e-13, why: 'a few roundings' });
      }),
    );
  });

  it('incomplete: exponential at a = 1, error function at a = ½, Poisson sums at whole a', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 60, noNaN: true }), fc.integer({ min: 1, max: 40 }), (x, n) => {
        expect(gammaQ(1, x)).toAgree(Math.exp(-x), CLOSED);
        expect(gammaP(1, x)).toAgree(-Math.expm1(-x), CLOSED);
        expect(gammaP(0.5, x)).toAgree(erf(Math.sqrt(x)), CLOSED);
        let [term, sum] = [Math.exp(-x), 0];
        for (let k = 0; k < n; k++) {
          sum += term;
          term *= x / (k + 1);
        }
        expect(gammaQ(n, x)).toAgree(sum, { rtol: 1e-12, why: 'a sum of n positive terms' });
      }),
      { numRuns: 60 },
    );
  });

  it('quantiles: closed for two degrees of freedom, squares of the normal for one, near a for large a', () => {
    fc.assert(
      fc.property(probability, (p) => {
        expect(chiSquareQuantile(p, 2)).toAgree(-2 * Math.log1p(-p), { rtol: 1e-12, why: 'closed form' });
        const z = normalQuantile((1 + p) / 2);
        if (p > 1e-4 && p < 0.999)
          expect(chiSquareQuantile(p, 1)).toAgree(z * z, { rtol: 1e-9, why: '(1 + p)/2 loses digits' });
      }),
      { numRuns: 60 },
    );
    for (const a of [1e3, 1e5, 1e7]) {
      expect((gammaQuantile(0.5, a) - a) * 3).toAgree(-1, { rtol: 1e-2, why: 'the median is a − 1/3 + O(1/a)' });
    }
    expect(gammaQuantile(0, 3)).toBe(0);
    expect(gammaQuantile(1, 3)).toBe(Number.POSITIVE_INFINITY);
    expect(() => gammaQuantile(0.5, 0)).toThrow('shape of the gamma function must be positive, got 0');
  });
});

describe('beta function', () => {
  it('incomplete: powers where a shape is 1, arcsine at ½, binomial sums at whole shapes', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 0.999, noNaN: true }),
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 30 }),
        (x, a, k, n) => {
          const POWER = { rtol: 1e-11, atol: 1e-300, why: 'an exponent of 50 times a logarithm' };
          expect(betaI(x, a, 1)).toAgree(Math.exp(a * Math.log(x)), POWER);
          expect(betaI(x, 1, a)).toAgree(-Math.expm1(a * Math.log1p(-x)), POWER);
          expect(betaI(x, 0.5, 0.5)).toAgree((2 / Math.PI) * Math.asin(Math.sqrt(x)), {
            rtol: 1e-12,
            why: 'closed form',
          });
          const trials = k + n - 1;
          let sum = 0;
          for (let i = k; i <= trials; i++)
            sum += Math.exp(logChoose(trials, i) + i * Math.log(x) + (trials - i) * Math.log1p(-x));
          expect(betaI(x, k, n)).toAgree(sum, { rtol: 1e-10, why: 'a sum of positive terms by logarithms' });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('quantile inverts it from either end', () => {
    fc.assert(
      fc.property(probability, shape, shape, (p, a, b) => {
        const x = betaQuantile(p, a, b);
        if (x > 1e-290 && x < 1 - 1e-10) {
          const slope = Math.abs(betaI(x * (1 + 1e-9), a, b) - betaI(x * (1 - 1e-9), a, b)) / p;
          expect(betaI(x, a, b)).toAgree(p, { rtol: 1e-11 + 1e-6 * slope, why: 'as well as x itself is known' });
        }
      }),
      { numRuns: 80 },
    );
  });
});

describe('Clopper–Pearson', () => {
  it('covers the truth at least as often as it says, whatever the truth', () => {
    for (const n of [1, 5, 12, 30]) {
      const intervals = Array.from({ length: n + 1 }, (_, k) => clopperPearson(k, n, 0.9));
      for (let step = 1; step < 40; step++) {
        const truth = step / 40;
        let covered = 0;
        intervals.forEach(([low, high], k) => {
          if (low <= truth && truth <= high) {
            covered += Math.exp(logChoose(n, k) + k * Math.log(truth) + (n - k) * Math.log(1 - truth));
          }
        });
        expect(covered).toBeGreaterThanOrEqual(0.9);
      }
    }
  });

  it('is mirrored by counting failures, holds the share, and narrows with trials', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const k = Math.round(share * n);
        const [low, high] = clopperPearson(k, n);
        const [other, mirror] = clopperPearson(n - k, n);
        expect(low).toAgree(1 - mirror, { atol: 1e-12, why: 'symmetry' });
        expect(high).toAgree(1 - other, { atol: 1e-12, why: 'symmetry' });
        expect(low <= k / n && k / n <= high).toBe(true);
        const [wideLow, wideHigh] = clopperPearson(k, n, 0.99);
        expect(wideLow <= low && high <= wideHigh).toBe(true);
      }),
      { numRuns: 60 },
    );
    expect(clopperPearson(0, 10)[0]).toBe(0);
    expect(clopperPearson(10, 10)[1]).toBe(1);
    expect(clopperPearson(0, 10)[1]).toAgree(1 - 0.025 ** 0.1, { rtol: 1e-12, why: 'closed form' });
  });
});
