import { covalentRadiusOf, symbolOf } from '../elements.ts';
import { InputError } from '../errors.ts';
import { completedCell, isSingularCell } from './cell.ts';
import { neighborList } from './neighbor-list.ts';
import type { Structure } from './structure.ts';

/** Two atoms and how far they are apart; the second is the image moved by `image` lattice vectors. */
export interface AtomPair {
  readonly i: number;
  readonly j: number;
  readonly image: readonly [number, number, number];
  /** Å. */
  readonly distance: number;
}

/** Names atoms for messages: `atoms 3 (Si) and 7 (Si)`. */
function describePair(structure: Structure, pair: AtomPair): string {
  const name = (i: number): string => `${i} (${symbolOf(structure.species[i]!)})`;
  return pair.i === pair.j ? `atom ${name(pair.i)} and its own image` : `atoms ${name(pair.i)} and ${name(pair.j)}`;
}

/**
 * Checks that a structure makes sense: at least one atom, known elements, finite positions and cell, array lengths that
 * agree, a lattice vector along each periodic direction, and periodic vectors (or a given cell) that are independent.
 * Left-handed cells are fine. @param name what to call the structure in messages
 * @throws InputError `NO_ATOMS`, `SHAPE_MISMATCH`, `UNKNOWN_ELEMENT`, `NOT_FINITE_POSITION`, `NOT_FINITE_CELL`,
 *   `MISSING_LATTICE_VECTOR`, `SINGULAR_CELL`
 */
export function checkStructure(structure: Structure, name: string = 'structure'): void {
  const { positions, species, cell, pbc } = structure;
  const n = species.length;
  if (n === 0) throw new InputError('NO_ATOMS', `${name} must have at least one atom, got none`);
  if (positions.length !== 3 * n) {
    const message = `${name} must have 3 coordinates per atom, got ${positions.length} for ${n} atoms`;
    throw new InputError('SHAPE_MISMATCH', message, { coordinates: positions.length, atoms: n });
  }
  for (let i = 0; i < n; i++) symbolOf(species[i]!);
  const bad = positions.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) {
    const atom = Math.floor(bad / 3);
    throw new InputError(
      'NOT_FINITE_POSITION',
      `position of atom ${atom} of ${name} must be finite, got ${positions[bad]} Å`,
      { atom },
    );
  }
  if (cell !== null && cell.length !== 9) {
    throw new InputError('SHAPE_MISMATCH', `cell of ${name} must have 9 components, got ${cell.length}`, {
      components: cell.length,
    });
  }
  if (cell !== null && !cell.every((x) => Number.isFinite(x))) {
    throw new InputError('NOT_FINITE_CELL', `cell of ${name} must be finite, got ${Array.from(cell).join(' ')} Å`, {
      cell: Array.from(cell),
    });
  }
  if (pbc.some((periodic) => periodic)) completedCell(structure);
  else if (
    cell?.every((_, k) => k % 3 !== 0 || cell[k] !== 0 || cell[k + 1] !== 0 || cell[k + 2] !== 0) &&
    isSingularCell(cell)
  ) {
    const given = Array.from(cell);
    throw new InputError('SINGULAR_CELL', `cell of ${name} must have independent vectors, got ${given.join(' ')} Å`, {
      cell: given,
    });
  }
}

/** The pair for which `measure(i, j, distance)` is smallest among those closer than `upTo`; the first of equals. */
function extremePair(
  structure: Structure,
  upTo: number,
  measure: (i: number, j: number, distance: number) => number,
): AtomPair | null {
  const list = neighborList(structure, upTo);
  let [smallest, best, atom] = [Number.POSITIVE_INFINITY, -1, -1];
  for (let i = 0; i < structure.species.length; i++) {
    for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
      const value = measure(i, list.indices[p]!, list.distances[p]!);
      if (value < smallest) [smallest, best, atom] = [value, p, i];
    }
  }
  if (best < 0) return null;
  const [a, b, c] = [list.images[3 * best]!, list.images[3 * best + 1]!, list.images[3 * best + 2]!];
  return { i: atom, j: list.indices[best]!, image: [a, b, c], distance: list.distances[best]! };
}

/** The closest pair of atoms, images included, or null when none is closer than `upTo`, Å. */
export function minimumDistance(structure: Structure, upTo: number): AtomPair | null {
  return extremePair(structure, upTo, (_i, _j, distance) => distance);
}

/**
 * Refuses atoms that overlap: a pair closer than `fraction` of the sum of its covalent radii (0.5: 1.1 Å for Si-Si,
 * 0.31 Å for H-H; bonds are near 1). @throws InputError `ATOMS_OVERLAP` naming the worst pair
 */
export function assertNoOverlap(structure: Structure, fraction: number = 0.5, name: string = 'structure'): void {
  const radii = Float64Array.from(structure.species, (z) => fraction * covalentRadiusOf(z));
  const upTo = 2 * radii.reduce((a, b) => Math.max(a, b), 0);
  if (!(upTo > 0)) return;
  const pair = extremePair(structure, upTo, (i, j, distance) => distance / (radii[i]! + radii[j]!));
  if (pair === null) return;
  const limit = radii[pair.i]! + radii[pair.j]!;
  if (pair.distance >= limit) return;
  const message = `${describePair(structure, pair)} of ${name} must be at least ${limit.toFixed(3)} Å apart, got ${pair.distance.toFixed(3)} Å`;
  throw new InputError('ATOMS_OVERLAP', message, { ...pair, limit });
}

/** Atoms closer than this, Å, coincide: they have no direction that could be trusted. */
const SHORTEST_DISTANCE = 1e-3;

/** Refuses a pair of atoms closer than 1e-3 Å. @throws InputError `ATOMS_COINCIDE` */
export function requireDistance(r: number, i: number, j: number): void {
  if (r >= SHORTEST_DISTANCE) return;
  throw new InputError(
    'ATOMS_COINCIDE',
    `distance of atoms ${i} and ${j} must be at least ${SHORTEST_DISTANCE} Å, got ${r} Å`,
    { i, j, distance: r },
  );
}
