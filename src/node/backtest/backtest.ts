import type { Arm, RunResult } from '../../core/backtest/play.ts';
import { rowBytes } from '../../core/backtest/pool-rows.ts';
import { isRandomised, requirePlayable } from '../../core/backtest/choose.ts';
import { RANDOM } from '../../core/backtest/compare.ts';
import { backtestSplit } from '../../core/backtest/split.ts';
import type { AceSpecification } from '../../core/descriptors/ace/basis.ts';
import { InputError } from '../../core/errors.ts';
import { sha256Hex } from '../../core/hash.ts';
import { structureId } from '../../core/structure/identity.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { checkFrames } from '../training/check-frames.ts';
import type { TaskPool } from '../workers/pool.ts';
import { backtestFrames } from './frames.ts';
import { poolRows } from './rows.ts';
import type { RunStore } from './run-store.ts';
import type { BacktestSettings } from './settings.ts';

/** Which runs are played. */
export interface ArmSettings {
  readonly strategies: readonly string[];
  /** Splits first to first + count − 1. */
  readonly firstSplit: number;
  readonly splits: number;
  /** Runs of each strategy that draws lots, on each split. */
  readonly randomRuns: number;
}

/** What a person should know of the set-up. */
export interface BacktestSetup {
  readonly structures: number;
  readonly atoms: number;
  readonly groups: Readonly<Record<string, number>>;
  /** [frames] group of each frame. */
  readonly groupOf: readonly string[];
  /** Sizes of pool and test set of the first split. */
  readonly pool: number;
  readonly test: number;
  readonly heldOut: number;
  readonly functions: number;
  readonly specification: AceSpecification;
  /** Bytes of the rows. */
  readonly memory: number;
  readonly notes: readonly string[];
}

/** All runs of a back-test. */
export interface Backtest {
  readonly setup: BacktestSetup;
  readonly runs: readonly RunResult[];
}

/** Told what goes on: rows made, runs played (`fresh` of them in this call). */
export interface BacktestProgress {
  rows(done: number, total: number): void;
  begun(setup: BacktestSetup): void;
  run(done: number, total: number, fresh: number): void;
}

/** The runs in the order in which they are played: split by split, random first, so that what is there can be compared. */
export function armsOf({ strategies, firstSplit, splits, randomRuns }: ArmSettings): Arm[] {
  const ordered = [...strategies].sort((a, b) => Number(b === RANDOM) - Number(a === RANDOM));
  return Array.from({ length: splits }, (_, k) => firstSplit + k).flatMap((split) =>
    ordered.flatMap((strategy) =>
      Array.from({ length: isRandomised(strategy) ? randomRuns : 1 }, (_, run) => ({ strategy, split, run })),
    ),
  );
}

/** Hash of the data and of what the runs depend on, the arms left out. */
function fingerprint(frames: readonly Frame[], settings: BacktestSettings): string {
  const bytes = (array: Float64Array | null): Uint8Array =>
    array === null ? new Uint8Array(0) : new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return sha256Hex(
    JSON.stringify(settings),
    ...frames.flatMap(({ structure, labels, group }) => [
      structureId(structure),
      String(labels.energy),
      bytes(labels.forces),
      bytes(labels.virial),
      group,
    ]),
  );
}

/**
 * Plays every strategy on every split. Runs that the store holds are taken from it; each one that ends is put there at
 * once. The result depends on data and settings, not on the number of threads or on interruptions.
 *
 * @throws InputError for strategies that are none, or data that cannot be split
 */
export async function runBacktest(
  all: readonly Frame[],
  settings: BacktestSettings,
  arms: ArmSettings,
  pool: TaskPool,
  store: RunStore,
  progress: BacktestProgress,
): Promise<Backtest> {
  for (const strategy of arms.strategies) requirePlayable(strategy, settings.play.targetGroup !== null);
  if (!arms.strategies.includes(RANDOM))
    throw new InputError('NO_RANDOM_RUNS', `strategies must include ${RANDOM}, got ${arms.strategies.join(', ')}`);
  checkFrames(all);
  const data = backtestFrames(all, settings.data, settings.play.seed);
  const { play, testShare, heldOut } = settings;
  const splitOf = (split: number) =>
    backtestSplit(data.groups, data.originals, { testShare, heldOut, seed: play.seed }, split);
  const first = splitOf(arms.firstSplit);
  if (play.targetGroup !== null && !first.test.some((f) => data.groups[f] === play.targetGroup))
    throw new InputError('TARGET_GROUP', `target group must be in the data, got "${play.targetGroup}"`);
  await store.open(fingerprint(all, settings));
  const { rows, basis } = await poolRows(data, settings.model, pool, (done, total) => progress.rows(done, total));
  const counts: Record<string, number> = {};
  for (const group of data.groups) counts[group] = (counts[group] ?? 0) + 1;
  const setup: BacktestSetup = {
    structures: data.frames.length,
    atoms: rows.atoms.reduce((sum, n) => sum + n, 0),
    groups: counts,
    groupOf: data.groups,
    pool: first.pool.length,
    test: first.test.length,
    heldOut: first.heldOut.length,
    functions: rows.governed,
    specification: basis.specification,
    memory: rowBytes(rows),
    notes: data.notes,
  };
  progress.begun(setup);
  const list = armsOf(arms);
  const runs: (RunResult | null)[] = [];
  for (const arm of list) runs.push(await store.find(arm));
  const open = list.flatMap((arm, k) => (runs[k] === null ? [{ arm, k }] : []));
  const known = list.length - open.length;
  const saving: Promise<void>[] = [];
  progress.run(known, list.length, 0);
  await pool.each(
    'backtestRun',
    open.map(({ arm }) => ({ pool: rows, split: splitOf(arm.split), arm, settings: play })),
    (result, index, done) => {
      runs[open[index]!.k] = result;
      saving.push(store.save(result));
      progress.run(known + done, list.length, done);
    },
  );
  await Promise.all(saving);
  return { setup, runs: runs as RunResult[] };
}
