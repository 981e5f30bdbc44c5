import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { normalQuantile } from '../numerics/special.ts';
import { RandomStream } from '../random.ts';
import {
  continuousRankedProbabilityScore,
  coverage,
  ECE_LEVELS,
  eceNoiseFloor,
  expectedCalibrationError,
  expectedNormalizedCalibrationError,
  negativeLogLikelihood,
  quantileCalibrationError,
  reliabilityCurve,
  reportCalibration,
  rootMeanSquareCalibrationError,
  sharpness,
  smallestEceTolerance,
  standardizedResiduals,
  TOOLBOX_LEVELS,
  worstResidual,
  worstResidualTolerance,
} from './calibration.ts';

interface Reference {
  readonly B: {
    readonly Bcal: Readonly<Record<string, number>> & { readonly z: readonly number[] };
    readonly Bcal_ECE_noise_floor_perfect_model: Readonly<
      Record<string, { readonly mean: number; readonly p95: number; readonly rule_0p33_over_sqrt_n: number }>
    >;
    readonly Bcal_max_z_tolerance_bonferroni_alpha005: Readonly<Record<string, number>>;
  };
  readonly F: { readonly F4_coverage_interval: readonly { k: number; n: number; clopper_pearson95: number[] }[] };
}
const reference = golden<Reference>('reference-values');
const { Bcal } = reference.B;
// The reference set: y_i = sin i + σ_i z_i, σ_i = 0.1 + 0.02 i, i = 1 … 20.
const sigmas = Bcal.z.map((_, i) => 0.1 + 0.02 * (i + 1));
const errors = Bcal.z.map((z, i) => -z * sigmas[i]!);
const z = Bcal.z;
const why = 'the reference set of twenty residuals; summation order only';

describe('reference set', () => {
  it('has the calibration errors of three definitions', () => {
    expect(expectedCalibrationError(z)).toAgree(Bcal.ECE_interval_p005_095, { atol: 1e-12, why });
    expect(quantileCalibrationError(z)).toAgree(Bcal.ECE_quantile_p005_095, { atol: 1e-12, why });
    expect(expectedCalibrationError(z, TOOLBOX_LEVELS)).toAgree(Bcal.MACE_uncertainty_toolbox_interval_100, {
      atol: 1e-12,
      why,
    });
    expect(rootMeanSquareCalibrationError(z)).toAgree(Bcal.RMSCE_uncertainty_toolbox_interval_100, {
      atol: 1e-12,
      why,
    });
    expect(expectedNormalizedCalibrationError(errors, sigmas, 4)).toAgree(Bcal.ENCE_4_equal_count_bins, {
      atol: 1e-12,
      why,
    });
  });

  it('has the scores', () => {
    expect(negativeLogLikelihood(errors, sigmas)).toAgree(Bcal.NLL, { atol: 1e-12, why });
    expect(continuousRankedProbabilityScore(errors, sigmas)).toAgree(Bcal.CRPS, { atol: 1e-12, why });
    const scale = Math.sqrt(z.reduce((sum, value) => sum + value * value, 0) / z.length);
    expect(scale).toAgree(Bcal.sigma_scale, { atol: 1e-12, why });
    const rescaled = sigmas.map((sigma) => sigma * scale);
    expect(negativeLogLikelihood(errors, rescaled)).toAgree(Bcal.NLL_after_scale, { atol: 1e-12, why });
    expect(worstResidual(z)).toBe(Bcal.max_abs_z);
  });

  it('is reported whole', () => {
    const report = reportCalibration(errors, sigmas);
    expect(report.count).toBe(20);
    expect(report.ece).toAgree(Bcal.ECE_interval_p005_095, { atol: 1e-12, why });
    expect(report.ece100).toAgree(Bcal.MACE_uncertainty_toolbox_interval_100, { atol: 1e-12, why });
    expect(report.crps).toAgree(Bcal.CRPS, { atol: 1e-12, why });
    expect(report.worst).toAgree(2.4, { rtol: 1e-12, why });
    expect(report.rmsResidual).toAgree(Bcal.sigma_scale, { rtol: 1e-12, why });
    expect(report.coverage95.observed).toBe(0.9); // 2.1 and −2.4 lie outside of ±1.96
    expect(report.ence).toAgree(expectedNormalizedCalibrationError(errors, sigmas, 10), { atol: 0, why });
    expect(report.sharpness).toAgree(sharpness(sigmas), { rtol: 1e-15, why });
  });
});

describe('noise floors and tolerances', () => {
  it('finds the ECE of a perfect model where the reference simulation did', () => {
    for (const [key, { mean, p95, rule_0p33_over_sqrt_n }] of Object.entries(
      reference.B.Bcal_ECE_noise_floor_perfect_model,
    )) {
      const n = Number(key);
      const repeats = n <= 100 ? 1500 : 200;
      const values = Float64Array.from({ length: repeats }, (_, r) => {
        const stream = new RandomStream(7, 'ece floor', n, r);
        return expectedCalibrationError(Float64Array.from({ length: n }, () => stream.normal()));
      }).sort();
      const found = values.reduce((sum, value) => sum + value, 0) / repeats;
      expect(found).toAgree(mean, { rtol: 0.1, why: 'Monte-Carlo means, 200 or more samples with spread 0.5' });
      expect(eceNoiseFloor(n)).toAgree(mean, { rtol: 0.1, why: 'the rule 0.33/√n' });
      expect(eceNoiseFloor(n)).toAgree(rule_0p33_over_sqrt_n, { rtol: 1e-12, why: 'the rule 0.33/√n' });
      expect(smallestEceTolerance(n)).toAgree(p95, { rtol: 0.1, why: 'about the 95th percentile of a perfect model' });
    }
  });

  it('lets the worst residual grow with the number of residuals', () => {
    for (const [n, tolerance] of Object.entries(reference.B.Bcal_max_z_tolerance_bonferroni_alpha005)) {
      expect(worstResidualTolerance(Number(n))).toAgree(tolerance, { rtol: 1e-12, why: 'normal quantile' });
    }
    expect(() => worstResidualTolerance(0)).toThrow('number of residuals must be at least 1, got 0');
  });
});

describe('coverage', () => {
  it('counts inside the interval and says how sure that is', () => {
    for (const { k, n, clopper_pearson95 } of reference.F.F4_coverage_interval) {
      const residuals = Float64Array.from({ length: n }, (_, i) => (i < k ? 0 : 5));
      const found = coverage(residuals);
      expect(found.inside).toBe(k);
      expect(found.observed).toBe(k / n);
      expect(found.interval).toAgree(clopper_pearson95, { rtol: 1e-10, why: 'exact binomial bounds' });
    }
  });

  it('knows nothing without residuals', () => {
    const empty = coverage([]);
    expect(empty.observed).toBeNaN();
    expect(empty.interval).toEqual([0, 1]);
    expect(expectedCalibrationError([])).toBeNaN();
    expect(worstResidual([])).toBeNaN();
    expect(sharpness([Number.NaN])).toBeNaN();
    expect(expectedNormalizedCalibrationError([1], [1], 2)).toBeNaN();
  });
});

describe('standardizedResiduals', () => {
  it('leaves out what is masked and keeps an overconfident zero as infinite', () => {
    expect([...standardizedResiduals([1, Number.NaN, 2, 0, 3], [2, 1, Number.NaN, 0, 0])]).toEqual([0.5, Infinity]);
    expect(continuousRankedProbabilityScore([3], [0])).toBe(3);
    expect(negativeLogLikelihood([3], [0])).toBe(Infinity);
    expect(worstResidual([1, Number.NaN, 2])).toBeNaN();
  });

  it('refuses negative and missing sigmas', () => {
    expect(() => standardizedResiduals([1], [-1])).toThrow('standard deviation 0 must be at least 0, got -1');
    expect(() => standardizedResiduals([1, 2], [1])).toThrow('sigmas must be as many as errors (2), got 1');
  });
});

describe('properties', () => {
  const residuals = fc.array(fc.double({ min: -6, max: 6, noNaN: true }), { minLength: 1, maxLength: 60 });

  it('bounds and symmetries of the reliability curve', () => {
    fc.assert(
      fc.property(residuals, (values) => {
        const curve = reliabilityCurve(values);
        expect(curve.map((point) => point.level)).toEqual([...ECE_LEVELS]);
        for (let i = 1; i < curve.length; i++)
          expect(curve[i]!.observed).toBeGreaterThanOrEqual(curve[i - 1]!.observed);
        const ece = expectedCalibrationError(values);
        expect(ece >= 0 && ece <= 0.5 + 1e-12).toBe(true);
        expect(expectedCalibrationError(values.map((value) => -value))).toBe(ece);
      }),
    );
  });

  it('counts as a plain loop does, infinite residuals included', () => {
    const levels = [0, 0.1, 0.5, 0.683, 0.95, 1];
    const residual = fc.oneof(
      fc.double({ min: -4, max: 4, noNaN: true }),
      fc.constantFrom(0, Number.POSITIVE_INFINITY),
    );
    fc.assert(
      fc.property(fc.array(residual, { minLength: 1, maxLength: 40 }), (values) => {
        const share = (test: (value: number) => boolean): number => values.filter(test).length / values.length;
        const naive = levels.map((p) => share((value) => Math.abs(value) <= normalQuantile((1 + p) / 2)));
        expect(reliabilityCurve(values, levels).map(({ observed }) => observed)).toEqual(naive);
        const deviations = levels.map((p, k) => Math.abs(p - naive[k]!));
        expect(expectedCalibrationError(values, levels)).toAgree(deviations.reduce((a, b) => a + b, 0) / 6, {
          atol: 1e-15,
          why: 'one mean',
        });
        const oneSided = levels.map((p) => Math.abs(p - share((value) => value <= normalQuantile(p))));
        expect(quantileCalibrationError(values, levels)).toAgree(oneSided.reduce((a, b) => a + b, 0) / 6, {
          atol: 1e-15,
          why: 'one mean',
        });
        expect(coverage(values, 0.5).inside).toBe(
          values.filter((value) => Math.abs(value) <= normalQuantile(0.75)).length,
        );
      }),
    );
  });

  it('CRPS is proper: the right sigma scores best on average', () => {
    const stream = new RandomStream(3, 'crps');
    const sample = Float64Array.from({ length: 4000 }, () => stream.normal());
    const score = (sigma: number) =>
      continuousRankedProbabilityScore(
        sample,
        sample.map(() => sigma),
      );
    expect(score(1)).toBeLessThan(score(0.8));
    expect(score(1)).toBeLessThan(score(1.25));
    expect(score(1)).toAgree(1 / Math.sqrt(Math.PI), {
      rtol: 0.03,
      why: 'E|X−X′|/2 of a standard normal, 4000 samples',
    });
  });
});
