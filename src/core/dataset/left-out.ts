import type { StructureRows } from '../descriptors/descriptors.ts';
import { InputError } from '../errors.ts';
import { dot } from '../numerics/dense.ts';
import type { LinearKernels, Whitener } from '../numerics/kernels.ts';
import { leaveOneOut, whiten } from '../regression/press.ts';
import type { ObservationKind, PerKind, PosteriorState } from '../regression/regression.ts';
import { OBSERVATION_KINDS } from '../regression/regression.ts';
import { atomCount } from '../structure/structure.ts';
import { columnCount } from './dataset.ts';
import type { ObservationSettings } from './observations.ts';
import { labelledBlocks, offsetGroupOf, structureBlocks } from './observations.ts';
import type { FrameShares, ObservedFrame } from './robust-weights.ts';
import { shareOf } from './robust-weights.ts';

/** Errors of one kind for one structure; model minus reference, in unscaled units. */
export interface KindErrors {
  /** [m] with the structure in the fit. */
  readonly fitted: Float64Array;
  /** [m] of the fit to everything else. */
  readonly leftOut: Float64Array;
  /** [m] epistemic variance of the fit to everything else. */
  readonly variances: Float64Array;
  /** [m] component of each entry (force component 3i+c, Voigt index, 0). */
  readonly components: Int32Array;
  /** [m] what a robust loss leaves of the weight of each; absent where all count in full. */
  readonly shares?: Float64Array;
  /** What the forms of the epistemic variance say; absent where they were not asked. */
  readonly judged?: JudgedErrors;
}

/** Errors of the fit without the cluster that a structure belongs to (often the structure alone), and their variances. */
export interface JudgedErrors {
  /** [m] model minus reference, in unscaled units. */
  readonly residuals: Float64Array;
  /** [m] variances by form, of forces averaged over the components of an atom. */
  readonly posterior: Float64Array;
  readonly jackknife: Float64Array;
  readonly pops: Float64Array;
}

/** What the fit says of one training structure with it and without it. Energies and virials are of the whole cell. */
export interface LeftOut extends PerKind<KindErrors> {
  readonly atoms: number;
}

/** The observations of a frame as the posterior sees them: over their noise, stacked by kind. */
export interface WhitenedFrame {
  readonly atoms: number;
  /** [count, d] row-major. */
  readonly rows: Float64Array;
  /** [count] label − prediction. */
  readonly residuals: Float64Array;
  readonly count: number;
  /** [count] what a whitened error is in eV, eV/Å, eV. */
  readonly units: Float64Array;
  readonly parts: readonly WhitenedPart[];
  readonly shares?: FrameShares;
}

/** Observations of one kind among those of a frame. */
export interface WhitenedPart {
  readonly kind: ObservationKind;
  readonly first: number;
  readonly count: number;
  /** [count] */
  readonly components: Int32Array;
}

/** Rows and residuals of the labels of a frame over their noise. */
export function whitenedFrame(
  frame: ObservedFrame,
  rows: StructureRows,
  settings: ObservationSettings,
  weights: PerKind<number>,
  posterior: PosteriorState,
): WhitenedFrame {
  const { layout } = settings;
  const d = columnCount(layout);
  const blocks = structureBlocks(frame.structure, rows, layout, {
    energyNoise: settings.energyNoise,
    mask: settings.mask,
    offsetGroup: offsetGroupOf(frame, settings.offsetKey),
  });
  const observed = labelledBlocks(frame, rows, blocks, layout, settings.reference);
  const noise = posterior.hyperparameters.noise;
  const used = OBSERVATION_KINDS.filter(
    (kind) => observed[kind].count > 0 && weights[kind] > 0 && (kind !== 'virial' || settings.stress),
  );
  const m = used.reduce((sum, kind) => sum + observed[kind].count, 0);
  const stacked = new Float64Array(m * d);
  const residuals = new Float64Array(m);
  const sigmas = new Float64Array(m);
  const units = new Float64Array(m);
  const parts: WhitenedPart[] = [];
  let at = 0;
  for (const kind of used) {
    const block = observed[kind];
    stacked.set(block.rows, at * d);
    for (let r = 0; r < block.count; r++) {
      residuals[at + r] = block.targets[r]! - dot(block.rows, posterior.mean, d, r * d, 0);
      sigmas[at + r] = noise[kind] / Math.sqrt(weights[kind] * shareOf(frame.shares, kind, block.components[r]!));
      units[at + r] = sigmas[at + r]! * block.scale;
    }
    parts.push({ kind, first: at, count: block.count, components: block.components });
    at += block.count;
  }
  return {
    atoms: atomCount(frame.structure),
    ...whiten(stacked, residuals, sigmas, d),
    count: m,
    units,
    parts,
    ...(frame.shares === undefined ? {} : { shares: frame.shares }),
  };
}

const NO_ERRORS: KindErrors = {
  fitted: new Float64Array(0),
  leftOut: new Float64Array(0),
  variances: new Float64Array(0),
  components: new Int32Array(0),
};

/** Errors by kind from those of the whitened observations. Force variances are averaged over the free components of an atom. */
export function errorsByKind(
  frame: Omit<WhitenedFrame, 'rows'>,
  leftOut: { readonly residuals: Float64Array; readonly variances: Float64Array },
): LeftOut {
  const result: Record<ObservationKind, KindErrors> = { energy: NO_ERRORS, forces: NO_ERRORS, virial: NO_ERRORS };
  for (const part of frame.parts) {
    const { kind, components } = part;
    result[kind] = {
      fitted: unscaled(frame, part, frame.residuals),
      leftOut: unscaled(frame, part, leftOut.residuals),
      variances: unscaledVariances(frame, part, leftOut.variances),
      components,
      ...(frame.shares === undefined
        ? {}
        : { shares: Float64Array.from(components, (component) => shareOf(frame.shares, kind, component)) }),
    };
  }
  return { atoms: frame.atoms, ...result };
}

/** What the forms say of the observations of each kind, from what they say of the whitened ones. */
export function judgedByKind(
  frame: Omit<WhitenedFrame, 'rows'>,
  judged: JudgedErrors,
): Partial<Readonly<Record<ObservationKind, JudgedErrors>>> {
  return Object.fromEntries(
    frame.parts.map((part) => [
      part.kind,
      {
        residuals: unscaled(frame, part, judged.residuals),
        posterior: unscaledVariances(frame, part, judged.posterior),
        jackknife: unscaledVariances(frame, part, judged.jackknife),
        pops: unscaledVariances(frame, part, judged.pops),
      },
    ]),
  );
}

/** Model minus reference, in unscaled units. */
function unscaled({ units }: Omit<WhitenedFrame, 'rows'>, part: WhitenedPart, residuals: Float64Array): Float64Array {
  return Float64Array.from({ length: part.count }, (_, r) => -residuals[part.first + r]! * units[part.first + r]!);
}

function unscaledVariances(
  { units }: Omit<WhitenedFrame, 'rows'>,
  { kind, first, count, components }: WhitenedPart,
  variances: Float64Array,
): Float64Array {
  const own = Float64Array.from({ length: count }, (_, r) => {
    const unit = units[first + r]!;
    return variances[first + r]! * unit * unit;
  });
  return kind === 'forces' ? averagedOverAtoms(own, components) : own;
}

/**
 * Exact residuals and variances of one training structure without itself, at fixed hyperparameters. Force variances
 * are averaged over the components of an atom that symmetry does not fix (single components of nearly symmetric
 * atoms make intervals explode).
 *
 * @param kernels   default plain
 * @param whitener  the factor of the posterior, ready to whiten
 */
export function leftOutErrors(
  frame: ObservedFrame,
  rows: StructureRows,
  settings: ObservationSettings,
  weights: PerKind<number>,
  posterior: PosteriorState,
  kernels?: LinearKernels,
  whitener?: Whitener,
): LeftOut {
  const observed = whitenedFrame(frame, rows, settings, weights, posterior);
  const { count } = observed;
  const none = new Float64Array(0);
  return errorsByKind(
    observed,
    count === 0
      ? { residuals: none, variances: none }
      : leaveOneOut(posterior, observed.rows, observed.residuals, count, kernels, whitener),
  );
}

/** Each component's variance replaced by the mean over the listed components of its atom. */
function averagedOverAtoms(variances: Float64Array, components: Int32Array): Float64Array {
  const sums = new Map<number, { sum: number; count: number }>();
  components.forEach((component, r) => {
    const atom = Math.floor(component / 3);
    const entry = sums.get(atom) ?? { sum: 0, count: 0 };
    entry.sum += variances[r]!;
    entry.count++;
    sums.set(atom, entry);
  });
  return Float64Array.from(components, (component) => {
    const entry = sums.get(Math.floor(component / 3));
    if (entry === undefined)
      throw new InputError('BAD_COMPONENT', `force component must belong to an atom, got ${component}`);
    return entry.sum / entry.count;
  });
}
