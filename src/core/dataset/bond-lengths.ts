import { covalentRadiusOf } from '../elements.ts';
import { neighborList } from '../structure/neighbor-list.ts';
import type { Structure } from '../structure/structure.ts';
import { atomCount } from '../structure/structure.ts';

/** Distances that fix cutoffs. */
export interface BondLengths {
  /** Median over atoms of the distance to the nearest neighbour, Å; null when no atom has one. */
  readonly typical: number | null;
  /** shortest[a][b]: shortest distance between elements a and b of the list, Å; Infinity when none was seen. */
  readonly shortest: readonly (readonly number[])[];
}

/** Neighbours are looked for up to this multiple of the largest sum of covalent radii. */
const SEARCH = 2.2;

/**
 * Typical bond length and shortest distance of each pair of elements in some structures.
 * @param species [elements] atomic numbers that index `shortest`
 */
export function bondLengths(structures: readonly Structure[], species: readonly number[]): BondLengths {
  const index = new Map(species.map((z, i) => [z, i]));
  const reach = SEARCH * 2 * Math.max(...species.map(covalentRadiusOf));
  const shortest = species.map(() => species.map(() => Number.POSITIVE_INFINITY));
  const nearest: number[] = [];
  for (const structure of structures) {
    const list = neighborList(structure, reach);
    for (let i = 0; i < atomCount(structure); i++) {
      let closest = Number.POSITIVE_INFINITY;
      const a = index.get(structure.species[i]!)!;
      for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
        const r = list.distances[p]!;
        const b = index.get(structure.species[list.indices[p]!]!)!;
        closest = Math.min(closest, r);
        if (r < shortest[a]![b]!) {
          shortest[a]![b] = r;
          shortest[b]![a] = r;
        }
      }
      if (Number.isFinite(closest)) nearest.push(closest);
    }
  }
  nearest.sort((x, y) => x - y);
  return { typical: nearest.length === 0 ? null : nearest[nearest.length >> 1]!, shortest };
}
