import { InputError } from '../errors.ts';
import type { CandidateRows, Selection } from './acquisition.ts';
import { selectBald } from './bald.ts';
import { type GreedyOptions, selectDOptimal } from './d-optimality.ts';
import { selectMaxVariance } from './max-variance.ts';
import { selectRandom } from './random.ts';

/** Names of the strategies. */
export const STRATEGIES = ['d-optimality', 'bald', 'max-variance', 'random'] as const;
/** Name of a strategy. */
export type Strategy = (typeof STRATEGIES)[number];

/** Settings of a selection. */
export interface SelectOptions extends GreedyOptions {
  /** Seed and round of the random control. */
  readonly seed?: number;
  readonly round?: number;
}

/**
 * Chooses the batch to label next.
 *
 * @param r          [d, d] upper-triangular factor of the posterior precision, row-major
 * @param candidates structures with their rows over the noise; at most `batchSize` of them are chosen
 * @throws           InputError for a strategy, size or pool that makes no sense; NumericalError for rows that are not finite
 */
export function selectBatch(
  strategy: Strategy,
  r: Float64Array,
  candidates: readonly CandidateRows[],
  batchSize: number,
  options: SelectOptions = {},
): Selection {
  const d = Math.round(Math.sqrt(r.length));
  if (d * d !== r.length || d === 0) {
    throw new InputError('PRECISION_FACTOR', `precision factor must be square, got ${r.length} numbers`);
  }
  if (!(Number.isInteger(batchSize) && batchSize >= 1)) {
    throw new InputError('BATCH_SIZE', `batch size must be a positive integer, got ${batchSize}`, { batchSize });
  }
  const ids = new Set<string>();
  for (const { id, rows, count } of candidates) {
    if (ids.has(id)) throw new InputError('DUPLICATE_CANDIDATE', `candidate ids must differ, got ${id} twice`, { id });
    ids.add(id);
    if (rows.length !== count * d) {
      throw new InputError(
        'CANDIDATE_ROWS',
        `rows of candidate ${id} must hold ${count} × ${d} numbers, got ${rows.length}`,
        { id },
      );
    }
    if (!rows.every((value) => Number.isFinite(value))) {
      throw new InputError('CANDIDATE_ROWS', `rows of candidate ${id} must be finite, got NaN or infinity`, { id });
    }
  }
  switch (strategy) {
    case 'd-optimality':
      return selectDOptimal(r, d, candidates, batchSize, options);
    case 'bald':
      return selectBald(r, d, candidates, batchSize, options.minNats);
    case 'max-variance':
      return selectMaxVariance(r, d, candidates, batchSize);
    case 'random':
      return selectRandom(candidates, batchSize, options.seed ?? 0, options.round);
    default:
      throw new InputError('STRATEGY', `strategy must be one of ${STRATEGIES.join(', ')}, got ${String(strategy)}`);
  }
}
