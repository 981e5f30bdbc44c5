import { requireLength } from './dense.ts';
import { ascendingOrder, requireMatrixSize, tridiagonalEigen } from './eigen-tridiagonal.ts';

/**
 * Eigenvalues and eigenvectors of complex Hermitian matrices of one size. Householder reflections H_i = 1 − τ_i v_i v_i†
 * with complex τ bring the matrix to a real tridiagonal one, whose QL iteration then costs no more than that of a real
 * matrix (a quarter of the work of the real 2n × 2n embedding). Otherwise as `SymmetricEigensolver`.
 */
export class HermitianEigensolver {
  readonly size: number;
  /** [n] eigenvalues of the last matrix, ascending. */
  readonly values: Float64Array;
  /** [n, n] row i holds the reflector v_i on the first i coordinates. */
  private readonly re: Float64Array;
  private readonly im: Float64Array;
  private readonly tauRe: Float64Array;
  private readonly tauIm: Float64Array;
  /** [n, n] column v is an eigenvector of the tridiagonal matrix. */
  private readonly inner: Float64Array;
  private readonly diagonal: Float64Array;
  private readonly coupling: Float64Array;
  private readonly workRe: Float64Array;
  private readonly workIm: Float64Array;
  private readonly order: Int32Array;

  /** @param n number of rows, at least 1 */
  constructor(n: number) {
    this.size = requireMatrixSize(n);
    this.values = new Float64Array(n);
    this.re = new Float64Array(n * n);
    this.im = new Float64Array(n * n);
    this.tauRe = new Float64Array(n);
    this.tauIm = new Float64Array(n);
    this.inner = new Float64Array(n * n);
    this.diagonal = new Float64Array(n);
    this.coupling = new Float64Array(n);
    this.workRe = new Float64Array(n);
    this.workIm = new Float64Array(n);
    this.order = new Int32Array(n);
  }

  /**
   * Diagonalises the matrix real + i·imaginary, both [n, n]; only the lower triangles are read, and the imaginary
   * diagonal counts as zero. @throws InputError `SHAPE_MISMATCH`; NumericalError as `tridiagonalEigen`
   */
  decompose(real: Float64Array, imaginary: Float64Array): Float64Array {
    const { size: n, diagonal, values, order, inner } = this;
    requireLength('real part', real, n * n);
    requireLength('imaginary part', imaginary, n * n);
    this.re.set(real.subarray(0, n * n));
    this.im.set(imaginary.subarray(0, n * n));
    for (let i = n - 1; i >= 1; i--) this.reflect(i);
    for (let i = 0; i < n; i++) diagonal[i] = this.re[i * n + i]!;
    inner.fill(0);
    for (let i = 0; i < n; i++) inner[i * n + i] = 1;
    tridiagonalEigen(diagonal, this.coupling, inner, this.workRe, this.workIm);
    ascendingOrder(diagonal, order);
    for (let v = 0; v < n; v++) values[v] = diagonal[order[v]!]!;
    return values;
  }

  /** Makes the reflector of row i; returns false when the row needs none. */
  private makeReflector(i: number): boolean {
    const { size: n, re, im, tauRe, tauIm } = this;
    const row = i * n;
    const last = i - 1;
    // The column to be reduced is the conjugate of the row that is stored.
    const alphaRe = re[row + last]!;
    const alphaIm = -im[row + last]!;
    let tail = alphaIm * alphaIm;
    for (let j = 0; j < last; j++) tail += re[row + j]! * re[row + j]! + im[row + j]! * im[row + j]!;
    if (tail === 0) {
      tauRe[i] = 0;
      tauIm[i] = 0;
      this.coupling[last] = alphaRe;
      return false;
    }
    const norm = Math.sqrt(alphaRe * alphaRe + tail);
    const beta = alphaRe > 0 ? -norm : norm;
    tauRe[i] = (beta - alphaRe) / beta;
    tauIm[i] = -alphaIm / beta;
    this.coupling[last] = beta;
    const differenceRe = alphaRe - beta;
    const size2 = differenceRe * differenceRe + alphaIm * alphaIm;
    const scaleRe = differenceRe / size2;
    const scaleIm = -alphaIm / size2;
    for (let j = 0; j < last; j++) {
      const x = re[row + j]!;
      const y = -im[row + j]!;
      re[row + j] = x * scaleRe - y * scaleIm;
      im[row + j] = x * scaleIm + y * scaleRe;
    }
    re[row + last] = 1;
    im[row + last] = 0;
    return true;
  }

  /** Reduces row i of the leading (i + 1)-block to its coupling with i − 1 and transforms the block above it. */
  private reflect(i: number): void {
    if (!this.makeReflector(i)) return;
    const { size: n, re, im, workRe: wr, workIm: wi } = this;
    const row = i * n;
    const tr = this.tauRe[i]!;
    const ti = this.tauIm[i]!;
    // w = A v from the lower triangle.
    for (let j = 0; j < i; j++) {
      const rj = j * n;
      const vjr = re[row + j]!;
      const vji = im[row + j]!;
      let sumRe = re[rj + j]! * vjr;
      let sumIm = re[rj + j]! * vji;
      for (let k = 0; k < j; k++) {
        const ar = re[rj + k]!;
        const ai = im[rj + k]!;
        const vkr = re[row + k]!;
        const vki = im[row + k]!;
        sumRe += ar * vkr - ai * vki;
        sumIm += ar * vki + ai * vkr;
        wr[k] = wr[k]! + ar * vjr + ai * vji;
        wi[k] = wi[k]! + ar * vji - ai * vjr;
      }
      wr[j] = sumRe;
      wi[j] = sumIm;
    }
    // w ← τ w, then w −= ½ τ* (v†w) v with τ* v†w real, so that H†AH = A − v w† − w v†.
    let overlapRe = 0;
    let overlapIm = 0;
    for (let j = 0; j < i; j++) {
      const x = wr[j]! * tr - wi[j]! * ti;
      const y = wr[j]! * ti + wi[j]! * tr;
      wr[j] = x;
      wi[j] = y;
      overlapRe += re[row + j]! * x + im[row + j]! * y;
      overlapIm += re[row + j]! * y - im[row + j]! * x;
    }
    const half = 0.5 * (tr * overlapRe + ti * overlapIm);
    for (let j = 0; j < i; j++) {
      wr[j] = wr[j]! - half * re[row + j]!;
      wi[j] = wi[j]! - half * im[row + j]!;
    }
    for (let j = 0; j < i; j++) {
      const rj = j * n;
      const vjr = re[row + j]!;
      const vji = im[row + j]!;
      const wjr = wr[j]!;
      const wji = wi[j]!;
      for (let k = 0; k < j; k++) {
        const vkr = re[row + k]!;
        const vki = im[row + k]!;
        const wkr = wr[k]!;
        const wki = wi[k]!;
        re[rj + k] = re[rj + k]! - (vjr * wkr + vji * wki + wjr * vkr + wji * vki);
        im[rj + k] = im[rj + k]! - (vji * wkr - vjr * wki + wji * vkr - wjr * vki);
      }
      re[rj + j] = re[rj + j]! - 2 * (vjr * wjr + vji * wji);
    }
  }

  /**
   * Writes the eigenvectors of the `count` lowest values of the last matrix to `outRe` and `outIm` [count, n], one per
   * row: A x = λ x with x = outRe + i·outIm. Degenerate values get orthonormal vectors; phases are as they come.
   */
  vectors(count: number, outRe: Float64Array, outIm: Float64Array): void {
    const { size: n, re, im, inner, order } = this;
    for (let v = 0; v < count; v++) {
      const column = order[v]!;
      const base = v * n;
      for (let k = 0; k < n; k++) {
        outRe[base + k] = inner[k * n + column]!;
        outIm[base + k] = 0;
      }
      for (let i = 1; i < n; i++) {
        const tr = this.tauRe[i]!;
        const ti = this.tauIm[i]!;
        if (tr === 0 && ti === 0) continue;
        const row = i * n;
        let sr = 0;
        let si = 0;
        for (let j = 0; j < i; j++) {
          const x = outRe[base + j]!;
          const y = outIm[base + j]!;
          sr += re[row + j]! * x + im[row + j]! * y;
          si += re[row + j]! * y - im[row + j]! * x;
        }
        const pr = tr * sr - ti * si;
        const pi = tr * si + ti * sr;
        for (let j = 0; j < i; j++) {
          const x = re[row + j]!;
          const y = im[row + j]!;
          outRe[base + j] = outRe[base + j]! - (pr * x - pi * y);
          outIm[base + j] = outIm[base + j]! - (pr * y + pi * x);
        }
      }
    }
  }
}
