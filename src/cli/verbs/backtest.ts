import { mkdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { BacktestComparison, Metric } from '../../core/backtest/compare.ts';
import { compareRuns, RANDOM } from '../../core/backtest/compare.ts';
import { BALANCED, DEFAULT_STRATEGIES } from '../../core/backtest/choose.ts';
import type { RunResult } from '../../core/backtest/play.ts';
import { InputError } from '../../core/errors.ts';
import { backtestComparisonCsv, backtestCurvesCsv } from '../../formats/backtest-csv.ts';
import { writeBacktestPage } from '../../formats/backtest-page.ts';
import type { Backtest, BacktestProgress } from '../../node/backtest/backtest.ts';
import { runBacktest } from '../../node/backtest/backtest.ts';
import { directoryStore } from '../../node/backtest/run-store.ts';
import type { BacktestSettings } from '../../node/backtest/settings.ts';
import { DEFAULT_BACKTEST } from '../../node/backtest/settings.ts';
import { readFrames } from '../../node/frames.ts';
import { writeError, writeFileAtomic } from '../../node/files.ts';
import { backtestPage, comparisonText, setupFacts } from '../backtest-report.ts';
import {
  addLabelKeyOptions,
  addThreadsOption,
  finiteOrNull,
  integersOption,
  labelKeys,
  numberOption,
  threadsOption,
  withPool,
} from '../data-options.ts';
import { EXIT } from '../errors.ts';
import { checkWeightGroups, groupWeights } from '../group-weights.ts';
import { formatSeconds } from '../output.ts';
import type { Verb, VerbContext, VerbOptions } from '../verb.ts';

const PRESETS = ['small', 'medium', 'large'] as const;
const STARTS = ['random', 'farthest-point'] as const;

function oneOf<T extends string>(
  options: VerbOptions,
  name: string,
  flag: string,
  allowed: readonly T[],
  fallback: T,
): T {
  const given = options[name];
  if (given === undefined) return fallback;
  if (!allowed.includes(given as T))
    throw new InputError('BAD_OPTION', `${flag} must be one of ${allowed.join(', ')}, got "${String(given)}"`);
  return given as T;
}

/** `4.0,4.8` as a range. */
function rangeOf(text: string | undefined): BacktestSettings['model']['repulsion'] {
  if (text === undefined) return null;
  const [inner, outer] = text.split(',').map(Number);
  if (!(inner! > 0 && outer! > inner! && Number.isFinite(outer!)))
    throw new InputError('BAD_OPTION', `--repulsion must be two distances as 4.0,4.8 (Å), got "${text}"`);
  return { inner: inner!, outer: outer! };
}

/** Settings that the options ask for. @throws InputError `BAD_OPTION` */
export async function backtestSettings(options: VerbOptions, cwd: string): Promise<BacktestSettings> {
  const { model, data, play, testShare } = DEFAULT_BACKTEST;
  const positive = <T>(name: string, flag: string, unit: string, fallback: T): number | T =>
    numberOption(options, name, flag, (x) => x > 0 && Number.isFinite(x), `a positive number${unit}`, fallback);
  const count = <T>(name: string, flag: string, fallback: T): number | T =>
    numberOption(options, name, flag, (x) => Number.isInteger(x) && x >= 1, 'a whole number ≥ 1', fallback);
  const share = (name: string, flag: string, fallback: number): number =>
    numberOption(options, name, flag, (x) => x > 0 && x < 1, 'between 0 and 1', fallback);
  const nmax = integersOption(options, 'nmax', '--nmax');
  const lmax = integersOption(options, 'lmax', '--lmax');
  if ((nmax === null) !== (lmax === null) || (nmax !== null && nmax.length !== lmax!.length))
    throw new InputError('BAD_OPTION', '--nmax and --lmax must be given together, one number for each order');
  return {
    model: {
      preset: oneOf(options, 'preset', '--preset', PRESETS, model.preset as (typeof PRESETS)[number]),
      nmax,
      lmax,
      cutoff: positive('cutoff', '--cutoff', ' (Å)', model.cutoff),
      energyRatio: positive('ratio', '--ratio', ' (Å)', model.energyRatio),
      virialRatio: options.stress === false ? null : model.virialRatio,
      repulsion: rangeOf(options.repulsion as string | undefined),
      weights: await groupWeights(options.weights as string | undefined, cwd),
      energyWindow: positive('energyWindow', '--energy-window', ' (eV/atom)', model.energyWindow),
    },
    data: {
      maxForce: positive('maxForce', '--max-force', ' (eV/Å)', data.maxForce),
      maxEnergy: numberOption(
        options,
        'maxEnergy',
        '--max-energy',
        Number.isFinite,
        'a number (eV/atom)',
        data.maxEnergy,
      ),
      only: (options.only as string[] | undefined) ?? data.only,
      sample: count('sample', '--sample', data.sample),
      groupKey: (options.groupKey as string | undefined) ?? data.groupKey,
      leastGroup: count('leastGroup', '--least-group', data.leastGroup),
      copies: count('copies', '--copies', data.copies),
      jitter: positive('jitter', '--jitter', ' (Å)', data.jitter),
    },
    play: {
      initial: count('initial', '--initial', play.initial),
      initialBy: oneOf(options, 'initialBy', '--initial-by', STARTS, play.initialBy),
      ownInitial: options.ownInitial === true,
      batch: count('batch', '--batch', play.batch),
      end: share('end', '--end', play.end),
      targetGroup: (options.targetGroup as string | undefined) ?? null,
      seed: numberOption(
        options,
        'seed',
        '--seed',
        (n) => Number.isInteger(n) && n >= 0,
        'a whole number ≥ 0',
        play.seed,
      ),
    },
    testShare: share('testShare', '--test-share', testShare),
    heldOut: (options.holdOut as string[] | undefined) ?? [],
  };
}

/** Progress on standard error: a line now and then, or one that is redrawn on a terminal. */
function progressOf(context: VerbContext): BacktestProgress {
  let begin = performance.now();
  let last = 0;
  const say = (text: string, final: boolean): void => {
    const now = performance.now();
    if (context.isTTY) context.stderr(`\r\u001b[K${text}${final ? '\n' : ''}`);
    else if (final || now - last > 10_000) context.stderr(`${text}\n`);
    else return;
    last = now;
  };
  return {
    rows: (done, total) => say(`rows of the data: ${done} of ${total} parts`, done === total),
    begun: (setup) => {
      context.stderr(
        `${setupFacts(setup)
          .map(([name, value]) => `${name}: ${value}`)
          .join('\n')}\n`,
      );
      begin = performance.now();
    },
    run: (done, total, fresh) => {
      const left = ((performance.now() - begin) / 1000 / fresh) * (total - done);
      const rest = fresh > 0 && done < total ? `, about ${formatSeconds(left)} left` : '';
      say(`runs: ${done} of ${total}${rest}`, done === total);
    },
  };
}

/** Labels to the final error of random, as a share of those random had: medians over splits; null where saturated. */
function labelsToTarget({ againstRandom }: BacktestComparison): Record<string, Partial<Record<Metric, number | null>>> {
  return Object.fromEntries(
    Object.entries(againstRandom).map(([strategy, found]) => [
      strategy,
      Object.fromEntries(Object.entries(found).map(([metric, { labels }]) => [metric, labels?.median ?? null])),
    ]),
  );
}

/** The result of a back-test as JSON-able data. */
export function backtestJson(
  { setup, runs }: Backtest,
  settings: BacktestSettings,
  comparison: BacktestComparison,
): object {
  const arms: Record<string, RunResult[]> = {};
  for (const run of runs) {
    arms[run.strategy] ??= [];
    arms[run.strategy]!.push(run);
  }
  return { arms, labelsToTarget: labelsToTarget(comparison), comparison, setup, settings };
}

/** Writes everything a back-test leaves in its directory. */
export async function writeBacktest(
  directory: string,
  name: string,
  backtest: Backtest,
  settings: BacktestSettings,
  comparison: BacktestComparison,
): Promise<void> {
  const json = `${JSON.stringify(backtestJson(backtest, settings, comparison), finiteOrNull, 1)}\n`;
  await writeFileAtomic(join(directory, 'backtest.json'), json);
  await writeFileAtomic(join(directory, 'curves.csv'), backtestCurvesCsv(backtest.runs));
  await writeFileAtomic(join(directory, 'comparison.csv'), backtestComparisonCsv(comparison));
  const page = backtestPage(name, backtest.setup, backtest.runs, comparison);
  await writeFileAtomic(join(directory, 'backtest.html'), writeBacktestPage(page));
}

/** `querent backtest POOL…` */
export const verb: Verb = {
  name: 'backtest',
  summary: 'plays active learning on labelled data against random selection, many seeds side by side',
  configure(command: Command): void {
    command
      .argument(
        '<pool...>',
        'labelled structures: extended XYZ or gzip of it, file@start:stop:step, - for standard input',
      )
      .option(
        '-o, --output <dir>',
        'directory of the results; by default backtest-NAME. Runs in it are not played again',
      )
      .option('--strategies <names>', `strategies with commas between (default: ${DEFAULT_STRATEGIES.join(',')})`)
      .option('--splits <n>', 'splits into pool and test set', '5')
      .option('--first-split <n>', 'number of the first split', '0')
      .option('--random-runs <n>', 'runs of each strategy that draws lots, on each split', '3')
      .option('--seed <n>', 'seed of splits and runs')
      .option('--initial <n>', 'structures of the first batch (default: 5)')
      .option('--initial-by <way>', `first batch: ${STARTS.join(' or ')} (default: random)`)
      .option('--own-initial', 'every run draws its own first batch; otherwise all runs of a split begin alike')
      .option('--batch <n>', 'structures of a batch, twice as many from 12 batches on (default: 5)')
      .option('--end <share>', 'share of the pool at which a run ends (default: 0.5)')
      .option('--test-share <share>', 'share of each group that judges (default: 0.25)')
      .option('--hold-out <group...>', 'groups that are never labelled and judge extrapolation')
      .option('--target-group <group>', 'group whose errors count on their own, and for which strategies may choose')
      .option('--group-key <key>', 'info key of the groups; by default config_type, or classes of size and force')
      .option('--least-group <n>', 'groups of fewer structures are put together (default: 8)')
      .option('--preset <size>', `size of the basis: ${PRESETS.join(', ')} (default: small)`)
      .option('--nmax <list>', 'largest n by order, in place of the preset')
      .option('--lmax <list>', 'largest l by order, in place of the preset')
      .option('--cutoff <Å>', 'cutoff; by default 2.6 typical bond lengths')
      .option('--ratio <Å>', 'noise of energies over √N to that of forces (default: 0.05)')
      .option('--no-stress', 'leaves stress labels out')
      .option('--repulsion <a,b>', 'counts labels from a ZBL repulsion that goes to zero between two distances (Å)')
      .option('--weights <file>', 'weights of groups by kind, as of fit; a kind of weight 0 is not judged either')
      .option('--energy-window <eV/atom>', 'energies so far above the lowest count half, further ones less')
      .option('--max-force <eV/Å>', 'leaves structures with a larger force component out')
      .option('--max-energy <eV/atom>', 'leaves structures of a higher energy out')
      .option('--only <group...>', 'groups that take part; by default all')
      .option('--sample <n>', 'a random sample of the structures')
      .option(
        '--copies <n>',
        'every structure so many times, displaced by --jitter: strategies must not label it twice',
      )
      .option('--jitter <Å>', 'size of those displacements (default: 1e-4)')
      .option('--json', 'print the result as JSON');
    addThreadsOption(addLabelKeyOptions(command)).addHelpText(
      'after',
      '\nExample:\n  querent backtest silicon.xyz --splits 5 --random-runs 3 -o si-backtest\n\nThe directory holds backtest.html, backtest.json, curves.csv, comparison.csv and the runs.',
    );
  },
  async run(args, options, context): Promise<number> {
    const files = args[0] as string[];
    const settings = await backtestSettings(options, context.cwd);
    const whole = (name: string, flag: string, least: number): number =>
      numberOption(options, name, flag, (n) => Number.isInteger(n) && n >= least, `a whole number ≥ ${least}`, least);
    const strategies = (options.strategies as string | undefined)?.split(',').map((name) => name.trim());
    const arms = {
      strategies: [...new Set([...(strategies ?? DEFAULT_STRATEGIES), RANDOM])],
      splits: whole('splits', '--splits', 1),
      firstSplit: whole('firstSplit', '--first-split', 0),
      randomRuns: whole('randomRuns', '--random-runs', 1),
    };
    const threads = threadsOption(options);
    const name = basename(files[0]!.replace(/@[^@/]*$/, '')).replace(/\..*$/, '') || 'data';
    const directory = resolve(context.cwd, (options.output as string | undefined) ?? `backtest-${name}`);
    await mkdir(directory, { recursive: true }).catch((error: unknown) => {
      throw writeError(error, directory);
    });
    const { frames } = await readFrames(files, labelKeys(options));
    checkWeightGroups(settings.model.weights, frames);
    const started = performance.now();
    const result = await withPool(threads, context, (pool) =>
      runBacktest(frames, settings, arms, pool, directoryStore(directory), progressOf(context)),
    );
    const comparison = compareRuns(result.runs, BALANCED);
    await writeBacktest(directory, name, result, settings, comparison);
    if (options.json === true)
      context.stdout(`${JSON.stringify(backtestJson(result, settings, comparison), finiteOrNull, 1)}\n`);
    else {
      const seconds = formatSeconds((performance.now() - started) / 1000);
      context.stdout(`${comparisonText(comparison)}\n${join(directory, 'backtest.html')} written after ${seconds}\n`);
    }
    return EXIT.done;
  },
};
