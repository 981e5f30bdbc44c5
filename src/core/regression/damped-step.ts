import { InputError } from '../errors.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { solveUpper, solveUpperTransposed } from '../numerics/triangular.ts';

/**
 * Marquardt's step: from the minimum δ of a quadratic model with curvature A to that of a shorter reach,
 *
 *   (A + λ diag A) δ_λ = A δ.
 *
 * λ = 0 gives δ itself, a large λ a short step down the gradient in scaled variables.
 *
 * @param a       [n, n] symmetric positive definite, row-major
 * @param towards [n] δ
 * @param damping λ ≥ 0
 * @param free    columns that may move, ascending; all by default. The others stay, as if they were no variables
 * @returns       [n] 0 for columns that stay
 * @throws        InputError `BAD_DAMPING`; NumericalError `NOT_POSITIVE_DEFINITE`
 * @cost          n³/3 flops
 * @see D. W. Marquardt, J. Soc. Indust. Appl. Math. 11, 431 (1963)
 */
export function dampedStep(
  a: Float64Array,
  towards: Float64Array,
  damping: number,
  free: ArrayLike<number> | null = null,
  kernels: Pick<LinearKernels, 'cholesky'> = plainKernels,
): Float64Array {
  if (!(damping >= 0) || !Number.isFinite(damping))
    throw new InputError('BAD_DAMPING', `damping must be finite and at least 0, got ${damping}`, { damping });
  const n = towards.length;
  const columns = free === null ? Int32Array.from(towards, (_, v) => v) : Int32Array.from(free);
  const m = columns.length;
  const matrix = new Float64Array(m * m);
  const gradient = new Float64Array(m);
  for (let i = 0; i < m; i++) {
    const row = columns[i]! * n;
    let sum = 0;
    for (let v = 0; v < n; v++) sum += a[row + v]! * towards[v]!;
    gradient[i] = sum;
    for (let j = 0; j < m; j++) matrix[i * m + j] = a[row + columns[j]!]!;
    matrix[i * m + i] = (1 + damping) * matrix[i * m + i]!;
  }
  const r = kernels.cholesky(matrix, m);
  const inner = solveUpper(r, m, solveUpperTransposed(r, m, gradient));
  const step = new Float64Array(n);
  for (let i = 0; i < m; i++) step[columns[i]!] = inner[i]!;
  return step;
}
