import type { CurvePoint, RunResult } from '../../src/core/backtest/play.ts';
import type { PoolRows } from '../../src/core/backtest/pool-rows.ts';
import { RandomStream } from '../../src/core/random.ts';

/** How a pool of random rows is made. */
export interface SyntheticPool {
  /** Number of frames of each group. */
  readonly groups: Readonly<Record<string, number>>;
  readonly columns?: number;
  /** Force rows of a frame. */
  readonly forces?: number;
  readonly virials?: number;
  /** Standard deviation of force targets and, over their relative noise, of all targets about the linear truth. */
  readonly noise?: number;
  readonly seed?: number;
  /** Each frame so many times. */
  readonly copies?: number;
}

/**
 * Rows of a linear truth: frames of a group share a direction in which their rows are long, so that a group is learnt from
 * its own frames only.
 */
export function syntheticPool({
  groups,
  columns = 8,
  forces = 6,
  virials = 0,
  noise = 0.05,
  seed = 1,
  copies = 1,
}: SyntheticPool): { readonly pool: PoolRows; readonly truth: Float64Array } {
  const stream = new RandomStream(seed, 'synthetic pool');
  const truth = Float64Array.from({ length: columns }, () => stream.normal());
  const names = Object.entries(groups).flatMap(([name, count]) => new Array<string>(count).fill(name));
  const list = Object.keys(groups);
  const n = names.length;
  const m = 1 + forces + virials;
  const rows = new Float64Array(n * m * columns);
  const targets = new Float64Array(n * m);
  const owners = new Int32Array(n * m).fill(-1);
  const features = new Float64Array(n * columns);
  for (let f = 0; f < n; f++) {
    const own = list.indexOf(names[f]!) % columns;
    for (let i = 0; i < m; i++) {
      let target = 0;
      for (let v = 0; v < columns; v++) {
        const x = (v === own ? 1 : 0.1) * stream.normal();
        rows[(f * m + i) * columns + v] = x;
        target += x * truth[v]!;
        if (i === 0) features[f * columns + v] = (v === own ? 4 : 0) + 0.1 * x;
      }
      targets[f * m + i] = target + noise * stream.normal();
      if (i > 0 && i <= forces) owners[f * m + i] = Math.floor((i - 1) / 3);
    }
  }
  const each = <T extends Int32Array | Float64Array>(make: (f: number) => number, array: T): T => {
    for (let f = 0; f < array.length; f++) array[f] = make(f % n);
    return array;
  };
  const total = copies * n;
  const repeated = Float64Array.from({ length: total * columns }, (_, k) => features[k % features.length]!);
  return {
    truth,
    pool: {
      columns,
      governed: columns,
      blocks: [rows],
      targets: [targets],
      owners: [owners],
      block: new Int32Array(total),
      first: each((f) => f * m, new Int32Array(total)),
      energies: new Int32Array(total).fill(1),
      forces: new Int32Array(total).fill(forces),
      virials: new Int32Array(total).fill(virials),
      energyUnit: new Float64Array(total).fill(0.05 / 2),
      forceUnit: new Float64Array(total).fill(1),
      atoms: new Int32Array(total).fill(4),
      features: repeated,
      featureColumns: columns,
      displacementNorms: new Float64Array(total).fill(0.1),
      ground: 0,
      groups: Array.from({ length: total }, (_, f) => names[f % n]!),
      ids: Array.from({ length: total }, (_, f) => `frame ${String(f).padStart(4, '0')}`),
      originals: each((f) => f, new Int32Array(total)),
    },
  };
}

/** A run with the same errors of everything along the labels. */
export function backtestRun(
  strategy: string,
  split: number,
  run: number,
  labels: readonly number[],
  errors: readonly number[],
): RunResult {
  const calibration = { energy: { ece: 0.1, coverage95: 0.9 }, forces: { ece: 0.05, coverage95: 0.94 } };
  return {
    strategy,
    split,
    run,
    seed: 1,
    curve: labels.map((n, k): CurvePoint => {
      const pair = { mae: errors[k]!, rmse: errors[k]! };
      const set = { energy: pair, forces: pair };
      const base = { labels: n, atoms: 4 * n, ...set, balanced: set, heldOut: null, target: null };
      return { ...base, ece: 0.05, calibration, strength: 1, noise: 0.1 };
    }),
    picks: labels.map((_, k) => k),
    repeats: 0,
    filled: 0,
  };
}
