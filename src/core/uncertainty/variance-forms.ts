import { requireLength, squaredNorm, squaredRowNorms } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { whitenRows } from '../numerics/triangular.ts';

/** Estimators of the epistemic covariance of the weights that a linear model can carry. */
export const VARIANCE_FORMS = ['posterior', 'jackknife', 'pops'] as const;
/** Name of such an estimator. */
export type VarianceFormName = (typeof VARIANCE_FORMS)[number];

/** A covariance of the weights given by a root. */
export interface RootForm {
  readonly name: Exclude<VarianceFormName, 'posterior'>;
  /** [d, rank] row-major A. */
  readonly root: Float64Array;
  readonly rank: number;
}

/** The covariance of the posterior, given by the factor of its precision. */
export interface PosteriorForm {
  readonly name: 'posterior';
  /** [d, d] upper-triangular R. */
  readonly r: Float64Array;
}

/**
 * An epistemic covariance C of the weights as a root, C = A Aᵀ: the variance of an output with design row x is
 * ‖x A‖². Posterior: A = R⁻¹ with the factor R of the precision, kept as R. Jackknife and POPS: A explicit.
 */
export type VarianceForm = PosteriorForm | RootForm;

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

/** Forms whose variances come out of one product. */
export interface StackedForms {
  readonly names: readonly VarianceFormName[];
  /** Variances of rows by each form. @param rows [m, d]  @returns one [m] for each name */
  variances(rows: Float64Array, m: number): readonly Float64Array[];
}

/**
 * Makes roots ready to use again and again: they stand side by side, so that one product of the rows serves all of them.
 * The posterior goes through `whiten`.
 *
 * @param whiten X R⁻¹ of the posterior's R
 */
export function stackForms(
  forms: readonly VarianceForm[],
  d: number,
  whiten: (rows: Float64Array, m: number) => Float64Array,
  multiply: LinearKernels['multiply'] = plainKernels.multiply,
): StackedForms {
  const roots = forms.filter((form) => form.name !== 'posterior');
  const width = roots.reduce((sum, { rank }) => sum + rank, 0);
  const stacked = new Float64Array(d * width);
  let at = 0;
  for (const { name, root, rank } of roots) {
    requireLength(`root of the ${name} covariance`, root, d * rank);
    for (let v = 0; v < d; v++) stacked.set(root.subarray(v * rank, (v + 1) * rank), v * width + at);
    at += rank;
  }
  return {
    names: forms.map(({ name }) => name),
    variances(rows, m) {
      const product = width === 0 || m === 0 ? new Float64Array(m * width) : multiply(rows, stacked, m, d, width);
      let first = 0;
      return forms.map((form) => {
        if (form.name === 'posterior') return squaredRowNorms(whiten(rows, m), m, d);
        const from = first;
        first += form.rank;
        const variances = new Float64Array(m);
        for (let i = 0; i < m; i++) variances[i] = squaredNorm(product, form.rank, i * width + from);
        return variances;
      });
    },
  };
}
