import { addScaled, requireLength, squaredRowNorms, transpose } from '../numerics/dense.ts';
import { SymmetricEigensolver } from '../numerics/eigen-symmetric.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { solveUpper } from '../numerics/triangular.ts';

/**
 * Share of the trace that a root may lose. In the coordinates of the posterior a row u has the posterior variance ‖u‖², so
 * what any row loses is less than this share of tr K times its posterior variance: far below the accuracy of any error
 * bar, and enough to leave out the directions that only rounding fills.
 */
export const LOST_TRACE = 1e-6;

/**
 * Columns B [d, rank] with B Bᵀ ≈ K from the largest remaining diagonal down (pivoted Cholesky), until the remainder has
 * less than `lost` of the trace. The remainder is positive semidefinite, so no variance is overstated.
 */
function pivotedColumns(k: Float64Array, d: number, lost: number): { columns: Float64Array[]; trace: number } {
  const diagonal = Float64Array.from({ length: d }, (_, i) => k[i * d + i]!);
  const trace = diagonal.reduce((sum, value) => sum + value, 0);
  const columns: Float64Array[] = [];
  while (columns.length < d) {
    let pivot = 0;
    let left = 0;
    for (let i = 0; i < d; i++) {
      left += Math.max(diagonal[i]!, 0);
      if (diagonal[i]! > diagonal[pivot]!) pivot = i;
    }
    if (!(left > lost * trace) || !(diagonal[pivot]! > 0)) break;
    const column = k.slice(pivot * d, (pivot + 1) * d);
    for (const other of columns) addScaled(-other[pivot]!, other, column, d);
    const scale = 1 / Math.sqrt(diagonal[pivot]!);
    for (let i = 0; i < d; i++) {
      column[i]! *= scale;
      diagonal[i]! -= column[i]! * column[i]!;
    }
    diagonal[pivot] = 0;
    columns.push(column);
  }
  return { columns, trace };
}

/** A root of a covariance along its principal axes. */
export interface PrincipalRoot {
  /** [rank, d] rows √λ_k a_k, the largest first: K ≈ Σ_k λ_k a_k a_kᵀ. */
  readonly rows: Float64Array;
  readonly rank: number;
}

/**
 * Root of a symmetric positive semidefinite matrix along its principal axes, without those that hold less than `lost` of
 * the trace together.
 *
 * @param k [d, d] symmetric
 * @cost    2 d rank² + 10 rank³ flops
 */
export function principalRoot(
  k: Float64Array,
  d: number,
  lost = LOST_TRACE,
  kernels: LinearKernels = plainKernels,
): PrincipalRoot {
  requireLength('covariance', k, d * d);
  const { columns, trace } = pivotedColumns(k, d, lost / 2);
  const n = columns.length;
  if (n === 0) return { rows: new Float64Array(0), rank: 0 };
  const stacked = new Float64Array(n * d);
  for (const [c, column] of columns.entries()) stacked.set(column, c * d);
  // K = BBᵀ and the smaller BᵀB share their eigenvalues; BᵀB w = λ w makes √λ a = B w. The lowest of −BᵀB come first.
  const solver = new SymmetricEigensolver(n);
  solver.decompose(kernels.rowGram(stacked, n, d).map((value) => -value));
  let kept = n;
  let left = 0;
  while (kept > 1) {
    left += Math.max(-solver.values[kept - 1]!, 0);
    if (left > (lost / 2) * trace) break;
    kept--;
  }
  const vectors = new Float64Array(kept * n);
  solver.vectors(kept, vectors);
  fixSigns(vectors, kept, n);
  return { rows: kernels.multiply(vectors, stacked, kept, n, d), rank: kept };
}

/** Turns every row so that its largest entry is positive: equal matrices then have equal roots. */
function fixSigns(rows: Float64Array, m: number, n: number): void {
  for (let k = 0; k < m; k++) {
    const row = rows.subarray(k * n, (k + 1) * n);
    const largest = row.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    if (largest < 0) for (let i = 0; i < n; i++) row[i] = -row[i]!;
  }
}

/**
 * [d, rank] root A = R⁻¹ B of a covariance of the weights, from the rows of a root B of the same covariance in the
 * coordinates of the posterior: ‖x A‖² = x R⁻¹ B Bᵀ R⁻ᵀ xᵀ.
 *
 * @param r    [d, d] upper-triangular factor of the precision
 * @param rows [rank, d] as of `principalRoot`
 */
export function weightRoot(r: Float64Array, d: number, rows: Float64Array, rank: number): Float64Array {
  const solved = solveUpper(r, d, rows, rank);
  const root = new Float64Array(d * rank);
  for (let k = 0; k < rank; k++) for (let v = 0; v < d; v++) root[v * rank + k] = solved[k * d + v]!;
  return root;
}

/** Coordinates of changes along the axes of a root, in units of its standard deviations. @returns [m, rank] */
export function axisCoordinates(
  root: PrincipalRoot,
  d: number,
  shifts: Float64Array,
  m: number,
  kernels: LinearKernels = plainKernels,
): Float64Array {
  const { rows, rank } = root;
  if (m === 0 || rank === 0) return new Float64Array(m * rank);
  const squares = squaredRowNorms(rows, rank, d);
  const out = kernels.multiply(shifts, transpose(rows, rank, d), m, d, rank);
  for (let i = 0; i < m; i++) for (let k = 0; k < rank; k++) out[i * rank + k] = out[i * rank + k]! / squares[k]!;
  return out;
}
