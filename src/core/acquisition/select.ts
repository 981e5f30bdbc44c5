import { InputError } from '../errors.ts';
import type { CandidatePool, CandidateRows, Selection, SelectionContext } from './acquisition.ts';
import { inPool, memoryPool, subPool } from './pool.ts';
import { type Strategy, strategyOf } from './strategies.ts';
import { findTwins } from './twins.ts';

export { STRATEGIES, type Strategy } from './strategies.ts';

/** Settings of a selection from plain rows. */
export interface SelectOptions extends SelectionContext {
  /** Least gain of a structure that is worth a label, nats. */
  readonly minNats?: number;
}

function requireBatchSize(batchSize: number): void {
  if (!(Number.isInteger(batchSize) && batchSize >= 1)) {
    throw new InputError('BATCH_SIZE', `batch size must be a positive integer, got ${batchSize}`, { batchSize });
  }
}

/**
 * Chooses the batch to label next from a pool. Masked candidates do not compete, and of structures that are the same
 * (`findTwins`) one; nor do those that are labelled.
 *
 * @param strategy  a name of `STRATEGIES`; at most `batchSize` are chosen
 * @throws          InputError for a strategy or size that makes no sense, or where the pool lacks what the strategy needs
 */
export function selectFromPool(
  strategy: string,
  pool: CandidatePool,
  batchSize: number,
  context: SelectionContext = {},
): Selection {
  const { choose } = strategyOf(strategy);
  requireBatchSize(batchSize);
  const masked = [...pool.candidates.keys()].filter((index) => pool.candidates[index]!.excluded !== null);
  const excluded = [
    ...masked.map((index) => ({ index, reason: pool.candidates[index]!.excluded! })),
    ...findTwins(pool, context.sameWithin),
  ].sort((a, b) => a.index - b.index);
  const out = new Set(excluded.map(({ index }) => index));
  const left = [...pool.candidates.keys()].filter((index) => !out.has(index));
  if (left.length === 0) return { selected: [], certificate: null, excluded };
  return { ...inPool(choose(subPool(pool, left), batchSize, context), left), excluded };
}

/**
 * Chooses the batch to label next from rows alone.
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
  const { minNats, ...context } = options;
  const { choose } = strategyOf(strategy);
  requireBatchSize(batchSize);
  const pool = memoryPool({ r, labelled: null }, candidates);
  return choose(pool, batchSize, minNats === undefined ? context : { ...context, minNatsPerAtom: minNats });
}
