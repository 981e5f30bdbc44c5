import type { BacktestComparison, Comparison, Metric, Spread } from '../core/backtest/compare.ts';
import { RANDOM } from '../core/backtest/compare.ts';
import type { RunResult } from '../core/backtest/play.ts';
import { learningCurve, pickShares, ratioCurve } from '../core/backtest/summary.ts';
import type { BacktestPage, PagePlot, PageTable } from '../formats/backtest-page.ts';
import { seriesColor } from '../formats/learning-curve-svg.ts';
import type { BacktestSetup } from '../node/backtest/backtest.ts';
import { plural } from './output.ts';
import { cell, percent, renderTable } from './table.ts';

/** How an error is called, with its unit and what a stored value is multiplied by. */
const STYLES: Readonly<Record<Metric, { readonly name: string; readonly unit: string; readonly scale: number }>> = {
  forces: { name: 'forces, mean over groups', unit: 'meV/Å', scale: 1000 },
  energy: { name: 'energies, mean over groups', unit: 'meV/atom', scale: 1000 },
  pooledForces: { name: 'forces, all together', unit: 'meV/Å', scale: 1000 },
  pooledEnergy: { name: 'energies, all together', unit: 'meV/atom', scale: 1000 },
  heldOutForces: { name: 'forces of groups held out', unit: 'meV/Å', scale: 1000 },
  heldOutEnergy: { name: 'energies of groups held out', unit: 'meV/atom', scale: 1000 },
  targetForces: { name: 'forces of the target group', unit: 'meV/Å', scale: 1000 },
  targetEnergy: { name: 'energies of the target group', unit: 'meV/atom', scale: 1000 },
};

/** A ratio with two decimals; what is never reached is more than one. */
function ratio(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '-';
  return Number.isFinite(value) ? value.toFixed(2) : '> 1';
}

/** `0.64 (0.59–0.71)`: median, least and largest over splits. */
function spreadCell(spread: Spread | null | undefined): string {
  if (spread === null) return 'saturated';
  if (spread === undefined) return '-';
  return `${ratio(spread.median)} (${ratio(spread.low)}–${ratio(spread.high)})`;
}

function comparisonCells(found: Comparison | undefined): string[] {
  return [
    spreadCell(found?.mean),
    ratio(found?.worst.median),
    found === undefined ? '-' : spreadCell(found.labels),
    found === undefined ? '-' : spreadCell(found.atoms),
  ];
}

const HEADERS = ['error ratio', 'worst', 'label ratio', 'atom ratio'] as const;

/** Tables of a comparison, one for each error and yardstick: medians over splits with least and largest. */
export function comparisonTables({ metrics, againstRandom, againstBalanced, chance }: BacktestComparison): PageTable[] {
  return metrics.flatMap((metric): PageTable[] => {
    const { name } = STYLES[metric];
    const rows = Object.entries(againstRandom).map(([strategy, found]) => [
      strategy,
      ...comparisonCells(found[metric]),
    ]);
    if (chance !== null) rows.push(['random against random', ...comparisonCells(chance[metric])]);
    const tables = [
      {
        title: `Against random: ${name}`,
        note: 'Error over that of random at equal labels (geometric mean from 20 labels on, and the worst point); labels and atoms to the final error of random over those that random had (> 1: not reached at the end). Medians over splits, least and largest in brackets; below 1 is better.',
        columns: ['strategy', ...HEADERS],
        rows,
      },
    ];
    const balanced = Object.entries(againstBalanced ?? {}).filter(([strategy]) => strategy !== RANDOM);
    if (balanced.length > 0 && (metric === 'forces' || metric === 'energy'))
      tables.push({
        title: `Against cluster-balanced random: ${name}`,
        note: 'The control that is hard to beat: as many from each cluster, at random.',
        columns: ['strategy', ...HEADERS],
        rows: balanced.map(([strategy, found]) => [strategy, ...comparisonCells(found[metric])]),
      });
    return tables;
  });
}

/** The tables as plain text. */
export function comparisonText(comparison: BacktestComparison): string {
  return comparisonTables(comparison)
    .map(({ title, columns, rows }) => {
      const heads = columns.map((header, c) => (c === 0 ? { header, align: 'left' as const } : { header }));
      return `${title}\n${renderTable(heads, rows)}`;
    })
    .join('\n');
}

function strategiesOf(runs: readonly RunResult[]): string[] {
  return [...new Set(runs.map(({ strategy }) => strategy))];
}

function curvePlots(runs: readonly RunResult[], metrics: readonly Metric[]): PagePlot[] {
  const strategies = strategiesOf(runs);
  const colored = strategies.map((strategy) =>
    strategy === RANDOM ? '#666' : seriesColor(strategies.filter((name) => name !== RANDOM).indexOf(strategy)),
  );
  return metrics.flatMap((metric): PagePlot[] => {
    const { name, unit, scale } = STYLES[metric];
    const learning = strategies.map((strategy, s) => {
      const band = learningCurve(
        runs.filter((run) => run.strategy === strategy),
        metric,
      );
      const scaled = (values: readonly number[]): number[] => values.map((value) => scale * value);
      return {
        label: strategy,
        x: band.labels,
        y: scaled(band.mean),
        low: scaled(band.low),
        high: scaled(band.high),
        color: colored[s]!,
        dashed: strategy === RANDOM,
      };
    });
    const ratios = strategies.flatMap((strategy, s) => {
      const band = ratioCurve(runs, strategy, metric);
      if (band === null) return [];
      return [
        {
          label: strategy,
          x: band.labels,
          y: band.mean,
          low: band.low,
          high: band.high,
          color: colored[s]!,
          dashed: strategy === RANDOM,
        },
      ];
    });
    return [
      { title: `Error: ${name}`, xLabel: 'labelled structures', yLabel: unit, series: learning },
      { title: `Over random: ${name}`, xLabel: 'labelled structures', yLabel: 'ratio', series: ratios, level: 1 },
    ];
  });
}

function pickTable(runs: readonly RunResult[], groups: readonly string[]): PageTable {
  const strategies = strategiesOf(runs);
  const shares = strategies.map((strategy) =>
    pickShares(
      runs.filter((run) => run.strategy === strategy),
      groups,
    ),
  );
  const counts = new Map<string, number>();
  for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1);
  return {
    title: 'What was labelled',
    note: 'Share of each group among the labels at the end of the runs, and in the data.',
    columns: ['group', 'data', ...strategies],
    rows: [...counts].map(([group, count]) => [
      group === '' ? '(none)' : group,
      percent(count / groups.length),
      ...shares.map((share) => percent(share[group] ?? 0)),
    ]),
  };
}

function calibrationTable(runs: readonly RunResult[]): PageTable {
  const mean = (own: readonly RunResult[], pick: (point: RunResult['curve'][number]) => number): number => {
    const values = own.map(({ curve }) => pick(curve.at(-1)!)).filter((value) => !Number.isNaN(value));
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  return {
    title: 'Error bars at the end',
    note: 'Expected calibration error (0 is best) and the share of test values within the 95 % interval, of bars whose factors come from left-out errors of the labelled structures.',
    columns: ['strategy', 'ECE forces', 'ECE energies', '95 % forces', '95 % energies'],
    rows: strategiesOf(runs).map((strategy) => {
      const own = runs.filter((run) => run.strategy === strategy);
      return [
        strategy,
        cell(
          mean(own, ({ calibration }) => calibration.forces.ece),
          2,
        ),
        cell(
          mean(own, ({ calibration }) => calibration.energy.ece),
          2,
        ),
        percent(mean(own, ({ calibration }) => calibration.forces.coverage95)),
        percent(mean(own, ({ calibration }) => calibration.energy.coverage95)),
      ];
    }),
  };
}

/** `1.2 GB`, `40 MB`. */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}

/** Name and value of what a person should know of the set-up. */
export function setupFacts(setup: BacktestSetup): (readonly [string, string])[] {
  const { structures, atoms, groups, pool, test, heldOut, functions, specification, memory, notes } = setup;
  const cutoff = specification.pairs[0]![0]!.cutoff;
  return [
    [
      'data',
      `${plural(structures, 'structure')}, ${plural(atoms, 'atom')} in ${plural(Object.keys(groups).length, 'group')}`,
    ],
    ...notes.map((note) => ['left out', note] as const),
    ['split', `${pool} to choose from, ${test} to judge by${heldOut > 0 ? `, ${heldOut} held out` : ''}`],
    ['model', `${functions} functions of ${specification.elements.join(', ')}, cutoff ${cell(cutoff)} Å`],
    ['rows', formatBytes(memory)],
  ];
}

/** The page of a back-test. @param groups [frames] of the data, as the picks count them */
export function backtestPage(
  name: string,
  setup: BacktestSetup,
  runs: readonly RunResult[],
  comparison: BacktestComparison,
): BacktestPage {
  const splits = new Set(runs.map(({ split }) => split)).size;
  const findings = Object.entries(comparison.againstRandom).map(([strategy, found]) => {
    const { forces, energy } = found;
    return `${strategy}: at equal labels, errors of forces are ${ratio(forces?.mean.median)} and those of energies ${ratio(energy?.mean.median)} of those of random selection.`;
  });
  return {
    title: `Back-test: ${name}`,
    facts: [...setupFacts(setup), ['runs', `${runs.length} on ${plural(splits, 'split')}`]],
    findings,
    plots: curvePlots(runs, comparison.metrics),
    tables: [...comparisonTables(comparison), pickTable(runs, setup.groupOf), calibrationTable(runs)],
  };
}
