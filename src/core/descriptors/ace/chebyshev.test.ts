import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChebyshevExponential, ChebyshevPower } from './chebyshev.ts';
import type { RadialFunctions } from './radial.ts';

const COUNT = 7;

function values(radial: RadialFunctions, r: number): Float64Array {
  const [g, dg] = [new Float64Array(COUNT + 2).fill(9), new Float64Array(COUNT + 2).fill(9)];
  radial.evaluate(r, g, dg, 1);
  // Nothing is written outside of the range that was given.
  expect([g[0], g[COUNT + 1], dg[0], dg[COUNT + 1]]).toEqual([9, 9, 9, 9]);
  return g.slice(1, COUNT + 1);
}

describe('Chebyshev functions of an exponential distance', () => {
  it('are ½(1 − cos((k−1) arccos x)) under their window', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 0.999, noNaN: true }),
        fc.double({ min: 0.1, max: 9, noNaN: true }),
        (share, lambda) => {
          const cutoff = 5;
          const r = share * cutoff;
          const x = 1 - (2 * (Math.exp(-lambda * share) - Math.exp(-lambda))) / (1 - Math.exp(-lambda));
          const window = 0.5 * (1 + Math.cos(Math.PI * share));
          const expected = Float64Array.from({ length: COUNT }, (_, k) =>
            k === 0 ? window : 0.5 * (1 - Math.cos(k * Math.acos(Math.min(1, Math.max(-1, x))))) * window,
          );
          const plain = new ChebyshevExponential(cutoff, COUNT, lambda, 0);
          expect(values(plain, r)).toAgree(expected, { atol: 1e-7, why: 'arccos near ±1 keeps half of the digits' });
        },
      ),
    );
  });

  it('end in a second window of the width they are given, which changes nothing before', () => {
    const [plain, edged] = [0, 0.5].map((width) => new ChebyshevExponential(5, COUNT, 5.25, width));
    expect(values(edged!, 4.49)).toEqual(values(plain!, 4.49));
    const half = values(plain!, 4.75).map((g) => 0.5 * g);
    expect(values(edged!, 4.75)).toAgree(half, { rtol: 1e-12, atol: 1e-18, why: 'the middle of the second cosine' });
  });

  it('with λ of either sign stretch the near or the far distances', () => {
    const at = (lambda: number): number => values(new ChebyshevExponential(5, COUNT, lambda, 0), 1)[1]!;
    // g_2/window = (1 − x)/2 runs from 1 at r = 0 to 0 at the cutoff.
    const window = 0.5 * (1 + Math.cos(Math.PI / 5));
    expect(at(1e-6) / window).toAgree(0.8, { atol: 1e-6, why: 'linear for λ → 0' });
    expect(at(5) / window).toBeLessThan(0.4);
    expect(at(-5) / window).toBeGreaterThan(0.97);
  });
});

describe('Chebyshev functions of a power of the distance', () => {
  it('are ½(1 − cos(k arccos x)), x = 1 − 2(1 − r/r_c)^λ', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.999, noNaN: true }),
        fc.double({ min: 0.5, max: 6, noNaN: true }),
        (share, lambda) => {
          const x = 1 - 2 * Math.exp(lambda * Math.log(1 - share));
          const expected = Float64Array.from({ length: COUNT }, (_, k) => 0.5 * (1 - Math.cos((k + 1) * Math.acos(x))));
          const radial = new ChebyshevPower(4, COUNT, lambda);
          expect(values(radial, 4 * share)).toAgree(expected, {
            atol: 1e-7,
            why: 'arccos near ±1 keeps half of the digits',
          });
        },
      ),
    );
  });

  it('vanish at the cutoff to the order λ', () => {
    for (const lambda of [2, 3, 4]) {
      const radial = new ChebyshevPower(4, COUNT, lambda);
      const [near, nearer] = [values(radial, 4 - 4e-3), values(radial, 4 - 2e-3)];
      for (let k = 0; k < COUNT; k++) {
        expect(Math.log2(near[k]! / nearer[k]!)).toAgree(lambda, { atol: 0.02, why: 'the leading power' });
      }
    }
  });
});
