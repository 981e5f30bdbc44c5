import { InputError } from '../errors.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { RandomStream } from '../random.ts';
import { farthestPoints } from '../sampling/farthest-point.ts';
import type { PointCalibration } from './calibration.ts';
import { pointCalibration } from './calibration.ts';
import { BatchChooser } from './choose.ts';
import type { GroupedErrors, SetErrors } from './errors.ts';
import { setErrors, targetErrors } from './errors.ts';
import type { BacktestSplit, PoolRows } from './pool-rows.ts';
import { requireSplit, rowCount, rowsOf, targetsOf } from './pool-rows.ts';
import { EvidenceRidge } from './ridge.ts';

/** How a run begins and goes on. */
export interface PlaySettings {
  /** Structures of the first batch. */
  readonly initial: number;
  /** How the first batch is drawn: at random, or the farthest points of the mean descriptors. */
  readonly initialBy: 'random' | 'farthest-point';
  /** Whether every run draws its own first batch; otherwise all runs of a split begin alike. */
  readonly ownInitial: boolean;
  /** Structures of a batch; twice as many from `12 · batch` labels on. */
  readonly batch: number;
  /** Share of the pool at which a run ends. */
  readonly end: number;
  /** Group whose errors count on their own, and for which a strategy may choose; null for none. */
  readonly targetGroup: string | null;
  readonly seed: number;
}

/** Which run: a strategy on a split, and of the runs that draw lots, which. */
export interface Arm {
  readonly strategy: string;
  readonly split: number;
  readonly run: number;
}

/** A point of a learning curve. */
export interface CurvePoint extends SetErrors {
  readonly labels: number;
  /** Atoms of the labelled structures together. */
  readonly atoms: number;
  /** Means over groups. */
  readonly balanced: SetErrors;
  /** On groups that were held out, and on the target group (its energies from the ground state); null without. */
  readonly heldOut: GroupedErrors | null;
  readonly target: SetErrors | null;
  /** Expected calibration error of the forces. */
  readonly ece: number;
  readonly calibration: PointCalibration;
  /** λ and σ of the evidence. */
  readonly strength: number;
  readonly noise: number;
}

/** A run: its curve and what it chose. */
export interface RunResult extends Arm {
  readonly seed: number;
  readonly curve: readonly CurvePoint[];
  /** Frames in the order of their labels. */
  readonly picks: readonly number[];
  /** Picks of which a copy was labelled before. */
  readonly repeats: number;
  /** Picks that the strategy left to chance: it found nothing else that differs from what is labelled. */
  readonly filled: number;
}

/** Numbers of labels at which a run stops to refit: the same for all strategies. */
export function labelGrid(poolSize: number, { initial, batch, end }: PlaySettings): number[] {
  const last = Math.max(initial, Math.floor(end * poolSize));
  const grid = [initial];
  for (let n = initial; n < last; ) {
    n = Math.min(last, n + (n < 12 * batch ? batch : 2 * batch));
    grid.push(n);
  }
  return grid;
}

function firstBatch(pool: PoolRows, split: BacktestSplit, arm: Arm, settings: PlaySettings): number[] {
  const stream = settings.ownInitial
    ? new RandomStream(settings.seed, `back-test start ${arm.strategy}`, arm.split, arm.run)
    : new RandomStream(settings.seed, 'back-test start', arm.split);
  const order = stream.permutation(split.pool.length);
  if (settings.initialBy === 'random') return Array.from(order.subarray(0, settings.initial), (k) => split.pool[k]!);
  const q = pool.featureColumns;
  const rows = new Float64Array(split.pool.length * q);
  for (const [k, f] of split.pool.entries()) rows.set(pool.features.subarray(f * q, (f + 1) * q), k * q);
  const features = { rows, count: split.pool.length, columns: q };
  const first = settings.ownInitial ? order[0] : undefined;
  return Array.from(farthestPoints(features, settings.initial, [], first).order, (k) => split.pool[k]!);
}

/**
 * Plays one run: a first batch, then batch after batch by its strategy, with a refit after each; the labels of the pool
 * are seen when they are chosen and not before.
 *
 * @throws InputError for settings that make no sense
 */
export function playArm(
  pool: PoolRows,
  split: BacktestSplit,
  arm: Arm,
  settings: PlaySettings,
  kernels: LinearKernels,
): RunResult {
  requireSplit(split, settings.initial);
  if (!(settings.end > 0 && settings.end <= 1))
    throw new InputError('END_SHARE', `share of the pool to end at must lie between 0 and 1, got ${settings.end}`);
  const runSeed = new RandomStream(settings.seed, `back-test run ${arm.strategy}`, arm.split, arm.run).integer(2 ** 31);
  const originals = new Set(split.pool.map((f) => pool.originals[f]!)).size;
  const grid = labelGrid(originals, settings);
  const ridge = new EvidenceRidge(pool.columns, pool.governed, kernels);
  const labelled: number[] = [];
  const left = new Set(split.pool);
  const seen = new Set<number>();
  const curve: CurvePoint[] = [];
  const targetFrames = split.test.filter((f) => pool.groups[f] === settings.targetGroup);
  const chooser = new BatchChooser(pool, arm.strategy, targetFrames, kernels);
  let atoms = 0;
  let repeats = 0;
  let filled = 0;
  const label = (frames: readonly number[]): void => {
    for (const f of frames) {
      if (!left.delete(f)) throw new InputError('CHOICE', `choice must be left in the pool, got ${pool.ids[f]}`);
      labelled.push(f);
      atoms += pool.atoms[f]!;
      if (seen.has(pool.originals[f]!)) repeats++;
      seen.add(pool.originals[f]!);
      ridge.add(rowsOf(pool, f), targetsOf(pool, f), rowCount(pool, f));
    }
  };
  label(firstBatch(pool, split, arm, settings));
  for (const [round, labels] of grid.entries()) {
    const fit = ridge.fit();
    const errors = setErrors(pool, split.test, fit.weights);
    const calibration = pointCalibration(pool, fit, labelled, split.test, settings.seed, kernels);
    curve.push({
      labels,
      atoms,
      energy: errors.energy,
      forces: errors.forces,
      balanced: errors.balanced,
      heldOut: split.heldOut.length === 0 ? null : setErrors(pool, split.heldOut, fit.weights),
      target: settings.targetGroup === null ? null : targetErrors(pool, targetFrames, fit.weights),
      ece: calibration.forces.ece,
      calibration,
      strength: fit.strength,
      noise: fit.noise,
    });
    if (round + 1 === grid.length) break;
    const size = grid[round + 1]! - labels;
    const candidates = split.pool.filter((f) => left.has(f));
    const batch = chooser.choose({ fit, labelled, candidates, size, seed: runSeed, round });
    if (batch.length < size) {
      filled += size - batch.length;
      const others = (): number[] => candidates.filter((f) => !batch.includes(f));
      const missing = { fit, candidates: others(), size: size - batch.length, seed: runSeed, round };
      batch.push(...chooser.choose({ ...missing, labelled: [...labelled, ...batch] }, 'random'));
      // Only where nothing is left that differs from what is labelled.
      batch.push(...others().slice(0, size - batch.length));
    }
    label(batch);
  }
  return { ...arm, seed: runSeed, curve, picks: labelled, repeats, filled };
}
