import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { misfitClusters, misfitLabel, ridge, whitenedClusters } from '../../../test/support/clusters.ts';
import { dot } from '../numerics/dense.ts';
import { RandomStream } from '../random.ts';
import { posteriorVariances } from '../regression/posterior.ts';
import {
  type EnvelopeTerm,
  envelopeParts,
  envelopeVariance,
  envelopeVariances,
  type FormSample,
  fitEnvelope,
  safeMultiplier,
  scoreQuantile,
} from './envelope.ts';
import { deleteCluster, estimatorsOf, formsOf, leftOutFormVariances } from './estimators.ts';
import { formVariances, VARIANCE_FORMS, type VarianceFormName } from './variance-forms.ts';

const scale = (a: number, b: number) => ({
  a,
  b,
  structures: 20,
  observations: 100,
  gain: 0,
  calibrated: true,
  reason: '',
});
const terms: EnvelopeTerm[] = [
  { form: 'posterior', scale: scale(0.1, 50) },
  { form: 'jackknife', scale: scale(0.2, 2) },
  { form: 'pops', scale: scale(0.05, 1) },
];

/** Left-out sample of a made-up set: what a fit makes its envelope from. */
function sampleOf(structures: number, d: number, rowsEach = 6) {
  const data = misfitClusters(structures, rowsEach, d);
  const posterior = ridge(data, d, 0.2);
  const clusters = whitenedClusters(data, posterior);
  const estimators = estimatorsOf(posterior, clusters);
  const left = clusters.map((cluster) =>
    leftOutFormVariances(estimators.moments, deleteCluster(posterior, cluster, estimators.threshold)),
  );
  const join = (pick: (one: (typeof left)[number]) => Float64Array) =>
    Float64Array.from(left.flatMap((one) => [...pick(one)]));
  const sample: FormSample = {
    residuals: join((one) => one.residuals),
    noise: null,
    structures: Int32Array.from({ length: structures * rowsEach }, (_, i) => Math.floor(i / rowsEach)),
    forms: Object.fromEntries(VARIANCE_FORMS.map((form) => [form, join((one) => one[form])])),
  };
  return { sample, posterior, estimators, data };
}

describe('envelopeParts', () => {
  it('is the largest of the calibrated variances, in parts', () => {
    const of = (form: VarianceFormName) => ({ posterior: 0.01, jackknife: 0.4, pops: 0.3 })[form];
    expect(envelopeParts(terms, 1, of, 0.05)).toEqual({
      total: 1,
      label: 0.05,
      modelForm: expect.closeTo(0.15, 12),
      epistemic: 0.8,
      form: 'jackknife',
    });
    expect(envelopeVariance(terms, 1, of)).toBe(1);
    expect(envelopeParts(terms, 1, (form) => (form === 'posterior' ? 0.01 : Number.NaN)).form).toBe('posterior');
    expect(envelopeVariance(terms, 1, () => Number.NaN)).toBeNaN();
    expect(envelopeVariance([], 1, () => 1)).toBeNaN();
  });

  it('adds up to the total, part by part at least 0, and grows with every variance', () => {
    const positive = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(positive, positive, positive, positive, positive, (noise, label, p, j, q) => {
        const values = { posterior: p, jackknife: j, pops: q };
        const parts = envelopeParts(terms, noise, (form) => values[form], label);
        expect(parts.label + parts.modelForm + parts.epistemic).toAgree(parts.total, { rtol: 1e-12, why: 'a sum' });
        expect(Math.min(parts.label, parts.modelForm, parts.epistemic)).toBeGreaterThanOrEqual(0);
        for (const {
          form,
          scale: { a, b },
        } of terms)
          expect(parts.total).toBeGreaterThanOrEqual(a * noise + b * values[form] - 1e-12 * parts.total);
        expect(envelopeVariance(terms, noise, (form) => 2 * values[form])).toBeGreaterThanOrEqual(parts.total);
      }),
    );
  });
});

describe('fitEnvelope', () => {
  it('calibrates each form for itself: left-out residuals have the spread that each claims', () => {
    const { sample } = sampleOf(60, 8);
    const fitted = fitEnvelope(sample, { joint: false });
    expect(fitted.map(({ form }) => form)).toEqual(VARIANCE_FORMS);
    for (const term of fitted) {
      const variances = envelopeVariances([term], sample);
      const z = sample.residuals.map((e, i) => (e * e) / variances[i]!);
      expect(Math.sqrt(z.reduce((sum, value) => sum + value, 0) / z.length), term.form).toAgree(1, {
        atol: 0.1,
        why: 'stationary scale, but for the limited tails',
      });
    }
    const envelope = envelopeVariances(fitted, sample);
    for (const term of fitted)
      envelopeVariances([term], sample).forEach((value, i) => {
        expect(value).toBeLessThanOrEqual(envelope[i]!);
      });
    // One factor on all of them makes the largest right, too.
    const joint = fitEnvelope(sample);
    const factors = joint.map(({ scale: { b } }, k) => b / fitted[k]!.scale.b);
    expect(factors).toAgree(new Array(3).fill(factors[0]!), { rtol: 1e-12, why: 'one factor' });
    expect(factors[0]!).toBeGreaterThan(0.5);
    expect(factors[0]!).toBeLessThan(1);
    const variances = envelopeVariances(joint, sample);
    const z = sample.residuals.map((e, i) => (e * e) / variances[i]!);
    expect(Math.sqrt(z.reduce((sum, value) => sum + value, 0) / z.length)).toAgree(1, {
      atol: 0.1,
      why: 'stationary scale, but for the limited tails',
    });
  });

  it('covers new structures, in distribution and wider ones', () => {
    const d = 8;
    const { sample, posterior, estimators } = sampleOf(60, d);
    const fitted = fitEnvelope(sample);
    const forms = formsOf(estimators);
    /** Share of labels inside the 90 % interval, of new structures with rows stretched beyond those of training. */
    const cover = (stretch: number) => {
      let inside = 0;
      for (const { rows, count } of misfitClusters(80, 6, d, 6)) {
        const wide = rows.map((value) => stretch * value);
        const variances = VARIANCE_FORMS.map((form) => formVariances(forms[form], d, wide, count));
        for (let i = 0; i < count; i++) {
          const row = wide.subarray(i * d, (i + 1) * d);
          const total = envelopeVariance(fitted, 1, (form) => variances[VARIANCE_FORMS.indexOf(form)]![i]!);
          const error = misfitLabel(row) - dot(row, posterior.mean);
          if (Math.abs(error) <= 1.645 * Math.sqrt(total)) inside++;
        }
      }
      return inside / 480;
    };
    expect(cover(1)).toAgree(0.9, { atol: 0.05, why: '480 labels of 80 structures' });
    expect(cover(2)).toBeGreaterThan(0.8);
  });

  it('is the jackknife alone below ten structures, and says so', () => {
    const { sample } = sampleOf(6, 4);
    const fitted = fitEnvelope(sample);
    expect(fitted.map(({ form }) => form)).toEqual(['jackknife']);
    expect(fitted[0]!.scale).toMatchObject({ calibrated: false, reason: '6 structures are fewer than 10' });
    // Where nothing was left to jackknife, whatever there is.
    const none = { ...sample, forms: { ...sample.forms, jackknife: sample.residuals.map(() => 0) } };
    expect(fitEnvelope(none).map(({ form }) => form)).toEqual(VARIANCE_FORMS);
  });

  it('keeps the constant above the noise of the labels, and takes the forms it is told', () => {
    const { sample } = sampleOf(40, 5);
    for (const { scale: found } of fitEnvelope(sample, { labelShare: 0.9, smallestA: 0.02 }))
      expect(found.a).toBeGreaterThanOrEqual(0.9);
    expect(fitEnvelope(sample, { forms: ['pops'] }).map(({ form }) => form)).toEqual(['pops']);
    expect(() => fitEnvelope(sample, { forms: [] })).toThrow(/forms must be among those of the sample/);
    const { forms, ...rest } = sample;
    const temperature = fitEnvelope({ ...rest, forms: { posterior: forms.posterior! } }, { form: 'temperature' });
    expect(temperature[0]!.scale.a).toBe(0);
  });
});

describe('multipliers and scores', () => {
  it('never shrink an interval below that of normal residuals', () => {
    expect(safeMultiplier(1.2, 0.9)).toAgree(1.6448536269514722, { rtol: 1e-12, why: 'normal quantile' });
    expect(safeMultiplier(2.4, 0.9)).toBe(2.4);
    expect(safeMultiplier(Number.POSITIVE_INFINITY, 0.9)).toBe(Number.POSITIVE_INFINITY);
  });

  it('have the quantile of the left-out scores', () => {
    const v = Float64Array.from({ length: 1000 }, (_, i) => ((i + 1) / 1000) * ((i + 1) / 1000));
    expect(scoreQuantile(scale(1, 4), v)).toAgree(1.982, { rtol: 1e-12, why: 'twice the 991st of a thousand' });
    expect(scoreQuantile(scale(1, 4), [])).toBeNaN();
  });
});

it('posterior scores rank rows as posterior variances do', () => {
  const stream = new RandomStream(1, 'ranking');
  const { posterior } = sampleOf(12, 4);
  const rows = Float64Array.from({ length: 4 * 10 }, () => stream.normal());
  const v = posteriorVariances(posterior, rows, 10);
  expect(scoreQuantile(scale(1, 9), v, 1)).toAgree(3 * Math.sqrt(Math.max(...v)), { rtol: 1e-12, why: 'the largest' });
});
