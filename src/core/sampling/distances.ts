import { covalentRadiusOf } from '../elements.ts';
import { InputError } from '../errors.ts';
import { neighborList } from '../structure/neighbor-list.ts';
import type { Structure } from '../structure/structure.ts';

/** Shortest distance allowed between two atoms of given atomic numbers, Å; symmetric. */
export type DistanceGate = (a: number, b: number) => number;

/** The gate `share`·(sum of the covalent radii). */
export function covalentGate(share = 0.7): DistanceGate {
  return (a, b) => share * (covalentRadiusOf(a) + covalentRadiusOf(b));
}

/** Largest gate over the pairs of species of a structure, Å. */
function largestGate(structure: Structure, gate: DistanceGate): number {
  const kinds = [...new Set(structure.species)];
  let largest = 0;
  for (const a of kinds) for (const b of kinds) largest = Math.max(largest, gate(a, b));
  return largest;
}

/** Smallest distance over its gate, over all pairs that are inside their gates; 1 when there is none. */
export function gateRatio(structure: Structure, gate: DistanceGate): number {
  const cutoff = largestGate(structure, gate);
  if (!(cutoff > 0)) return 1;
  const { offsets, indices, distances } = neighborList(structure, cutoff);
  const { species } = structure;
  let smallest = 1;
  for (let i = 0; i < species.length; i++) {
    for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
      smallest = Math.min(smallest, distances[p]! / gate(species[i]!, species[indices[p]!]!));
    }
  }
  return smallest;
}

/** Throws InputError `ATOMS_TOO_CLOSE` when a pair of structure `index` is inside its gate. */
export function requireDistances(structure: Structure, gate: DistanceGate, index: number): void {
  const ratio = gateRatio(structure, gate);
  if (ratio < 1) {
    const message = `distances of structure ${index} must not be below their gates, got ${ratio.toPrecision(3)} of one`;
    throw new InputError('ATOMS_TOO_CLOSE', message, { index, ratio });
  }
}

/** A neighbour of an atom. */
export interface Neighbor {
  readonly index: number;
  /** [3] from the atom to it, Å. */
  readonly vector: Float64Array;
  /** Å */
  readonly distance: number;
}

// Beyond this an atom counts as alone.
const REACH = 20;

/** The nearest neighbour of atom i that is not its own image, the first of equals; null when there is none within 20 Å. */
export function nearestNeighbor(structure: Structure, i: number): Neighbor | null {
  for (let cutoff = 2.5; ; cutoff = Math.min(2 * cutoff, REACH)) {
    const { offsets, indices, distances, vectors } = neighborList(structure, cutoff);
    let best = -1;
    for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
      if (indices[p] !== i && (best < 0 || distances[p]! < distances[best]!)) best = p;
    }
    if (best >= 0) {
      return { index: indices[best]!, vector: vectors.slice(3 * best, 3 * best + 3), distance: distances[best]! };
    }
    if (cutoff === REACH) return null;
  }
}
