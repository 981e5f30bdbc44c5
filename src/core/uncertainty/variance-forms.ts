import { requireLength, squaredRowNorms } from '../numerics/dense.ts';
import { whitenRows } from '../numerics/triangular.ts';

/** Estimators of the epistemic covariance of the weights that a linear model can carry. */
export const VARIANCE_FORMS = ['posterior', 'jackknife', 'pops'] as const;
/** Name of such an estimator. */
export type VarianceFormName = (typeof VARIANCE_FORMS)[number];

/**
 * An epistemic covariance C of the weights as a root, C = A Aᵀ: the variance of an output with design row x is
 * ‖x A‖². Posterior: A = R⁻¹ with the factor R of the precision, kept as R. Jackknife and POPS: A explicit.
 */
export type VarianceForm =
  | { readonly name: 'posterior' /** [d, d] upper-triangular R. */; readonly r: Float64Array }
  | {
      readonly name: Exclude<VarianceFormName, 'posterior'>;
      /** [d, rank] row-major A. */
      readonly root: Float64Array;
      readonly rank: number;
    };

/** [m] variances ‖x A‖² of rows by one form. @param rows [m, d] row-major @cost m d² flops at most */
export function formVariances(form: VarianceForm, d: number, rows: Float64Array, m: number): Float64Array {
  requireLength('rows', rows, m * d);
  if (form.name === 'posterior') return squaredRowNorms(whitenRows(form.r, d, rows, m), m, d);
  const { root, rank } = form;
  requireLength(`root of the ${form.name} covariance`, root, d * rank);
  const product = new Float64Array(rank);
  const variances = new Float64Array(m);
  for (let i = 0; i < m; i++) {
    product.fill(0);
    for (let v = 0; v < d; v++) {
      const x = rows[i * d + v]!;
      if (x === 0) continue;
      for (let k = 0; k < rank; k++) product[k]! += x * root[v * rank + k]!;
    }
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += product[k]! * product[k]!;
    variances[i] = sum;
  }
  return variances;
}
