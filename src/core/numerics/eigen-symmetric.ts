import { requireLength } from './dense.ts';
import { ascendingOrder, requireMatrixSize, tridiagonalEigen } from './eigen-tridiagonal.ts';

/**
 * Eigenvalues and eigenvectors of real symmetric matrices of one size: Householder reduction to tridiagonal form and
 * implicit QL. `decompose` gives all the values; `vectors` turns as many of the lowest eigenvectors back as are wanted,
 * which saves a good part of the work where only occupied states matter. All memory is allocated once. Entries may be
 * as large as 1e140; what is smaller than 1e-140 counts as zero.
 */
export class SymmetricEigensolver {
  readonly size: number;
  /** [n] eigenvalues of the last matrix, ascending. */
  readonly values: Float64Array;
  /** [n, n] row i holds the reflector v_i on the first i coordinates. */
  private readonly reflectors: Float64Array;
  /** [n] τ of H_i = 1 − τ_i v_i v_iᵀ. */
  private readonly tau: Float64Array;
  /** [n, n] column v is an eigenvector of the tridiagonal matrix. */
  private readonly inner: Float64Array;
  private readonly diagonal: Float64Array;
  private readonly coupling: Float64Array;
  private readonly work: Float64Array;
  private readonly order: Int32Array;

  /** @param n number of rows, at least 1 */
  constructor(n: number) {
    this.size = requireMatrixSize(n);
    this.values = new Float64Array(n);
    this.reflectors = new Float64Array(n * n);
    this.tau = new Float64Array(n);
    this.inner = new Float64Array(n * n);
    this.diagonal = new Float64Array(n);
    this.coupling = new Float64Array(n);
    this.work = new Float64Array(2 * n);
    this.order = new Int32Array(n);
  }

  /** Diagonalises `matrix` [n, n]; only its lower triangle is read. @throws InputError `SHAPE_MISMATCH`; NumericalError as `tridiagonalEigen` */
  decompose(matrix: Float64Array): Float64Array {
    const { size: n, diagonal, values, order, inner } = this;
    requireLength('matrix', matrix, n * n);
    this.reflectors.set(matrix.subarray(0, n * n));
    for (let i = n - 1; i >= 1; i--) this.reflect(i);
    for (let i = 0; i < n; i++) diagonal[i] = this.reflectors[i * n + i]!;
    inner.fill(0);
    for (let i = 0; i < n; i++) inner[i * n + i] = 1;
    tridiagonalEigen(diagonal, this.coupling, inner, this.work.subarray(0, n), this.work.subarray(n));
    ascendingOrder(diagonal, order);
    for (let v = 0; v < n; v++) values[v] = diagonal[order[v]!]!;
    return values;
  }

  /** Reduces row i of the leading (i + 1)-block to its coupling with i − 1 and transforms the block above it. */
  private reflect(i: number): void {
    const { size: n, reflectors: a, tau, work: w } = this;
    const row = i * n;
    const last = i - 1;
    const alpha = a[row + last]!;
    let tail = 0;
    for (let j = 0; j < last; j++) tail += a[row + j]! * a[row + j]!;
    if (tail === 0) {
      tau[i] = 0;
      this.coupling[last] = alpha;
      return;
    }
    const norm = Math.sqrt(alpha * alpha + tail);
    const beta = alpha > 0 ? -norm : norm;
    const t = (beta - alpha) / beta;
    const scale = 1 / (alpha - beta);
    for (let j = 0; j < last; j++) a[row + j] = a[row + j]! * scale;
    a[row + last] = 1;
    tau[i] = t;
    this.coupling[last] = beta;
    // w = τ A v from the lower triangle, then w −= ½ τ (vᵀw) v, so that HᵀAH = A − v wᵀ − w vᵀ.
    for (let j = 0; j < i; j++) {
      const rj = j * n;
      const vj = a[row + j]!;
      let sum = a[rj + j]! * vj;
      for (let k = 0; k < j; k++) {
        const ajk = a[rj + k]!;
        sum += ajk * a[row + k]!;
        w[k] = w[k]! + ajk * vj;
      }
      w[j] = sum;
    }
    let overlap = 0;
    for (let j = 0; j < i; j++) {
      w[j] = w[j]! * t;
      overlap += w[j]! * a[row + j]!;
    }
    const half = 0.5 * t * overlap;
    for (let j = 0; j < i; j++) w[j] = w[j]! - half * a[row + j]!;
    for (let j = 0; j < i; j++) {
      const rj = j * n;
      const vj = a[row + j]!;
      const wj = w[j]!;
      for (let k = 0; k <= j; k++) a[rj + k] = a[rj + k]! - (vj * w[k]! + wj * a[row + k]!);
    }
  }

  /**
   * Writes the eigenvectors of the `count` lowest values of the last matrix to `out` [count, n], one per row.
   * Degenerate values get orthonormal vectors; signs are as they come.
   */
  vectors(count: number, out: Float64Array): void {
    const { size: n, reflectors, tau, inner, order } = this;
    for (let v = 0; v < count; v++) {
      const column = order[v]!;
      const base = v * n;
      for (let k = 0; k < n; k++) out[base + k] = inner[k * n + column]!;
      for (let i = 1; i < n; i++) {
        const t = tau[i]!;
        if (t === 0) continue;
        const row = i * n;
        let sum = 0;
        for (let j = 0; j < i; j++) sum += reflectors[row + j]! * out[base + j]!;
        sum *= t;
        for (let j = 0; j < i; j++) out[base + j] = out[base + j]! - sum * reflectors[row + j]!;
      }
    }
  }
}
