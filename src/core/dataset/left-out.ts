import type { StructureRows } from '../descriptors/descriptors.ts';
import { InputError } from '../errors.ts';
import { dot } from '../numerics/dense.ts';
import type { LinearKernels, Whitener } from '../numerics/kernels.ts';
import { leaveOneOut, whiten } from '../regression/press.ts';
import type { PerKind, PosteriorState } from '../regression/regression.ts';
import { OBSERVATION_KINDS } from '../regression/regression.ts';
import { atomCount } from '../structure/structure.ts';
import type { ObservationSettings } from './accumulate.ts';
import { offsetGroupOf } from './accumulate.ts';
import { columnCount } from './dataset.ts';
import { labelledBlocks, structureBlocks } from './observations.ts';
import type { ObservedFrame } from './robust-weights.ts';
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
}

/** What the fit says of one training structure with it and without it. Energies and virials are of the whole cell. */
export interface LeftOut extends PerKind<KindErrors> {
  readonly atoms: number;
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
  let at = 0;
  for (const kind of used) {
    const block = observed[kind];
    stacked.set(block.rows, at * d);
    for (let r = 0; r < block.count; r++) {
      residuals[at + r] = block.targets[r]! - dot(block.rows, posterior.mean, d, r * d, 0);
      sigmas[at + r] = noise[kind] / Math.sqrt(weights[kind] * shareOf(frame.shares, kind, block.components[r]!));
    }
    at += block.count;
  }
  const whitened = whiten(stacked, residuals, sigmas, d);
  const loo = m === 0 ? null : leaveOneOut(posterior, whitened.rows, whitened.residuals, m, kernels, whitener);

  const empty: KindErrors = {
    fitted: new Float64Array(0),
    leftOut: new Float64Array(0),
    variances: new Float64Array(0),
    components: new Int32Array(0),
  };
  const result: Record<string, KindErrors> = { energy: empty, forces: empty, virial: empty };
  at = 0;
  for (const kind of used) {
    const { count, scale, components } = observed[kind];
    const fitted = new Float64Array(count);
    const leftOut = new Float64Array(count);
    const variances = new Float64Array(count);
    for (let r = 0; r < count; r++) {
      const unit = sigmas[at + r]! * scale;
      fitted[r] = -residuals[at + r]! * scale;
      leftOut[r] = -loo!.residuals[at + r]! * unit;
      variances[r] = loo!.variances[at + r]! * unit * unit;
    }
    result[kind] = {
      fitted,
      leftOut,
      variances: kind === 'forces' ? averagedOverAtoms(variances, components) : variances,
      components,
      ...(frame.shares === undefined
        ? {}
        : { shares: Float64Array.from(components, (component) => shareOf(frame.shares, kind, component)) }),
    };
    at += count;
  }
  return { atoms: atomCount(frame.structure), energy: result.energy!, forces: result.forces!, virial: result.virial! };
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
