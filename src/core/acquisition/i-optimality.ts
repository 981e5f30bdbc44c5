import { InputError } from '../errors.ts';
import { addScaled, dot, transpose } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { solveUpper } from '../numerics/triangular.ts';
import type { CandidatePool, Chosen, Rows, Selection, SelectionContext } from './acquisition.ts';
import { betterBargain } from './cost.ts';
import { condenseRows } from './gain.ts';
import { columnsOf } from './pool.ts';
import { squareRootQuota, stratify } from './strata.ts';
import { gainDirections, meanVariances, posteriorWith, targetMatrix, VarianceSum } from './variance-reduction.ts';

/** Above this number of candidates gains are brought up to date for those that were best before, first. */
const ALL_AT_ONCE = 24;

/** Several sums of variances, each counted as a share of what it was at first, and the mean of the shares. */
class VarianceShares {
  private readonly matrices: readonly Float64Array[];
  private readonly first: readonly number[];
  private readonly together: VarianceSum;
  private readonly d: number;
  private readonly kernels: LinearKernels;

  constructor(matrices: readonly Float64Array[], r: Float64Array, d: number, kernels: LinearKernels) {
    this.matrices = matrices;
    this.d = d;
    this.kernels = kernels;
    this.first = matrices.map((m) => new VarianceSum(m, r, d, kernels).total());
    const mixed = new Float64Array(d * d);
    matrices.forEach((m, k) => {
      if (this.first[k]! > 0) addScaled(1 / (this.first[k]! * matrices.length), m, mixed);
    });
    this.together = new VarianceSum(mixed, r, d, kernels);
  }

  follow(r: Float64Array): void {
    this.together.follow(r);
  }

  /** Mean share that labels take off the sums. @param v [d, m] as of `gainDirections` */
  reduction(v: Float64Array, m: number): number {
    return this.together.reduction(v, m);
  }

  /** Share that labels take off each sum, tr(Wᵀ M W) with W = R⁻¹V; 0 of a sum that is 0. @param r the present factor */
  reductions(r: Float64Array, v: Float64Array, m: number): number[] {
    const { d, kernels } = this;
    const w = solveUpper(r, d, transpose(v, d, m), m);
    return this.matrices.map((matrix, k) => {
      if (!(this.first[k]! > 0) || m === 0) return 0;
      return dot(kernels.multiply(w, matrix, m, d, d), w) / this.first[k]!;
    });
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** A candidate and the share that its labels take off each sum of variances. */
interface Found {
  readonly index: number;
  readonly parts: readonly number[];
}

/** A posterior that moves as candidates are taken, and the search for the next one. */
class Designer {
  r: Float64Array;
  private readonly d: number;
  private readonly pool: CandidatePool;
  private readonly kernels: LinearKernels;
  private readonly costPower: number;
  private readonly condensed = new Map<number, Rows>();

  constructor(pool: CandidatePool, context: SelectionContext, costPower: number) {
    this.r = pool.learner.r;
    this.d = columnsOf(this.r);
    this.pool = pool;
    this.kernels = context.kernels ?? plainKernels;
    this.costPower = costPower;
  }

  shares(matrices: readonly Float64Array[]): VarianceShares {
    return new VarianceShares(matrices, this.r, this.d, this.kernels);
  }

  /** Matrices of mean force and energy variance of some candidates. */
  meanVariances(members: readonly number[]): Float64Array[] {
    const { forces, energy } = meanVariances(this.pool, members, this.d, this.kernels);
    return [forces, energy];
  }

  /** Rows of a candidate, at most d of them. */
  private rows(index: number): Rows {
    const known = this.condensed.get(index);
    if (known !== undefined) return known;
    const found = condenseRows({ id: this.pool.candidates[index]!.id, ...this.pool.rows(index) }, this.d);
    this.condensed.set(index, found);
    return found;
  }

  /** Directions in which the labels of a candidate shrink the posterior. */
  private directions(index: number): { v: Float64Array; count: number } {
    const { rows, count } = this.rows(index);
    if (count === 0) return { v: new Float64Array(0), count };
    const u = this.kernels.whitenRows(this.r, this.d, rows, count);
    return { v: gainDirections(u, count, this.d, this.kernels), count };
  }

  /**
   * The candidate of largest mean share (over the power of its cost). `stale` holds scores of earlier picks, by index, and
   * is brought up to date; beyond 24 candidates only while an old score promises more than the best new one.
   */
  best(members: readonly number[], shares: VarianceShares, stale: Map<number, number>): Found | null {
    const { candidates } = this.pool;
    const lazy = members.length > ALL_AT_ONCE;
    const order = lazy ? [...members].sort((a, b) => (stale.get(b) ?? Infinity) - (stale.get(a) ?? Infinity)) : members;
    let best = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (const index of order) {
      if (lazy && (stale.get(index) ?? Infinity) < most) break;
      const { v, count } = this.directions(index);
      const price = Math.exp(this.costPower * Math.log(candidates[index]!.cost));
      const score = shares.reduction(v, count) / price;
      stale.set(index, score);
      if (score > most || (score === most && candidates[index]!.id < candidates[best]!.id)) {
        most = score;
        best = index;
      }
    }
    if (best < 0) return null;
    const { v, count } = this.directions(best);
    return { index: best, parts: shares.reductions(this.r, v, count) };
  }

  take(index: number, shares: VarianceShares): void {
    this.r = posteriorWith(this.r, this.d, this.rows(index));
    shares.follow(this.r);
  }
}

/** Takes the best of some candidates again and again until `picks` are taken, none fits the budget or none gains. */
function takeBest(
  designer: Designer,
  pool: CandidatePool,
  members: readonly number[],
  picks: number,
  budget: number,
  matrices: readonly Float64Array[],
  describe: (parts: readonly number[], taken: number) => string,
): Chosen[] {
  const shares = designer.shares(matrices);
  const stale = new Map<number, number>();
  const selected: Chosen[] = [];
  let left = [...members];
  let money = budget;
  while (selected.length < picks) {
    left = left.filter((index) => pool.candidates[index]!.cost <= money);
    const found = designer.best(left, shares, stale);
    if (found === null || !(mean(found.parts) > 0)) break;
    const { index, parts } = found;
    const { id, cost } = pool.candidates[index]!;
    selected.push({ id, index, gain: mean(parts), reason: describe(parts, selected.length) });
    left = left.filter((other) => other !== index);
    money -= cost;
    designer.take(index, shares);
  }
  return selected;
}

const percent = (share: number): string => `${(100 * share).toPrecision(3)} %`;
const given = (taken: number): string => (taken === 0 ? '' : `, given the ${taken} chosen before`);
const fall = ([forces, energy]: readonly number[]): string =>
  `mean variance of forces by ${percent(forces!)} and of energies by ${percent(energy!)}`;

/**
 * I-optimal batch: greedily the structures whose labels lower the mean variance of the pool's forces and energies most,
 * each of the two as a share of what it is now. Not submodular: no certificate.
 * @cost each pick: pool · m d² flops, m ≤ d rows of a structure
 */
export function selectIOptimal(pool: CandidatePool, batchSize: number, context: SelectionContext = {}): Selection {
  return betterBargain(pool, context, (power) => {
    const designer = new Designer(pool, context, power);
    const all = [...pool.candidates.keys()];
    const selected = takeBest(
      designer,
      pool,
      all,
      batchSize,
      context.budget ?? Number.POSITIVE_INFINITY,
      designer.meanVariances(all),
      (parts, taken) => `lowers the pool's ${fall(parts)}${given(taken)}`,
    );
    return { selected, certificate: null };
  });
}

/**
 * A-optimal batch for given targets: greedily the structures whose labels lower the weighted sum of the targets' variances
 * most, Δ = Σ_t w_t |a_t S Xᵀ(1 + X S Xᵀ)⁻¹X S a_tᵀ|. The gain is a share of the sum as it is now.
 * @throws InputError `NO_TARGETS`, `TARGET_ROWS`
 */
export function selectTargetVariance(
  pool: CandidatePool,
  batchSize: number,
  context: SelectionContext = {},
): Selection {
  const { targets, kernels = plainKernels } = context;
  const d = columnsOf(pool.learner.r);
  if (targets === undefined || targets.count === 0)
    throw new InputError('NO_TARGETS', 'targets must be at least one for this strategy, got none');
  if (targets.rows.length !== targets.count * d || !targets.rows.every(Number.isFinite)) {
    throw new InputError(
      'TARGET_ROWS',
      `targets must be ${targets.count} × ${d} finite numbers, got ${targets.rows.length} or one that is not finite`,
    );
  }
  const matrix = targetMatrix(targets, d, kernels);
  return betterBargain(pool, context, (power) => {
    const designer = new Designer(pool, context, power);
    const all = [...pool.candidates.keys()];
    const budget = context.budget ?? Number.POSITIVE_INFINITY;
    const selected = takeBest(designer, pool, all, batchSize, budget, [matrix], (parts, taken) => {
      return `lowers the variance of the target by ${percent(parts[0]!)} of what it was${given(taken)}`;
    });
    return { selected, certificate: null };
  });
}

/**
 * Stratified I-optimal batch: the square-root quota says how many picks each stratum gets, and in a stratum each pick is
 * the structure whose labels lower the mean variance of that stratum's forces and energies most; the posterior moves with
 * every pick. Coverage comes from the strata, so that a model too small for the extremes of a pool is not bent to them;
 * uncertainty decides only among alike.
 * @cost each pick: stratum · m d² + 4 d³ flops
 */
export function selectStratified(pool: CandidatePool, batchSize: number, context: SelectionContext = {}): Selection {
  const strata = stratify(pool, context);
  const order = squareRootQuota(strata, batchSize);
  return betterBargain(pool, context, (power) => {
    const designer = new Designer(pool, context, power);
    const selected: Chosen[] = [];
    let budget = context.budget ?? Number.POSITIVE_INFINITY;
    for (const stratum of new Set(order)) {
      const members = [...pool.candidates.keys()].filter((index) => strata.ofCandidate[index] === stratum);
      const picks = order.filter((other) => other === stratum).length;
      const [name, size, labelled] = [strata.names[stratum]!, strata.sizes[stratum]!, strata.labelled[stratum]!];
      const before = `${name} (${size} in the pool, ${labelled} labelled)`;
      const matrices = designer.meanVariances(members);
      for (const one of takeBest(designer, pool, members, picks, budget, matrices, (parts, taken) => {
        return `${before}: lowers its ${fall(parts)}${given(taken)}`;
      })) {
        selected.push(one);
        budget -= pool.candidates[one.index]!.cost;
      }
    }
    return { selected, certificate: null };
  });
}
