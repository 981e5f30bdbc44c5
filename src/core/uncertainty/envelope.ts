import { InputError } from '../errors.ts';
import { normalQuantile } from '../numerics/special.ts';
import {
  fitTwoFactorScale,
  MINIMUM_STRUCTURES,
  type ResidualSample,
  type ScaleOptions,
  type TwoFactorScale,
} from './calibration.ts';
import { VARIANCE_FORMS, type VarianceFormName } from './variance-forms.ts';

/** One candidate of an interval's variance: a·noise + b·(variance of a form). */
export interface EnvelopeTerm {
  readonly form: VarianceFormName;
  readonly scale: TwoFactorScale;
}

/** Residuals of predictions made without the structure, and the variances that each form at hand gives them. */
export interface FormSample extends Omit<ResidualSample, 'epistemic'> {
  readonly forms: Partial<Readonly<Record<VarianceFormName, Float64Array>>>;
}

/** Settings of an envelope. */
export interface EnvelopeOptions extends ScaleOptions {
  /** Known variance of the labels over that of the noise that the fit found: no a is smaller. Default 0, unknown. */
  readonly labelShare?: number;
  /** Forms that take part; default all that the sample has. */
  readonly forms?: readonly VarianceFormName[];
  /**
   * Whether one factor on all terms makes the largest of them right on the sample (default): each is right by itself, the
   * largest of several too wide. Without, bars keep that width as a margin.
   */
  readonly joint?: boolean;
}

/**
 * Terms of an envelope, each form calibrated for itself on the residuals of predictions made without the structure, and all
 * of them together. Below ten structures only the jackknife is taken, with two factors, where the sample has one that is
 * not zero, and is called uncalibrated.
 *
 * @throws InputError as `fitTwoFactorScale`; `ENVELOPE_FORMS` when no form is left
 */
export function fitEnvelope(sample: FormSample, options: EnvelopeOptions = {}): readonly EnvelopeTerm[] {
  const { labelShare = 0, forms = VARIANCE_FORMS, joint = true, ...rest } = options;
  const present = forms.filter((form) => sample.forms[form] !== undefined);
  const term = (form: VarianceFormName, factors = rest.form): EnvelopeTerm => ({
    form,
    scale: fitTwoFactorScale(
      { ...sample, epistemic: sample.forms[form]! },
      {
        ...rest,
        ...(factors === undefined ? {} : { form: factors }),
        ...(labelShare > 0 ? { smallestA: Math.max(labelShare, rest.smallestA ?? 0) } : {}),
      },
    ),
  });
  if (present.length === 0)
    throw new InputError('ENVELOPE_FORMS', `forms must be among those of the sample, got ${forms.join(', ')}`);
  const few = new Set(sample.structures).size < MINIMUM_STRUCTURES;
  if (few && sample.forms.jackknife?.some((v) => v > 0)) return [term('jackknife', 'two-factor')];
  const terms = present.map((form) => term(form));
  return joint && terms.length > 1 ? jointlyScaled(terms, sample, labelShare) : terms;
}

/** The terms times the factor of largest likelihood of their largest; no a falls below `smallest`. */
function jointlyScaled(terms: readonly EnvelopeTerm[], sample: FormSample, smallest: number): readonly EnvelopeTerm[] {
  const { forms: _, ...residuals } = sample;
  const epistemic = envelopeVariances(terms, sample);
  const { b: factor, calibrated } = fitTwoFactorScale(
    { ...residuals, noise: null, epistemic },
    { form: 'temperature', smallestB: 0 },
  );
  if (!calibrated) return terms;
  return terms.map(({ form, scale }) => ({
    form,
    scale: { ...scale, a: Math.max(smallest, factor * scale.a), b: factor * scale.b },
  }));
}

/** Variance of an interval in the parts that are known apart. */
export interface VarianceParts {
  /** Everything: the largest a·noise + b·v over the terms. */
  readonly total: number;
  /** Of the labels; 0 when not known. */
  readonly label: number;
  /** What the form of the model leaves whatever the labels: a·noise less that of the labels, never negative. */
  readonly modelForm: number;
  /** What more labels would remove: b·v. */
  readonly epistemic: number;
  /** The form that gave the largest. */
  readonly form: VarianceFormName;
}

/**
 * The largest of the calibrated variances. Each form fails somewhere: the posterior where misfit grows, the jackknife where
 * few clusters say anything, POPS where rows are of a kind not seen; none of them where it is the largest.
 *
 * @param noise    variance of the noise that the fit found
 * @param variance of a form; NaN when the form is not at hand, and the term then does not count
 * @param label    known variance of the labels
 * @returns        the parts; all NaN when no term counts
 */
export function envelopeParts(
  terms: readonly EnvelopeTerm[],
  noise: number,
  variance: (form: VarianceFormName) => number,
  label = 0,
): VarianceParts {
  let best: VarianceParts | null = null;
  for (const { form, scale } of terms) {
    const epistemic = scale.b * variance(form);
    const constant = scale.a * noise;
    const total = constant + epistemic;
    if (Number.isNaN(total) || (best !== null && total <= best.total)) continue;
    // Labels that are noisier than the whole constant leave none of it to the form of the model.
    const known = Math.min(label, constant);
    best = { total, label: known, modelForm: constant - known, epistemic, form };
  }
  return (
    best ?? {
      total: Number.NaN,
      label: Number.NaN,
      modelForm: Number.NaN,
      epistemic: Number.NaN,
      form: terms[0]?.form ?? 'posterior',
    }
  );
}

/** The largest of the calibrated variances alone; see `envelopeParts`. */
export function envelopeVariance(
  terms: readonly EnvelopeTerm[],
  noise: number,
  variance: (form: VarianceFormName) => number,
): number {
  return envelopeParts(terms, noise, variance).total;
}

/** [n] variances of a whole sample by an envelope. */
export function envelopeVariances(terms: readonly EnvelopeTerm[], sample: FormSample): Float64Array {
  return Float64Array.from(sample.residuals, (_, i) =>
    envelopeVariance(
      terms,
      sample.noise === null ? 1 : sample.noise[i]!,
      (form) => sample.forms[form]?.[i] ?? Number.NaN,
    ),
  );
}

/**
 * Multiplier of an interval out of distribution: the conformal one, but never less than that of normal residuals. Heavy
 * tails of the residuals make conformal quantiles small, which is right where they come from and nowhere else.
 *
 * @param conformal as of `conformalQuantile`
 * @param level     coverage of the interval, between 0 and 1
 */
export function safeMultiplier(conformal: number, level: number): number {
  return Math.max(conformal, normalQuantile(0.5 * (1 + level)));
}

/** Value that a share `level` of the calibrated epistemic scores √(b v) of left-out predictions does not exceed. */
export function scoreQuantile(scale: TwoFactorScale, epistemic: ArrayLike<number>, level = 0.99): number {
  const scores = Float64Array.from(epistemic, (v) => Math.sqrt(scale.b * v))
    .filter((score) => !Number.isNaN(score))
    .sort();
  return scores.length === 0 ? Number.NaN : scores[Math.min(scores.length - 1, Math.floor(level * scores.length))]!;
}
