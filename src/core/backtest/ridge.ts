import { InputError, NumericalError } from '../errors.ts';
import { logDeterminant } from '../numerics/cholesky.ts';
import { squaredNorm } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { appendUpper } from '../numerics/qr.ts';
import { solveUpper, solveUpperTransposed } from '../numerics/triangular.ts';
import { createFactor, crossOf } from '../regression/factor.ts';
import type { Factor } from '../regression/regression.ts';

/** Precision of the columns that no prior rules, in units of 1/σ²: (σ_F/10 eV)² at σ_F = 0.1 eV/Å. */
const FREE_PRECISION = 1e-4;
/** Range of λ as a share of the largest squared column norm, and the accuracy of ln λ. */
const LEAST_SHARE = 1e-15;
const MOST_SHARE = 1e2;
const ACCURACY = 0.1;
/** Smallest force noise that is believed, eV/Å: exactly fitted rows must not drive it to 0. */
const LEAST_NOISE = 1e-3;

/** Ridge regression at one strength of the prior. */
export interface RidgeFit {
  /** [d] weights. */
  readonly weights: Float64Array;
  /** [d, d] upper-triangular R with RᵀR = XᵀX + λ: the precision of the weights times σ². */
  readonly r: Float64Array;
  /** λ = α σ², chosen by evidence. */
  readonly strength: number;
  /** σ of rows that are over their relative noise: the force noise, eV/Å. */
  readonly noise: number;
}

/**
 * Ridge regression of rows that come batch by batch, with the strength of the prior and the noise of largest evidence:
 *
 *   ln p = −n/2 ln Q(λ) − ½ ln det(XᵀX + λ) + k/2 ln λ,   Q(λ) = min ‖y − Xw‖² + λ‖w‖²,   σ² = Q/n
 *
 * Rows are eliminated by reflections; only the search of λ, which needs few digits, works on XᵀX by Cholesky.
 */
export class EvidenceRidge {
  readonly columns: number;
  readonly governed: number;
  private readonly kernels: LinearKernels;
  private readonly factor: Factor;
  private last: number | null = null;

  /** @param governed columns that the prior rules, the first ones */
  constructor(columns: number, governed: number, kernels: LinearKernels) {
    if (!(governed >= 1 && governed <= columns))
      throw new InputError('BAD_COLUMNS', `columns under the prior must be 1 to ${columns}, got ${governed}`);
    this.columns = columns;
    this.governed = governed;
    this.kernels = kernels;
    this.factor = createFactor(columns, kernels.eliminate);
  }

  /** Takes in m rows [m, d] and their targets. @cost 2 m d² flops */
  add(rows: Float64Array, targets: Float64Array, m: number): void {
    this.factor.append(rows, targets, m);
  }

  /**
   * Fit to all rows so far.
   * @throws NumericalError `NO_EVIDENCE` when there is none or all targets are 0
   * @cost   about 10 Cholesky factorizations and one of 2d³ flops
   */
  fit(): RidgeFit {
    const { columns: d, governed, kernels } = this;
    const state = this.factor.state();
    const gram = kernels.gramUpper(state.r, d);
    const cross = crossOf(state);
    const total = squaredNorm(state.z) + state.residual;
    let largest = 0;
    for (let v = 0; v < governed; v++) largest = Math.max(largest, gram[v * d + v]!);
    if (!(total > 0 && largest > 0 && state.count > 0))
      throw new NumericalError('NO_EVIDENCE', `rows must hold something to learn, got ${state.count} rows`);
    const least = state.count * LEAST_NOISE * LEAST_NOISE;
    const evidence = (logStrength: number): number => {
      const p = gram.slice();
      const strength = Math.exp(logStrength);
      for (let v = 0; v < d; v++) p[v * d + v]! += v < governed ? strength : FREE_PRECISION;
      let r: Float64Array;
      try {
        r = kernels.cholesky(p, d);
      } catch (error) {
        if (error instanceof NumericalError) return Number.NEGATIVE_INFINITY;
        throw error;
      }
      const misfit = Math.max(total - squaredNorm(solveUpperTransposed(r, d, cross)), least);
      return 0.5 * (governed * logStrength - state.count * Math.log(misfit) - logDeterminant(r, d));
    };
    const range = [Math.log(LEAST_SHARE * largest), Math.log(MOST_SHARE * largest)] as const;
    const logStrength = maximumWithin(evidence, range, this.last);
    this.last = logStrength;
    const strength = Math.exp(logStrength);
    const r = new Float64Array(d * d);
    const z = new Float64Array(d);
    for (let v = 0; v < d; v++) r[v * d + v] = Math.sqrt(v < governed ? strength : FREE_PRECISION);
    const misfit = state.residual + appendUpper(r, z, d, state.r, state.z, 1, kernels.eliminate);
    return {
      weights: solveUpper(r, d, z),
      r,
      strength,
      noise: Math.sqrt(Math.max(misfit, least) / state.count),
    };
  }
}

/**
 * Maximum of f within a range: on a grid of steps of 2 over all of it, or only near `near` while the values there fall off
 * to both sides, then by golden section.
 */
export function maximumWithin(
  f: (x: number) => number,
  [low, high]: readonly [number, number],
  near: number | null,
): number {
  let best = near === null ? high : Math.min(high, Math.max(low, near));
  let value = f(best);
  const step = 2;
  if (near === null) {
    for (let x = high - step; x > low; x -= step) {
      const there = f(x);
      if (there > value) [best, value] = [x, there];
    }
  } else {
    for (const sign of [1, -1]) {
      for (;;) {
        const x = best + sign * step;
        if (x < low || x > high) break;
        const there = f(x);
        if (!(there > value)) break;
        [best, value] = [x, there];
      }
    }
  }
  let [a, b] = [Math.max(low, best - step), Math.min(high, best + step)];
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [c, d] = [b - ratio * (b - a), a + ratio * (b - a)];
  let [fc, fd] = [f(c), f(d)];
  while (b - a > ACCURACY) {
    if (fc > fd) {
      [b, d, fd] = [d, c, fc];
      c = b - ratio * (b - a);
      fc = f(c);
    } else {
      [a, c, fc] = [c, d, fd];
      d = a + ratio * (b - a);
      fd = f(d);
    }
  }
  return 0.5 * (a + b);
}
