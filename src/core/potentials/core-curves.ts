import type { AcePair, AceSpecification } from '../descriptors/ace/basis.ts';
import { atomicNumberOf, covalentRadiusOf } from '../elements.ts';
import { prototypeStructure } from '../structure/prototypes.ts';
import type { Structure } from '../structure/structure.ts';
import { dimer } from './dimer-scan.ts';

/** Where dimers are judged from, Å, and in which steps: every second distance is one of `dimerScan`. */
const FIRST = 0.5;
const STEP = 0.025;
/** Elements are bonded in the data where they come as near as this many sums of covalent radii. */
const BONDED = 1.3;
/** Longest bond at which a crystal may have its minimum, sums of covalent radii, and the shortest, shortest distances. */
const LONGEST_BOND = 1.6;
const SHORTEST_BOND = 0.95;
/** Bonds are shortened in such steps, to this share of those at the minimum; `compression` ends at 0.7. */
const RATIO = 0.02;
const LEAST_RATIO = 0.68;

/** Crystals of elements that are pressed: lattice parameter over bond length. */
const CRYSTALS = { sc: 1, bcc: 2 / Math.sqrt(3), fcc: Math.SQRT2, diamond: 4 / Math.sqrt(3) } as const;
/** Crystals of two elements: those of one in which the atoms alternate. */
const ORDERED = { bcc: 'caesium chloride', sc: 'rock salt', diamond: 'zinc blende' } as const;

/** One place of a curve: the distance of a dimer, or the bond length of a crystal, Å. */
export interface CorePlace {
  readonly at: number;
  readonly structure: Structure;
}

/** Places at which atoms of a pair of elements come near each other, longest first for a crystal, shortest first for a dimer. */
export interface CoreCurve {
  readonly kind: 'dimer' | 'crystal';
  /** As `Si-Si` or `Si diamond`. */
  readonly name: string;
  /** Indices of the elements. */
  readonly pair: readonly [number, number];
  readonly places: readonly CorePlace[];
}

/** Dimers of every pair from 0.5 Å to the shortest distance of the data (or the gate, where that is longer). */
export function dimerCurves(specification: AceSpecification, shortest: readonly (readonly number[])[]): CoreCurve[] {
  const { elements, pairs } = specification;
  return elements.flatMap((first, a) =>
    elements.slice(a).map((second, k): CoreCurve => {
      const b = a + k;
      const end = reachOf(pairs[a]![b]!, shortest[a]![b]!);
      const [za, zb] = [atomicNumberOf(first), atomicNumberOf(second)];
      const count = Math.max(0, Math.ceil((end - FIRST) / STEP - 1e-9));
      return {
        kind: 'dimer',
        name: `${first}-${second}`,
        pair: [a, b],
        places: Array.from({ length: count }, (_, p) => {
          const at = FIRST + p * STEP;
          return { at, structure: dimer(za, zb, at) };
        }),
      };
    }),
  );
}

/** Where the judged part of a pair ends, Å. */
function reachOf({ innerCutoff }: AcePair, shortest: number): number {
  return Number.isFinite(shortest) ? Math.max(innerCutoff, shortest) : innerCutoff;
}

/**
 * Crystals of every element and pair of elements that are bonded in the data, from the longest bond at which they are looked
 * for to the shortest; where the minimum is, and which of them is the ground state, a fit says (`groundStates`).
 */
export function crystalCurves(specification: AceSpecification, shortest: readonly (readonly number[])[]): CoreCurve[] {
  const { elements, pairs } = specification;
  return elements.flatMap((first, a) =>
    elements.slice(a).flatMap((second, k): CoreCurve[] => {
      const b = a + k;
      const radii = covalentRadiusOf(atomicNumberOf(first)) + covalentRadiusOf(atomicNumberOf(second));
      if (!(shortest[a]![b]! <= BONDED * radii)) return [];
      const longest = Math.max(Math.min(LONGEST_BOND * radii, 0.95 * pairs[a]![b]!.cutoff), radii);
      const least = LEAST_RATIO * SHORTEST_BOND * shortest[a]![b]!;
      const count = Math.ceil(Math.log(longest / least) / -Math.log(1 - RATIO));
      const bonds = Array.from({ length: count }, (_, p) => longest * Math.exp(p * Math.log(1 - RATIO)));
      const made = (name: string, make: (bond: number) => Structure): CoreCurve => ({
        kind: 'crystal',
        name,
        pair: [a, b],
        places: bonds.map((at) => ({ at, structure: make(at) })),
      });
      if (a === b)
        return (Object.keys(CRYSTALS) as (keyof typeof CRYSTALS)[]).map((prototype) =>
          made(`${first} ${prototype}`, (bond) =>
            prototypeStructure({ prototype, element: first, a: bond * CRYSTALS[prototype], cell: 'primitive' }),
          ),
        );
      return (Object.keys(ORDERED) as (keyof typeof ORDERED)[]).map((prototype) =>
        made(`${first}${second} ${ORDERED[prototype]}`, (bond) => alternating(prototype, [first, second], bond)),
      );
    }),
  );
}

/** Crystal in which the nearest neighbours are of the other element. */
function alternating(prototype: keyof typeof ORDERED, elements: readonly [string, string], bond: number): Structure {
  const [z0, z1] = [atomicNumberOf(elements[0]), atomicNumberOf(elements[1])];
  const a = bond * CRYSTALS[prototype];
  if (prototype === 'sc') {
    const cell = prototypeStructure({ prototype: 'fcc', element: elements[0], a: 2 * bond, cell: 'primitive' });
    const positions = Float64Array.of(0, 0, 0, bond, bond, bond);
    return { ...cell, positions, species: Uint8Array.of(z0, z1) };
  }
  const kind = prototype === 'bcc' ? 'conventional' : 'primitive';
  return {
    ...prototypeStructure({ prototype, element: elements[0], a, cell: kind }),
    species: Uint8Array.of(z0, z1),
  };
}

/**
 * Of the crystals of each pair of elements the one with the lowest minimum of its energy, among bonds of at least 0.95 of the
 * shortest distance of the data, from that minimum to 0.68 of the bond there; a pair none of which has a minimum has none.
 *
 * @param energies [crystals][places] eV an atom
 */
export function groundStates(
  crystals: readonly CoreCurve[],
  energies: readonly ArrayLike<number>[],
  shortest: readonly (readonly number[])[],
): CoreCurve[] {
  const found = new Map<string, { readonly curve: CoreCurve; readonly energy: number }>();
  crystals.forEach((curve, c) => {
    const { pair, places } = curve;
    const own = energies[c]!;
    let best = -1;
    for (let p = 1; p + 1 < places.length && places[p]!.at >= SHORTEST_BOND * shortest[pair[0]]![pair[1]]!; p++) {
      if (own[p]! < own[p - 1]! && own[p]! <= own[p + 1]! && (best === -1 || own[p]! < own[best]!)) best = p;
    }
    const key = pair.join(' ');
    if (best === -1 || !(own[best]! < (found.get(key)?.energy ?? Number.POSITIVE_INFINITY))) return;
    const end = LEAST_RATIO * places[best]!.at;
    found.set(key, {
      energy: own[best]!,
      curve: { ...curve, places: places.slice(best).filter(({ at }) => at >= end) },
    });
  });
  return [...found.values()].map(({ curve }) => curve);
}
