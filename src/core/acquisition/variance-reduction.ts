import { squaredNorm, transpose } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { appendRows } from '../numerics/qr.ts';
import type { CandidatePool, Rows, Targets } from './acquisition.ts';

/** Rows that are put together before their Gram matrix is made. */
const BLOCK_ROWS = 512;

/**
 * A sum of variances of linear predictions, tr(S M) with S = (RᵀR)⁻¹ and M = Σ_t w_t aᵀ_t a_t, and how much of it labels
 * take away. The posterior moves with what is taken; no label is needed.
 */
export class VarianceSum {
  private readonly d: number;
  private readonly m: Float64Array;
  private readonly kernels: LinearKernels;
  /** [d, d] R⁻ᵀ M R⁻¹ of the present posterior. */
  private a: Float64Array;

  /**
   * @param m [d, d] symmetric
   * @param r [d, d] upper-triangular factor of the precision
   */
  constructor(m: Float64Array, r: Float64Array, d: number, kernels: LinearKernels = plainKernels) {
    this.d = d;
    this.m = m;
    this.kernels = kernels;
    this.a = this.whitened(r);
  }

  private whitened(r: Float64Array): Float64Array {
    const { d, kernels } = this;
    const half = kernels.whitenRows(r, d, this.m, d);
    return kernels.whitenRows(r, d, transpose(half, d, d), d);
  }

  /** Follows the posterior to another factor. @cost 2 d³ flops */
  follow(r: Float64Array): void {
    this.a = this.whitened(r);
  }

  /** tr(S M) of the present posterior. */
  total(): number {
    let sum = 0;
    for (let v = 0; v < this.d; v++) sum += this.a[v * this.d + v]!;
    return sum;
  }

  /**
   * What the labels of some rows X take off the sum:
   *
   *   tr(M S Xᵀ (1 + X S Xᵀ)⁻¹ X S) = tr(Vᵀ A V), V = Uᵀ C⁻¹, U = X R⁻¹, CᵀC = 1 + U Uᵀ
   *
   * @param v [d, m] `gainDirections` of the rows  @cost m d² flops
   */
  reduction(v: Float64Array, m: number): number {
    if (m === 0) return 0;
    const { d } = this;
    const av = this.kernels.multiply(this.a, v, d, d, m);
    let sum = 0;
    for (let i = 0; i < av.length; i++) sum += av[i]! * v[i]!;
    return sum;
  }
}

/**
 * V = Uᵀ C⁻¹ of rows that are whitened by the posterior, CᵀC = 1 + U Uᵀ: their labels shrink the covariance of whitened
 * weights by V Vᵀ.
 * @param u [m, d]  @returns [d, m]  @cost m² d flops
 */
export function gainDirections(u: Float64Array, m: number, d: number, kernels: LinearKernels): Float64Array {
  const g = kernels.rowGram(u, m, d);
  for (let i = 0; i < m; i++) g[i * m + i] = 1 + g[i * m + i]!;
  return kernels.whitenRows(kernels.cholesky(g, m), m, transpose(u, m, d), d);
}

/** The factor of the posterior after the labels of some more rows. @returns [d, d]  @cost 2 m d² flops */
export function posteriorWith(r: Float64Array, d: number, { rows, count }: Rows): Float64Array {
  const next = r.slice();
  appendRows(next, new Float64Array(d), d, rows, new Float64Array(count), count);
  return next;
}

/** Sums Gram matrices of scaled rows, in blocks. */
class GramSum {
  readonly sum: Float64Array;
  private readonly d: number;
  private readonly kernels: LinearKernels;
  private readonly block: Float64Array;
  private filled = 0;

  constructor(d: number, kernels: LinearKernels) {
    this.d = d;
    this.kernels = kernels;
    this.sum = new Float64Array(d * d);
    this.block = new Float64Array(BLOCK_ROWS * d);
  }

  add(rows: Float64Array, count: number, scale: (row: number) => number): void {
    const { d, block } = this;
    for (let i = 0; i < count; i++) {
      if (this.filled === BLOCK_ROWS) this.flush();
      const factor = scale(i);
      for (let v = 0; v < d; v++) block[this.filled * d + v] = factor * rows[i * d + v]!;
      this.filled++;
    }
  }

  flush(): void {
    if (this.filled === 0) return;
    const { d, sum } = this;
    const gram = this.kernels.gram(this.block.slice(0, this.filled * d), this.filled, d);
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + gram[i]!;
    this.filled = 0;
  }
}

/** M of some targets, Σ_t w_t aᵀ_t a_t. @returns [d, d] */
export function targetMatrix(targets: Targets, d: number, kernels: LinearKernels = plainKernels): Float64Array {
  const gram = new GramSum(d, kernels);
  const { rows, count, weights } = targets;
  gram.add(rows, count, (t) => Math.sqrt(weights?.[t] ?? 1));
  gram.flush();
  return gram.sum;
}

/** Mean variances of some candidates as matrices M. */
export interface MeanVariances {
  /** Mean over candidates and force components. */
  readonly forces: Float64Array;
  /** Mean over candidates of the energy per atom (the whitened energy over √N where its noise grows by √N). */
  readonly energy: Float64Array;
}

/** What the variance of a whitened energy is divided by to be that of the energy per atom over the noise of one atom. */
export function energyShare({ learner }: CandidatePool, atoms: number): number {
  return learner.energyNoise === 'atom' ? 1 : atoms;
}

/** Matrices of the mean force and energy variance of some candidates. @throws InputError `ROW_KIND` */
export function meanVariances(
  pool: CandidatePool,
  members: readonly number[],
  d: number,
  kernels: LinearKernels = plainKernels,
): MeanVariances {
  const forces = new GramSum(d, kernels);
  const energy = new GramSum(d, kernels);
  for (const index of members) {
    const { atoms } = pool.candidates[index]!;
    const f = pool.rows(index, 'forces');
    const e = pool.rows(index, 'energy');
    forces.add(f.rows, f.count, () => 1 / Math.sqrt(3 * atoms * members.length));
    energy.add(e.rows, e.count, () => 1 / Math.sqrt(energyShare(pool, atoms) * members.length));
  }
  forces.flush();
  energy.flush();
  return { forces: forces.sum, energy: energy.sum };
}

/** Sum of the squared norms of rows over the posterior: their total variance. @cost m d² flops */
export function totalVariance(r: Float64Array, d: number, { rows, count }: Rows, kernels: LinearKernels): number {
  return count === 0 ? 0 : squaredNorm(kernels.whitenRows(r, d, rows, count));
}
