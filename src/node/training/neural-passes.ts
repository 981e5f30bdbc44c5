import { columnOffsets } from '../../core/dataset/dataset.ts';
import type { LeftOut } from '../../core/dataset/left-out.ts';
import { leftOutErrors } from '../../core/dataset/left-out.ts';
import type { ObservationSettings } from '../../core/dataset/observations.ts';
import { offsetGroupOf } from '../../core/dataset/observations.ts';
import { frameWeights } from '../../core/dataset/weights.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { EnvironmentGradients } from '../../core/descriptors/ace/environment-gradients.ts';
import { symbolOf } from '../../core/elements.ts';
import type { AcePotential } from '../../core/potentials/ace-potential.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import type { Storage } from '../../core/potentials/neural/environments.ts';
import { environmentsOf } from '../../core/potentials/neural/environments.ts';
import type { InputMap, InvariantMoments } from '../../core/potentials/neural/inputs.ts';
import { addMoments, noMoments } from '../../core/potentials/neural/inputs.ts';
import type { NeuralFrame, Residuals } from '../../core/potentials/neural/loss.ts';
import type { MemberData, MemberState, TrainingSettings } from '../../core/potentials/neural/training.ts';
import { trainEpochs } from '../../core/potentials/neural/training.ts';
import type { ObservationKind } from '../../core/regression/regression.ts';
import type { Frame, Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import type { Machine, ModelHandle } from '../workers/machine.ts';
import { sharedZeros } from '../workers/shared.ts';
import { onFrame } from './check-frames.ts';
import type { FitSettings } from './settings.ts';

/** Memory that threads share; Jacobians in single precision. */
const SHARED_STORAGE: Storage = {
  floats: (length) => new Float32Array(new SharedArrayBuffer(Float32Array.BYTES_PER_ELEMENT * length)),
  doubles: sharedZeros,
  ints: (length) => new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * length)),
  bytes: (length) => new Uint8Array(new SharedArrayBuffer(length)),
};

/** Moments of the invariants of some structures, by element. */
export function neuralMoments(
  machine: Machine,
  argument: { basis: AceBasis; structures: readonly Structure[] },
): InvariantMoments[] {
  const { basis, structures } = argument;
  const program = machine.program(basis);
  const moments = basis.functions.map((list) => noMoments(list.length));
  const symbols = basis.specification.elements;
  const width = Math.max(...basis.functions.map((list) => list.length));
  const rows = program.descriptors(structures);
  structures.forEach((structure, s) => {
    for (let i = 0; i < atomCount(structure); i++) {
      addMoments(moments[symbols.indexOf(symbolOf(structure.species[i]!))]!, rows[s]!, i * width);
    }
  });
  return moments;
}

/** What makes training frames of labelled structures. */
export interface NeuralFramesArgument {
  readonly model: ModelHandle;
  readonly basis: AceBasis;
  readonly maps: readonly InputMap[];
  readonly frames: readonly Frame[];
  readonly stress: boolean;
  /** Whether the linear model was fitted to these frames: what counts then is what it says of each without it. */
  readonly fitted: boolean;
}

/**
 * Environments of some frames, in memory that threads share, and what the linear model leaves of their labels: of frames
 * that it was fitted to the exact left-out residuals, since those it was fitted to are smaller than any that networks will
 * have to correct.
 */
export function neuralFrames(machine: Machine, argument: NeuralFramesArgument): NeuralFrame[] {
  const { model, basis, maps, frames, stress, fitted } = argument;
  const potential = machine.potential(model);
  const program = new EnvironmentGradients(basis);
  const { multiply } = machine.kernels;
  return frames.map((frame) =>
    onFrame(frame, () => ({
      environments: environmentsOf(
        program,
        maps,
        frame.structure,
        stress && frame.labels.virial !== null,
        SHARED_STORAGE,
        multiply,
      ),
      residuals: fitted
        ? leftOutResiduals(machine, model, potential, frame, stress)
        : plainResiduals(potential, frame, stress),
    })),
  );
}

/** Labels minus the linear model. */
function plainResiduals(potential: AcePotential, { structure, labels, info }: Frame, stress: boolean): Residuals {
  const { model } = potential;
  const linear = potential.predict(structure);
  const n = atomCount(structure);
  const offset = model.training.stressOffset;
  return {
    energy: labels.energy === null ? Number.NaN : labels.energy - linear.energy - n * groupOffset(model, { info }),
    forces:
      labels.forces === null
        ? null
        : labels.forces.map((f, k) => (linear.fixedComponents[k] === 1 ? Number.NaN : f - linear.forces[k]!)),
    virial:
      stress && labels.virial !== null
        ? labels.virial.map((w, v) => w - (v < 3 ? n * offset : 0) - linear.virial[v]!)
        : null,
  };
}

/** Labels minus the linear model fitted to all other frames, at its hyperparameters. */
function leftOutResiduals(
  machine: Machine,
  handle: ModelHandle,
  potential: AcePotential,
  frame: Frame,
  stress: boolean,
): Residuals {
  const { model } = potential;
  const { settings } = model.training;
  const observation: ObservationSettings = {
    layout: model.layout,
    reference: model.reference,
    energyNoise: model.energyNoise,
    mask: { scale: model.forceColumnScale },
    offsetKey: typeof settings.offsetKey === 'string' ? settings.offsetKey : null,
    stress: settings.stress !== false,
  };
  const weights = frameWeights(settings.weights as FitSettings['weights'])(frame);
  const { r, mean } = model.posterior;
  let found!: LeftOut;
  potential.program.rows([frame.structure], (_, rows) => {
    found = leftOutErrors(
      frame,
      rows,
      observation,
      weights,
      model.posterior,
      machine.kernels,
      machine.whitener(handle.id, r, mean.length),
    );
  });
  const spread = (kind: ObservationKind, length: number): Float64Array => {
    const out = new Float64Array(length).fill(Number.NaN);
    const { components, leftOut } = found[kind];
    components.forEach((component, k) => {
      out[component] = -leftOut[k]!;
    });
    return out;
  };
  const { labels, structure } = frame;
  return {
    energy: spread('energy', 1)[0]!,
    forces: labels.forces === null ? null : spread('forces', 3 * atomCount(structure)),
    virial: stress && labels.virial !== null ? spread('virial', 6) : null,
  };
}

/** Energy offset per atom of the label group of a frame, eV. */
function groupOffset({ layout, posterior, training }: LinearModel, frame: Pick<Frame, 'info'>): number {
  const key = training.settings.offsetKey;
  if (typeof key !== 'string') return 0;
  const group = layout.offsetGroups.indexOf(offsetGroupOf(frame, key));
  return group < 0 ? 0 : posterior.mean[columnOffsets(layout).groups + group]!;
}

/** Some epochs of one member. */
export function neuralEpochs(
  _: Machine,
  argument: { state: MemberState; data: MemberData; settings: TrainingSettings; elements: number; epochs: number },
): MemberState {
  const { state, data, settings, elements, epochs } = argument;
  return trainEpochs(state, data, settings, elements, epochs);
}
