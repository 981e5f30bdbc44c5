import { InputError, NumericalError } from '../errors.ts';
import { dot, matVec, requireLength, squaredRowNorms, transposedMatVec } from '../numerics/dense.ts';
import type { LinearKernels, Whitener } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { solveUpper, solveUpperTransposed } from '../numerics/triangular.ts';
import type { PosteriorState } from './regression.ts';

/** What the fit to everything else says of the observations of one structure, in units of their noise. */
export interface LeaveOneOut {
  /** [m] y − x·m without the structure, over σ·s. */
  readonly residuals: Float64Array;
  /** [m] epistemic variance without the structure, over (σ·s)². */
  readonly variances: Float64Array;
  /** [m] leverages h in the full fit, between 0 and 1. */
  readonly leverages: Float64Array;
}

/** I − G in place and its Cholesky factor. @param g [n, n]  @throws NumericalError `LEVERAGE_TOO_HIGH` */
export function factorComplement(g: Float64Array, n: number, kernels: LinearKernels): Float64Array {
  for (let k = 0; k < n * n; k++) g[k] = -g[k]!;
  for (let i = 0; i < n; i++) g[i * n + i] = 1 + g[i * n + i]!;
  try {
    return kernels.cholesky(g, n);
  } catch (error) {
    if (!(error instanceof NumericalError)) throw error;
    throw new NumericalError(
      'LEVERAGE_TOO_HIGH',
      `leverages of a structure must stay below 1, got a complement I - H that is not positive definite (pivot ${error.details.pivot})`,
      error.details,
      error,
    );
  }
}

/**
 * Exact leave-one-structure-out residuals and variances at fixed hyperparameters, without a refit (PRESS). All rows
 * of the structure leave together: rows of one calculation share their error.
 *
 *   H = X S Xᵀ,  e_loo = (I − H)⁻¹ e,  v_loo = diag((I − H)⁻¹ H)
 *
 * Worked in the m × m form for m ≤ d, otherwise in the d × d form with (I − H)⁻¹ = I + U (I − UᵀU)⁻¹ Uᵀ, U = X R⁻¹.
 *
 * @param whitenedRows       [m, d] rows of the structure over σ·s, row-major; part of the posterior
 * @param whitenedResiduals  [m] y − x·mean over σ·s
 * @param kernels            default plain
 * @param whitener           the factor of the posterior, ready to whiten; made anew when not given
 * @throws                   NumericalError `LEVERAGE_TOO_HIGH` when without the structure nothing determines a direction
 * @cost                     m d² + m d min(m, d) + min(m, d)³ flops
 */
export function leaveOneOut(
  state: PosteriorState,
  whitenedRows: Float64Array,
  whitenedResiduals: Float64Array,
  m: number,
  kernels: LinearKernels = plainKernels,
  whitener?: Whitener,
): LeaveOneOut {
  const d = state.mean.length;
  requireLength('whitened residuals', whitenedResiduals, m);
  const u = whitener?.whiten(whitenedRows, m) ?? kernels.whitenRows(state.r, d, whitenedRows, m);
  const leverages = squaredRowNorms(u, m, d);
  const e = whitenedResiduals.slice(0, m);
  if (m > d) {
    const c = factorComplement(kernels.gram(u, m, d), d, kernels);
    const inner = solveUpper(c, d, solveUpperTransposed(c, d, transposedMatVec(u, e, m, d)));
    const correction = matVec(u, inner, m, d);
    const residuals = e.map((value, i) => value + correction[i]!);
    return { residuals, variances: squaredRowNorms(kernels.whitenRows(c, d, u, m), m, d), leverages };
  }
  const h = kernels.rowGram(u, m, d);
  const inverse = kernels.covarianceOf(factorComplement(h.slice(), m, kernels), m);
  // diag((I−H)⁻¹ H) instead of diag((I−H)⁻¹) − 1, which loses the digits of small leverages.
  const variances = Float64Array.from({ length: m }, (_, i) => dot(inverse, h, m, i * m, i * m));
  return { residuals: matVec(inverse, e, m, m), variances, leverages };
}

/**
 * Divides the rows and residuals of observations by their noise.
 *
 * @param rows      [m, d] row-major, already over their scale s
 * @param residuals [m] y − x·mean, already over s
 * @param sigmas    [m] noise σ of each row's kind
 * @throws          InputError `BAD_NOISE`
 */
export function whiten(
  rows: Float64Array,
  residuals: Float64Array,
  sigmas: Float64Array,
  d: number,
): { readonly rows: Float64Array; readonly residuals: Float64Array } {
  const m = sigmas.length;
  requireLength('rows', rows, m * d);
  requireLength('residuals', residuals, m);
  const whitened = new Float64Array(m * d);
  for (let i = 0; i < m; i++) {
    const sigma = sigmas[i]!;
    if (!(sigma > 0) || !Number.isFinite(sigma))
      throw new InputError('BAD_NOISE', `noise must be finite and positive, got ${sigma}`, { row: i, sigma });
    for (let j = i * d; j < (i + 1) * d; j++) whitened[j] = rows[j]! / sigma;
  }
  return { rows: whitened, residuals: sigmas.map((sigma, i) => residuals[i]! / sigma) };
}
