import { cholesky } from './cholesky.ts';
import { gram, multiply, rowGram } from './dense.ts';
import type { LinearKernels } from './kernels.ts';
import { eliminateColumns } from './qr.ts';
import {
  covarianceOf,
  gramUpper,
  invertUpper,
  requireInvertible,
  whitenedGram,
  whitenRows,
  whitenUpper,
} from './triangular.ts';

/** The functions of this folder as kernels: the readable twin of every faster implementation. */
export const plainKernels: LinearKernels = {
  name: 'plain',
  gram,
  rowGram,
  multiply,
  cholesky,
  whitenRows,
  whitenUpper,
  invertUpper,
  covarianceOf,
  gramUpper,
  whitenedGram,
  eliminate: eliminateColumns,
  whitener(r, n) {
    requireInvertible(r, n);
    return { columns: n, whiten: (rows, m) => whitenRows(r, n, rows, m), dispose: () => {} };
  },
  dispose: () => {},
};
