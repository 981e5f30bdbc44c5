import type { LinearKernels } from '../numerics/kernels.ts';

/** Columns that are eliminated together. */
const PANEL = 64;

/** Rows of a matrix that span its columns, one for each, and the inverse of the square matrix of them. */
export interface PivotedRows {
  /** [d] index of the row for each column; −1 − v for the pseudo-row of column v. */
  readonly rows: Int32Array;
  /** [d, d] the rows, and the inverse of that matrix. */
  readonly matrix: Float64Array;
  readonly inverse: Float64Array;
}

/** A matrix on its way to L U: multipliers stand where columns were eliminated. */
class Elimination {
  readonly n: number;
  readonly d: number;
  readonly work: Float64Array;
  /** [n] 1 for rows that were taken. */
  readonly taken: Uint8Array;
  /** [d] row of each column, −1 for its pseudo-row. */
  readonly pivots: Int32Array;

  constructor(rows: Float64Array, n: number, d: number) {
    this.n = n;
    this.d = d;
    this.work = rows.slice();
    this.taken = new Uint8Array(n);
    this.pivots = new Int32Array(d).fill(-1);
  }

  /** The row not taken with the largest number in column j above `least`, the first of equals; −1 for none. */
  private pivotOf(j: number, least: number): number {
    const { n, d, work, taken } = this;
    let row = -1;
    let most = least;
    for (let r = 0; r < n; r++) {
      const size = Math.abs(work[r * d + j]!);
      if (taken[r] === 1 || !(size > most)) continue;
      most = size;
      row = r;
    }
    return row;
  }

  /** Eliminates columns from ≤ j < to among themselves. */
  panel(from: number, to: number, pseudo: number): void {
    const { n, d, work, taken, pivots } = this;
    for (let j = from; j < to; j++) {
      const p = this.pivotOf(j, pseudo);
      pivots[j] = p;
      // A pseudo-row holds one number: it empties its column and changes no other.
      if (p < 0) continue;
      taken[p] = 1;
      const inverse = 1 / work[p * d + j]!;
      for (let r = 0; r < n; r++) {
        if (taken[r] === 1) continue;
        const f = work[r * d + j]! * inverse;
        work[r * d + j] = f;
        if (f === 0) continue;
        for (let v = j + 1; v < to; v++) work[r * d + v] = work[r * d + v]! - f * work[p * d + v]!;
      }
    }
  }

  /** Carries the elimination of a panel over to the columns behind it. */
  update(from: number, to: number, kernels: LinearKernels): void {
    const { n, d, work, taken, pivots } = this;
    const width = d - to;
    const panel = Array.from({ length: to - from }, (_, k) => from + k).filter((j) => pivots[j]! >= 0);
    if (width === 0 || panel.length === 0) return;
    // Rows that were taken, by those taken before them.
    panel.forEach((j, k) => {
      const row = pivots[j]! * d;
      for (const before of panel.slice(0, k)) {
        const f = work[row + before]!;
        const other = pivots[before]! * d;
        for (let v = to; v < d; v++) work[row + v] = work[row + v]! - f * work[other + v]!;
      }
    });
    const left = Int32Array.from({ length: n }, (_, r) => r).filter((r) => taken[r] === 0);
    const factors = new Float64Array(left.length * panel.length);
    left.forEach((r, k) => {
      panel.forEach((j, q) => {
        factors[k * panel.length + q] = work[r * d + j]!;
      });
    });
    const upper = new Float64Array(panel.length * width);
    panel.forEach((j, q) => {
      upper.set(work.subarray(pivots[j]! * d + to, (pivots[j]! + 1) * d), q * width);
    });
    const product = kernels.multiply(factors, upper, left.length, panel.length, width);
    left.forEach((r, k) => {
      const at = r * d + to;
      const from = k * width;
      for (let v = 0; v < width; v++) work[at + v] = work[at + v]! - product[from + v]!;
    });
  }

  /** (L U)⁻¹ of the rows in the order of their columns. */
  inverse(pseudo: number, kernels: LinearKernels): Float64Array {
    const { d, work, pivots } = this;
    // Both factors with ones on the diagonal, L transposed.
    const upper = new Float64Array(d * d);
    const lower = new Float64Array(d * d);
    const scale = new Float64Array(d);
    for (let j = 0; j < d; j++) {
      const row = pivots[j]! * d;
      const isPseudo = pivots[j]! < 0;
      scale[j] = 1 / (isPseudo ? pseudo : work[row + j]!);
      upper[j * d + j] = 1;
      lower[j * d + j] = 1;
      if (isPseudo) continue;
      for (let v = j + 1; v < d; v++) upper[j * d + v] = work[row + v]! * scale[j]!;
      for (let v = 0; v < j; v++) lower[v * d + j] = pivots[v]! < 0 ? work[row + v]! / pseudo : work[row + v]!;
    }
    const right = kernels.invertUpper(lower, d);
    const transposed = new Float64Array(d * d);
    for (let i = 0; i < d; i++) {
      for (let j = i; j < d; j++) transposed[j * d + i] = right[i * d + j]! * scale[j]!;
    }
    return kernels.multiply(kernels.invertUpper(upper, d), transposed, d, d, d);
  }
}

/** Largest entry of A·A⁻¹ − 1 from which an inverse can still be refined. */
const MOST_RESIDUAL = 0.01;

function residualOf(matrix: Float64Array, inverse: Float64Array, d: number, kernels: LinearKernels): number {
  const product = kernels.multiply(matrix, inverse, d, d, d);
  let most = 0;
  for (let at = 0; at < d * d; at++) {
    const size = Math.abs(product[at]! - (at % (d + 1) === 0 ? 1 : 0));
    if (!(size <= most)) most = size;
  }
  return most;
}

/** Nothing but pseudo-rows. */
export function pseudoRows(d: number, pseudo: number): PivotedRows {
  const matrix = new Float64Array(d * d);
  const inverse = new Float64Array(d * d);
  for (let v = 0; v < d; v++) {
    matrix[v * d + v] = pseudo;
    inverse[v * d + v] = 1 / pseudo;
  }
  return { rows: Int32Array.from({ length: d }, (_, v) => -1 - v), matrix, inverse };
}

/**
 * Rows of a matrix chosen by Gaussian elimination with row pivoting: for each column in turn the row with the largest
 * number left in it, or the pseudo-row ε e_v where none is larger than ε. A good start for a search of largest volume. Where
 * small pivots leave no digits of the inverse, as may happen with few rows, all rows are pseudo-rows.
 *
 * @param rows   [n, d] columns of comparable size
 * @param pseudo ε > 0
 * @cost         about n d² flops, most of them in matrix products
 */
export function pivotedRows(
  rows: Float64Array,
  n: number,
  d: number,
  pseudo: number,
  kernels: LinearKernels,
): PivotedRows {
  const elimination = new Elimination(rows, n, d);
  for (let from = 0; from < d; from += PANEL) {
    const to = Math.min(d, from + PANEL);
    elimination.panel(from, to, pseudo);
    elimination.update(from, to, kernels);
  }
  const { pivots } = elimination;
  const matrix = new Float64Array(d * d);
  pivots.forEach((row, j) => {
    if (row < 0) matrix[j * d + j] = pseudo;
    else matrix.set(rows.subarray(row * d, (row + 1) * d), j * d);
  });
  const inverse = elimination.inverse(pseudo, kernels);
  if (!(residualOf(matrix, inverse, d, kernels) < MOST_RESIDUAL)) return pseudoRows(d, pseudo);
  return { rows: pivots.map((row, j) => (row < 0 ? -1 - j : row)), matrix, inverse };
}
