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
import { BALANCED, DEFAULT_STRATEGY } from '../src/core/backtest/choose.ts';
import type { BacktestComparison, Spread } from '../src/core/backtest/compare.ts';
import { compareRuns, RANDOM } from '../src/core/backtest/compare.ts';
import { directoryStore } from '../src/node/backtest/run-store.ts';
import { allowedThreads, createPool } from '../src/node/workers/pool.ts';
import type { BacktestCase } from './backtest-cases.ts';
import { BACKTEST_CASES, judgedBars, missingFiles, playCase, strategiesOf } from './backtest-cases.ts';

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
  const missing = missingFiles(one);
  if (missing.length > 0) {
    console.log(`${one.name}: ${missing.join(', ')} not here`);
    return;
  }
  const directory = join(values.output, one.name);
  await mkdir(directory, { recursive: true });
  const pool = createPool(values.threads === undefined ? allowedThreads() : Number(values.threads), null);
  const begin = performance.now();
  try {
    const strategies =
      values.strategies === undefined ? strategiesOf(one) : [...new Set([...values.strategies.split(','), RANDOM])];
    const result = await playCase(
      one,
      {
        strategies,
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
    if (one.bars !== null) {
      const lines = judgedBars(comparison, one.bars).map(({ name, value, most }) => {
        if (value === null) return `${name}: saturated`;
        return `${name} ${ratio(value)} of ${most}: ${value <= most ? 'met' : 'MISSED'}`;
      });
      console.log(`${lines.join('; ')}\n`);
    }
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
