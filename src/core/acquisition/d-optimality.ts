import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { appendRows } from '../numerics/qr.ts';
import type { CandidateRows, Chosen, Selection } from './acquisition.ts';
import { byScore, condenseRows, informationOf } from './gain.ts';

/** Gains that differ by less than this share are ties, decided by id: kernels agree to 10⁻¹² only. */
const TIE = 1e-10;

/** When a batch is full before its size is reached. */
export interface GreedyOptions {
  /** Least gain that is worth a label, nats: one number, or one for each candidate (so many per atom). */
  readonly minNats?: number | ArrayLike<number>;
  /** Least gain as a share of the first one. */
  readonly minShare?: number;
  /** What each label costs, and the power of it by which a gain is divided; costs 1 and power 0 by default. */
  readonly costs?: ArrayLike<number>;
  readonly costPower?: number;
  /** Most that the batch may cost. */
  readonly budget?: number;
  readonly kernels?: LinearKernels;
}

/** Gains of a pool under a growing batch; stale ones are upper bounds, since information only shrinks (submodularity). */
class LazyGains {
  readonly gains: Float64Array;
  /** [n] gain over its power of cost. */
  readonly scores: Float64Array;
  /** Candidates that are not in the batch, and those of them that may still be chosen. */
  readonly left: Set<number>;
  readonly eligible: Set<number>;
  private readonly fresh: Int32Array;
  private version = 0;
  private readonly candidates: readonly CandidateRows[];
  private readonly r: Float64Array;
  private readonly d: number;
  private readonly kernels: LinearKernels;
  /** [n] what a gain is divided by. */
  private readonly prices: Float64Array;

  constructor(r: Float64Array, d: number, candidates: readonly CandidateRows[], options: GreedyOptions) {
    const { costs, costPower = 0, kernels = plainKernels } = options;
    this.candidates = candidates;
    this.d = d;
    this.r = r.slice();
    this.kernels = kernels;
    this.prices = Float64Array.from(candidates, (_, i) =>
      costs === undefined || costPower === 0 ? 1 : Math.exp(costPower * Math.log(costs[i]!)),
    );
    this.gains = Float64Array.from(candidates, (candidate) => this.gainOf(candidate));
    this.scores = this.gains.map((gain, i) => gain / this.prices[i]!);
    this.fresh = new Int32Array(candidates.length);
    this.left = new Set(candidates.keys());
    this.eligible = new Set(candidates.keys());
  }

  private gainOf({ rows, count }: CandidateRows): number {
    return informationOf(this.kernels.whitenRows(this.r, this.d, rows, count), count, this.d, this.kernels);
  }

  /** Brings one gain up to date; true when it was stale. */
  refresh(index: number): boolean {
    if (this.fresh[index] === this.version) return false;
    this.gains[index] = this.gainOf(this.candidates[index]!);
    this.scores[index] = this.gains[index]! / this.prices[index]!;
    this.fresh[index] = this.version;
    return true;
  }

  /** Moves a candidate from the pool to the batch. */
  take(index: number): void {
    const { rows, count } = this.candidates[index]!;
    appendRows(this.r, new Float64Array(this.d), this.d, rows, new Float64Array(count), count);
    this.left.delete(index);
    this.eligible.delete(index);
    this.version++;
  }

  /** The eligible candidate of largest current score, the smallest id among ties; −1 when there is none. */
  best(): number {
    for (;;) {
      let top = -1;
      for (const i of this.eligible) if (top < 0 || this.scores[i]! > this.scores[top]!) top = i;
      if (top < 0) return -1;
      const level = this.scores[top]! * (1 - TIE);
      let moved = false;
      let first = top;
      for (const i of this.eligible) {
        if (this.scores[i]! < level) continue;
        moved = this.refresh(i) || moved;
        if (this.candidates[i]!.id < this.candidates[first]!.id) first = i;
      }
      if (!moved) return first;
    }
  }

  /** The k largest current gains of the pool, falling. */
  largest(k: number): number[] {
    for (;;) {
      const order = [...this.left].sort(byScore(this.gains, this.candidates)).slice(0, k);
      if (order.filter((i) => this.refresh(i)).length === 0) return order.map((i) => this.gains[i]!);
    }
  }
}

/**
 * Greedy D-optimal batch over whole structures: each pick has the largest information gain given those before it.
 * F(A) = ½ ln det(I + Σ S XᵀX) is monotone and submodular, so F(batch) ≥ (1 − 1/e) F(best batch) (Nemhauser 1978). Gains
 * are re-evaluated lazily (Minoux 1978): the order is that of plain greedy. Labels are not needed. The certificate, a lower
 * bound of F(A)/F(best batch of that size), is F(A)/(F(A) + Σ of the |A| largest gains left) or 1 − 1/e, whichever is
 * larger; only the former where candidates were passed over for being too dear or gains are counted per cost.
 *
 * @param r           [d, d] upper-triangular factor of the posterior precision
 * @param candidates  pool; ids must differ for the order to be independent of the pool's
 * @cost              (pool + some per pick) · m d² flops
 */
export function selectDOptimal(
  r: Float64Array,
  d: number,
  candidates: readonly CandidateRows[],
  batchSize: number,
  options: GreedyOptions = {},
): Selection {
  const { minNats = 0, minShare = 0.05, costs, costPower = 0 } = options;
  let budget = options.budget ?? Number.POSITIVE_INFINITY;
  const pool = new LazyGains(
    r,
    d,
    candidates.map((candidate) => condenseRows(candidate, d)),
    options,
  );
  const selected: Chosen[] = [];
  let total = 0;
  let guarantee = costPower === 0 ? 1 - 1 / Math.E : 0;
  while (selected.length < batchSize) {
    const index = pool.best();
    if (index < 0) break;
    const gain = pool.gains[index]!;
    const cost = costs?.[index] ?? 1;
    if (cost > budget) {
      pool.eligible.delete(index);
      guarantee = 0;
      continue;
    }
    const first = selected[0]?.gain ?? gain;
    if (!(gain > 0 && (costPower > 0 || gain >= minShare * first))) break;
    if (!(gain >= (typeof minNats === 'number' ? minNats : minNats[index]!))) {
      if (typeof minNats === 'number') break;
      // Gains only shrink: what is not worth its label now never will be.
      pool.eligible.delete(index);
      guarantee = 0;
      continue;
    }
    const given = selected.length === 0 ? '' : ` given the ${selected.length} chosen before`;
    const per = costPower > 0 ? ' for its cost' : '';
    const reason = `largest information gain of the pool${per}, ${gain.toPrecision(3)} nats${given}`;
    budget -= cost;
    selected.push({ id: candidates[index]!.id, index, gain, reason });
    total += gain;
    pool.take(index);
  }
  if (selected.length === 0) return { selected, certificate: null };
  const leftGains = pool.largest(selected.length);
  const left = leftGains.reduce((sum, gain) => sum + gain, 0);
  return { selected, certificate: Math.max(guarantee, total / (total + left)), leftGains };
}
