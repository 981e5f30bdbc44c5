import { RandomStream } from '../random.ts';
import type { CandidateRows, Selection } from './acquisition.ts';

/**
 * The control that any strategy must beat: structures at random. Depends on the seed, the round and the ids of the pool,
 * not on its order.
 */
export function selectRandom(
  candidates: readonly CandidateRows[],
  batchSize: number,
  seed: number,
  round = 0,
): Selection {
  const sorted = [...candidates.keys()].sort((a, b) => (candidates[a]!.id < candidates[b]!.id ? -1 : 1));
  const order = new RandomStream(seed, 'random acquisition', round).permutation(sorted.length);
  const selected = Array.from(order.subarray(0, batchSize), (k) => {
    const index = sorted[k]!;
    return { id: candidates[index]!.id, index, gain: Number.NaN, reason: 'drawn at random' };
  });
  return { selected, certificate: null };
}
