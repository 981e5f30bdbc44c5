import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { RandomStream } from '../random.ts';
import {
  epistemicVariance,
  fitTwoFactorScale,
  predictiveVariance,
  type ResidualSample,
  type TwoFactorScale,
} from './calibration.ts';

/** Residuals of the model e ~ N(0, a·s + b·v) with log-normal v; `perStructure` residuals in each structure. */
function simulate(a: number, b: number, structures: number, perStructure: number, seed = 1): ResidualSample {
  const stream = new RandomStream(seed, 'residuals');
  const n = structures * perStructure;
  const noise = Float64Array.from({ length: n }, () => 0.01);
  const epistemic = Float64Array.from({ length: n }, () => 1e-4 * Math.exp(1.5 * stream.normal()));
  const residuals = Float64Array.from(
    { length: n },
    (_, i) => Math.sqrt(a * noise[i]! + b * epistemic[i]!) * stream.normal(),
  );
  return {
    residuals,
    noise,
    epistemic,
    structures: Int32Array.from({ length: n }, (_, i) => Math.floor(i / perStructure)),
  };
}

/** Mean −2 ln likelihood of factors, less constants. */
function deviance(sample: ResidualSample, scale: Pick<TwoFactorScale, 'a' | 'b'>): number {
  let sum = 0;
  sample.residuals.forEach((e, i) => {
    const variance = scale.a * (sample.noise?.[i] ?? 1) + scale.b * sample.epistemic[i]!;
    sum += Math.log(variance) + (e * e) / variance;
  });
  return sum / sample.residuals.length;
}

describe('fitTwoFactorScale', () => {
  it('finds the factors that made the data', () => {
    const scale = fitTwoFactorScale(simulate(0.5, 80, 100, 200));
    expect(scale.a).toAgree(0.5, { rtol: 0.05, why: 'statistical error of 20 000 residuals' });
    expect(scale.b).toAgree(80, { rtol: 0.05, why: 'statistical error of 20 000 residuals' });
    expect(scale).toMatchObject({ structures: 100, observations: 20_000, calibrated: true, reason: '' });
    expect(scale.gain).toBeGreaterThan(0.1);
  });

  it('is a maximum of the likelihood', () => {
    const sample = simulate(0.6, 50, 40, 30, 3);
    const scale = fitTwoFactorScale(sample);
    const least = deviance(sample, scale);
    for (const [da, db] of [
      [1.01, 1],
      [0.99, 1],
      [1, 1.01],
      [1, 0.99],
      [1.01, 0.99],
    ] as const) {
      expect(deviance(sample, { a: scale.a * da, b: scale.b * db })).toBeGreaterThan(least);
    }
  });

  it('gives residuals of unit variance', () => {
    for (const [a, b] of [
      [1, 0],
      [0.1, 300],
      [0.3, 1000],
      [2, 5],
    ] as const) {
      const sample = simulate(a, b, 60, 60, 5);
      const scale = fitTwoFactorScale(sample);
      let sum = 0;
      sample.residuals.forEach((e, i) => {
        sum += (e * e) / predictiveVariance(scale, sample.noise![i]!, sample.epistemic[i]!);
      });
      expect(sum / sample.residuals.length).toAgree(1, {
        rtol: 1e-2,
        why: 'stationary in the common scale, floors aside',
      });
    }
  });

  it('keeps a floor under both factors', () => {
    const withoutNoise = fitTwoFactorScale(simulate(0, 100, 50, 50));
    expect(withoutNoise.a).toAgree(0.1, { rtol: 1e-6, why: 'the floor of a' });
    const constant = fitTwoFactorScale(simulate(1, 0, 50, 50));
    expect(constant.b).toBeGreaterThanOrEqual(0.1 * (1 - 1e-9));
    expect(constant.a).toAgree(1, { rtol: 0.1, why: 'statistical error of 2500 residuals' });
    const raised = fitTwoFactorScale(simulate(1, 100, 50, 50), { smallestA: 3, smallestB: 200 });
    expect(raised.a).toAgree(3, { rtol: 1e-6, why: 'the floor asked for' });
    expect(raised.b).toAgree(200, { rtol: 1e-6, why: 'the floor asked for' });
  });

  it('is not ruled by gross errors', () => {
    const sample = simulate(0.5, 80, 100, 50, 7);
    const clean = fitTwoFactorScale(sample);
    const residuals = sample.residuals.slice();
    // One structure of a hundred is wrong by thirty standard deviations.
    for (let i = 0; i < 50; i++) residuals[i] = 30 * residuals[i]!;
    const dirty = fitTwoFactorScale({ ...sample, residuals });
    const squared = residuals.reduce((sum, e) => sum + e * e, 0) / sample.residuals.reduce((sum, e) => sum + e * e, 0);
    expect(squared).toBeGreaterThan(5); // what an unguarded scale would do
    expect(dirty.a / clean.a).toBeLessThan(1.35);
    expect(dirty.b / clean.b).toBeLessThan(1.35);
  });

  it('leaves out masked components and does not care for their number', () => {
    const sample = simulate(0.5, 80, 30, 20, 9);
    const plain = fitTwoFactorScale(sample);
    const nan = new Float64Array(300).fill(Number.NaN);
    const zero = new Float64Array(300);
    const join = (a: Float64Array, b: Float64Array) => Float64Array.of(...a, ...b);
    const masked = fitTwoFactorScale({
      residuals: join(sample.residuals, nan),
      noise: join(
        sample.noise!,
        zero.map(() => 0.01),
      ),
      epistemic: join(sample.epistemic, zero),
      structures: Int32Array.of(...sample.structures, ...new Array(300).fill(99)),
    });
    expect(masked).toEqual(plain);
  });

  it('reads whitened residuals, with or without noise', () => {
    const sample = simulate(0.5, 80, 30, 20, 9);
    const plain = fitTwoFactorScale(sample);
    const whitened = fitTwoFactorScale({
      residuals: sample.residuals.map((e) => e / 0.1),
      noise: null,
      epistemic: sample.epistemic.map((v) => v / 0.01),
      structures: sample.structures,
    });
    expect([whitened.a, whitened.b]).toAgree([plain.a, plain.b], { rtol: 1e-6, why: 'the factors have no unit' });
  });

  it('weights structures alike when asked', () => {
    const small = simulate(0.5, 80, 50, 4, 1);
    const large = simulate(5, 800, 5, 400, 2);
    const sample = {
      residuals: Float64Array.of(...small.residuals, ...large.residuals),
      noise: Float64Array.of(...small.noise!, ...large.noise!),
      epistemic: Float64Array.of(...small.epistemic, ...large.epistemic),
      structures: Int32Array.of(...small.structures, ...large.structures.map((s) => s + 50)),
    };
    const perResidual = fitTwoFactorScale(sample);
    const perStructure = fitTwoFactorScale(sample, { structureEqual: true });
    expect(perStructure.b).toBeLessThan(0.5 * perResidual.b);
  });

  it('fits one temperature, which the reference calls the variance scale', () => {
    const { Bcal } = golden<{ B: { Bcal: { z: number[]; variance_scale_s2: number } } }>('reference-values').B;
    const scale = fitTwoFactorScale(
      {
        residuals: Float64Array.from(Bcal.z, (z, i) => z * (0.1 + 0.02 * (i + 1))),
        noise: null,
        epistemic: Float64Array.from(Bcal.z, (_, i) => (0.1 + 0.02 * (i + 1)) * (0.1 + 0.02 * (i + 1))),
        structures: Int32Array.from(Bcal.z, (_, i) => i),
      },
      { form: 'temperature' },
    );
    expect(scale.a).toBe(0);
    expect(scale.b).toAgree(Bcal.variance_scale_s2, {
      rtol: 1e-10,
      why: 'mean of z²: no residual is beyond the limit',
    });
  });

  it('says when it is not calibrated', () => {
    const few = fitTwoFactorScale(simulate(0.5, 80, 9, 40));
    expect(few).toMatchObject({ calibrated: false, reason: '9 structures are fewer than 10', structures: 9 });
    expect(few.b).toAgree(80, { rtol: 0.5, why: 'still fitted: 360 residuals' });
    const none = fitTwoFactorScale(simulate(1, 1, 0, 0));
    expect(none).toEqual({
      a: 1,
      b: 1,
      structures: 0,
      observations: 0,
      gain: 0,
      calibrated: false,
      reason: 'no residuals',
    });
    const sample = simulate(1, 1, 20, 2);
    expect(fitTwoFactorScale({ ...sample, residuals: new Float64Array(40) }).reason).toBe('all residuals are 0');
    expect(fitTwoFactorScale({ ...sample, epistemic: new Float64Array(40) }).reason).toBe(
      'all epistemic variances are 0',
    );
  });

  it('refuses arrays that do not fit and negative variances', () => {
    const sample = simulate(1, 1, 20, 2);
    expect(() => fitTwoFactorScale({ ...sample, epistemic: new Float64Array(3) })).toThrow(
      'must be as many as the residuals (40)',
    );
    expect(() => fitTwoFactorScale({ ...sample, epistemic: sample.epistemic.map((v) => -v) })).toThrow(
      'must be at least 0',
    );
    const epistemic = sample.epistemic.slice();
    epistemic[0] = 0;
    expect(() => fitTwoFactorScale({ ...sample, epistemic }, { form: 'temperature' })).toThrow(
      'must be positive where no noise',
    );
  });

  it('scales with the residuals', () => {
    fc.assert(
      fc.property(fc.double({ min: 2, max: 30, noNaN: true }), fc.integer({ min: 0, max: 50 }), (factor, seed) => {
        const sample = simulate(2, 100, 20, 5, seed);
        const scale = fitTwoFactorScale(sample, { smallestA: 0, smallestB: 0 });
        const scaled = { ...sample, residuals: sample.residuals.map((e) => e * factor) };
        const larger = fitTwoFactorScale(scaled, { smallestA: 0, smallestB: 0 });
        expect(larger.a + larger.b * 1e-3).toAgree(factor * factor * (scale.a + scale.b * 1e-3), {
          rtol: 1e-5,
          why: 'the likelihood is invariant; golden section stops at 1e-9 of a flat optimum',
        });
      }),
      { numRuns: 20 },
    );
  });
});

describe('variances', () => {
  it('adds the constant to intervals only', () => {
    const scale = { ...fitTwoFactorScale(simulate(1, 1, 0, 0)), a: 0.5, b: 20 };
    expect(predictiveVariance(scale, 4, 0.1)).toBe(4);
    expect(epistemicVariance(scale, 0.1)).toBe(2);
  });
});
