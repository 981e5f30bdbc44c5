/**
 * Back-tests on public DFT data, the tables of docs/backtest.md: node bench/backtests.ts [name…] [--splits n] …
 * Names are those of `backtest-cases.ts` or beginnings of them; without any, all pools that are on this machine. Runs that are in
 * the output directory are not played again.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { comparisonText } from '../src/cli/backtest-report.ts';
import { writeBacktest } from '../src/cli/verbs/backtest.ts';
import { BALANCED, DEFAULT_STRATEGIES, DEFAULT_STRATEGY } from '../src/core/backtest/choose.ts';
import type { BacktestComparison, Spread } from '../src/core/backtest/compare.ts';
import { compareRuns, RANDOM } from '../src/core/backtest/compare.ts';
import { runBacktest } from '../src/node/backtest/backtest.ts';
import { directoryStore } from '../src/node/backtest/run-store.ts';
import { readFrames } from '../src/node/frames.ts';
import { allowedThreads, createPool } from '../src/node/workers/pool.ts';
import { dataFile } from '../test/support/data.ts';
import type { BacktestBars, BacktestCase } from './backtest-cases.ts';
import { BACKTEST_CASES } from './backtest-cases.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    splits: { type: 'string', default: '5' },
    'first-split': { type: 'string', default: '0' },
    'random-runs': { type: 'string', default: '3' },
    strategies: { type: 'string' },
    threads: { type: 'string' },
    output: { type: 'string', default: join(tmpdir(), 'querent-backtests') },
  },
});

/** Strategies that are played on a case unless others are named. */
function strategiesOf({ settings }: BacktestCase): string[] {
  if (values.strategies !== undefined) return [...new Set([...values.strategies.split(','), RANDOM])];
  return settings.play.targetGroup === null
    ? [...DEFAULT_STRATEGIES]
    : ['target-variance', DEFAULT_STRATEGY, BALANCED, RANDOM];
}

const verdict = (name: string, spread: Spread | null | undefined, limit: number | undefined, pick: keyof Spread) => {
  if (limit === undefined) return [];
  if (spread === null || spread === undefined) return [`${name}: saturated`];
  const value = spread[pick] as number;
  return [`${name} ${value.toFixed(2)} of ${limit}: ${value <= limit ? 'met' : 'MISSED'}`];
};

/** The bars of a case against what was found. */
function judged({ againstRandom, againstBalanced }: BacktestComparison, bars: BacktestBars): string[] {
  const { forces, energy } = againstRandom[DEFAULT_STRATEGY] ?? {};
  return [
    ...verdict('forces', forces?.mean, bars.forces, 'median'),
    ...verdict('worst forces', forces?.worst, bars.worstForces, 'median'),
    ...verdict('energies', energy?.mean, bars.energy, 'median'),
    ...verdict('labels, forces', forces?.labels, bars.labels, 'median'),
    ...verdict('labels, energies', energy?.labels, bars.labels, 'median'),
    ...verdict(
      'energies to balanced random',
      againstBalanced?.[DEFAULT_STRATEGY]?.energy?.mean,
      bars.balancedEnergy,
      'median',
    ),
  ];
}

const ratio = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : '> 1');
const spread = (found: Spread | null | undefined): string => {
  if (found === undefined) return '-';
  return found === null ? 'saturated' : `${ratio(found.median)} (${ratio(found.low)}–${ratio(found.high)})`;
};

/** Rows of the tables of docs/backtest.md. */
function tableRows(name: string, { againstRandom, againstBalanced, chance, metrics }: BacktestComparison): string[] {
  const target = metrics.includes('targetEnergy');
  const row = (strategy: string, found: BacktestComparison['againstRandom'][string] | null): string => {
    const [forces, energy] = [found?.forces, target ? found?.targetEnergy : found?.energy];
    const balanced = againstBalanced?.[strategy]?.energy?.mean;
    const cells = [
      spread(forces?.mean),
      forces === undefined ? '-' : ratio(forces.worst.median),
      spread(energy?.mean),
      energy === undefined ? '-' : ratio(energy.worst.median),
      forces === undefined ? '-' : spread(forces.labels),
      energy === undefined ? '-' : spread(energy.labels),
      energy === undefined ? '-' : spread(energy.atoms),
      spread(balanced),
    ];
    return `| ${[name, strategy, ...cells].join(' | ')} |`;
  };
  return [...Object.entries(againstRandom).map(([strategy, found]) => row(strategy, found)), row('chance', chance)];
}

const HEADER =
  '| pool | strategy | F | worst F | E | worst E | labels F | labels E | atoms E | E to balanced |\n|---|---|---|---|---|---|---|---|---|---|';
const table: string[] = [];

async function play(one: BacktestCase): Promise<void> {
  const files = one.files.map((file) => dataFile(file));
  if (files.includes(null)) {
    console.log(`${one.name}: data not here`);
    return;
  }
  const { frames } = await readFrames(files as string[]);
  const directory = join(values.output, one.name);
  await mkdir(directory, { recursive: true });
  const pool = createPool(values.threads === undefined ? allowedThreads() : Number(values.threads), null);
  const begin = performance.now();
  try {
    const result = await runBacktest(
      frames,
      one.settings,
      {
        strategies: strategiesOf(one),
        firstSplit: Number(values['first-split']),
        splits: Number(values.splits),
        randomRuns: Number(values['random-runs']),
      },
      pool,
      directoryStore(directory),
      {
        rows: () => undefined,
        begun: ({ structures, atoms, functions, groups }) =>
          console.error(`${one.name}: ${structures} structures, ${atoms} atoms, ${functions} functions`, groups),
        run: (done, total) =>
          console.error(`${one.name}: ${done} of ${total} after ${Math.round((performance.now() - begin) / 1000)} s`),
      },
    );
    const comparison = compareRuns(result.runs, BALANCED);
    await writeBacktest(directory, one.name, result, one.settings, comparison);
    const repeats = result.runs.reduce((sum, run) => sum + (run.strategy === DEFAULT_STRATEGY ? run.repeats : 0), 0);
    table.push(...tableRows(one.name, comparison));
    console.log(`## ${one.name}\n\n${comparisonText(comparison)}`);
    if (one.settings.data.copies > 1) console.log(`copies labelled twice by ${DEFAULT_STRATEGY}: ${repeats}`);
    if (one.bars !== null) console.log(`${judged(comparison, one.bars).join('; ')}\n`);
  } finally {
    await pool.dispose();
  }
}

/** Whether a case is named: by its whole name, or by a beginning that is the name of none. */
function isNamed({ name }: BacktestCase): boolean {
  return positionals.some((given) => {
    const [short, own] = [given.toLowerCase(), name.toLowerCase()];
    return short === own || (own.startsWith(short) && !BACKTEST_CASES.some((one) => one.name.toLowerCase() === short));
  });
}

for (const one of BACKTEST_CASES) if (positionals.length === 0 || isNamed(one)) await play(one);
console.log([HEADER, ...table].join('\n'));
