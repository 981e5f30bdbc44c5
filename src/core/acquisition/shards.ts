import { InputError } from '../errors.ts';

/** What a selection from one part of a pool tells of the rest of that part. */
export interface Shard {
  /** Picks in order, by id, and the information gain of each given those before it in the shard, nats. */
  readonly picks: readonly { readonly id: string; readonly gain: number }[];
  /** Largest gain that was left in the shard, given all its picks; 0 where nothing was left. */
  readonly left: number;
}

/**
 * What a batch that was chosen from the picks of several shards is worth at least, as a part of the best batch of the whole
 * pool. F is submodular, so a candidate that a shard left behind gains, given the batch A, at most what it gained given the
 * first j picks of its shard, where A holds these; and greedy picks are the largest, so at most what the shard's next pick
 * gained (or what was left after the last). Hence
 *
 *   F(OPT) ≤ F(A) + Σ of the |A| largest of {current gains of the picks that A does not hold, bounds of the shards (|A| times)}.
 *
 * Before anything is known, shards of a random cut with the better of merged and best single batch have (1 − 1/e)/2 of the
 * best one on average (Barbosa et al., ICML 2015).
 *
 * @param total  F of the batch, nats
 * @param chosen ids of the batch
 * @param others current gains of picks of the shards that the batch does not hold, nats
 * @throws InputError `NOT_FINITE` for a gain that is not a number
 */
export function mergedCertificate(
  total: number,
  chosen: ReadonlySet<string>,
  shards: readonly Shard[],
  others: readonly number[],
): number | null {
  if (chosen.size === 0) return null;
  const bounds: number[] = [];
  for (const { picks, left } of shards) {
    let bound = left;
    for (const { id, gain } of picks) {
      if (!Number.isFinite(gain))
        throw new InputError('NOT_FINITE', `gains of a shard must be finite, got ${gain} for ${id}`, { id });
      if (chosen.has(id)) continue;
      bound = gain;
      break;
    }
    bounds.push(bound);
  }
  const most = bounds.reduce((largest, bound) => Math.max(largest, bound), 0);
  const sum = [...others, ...new Array<number>(chosen.size).fill(most)]
    .sort((a, b) => b - a)
    .slice(0, chosen.size)
    .reduce((all, gain) => all + gain, 0);
  return total / (total + sum);
}
