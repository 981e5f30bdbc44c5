import { InputError } from '../errors.ts';
import { median } from '../numerics/median.ts';
import type { ErrorCurve } from './curves.ts';
import { meanCurve, ratioAtEqualLabels, savings } from './curves.ts';
import type { CurvePoint, RunResult } from './play.ts';

/** The strategy that all others are measured by. */
export const RANDOM = 'random';

/** Errors by which strategies are compared; the first two are the headline. */
export const METRICS = [
  'forces',
  'energy',
  'pooledForces',
  'pooledEnergy',
  'heldOutForces',
  'heldOutEnergy',
  'targetForces',
  'targetEnergy',
] as const;
/** Name of an error. */
export type Metric = (typeof METRICS)[number];

const PICKS: Readonly<Record<Metric, (point: CurvePoint) => number>> = {
  forces: ({ balanced }) => balanced.forces.rmse,
  energy: ({ balanced }) => balanced.energy.mae,
  pooledForces: ({ forces }) => forces.rmse,
  pooledEnergy: ({ energy }) => energy.mae,
  heldOutForces: ({ heldOut }) => heldOut?.balanced.forces.rmse ?? Number.NaN,
  heldOutEnergy: ({ heldOut }) => heldOut?.balanced.energy.mae ?? Number.NaN,
  targetForces: ({ target }) => target?.forces.rmse ?? Number.NaN,
  targetEnergy: ({ target }) => target?.energy.mae ?? Number.NaN,
};

/** An error at a point of a curve, NaN where there is none. */
export function metricOf(metric: Metric, point: CurvePoint): number {
  return PICKS[metric](point);
}

/** A figure over the splits. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** In the order of the splits. */
  readonly values: readonly number[];
}

/** A strategy against a yardstick in one error. */
export interface Comparison {
  /** Error ratio at equal labels: geometric mean and worst along the curve. */
  readonly mean: Spread;
  readonly worst: Spread;
  /** Labels and atoms to the final error of the yardstick over those it had; null where it is saturated in most splits. */
  readonly labels: Spread | null;
  readonly atoms: Spread | null;
}

/** What a back-test found. */
export interface BacktestComparison {
  /** Metrics that have values. */
  readonly metrics: readonly Metric[];
  /** Each strategy against random. */
  readonly againstRandom: Readonly<Record<string, Partial<Record<Metric, Comparison>>>>;
  /** Against random that is balanced over clusters, where that was played. */
  readonly againstBalanced: Readonly<Record<string, Partial<Record<Metric, Comparison>>>> | null;
  /** Single random runs against the mean of the others on their split: what is chance. */
  readonly chance: Partial<Record<Metric, Comparison>> | null;
}

/** Median, least and largest. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values), values };
}

interface Pair {
  readonly own: readonly RunResult[];
  readonly yardstick: readonly RunResult[];
}

function curvesOf(runs: readonly RunResult[], metric: Metric): { labels: ErrorCurve; atoms: ErrorCurve } {
  const of = (at: (point: CurvePoint) => number): ErrorCurve =>
    meanCurve(runs.map(({ curve }) => ({ at: curve.map(at), error: curve.map((point) => metricOf(metric, point)) })));
  return { labels: of((point) => point.labels), atoms: of((point) => point.atoms) };
}

function compare(pairs: readonly Pair[], metric: Metric): Comparison {
  const rows = pairs.map(({ own, yardstick }) => {
    const [a, b] = [curvesOf(own, metric), curvesOf(yardstick, metric)];
    return {
      ...ratioAtEqualLabels(a.labels.at, a.labels.error, b.labels.error),
      labels: savings(a.labels, b.labels),
      atoms: savings(a.atoms, b.atoms),
    };
  });
  const saved = (pick: (row: (typeof rows)[number]) => number | null): Spread | null => {
    const known = rows.map(pick).filter((value) => value !== null);
    return 2 * known.length > rows.length ? spreadOf(known) : null;
  };
  return {
    mean: spreadOf(rows.map(({ mean }) => mean)),
    worst: spreadOf(rows.map(({ worst }) => worst)),
    labels: saved(({ labels }) => labels),
    atoms: saved(({ labels, atoms }) => (labels === null ? null : atoms)),
  };
}

/**
 * All strategies against random at equal labels and in labels saved, split by split.
 *
 * @param runs     finished runs of a back-test; splits that lack a random run are left out
 * @param balanced name of the cluster-balanced random strategy
 * @throws InputError `NO_RANDOM_RUNS` where no split has one
 */
export function compareRuns(runs: readonly RunResult[], balanced: string): BacktestComparison {
  const bySplit = new Map<number, Map<string, RunResult[]>>();
  for (const run of [...runs].sort((a, b) => a.split - b.split || a.run - b.run)) {
    const split = bySplit.get(run.split) ?? new Map<string, RunResult[]>();
    bySplit.set(run.split, split);
    split.set(run.strategy, [...(split.get(run.strategy) ?? []), run]);
  }
  const splits = [...bySplit.values()].filter((split) => split.has(RANDOM));
  if (splits.length === 0) throw new InputError('NO_RANDOM_RUNS', 'back-test must hold random runs, got none');
  const strategies = [...new Set(runs.map(({ strategy }) => strategy))];
  const first = splits[0]!.get(RANDOM)![0]!;
  const metrics = METRICS.filter((metric) => first.curve.every((point) => metricOf(metric, point) > 0));
  const against = (yardstick: string): Record<string, Partial<Record<Metric, Comparison>>> =>
    Object.fromEntries(
      strategies.flatMap((strategy) => {
        const pairs = splits.flatMap((split) => {
          const [own, other] = [split.get(strategy), split.get(yardstick)];
          return strategy === yardstick || own === undefined || other === undefined ? [] : [{ own, yardstick: other }];
        });
        return pairs.length === 0 ? [] : [[strategy, everyMetric(pairs, metrics)]];
      }),
    );
  const lone = splits.flatMap((split) => {
    const random = split.get(RANDOM)!;
    return random.length < 2
      ? []
      : random.map((run) => ({ own: [run], yardstick: random.filter((other) => other !== run) }));
  });
  return {
    metrics,
    againstRandom: against(RANDOM),
    againstBalanced: strategies.includes(balanced) ? against(balanced) : null,
    chance: lone.length === 0 ? null : everyMetric(lone, metrics),
  };
}

function everyMetric(pairs: readonly Pair[], metrics: readonly Metric[]): Partial<Record<Metric, Comparison>> {
  return Object.fromEntries(metrics.map((metric) => [metric, compare(pairs, metric)]));
}
