import type { ObservationSettings } from '../../core/dataset/accumulate.ts';
import { accumulateFactors, forceColumnScale } from '../../core/dataset/accumulate.ts';
import type { LeftOut } from '../../core/dataset/left-out.ts';
import { leftOutErrors } from '../../core/dataset/left-out.ts';
import type { ObservedFrame } from '../../core/dataset/robust-weights.ts';
import { frameWeights } from '../../core/dataset/weights.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import type { ObservedRows } from '../../core/regression/cross-validation.ts';
import { observedRows } from '../../core/regression/cross-validation.ts';
import type { PackedFactor } from '../../core/regression/packed.ts';
import { packFactor } from '../../core/regression/packed.ts';
import type { PerKind, PosteriorState } from '../../core/regression/regression.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import type { Machine } from '../workers/machine.ts';
import { sharedZeros } from '../workers/shared.ts';
import { onFrame } from './check-frames.ts';
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
}

/** What the second pass is told of a chunk. */
export interface LeftOutArgument {
  readonly context: FitContext;
  readonly frames: readonly ObservedFrame[];
  readonly posterior: PosteriorState;
  /** Names this posterior and no other. */
  readonly posteriorId: string;
  /** Of the atoms, every so manieth lends its descriptors. */
  readonly stride: number;
}

/** Second pass: every frame without itself. */
export function leftOutOf(machine: Machine, argument: LeftOutArgument): LeftOutChunk {
  const { context, frames, posterior, posteriorId, stride } = argument;
  const whitener = machine.whitener(posteriorId, posterior.r, posterior.mean.length);
  const program = machine.program(context.basis);
  const weightsOf = frameWeights(context.weights);
  const { offsets } = context.basis;
  const { species } = context.observation.layout;
  const descriptors: number[][] = species.map(() => []);
  const owners: number[][] = species.map(() => []);
  const results: LeftOut[] = [];
  let counter = 0;
  for (const [index, frame] of frames.entries()) {
    program.rows([frame.structure], (_, rows) => {
      const weights = weightsOf(frame);
      results.push(
        onFrame(frame, () =>
          leftOutErrors(frame, rows, context.observation, weights, posterior, machine.kernels, whitener),
        ),
      );
      const n = atomCount(frame.structure);
      const block = rows.atoms.length / n;
      for (let i = 0; i < n; i++) {
        if (counter++ % stride !== 0) continue;
        const element = species.indexOf(frame.structure.species[i]!);
        const size = offsets[element + 1]! - offsets[element]!;
        const list = descriptors[element]!;
        owners[element]!.push(index);
        for (let v = 0; v < size; v++) list.push(rows.atoms[i * block + v]!);
      }
    });
  }
  return {
    frames: results,
    descriptors: descriptors.map((list) => Float64Array.from(list)),
    owners: owners.map((list) => Int32Array.from(list)),
  };
}
