import { atomicNumberOf, symbolOf } from '../../elements.ts';
import { InputError } from '../../errors.ts';
import { completedCell } from '../../structure/cell.ts';
import { type NeighborList, neighborList } from '../../structure/neighbor-list.ts';
import { atomCount, type Structure } from '../../structure/structure.ts';
import type { EvaluationOptions } from '../descriptors.ts';

/** Pairs of one structure of a batch, and the central atoms from ≤ i < to that are wanted. */
export interface PairList {
  readonly list: NeighborList;
  readonly from: number;
  readonly to: number;
}

function requireRange(n: number, range: EvaluationOptions['atoms']): readonly [number, number] {
  if (range === undefined) return [0, n];
  const [from, to] = range;
  if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= n)) {
    const message = `atoms must be a range within 0 to ${n}, got ${from} to ${to}`;
    throw new InputError('BAD_ATOM_RANGE', message, { from, to, atoms: n });
  }
  return [from, to];
}

/** The pairs of atoms from ≤ i < to of a list made earlier, with vectors and distances at the positions and cell of now. */
function refreshed(structure: Structure, list: NeighborList, from: number, to: number): NeighborList {
  const { positions } = structure;
  const cell = completedCell(structure);
  const first = list.offsets[from]!;
  const count = list.offsets[to]! - first;
  const offsets = list.offsets.map((offset) => Math.max(0, Math.min(count, offset - first)));
  const indices = list.indices.subarray(first, first + count);
  const images = list.images.subarray(3 * first, 3 * (first + count));
  const vectors = new Float64Array(3 * count);
  const distances = new Float64Array(count);
  for (let i = from; i < to; i++) {
    for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
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
  return { ...list, offsets, indices, images, vectors, distances };
}

/**
 * Pairs of structure `index` of a batch as `options` say: those of the given list, whose vectors and distances are of the
 * positions it was made at, or of a fresh list. They may hold pairs beyond the cutoff.
 *
 * @param cutoff Å
 * @throws InputError `BAD_ATOM_RANGE`, `BAD_NEIGHBOR_LIST`, and what `neighborList` throws
 */
export function listedPairs(structure: Structure, cutoff: number, options: EvaluationOptions, index: number): PairList {
  const n = atomCount(structure);
  const [from, to] = requireRange(n, options.atoms);
  if (options.lists === undefined) return { list: neighborList(structure, cutoff, [from, to]), from, to };
  const list = options.lists[index];
  if (list === undefined || list.offsets.length !== n + 1 || !(list.cutoff >= cutoff)) {
    const got = list === undefined ? 'none' : `${list.offsets.length - 1} atoms and ${list.cutoff} Å`;
    const message = `neighbour list ${index} must be of ${n} atoms and reach ${cutoff} Å, got ${got}`;
    throw new InputError('BAD_NEIGHBOR_LIST', message, { index });
  }
  return { list, from, to };
}

/** The same with vectors and distances at the positions and cell of now. */
export function pairList(structure: Structure, cutoff: number, options: EvaluationOptions, index: number): PairList {
  const { list, from, to } = listedPairs(structure, cutoff, options, index);
  if (options.lists === undefined) return { list, from, to };
  return { list: refreshed(structure, list, from, to), from, to };
}

/** Finds the element index of each atom. */
export class ElementIndex {
  private readonly symbols: readonly string[];
  private readonly ofNumber = new Uint8Array(256).fill(255);

  constructor(symbols: readonly string[]) {
    this.symbols = symbols;
    symbols.forEach((symbol, mu) => {
      this.ofNumber[atomicNumberOf(symbol)] = mu;
    });
  }

  /** [n] place of each atom's element in the list. @throws InputError `SPECIES_NOT_IN_BASIS` */
  of(structure: Structure): Uint8Array {
    const elements = new Uint8Array(atomCount(structure));
    for (let i = 0; i < elements.length; i++) {
      const mu = this.ofNumber[structure.species[i]!]!;
      if (mu === 255) {
        const species = symbolOf(structure.species[i]!);
        const message = `species must be one of ${this.symbols.join(', ')}, got ${species} (atom ${i})`;
        throw new InputError('SPECIES_NOT_IN_BASIS', message, { species, atom: i });
      }
      elements[i] = mu;
    }
    return elements;
  }
}
