/**
 * Dense linear-algebra kernels: coarse calls on whole blocks, so that an implementation may copy, pack and tile.
 * Results are owned by the caller, never views of an implementation's memory.
 */
export interface LinearKernels {
  readonly name: string;
  /**
   * Gram matrix XᵀX.
   * @param rows [m, n] row-major
   * @returns    [n, n] symmetric, both triangles filled
   */
  gram(rows: Float64Array, m: number, n: number): Float64Array;
  dispose(): void;
}
