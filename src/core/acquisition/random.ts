import { RandomStream } from '../random.ts';
import type { CandidatePool, Selection, SelectionContext } from './acquisition.ts';
import { squareRootQuota, stratify } from './strata.ts';

/** Positions in the order of the ids, so that a draw does not depend on the order of the pool. */
function byId(candidates: readonly { readonly id: string }[]): number[] {
  return [...candidates.keys()].sort((a, b) => (candidates[a]!.id < candidates[b]!.id ? -1 : 1));
}

/**
 * The control that any strategy must beat: structures at random. Depends on the seed, the round and the ids of the pool,
 * not on its order.
 */
export function selectRandom(
  candidates: readonly { readonly id: string }[],
  batchSize: number,
  seed: number,
  round = 0,
): Selection {
  const sorted = byId(candidates);
  const order = new RandomStream(seed, 'random acquisition', round).permutation(sorted.length);
  const selected = Array.from(order.subarray(0, batchSize), (k) => {
    const index = sorted[k]!;
    return { id: candidates[index]!.id, index, gain: Number.NaN, reason: 'drawn at random' };
  });
  return { selected, certificate: null };
}

/**
 * Cluster-balanced random: the square-root quota says how many picks each stratum gets, chance which. The control that a
 * strategy of uncertainty has to beat, since most of what is gained on uneven pools is balance.
 */
export function selectBalancedRandom(
  pool: CandidatePool,
  batchSize: number,
  context: SelectionContext = {},
): Selection {
  const { candidates } = pool;
  const strata = stratify(pool, context);
  const sorted = byId(candidates);
  const order = new RandomStream(context.seed ?? 0, 'balanced random acquisition', context.round ?? 0).permutation(
    sorted.length,
  );
  const queues: number[][] = strata.names.map(() => []);
  for (const k of order) queues[strata.ofCandidate[sorted[k]!]!]!.push(sorted[k]!);
  const selected = Array.from(squareRootQuota(strata, batchSize), (stratum) => {
    const index = queues[stratum]!.shift()!;
    const of = `${strata.names[stratum]!} (${strata.sizes[stratum]!} in the pool, ${strata.labelled[stratum]!} labelled)`;
    return { id: candidates[index]!.id, index, gain: Number.NaN, reason: `drawn at random from ${of}` };
  });
  return { selected, certificate: null };
}
