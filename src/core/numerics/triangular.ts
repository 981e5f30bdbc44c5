import { NumericalError } from '../errors.ts';
import { addProduct, blockOf, transposedBlock } from './block-product.ts';
import { dot, mirrorUpper, requireLength } from './dense.ts';

/** Width of a diagonal block: solved row by row; the rest of a solve is matrix products. */
const PANEL = 32;

/** Checks that an upper-triangular matrix can be divided by. @throws NumericalError `SINGULAR_FACTOR` */
export function requireInvertible(r: Float64Array, n: number): void {
  requireLength('triangular factor', r, n * n);
  for (let i = 0; i < n; i++) {
    const pivot = r[i * n + i]!;
    if (pivot === 0 || !Number.isFinite(pivot)) {
      throw new NumericalError(
        'SINGULAR_FACTOR',
        `diagonal ${i} of a triangular factor must be finite and not 0, got ${pivot}`,
        {
          index: i,
          pivot,
          n,
        },
      );
    }
  }
}

/**
 * Solves R x = b.
 *
 * @param r  [n, n] upper triangular, row-major
 * @param b  [m, n] one right-hand side per row
 * @returns  [m, n] one solution per row
 * @throws   NumericalError `SINGULAR_FACTOR`
 * @cost     m n² flops
 */
export function solveUpper(r: Float64Array, n: number, b: Float64Array, m = 1): Float64Array {
  requireInvertible(r, n);
  requireLength('right-hand sides', b, m * n);
  const x = b.slice(0, m * n);
  for (let end = n; end > 0; end -= PANEL) {
    const p = Math.max(0, end - PANEL);
    for (let row = 0; row < m; row++) {
      const o = row * n;
      for (let i = end - 1; i >= p; i--) {
        x[o + i] = (x[o + i]! - dot(r, x, end - 1 - i, i * n + i + 1, o + i + 1)) / r[i * n + i]!;
      }
    }
    addProduct(-1, blockOf(x, n, 0, p), transposedBlock(blockOf(r, n, 0, p)), blockOf(x, n), m, p, end - p);
  }
  return x;
}

/**
 * Solves Rᵀ x = b.
 *
 * @param r  [n, n] upper triangular, row-major
 * @param b  [m, n] one right-hand side per row
 * @returns  [m, n] one solution per row
 * @throws   NumericalError `SINGULAR_FACTOR`
 * @cost     m n² flops
 */
export function solveUpperTransposed(r: Float64Array, n: number, b: Float64Array, m = 1): Float64Array {
  requireInvertible(r, n);
  requireLength('right-hand sides', b, m * n);
  const x = b.slice(0, m * n);
  for (let p = 0; p < n; p += PANEL) {
    const end = Math.min(n, p + PANEL);
    for (let row = 0; row < m; row++) {
      const o = row * n;
      for (let i = p; i < end; i++) {
        const value = x[o + i]! / r[i * n + i]!;
        x[o + i] = value;
        if (value !== 0) for (let j = i + 1; j < end; j++) x[o + j] = x[o + j]! - value * r[i * n + j]!;
      }
    }
    addProduct(-1, blockOf(x, n, 0, p), blockOf(r, n, p, end), blockOf(x, n, 0, end), m, n - end, end - p);
  }
  return x;
}

/**
 * X R⁻¹, row by row. With P = RᵀR the precision of weights w, the covariance of X w is U Uᵀ with U the result, so the
 * variance of one row is its squared norm.
 *
 * @param rows  [m, n] row-major
 * @returns     [m, n] row-major
 * @throws      NumericalError `SINGULAR_FACTOR`
 * @cost        m n² flops
 */
export function whitenRows(r: Float64Array, n: number, rows: Float64Array, m: number): Float64Array {
  return solveUpperTransposed(r, n, rows, m);
}

/**
 * F R⁻¹ of two upper-triangular matrices, itself upper triangular, by substitution.
 *
 * @param r  [n, n] row-major
 * @param f  [n, n] row-major; what it holds below the diagonal is not read
 * @throws   NumericalError `SINGULAR_FACTOR`
 * @cost     n³/3 flops
 */
export function whitenUpper(r: Float64Array, n: number, f: Float64Array): Float64Array {
  requireInvertible(r, n);
  requireLength('upper triangle', f, n * n);
  const x = new Float64Array(n * n);
  for (let i = 0; i < n; i++) x.set(f.subarray(i * n + i, (i + 1) * n), i * n + i);
  for (let p = 0; p < n; p += PANEL) {
    const end = Math.min(n, p + PANEL);
    for (let row = 0; row < end; row++) {
      const o = row * n;
      for (let i = Math.max(p, row); i < end; i++) {
        const value = x[o + i]! / r[i * n + i]!;
        x[o + i] = value;
        if (value !== 0) for (let j = i + 1; j < end; j++) x[o + j] = x[o + j]! - value * r[i * n + j]!;
      }
    }
    addProduct(-1, blockOf(x, n, 0, p), blockOf(r, n, p, end), blockOf(x, n, 0, end), end, n - end, end - p);
  }
  return x;
}

/**
 * (F R⁻¹)ᵀ(F R⁻¹) of two upper-triangular matrices: FᵀF in coordinates in which RᵀR is the identity.
 *
 * @param r  [n, n] row-major
 * @param f  [n, n] row-major
 * @returns  [n, n] symmetric to the last bit
 * @throws   NumericalError `SINGULAR_FACTOR`
 * @cost     2n³/3 flops
 */
export function whitenedGram(r: Float64Array, n: number, f: Float64Array): Float64Array {
  return gramUpper(whitenUpper(r, n, f), n);
}

/**
 * A·B of two upper-triangular matrices, itself upper triangular.
 *
 * @param a  [n, n] row-major; the lower part is taken as zero and must hold zeros
 * @param b  [n, n] row-major, likewise
 * @cost     n³/3 flops
 */
export function productUpper(a: Float64Array, b: Float64Array, n: number): Float64Array {
  requireLength('left factor', a, n * n);
  requireLength('right factor', b, n * n);
  const c = new Float64Array(n * n);
  for (let p = 0; p < n; p += PANEL) {
    const width = Math.min(PANEL, n - p);
    // Column block p of A times row block p of B reaches rows 0 … p+width−1 and columns p … n−1.
    addProduct(1, blockOf(a, n, 0, p), blockOf(b, n, p, p), blockOf(c, n, 0, p), p + width, n - p, width);
  }
  return c;
}

/** Aᵀ·A of an upper-triangular matrix, both triangles filled. @param a [n, n] row-major, zero below  @cost n³/3 flops */
export function gramUpper(a: Float64Array, n: number): Float64Array {
  requireLength('factor', a, n * n);
  const c = new Float64Array(n * n);
  for (let p = 0; p < n; p += PANEL) {
    const width = Math.min(PANEL, n - p);
    addProduct(
      1,
      transposedBlock(blockOf(a, n, 0, p)),
      blockOf(a, n, 0, p),
      blockOf(c, n, p, p),
      width,
      n - p,
      p + width,
      true,
    );
  }
  mirrorUpper(c, n);
  return c;
}

/**
 * R⁻¹ of an upper-triangular matrix.
 *
 * @param r  [n, n] row-major
 * @returns  [n, n] upper triangular, row-major
 * @throws   NumericalError `SINGULAR_FACTOR`
 * @cost     n³/3 flops
 */
export function invertUpper(r: Float64Array, n: number): Float64Array {
  requireInvertible(r, n);
  const x = new Float64Array(n * n);
  for (let p = 0; p < n; p += PANEL) {
    const end = Math.min(n, p + PANEL);
    // X[:, p…end) = −X[:, <p]·R[<p, p…end)·R_pp⁻¹ above the block, R_pp⁻¹ in it; each row i of X solves x R = e_i.
    for (let k = 0; k < p; k += PANEL) {
      addProduct(-1, blockOf(x, n, 0, k), blockOf(r, n, k, p), blockOf(x, n, 0, p), k + PANEL, end - p, PANEL);
    }
    for (let i = p; i < end; i++) x[i * n + i] = 1;
    for (let row = 0; row < end; row++) {
      const o = row * n;
      for (let i = Math.max(p, row); i < end; i++) {
        const value = x[o + i]! / r[i * n + i]!;
        x[o + i] = value;
        if (value !== 0) for (let j = i + 1; j < end; j++) x[o + j] = x[o + j]! - value * r[i * n + j]!;
      }
    }
  }
  return x;
}

/** (RᵀR)⁻¹ = R⁻¹R⁻ᵀ, symmetric to the last bit: the covariance that belongs to a precision factor. @cost n³ flops */
export function covarianceOf(r: Float64Array, n: number): Float64Array {
  const x = invertUpper(r, n);
  const c = new Float64Array(n * n);
  for (let p = 0; p < n; p += PANEL) {
    const width = Math.min(PANEL, n - p);
    const panel = blockOf(x, n, p, p);
    addProduct(1, panel, transposedBlock(panel), blockOf(c, n, p, p), width, width, n - p, true);
    const rest = n - p - width;
    const right = blockOf(x, n, p + width, p + width);
    addProduct(1, blockOf(x, n, p, p + width), transposedBlock(right), blockOf(c, n, p, p + width), width, rest, rest);
  }
  mirrorUpper(c, n);
  return c;
}
