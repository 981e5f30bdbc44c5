import { dot, matVec, requireLength, squaredRowNorms, transposedMatVec } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { factorComplement } from './press.ts';

/**
 * What leaving some rows out of a fit makes of it, in the coordinates u = x R⁻¹ in which the covariance of the weights is
 * the identity.
 */
export interface Deletion {
  /** [m, d] Ũ = (I − H)⁻¹ U. */
  readonly rows: Float64Array;
  /** [m] residuals of the fit without the rows, (I − H)⁻¹ e. */
  readonly residuals: Float64Array;
  /** [m] epistemic variances of the fit without the rows. */
  readonly variances: Float64Array;
  /** [m] leverages ‖u‖² in the full fit. */
  readonly leverages: Float64Array;
  /** [d] q: the weights of the fit without the rows are m + R⁻¹ q, exactly. */
  readonly shift: Float64Array;
}

/**
 * Deletes rows from a fit at fixed hyperparameters, exactly and without a refit. With U = X R⁻¹ and H = U Uᵀ
 *
 *   Ũ = (I − H)⁻¹ U = U (I − UᵀU)⁻¹,  e_loo = e + Ũ Uᵀe,  v_loo,i = ũ_i·u_i,  q = −Ũᵀ e = −Uᵀ e_loo
 *
 * and any covariance R⁻¹ K R⁻ᵀ that belongs to the other rows gives ũ K ũᵀ, since x S_loo = ũ R⁻ᵀ.
 *
 * @param u  [m, d] rows over their noise, times R⁻¹
 * @param e  [m] residuals of the full fit over the same noise
 * @throws   NumericalError `LEVERAGE_TOO_HIGH` when without the rows nothing determines a direction
 * @cost     4 m d min(m, d) + min(m, d)³ flops
 */
export function deleteRows(
  u: Float64Array,
  e: Float64Array,
  m: number,
  d: number,
  kernels: LinearKernels = plainKernels,
): Deletion {
  requireLength('rows', u, m * d);
  requireLength('residuals', e, m);
  const leverages = squaredRowNorms(u, m, d);
  if (m === 0) {
    const none = new Float64Array(0);
    return { rows: none, residuals: none, variances: none, leverages, shift: new Float64Array(d) };
  }
  const rows =
    m > d
      ? kernels.multiply(u, kernels.covarianceOf(factorComplement(kernels.gram(u, m, d), d, kernels), d), m, d, d)
      : kernels.multiply(kernels.covarianceOf(factorComplement(kernels.rowGram(u, m, d), m, kernels), m), u, m, m, d);
  const correction = matVec(rows, transposedMatVec(u, e, m, d), m, d);
  return {
    rows,
    residuals: Float64Array.from({ length: m }, (_, i) => e[i]! + correction[i]!),
    variances: Float64Array.from({ length: m }, (_, i) => dot(rows, u, d, i * d, i * d)),
    leverages,
    shift: transposedMatVec(rows, e, m, d).map((value) => -value),
  };
}
