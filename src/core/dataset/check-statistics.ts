/** Robust statistics of the checks of labelled data. */
import { cholesky } from '../numerics/cholesky.ts';
import { median } from '../numerics/median.ts';
import { solveUpper, solveUpperTransposed } from '../numerics/triangular.ts';

/** Standard deviation of a normal sample by its median absolute deviation: 1.4826 MAD. */
export function robustDeviation(values: ArrayLike<number>): number {
  const center = median(values);
  return 1.4826 * median(Float64Array.from(values, (x) => Math.abs(x - center)));
}

/** The value below which the share q of the weight lies; NaN without weight. */
export function weightedQuantile(values: readonly number[], weights: readonly number[], q: number): number {
  const order = values.map((_, k) => k).sort((a, b) => values[a]! - values[b]!);
  const total = weights.reduce((sum, w) => sum + w, 0);
  let sum = 0;
  for (const k of order) {
    sum += weights[k]!;
    if (sum >= q * total) return values[k]!;
  }
  return Number.NaN;
}

/** A ratio y/x over a sample. */
export interface Ratio {
  readonly value: number;
  /** Half the distance of the weighted quartiles. */
  readonly spread: number;
  readonly count: number;
}

/** Weighted median of y/x, weights |x|: robust against a minority of wild points on either side. */
export function robustRatio(x: readonly number[], y: readonly number[]): Ratio {
  const used = x.map((_, k) => k).filter((k) => Math.abs(x[k]!) > 0 && Number.isFinite(y[k]! / x[k]!));
  const ratios = used.map((k) => y[k]! / x[k]!);
  const weights = used.map((k) => Math.abs(x[k]!));
  const quantile = (q: number): number => weightedQuantile(ratios, weights, q);
  return { value: quantile(0.5), spread: 0.5 * (quantile(0.75) - quantile(0.25)), count: used.length };
}

/** Result of `trimmedFit`. */
export interface TrimmedFit {
  readonly coefficients: Float64Array;
  /** [m] residuals of all points, trimmed or not. */
  readonly residuals: Float64Array;
  /** Robust standard deviation of the residuals. */
  readonly deviation: number;
  readonly used: number;
}

/** Points further from the line than this many robust standard deviations are left out of the next round. */
const TRIM = 5;
const ROUNDS = 5;

/**
 * Least squares of y on the columns of rows [m, d], repeated without the points that lie beyond 5 robust deviations. A tiny
 * ridge keeps it defined where columns depend on each other. Null where fewer points than columns are left.
 */
export function trimmedFit(rows: Float64Array, y: ArrayLike<number>, d: number): TrimmedFit | null {
  const m = y.length;
  const scale = new Float64Array(d);
  for (let i = 0; i < m; i++) for (let c = 0; c < d; c++) scale[c]! += rows[i * d + c]! * rows[i * d + c]!;
  for (let c = 0; c < d; c++) scale[c] = scale[c]! > 0 ? Math.sqrt(scale[c]! / m) : 1;
  let used = new Uint8Array(m).fill(1);
  let coefficients = new Float64Array(d);
  const residuals = new Float64Array(m);
  let deviation = Number.NaN;
  let count = m;
  for (let round = 0; round < ROUNDS; round++) {
    count = used.reduce((sum, u) => sum + u, 0);
    if (count < d + 1) return null;
    const a = new Float64Array(d * d);
    const b = new Float64Array(d);
    for (let i = 0; i < m; i++) {
      if (used[i] === 0) continue;
      for (let p = 0; p < d; p++) {
        const x = rows[i * d + p]! / scale[p]!;
        b[p]! += x * y[i]!;
        for (let q = p; q < d; q++) a[p * d + q]! += (x * rows[i * d + q]!) / scale[q]!;
      }
    }
    for (let p = 0; p < d; p++) {
      a[p * d + p]! += 1e-9 * count;
      for (let q = 0; q < p; q++) a[p * d + q] = a[q * d + p]!;
    }
    const r = cholesky(a, d);
    coefficients = solveUpper(r, d, solveUpperTransposed(r, d, b)).map((w, c) => w / scale[c]!);
    for (let i = 0; i < m; i++) {
      let fitted = 0;
      for (let c = 0; c < d; c++) fitted += rows[i * d + c]! * coefficients[c]!;
      residuals[i] = y[i]! - fitted;
    }
    deviation = robustDeviation(residuals.filter((_, i) => used[i] === 1));
    const center = median(residuals.filter((_, i) => used[i] === 1));
    const next = Uint8Array.from(residuals, (e) =>
      Math.abs(e - center) <= TRIM * deviation || deviation === 0 ? 1 : 0,
    );
    if (next.every((u, i) => u === used[i])) break;
    used = next;
  }
  return { coefficients, residuals, deviation, used: count };
}

/** Correlation of two samples around zero, Σxy/√(Σx²Σy²). */
export function cosine(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let [xy, xx, yy] = [0, 0, 0];
  for (let k = 0; k < x.length; k++) {
    xy += x[k]! * y[k]!;
    xx += x[k]! * x[k]!;
    yy += y[k]! * y[k]!;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 0;
}
