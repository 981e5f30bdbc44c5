import { dot } from '../numerics/dense.ts';
import type { FactorState, PerKind } from './regression.ts';

/** Numbers in the upper triangle of an [n, n] matrix. */
export function packedLength(n: number): number {
  return (n * (n + 1)) / 2;
}

/** Where column j of row i of a packed upper triangle would be for j = 0, so that (i, j ≥ i) is at this plus j. */
export function packedRow(i: number, n: number): number {
  return i * n - (i * (i + 1)) / 2;
}

/** A factor whose triangle is kept row by row without the zeros below it: half the memory. */
export interface PackedFactor extends Omit<FactorState, 'r'> {
  /** [d (d + 1)/2] rows of the upper triangle, one after the other; empty for a factor of no observations. */
  readonly packed: Float64Array;
}

/** Makes the array that a triangle is packed into. */
export type Allocation = (length: number) => Float64Array;

const ownMemory: Allocation = (length) => new Float64Array(length);

/** The upper triangle of a matrix, row by row. @param square [n, n] row-major  @param allocate default memory of its own */
export function packUpper(square: Float64Array, n: number, allocate: Allocation = ownMemory): Float64Array {
  const packed = allocate(packedLength(n));
  for (let i = 0, at = 0; i < n; at += n - i, i++) packed.set(square.subarray(i * n + i, (i + 1) * n), at);
  return packed;
}

/** The matrix of a packed upper triangle, zeros below. @returns [n, n] row-major */
export function unpackUpper(packed: Float64Array, n: number): Float64Array {
  const square = new Float64Array(n * n);
  for (let i = 0, at = 0; i < n; at += n - i, i++) square.set(packed.subarray(at, at + n - i), i * n + i);
  return square;
}

/** A factor made smaller for keeping; nothing is lost. @param allocate default memory of its own */
export function packFactor(state: FactorState, allocate: Allocation = ownMemory): PackedFactor {
  const { r, ...rest } = state;
  return { ...rest, packed: state.count > 0 ? packUpper(r, state.columns, allocate) : new Float64Array(0) };
}

/** The factor as it was. */
export function unpackFactor(state: PackedFactor): FactorState {
  const { packed, ...rest } = state;
  const d = state.columns;
  return { ...rest, r: packed.length > 0 ? unpackUpper(packed, d) : new Float64Array(d * d) };
}

/** The factors of all kinds as they were. */
export function unpackFactors(states: PerKind<PackedFactor>): PerKind<FactorState> {
  return {
    energy: unpackFactor(states.energy),
    forces: unpackFactor(states.forces),
    virial: unpackFactor(states.virial),
  };
}

/** ‖y − X·w‖² of the rows of a packed factor, ‖R w − z‖² + residual. @param weights [d] */
export function packedResidual(state: PackedFactor, weights: Float64Array): number {
  const { packed, z, columns: d } = state;
  if (packed.length === 0) return state.residual;
  let sum = state.residual;
  for (let i = 0, at = 0; i < d; at += d - i, i++) {
    const e = dot(packed, weights, d - i, at, i) - z[i]!;
    sum += e * e;
  }
  return sum;
}
