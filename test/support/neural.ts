import type { AceBasis } from '../../src/core/descriptors/ace/basis.ts';
import { EnvironmentGradients } from '../../src/core/descriptors/ace/environment-gradients.ts';
import { environmentsOf } from '../../src/core/potentials/neural/environments.ts';
import type { InputMap } from '../../src/core/potentials/neural/inputs.ts';
import { addMoments, noMoments, principalInputs } from '../../src/core/potentials/neural/inputs.ts';
import type { NeuralFrame } from '../../src/core/potentials/neural/loss.ts';
import type { TrainingSettings } from '../../src/core/potentials/neural/training.ts';
import type { Frame } from '../../src/core/structure/structure.ts';

/** Training that takes a fraction of a second. */
export const TINY_TRAINING: TrainingSettings = {
  hidden: [8, 4],
  activation: 'silu',
  epochs: 40,
  batch: 3,
  optimiser: { learningRate: 0.01, finalRate: 1e-4, warmUp: 0.02, decay: 1e-3, clip: 10 },
  averaging: 0.9,
  patience: 40,
  seed: 1,
};

/** Input maps of labelled structures. */
export function mapsOf(basis: AceBasis, frames: readonly Frame[], inputs: number): InputMap[] {
  const program = new EnvironmentGradients(basis);
  const moments = basis.functions.map((list) => noMoments(list.length));
  for (const { structure } of frames) {
    program.visit(structure, (at) => addMoments(moments[at.element]!, at.values, 0));
  }
  return moments.map((own) => principalInputs(own, inputs, 1));
}

/** Labelled structures as training sees them, with the labels themselves in the place of residuals. */
export function neuralFramesOf(
  basis: AceBasis,
  maps: readonly InputMap[],
  frames: readonly Frame[],
  energyPerAtom: number,
): NeuralFrame[] {
  const program = new EnvironmentGradients(basis);
  return frames.map(({ structure, labels }) => ({
    environments: environmentsOf(program, maps, structure, true),
    residuals: {
      energy: labels.energy! - energyPerAtom * structure.species.length,
      forces: labels.forces,
      virial: labels.virial,
    },
  }));
}
