import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { freshFolder } from '../../../test/support/command.ts';
import { siliconFrames } from '../../../test/support/models.ts';
import { createPool } from '../workers/pool.ts';
import type { ArmSettings, BacktestProgress } from './backtest.ts';
import { armsOf, runBacktest } from './backtest.ts';
import { directoryStore, NO_STORE } from './run-store.ts';
import type { BacktestSettings } from './settings.ts';
import { DEFAULT_BACKTEST } from './settings.ts';

const folder = freshFolder('backtest');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const silicon = siliconFrames(40).map((frame, f) => ({ ...frame, group: f < 25 ? 'a' : 'b' }));
const settings: BacktestSettings = {
  ...DEFAULT_BACKTEST,
  model: { ...DEFAULT_BACKTEST.model, nmax: [3, 2], lmax: [0, 1], cutoff: 4 },
  play: { ...DEFAULT_BACKTEST.play, initial: 4, batch: 6 },
};
const arms: ArmSettings = { strategies: ['d-optimality', 'random'], firstSplit: 1, splits: 2, randomRuns: 2 };
const QUIET: BacktestProgress = { rows: () => undefined, begun: () => undefined, run: () => undefined };

async function backtestOn(
  threads: number,
  store = NO_STORE,
  progress = QUIET,
  changed: Partial<BacktestSettings> = {},
) {
  const pool = createPool(threads, null);
  try {
    return await runBacktest(silicon, { ...settings, ...changed }, arms, pool, store, progress);
  } finally {
    await pool.dispose();
  }
}

describe('armsOf', () => {
  it('goes split by split, random first, and repeats what draws lots', () => {
    expect(armsOf(arms).map(({ strategy, split, run }) => `${strategy} ${split} ${run}`)).toEqual([
      'random 1 0',
      'random 1 1',
      'd-optimality 1 0',
      'random 2 0',
      'random 2 1',
      'd-optimality 2 0',
    ]);
  });
});

describe('runBacktest', () => {
  it('gives the same on 1 and 2 threads', async () => {
    const [one, two] = [await backtestOn(1), await backtestOn(2)];
    expect(two).toEqual(one);
    expect(one.runs).toHaveLength(6);
    expect(one.setup).toMatchObject({
      structures: 40,
      atoms: 320,
      groups: { a: 25, b: 15 },
      pool: 30,
      test: 10,
      heldOut: 0,
    });
  });

  it('keeps runs as they end, and does not play them again', async () => {
    const directory = join(folder, 'kept');
    const whole = await backtestOn(1, directoryStore(directory));
    const files = readdirSync(join(directory, 'runs')).filter((name) => name.endsWith('.json'));
    expect(files).toHaveLength(6);
    rmSync(join(directory, 'runs', files[0]!));
    const told: string[] = [];
    const progress: BacktestProgress = {
      ...QUIET,
      begun: ({ functions }) => told.push(`${functions} functions`),
      run: (done, total, fresh) => told.push(`${done} of ${total}, ${fresh} now`),
    };
    expect(await backtestOn(2, directoryStore(directory), progress)).toEqual(whole);
    expect(told).toEqual([`${whole.setup.functions} functions`, '5 of 6, 0 now', '6 of 6, 1 now']);
    await expect(backtestOn(1, directoryStore(directory), QUIET, { testShare: 0.3 })).rejects.toThrow('got others');
  });

  it('refuses strategies that are none, no random, and targets that are not there', async () => {
    const pool = createPool(1, null);
    const run = (strategies: string[], targetGroup: string | null = null) =>
      runBacktest(
        silicon,
        { ...settings, play: { ...settings.play, targetGroup } },
        { ...arms, strategies },
        pool,
        NO_STORE,
        QUIET,
      );
    await expect(run(['best', 'random'])).rejects.toThrow('strategy must be one of');
    await expect(run(['bald'])).rejects.toThrow('strategies must include random, got bald');
    await expect(run(['random'], 'c')).rejects.toThrow('target group must be in the data, got "c"');
    await pool.dispose();
  });
});
