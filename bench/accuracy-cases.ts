import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { RandomStream } from '../src/core/random.ts';
import type { Frame } from '../src/core/structure/structure.ts';
import type { EvaluatedFrame, EvaluationSummary } from '../src/core/validation/summary.ts';
import { summarizeEvaluation } from '../src/core/validation/summary.ts';
import { writeModel } from '../src/formats/model-file.ts';
import { groupWeights } from '../src/cli/group-weights.ts';
import { readFrames } from '../src/node/frames.ts';
import { evaluateModel } from '../src/node/training/evaluate.ts';
import type { Fit } from '../src/node/training/fit.ts';
import { fitModel } from '../src/node/training/fit.ts';
import { openModel } from '../src/node/training/open-model.ts';
import type { FitSettings } from '../src/node/training/settings.ts';
import { DEFAULT_FIT } from '../src/node/training/settings.ts';
import type { TaskPool } from '../src/node/workers/pool.ts';
import { dataFile } from '../test/support/data.ts';

/** How frames are parted into those that are fitted and those that judge. */
export type Split =
  | { readonly test: readonly string[] }
  /** A seeded random share of the frames is left out. */
  | { readonly share: number }
  /** Every frame is left out once; folds are dealt out within each config_type. */
  | { readonly folds: number };

/** One data set with a split and what must be reached on it. */
export interface AccuracyCase {
  readonly name: string;
  /** Files within the data folder. */
  readonly train: readonly string[];
  readonly split: Split;
  /** Weights of groups. */
  readonly weights?: string;
  /** Errors that must be met: meV/atom, eV/Å. */
  readonly most: { readonly energy?: number; readonly forces?: number };
  /** Best published errors on the same frames and by whom. */
  readonly published: string;
}

const mlearn = (element: string, energy: number, forces: number, published: string): AccuracyCase => ({
  name: element,
  train: [`mlearn/${element}_train.xyz.gz`],
  split: { test: [`mlearn/${element}_test.xyz.gz`] },
  most: { energy, forces },
  published,
});

/** The sets of docs/accuracy.md, in its order. */
export const CASES: readonly AccuracyCase[] = [
  mlearn('Si', 1.9, 0.0595, 'MTP 2.21 / 0.06'),
  mlearn('Ge', 1.55, 0.047, 'MTP 1.79 / 0.05'),
  mlearn('Cu', 0.21, 0.0052, 'ACE 0.228 / 0.005'),
  {
    name: 'Ni, a tenth left out',
    train: ['mlearn/Ni_train.xyz.gz'],
    split: { share: 0.1 },
    most: { energy: 0.42 },
    published: 'GAP 0.42 / 0.02, MTP 0.48 / 0.01 (their test set)',
  },
  {
    name: 'InP, 5 % left out',
    train: ['fitsnap_InP/InP.xyz.gz'],
    split: { share: 0.05 },
    most: { energy: 5, forces: 0.02 },
    published: 'FitSNAP PACE 11.7 / 0.0217 (a split like it)',
  },
  {
    name: 'Ta, five folds',
    train: ['fitsnap_Ta/Ta.xyz.gz'],
    split: { folds: 5 },
    weights: 'fitsnap_Ta/groups.json',
    most: { forces: 0.0758 },
    published: 'FitSNAP SNAP 0.0758 (on its training set)',
  },
  {
    name: '3BPA, 100 of 500 left out',
    train: ['3bpa/iso_atoms.xyz.gz', '3bpa/train_300K.xyz.gz'],
    split: { share: 0.2 },
    most: {},
    published: 'NequIP, RMSE 3.3 meV / 0.0108 (300 K test set)',
  },
  {
    name: 'ethanol',
    train: ['ethanol/isolated_atoms.xyz.gz', 'ethanol/train.xyz.gz'],
    split: { test: ['ethanol/test_MD.xyz.gz'] },
    most: {},
    published: '',
  },
  {
    name: 'water',
    train: ['water_deepmd/data_0_set000.xyz.gz'],
    split: { test: ['water_deepmd/data_1_set000.xyz.gz'] },
    most: {},
    published: '',
  },
  {
    name: 'NbTaW',
    train: ['nbmotaw/NbTaW_train.xyz.gz'],
    split: { test: ['nbmotaw/NbTaW_test.xyz.gz'] },
    most: {},
    published: '',
  },
];

/** Files of a case that are not on this machine. */
export function missingFiles(one: AccuracyCase): string[] {
  const test = 'test' in one.split ? one.split.test : [];
  return [...one.train, ...test, ...(one.weights === undefined ? [] : [one.weights])].filter(
    (name) => dataFile(name) === null,
  );
}

const read = async (names: readonly string[]): Promise<readonly Frame[]> =>
  (await readFrames(names.map((name) => dataFile(name) ?? name))).frames;

/** Frames to fit and to judge by, one pair for each fit of the case. */
async function partsOf({ train, split }: AccuracyCase, seed: number): Promise<[readonly Frame[], readonly Frame[]][]> {
  const frames = await read(train);
  if ('test' in split) return [[frames, await read(split.test)]];
  const single = (frame: Frame): boolean => frame.structure.species.length === 1;
  const whole = frames.filter((frame) => !single(frame));
  const order = new RandomStream(seed, 'accuracy').permutation(whole.length);
  const fold = new Map<Frame, number>();
  if ('share' in split) {
    const left = Math.round(split.share * whole.length);
    for (const [position, f] of order.entries()) fold.set(whole[f]!, position < left ? 0 : 1);
  } else {
    const next = new Map<string, number>();
    for (const f of order) {
      const frame = whole[f]!;
      const place = next.get(frame.group) ?? 0;
      fold.set(frame, place % split.folds);
      next.set(frame.group, place + 1);
    }
  }
  return Array.from({ length: 'folds' in split ? split.folds : 1 }, (_, k) => [
    frames.filter((frame) => fold.get(frame) !== k),
    whole.filter((frame) => fold.get(frame) === k),
  ]);
}

/** What a case came to. */
export interface AccuracyResult {
  readonly frames: readonly [fitted: number, judged: number];
  readonly fits: readonly Fit[];
  readonly summary: EvaluationSummary;
  /** Every judged frame with its errors. */
  readonly judged: readonly EvaluatedFrame[];
  readonly seconds: number;
  /** First digits of the hash of the first model: runs with equal settings have equal ones. */
  readonly hash: string;
}

/** Runs a case with the settings of `querent fit` without options, but for weights and seed. */
export async function runCase(
  one: AccuracyCase,
  pool: TaskPool,
  options: { readonly seed?: number; readonly settings?: Partial<FitSettings> } = {},
): Promise<AccuracyResult> {
  const seed = options.seed ?? DEFAULT_FIT.seed;
  const path = one.weights === undefined ? undefined : resolve(dataFile(one.weights) ?? one.weights);
  const weights = await groupWeights(path, '.');
  const settings: FitSettings = { ...DEFAULT_FIT, weights, seed, ...options.settings };
  const started = performance.now();
  const fits: Fit[] = [];
  const judged: EvaluatedFrame[] = [];
  let hash = '';
  let fitted = 0;
  for (const [train, test] of await partsOf(one, seed)) {
    const fit = await fitModel(train, settings, pool);
    const bytes = writeModel(fit.model, fit.basis);
    hash ||= createHash('sha256').update(bytes).digest('hex').slice(0, 8);
    judged.push(...(await evaluateModel(openModel(bytes), test, pool)));
    fits.push(fit);
    fitted += fit.frames.length;
  }
  return {
    frames: [Math.round(fitted / fits.length), judged.length],
    fits,
    summary: summarizeEvaluation(judged, fits[0]!.model.uncertainty.conformal.forces),
    judged,
    seconds: (performance.now() - started) / 1000,
    hash,
  };
}
