import { InputError } from '../errors.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { createFactor } from './factor.ts';
import type { FactorState, Prior } from './regression.ts';

function checkColumns(columns: Int32Array, d: number): void {
  if (columns.length === 0) throw new InputError('BAD_COLUMNS', 'columns of a subset must be at least one, got none');
  columns.forEach((column, k) => {
    if (!(column >= 0 && column < d && (k === 0 || column > columns[k - 1]!))) {
      throw new InputError('BAD_COLUMNS', `columns of a subset must ascend from 0 to below ${d}, got ${column}`, {
        column,
        columns: d,
      });
    }
  });
}

/**
 * The factor of the same observations with some of the columns only: the columns of R made triangular again, without a
 * pass over the data.
 *
 * @param columns  [k] ascending
 * @param kernels  does the elimination when given
 * @throws         InputError `BAD_COLUMNS`
 * @cost           at most 2 d k² flops
 */
export function subsetFactor(
  state: FactorState,
  columns: Int32Array,
  kernels?: Pick<LinearKernels, 'eliminate'>,
): FactorState {
  const d = state.columns;
  checkColumns(columns, d);
  const k = columns.length;
  if (k === d) return state;
  // Rows below the last of the columns have nothing in them. A factor of few observations may still fill any of its
  // rows: where first columns are zero, the observations are found further down.
  const rows = columns[k - 1]! + 1;
  let beyond = 0;
  for (let i = rows; i < d; i++) beyond += state.z[i]! * state.z[i]!;
  const block = new Float64Array(rows * k);
  for (let i = 0; i < rows; i++) for (let j = 0; j < k; j++) block[i * k + j] = state.r[i * d + columns[j]!]!;
  const factor = createFactor(k, kernels?.eliminate);
  factor.append(block, state.z.subarray(0, rows), rows);
  const subset = factor.state();
  return {
    ...subset,
    residual: state.residual + beyond + subset.residual,
    count: state.count,
    logScale: state.logScale,
  };
}

/** The prior of some of the columns, which keep their stiffness. @param columns [k] ascending */
export function subsetPrior(prior: Prior, columns: Int32Array): Prior {
  checkColumns(columns, prior.gamma.length);
  return {
    gamma: Float64Array.from(columns, (column) => prior.gamma[column]!),
    fixed: Float64Array.from(columns, (column) => prior.fixed[column]!),
  };
}
