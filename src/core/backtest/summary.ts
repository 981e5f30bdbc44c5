import type { Metric } from './compare.ts';
import { metricOf, RANDOM } from './compare.ts';
import { monotoneErrors } from './curves.ts';
import type { RunResult } from './play.ts';

/** A strategy's error along the labels over all its runs: geometric mean, least and largest. */
export interface CurveBand {
  readonly labels: readonly number[];
  readonly mean: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** Points at the numbers of labels that all the runs have. */
function commonLabels(runs: readonly RunResult[]): number[] {
  const [first, ...others] = runs.map(({ curve }) => curve.map(({ labels }) => labels));
  return (first ?? []).filter((n) => others.every((list) => list.includes(n)));
}

function bandOf(labels: readonly number[], series: readonly (readonly number[])[]): CurveBand {
  const at = (k: number): number[] => series.map((values) => values[k]!);
  return {
    labels,
    mean: labels.map((_, k) => Math.exp(at(k).reduce((sum, value) => sum + Math.log(value), 0) / series.length)),
    low: labels.map((_, k) => Math.min(...at(k))),
    high: labels.map((_, k) => Math.max(...at(k))),
  };
}

function valuesAt(run: RunResult, labels: readonly number[], metric: Metric): number[] {
  return labels.map((n) => metricOf(metric, run.curve.find((point) => point.labels === n)!));
}

/** Learning curve of some runs in one error. @param runs at least one */
export function learningCurve(runs: readonly RunResult[], metric: Metric): CurveBand {
  const labels = commonLabels(runs);
  return bandOf(
    labels,
    runs.map((run) => valuesAt(run, labels, metric)),
  );
}

/**
 * Error of each run over the geometric mean of the random runs of its split, along the labels. For random itself the
 * others of its split are the yardstick: what is chance. Null where nothing can be compared.
 */
export function ratioCurve(all: readonly RunResult[], strategy: string, metric: Metric): CurveBand | null {
  const own = all.filter((run) => run.strategy === strategy);
  const labels = commonLabels([...own, ...all.filter((run) => run.strategy === RANDOM)]);
  const series = own.flatMap((run) => {
    const yardstick = all.filter((other) => other.strategy === RANDOM && other.split === run.split && other !== run);
    if (yardstick.length === 0) return [];
    const reference = bandOf(
      labels,
      yardstick.map((other) => valuesAt(other, labels, metric)),
    );
    return [valuesAt(run, labels, metric).map((value, k) => value / reference.mean[k]!)];
  });
  return series.length === 0 ? null : bandOf(labels, series);
}

/** Number of labels at which the mean curve of a strategy first comes down to an error, its monotone form; null where it does not. */
export function labelsTo(band: CurveBand, target: number): number | null {
  const k = monotoneErrors(band.mean).findIndex((value) => value <= target);
  return k < 0 ? null : band.labels[k]!;
}

/** [groups] share of the labels that each group has at the end, over some runs. */
export function pickShares(runs: readonly RunResult[], groups: readonly string[]): Record<string, number> {
  const shares: Record<string, number> = {};
  const total = runs.reduce((sum, { picks }) => sum + picks.length, 0);
  for (const { picks } of runs) for (const f of picks) shares[groups[f]!] = (shares[groups[f]!] ?? 0) + 1 / total;
  return shares;
}
