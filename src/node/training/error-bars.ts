import type { EnergyNoise } from '../../core/dataset/dataset.ts';
import { observationNoise } from '../../core/dataset/dataset.ts';
import type { LeftOut } from '../../core/dataset/left-out.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import type { LinearKernels } from '../../core/numerics/kernels.ts';
import type { ModelUncertainty } from '../../core/potentials/linear-model.ts';
import type { ObservationKind, PerKind, PosteriorState } from '../../core/regression/regression.ts';
import { OBSERVATION_KINDS } from '../../core/regression/regression.ts';
import { fitTwoFactorScale, predictiveVariance } from '../../core/uncertainty/calibration.ts';
import type { TwoFactorScale } from '../../core/uncertainty/calibration.ts';
import { conformalQuantile, structureScores } from '../../core/uncertainty/conformal.ts';
import { leverages, medianLeverage } from '../../core/uncertainty/leverage.ts';
import { fitNovelty } from '../../core/uncertainty/novelty.ts';
import { trustLimits } from '../../core/uncertainty/trust-region.ts';

/**
 * Least share a of the noise variance in an error bar. The noise of the evidence is the misfit of the whole training set,
 * which in active learning is made of extremes: a larger share makes the bars of ordinary frames too wide.
 */
const LEAST_NOISE_SHARE = 0.02;

interface Sample {
  readonly residuals: Float64Array;
  readonly noise: Float64Array;
  readonly epistemic: Float64Array;
  readonly structures: Int32Array;
}

function sampleOf(kind: ObservationKind, frames: readonly LeftOut[], sigma: number, energyNoise: EnergyNoise): Sample {
  const total = frames.reduce((sum, frame) => sum + frame[kind].leftOut.length, 0);
  const sample = {
    residuals: new Float64Array(total),
    noise: new Float64Array(total),
    epistemic: new Float64Array(total),
    structures: new Int32Array(total),
  };
  let at = 0;
  frames.forEach((frame, f) => {
    const { leftOut, variances, shares } = frame[kind];
    sample.residuals.set(leftOut, at);
    sample.epistemic.set(variances, at);
    const noise = observationNoise(kind, sigma, frame.atoms, energyNoise);
    // A label that counts less is one of more noise.
    for (let r = 0; r < leftOut.length; r++) sample.noise[at + r] = (noise * noise) / (shares?.[r] ?? 1);
    sample.structures.fill(f, at, at + leftOut.length);
    at += leftOut.length;
  });
  return sample;
}

function conformalOf(sample: Sample, scale: TwoFactorScale, miscoverage: number): number {
  const z = sample.residuals.map(
    (e, i) => e / Math.sqrt(predictiveVariance(scale, sample.noise[i]!, sample.epistemic[i]!)),
  );
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

/**
 * Error bars of a fit from its leave-one-structure-out errors and the descriptors of its atoms.
 *
 * @param descriptors [elements] rows [atoms, block]
 * @param owners      [elements] structure of each of those rows
 */
export function errorBars(
  basis: AceBasis,
  posterior: PosteriorState,
  frames: readonly LeftOut[],
  descriptors: readonly Float64Array[],
  owners: readonly Int32Array[],
  options: {
    readonly energyNoise: EnergyNoise;
    readonly miscoverage: number;
    readonly columns: number;
    readonly kernels?: LinearKernels;
  },
): ModelUncertainty {
  const { noise } = posterior.hyperparameters;
  const samples = Object.fromEntries(
    OBSERVATION_KINDS.map((kind) => [kind, sampleOf(kind, frames, noise[kind], options.energyNoise)]),
  ) as unknown as PerKind<Sample>;
  const scales = Object.fromEntries(
    OBSERVATION_KINDS.map((kind) => [kind, fitTwoFactorScale(samples[kind], { smallestA: LEAST_NOISE_SHARE })]),
  ) as unknown as PerKind<TwoFactorScale>;
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
    const wide = new Float64Array(n * options.columns);
    for (let i = 0; i < n; i++)
      wide.set(own.subarray(i * size, (i + 1) * size), i * options.columns + basis.offsets[e]!);
    const h = leverages(posterior.r, options.columns, wide, n, options.kernels);
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
  return {
    scales,
    leaveOneOut,
    conformal: {
      level: 1 - options.miscoverage,
      energy: conformalOf(samples.energy, scales.energy, options.miscoverage),
      forces: conformalOf(samples.forces, scales.forces, options.miscoverage),
    },
    leverageMedian: elements.map((element) => element.median),
    novelty: elements.map((element) => element.novelty),
    limits: trustLimits({
      forceRmse: leaveOneOut.forces,
      trainingLeverage: Math.max(...elements.map((element) => element.largest)),
    }),
  };
}
