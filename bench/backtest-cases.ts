import { BALANCED, DEFAULT_STRATEGIES, DEFAULT_STRATEGY } from '../src/core/backtest/choose.ts';
import type { BacktestComparison, Spread } from '../src/core/backtest/compare.ts';
import { RANDOM } from '../src/core/backtest/compare.ts';
import type { ArmSettings, Backtest, BacktestProgress } from '../src/node/backtest/backtest.ts';
import { runBacktest } from '../src/node/backtest/backtest.ts';
import { NO_STORE, type RunStore } from '../src/node/backtest/run-store.ts';
import type { BacktestSettings, DataSettings, ModelSettings } from '../src/node/backtest/settings.ts';
import { DEFAULT_BACKTEST } from '../src/node/backtest/settings.ts';
import type { PlaySettings } from '../src/core/backtest/play.ts';
import { readFrames } from '../src/node/frames.ts';
import type { TaskPool } from '../src/node/workers/pool.ts';
import { dataFile } from '../test/support/data.ts';

/** What the default strategy must reach on a pool: medians over splits of errors over those of random at equal labels. */
export interface BacktestBars {
  readonly forces: number;
  readonly energy: number;
  /** Worst point of the curve of forces. */
  readonly worstForces?: number;
  /** Labels to the final error of random, of forces and energies, as a share of those of random. */
  readonly labels?: number;
  /** Energies over those of cluster-balanced random. */
  readonly balancedEnergy?: number;
}

/** A pool with how it is played. */
export interface BacktestCase {
  readonly name: string;
  /** Files within the data folder. */
  readonly files: readonly string[];
  readonly settings: BacktestSettings;
  readonly bars: BacktestBars | null;
}

/** Changes of the default settings. */
interface Changes {
  readonly model?: Partial<ModelSettings>;
  readonly data?: Partial<DataSettings>;
  readonly play?: Partial<PlaySettings>;
  readonly heldOut?: readonly string[];
}

/** A seed of its own, so that no split is one that strategies were designed on. */
const SEED = 20261124;

function settingsOf({ model, data, play, heldOut }: Changes): BacktestSettings {
  return {
    model: { ...DEFAULT_BACKTEST.model, ...model },
    data: { ...DEFAULT_BACKTEST.data, ...data },
    play: { ...DEFAULT_BACKTEST.play, seed: SEED, ...play },
    testShare: DEFAULT_BACKTEST.testShare,
    heldOut: heldOut ?? [],
  };
}

const SI_MLEARN = ['mlearn/Si_train.xyz.gz', 'mlearn/Si_test.xyz.gz'];
const SI_JUMPS = ['si_defects_kmesh/vacancy_re_testing_set.xyz.gz', 'si_defects_kmesh/enhanced_validation_set.xyz.gz'];
const HOMOGENEOUS = { forces: 1.03, worstForces: 1.05, energy: 1.2 };

const TA: Changes = {
  model: {
    preset: 'medium',
    repulsion: { inner: 4, outer: 4.8 },
    weights: { Elastic_BCC: { energy: 0 }, Elastic_FCC: { energy: 0 } },
  },
  data: { maxEnergy: -5, leastGroup: 3 },
};

/** The pools of docs/backtest.md, in its order. */
export const BACKTEST_CASES: readonly BacktestCase[] = [
  {
    name: 'Ta',
    files: ['fitsnap_Ta/Ta.xyz.gz'],
    settings: settingsOf(TA),
    bars: { forces: 0.7, energy: 0.45, labels: 0.5, balancedEnergy: 0.9 },
  },
  {
    name: 'CuAce',
    files: ['cu_ace21/Cu_df2_1k.xyz.gz'],
    settings: settingsOf({ model: { energyWindow: 0.5 }, data: { maxForce: 10, sample: 520 } }),
    bars: { forces: 0.8, energy: 0.95 },
  },
  {
    name: 'SiDefects',
    files: [...SI_MLEARN, ...SI_JUMPS],
    settings: settingsOf({}),
    bars: { forces: 0.95, energy: 0.92, labels: 0.5 },
  },
  {
    name: 'SiDefects391',
    files: [...SI_MLEARN, ...SI_JUMPS],
    settings: settingsOf({ model: { preset: 'medium' } }),
    bars: { forces: 0.95, energy: 0.92, labels: 0.5 },
  },
  {
    name: 'W',
    files: ['w_uq/W_dev.xyz.gz'],
    settings: settingsOf({ model: { energyWindow: 0.5 }, data: { maxForce: 15, sample: 420 }, play: { end: 0.4 } }),
    bars: { forces: 1.02, energy: 0.9 },
  },
  {
    name: 'Ge',
    files: ['mlearn/Ge_train.xyz.gz', 'mlearn/Ge_test.xyz.gz'],
    settings: settingsOf({}),
    bars: null,
  },
  {
    name: 'CuMD',
    files: ['mlearn/Cu_train.xyz.gz', 'mlearn/Cu_test.xyz.gz'],
    settings: settingsOf({ model: { virialRatio: null }, data: { only: ['AIMD-NVT'], leastGroup: 3 } }),
    bars: HOMOGENEOUS,
  },
  {
    name: 'SiJumps',
    files: SI_JUMPS.slice(0, 1),
    settings: settingsOf({ data: { leastGroup: 3 } }),
    bars: HOMOGENEOUS,
  },
  {
    name: 'SiMigration',
    files: SI_JUMPS,
    settings: settingsOf({}),
    bars: null,
  },
  {
    name: 'SiToDefects',
    files: [...SI_MLEARN, ...SI_JUMPS],
    settings: settingsOf({ heldOut: ['Vacancy-RE-test', 'Enhanced-valid'] }),
    bars: null,
  },
  {
    name: 'SiSurface',
    files: SI_MLEARN,
    settings: settingsOf({ data: { leastGroup: 3 }, play: { targetGroup: 'Surface' } }),
    bars: null,
  },
  {
    name: 'SiVacancy',
    files: [...SI_MLEARN, ...SI_JUMPS],
    settings: settingsOf({ play: { targetGroup: 'Vacancy-RE-test' } }),
    bars: null,
  },
  {
    name: 'TaCopies',
    files: ['fitsnap_Ta/Ta.xyz.gz'],
    settings: settingsOf({ ...TA, model: { ...TA.model, preset: 'small' }, data: { ...TA.data, copies: 5 } }),
    bars: null,
  },
];

/** Strategies that are played on a case unless others are named. */
export function strategiesOf({ settings }: BacktestCase): string[] {
  return settings.play.targetGroup === null
    ? [...DEFAULT_STRATEGIES]
    : ['target-variance', DEFAULT_STRATEGY, BALANCED, RANDOM];
}

/** Files of a case that are not on this machine. */
export function missingFiles({ files }: BacktestCase): string[] {
  return files.filter((file) => dataFile(file) === null);
}

/** Plays a case; its files must be here. */
export async function playCase(
  one: BacktestCase,
  arms: Partial<ArmSettings>,
  pool: TaskPool,
  store: RunStore = NO_STORE,
  progress: BacktestProgress = { rows: () => undefined, begun: () => undefined, run: () => undefined },
): Promise<Backtest> {
  const { frames } = await readFrames(one.files.map((file) => dataFile(file)!));
  const all = { strategies: strategiesOf(one), firstSplit: 0, splits: 5, randomRuns: 3, ...arms };
  return await runBacktest(frames, one.settings, all, pool, store, progress);
}

/** A figure of the default strategy and what it must not exceed; null where random is saturated. */
export interface Judged {
  readonly name: string;
  readonly value: number | null;
  readonly most: number;
}

/** Medians over splits of the default strategy against the bars of its case. */
export function judgedBars({ againstRandom, againstBalanced }: BacktestComparison, bars: BacktestBars): Judged[] {
  const { forces, energy } = againstRandom[DEFAULT_STRATEGY] ?? {};
  const balanced = againstBalanced?.[DEFAULT_STRATEGY]?.energy;
  const rows: readonly (readonly [string, Spread | null | undefined, number | undefined])[] = [
    ['forces', forces?.mean, bars.forces],
    ['worst forces', forces?.worst, bars.worstForces],
    ['energies', energy?.mean, bars.energy],
    ['labels, forces', forces?.labels, bars.labels],
    ['labels, energies', energy?.labels, bars.labels],
    ['energies to balanced random', balanced?.mean, bars.balancedEnergy],
  ];
  return rows.flatMap(([name, spread, most]) =>
    most === undefined ? [] : [{ name, value: spread?.median ?? null, most }],
  );
}
