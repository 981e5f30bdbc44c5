import { RESIDUAL_LIMIT, fitTwoFactorScale } from '../../src/core/uncertainty/calibration.ts';
import { NEIGHBORING_CLASSES } from '../../src/core/dataset/environment-classes.ts';
import { committeeScale } from '../../src/core/uncertainty/committee.ts';
import {
  envelopeVariances,
  fitEnvelope,
  type FormSample,
  safeMultiplier,
} from '../../src/core/uncertainty/envelope.ts';
import { fitMondrianScales } from '../../src/core/uncertainty/mondrian.ts';
import { VARIANCE_FORMS } from '../../src/core/uncertainty/variance-forms.ts';
import type { KindSample, Source } from './samples.ts';

/** Variances of a sample by an estimator that was calibrated on another, in units of the noise of the fit. */
export interface Estimator {
  readonly name: string;
  /** How it is made, for the table. */
  readonly formula: string;
  variances(calibration: KindSample, sample: KindSample, quantity: 'energy' | 'forces'): Float64Array;
}

/** Least share of the noise variance, as fits have it. */
const LEAST_NOISE_SHARE = 0.02;

const residualSample = (sample: KindSample, source: Source) => ({
  residuals: Float64Array.from(sample.residuals),
  noise: null,
  epistemic: Float64Array.from(sample.sources[source]),
  structures: Int32Array.from(sample.structures),
});

const formSample = (sample: KindSample): FormSample => ({
  residuals: Float64Array.from(sample.residuals),
  noise: null,
  structures: Int32Array.from(sample.structures),
  forms: Object.fromEntries(
    VARIANCE_FORMS.map((form) => [form, Float64Array.from(sample.sources[form])]),
  ) as FormSample['forms'],
});

/** Noise of the fit beside a source, both scaled. */
function twoFactor(source: Source, name: string, formula: string): Estimator {
  return {
    name,
    formula,
    variances(calibration, sample) {
      const { a, b } = fitTwoFactorScale(residualSample(calibration, source), { smallestA: LEAST_NOISE_SHARE });
      return Float64Array.from(sample.sources[source], (v) => a + b * v);
    },
  };
}

/** Mean square of residuals, none of which counts for more than a limited number of standard deviations. */
function robustMeanSquare(residuals: readonly number[]): number {
  let scale = residuals.reduce((sum, e) => sum + e * e, 0) / residuals.length;
  for (let step = 0; step < 50; step++) {
    const limit = RESIDUAL_LIMIT * RESIDUAL_LIMIT * scale;
    scale = residuals.reduce((sum, e) => sum + Math.min(e * e, limit), 0) / residuals.length;
  }
  return scale;
}

/** The quantile of |z| that a share of residuals does not exceed. */
function quantileOf(residuals: readonly number[], variances: Float64Array, share: number): number {
  const z = Float64Array.from(residuals, (e, i) => Math.abs(e) / Math.sqrt(variances[i]!)).sort();
  return z[Math.min(z.length - 1, Math.ceil(share * z.length) - 1)]!;
}

/** An estimator whose 90 % intervals are scaled to hold a share of the residuals it was calibrated on. */
function scaledTo(share: number, name: string, of: Estimator): Estimator {
  return {
    name,
    formula: `${of.name}, scaled so that 90 % intervals hold ${share} of left-out residuals`,
    variances(calibration, sample, quantity) {
      const own = of.variances(calibration, calibration, quantity);
      const factor = quantileOf(calibration.residuals, own, share) / safeMultiplier(0, 0.9);
      return of.variances(calibration, sample, quantity).map((v) => factor * factor * v);
    },
  };
}

const envelope: Estimator = {
  name: 'envelope',
  formula: 'largest of the two-factor posterior, jackknife and POPS',
  variances(calibration, sample) {
    const terms = fitEnvelope(formSample(calibration), { smallestA: LEAST_NOISE_SHARE, joint: false });
    return envelopeVariances(terms, formSample(sample));
  },
};

/** The largest of some estimators. */
function largestOf(name: string, formula: string, members: readonly Estimator[]): Estimator {
  return {
    name,
    formula,
    variances(calibration, sample, quantity) {
      const all = members.map((member) => member.variances(calibration, sample, quantity));
      return all[0]!.map((first, i) =>
        all.reduce((most, own) => (Number.isNaN(own[i]!) ? most : Math.max(most, own[i]!)), first),
      );
    },
  };
}

const bootstrap = twoFactor('bootstrap', 'bootstrap committee', 'a σ² + c s², ten members');
const novelty = twoFactor('novelty', 'novelty', 'a σ² + c (novelty distance)²');
const jackknife = twoFactor('jackknife', 'two-factor jackknife', 'a σ² + c v_jk');

const withNovelty = largestOf('envelope with novelty', 'the larger of envelope and novelty', [envelope, novelty]);

/** The envelope, its bars scaled class by class of environments. */
const mondrian: Estimator = {
  name: 'envelope by class',
  formula: 'envelope times the 90 % quantile of its class of distortion and coordination',
  variances(calibration, sample, quantity) {
    const own = envelope.variances(calibration, calibration, quantity);
    const { factors } = fitMondrianScales(
      {
        residuals: calibration.residuals.map((e, i) => e / Math.sqrt(own[i]!)),
        structures: calibration.structures,
        groups: calibration.classes,
      },
      NEIGHBORING_CLASSES,
    );
    return envelope.variances(calibration, sample, quantity).map((v, i) => {
      const factor = factors[sample.classes[i]!]!;
      return Number.isFinite(factor) ? factor * factor * v : v;
    });
  },
};

/** All estimators in the order of the table. */
export const ESTIMATORS: readonly Estimator[] = [
  {
    name: 'constant',
    formula: 'mean square of left-out residuals',
    variances: (calibration, sample) =>
      new Float64Array(sample.residuals.length).fill(
        calibration.residuals.reduce((sum, e) => sum + e * e, 0) / calibration.residuals.length,
      ),
  },
  {
    name: 'constant, robust',
    formula: 'the same with residuals beyond four standard deviations cut',
    variances: (calibration, sample) =>
      new Float64Array(sample.residuals.length).fill(robustMeanSquare(calibration.residuals)),
  },
  {
    name: 'evidence',
    formula: 'σ² + v of the evidence',
    variances: (_, sample) => Float64Array.from(sample.sources.posterior, (v) => 1 + v),
  },
  {
    name: 'tempered posterior',
    formula: 'b v',
    variances(calibration, sample) {
      const { b } = fitTwoFactorScale(residualSample(calibration, 'posterior'), { form: 'temperature' });
      return Float64Array.from(sample.sources.posterior, (v) => b * v);
    },
  },
  twoFactor('posterior', 'two-factor posterior', 'a σ² + b v'),
  jackknife,
  twoFactor('pops', 'two-factor POPS', 'a σ² + c v_POPS'),
  envelope,
  {
    name: 'envelope, joint',
    formula: 'envelope times the factor that makes it right in distribution',
    variances(calibration, sample) {
      const terms = fitEnvelope(formSample(calibration), { smallestA: LEAST_NOISE_SHARE });
      return envelopeVariances(terms, formSample(sample));
    },
  },
  {
    name: 'envelope, conformal',
    formula: 'envelope times the larger of its 90 % quantile and the normal one',
    variances(calibration, sample, quantity) {
      const own = envelope.variances(calibration, calibration, quantity);
      const normal = safeMultiplier(0, 0.9);
      const factor = safeMultiplier(quantileOf(calibration.residuals, own, 0.9), 0.9) / normal;
      return envelope.variances(calibration, sample, quantity).map((v) => factor * factor * v);
    },
  },
  {
    name: 'mean of three',
    formula: 'mean of the three two-factor variances',
    variances(calibration, sample) {
      const terms = fitEnvelope(formSample(calibration), { smallestA: LEAST_NOISE_SHARE, joint: false });
      return Float64Array.from(
        sample.residuals,
        (_, i) =>
          terms.reduce((sum, { form, scale }) => sum + scale.a + scale.b * sample.sources[form][i]!, 0) / terms.length,
      );
    },
  },
  bootstrap,
  {
    name: 'rescaled committee',
    formula: 'α² s², ten members',
    variances(calibration, sample) {
      const used = [...calibration.residuals.keys()].filter((i) => calibration.sources.bootstrap[i]! > 0);
      const scale = committeeScale(
        used.map((i) => calibration.residuals[i]!),
        used.map((i) => calibration.sources.bootstrap[i]!),
        10,
      );
      return Float64Array.from(sample.sources.bootstrap, (v) => Math.max(scale * v, 1e-12));
    },
  },
  novelty,
  mondrian,
  withNovelty,
  scaledTo(0.9, 'envelope with novelty at 0.90', withNovelty),
  scaledTo(0.92, 'envelope with novelty at 0.92', withNovelty),
  scaledTo(0.92, 'envelope at 0.92', envelope),
  largestOf('jackknife with novelty', 'the larger of two-factor jackknife and novelty', [jackknife, novelty]),
  largestOf('envelope with committee', 'the larger of envelope and bootstrap committee', [envelope, bootstrap]),
];
