import type { CandidatePool, Selection, SelectionContext } from './acquisition.ts';

/** Gains count per this power of cost when costs matter: per cost itself the cheapest structures would win, however little they teach. */
export const COST_POWER = 0.5;

/** Σ gain of a batch, each given those before it, and what its labels cost. */
function worth(pool: CandidatePool, { selected }: Selection): { readonly gain: number; readonly cost: number } {
  let gain = 0;
  let cost = 0;
  for (const one of selected) {
    gain += one.gain;
    cost += pool.candidates[one.index]!.cost;
  }
  return { gain, cost };
}

/**
 * The better of two greedy batches, by gain per √cost and by gain alone: each by itself can be arbitrarily bad. Under a
 * budget the one that gains more; without one, that which gains more per √(its cost). With a submodular gain and a power
 * of 1 the better one has at least (1 − 1/e)/2 of the best batch of the budget (Leskovec et al., KDD 2007).
 *
 * @param choose makes the batch with gains over the given power of cost
 */
export function betterBargain(
  pool: CandidatePool,
  context: SelectionContext,
  choose: (costPower: number) => Selection,
  power: number = COST_POWER,
): Selection {
  const plain = choose(0);
  if (context.costAware !== true) return plain;
  const thrifty = choose(power);
  const [a, b] = [worth(pool, plain), worth(pool, thrifty)];
  const perRoot = ({ gain, cost }: { gain: number; cost: number }): number => (gain > 0 ? gain / Math.sqrt(cost) : 0);
  const better = context.budget === undefined ? perRoot(b) > perRoot(a) : b.gain > a.gain;
  return better ? thrifty : plain;
}
