/** Back-tests on public DFT data: a short one always, those of docs/backtest.md where they are asked for. */
import { describe, expect, it } from 'vitest';
import { BACKTEST_CASES, type BacktestCase, judgedBars, missingFiles, playCase } from '../../bench/backtest-cases.ts';
import { BALANCED, DEFAULT_STRATEGY } from '../../src/core/backtest/choose.ts';
import { compareRuns } from '../../src/core/backtest/compare.ts';
import { monotoneErrors } from '../../src/core/backtest/curves.ts';
import { allowedThreads, createPool } from '../../src/node/workers/pool.ts';
import { skipReason } from '../support/data.ts';

const caseOf = (name: string): BacktestCase => BACKTEST_CASES.find((one) => one.name === name)!;
const TA = caseOf('Ta');
const SMALL: BacktestCase = {
  ...TA,
  settings: {
    ...TA.settings,
    model: { ...TA.settings.model, preset: 'small' },
    play: { ...TA.settings.play, end: 0.3 },
  },
};
const skipped = (one: BacktestCase): boolean => missingFiles(one).length > 0;
const reason = (one: BacktestCase): string => missingFiles(one).slice(0, 1).map(skipReason).join('');

async function played(one: BacktestCase, arms: Parameters<typeof playCase>[1]) {
  const pool = createPool(allowedThreads(), null);
  return await playCase(one, arms, pool).finally(() => pool.dispose());
}

describe('back-tests on tantalum', () => {
  it.skipIf(skipped(SMALL))(`find what an uneven pool lets balance and uncertainty gain${reason(SMALL)}`, async () => {
    const { setup, runs } = await played(SMALL, { strategies: [DEFAULT_STRATEGY, 'random'], splits: 2, randomRuns: 2 });
    expect(setup).toMatchObject({ structures: 350, atoms: 4170, pool: 261, test: 89, functions: 122 });
    const { mean } = compareRuns(runs, BALANCED).againstRandom[DEFAULT_STRATEGY]!.energy!;
    // Splits differ widely at so few labels; over five of them the bar is 0.45.
    expect(mean.median).toBeLessThan(0.85);
    for (const { curve, strategy } of runs) {
      const errors = curve.map(({ balanced }) => balanced.forces.rmse);
      // A solver that loses digits shows in errors that jump: none is far from its falling curve.
      const monotone = monotoneErrors(errors);
      // (Random may lack a whole group for long, and then its errors there are anything.)
      if (strategy === DEFAULT_STRATEGY) {
        for (const [k, error] of errors.entries()) expect(error / monotone[k]!).toBeLessThan(1.5);
        expect(errors.at(-1)!).toBeLessThan(errors[0]!);
      }
      expect(curve.at(-1)!.calibration.forces.coverage95).toBeGreaterThan(0.7);
    }
  });

  const copies: BacktestCase = {
    ...SMALL,
    settings: {
      ...SMALL.settings,
      data: { ...SMALL.settings.data, copies: 5 },
      play: { ...SMALL.settings.play, end: 0.15 },
    },
  };
  it.skipIf(skipped(copies))(`label no structure twice that is there five times${reason(copies)}`, async () => {
    const strategies = [DEFAULT_STRATEGY, 'd-optimality', 'random'];
    const { setup, runs } = await played(copies, { strategies, splits: 1, randomRuns: 1 });
    expect(setup.structures).toBe(5 * 350);
    for (const { strategy, repeats, picks } of runs) {
      if (strategy === 'random') continue;
      expect(picks.length).toBe(39);
      expect(repeats, strategy).toBe(0);
    }
  });
});

describe('the pools of docs/backtest.md', () => {
  it('have names of their own, and files', () => {
    expect(new Set(BACKTEST_CASES.map(({ name }) => name)).size).toBe(BACKTEST_CASES.length);
    for (const { files } of BACKTEST_CASES) expect(files.length).toBeGreaterThan(0);
  });

  for (const one of process.env.QUERENT_SLOW ? BACKTEST_CASES : []) {
    it.skipIf(skipped(one))(
      `${one.name}: the default strategy meets its bars${reason(one)}`,
      { timeout: 7_200_000 },
      async () => {
        const { runs } = await played(one, {});
        const comparison = compareRuns(runs, BALANCED);
        for (const { name, value, most } of one.bars === null ? [] : judgedBars(comparison, one.bars))
          if (value !== null) expect(value, name).toBeLessThanOrEqual(most);
      },
    );
  }
});
