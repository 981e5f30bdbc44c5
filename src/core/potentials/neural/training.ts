import { InputError, NumericalError } from '../../errors.ts';
import { RandomStream } from '../../random.ts';
import type { OptimiserSettings, OptimiserState } from './adamw.ts';
import { adamwStep, clipGradient, newOptimiser, rateAt } from './adamw.ts';
import type { LossNoises, LossSums, NeuralFrame } from './loss.ts';
import { NetworkModel, noLoss, totalLoss } from './loss.ts';
import type { Activation, NetworkShape } from './network.ts';
import { decayMask, initialParameters } from './network.ts';

/** Everything that fixes the training of a member but its data. Plain data, stored in the model. */
export interface TrainingSettings {
  readonly hidden: readonly number[];
  readonly activation: Activation;
  readonly epochs: number;
  /** Structures per step. */
  readonly batch: number;
  readonly optimiser: OptimiserSettings;
  /** Share of the running mean of the parameters that a step keeps, 0 for no averaging. */
  readonly averaging: number;
  /** Epochs without a better loss on the held-out structures after which a member stops. */
  readonly patience: number;
  readonly seed: number;
}

/** Structures of one member: those it learns from, as often as the bootstrap drew them, and those that judge it. */
export interface MemberData {
  readonly frames: readonly NeuralFrame[];
  /** [frames] times each structure was drawn; 0 leaves it out. */
  readonly draws: readonly number[];
  readonly heldOut: readonly NeuralFrame[];
  readonly noises: LossNoises;
}

/** One epoch of a member. Losses per residual. */
export interface EpochRecord {
  readonly epoch: number;
  readonly training: number;
  readonly heldOut: number;
  /** Mean norm of the gradient before it is clipped. */
  readonly gradientNorm: number;
  readonly rate: number;
}

/** A member on its way: all that the rest of its training depends on. Plain data. */
export interface MemberState {
  readonly member: number;
  /** Epochs done. */
  epoch: number;
  /** Steps that the schedule has counted. */
  step: number;
  /** Factor on the learning rate; halved whenever a step goes wrong. */
  rateFactor: number;
  parameters: Float64Array;
  /** Running mean of the parameters, by which a member is judged. */
  average: Float64Array;
  optimiser: OptimiserState;
  /** Best averaged parameters on the held-out structures so far, their loss per residual and their epoch. */
  best: Float64Array;
  bestLoss: number;
  bestEpoch: number;
  history: EpochRecord[];
  /** Epochs that were rolled back, and why. */
  rollbacks: { readonly epoch: number; readonly reason: string }[];
  finished: boolean;
}

/** Rolled-back epochs after which a member is given up. */
const MOST_ROLLBACKS = 12;

/** The shape of the networks for a number of inputs. */
export function shapeOf(settings: TrainingSettings, inputs: number): NetworkShape {
  return { inputs, hidden: settings.hidden, activation: settings.activation };
}

/** @throws InputError `TRAINING_SETTINGS` naming the setting */
export function checkTraining(settings: TrainingSettings): void {
  const { optimiser } = settings;
  const rules: readonly (readonly [string, number, boolean, string])[] = [
    ['epochs', settings.epochs, Number.isInteger(settings.epochs) && settings.epochs >= 1, 'be a positive integer'],
    ['batch', settings.batch, Number.isInteger(settings.batch) && settings.batch >= 1, 'be a positive integer'],
    [
      'patience',
      settings.patience,
      Number.isInteger(settings.patience) && settings.patience >= 1,
      'be a positive integer',
    ],
    ['averaging', settings.averaging, settings.averaging >= 0 && settings.averaging < 1, 'lie in [0, 1)'],
    [
      'learning rate',
      optimiser.learningRate,
      optimiser.learningRate > 0 && optimiser.learningRate <= 1,
      'lie in (0, 1]',
    ],
    [
      'final rate',
      optimiser.finalRate,
      optimiser.finalRate >= 0 && optimiser.finalRate <= optimiser.learningRate,
      'lie between 0 and the learning rate',
    ],
    ['warm-up', optimiser.warmUp, optimiser.warmUp >= 0 && optimiser.warmUp < 1, 'lie in [0, 1)'],
    ['decay', optimiser.decay, optimiser.decay >= 0 && optimiser.decay < 1e3, 'lie in [0, 1000)'],
    ['clip', optimiser.clip, optimiser.clip > 0, 'be positive'],
    ['seed', settings.seed, Number.isInteger(settings.seed), 'be an integer'],
  ];
  for (const [name, value, holds, rule] of rules) {
    if (!holds) throw new InputError('TRAINING_SETTINGS', `${name} must ${rule}, got ${value}`, { name, value });
  }
}

/** A member before training: networks of zero output, the same for a seed whatever else runs. */
export function newMember(settings: TrainingSettings, inputs: number, elements: number, member: number): MemberState {
  checkTraining(settings);
  const shape = shapeOf(settings, inputs);
  const random = new RandomStream(settings.seed, 'network weights', member);
  const parts = Array.from({ length: elements }, () => initialParameters(shape, random));
  const parameters = Float64Array.from(parts.flatMap((part) => [...part]));
  return {
    member,
    epoch: 0,
    step: 0,
    rateFactor: 1,
    parameters,
    average: parameters.slice(),
    optimiser: newOptimiser(parameters.length),
    best: parameters.slice(),
    bestLoss: Number.POSITIVE_INFINITY,
    bestEpoch: 0,
    history: [],
    rollbacks: [],
    finished: false,
  };
}

/** Draws of n structures with replacement for a member: [n] times each was drawn. */
export function bootstrapDraws(n: number, seed: number, member: number): number[] {
  const random = new RandomStream(seed, 'bootstrap', member);
  const draws = new Array<number>(n).fill(0);
  for (let k = 0; k < n; k++) draws[random.integer(n)]!++;
  return draws;
}

/** Loss per residual of some structures. */
export function lossOf(
  model: NetworkModel,
  frames: readonly NeuralFrame[],
  parameters: Float64Array,
  noises: LossNoises,
): { readonly sums: LossSums; readonly mean: number } {
  const sums = noLoss();
  for (const frame of frames) model.addLoss(frame, parameters, noises, sums);
  const count = sums.energies + sums.components + sums.virials;
  return { sums, mean: count === 0 ? 0 : totalLoss(sums) / count };
}

function copyOf(state: MemberState): MemberState {
  const { optimiser } = state;
  return {
    ...state,
    parameters: state.parameters.slice(),
    average: state.average.slice(),
    optimiser: { mean: optimiser.mean.slice(), square: optimiser.square.slice(), steps: optimiser.steps },
    best: state.best.slice(),
    history: [...state.history],
    rollbacks: [...state.rollbacks],
  };
}

/** Steps of one epoch: structures drawn at least once, in batches. */
function batchesOf(data: MemberData, settings: TrainingSettings, member: number, epoch: number): number[][] {
  const drawn = data.draws.flatMap((times, f) => (times > 0 ? [f] : []));
  const order = new RandomStream(settings.seed, 'order of structures', member, epoch).permutation(drawn.length);
  const batches: number[][] = [];
  for (let k = 0; k < drawn.length; k += settings.batch) {
    batches.push(Array.from(order.subarray(k, k + settings.batch), (place) => drawn[place]!));
  }
  return batches;
}

/** What went wrong in an epoch, or its record. */
function runEpoch(
  state: MemberState,
  model: NetworkModel,
  data: MemberData,
  settings: TrainingSettings,
): EpochRecord | string {
  const { optimiser: options, averaging } = settings;
  const batches = batchesOf(data, settings, state.member, state.epoch);
  const total = batches.length * settings.epochs;
  const mask = decayMask(model.shape);
  const gradient = new Float64Array(model.count);
  let loss = 0;
  let residuals = 0;
  let norms = 0;
  let rate = 0;
  for (const batch of batches) {
    gradient.fill(0);
    const sums = noLoss();
    let drawn = 0;
    for (const f of batch) {
      const times = data.draws[f]!;
      drawn += times * data.frames[f]!.environments.elements.length;
      model.addLoss(data.frames[f]!, state.parameters, data.noises, sums, gradient, times);
    }
    // Per force component, so that batches of small and large cells weigh alike.
    for (let k = 0; k < gradient.length; k++) gradient[k] = gradient[k]! / (3 * drawn);
    const norm = clipGradient(gradient, options.clip);
    if (Number.isNaN(norm)) return `the gradient of step ${state.step} was not finite`;
    rate = state.rateFactor * rateAt(options, state.step, total);
    adamwStep(state.optimiser, state.parameters, gradient, rate, options.decay, mask);
    state.step++;
    // The mean follows closely at first, so that it does not remember the start.
    const keep = Math.min(averaging, state.step / (10 + state.step));
    for (let k = 0; k < state.average.length; k++) {
      state.average[k] = keep * state.average[k]! + (1 - keep) * state.parameters[k]!;
    }
    loss += totalLoss(sums);
    residuals += sums.energies + sums.components + sums.virials;
    norms += norm;
  }
  const judged = lossOf(model, data.heldOut, state.average, data.noises).mean;
  if (!Number.isFinite(judged)) return 'the loss of the held-out structures was not finite';
  return {
    epoch: state.epoch,
    training: loss / Math.max(1, residuals),
    heldOut: judged,
    gradientNorm: norms / Math.max(1, batches.length),
    rate,
  };
}

/**
 * Trains a member for up to `epochs` more epochs. The state that comes back depends on the one given and the data alone, so
 * that training may stop and go on anywhere between epochs. An epoch in which anything is not finite is taken back, the
 * learning rate halved from there on.
 *
 * @throws NumericalError `TRAINING_DIVERGED` when that keeps happening
 */
export function trainEpochs(
  start: MemberState,
  data: MemberData,
  settings: TrainingSettings,
  elements: number,
  epochs: number,
): MemberState {
  const { inputs } = data.frames[0]!.environments;
  const model = new NetworkModel(shapeOf(settings, inputs), elements);
  let state = copyOf(start);
  for (let k = 0; k < epochs && !state.finished; k++) {
    const before = copyOf(state);
    const outcome = runEpoch(state, model, data, settings);
    if (typeof outcome === 'string') {
      state = before;
      state.rateFactor /= 2;
      state.rollbacks.push({ epoch: state.epoch, reason: outcome });
      if (state.rollbacks.length > MOST_ROLLBACKS) {
        throw new NumericalError(
          'TRAINING_DIVERGED',
          `training of member ${state.member + 1} must give finite numbers, but did not ${state.rollbacks.length} times (${outcome})`,
          { member: state.member, epoch: state.epoch },
        );
      }
      continue;
    }
    state.history.push(outcome);
    // Without structures to be judged by, the last parameters are as good as any.
    if (outcome.heldOut < state.bestLoss || data.heldOut.length === 0) {
      state.bestLoss = outcome.heldOut;
      state.bestEpoch = state.epoch;
      state.best = state.average.slice();
    }
    state.epoch++;
    state.finished = state.epoch >= settings.epochs || state.epoch - state.bestEpoch > settings.patience;
  }
  return state;
}
