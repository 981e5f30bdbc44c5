import { accumulateFactors, forceColumnScale } from '../../core/dataset/accumulate.ts';
import type { LeftOut } from '../../core/dataset/left-out.ts';
import { errorsByKind } from '../../core/dataset/left-out.ts';
import type { ObservationSettings } from '../../core/dataset/observations.ts';
import type { ObservedFrame } from '../../core/dataset/robust-weights.ts';
import { frameWeights } from '../../core/dataset/weights.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import type { ObservedRows } from '../../core/regression/cross-validation.ts';
import { observedRows } from '../../core/regression/cross-validation.ts';
import type { PackedFactor } from '../../core/regression/packed.ts';
import { packFactor } from '../../core/regression/packed.ts';
import { leaveOneOut } from '../../core/regression/press.ts';
import type { PerKind } from '../../core/regression/regression.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import { addFormMoments, deleteFromCoordinates, momentsOf, noFormMoments } from '../../core/uncertainty/estimators.ts';
import type { Machine } from '../workers/machine.ts';
import { sharedZeros } from '../workers/shared.ts';
import { onFrame } from './check-frames.ts';
import type { ClusterRows, PackedMoments, PosteriorContext } from './form-passes.ts';
import { clusterRows, packMoments } from './form-passes.ts';
import type { FitSettings } from './settings.ts';

/** What the passes over the data share. */
export interface FitContext {
  readonly basis: AceBasis;
  readonly observation: ObservationSettings;
  readonly weights: FitSettings['weights'];
  /** Whether the rows of energies are wanted one by one. */
  readonly keepEnergies?: boolean;
}

/** Factors of a chunk, and the rows of its energies where they are wanted. */
export interface ChunkFactors extends PerKind<PackedFactor> {
  readonly energyRows: ObservedRows | null;
}

/** Root mean square of each column over the force rows of some structures. */
export function columnScale(
  machine: Machine,
  argument: { basis: AceBasis; structures: readonly Structure[] },
): Float64Array {
  return forceColumnScale(machine.program(argument.basis), argument.structures);
}

/** First pass: the factors of a chunk of frames. */
export function factorsOf(
  machine: Machine,
  argument: { context: FitContext; frames: readonly ObservedFrame[] },
): ChunkFactors {
  const { context, frames } = argument;
  const rows: Float64Array[] = [];
  const targets: number[] = [];
  const factors = accumulateFactors(
    machine.program(context.basis),
    frames,
    context.observation,
    frameWeights(context.weights),
    (columns) => machine.kernels.factor(columns),
    context.keepEnergies === true
      ? (row, target) => {
          rows.push(row);
          targets.push(target);
        }
      : undefined,
  );
  return {
    energy: packFactor(factors.energy, sharedZeros),
    forces: packFactor(factors.forces, sharedZeros),
    virial: packFactor(factors.virial, sharedZeros),
    energyRows: context.keepEnergies === true ? observedRows(rows, targets, sharedZeros) : null,
  };
}

/** Left-out errors of a chunk, and descriptors of its atoms for leverage and novelty. */
export interface LeftOutChunk {
  readonly frames: readonly LeftOut[];
  /** [elements] descriptor rows [atoms, block] of every `stride`-th atom of the chunk. */
  readonly descriptors: readonly Float64Array[];
  /** [elements] index in the chunk of the frame of each of those rows. */
  readonly owners: readonly Int32Array[];
  /** What the chunk adds to the sums of the forms. */
  readonly moments: PackedMoments;
  /** Rows of the clusters that are kept; null for the others. */
  readonly kept: readonly (ClusterRows | null)[];
}

/** What the second pass is told of a chunk. */
export interface LeftOutArgument extends PosteriorContext {
  /** Frames of each cluster: they leave the fit together. */
  readonly clusters: readonly (readonly ObservedFrame[])[];
  /** Whether the rows of each cluster are to be kept for the third pass. */
  readonly keep: readonly boolean[];
  /** Least leverage of the rows that POPS takes. */
  readonly threshold: number;
  /** Of the atoms, every so manieth lends its descriptors. */
  readonly stride: number;
}

/** Second pass: every frame without itself, and the sums over what leaving out each cluster does. */
export function leftOutOf(machine: Machine, argument: LeftOutArgument): LeftOutChunk {
  const { context, clusters, keep, posterior, posteriorId, threshold, stride } = argument;
  const d = posterior.mean.length;
  const whitener = machine.whitener(posteriorId, posterior.r, d);
  const { offsets } = context.basis;
  const { species } = context.observation.layout;
  const descriptors: number[][] = species.map(() => []);
  const owners: number[][] = species.map(() => []);
  const results: LeftOut[] = [];
  const kept: (ClusterRows | null)[] = [];
  let moments = noFormMoments(d);
  let counter = 0;
  for (const [c, frames] of clusters.entries()) {
    const first = results.length;
    const { whitened, ...own } = clusterRows(machine, argument, frames, (f, rows) => {
      const { structure } = frames[f]!;
      const n = atomCount(structure);
      const block = rows.atoms.length / n;
      for (let i = 0; i < n; i++) {
        if (counter++ % stride !== 0) continue;
        const element = species.indexOf(structure.species[i]!);
        const size = offsets[element + 1]! - offsets[element]!;
        const list = descriptors[element]!;
        owners[element]!.push(first + f);
        for (let v = 0; v < size; v++) list.push(rows.atoms[i * block + v]!);
      }
    });
    const deleted = onFrame(frames[0]!, () => deleteFromCoordinates(own.u, own, d, threshold, machine.kernels));
    moments = addFormMoments(moments, momentsOf(deleted, machine.kernels));
    for (const [f, observed] of whitened.entries()) {
      // A frame that is a cluster of its own has been left out already.
      const left =
        frames.length === 1 || observed.count === 0
          ? deleted.deletion
          : onFrame(frames[f]!, () =>
              leaveOneOut(posterior, observed.rows, observed.residuals, observed.count, machine.kernels, whitener),
            );
      results.push(errorsByKind(observed, left));
    }
    kept.push(keep[c] === true ? own : null);
  }
  return {
    frames: results,
    descriptors: descriptors.map((list) => Float64Array.from(list)),
    owners: owners.map((list) => Int32Array.from(list)),
    moments: packMoments(moments),
    kept,
  };
}
