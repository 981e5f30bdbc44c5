import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { qrUpper } from '../numerics/qr.ts';
import type { Rows } from './acquisition.ts';
import { semidefiniteSpectrum } from './spectrum.ts';

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
 * @cost    m d² + m² d + 9 m³ flops
 */
export function leadingRows(r: Float64Array, d: number, rows: Rows, options: LeadingRowsOptions = {}): Rows {
  const { most = 64, leftOut = 1e-3, kernels = plainKernels } = options;
  const x = rows.count > d ? { rows: qrUpper(rows.rows, rows.count, d), count: d } : rows;
  const m = x.count;
  if (m <= 1) return x;
  const u = kernels.whitenRows(r, d, x.rows, m);
  const { values, vectors } = semidefiniteSpectrum(kernels.rowGram(u, m, d), m);
  const total = values.reduce((sum, value) => sum + value, 0);
  let kept = 0;
  for (let left = total; kept < Math.min(most, m) && left > leftOut * total; kept++) left -= values[m - 1 - kept]!;
  if (kept >= m) return x;
  // Eigenvalues ascend: the last rows lead.
  const leading = vectors.slice((m - kept) * m);
  return { rows: kernels.multiply(leading, x.rows, kept, m, d), count: kept };
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
