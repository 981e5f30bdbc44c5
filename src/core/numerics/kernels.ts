import type { Elimination } from './qr.ts';

/** A triangular factor made ready to whiten rows again and again. */
export interface Whitener {
  readonly columns: number;
  /**
   * X R⁻¹, row by row: what `whitenRows` gives.
   * @param rows [m, columns] row-major
   * @returns    [m, columns] row-major
   */
  whiten(rows: Float64Array, m: number): Float64Array;
  dispose(): void;
}

/**
 * Dense linear-algebra kernels: coarse calls on whole blocks, so that an implementation may copy, pack and tile. Arrays
 * are row-major; results are owned by the caller, never views of an implementation's memory. Each has the contract,
 * errors included, of the function of `core/numerics` with its name.
 */
export interface LinearKernels {
  readonly name: string;
  /** XᵀX. @param rows [m, n]  @returns [n, n] symmetric to the last bit */
  gram(rows: Float64Array, m: number, n: number): Float64Array;
  /** XXᵀ. @param rows [m, n]  @returns [m, m] symmetric to the last bit */
  rowGram(rows: Float64Array, m: number, n: number): Float64Array;
  /** A·B. @param a [m, k]  @param b [k, n]  @returns [m, n] */
  multiply(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array;
  /** R with A = RᵀR. @param a [n, n]  @throws NumericalError `NOT_POSITIVE_DEFINITE` */
  cholesky(a: Float64Array, n: number): Float64Array;
  /** X R⁻¹. @param rows [m, n]  @returns [m, n]  @throws NumericalError `SINGULAR_FACTOR` */
  whitenRows(r: Float64Array, n: number, rows: Float64Array, m: number): Float64Array;
  /** F R⁻¹ of two upper triangles. @returns [n, n]  @throws NumericalError `SINGULAR_FACTOR` */
  whitenUpper(r: Float64Array, n: number, f: Float64Array): Float64Array;
  /** R⁻¹. @returns [n, n]  @throws NumericalError `SINGULAR_FACTOR` */
  invertUpper(r: Float64Array, n: number): Float64Array;
  /** (RᵀR)⁻¹. @returns [n, n] symmetric to the last bit  @throws NumericalError `SINGULAR_FACTOR` */
  covarianceOf(r: Float64Array, n: number): Float64Array;
  /** AᵀA of an upper triangle. @returns [n, n] symmetric to the last bit */
  gramUpper(a: Float64Array, n: number): Float64Array;
  /** (F R⁻¹)ᵀ(F R⁻¹) of two upper triangles. @returns [n, n]  @throws NumericalError `SINGULAR_FACTOR` */
  whitenedGram(r: Float64Array, n: number, f: Float64Array): Float64Array;
  /** Householder elimination of a block of rows below a triangle; see `eliminateColumns`. */
  readonly eliminate: Elimination;
  /** Keeps R ready for many calls of `whitenRows`. @throws NumericalError `SINGULAR_FACTOR` */
  whitener(r: Float64Array, n: number): Whitener;
  dispose(): void;
}
