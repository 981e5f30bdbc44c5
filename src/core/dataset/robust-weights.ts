import type { StructureRows } from '../descriptors/descriptors.ts';
import { dot } from '../numerics/dense.ts';
import { median } from '../numerics/median.ts';
import type { ObservationKind, PerKind } from '../regression/regression.ts';
import { OBSERVATION_KINDS } from '../regression/regression.ts';
import type { Frame } from '../structure/structure.ts';
import { atomCount } from '../structure/structure.ts';
import { columnCount } from './dataset.ts';
import type { ObservationSettings } from './observations.ts';
import { labelledBlocks, offsetGroupOf, structureBlocks } from './observations.ts';

/**
 * What a robust loss leaves of the weight of a frame's labels, 1 for all of it: of the energy, of the force on each atom
 * (its components together, so that the fit does not depend on the axes), of the virial.
 */
export interface FrameShares {
  readonly energy: number;
  /** [n] */
  readonly forces: Float64Array;
  readonly virial: number;
}

/** A frame, and what a robust loss leaves of its weights; without shares it counts in full. */
export interface ObservedFrame extends Frame {
  readonly shares?: FrameShares;
}

/**
 * Misfits of the labels of one frame over their scale s and times √u, each the root mean square over the components of
 * an energy, of an atom's force, of a virial; NaN where there is no label, or none that counts.
 */
export interface FrameMisfits {
  readonly energy: number;
  /** [n] */
  readonly forces: Float64Array;
  readonly virial: number;
}

/** Median of |r| of a unit normal in 1 dimension, and of the root mean square component in 3 and 6. */
const NORMAL_MEDIAN: PerKind<number> = { energy: 0.6744898, forces: 0.8880582, virial: 0.9441154 };

/** Share of one observation of a frame. @param component as in an `ObservationBlock` */
export function shareOf(shares: FrameShares | undefined, kind: ObservationKind, component: number): number {
  if (shares === undefined) return 1;
  return kind === 'forces' ? shares.forces[Math.floor(component / 3)]! : shares[kind];
}

/**
 * Misfits y − X·mean of one frame.
 *
 * @param weights weights u of its observations, without shares
 * @param mean    [d] weights of the model
 */
export function frameMisfits(
  frame: Frame,
  rows: StructureRows,
  settings: ObservationSettings,
  weights: PerKind<number>,
  mean: Float64Array,
): FrameMisfits {
  const { layout } = settings;
  const d = columnCount(layout);
  const blocks = structureBlocks(frame.structure, rows, layout, {
    energyNoise: settings.energyNoise,
    mask: settings.mask,
    offsetGroup: offsetGroupOf(frame, settings.offsetKey),
  });
  const observed = labelledBlocks(frame, rows, blocks, layout, settings.reference);
  const rootMeanSquare = (kind: ObservationKind, owners: number): Float64Array => {
    const { count, components, rows: x, targets } = observed[kind];
    const sums = new Float64Array(owners);
    const counts = new Float64Array(owners);
    for (let r = 0; r < count; r++) {
      const owner = kind === 'forces' ? Math.floor(components[r]! / 3) : 0;
      const e = targets[r]! - dot(x, mean, d, r * d, 0);
      sums[owner]! += weights[kind] * e * e;
      counts[owner]!++;
    }
    const counted = weights[kind] > 0 && (kind !== 'virial' || settings.stress);
    return sums.map((sum, i) => (counted && counts[i]! > 0 ? Math.sqrt(sum / counts[i]!) : Number.NaN));
  };
  return {
    energy: rootMeanSquare('energy', 1)[0]!,
    forces: rootMeanSquare('forces', atomCount(frame.structure)),
    virial: rootMeanSquare('virial', 1)[0]!,
  };
}

/** All misfits of a kind that are there. */
function gathered(misfits: readonly FrameMisfits[], kind: ObservationKind): Float64Array {
  if (kind !== 'forces') return Float64Array.from(misfits, (own) => own[kind]).filter((x) => !Number.isNaN(x));
  const all = new Float64Array(misfits.reduce((sum, own) => sum + own.forces.length, 0));
  let count = 0;
  for (const { forces } of misfits) for (const x of forces) if (!Number.isNaN(x)) all[count++] = x;
  return all.slice(0, count);
}

/**
 * Robust standard deviation of the misfits of each kind: their median over that of a unit normal, so that up to half of
 * the labels may be wrong by any amount. NaN for a kind without labels.
 */
export function misfitScales(misfits: readonly FrameMisfits[]): PerKind<number> {
  const scale = (kind: ObservationKind): number => median(gathered(misfits, kind)) / NORMAL_MEDIAN[kind];
  return { energy: scale('energy'), forces: scale('forces'), virial: scale('virial') };
}

/**
 * Huber's weights, min(1, k σ/|r|): squares up to k standard deviations, straight lines beyond, so that the pull of a
 * label is bounded however wrong it is and the minimum stays the only one.
 *
 * @param scales    σ of each kind; nothing is taken from a kind whose σ is 0 or NaN
 * @param threshold k
 * @see P. J. Huber, Ann. Math. Statist. 35, 73 (1964)
 */
export function huberShares(misfits: FrameMisfits, scales: PerKind<number>, threshold: number): FrameShares {
  const share = (misfit: number, kind: ObservationKind): number =>
    misfit > threshold * scales[kind] && scales[kind] > 0 ? (threshold * scales[kind]) / misfit : 1;
  return {
    energy: share(misfits.energy, 'energy'),
    forces: misfits.forces.map((misfit) => share(misfit, 'forces')),
    virial: share(misfits.virial, 'virial'),
  };
}

/** Root mean square change between two sets of shares, over all labels of the frames. */
export function shareChange(before: readonly FrameShares[], after: readonly FrameShares[]): number {
  let sum = 0;
  let count = 0;
  for (const [f, old] of before.entries()) {
    const now = after[f]!;
    for (const kind of OBSERVATION_KINDS) {
      const [a, b] = kind === 'forces' ? [old.forces, now.forces] : [[old[kind]], [now[kind]]];
      for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) * (a[i]! - b[i]!);
      count += a.length;
    }
  }
  return Math.sqrt(sum / Math.max(1, count));
}
