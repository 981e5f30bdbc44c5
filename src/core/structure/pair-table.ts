import type { Structure } from './structure.ts';

/** Pairs as a search leaves them: those of atom i are the entries offsets[i] … offsets[i+1]−1, sorted by j. */
export interface PairTable {
  /** [n+1] first entry of each atom. */
  readonly offsets: Int32Array;
  /** [p] index j of the neighbour. */
  readonly indices: Int32Array;
  /** [3p] number of lattice vectors by which the neighbour is moved; positions are taken as they stand, not wrapped. */
  readonly images: Int32Array;
  /** Number of candidate pairs whose distance was computed: a measure of work without a clock. */
  readonly candidates: number;
}

/** What is searched for. */
export interface PairSearch {
  readonly structure: Structure;
  /** [9] lattice vectors of the periodic directions, completed to a basis, Å. */
  readonly cell: Float64Array;
  /** [9] reduced basis of the same lattice, and the integers [9] that make it of `cell`. */
  readonly basis: Float64Array;
  readonly transform: Int32Array;
  /** Å. */
  readonly cutoff: number;
  /** The cutoff with head-room against the rounding of wrapped, turned and fractional coordinates, Å. */
  readonly reach: number;
  /** Central atoms from ≤ i < to whose neighbours are wanted. */
  readonly atoms: readonly [from: number, to: number];
}

/** |r_j + a·cell_a + b·cell_b + c·cell_c − r_i|², rounded as the vectors of the list are, Å². */
export function pairSquare(search: PairSearch, i: number, j: number, a: number, b: number, c: number): number {
  const { cell } = search;
  const { positions } = search.structure;
  const x = positions[3 * j]! - positions[3 * i]! + (a * cell[0]! + b * cell[3]! + c * cell[6]!);
  const y = positions[3 * j + 1]! - positions[3 * i + 1]! + (a * cell[1]! + b * cell[4]! + c * cell[7]!);
  const z = positions[3 * j + 2]! - positions[3 * i + 2]! + (a * cell[2]! + b * cell[5]! + c * cell[8]!);
  return x * x + y * y + z * z;
}

/** The numbers in an array of at least `length`, larger than needed so that growing is rare. */
export function grown(data: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * length);
  larger.set(data);
  return larger;
}
