import { describe, expect, it } from 'vitest';
import { ChebyshevExponential, ChebyshevPower } from './chebyshev.ts';
import { type RadialFunctions, SphericalBessel } from './radial.ts';
import { SplinedRadialFunctions } from './spline.ts';

function at(functions: RadialFunctions, r: number): { values: number[]; slopes: number[] } {
  const values = new Float64Array(functions.count + 1);
  const slopes = new Float64Array(functions.count + 1);
  functions.evaluate(r, values, slopes, 1);
  return { values: [...values.subarray(1)], slopes: [...slopes.subarray(1)] };
}

describe.each([
  ['SBessel', new SphericalBessel(5, 6)],
  ['ChebPow', new ChebyshevPower(5, 6, 2)],
  ['ChebExpCos', new ChebyshevExponential(5, 6, 3, 0.01)],
] as const)('splines of %s', (_, exact) => {
  it('meet values and slopes at multiples of the bin width', () => {
    const splined = new SplinedRadialFunctions(exact, 0.1);
    for (const k of [1, 7, 23, 49]) {
      const [got, expected] = [at(splined, 0.1 * k + 1e-12), at(exact, 0.1 * k)];
      expect(got.values).toAgree(expected.values, { atol: 1e-9, why: 'a knot' });
      expect(got.slopes).toAgree(expected.slopes, { atol: 1e-7, why: 'a knot' });
    }
    expect(at(splined, 5)).toEqual({ values: new Array(6).fill(0), slopes: new Array(6).fill(0) });
  });

  it('converge with the fourth power of the width, slopes with the third', () => {
    const error = (width: number): [number, number] => {
      const splined = new SplinedRadialFunctions(exact, width);
      let [values, slopes] = [0, 0];
      for (let r = 0.4; r < 4.8; r += 0.0317) {
        const [got, expected] = [at(splined, r), at(exact, r)];
        got.values.forEach((x, n) => {
          values = Math.max(values, Math.abs(x - expected.values[n]!));
          slopes = Math.max(slopes, Math.abs(got.slopes[n]! - expected.slopes[n]!));
        });
      }
      return [values, slopes];
    };
    const [coarse, fine] = [error(0.1), error(0.05)];
    expect(coarse[0] / fine[0]).toAgree(16, { rtol: 0.2, why: 'error of cubic Hermite interpolation' });
    expect(coarse[1] / fine[1]).toAgree(8, { rtol: 0.2, why: 'error of its derivative' });
  });

  it('have the slopes of their values', () => {
    const splined = new SplinedRadialFunctions(exact, 0.013);
    for (const r of [0.004, 0.8, 2.6, 4.9, 4.997]) {
      const [below, here, above] = [r - 1e-6, r, r + 1e-6].map((x) => at(splined, x));
      const slopes = above!.values.map((x, n) => (x - below!.values[n]!) / 2e-6);
      expect(slopes).toAgree(here!.slopes, { atol: 1e-7, why: 'rounding over the step' });
    }
  });
});

describe('bins', () => {
  it('divide the cutoff, so that the last ends there', () => {
    const exact = new ChebyshevExponential(4.604, 3, 3, 0.01);
    const splined = new SplinedRadialFunctions(exact, 0.1);
    const step = 4.604 / 46;
    expect(at(splined, 17 * step + 1e-13).values).toAgree(at(exact, 17 * step).values, { atol: 1e-12, why: 'a knot' });
    expect(at(splined, 4.604 - 1e-9).values).toAgree([0, 0, 0], { atol: 1e-15, why: 'flat at the cutoff' });
  });

  it.each([0, -1, Number.NaN, 5.1])('refuses the width %s', (width) => {
    expect(() => new SplinedRadialFunctions(new SphericalBessel(5, 2), width)).toThrowError(
      `width of spline bins must be positive and at most the cutoff 5 Å, got ${width} Å`,
    );
  });
});
