import { setImmediate } from 'node:timers/promises';
import { isIsolatedAtom } from '../../core/dataset/reference-energies.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { buildAceBasis } from '../../core/descriptors/ace/enumerate.ts';
import { InputError } from '../../core/errors.ts';
import { sha256Hex } from '../../core/hash.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import { requireLinear } from '../../core/potentials/linear-model.ts';
import type { NeuralEnsemble } from '../../core/potentials/neural/ensemble.ts';
import { calibrateCommittee } from '../../core/potentials/neural/ensemble.ts';
import type { InputMap } from '../../core/potentials/neural/inputs.ts';
import { mergeMoments, principalInputs } from '../../core/potentials/neural/inputs.ts';
import { NetworkModel } from '../../core/potentials/neural/loss.ts';
import { checkShape } from '../../core/potentials/neural/network.ts';
import type { MemberData, MemberState } from '../../core/potentials/neural/training.ts';
import { bootstrapDraws, lossOf, newMember, shapeOf } from '../../core/potentials/neural/training.ts';
import { symbolOf } from '../../core/elements.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { writeModel } from '../../formats/model-file.ts';
import type { ModelHandle } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { checkFrames, checkSpecies } from './check-frames.ts';
import { chunksOf } from './chunks.ts';
import { dataHash } from './fit.ts';
import type { Checkpoints } from './neural-checkpoints.ts';
import type { NeuralSettings } from './neural-settings.ts';
import { checkNeuralSettings, neuralSpecification } from './neural-settings.ts';
import { openModel } from './open-model.ts';
import { committeeFrame, forceErrors, meanSize, verdictOf } from './neural-verdict.ts';
import { trainingFolds } from './training-folds.ts';

/** Fewest structures of which some can be held out and the rest bootstrapped. */
const FEWEST_STRUCTURES = 10;
/** Least share of the noise in an error bar, as of the linear fit. */
const LEAST_NOISE_SHARE = 0.02;

/** What a training reports as it goes. */
export type NeuralProgress = (
  phase: 'environments' | 'training',
  done: number,
  total: number,
  member?: { readonly state: MemberState; readonly members: number },
) => void;

/** An ensemble on top of its linear model, and what a person wants to know of it. */
export interface NeuralFit {
  /** The model with its networks; they are in force only where the verdict says so. */
  readonly model: LinearModel;
  readonly basis: AceBasis;
  readonly ensemble: NeuralEnsemble;
  readonly states: readonly MemberState[];
  readonly trained: number;
  /** Rolled-back epochs, put into words. */
  readonly warnings: readonly string[];
}

/** Refuses data of which no networks can learn. @throws InputError `NO_FORCES`, `TOO_FEW_STRUCTURES`, `ELEMENT_WITHOUT_ATOMS` */
function checkData(frames: readonly Frame[], model: LinearModel): void {
  if (!frames.some(({ labels }) => labels.forces !== null)) {
    throw new InputError(
      'NO_FORCES',
      'data must carry forces to train networks on, got none; name their key with --forces-key',
    );
  }
  if (frames.length < FEWEST_STRUCTURES) {
    throw new InputError(
      'TOO_FEW_STRUCTURES',
      `data must hold at least ${FEWEST_STRUCTURES} structures to train networks on, got ${frames.length}`,
    );
  }
  const missing = model.layout.species.filter((z) => !frames.some(({ structure }) => structure.species.includes(z)));
  if (missing.length > 0) {
    throw new InputError(
      'ELEMENT_WITHOUT_ATOMS',
      `data must hold atoms of every element of the model, got none of ${missing.map(symbolOf).join(', ')}`,
    );
  }
}

/** Name of a training, by which its checkpoints are told from others: data, linear model and settings. */
export function trainingKey(frames: readonly Frame[], linear: ModelHandle, settings: NeuralSettings): string {
  const bytes = (array: Float64Array): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const { checkpointEvery, largestEnce, miscoverage, ...fixing } = settings;
  return sha256Hex(
    linear.id,
    JSON.stringify(fixing),
    ...frames.flatMap(({ structure, labels }) => [
      bytes(structure.positions),
      Uint8Array.from(structure.species),
      bytes(structure.cell ?? new Float64Array(0)),
      String(labels.energy),
      bytes(labels.forces ?? new Float64Array(0)),
      bytes(labels.virial ?? new Float64Array(0)),
    ]),
  );
}

async function inputMaps(
  basis: AceBasis,
  frames: readonly Frame[],
  settings: NeuralSettings,
  pool: TaskPool,
): Promise<InputMap[]> {
  const parts = await pool.map(
    'neuralMoments',
    chunksOf(frames).map((chunk) => ({ basis, structures: chunk.map(({ structure }) => structure) })),
  );
  const moments = parts[0]!;
  for (const part of parts.slice(1)) {
    for (const [e, own] of part.entries()) mergeMoments(moments[e]!, own);
  }
  const inputs = Math.min(settings.inputs, ...basis.functions.map((list) => list.length));
  return moments.map((own) => principalInputs(own, inputs, settings.whitening));
}

/** Trains one member in pieces, with a checkpoint after each. */
async function trainMember(
  member: number,
  data: MemberData,
  elements: number,
  settings: NeuralSettings,
  pool: TaskPool,
  checkpoints: Checkpoints | null,
  report: (state: MemberState) => void,
): Promise<MemberState> {
  const { inputs } = data.frames[0]!.environments;
  let state = (await checkpoints?.read(member)) ?? newMember(settings.training, inputs, elements, member);
  report(state);
  while (!state.finished) {
    state = await pool.run('neuralEpochs', {
      state,
      data,
      settings: settings.training,
      elements,
      epochs: settings.checkpointEvery,
    });
    await checkpoints?.write(state);
    report(state);
    await setImmediate();
  }
  return state;
}

/**
 * Trains an ensemble of small networks on top of a linear model, calibrates its spread on structures that no member has
 * seen, and puts it in force where it is no worse than the linear model there and its error bars are calibrated. The same
 * seed gives the same bits whatever the number of threads, and whether or not it was interrupted.
 *
 * @param all         labelled structures, best those of the linear fit
 * @param checkpoints where each member leaves its state every few epochs, and goes on from; null for none
 * @throws InputError `NO_FORCES`, `TOO_FEW_STRUCTURES`, `ELEMENT_WITHOUT_ATOMS`, `SPECIES_NOT_IN_BASIS` and those of the settings
 */
export async function fitNeural(
  all: readonly Frame[],
  linear: { readonly model: LinearModel; readonly basis: AceBasis; readonly handle: ModelHandle },
  settings: NeuralSettings,
  pool: TaskPool,
  options: { readonly checkpoints?: Checkpoints | null; readonly progress?: NeuralProgress } = {},
): Promise<NeuralFit> {
  checkNeuralSettings(settings);
  const { neural: before, ...model } = linear.model;
  requireLinear(model, 'networks');
  // Networks that are there already have no part in what new ones are to correct.
  const handle = before === undefined ? linear.handle : openModel(writeModel(model, linear.basis));
  checkFrames(all);
  checkSpecies(all, model.layout.species);
  const frames = all.filter((frame) => !isIsolatedAtom(frame));
  checkData(frames, model);
  const { checkpoints = null, progress } = options;
  const basis = buildAceBasis(neuralSpecification(model.specification, settings));
  const elements = model.layout.species.length;
  const maps = await inputMaps(basis, frames, settings, pool);
  const shape = shapeOf(settings.training, maps[0]!.inputs);
  checkShape(shape);

  const fitted = dataHash(all) === model.training.dataHash && model.training.settings.robust === undefined;
  const chunks = chunksOf(frames);
  const environments = (
    await pool.map(
      'neuralFrames',
      chunks.map((chunk) => ({ model: handle, basis, maps, frames: chunk, stress: settings.stress, fitted })),
      (done) => progress?.('environments', done, chunks.length),
    )
  ).flat();

  const { noise } = model.posterior.hyperparameters;
  const folds = Math.max(2, Math.round(1 / settings.heldOut));
  const fold = trainingFolds(frames, folds, settings.training.seed);
  const learned = environments.filter((_, f) => fold[f] !== 0);
  const heldOut = environments.filter((_, f) => fold[f] === 0);
  const dataOf = (member: number): MemberData => ({
    frames: learned,
    draws: settings.bootstrap
      ? bootstrapDraws(learned.length, settings.training.seed, member)
      : learned.map((_, f) => (f % settings.members === member ? 0 : 1)),
    heldOut,
    noises: noise,
  });

  await checkpoints?.open();
  const done = new Array<number>(settings.members).fill(0);
  let trained = 0;
  const total = settings.members * settings.training.epochs;
  const states = await inLanes(pool.threads, settings.members, (member) => {
    let first = true;
    return trainMember(member, dataOf(member), elements, settings, pool, checkpoints, (state) => {
      if (!first) trained++;
      first = false;
      done[member] = state.finished ? settings.training.epochs : state.epoch;
      progress?.(
        'training',
        done.reduce((a, b) => a + b),
        total,
        { state, members: settings.members },
      );
    });
  });

  const network = new NetworkModel(shape, elements);
  const members = states.map(({ best }) => best);
  const judged = heldOut.map((frame) => committeeFrame(frame, network, members, noise, model));
  const calibration = calibrateCommittee(judged, members.length, LEAST_NOISE_SHARE, settings.miscoverage);
  const start = lossOf(network, heldOut, new Float64Array(network.count), noise).mean;
  const { mae, ence } = forceErrors(judged, calibration.scales);
  const linearError = meanSize(heldOut.flatMap(({ residuals }) => [...(residuals.forces ?? [])]));
  const verdict = verdictOf(heldOut.length, linearError, mae, ence, settings.largestEnce);
  const ensemble: NeuralEnsemble = {
    specification: basis.specification,
    basisId: basis.id,
    shape,
    maps,
    members,
    ...calibration,
    active: verdict.reason === '',
    verdict,
    training: {
      settings: settings.training,
      members: states.map(({ epoch, bestEpoch, bestLoss, rollbacks }) => ({
        epochs: epoch,
        bestEpoch,
        startLoss: start,
        bestLoss,
        rollbacks: rollbacks.length,
      })),
    },
  };
  return {
    model: { ...model, neural: ensemble },
    basis: linear.basis,
    ensemble,
    states,
    trained,
    warnings: states.flatMap(({ member, rollbacks }) =>
      rollbacks.map(
        ({ epoch, reason }) =>
          `member ${member + 1}: epoch ${epoch + 1} was taken back and the learning rate halved: ${reason}`,
      ),
    ),
  };
}

/** Results of `count` jobs in their order, no more than `lanes` at a time. */
async function inLanes<T>(lanes: number, count: number, job: (index: number) => Promise<T>): Promise<T[]> {
  const results = new Array<T>(count);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      results[index] = await job(index);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, lanes) }, lane));
  return results;
}
