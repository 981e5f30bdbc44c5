import { InputError } from '../core/errors.ts';
import type { NeuralSettings } from '../node/training/neural-settings.ts';
import { checkNeuralSettings, DEFAULT_NEURAL } from '../node/training/neural-settings.ts';
import { integersOption, numberOption } from './data-options.ts';
import type { VerbOptions } from './verb.ts';

/** Settings of `querent neural` from its options. @throws InputError `BAD_OPTION`, `NEURAL_SETTINGS`, `TRAINING_SETTINGS` */
export function neuralSettingsOf(options: VerbOptions): NeuralSettings {
  const whole = (name: string, flag: string, least: number, fallback: number): number =>
    numberOption(options, name, flag, (x) => Number.isInteger(x) && x >= least, `a whole number ≥ ${least}`, fallback);
  const within = (name: string, flag: string, low: number, high: number, fallback: number): number =>
    numberOption(options, name, flag, (x) => x >= low && x <= high, `a number from ${low} to ${high}`, fallback);
  const { training } = DEFAULT_NEURAL;
  const hidden = integersOption(options, 'hidden', '--hidden') ?? training.hidden;
  if (hidden.length === 0 || !hidden.every((width) => width >= 1)) {
    throw new InputError('BAD_OPTION', `--hidden must be widths of at least 1, got "${String(options.hidden)}"`);
  }
  const activation = options.activation === undefined ? training.activation : String(options.activation);
  if (activation !== 'silu' && activation !== 'tanh') {
    throw new InputError('BAD_OPTION', `--activation must be silu or tanh, got "${activation}"`);
  }
  const learningRate = within('learningRate', '--learning-rate', 1e-8, 1, training.optimiser.learningRate);
  const settings: NeuralSettings = {
    ...DEFAULT_NEURAL,
    members: whole('members', '--members', 2, DEFAULT_NEURAL.members),
    bootstrap: options.bootstrap === true,
    heldOut: within('heldOut', '--held-out', 0.01, 0.5, DEFAULT_NEURAL.heldOut),
    inputs: whole('inputs', '--inputs', 1, DEFAULT_NEURAL.inputs),
    nmax: integersOption(options, 'nmax', '--nmax'),
    lmax: integersOption(options, 'lmax', '--lmax'),
    stress: options.stress !== false,
    training: {
      ...training,
      hidden,
      activation,
      epochs: whole('epochs', '--epochs', 1, training.epochs),
      batch: whole('batch', '--batch', 1, training.batch),
      patience: whole('patience', '--patience', 1, training.patience),
      seed: whole('seed', '--seed', 0, training.seed),
      optimiser: {
        ...training.optimiser,
        learningRate,
        finalRate: Math.min(training.optimiser.finalRate, learningRate),
        decay: within('decay', '--decay', 0, 100, training.optimiser.decay),
      },
    },
    checkpointEvery: whole('checkpointEvery', '--checkpoint-every', 1, DEFAULT_NEURAL.checkpointEvery),
    largestEnce: within('ence', '--ence', 0, 1e9, DEFAULT_NEURAL.largestEnce),
  };
  checkNeuralSettings(settings);
  return settings;
}
