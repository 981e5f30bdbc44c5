import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { cholesky } from '../numerics/cholesky.ts';
import { gram, matVec, squaredRowNorms, transposedMatVec } from '../numerics/dense.ts';
import { solveUpper, solveUpperTransposed, whitenRows } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { posteriorVariances } from '../regression/posterior.ts';
import { leaveOneOut } from '../regression/press.ts';
import type { PosteriorState } from '../regression/regression.ts';
import { fitTwoFactorScale, predictiveVariance } from './calibration.ts';
import { conformalQuantile } from './conformal.ts';
import { quadraticForms, shiftMoments } from './moments.ts';
import { pointwiseShifts, popsCovariance } from './pops.ts';

/** Legendre polynomials P_0 … P_{d−1} at x. */
function legendre(x: number, d: number): number[] {
  const values = [1, x];
  for (let n = 1; n + 1 < d; n++) values.push(((2 * n + 1) * x * values[n]! - n * values[n - 1]!) / (n + 1));
  return values.slice(0, d);
}

/** Posterior of a line through whitened rows with prior precision α on every weight. */
function posteriorOf(rows: Float64Array, y: Float64Array, d: number, alpha: number, beta: number): PosteriorState {
  const precision = gram(rows, y.length, d).map((value, k) => beta * value + (k % (d + 1) === 0 ? alpha : 0));
  const r = cholesky(precision, d);
  const moment = transposedMatVec(rows, y, y.length, d).map((value) => beta * value);
  const mean = solveUpper(r, d, solveUpperTransposed(r, d, moment));
  const sigma = 1 / Math.sqrt(beta);
  return { mean, r, hyperparameters: { alpha, noise: { energy: sigma, forces: sigma, virial: sigma } } };
}

const share = (values: ArrayLike<number>, limit: number) =>
  Array.from(values).filter((value) => Math.abs(value) <= limit).length / values.length;

describe('a model of the wrong form', () => {
  it('has the epistemic variances of the reference: far too small', () => {
    const { rows: cases } = golden<{ B: { B7_misspecification: { rows: Record<string, number>[] } } }>(
      'reference-values',
    ).B.B7_misspecification;
    for (const reference of cases) {
      const n = reference.N!;
      const x = Float64Array.from({ length: n }, (_, i) => -1 + (2 * i) / (n - 1));
      const rows = Float64Array.from([...x].flatMap((value) => legendre(value, 5)));
      const y = x.map((value) => Math.sin(6 * value) + 0.3 * value);
      const state = posteriorOf(rows, y, 5, reference.alpha!, reference.beta!);
      const errors = matVec(rows, state.mean, n, 5).map((value, i) => y[i]! - value);
      const sigma = posteriorVariances(state, rows, n).map(Math.sqrt);
      const rmse = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / n);
      const why = 'the hyperparameters of the reference are given to 1e-8';
      expect(rmse).toAgree(reference.rmse, { rtol: 1e-6, why });
      const mean = sigma.reduce((sum, s) => sum + s, 0) / n;
      expect(rmse / mean).toAgree(reference.ratio_rmse_over_epistemic, { rtol: 1e-5, why });
      expect(
        share(
          errors.map((e, i) => e / sigma[i]!),
          2,
        ),
      ).toAgree(reference.coverage_2sigma_epistemic, { atol: 1e-12, why });
      // Leave-one-out residuals and two factors put that right: b says how far off the epistemic variance is.
      const noise = 1 / Math.sqrt(reference.beta!);
      const loo = Array.from({ length: n }, (_, i) =>
        leaveOneOut(
          state,
          rows.slice(5 * i, 5 * i + 5).map((v) => v / noise),
          Float64Array.of(errors[i]! / noise),
          1,
        ),
      );
      const residuals = Float64Array.from(loo, ({ residuals: [e] }) => e!);
      const epistemic = Float64Array.from(loo, ({ variances: [v] }) => v!);
      const scale = fitTwoFactorScale({
        residuals,
        noise: null,
        epistemic,
        structures: Int32Array.from({ length: n }, (_, i) => i),
      });
      const z = residuals.map((e, i) => e / Math.sqrt(predictiveVariance(scale, 1, epistemic[i]!)));
      expect(scale.calibrated).toBe(true);
      expect(Math.sqrt(z.reduce((sum, value) => sum + value * value, 0) / n)).toAgree(1, {
        rtol: 0.02,
        why: 'stationary scale',
      });
      expect(share(z, 1.96)).toBeGreaterThan(0.9);
    }
  });

  it('has the pointwise fits of the reference: their envelope holds every label, their spread is no error bar', () => {
    const { rows: cases } = golden<{ B: { B7_misspecification: { rows: Record<string, number>[] } } }>(
      'reference-values',
    ).B.B7_misspecification;
    for (const reference of cases) {
      const n = reference.N!;
      const x = Float64Array.from({ length: n }, (_, i) => -1 + (2 * i) / (n - 1));
      const rows = Float64Array.from([...x].flatMap((value) => legendre(value, 5)));
      const y = x.map((value) => Math.sin(6 * value) + 0.3 * value);
      const state = posteriorOf(rows, y, 5, reference.alpha!, reference.beta!);
      const residuals = matVec(rows, state.mean, n, 5).map((value, i) => y[i]! - value);
      // The reference takes all rows; shifts do not depend on the unit of the noise.
      const u = whitenRows(state.r, 5, rows, n);
      const leverages = squaredRowNorms(u, n, 5);
      const { shifts, count } = pointwiseShifts(u, residuals, leverages, 5, 0);
      expect(count).toBe(n);
      const variances = quadraticForms(u, popsCovariance(shiftMoments(shifts, count, 5)), n, 5);
      const why = 'the hyperparameters of the reference are given to 1e-8';
      expect(Math.sqrt(variances.reduce((sum, v) => sum + v, 0) / n)).toAgree(reference.rms_pops_pointwise_std, {
        rtol: 1e-5,
        why,
      });
      expect(
        share(
          residuals.map((e, i) => e / Math.sqrt(variances[i]!)),
          2,
        ),
      ).toAgree(reference.coverage_2sigma_pops, { atol: 1e-12, why });
      const held = residuals.filter((e, i) => {
        const fits = matVec(shifts, u.subarray(5 * i, 5 * i + 5), n, 5);
        return e >= Math.min(...fits) - 1e-9 && e <= Math.max(...fits) + 1e-9;
      });
      expect(held.length / n).toBe(reference.pops_envelope_coverage_train);
    }
  });

  it('covers new cases once calibrated on its own leave-one-out residuals', () => {
    // A rough function, more and more so to the right, seen mostly on the left, through a polynomial of degree 6.
    const target = (x: number) => Math.sin(3 * x) + 0.4 * Math.exp(2 * x) * Math.sin(17 * x + 2 * x * x);
    const d = 7;
    for (const n of [60, 300]) {
      const stream = new RandomStream(21, 'rough', n);
      const draw = (count: number) =>
        Float64Array.from({ length: count }, () => 2 * stream.uniform() * stream.uniform() - 1);
      const design = (x: Float64Array) => Float64Array.from([...x].flatMap((value) => legendre(value, d)));
      const x = draw(n);
      const rows = design(x);
      const y = x.map(target);
      const noise = 0.1;
      const state = posteriorOf(rows, y, d, 1e-3, 1 / (noise * noise));
      const errors = matVec(rows, state.mean, n, d).map((value, i) => y[i]! - value);
      const loo = Array.from({ length: n }, (_, i) =>
        leaveOneOut(
          state,
          rows.slice(d * i, d * i + d).map((v) => v / noise),
          Float64Array.of(errors[i]! / noise),
          1,
        ),
      );
      const residuals = Float64Array.from(loo, ({ residuals: [e] }) => e!);
      const epistemic = Float64Array.from(loo, ({ variances: [v] }) => v!);
      const structures = Int32Array.from({ length: n }, (_, i) => i);
      const scale = fitTwoFactorScale({ residuals, noise: null, epistemic, structures });

      const test = draw(2000);
      const testRows = design(test);
      const testErrors = matVec(testRows, state.mean, 2000, d).map((value, i) => (target(test[i]!) - value) / noise);
      const testVariances = posteriorVariances(state, testRows, 2000).map((v) => v / (noise * noise));
      const raw = share(
        testErrors.map((e, i) => e / Math.sqrt(testVariances[i]!)),
        1.645,
      );
      const z = testErrors.map((e, i) => e / Math.sqrt(predictiveVariance(scale, 1, testVariances[i]!)));
      expect(raw, `${n} points, epistemic alone`).toBeLessThan(n === 60 ? 0.7 : 0.45);
      expect(share(z, 1.645), `${n} points, calibrated`).toAgree(0.9, {
        atol: 0.06,
        why: 'the shape of the residuals is not normal',
      });
      // The conformal factor of the same residuals needs no shape.
      const scores = residuals.map((e, i) => Math.abs(e) / Math.sqrt(predictiveVariance(scale, 1, epistemic[i]!)));
      expect(share(z, conformalQuantile(scores, 0.1))).toAgree(0.9, {
        atol: n === 60 ? 0.08 : 0.04,
        why: 'spread √(0.09/n)',
      });
      expect(scale.b).toBeGreaterThan(n === 60 ? 2 : 8);
    }
  });
});
