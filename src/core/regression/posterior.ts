import { NumericalError } from '../errors.ts';
import { cholesky, logDeterminant } from '../numerics/cholesky.ts';
import { addScaled, dot, gram, rowGram, squaredNorm, squaredRowNorms, transpose } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { appendRows } from '../numerics/qr.ts';
import { solveUpper, solveUpperTransposed, whitenRows } from '../numerics/triangular.ts';
import { stackFactors } from './precision.ts';
import type { FactorState, Hyperparameters, PerKind, PosteriorState, Prior } from './regression.ts';

/** A row is taken out of a posterior only if it leaves at least this much of what the others say about it, 1 − h. */
export const DOWNDATE_LIMIT = 1e-6;

/**
 * Gaussian posterior of the weights from the stored factors alone, by QR of their stack.
 *
 *   P = α Γ² + Σ_t R_tᵀR_t/σ_t² = RᵀR,  m = P⁻¹ Σ_t R_tᵀz_t/σ_t²
 *
 * @param kernels  default plain
 * @throws  NumericalError `SINGULAR_PRECISION`; InputError `COLUMNS_DIFFER`, `BAD_NOISE`, `BAD_PRIOR`
 * @cost    2d³ flops
 */
export function fitPosterior(
  factors: PerKind<FactorState>,
  prior: Prior,
  hyperparameters: Hyperparameters,
  kernels?: LinearKernels,
): PosteriorState {
  const { r, z } = stackFactors(factors, prior, hyperparameters, kernels);
  return { mean: solveUpper(r, z.length, z), r, hyperparameters };
}

/**
 * Epistemic variance of each row, x P⁻¹ xᵀ.
 *
 * @param rows  [m, d] row-major, in the units of the answer (not whitened)
 * @returns     [m] ≥ 0
 * @cost        m d² flops
 */
export function posteriorVariances(state: PosteriorState, rows: Float64Array, m: number): Float64Array {
  const d = state.mean.length;
  return squaredRowNorms(whitenRows(state.r, d, rows, m), m, d);
}

/** Joint epistemic covariance of rows, X P⁻¹ Xᵀ. @param rows [m, d] row-major  @returns [m, m] symmetric  @cost m d² + m²d flops */
export function posteriorCovariance(state: PosteriorState, rows: Float64Array, m: number): Float64Array {
  const d = state.mean.length;
  return rowGram(whitenRows(state.r, d, rows, m), m, d);
}

/** Mean prediction of each row, X m. @param rows [m, d] row-major  @returns [m] */
export function posteriorMeans(state: PosteriorState, rows: Float64Array, m: number): Float64Array {
  const d = state.mean.length;
  return Float64Array.from({ length: m }, (_, i) => dot(rows, state.mean, d, i * d, 0));
}

/** ln det P of the weights' precision; minus it is ln det of their covariance. */
export function logDetPrecision(state: PosteriorState): number {
  return logDeterminant(state.r, state.mean.length);
}

/**
 * Mutual information between the weights and the labels of rows, nats (BALD of a Gaussian model; D-optimality gain).
 *
 *   ½ ln det(I_m + X S Xᵀ) = ½ ln det(I_d + R⁻ᵀXᵀX R⁻¹), S = (RᵀR)⁻¹: the smaller of the two forms is used
 *
 * @param r             [d, d] upper-triangular factor of the precision of the weights
 * @param whitenedRows  [m, d] rows over their noise σ·s, row-major
 * @param kernels       does the Gram matrix when given
 * @cost                m d² + m d·min(m, d) flops
 */
export function logDetGain(
  r: Float64Array,
  d: number,
  whitenedRows: Float64Array,
  m: number,
  kernels?: LinearKernels,
): number {
  if (m === 0) return 0;
  const u = whitenRows(r, d, whitenedRows, m);
  const size = Math.min(m, d);
  let g: Float64Array;
  if (m > d) g = kernels === undefined ? gram(u, m, d) : kernels.gram(u, m, d);
  else g = kernels === undefined ? rowGram(u, m, d) : kernels.gram(transpose(u, m, d), d, m);
  for (let i = 0; i < size; i++) g[i * size + i] = 1 + g[i * size + i]!;
  return 0.5 * logDeterminant(cholesky(g, size), size);
}

/** `logDetGain` of a posterior. */
export function informationGain(
  state: PosteriorState,
  whitenedRows: Float64Array,
  m: number,
  kernels?: LinearKernels,
): number {
  return logDetGain(state.r, state.mean.length, whitenedRows, m, kernels);
}

/**
 * The posterior after m more observations at fixed hyperparameters, exactly: rows are appended to R by QR.
 *
 * @param whitenedRows     [m, d] rows over their noise σ·s, row-major
 * @param whitenedTargets  [m] targets over the same noise
 * @throws                 NumericalError `NOT_FINITE`
 * @cost                   2 m d² flops
 */
export function updatePosterior(
  state: PosteriorState,
  whitenedRows: Float64Array,
  whitenedTargets: Float64Array,
  m: number,
): PosteriorState {
  const d = state.mean.length;
  const r = state.r.slice();
  const z = new Float64Array(d);
  for (let i = 0; i < d; i++) z[i] = dot(r, state.mean, d - i, i * d + i, i);
  appendRows(r, z, d, whitenedRows, whitenedTargets, m);
  return { mean: solveUpper(r, d, z), r, hyperparameters: state.hyperparameters };
}

/** Takes one whitened row out of R in place by Givens rotations (Stewart's downdate). Returns 1 − h of the row. */
function downdateRow(r: Float64Array, d: number, row: Float64Array): number {
  const a = solveUpperTransposed(r, d, row);
  const left = 1 - squaredNorm(a);
  if (!(left >= DOWNDATE_LIMIT)) return left;
  // Rotations that take (a, √(1−‖a‖²)) to the last unit vector, from the bottom up, turn [R; 0] into [R'; xᵀ].
  let remaining = Math.sqrt(left);
  const c = new Float64Array(d);
  const s = new Float64Array(d);
  for (let i = d - 1; i >= 0; i--) {
    const norm = Math.hypot(remaining, a[i]!);
    c[i] = remaining / norm;
    s[i] = a[i]! / norm;
    remaining = norm;
  }
  const carried = new Float64Array(d);
  for (let i = d - 1; i >= 0; i--) {
    for (let j = i; j < d; j++) {
      const value = r[i * d + j]!;
      r[i * d + j] = c[i]! * value - s[i]! * carried[j]!;
      carried[j] = c[i]! * carried[j]! + s[i]! * value;
    }
  }
  return left;
}

/**
 * The posterior without m of its observations at fixed hyperparameters.
 *
 * @param whitenedRows     [m, d] rows over their noise σ·s, row-major; they must be part of the posterior
 * @param whitenedTargets  [m] their targets over the same noise
 * @throws                 NumericalError `DOWNDATE_UNSTABLE` when a row keeps less than 10⁻⁶ of 1 − h: rebuild from the factors
 * @cost                   4 m d² flops
 */
export function downdatePosterior(
  state: PosteriorState,
  whitenedRows: Float64Array,
  whitenedTargets: Float64Array,
  m: number,
): PosteriorState {
  const d = state.mean.length;
  const r = state.r.slice();
  const gradient = new Float64Array(d);
  for (let i = 0; i < m; i++) {
    const row = whitenedRows.slice(i * d, (i + 1) * d);
    const left = downdateRow(r, d, row);
    if (!(left >= DOWNDATE_LIMIT)) {
      throw new NumericalError(
        'DOWNDATE_UNSTABLE',
        `removed row must leave 1 - h of at least ${DOWNDATE_LIMIT}, got ${left} for row ${i}`,
        { row: i, left },
      );
    }
    addScaled(whitenedTargets[i]! - dot(row, state.mean, d), row, gradient, d);
  }
  // P' (m' − m) = −Xᵀ(y − X m)
  const shift = solveUpper(r, d, solveUpperTransposed(r, d, gradient));
  return { mean: state.mean.map((value, v) => value - shift[v]!), r, hyperparameters: state.hyperparameters };
}
