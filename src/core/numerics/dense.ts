import { InputError } from '../errors.ts';
import { addProduct, blockOf, transposedBlock } from './block-product.ts';

/** Checks that an array holds at least `length` numbers. @throws InputError `SHAPE_MISMATCH` */
export function requireLength(name: string, array: Float64Array, length: number): void {
  if (array.length < length) {
    throw new InputError('SHAPE_MISMATCH', `${name} must hold ${length} numbers, got ${array.length}`, {
      name,
      expected: length,
      actual: array.length,
    });
  }
}

/** a·b of two vectors of length n that begin at a0 and b0. Four running sums. */
export function dot(a: Float64Array, b: Float64Array, n = a.length, a0 = 0, b0 = 0): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const end = n - (n % 4);
  for (let i = 0; i < end; i += 4) {
    s0 += a[a0 + i]! * b[b0 + i]!;
    s1 += a[a0 + i + 1]! * b[b0 + i + 1]!;
    s2 += a[a0 + i + 2]! * b[b0 + i + 2]!;
    s3 += a[a0 + i + 3]! * b[b0 + i + 3]!;
  }
  for (let i = end; i < n; i++) s0 += a[a0 + i]! * b[b0 + i]!;
  return s0 + s1 + (s2 + s3);
}

/** ‖a‖² of n numbers that begin at a0. */
export function squaredNorm(a: Float64Array, n = a.length, a0 = 0): number {
  return dot(a, a, n, a0, a0);
}

/** y += scale · x for n numbers that begin at x0 and y0. */
export function addScaled(scale: number, x: Float64Array, y: Float64Array, n = x.length, x0 = 0, y0 = 0): void {
  for (let i = 0; i < n; i++) y[y0 + i] = y[y0 + i]! + scale * x[x0 + i]!;
}

/** A·x. @param a [m, n] row-major  @param x [n]  @returns [m] */
export function matVec(a: Float64Array, x: Float64Array, m: number, n: number): Float64Array {
  requireLength('matrix', a, m * n);
  requireLength('vector', x, n);
  const y = new Float64Array(m);
  for (let i = 0; i < m; i++) y[i] = dot(a, x, n, i * n, 0);
  return y;
}

/** Aᵀ·x. @param a [m, n] row-major  @param x [m]  @returns [n] */
export function transposedMatVec(a: Float64Array, x: Float64Array, m: number, n: number): Float64Array {
  requireLength('matrix', a, m * n);
  requireLength('vector', x, m);
  const y = new Float64Array(n);
  for (let i = 0; i < m; i++) if (x[i] !== 0) addScaled(x[i]!, a, y, n, i * n, 0);
  return y;
}

/** A·B. @param a [m, k]  @param b [k, n]  @returns [m, n]; all row-major */
export function multiply(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array {
  requireLength('left factor', a, m * k);
  requireLength('right factor', b, k * n);
  const c = new Float64Array(m * n);
  addProduct(1, blockOf(a, k), blockOf(b, n), blockOf(c, n), m, n, k);
  return c;
}

/** Copies the upper triangle of a square matrix into the lower one, in place. @param a [n, n] */
export function mirrorUpper(a: Float64Array, n: number): void {
  for (let i = 1; i < n; i++) for (let j = 0; j < i; j++) a[i * n + j] = a[j * n + i]!;
}

/** Gram matrix XᵀX, symmetric to the last bit. @param rows [m, n] row-major  @returns [n, n] */
export function gram(rows: Float64Array, m: number, n: number): Float64Array {
  requireLength('rows', rows, m * n);
  const c = new Float64Array(n * n);
  const x = blockOf(rows, n);
  addProduct(1, transposedBlock(x), x, blockOf(c, n), n, n, m, true);
  mirrorUpper(c, n);
  return c;
}

/** Gram matrix of the rows, XXᵀ, symmetric to the last bit. @param rows [m, n] row-major  @returns [m, m] */
export function rowGram(rows: Float64Array, m: number, n: number): Float64Array {
  requireLength('rows', rows, m * n);
  const c = new Float64Array(m * m);
  const x = blockOf(rows, n);
  addProduct(1, x, transposedBlock(x), blockOf(c, m), m, m, n, true);
  mirrorUpper(c, m);
  return c;
}

/** The transpose. @param a [m, n]  @returns [n, m]; both row-major */
export function transpose(a: Float64Array, m: number, n: number): Float64Array {
  requireLength('matrix', a, m * n);
  const t = new Float64Array(n * m);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) t[j * m + i] = a[i * n + j]!;
  return t;
}

/** ‖row i‖² of every row. @param rows [m, n] row-major  @returns [m] */
export function squaredRowNorms(rows: Float64Array, m: number, n: number): Float64Array {
  requireLength('rows', rows, m * n);
  return Float64Array.from({ length: m }, (_, i) => squaredNorm(rows, n, i * n));
}
