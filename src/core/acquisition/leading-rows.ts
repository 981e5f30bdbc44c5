import { transpose } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { qrUpper } from '../numerics/qr.ts';
import { leadingSubspace } from '../uncertainty/subspace.ts';
import type { Rows } from './acquisition.ts';
import { semidefiniteSpectrum } from './spectrum.ts';

/** Share of the variance of rows that may be lost. */
const LEFT_OUT = 0.01;

/** How rows are condensed. */
export interface LeadingRowsOptions {
  /** Most rows that are kept. */
  readonly most?: number;
  /** Rows are kept until what is left out is below this share of their total variance. */
  readonly leftOut?: number;
  readonly kernels?: LinearKernels;
}

/**
 * The combinations of some rows that the posterior is most uncertain about: principal rows QᵀX, Q the leading eigenvectors
 * of U Uᵀ, U = X R⁻¹. Being functions of the same labels they teach no more than all rows: gains from them are lower bounds,
 * and what is lost is at most half the variance left out, in nats, and that variance itself for sums of variances.
 *
 * @param r [d, d] upper-triangular factor of the posterior precision
 * @cost    m d² + m² d + min(9 m, 48 most) m² flops
 */
export function leadingRows(r: Float64Array, d: number, rows: Rows, options: LeadingRowsOptions = {}): Rows {
  const { most = 64, leftOut = LEFT_OUT, kernels = plainKernels } = options;
  const x = rows.count > d ? { rows: qrUpper(rows.rows, rows.count, d), count: d } : rows;
  const m = x.count;
  if (m <= 1) return x;
  const u = kernels.whitenRows(r, d, x.rows, m);
  const g = kernels.rowGram(u, m, d);
  let total = 0;
  for (let i = 0; i < m; i++) total += g[i * m + i]!;
  const { values, directions } = leadingDirections(g, m, Math.min(most, m), kernels);
  let kept = 0;
  for (let left = total; kept < values.length && left > leftOut * total; kept++) left -= values[kept]!;
  if (kept >= m) return x;
  return { rows: kernels.multiply(directions.slice(0, kept * m), x.rows, kept, m, d), count: kept };
}

/** The largest eigenvalues of a matrix, falling, and their eigenvectors as rows: k of n, by subspace iteration where k is small. */
function leadingDirections(
  g: Float64Array,
  n: number,
  k: number,
  kernels: LinearKernels,
): { values: Float64Array; directions: Float64Array } {
  const isSmall = 2 * k <= n;
  const size = isSmall ? k : n;
  const basis = isSmall ? leadingSubspace(g, n, k, kernels) : null;
  const inner =
    basis === null ? g : kernels.multiply(kernels.multiply(basis, g, k, n, n), transpose(basis, k, n), k, n, k);
  const { values, vectors } = semidefiniteSpectrum(inner, size);
  // Ascending to falling.
  const falling = new Float64Array(k * size);
  for (let c = 0; c < k; c++) falling.set(vectors.subarray((size - 1 - c) * size, (size - c) * size), c * size);
  return {
    values: values.slice(size - k).reverse(),
    directions: basis === null ? falling : kernels.multiply(falling, basis, k, k, n),
  };
}

/**
 * How far the mean descriptor of a structure moves when each coordinate of its atoms moves at random by 1 Å, to first
 * order: (1/N) √Σ_c Σ_v (∂_c ΣB_v / s_v)².
 *
 * @param forces [3N, columns] derivatives of the summed descriptors, row-major (the sign does not matter)
 * @param scale  [columns] s, unit of each descriptor; columns of scale 0 are left out
 */
export function displacementNorm(forces: Float64Array, columns: number, atoms: number, scale: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < forces.length; at += columns) {
    for (let v = 0; v < columns; v++) {
      if (!(scale[v]! > 0)) continue;
      const slope = forces[at + v]! / scale[v]!;
      sum += slope * slope;
    }
  }
  return Math.sqrt(sum) / atoms;
}
