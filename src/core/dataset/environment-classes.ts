import { covalentRadiusOf } from '../elements.ts';
import { InputError } from '../errors.ts';
import { neighborList } from '../structure/neighbor-list.ts';
import type { Structure } from '../structure/structure.ts';
import { atomCount } from '../structure/structure.ts';

/** Bands of distortion, and whether the coordination is the usual one: so many classes of atoms. */
const BANDS = 3;
/** Number of classes. */
export const ENVIRONMENT_CLASSES = 2 * BANDS;
/** Neighbours up to this multiple of the element's usual nearest distance count as bonds. */
const BONDED = 1.25;
/** Neighbours are looked for up to this multiple of twice the largest covalent radius. */
const SEARCH = 2.2;

/** What an atom of each element usually looks like. */
export interface EnvironmentStandard {
  /** [elements] atomic numbers. */
  readonly species: readonly number[];
  /** [elements] median distance to the nearest neighbour, Å. */
  readonly bonds: readonly number[];
  /** [elements] most frequent number of bonds. */
  readonly coordination: readonly number[];
  /** Terciles of the distortion over all atoms. */
  readonly edges: readonly [number, number];
}

/** Bonds of one atom. */
interface Bonds {
  readonly nearest: number;
  readonly count: number;
  /** Root mean square of d/d₀ − 1 over bonds; 0 without any. */
  readonly distortion: number;
}

function bondsOf(structure: Structure, reach: number, usual: (z: number) => number): Bonds[] {
  const list = neighborList(structure, reach);
  return Array.from({ length: atomCount(structure) }, (_, i) => {
    const bond = usual(structure.species[i]!);
    let [nearest, count, square] = [Number.POSITIVE_INFINITY, 0, 0];
    for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
      const distance = list.distances[p]!;
      nearest = Math.min(nearest, distance);
      if (distance > BONDED * bond) continue;
      count++;
      square += (distance / bond - 1) * (distance / bond - 1);
    }
    return { nearest, count, distortion: count === 0 ? 0 : Math.sqrt(square / count) };
  });
}

const medianOf = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/**
 * Usual bonds, coordination and terciles of distortion of the atoms of some structures.
 * @throws InputError `NO_BONDS` for an element none of whose atoms has a neighbour
 */
export function environmentStandard(structures: readonly Structure[], species: readonly number[]): EnvironmentStandard {
  const reach = SEARCH * 2 * Math.max(...species.map(covalentRadiusOf));
  const nearest = species.map((): number[] => []);
  for (const structure of structures) {
    bondsOf(structure, reach, () => Number.POSITIVE_INFINITY).forEach((bonds, i) => {
      if (Number.isFinite(bonds.nearest)) nearest[species.indexOf(structure.species[i]!)]!.push(bonds.nearest);
    });
  }
  const bonds = nearest.map(medianOf);
  const lonely = bonds.findIndex((bond) => Number.isNaN(bond));
  if (lonely >= 0)
    throw new InputError('NO_BONDS', `atoms of element ${species[lonely]} must have neighbours, got none`);
  const usual = (z: number): number => bonds[species.indexOf(z)]!;
  const counts = species.map(() => new Map<number, number>());
  const distortions: number[] = [];
  for (const structure of structures) {
    bondsOf(structure, reach, usual).forEach(({ count, distortion }, i) => {
      const own = counts[species.indexOf(structure.species[i]!)]!;
      own.set(count, (own.get(count) ?? 0) + 1);
      distortions.push(distortion);
    });
  }
  distortions.sort((a, b) => a - b);
  const tercile = (k: number): number => distortions[Math.floor((k * distortions.length) / BANDS)]!;
  return {
    species: [...species],
    bonds,
    coordination: counts.map((own) => [...own].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0]![0]),
    edges: [tercile(1), tercile(2)],
  };
}

/** [n] class of each atom: band of distortion (0 to 2) for the usual coordination, the same plus 3 for another. */
export function environmentClasses(structure: Structure, standard: EnvironmentStandard): Int32Array {
  const { species, bonds, coordination, edges } = standard;
  const reach = BONDED * Math.max(...bonds);
  const usual = (z: number): number => bonds[species.indexOf(z)]!;
  return Int32Array.from(bondsOf(structure, reach, usual), ({ count, distortion }, i) => {
    const band = distortion < edges[0] ? 0 : distortion < edges[1] ? 1 : 2;
    return band + (count === coordination[species.indexOf(structure.species[i]!)] ? 0 : BANDS);
  });
}

/** [classes] the other classes of each, nearest first: neighbouring bands of the same coordination, then the other one. */
export const NEIGHBORING_CLASSES: readonly (readonly number[])[] = Array.from(
  { length: ENVIRONMENT_CLASSES },
  (_, own) =>
    Array.from({ length: ENVIRONMENT_CLASSES }, (__, other) => other)
      .filter((other) => other !== own)
      .sort((a, b) => {
        const distance = (other: number): number =>
          Math.abs((other % BANDS) - (own % BANDS)) +
          (Math.floor(other / BANDS) === Math.floor(own / BANDS) ? 0 : BANDS);
        return distance(a) - distance(b) || a - b;
      }),
);
