import { InputError, NumericalError } from '../errors.ts';

/** QL steps allowed per eigenvalue; two are usual, so more than this means that the input is not a number. */
const STEPS_PER_VALUE = 60;
const EPSILON = 2.220446049250313e-16;

/** Checks the number of rows of a matrix. @throws InputError `MATRIX_SIZE` unless it is a positive integer */
export function requireMatrixSize(n: number): number {
  if (Number.isInteger(n) && n >= 1) return n;
  throw new InputError('MATRIX_SIZE', `matrix size must be a positive integer, got ${n}`, { n });
}

/**
 * Multiplies columns low … high of the n × n matrix `z` from the right by the plane rotations of one QL sweep, the last
 * column first: (z_i, z_{i+1}) ← (c z_i − s z_{i+1}, s z_i + c z_{i+1}). Four rows at a time keep the running column in
 * registers, so that every element is read and written once.
 */
function rotateColumns(
  z: Float64Array,
  n: number,
  low: number,
  high: number,
  cosines: Float64Array,
  sines: Float64Array,
): void {
  let row = 0;
  for (; row + 4 <= n; row += 4) {
    const r0 = row * n;
    const r1 = r0 + n;
    const r2 = r1 + n;
    const r3 = r2 + n;
    let f0 = z[r0 + high]!;
    let f1 = z[r1 + high]!;
    let f2 = z[r2 + high]!;
    let f3 = z[r3 + high]!;
    for (let i = high - 1; i >= low; i--) {
      const c = cosines[i]!;
      const s = sines[i]!;
      const t0 = z[r0 + i]!;
      const t1 = z[r1 + i]!;
      const t2 = z[r2 + i]!;
      const t3 = z[r3 + i]!;
      z[r0 + i + 1] = s * t0 + c * f0;
      z[r1 + i + 1] = s * t1 + c * f1;
      z[r2 + i + 1] = s * t2 + c * f2;
      z[r3 + i + 1] = s * t3 + c * f3;
      f0 = c * t0 - s * f0;
      f1 = c * t1 - s * f1;
      f2 = c * t2 - s * f2;
      f3 = c * t3 - s * f3;
    }
    z[r0 + low] = f0;
    z[r1 + low] = f1;
    z[r2 + low] = f2;
    z[r3 + low] = f3;
  }
  for (; row < n; row++) {
    const r = row * n;
    let f = z[r + high]!;
    for (let i = high - 1; i >= low; i--) {
      const t = z[r + i]!;
      z[r + i + 1] = sines[i]! * t + cosines[i]! * f;
      f = cosines[i]! * t - sines[i]! * f;
    }
    z[r + low] = f;
  }
}

/** Squares of couplings below this underflow: they count as zero. */
const TINY = 1e-140;

/** First index m ≥ l whose coupling to m + 1 is negligible beside the two diagonal entries. */
function blockEnd(d: Float64Array, e: Float64Array, l: number): number {
  let m = l;
  for (; m < d.length - 1; m++) {
    const coupling = Math.abs(e[m]!);
    if (coupling <= EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!)) || coupling < TINY) break;
  }
  return m;
}

/**
 * Eigenvalues and eigenvectors of the real symmetric tridiagonal matrix with diagonal `d` and couplings `e` by implicit
 * QL steps with Wilkinson's shift (Golub & Van Loan, Matrix Computations, 8.3). Values come out unsorted.
 * @param d [n] diagonal; on return the eigenvalues
 * @param e [n] e[i] couples i and i + 1, e[n−1] is not used; destroyed
 * @param z [n, n] row-major; on return z·V, whose column v belongs to d[v] (pass the identity for V itself)
 * @param cosines [n] scratch  @param sines [n] scratch
 * @throws NumericalError `EIGEN_NO_CONVERGENCE` or `EIGENVALUE_NOT_FINITE` when entries are not finite
 */
export function tridiagonalEigen(
  d: Float64Array,
  e: Float64Array,
  z: Float64Array,
  cosines: Float64Array,
  sines: Float64Array,
): void {
  const n = d.length;
  for (let l = 0; l < n; l++) {
    for (let step = 0; ; step++) {
      const m = blockEnd(d, e, l);
      if (m === l) break;
      if (step >= STEPS_PER_VALUE || !Number.isFinite(d[l]!)) {
        throw new NumericalError(
          'EIGEN_NO_CONVERGENCE',
          `eigenvalue ${l} of ${n} must converge in ${STEPS_PER_VALUE} QL steps, got a coupling of ${e[l]}`,
          { index: l, size: n, coupling: e[l] },
        );
      }
      // Wilkinson's shift: the eigenvalue of the leading 2 × 2 block that lies nearer to d[l].
      const half = (d[l + 1]! - d[l]!) / (2 * e[l]!);
      const root = Math.sqrt(half * half + 1);
      let g = d[m]! - d[l]! + e[l]! / (half >= 0 ? half + root : half - root);
      let s = 1;
      let c = 1;
      let shift = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i]!;
        const b = c * e[i]!;
        const r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          // The matrix falls apart here: undo the shift and begin again with the smaller block.
          d[i + 1] = d[i + 1]! - shift;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        cosines[i] = c;
        sines[i] = s;
        g = d[i + 1]! - shift;
        const t = (d[i]! - g) * s + 2 * c * b;
        shift = s * t;
        d[i + 1] = g + shift;
        g = c * t - b;
      }
      if (i + 1 < m) rotateColumns(z, n, i + 1, m, cosines, sines);
      if (i >= l) continue;
      d[l] = d[l]! - shift;
      e[l] = g;
      e[m] = 0;
    }
  }
  const bad = d.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new NumericalError('EIGENVALUE_NOT_FINITE', `eigenvalue ${bad} of ${n} must be finite, got ${d[bad]}`, {
      index: bad,
      size: n,
    });
  }
}

/** Indices that sort `values` ascending (ties in their present order), written to `order` [n]. */
export function ascendingOrder(values: Float64Array, order: Int32Array): void {
  for (let v = 0; v < values.length; v++) order[v] = v;
  order.sort((a, b) => values[a]! - values[b]! || a - b);
}
