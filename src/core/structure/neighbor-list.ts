/**
 * Neighbour lists. Small systems enumerate the images of every pair directly; large ones use linked cells and are linear
 * in the number of atoms. Both work in a reduced basis, so that skewed cells cost nothing, and give the same list, bit
 * for bit.
 */
import { InputError } from '../errors.ts';
import { completedCell, planeHeights, reducedCell } from './cell.ts';
import { searchImages } from './image-search.ts';
import { coversAll, layGrid, searchCells } from './linked-cells.ts';
import type { PairSearch, PairTable } from './pair-table.ts';
import type { Structure } from './structure.ts';

/**
 * All pairs (i, j, image) with |r_j + image·cell − r_i| < cutoff, both directions, an atom and its own images included.
 * The neighbours of atom i are the entries offsets[i] … offsets[i+1]−1, sorted by (j, image).
 */
export interface NeighborList extends PairTable {
  /** Å. */
  readonly cutoff: number;
  /** [3p] r_j + image·cell − r_i, Å; exactly opposite for the two directions of a pair. */
  readonly vectors: Float64Array;
  /** [p] lengths of `vectors`, Å. */
  readonly distances: Float64Array;
}

/** Head-room of the search radius against rounding of turned and wrapped coordinates, as a share of the largest number. */
const HEADROOM = 1e-10;

/** Atoms farther from the origin than this, Å, are lost: differences of their positions keep no more than eight digits. */
const LARGEST_COORDINATE = 1e8;
/** No list is made of more pairs than this in cells so small that each atom meets more than a thousand images of another. */
const MOST_PAIRS = 2e7;
const MANY_IMAGES = 1000;

/** Largest |component| of the positions. @throws InputError `NOT_FINITE_POSITION`, `FAR_POSITION` */
function largestCoordinate(positions: Float64Array): number {
  let largest = 0;
  for (let k = 0; k < positions.length; k++) {
    const size = Math.abs(positions[k]!);
    if (!(size < Number.POSITIVE_INFINITY)) {
      const atom = Math.floor(k / 3);
      throw new InputError('NOT_FINITE_POSITION', `position of atom ${atom} must be finite, got ${positions[k]} Å`, {
        atom,
      });
    }
    if (size > LARGEST_COORDINATE) {
      const atom = Math.floor(k / 3);
      const message = `position of atom ${atom} must lie within 1e8 Å of the origin, got ${positions[k]} Å`;
      throw new InputError('FAR_POSITION', message, { atom });
    }
    if (size > largest) largest = size;
  }
  return largest;
}

/** Refuses cells so small for the cutoff that the pairs would not fit into memory. @throws InputError `CELL_TOO_SMALL` */
function requireFewPairs({ structure, basis, reach }: PairSearch): void {
  const { pbc } = structure;
  const n = structure.species.length;
  const heights = planeHeights(basis);
  let images = 1;
  for (let d = 0; d < 3; d++) if (pbc[d]) images *= (2 * reach) / heights[d]! + 1;
  if (images <= MANY_IMAGES || n * n * images <= MOST_PAIRS) return;
  throw new InputError(
    'CELL_TOO_SMALL',
    `cell must hold fewer than ${MOST_PAIRS} pairs within ${reach.toPrecision(3)} Å, got about ${(n * n * images).toPrecision(2)} of ${n} atoms`,
    { atoms: n, images, cutoff: reach },
  );
}

/** Whether entry p−1 of (index, image) stands after entry p. */
function outOfOrder(indices: Int32Array, images: Int32Array, p: number): boolean {
  if (indices[p - 1] !== indices[p]) return indices[p - 1]! > indices[p]!;
  for (let d = 0; d < 3; d++) {
    if (images[3 * p - 3 + d] !== images[3 * p + d]) return images[3 * p - 3 + d]! > images[3 * p + d]!;
  }
  return false;
}

/** Puts the images of each pair in order and works out the vectors. */
function completeList({ structure, cell, cutoff }: PairSearch, pairs: PairTable): NeighborList {
  const { positions } = structure;
  const { offsets, indices, images, candidates } = pairs;
  const vectors = new Float64Array(images.length);
  const distances = new Float64Array(indices.length);
  for (let i = 0; i + 1 < offsets.length; i++) {
    const first = offsets[i]!;
    for (let p = first + 1; p < offsets[i + 1]!; p++) {
      for (let q = p; q > first && outOfOrder(indices, images, q); q--) {
        for (let d = 0; d < 3; d++) {
          const held = images[3 * q + d]!;
          images[3 * q + d] = images[3 * q - 3 + d]!;
          images[3 * q - 3 + d] = held;
        }
      }
    }
    for (let p = first; p < offsets[i + 1]!; p++) {
      const j = indices[p]!;
      const [a, b, c] = [images[3 * p]!, images[3 * p + 1]!, images[3 * p + 2]!];
      const x = positions[3 * j]! - positions[3 * i]! + (a * cell[0]! + b * cell[3]! + c * cell[6]!);
      const y = positions[3 * j + 1]! - positions[3 * i + 1]! + (a * cell[1]! + b * cell[4]! + c * cell[7]!);
      const z = positions[3 * j + 2]! - positions[3 * i + 2]! + (a * cell[2]! + b * cell[5]! + c * cell[8]!);
      vectors[3 * p] = x;
      vectors[3 * p + 1] = y;
      vectors[3 * p + 2] = z;
      distances[p] = Math.sqrt(x * x + y * y + z * z);
    }
  }
  return { cutoff, offsets, indices, vectors, distances, images, candidates };
}

/**
 * The full neighbour list of a structure: right for cells smaller than the cutoff, any periodicity, skewed and
 * left-handed cells, and atoms outside the cell. Lattice vectors of open directions are not used and may be zero.
 * @param cutoff Å, > 0; pairs at exactly the cutoff are left out
 * @param atoms  list only the neighbours of atoms from ≤ i < to; the others get none
 * @throws InputError `BAD_CUTOFF`, `NOT_FINITE_POSITION`, `FAR_POSITION`, `MISSING_LATTICE_VECTOR`, `SINGULAR_CELL`,
 *   `CELL_TOO_SMALL`
 */
export function neighborList(
  structure: Structure,
  cutoff: number,
  atoms: readonly [from: number, to: number] = [0, structure.species.length],
): NeighborList {
  if (!(cutoff > 0) || cutoff === Number.POSITIVE_INFINITY) {
    throw new InputError('BAD_CUTOFF', `cutoff must be positive and finite, got ${cutoff} Å`, { cutoff });
  }
  const cell = completedCell(structure);
  const size = Math.max(largestCoordinate(structure.positions), ...cell.map(Math.abs));
  const reach = cutoff + HEADROOM * (cutoff + size);
  const { basis, transform } = reducedCell(cell, structure.pbc);
  const search: PairSearch = { structure, cell, basis, transform, cutoff, reach, atoms };
  requireFewPairs(search);
  const grid = layGrid(search);
  return completeList(search, coversAll(grid) ? searchImages(search) : searchCells(search, grid));
}
