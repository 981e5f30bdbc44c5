import type {
  CandidatePool,
  CommitteeOutputs,
  FeatureRows,
  Learner,
  PoolCandidate,
  RowKind,
  Rows,
  Targets,
} from '../acquisition/acquisition.ts';
import { condenseRows } from '../acquisition/gain.ts';
import { selectFromPool } from '../acquisition/select.ts';
import { strategyOf } from '../acquisition/strategies.ts';
import { InputError } from '../errors.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { formationRow } from './errors.ts';
import type { PoolRows } from './pool-rows.ts';
import { rowCount, rowsOf } from './pool-rows.ts';
import type { RidgeFit } from './ridge.ts';

/** The strategy that a run uses unless told otherwise. */
export const DEFAULT_STRATEGY = 'stratified-i-optimal';
/** Random that is balanced over clusters: the control that is hard to beat. */
export const BALANCED = 'balanced-random';
/** What is played unless told otherwise. */
export const DEFAULT_STRATEGIES = [DEFAULT_STRATEGY, BALANCED, 'd-optimality', 'max-variance', 'random'] as const;

/** Strategies that draw lots, so that runs on one split differ. */
export function isRandomised(strategy: string): boolean {
  return ['random', BALANCED, 'k-dpp'].includes(strategy);
}

/** @throws InputError `STRATEGY` for a name that is not one, or one that a back-test cannot play */
export function requirePlayable(strategy: string, targets: boolean): void {
  const { needs } = strategyOf(strategy);
  if (needs.includes('committee'))
    throw new InputError('STRATEGY', `strategy must not need a committee in a back-test, got ${strategy}`);
  if (needs.includes('targets') && !targets)
    throw new InputError('STRATEGY', `strategy ${strategy} must have a target group, got none`);
}

/** What a strategy sees when it chooses a batch. */
export interface ChoiceState {
  readonly fit: Pick<RidgeFit, 'r'>;
  readonly labelled: readonly number[];
  readonly candidates: readonly number[];
  readonly size: number;
  readonly seed: number;
  readonly round: number;
}

/** Chooses batches from the rows of a pool by one strategy; keeps what does not change from batch to batch. */
export class BatchChooser {
  private readonly pool: PoolRows;
  private readonly strategy: string;
  private readonly kernels: LinearKernels;
  private readonly targets: Targets | null;
  private readonly condensed = new Map<string, Rows>();

  /** @param targetFrames frames whose formation energies a targeted strategy is to make certain */
  constructor(pool: PoolRows, strategy: string, targetFrames: readonly number[], kernels: LinearKernels) {
    this.pool = pool;
    this.strategy = strategy;
    this.kernels = kernels;
    this.targets = strategyOf(strategy).needs.includes('targets') ? energyTargets(pool, targetFrames) : null;
  }

  /**
   * The frames of the next batch, perhaps fewer than asked for: others are the same as labelled ones, or the strategy gains
   * nothing by them.
   * @param strategy by default the one of this chooser
   */
  choose(state: ChoiceState, strategy = this.strategy): number[] {
    const { fit, labelled, candidates, size, seed, round } = state;
    const { pool } = this;
    const learner: Learner = { r: fit.r, labelled: featuresOf(pool, labelled) };
    const competing: CandidatePool = {
      candidates: candidates.map((f): PoolCandidate => {
        return { id: pool.ids[f]!, atoms: pool.atoms[f]!, group: null, cost: pool.atoms[f]!, excluded: null };
      }),
      learner,
      descriptors: featuresOf(pool, candidates),
      displacementNorms: Float64Array.from(candidates, (f) => pool.displacementNorms[f]!),
      rows: (index, kind = 'all') => this.rows(candidates[index]!, kind),
      committee: (): CommitteeOutputs | null => null,
    };
    const { selected } = selectFromPool(strategy, competing, size, {
      seed,
      round,
      kernels: this.kernels,
      minShare: 0,
      ...(this.targets === null ? {} : { targets: this.targets }),
    });
    return selected.map(({ index }) => candidates[index]!);
  }

  private rows(frame: number, kind: RowKind): Rows {
    const key = `${frame} ${kind}`;
    const known = this.condensed.get(key);
    if (known !== undefined) return known;
    const { pool } = this;
    const d = pool.columns;
    const counts = [pool.energies[frame]!, pool.forces[frame]!, pool.virials[frame]!];
    const place = { energy: 0, forces: 1, virial: 2, all: 0 }[kind];
    const first = counts.slice(0, place).reduce((sum, n) => sum + n, 0);
    const count = kind === 'all' ? rowCount(pool, frame) : counts[place]!;
    const rows = rowsOf(pool, frame).subarray(first * d, (first + count) * d);
    const found = condenseRows({ id: pool.ids[frame]!, rows, count }, d);
    if (count > d) this.condensed.set(key, found);
    return found;
  }
}

function featuresOf(pool: PoolRows, frames: readonly number[]): FeatureRows {
  const q = pool.featureColumns;
  const rows = new Float64Array(frames.length * q);
  for (const [k, f] of frames.entries()) rows.set(pool.features.subarray(f * q, (f + 1) * q), k * q);
  return { rows, count: frames.length, columns: q };
}

/** Rows of the formation energies per atom of some frames. */
function energyTargets(pool: PoolRows, frames: readonly number[]): Targets {
  const d = pool.columns;
  const own = frames.filter((f) => pool.energies[f]! > 0);
  const rows = new Float64Array(own.length * d);
  for (const [k, f] of own.entries()) rows.set(formationRow(pool, f), k * d);
  return { rows, count: own.length };
}
