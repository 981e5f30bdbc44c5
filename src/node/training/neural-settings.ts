import type { AceSpecification } from '../../core/descriptors/ace/basis.ts';
import { presetSize } from '../../core/descriptors/ace/presets.ts';
import { InputError } from '../../core/errors.ts';
import type { TrainingSettings } from '../../core/potentials/neural/training.ts';
import { checkTraining } from '../../core/potentials/neural/training.ts';

/** Everything a person may say of a neural ensemble; the defaults are those of `DEFAULT_NEURAL`. Plain data. */
export interface NeuralSettings {
  readonly members: number;
  /** Whether each member learns from a bootstrap sample of the structures; otherwise from all but one fold. */
  readonly bootstrap: boolean;
  /** Share of the structures that no member learns from. */
  readonly heldOut: number;
  /** Largest number of inputs, and exponent of their whitening. */
  readonly inputs: number;
  readonly whitening: number;
  /** Largest radial index and angular momentum by order of the invariants; null: those of the small preset. */
  readonly nmax: readonly number[] | null;
  readonly lmax: readonly number[] | null;
  readonly stress: boolean;
  readonly training: TrainingSettings;
  /** Epochs between checkpoints. */
  readonly checkpointEvery: number;
  /** Largest ENCE of the forces' error bars with which the networks come into force. */
  readonly largestEnce: number;
  readonly miscoverage: number;
}

/** Defaults. */
export const DEFAULT_NEURAL: NeuralSettings = {
  members: 5,
  bootstrap: false,
  heldOut: 0.1,
  inputs: 110,
  whitening: 0,
  nmax: null,
  lmax: null,
  stress: true,
  training: {
    hidden: [32, 16],
    activation: 'silu',
    epochs: 40,
    batch: 4,
    optimiser: { learningRate: 2e-3, finalRate: 1e-5, warmUp: 0.02, decay: 1e-2, clip: 1 },
    averaging: 0.99,
    patience: 15,
    seed: 1,
  },
  checkpointEvery: 5,
  largestEnce: 0.25,
  miscoverage: 0.05,
};

/** @throws InputError `NEURAL_SETTINGS`, `TRAINING_SETTINGS`, `NETWORK_SHAPE` naming the setting */
export function checkNeuralSettings(settings: NeuralSettings): void {
  const rules: readonly (readonly [string, number, boolean, string])[] = [
    [
      'members',
      settings.members,
      Number.isInteger(settings.members) && settings.members >= 2 && settings.members <= 100,
      'be an integer from 2 to 100',
    ],
    ['held-out share', settings.heldOut, settings.heldOut > 0 && settings.heldOut <= 0.5, 'lie in (0, 0.5]'],
    ['inputs', settings.inputs, Number.isInteger(settings.inputs) && settings.inputs >= 1, 'be a positive integer'],
    ['whitening', settings.whitening, settings.whitening >= 0 && settings.whitening <= 1, 'lie in [0, 1]'],
    [
      'epochs between checkpoints',
      settings.checkpointEvery,
      Number.isInteger(settings.checkpointEvery) && settings.checkpointEvery >= 1,
      'be a positive integer',
    ],
  ];
  for (const [name, value, holds, rule] of rules) {
    if (!holds) throw new InputError('NEURAL_SETTINGS', `${name} must ${rule}, got ${value}`, { name, value });
  }
  checkTraining(settings.training);
}

/** The invariants that networks see: pairs and cutoffs of the linear model, sizes of the small preset unless given. */
export function neuralSpecification(linear: AceSpecification, settings: NeuralSettings): AceSpecification {
  const { elements, radial, pairs } = linear;
  const size = presetSize('small', elements.length);
  return { elements, radial, pairs, nmax: settings.nmax ?? size.nmax, lmax: settings.lmax ?? size.lmax };
}
