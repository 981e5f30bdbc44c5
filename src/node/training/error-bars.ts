import type { EnergyNoise } from '../../core/dataset/dataset.ts';
import { observationNoise } from '../../core/dataset/dataset.ts';
import type { LeftOut } from '../../core/dataset/left-out.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import type { LinearKernels } from '../../core/numerics/kernels.ts';
import type { ModelUncertainty } from '../../core/potentials/linear-model.ts';
import type { ObservationKind, PerKind, PosteriorState } from '../../core/regression/regression.ts';
import { OBSERVATION_KINDS } from '../../core/regression/regression.ts';
import { fitTwoFactorScale } from '../../core/uncertainty/calibration.ts';
import type { TwoFactorScale } from '../../core/uncertainty/calibration.ts';
import { conformalQuantile, structureScores } from '../../core/uncertainty/conformal.ts';
import type { EnvelopeOptions, EnvelopeTerm, FormSample } from '../../core/uncertainty/envelope.ts';
import { envelopeVariances, fitEnvelope, scoreQuantile } from '../../core/uncertainty/envelope.ts';
import { leverages, medianLeverage } from '../../core/uncertainty/leverage.ts';
import { fitNovelty } from '../../core/uncertainty/novelty.ts';
import type { ShiftBox } from '../../core/uncertainty/pops.ts';
import { trustLimits } from '../../core/uncertainty/trust-region.ts';
import { type RootForm, VARIANCE_FORMS, type VarianceFormName } from '../../core/uncertainty/variance-forms.ts';

/**
 * Least share a of the noise variance in an error bar. The noise of the evidence is the misfit of the whole training set,
 * which in active learning is made of extremes: a larger share makes the bars of ordinary frames too wide.
 */
export const LEAST_NOISE_SHARE = 0.02;

/**
 * Energies have the posterior's shape alone: the constant fits what is well known and fails elsewhere, and few residuals
 * cannot tell three forms apart.
 */
const ENERGY_BARS: EnvelopeOptions = { forms: ['posterior'] };

/** Whether one factor makes the largest of the bars right in distribution; otherwise its width is a margin for what is outside. */
const JOINT = false;

interface Sample extends FormSample {
  readonly noise: Float64Array;
  readonly forms: Readonly<Record<VarianceFormName, Float64Array>>;
}

/** Errors of one kind of the fit without the cluster of each structure; those of the structure alone where no form judged. */
function sampleOf(kind: ObservationKind, frames: readonly LeftOut[], sigma: number, energyNoise: EnergyNoise): Sample {
  const total = frames.reduce((sum, frame) => sum + frame[kind].leftOut.length, 0);
  const sample = {
    residuals: new Float64Array(total),
    noise: new Float64Array(total),
    structures: new Int32Array(total),
    forms: {
      posterior: new Float64Array(total),
      jackknife: new Float64Array(total),
      pops: new Float64Array(total),
    },
  };
  let at = 0;
  frames.forEach((frame, f) => {
    const { leftOut, judged, shares } = frame[kind];
    if (judged !== undefined) {
      sample.residuals.set(judged.residuals, at);
      for (const form of VARIANCE_FORMS) sample.forms[form].set(judged[form], at);
    }
    const noise = observationNoise(kind, sigma, frame.atoms, energyNoise);
    // A label that counts less is one of more noise.
    for (let r = 0; r < leftOut.length; r++) sample.noise[at + r] = (noise * noise) / (shares?.[r] ?? 1);
    sample.structures.fill(f, at, at + leftOut.length);
    at += leftOut.length;
  });
  return sample;
}

/** Mean over the sample of the variance of labels over that of the fit's noise. */
function labelShareOf(kind: ObservationKind, frames: readonly LeftOut[], sample: Sample, label: number): number {
  if (label === 0 || sample.noise.length === 0) return 0;
  let sum = 0;
  let at = 0;
  for (const frame of frames) {
    const own = observationNoise(kind, label, frame.atoms, 'sqrt');
    for (let r = 0; r < frame[kind].leftOut.length; r++) sum += (own * own) / sample.noise[at++]!;
  }
  return sum / at;
}

function conformalOf(sample: Sample, terms: readonly EnvelopeTerm[], miscoverage: number): number {
  const variances = envelopeVariances(terms, sample);
  const z = sample.residuals.map((e, i) => e / Math.sqrt(variances[i]!));
  return conformalQuantile(structureScores(z, sample.structures), miscoverage);
}

/** Root mean square left-out error by shares, energies and virials per atom; NaN without labels. */
function leftOutRmse(kind: ObservationKind, frames: readonly LeftOut[]): number {
  let sum = 0;
  let count = 0;
  for (const frame of frames) {
    const { leftOut, shares } = frame[kind];
    const atoms = kind === 'forces' ? 1 : frame.atoms;
    leftOut.forEach((e, r) => {
      const share = shares?.[r] ?? 1;
      sum += share * (e / atoms) * (e / atoms);
      count += share;
    });
  }
  return Math.sqrt(sum / count);
}

/** First column of each body order within the block of an element, and its end. */
export function bodyOrderBoundaries(basis: AceBasis, element: number): number[] {
  const functions = basis.functions[element]!;
  const starts = functions.flatMap((fn, v) => (v === 0 || fn.order !== functions[v - 1]!.order ? [v] : []));
  return [...starts, functions.length];
}

/** What else error bars are made from. */
export interface ErrorBarOptions {
  /** [elements] descriptor rows [atoms, block] of a sample of training atoms, and the structure of each. */
  readonly descriptors: readonly Float64Array[];
  readonly owners: readonly Int32Array[];
  readonly forms: {
    readonly jackknife: RootForm;
    readonly pops: RootForm;
  };
  /** Box of the pointwise shifts along the axes of the POPS form. */
  readonly box: ShiftBox;
  readonly energyNoise: EnergyNoise;
  /** Known noise of the labels, eV/√atom, eV/Å, eV/√atom. */
  readonly labelNoise: Partial<PerKind<number>>;
  readonly miscoverage: number;
  readonly kernels?: LinearKernels;
}

/** Error bars of a fit from what is left out of it and the descriptors of its atoms. */
export function errorBars(
  basis: AceBasis,
  posterior: PosteriorState,
  frames: readonly LeftOut[],
  options: ErrorBarOptions,
): ModelUncertainty {
  const { descriptors, owners } = options;
  const columns = posterior.mean.length;
  const { noise } = posterior.hyperparameters;
  const samples = Object.fromEntries(
    OBSERVATION_KINDS.map((kind) => [kind, sampleOf(kind, frames, noise[kind], options.energyNoise)]),
  ) as unknown as PerKind<Sample>;
  const labelNoise = Object.fromEntries(
    OBSERVATION_KINDS.map((kind) => [kind, options.labelNoise[kind] ?? 0]),
  ) as unknown as PerKind<number>;
  const smallest = Object.fromEntries(
    OBSERVATION_KINDS.map((kind) => [
      kind,
      Math.max(LEAST_NOISE_SHARE, labelShareOf(kind, frames, samples[kind], labelNoise[kind])),
    ]),
  ) as unknown as PerKind<number>;
  const scales = Object.fromEntries(
    OBSERVATION_KINDS.map((kind) => {
      const { forms, ...sample } = samples[kind];
      return [kind, fitTwoFactorScale({ ...sample, epistemic: forms.posterior }, { smallestA: smallest[kind] })];
    }),
  ) as unknown as PerKind<TwoFactorScale>;
  const envelope = Object.fromEntries(
    OBSERVATION_KINDS.map((kind) => [
      kind,
      fitEnvelope(samples[kind], {
        ...(kind === 'energy' ? ENERGY_BARS : {}),
        // What is known of the labels needs its constant.
        ...(kind === 'energy' && labelNoise.energy === 0 ? { form: 'temperature' as const } : {}),
        smallestA: smallest[kind],
        joint: JOINT,
      }),
    ]),
  ) as unknown as PerKind<readonly EnvelopeTerm[]>;
  const leaveOneOut = {
    energy: leftOutRmse('energy', frames),
    forces: leftOutRmse('forces', frames),
    virial: leftOutRmse('virial', frames),
  };

  const elements = basis.functions.map((functions, e) => {
    const size = functions.length;
    const own = descriptors[e]!;
    const n = own.length / size;
    if (n === 0) return { median: Number.NaN, largest: 0, novelty: null };
    const wide = new Float64Array(n * columns);
    for (let i = 0; i < n; i++) wide.set(own.subarray(i * size, (i + 1) * size), i * columns + basis.offsets[e]!);
    const h = leverages(posterior.r, columns, wide, n, options.kernels);
    const median = medianLeverage(h);
    return {
      median,
      largest: h.reduce((a, b) => Math.max(a, b), 0) / median,
      novelty: fitNovelty(own, n, size, bodyOrderBoundaries(basis, e), {
        groups: owners[e]!,
        ...(options.kernels === undefined ? {} : { kernels: options.kernels }),
      }),
    };
  });
  const { jackknife, pops } = options.forms;
  return {
    scales,
    envelope,
    forms: {
      jackknife: { root: jackknife.root, rank: jackknife.rank },
      pops: { root: pops.root, rank: pops.rank, ...options.box },
    },
    labelNoise,
    forceTrigger: scoreQuantile(scales.forces, samples.forces.forms.posterior),
    leaveOneOut,
    conformal: {
      level: 1 - options.miscoverage,
      energy: conformalOf(samples.energy, envelope.energy, options.miscoverage),
      forces: conformalOf(samples.forces, envelope.forces, options.miscoverage),
    },
    leverageMedian: elements.map((element) => element.median),
    novelty: elements.map((element) => element.novelty),
    limits: trustLimits({
      forceRmse: leaveOneOut.forces,
      trainingLeverage: Math.max(...elements.map((element) => element.largest)),
    }),
  };
}
