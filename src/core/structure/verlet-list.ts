import { InputError } from '../errors.ts';
import { type NeighborList, neighborList } from './neighbor-list.ts';
import type { Structure } from './structure.ts';

/** Margin by which a list reaches beyond the cutoff while atoms move, Å. */
const DEFAULT_SKIN = 0.6;

/** Share of the half skin that an atom may have moved: the rest is for rounding. */
const MOST_MOVED = 1 - 1e-9;

function sameNumbers(a: ArrayLike<number> | null, b: ArrayLike<number> | null): boolean {
  if (a === b) return true;
  if (a === null || b === null || a.length !== b.length) return false;
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
}

/** Square of the largest displacement of an atom; NaN if a position is. */
function largestSquaredDisplacement(from: Float64Array, to: Float64Array): number {
  let largest = 0;
  for (let k = 0; k < to.length; k += 3) {
    const x = to[k]! - from[k]!;
    const y = to[k + 1]! - from[k + 1]!;
    const z = to[k + 2]! - from[k + 2]!;
    const square = x * x + y * y + z * z;
    if (Number.isNaN(square)) return Number.NaN;
    if (square > largest) largest = square;
  }
  return largest;
}

/**
 * Neighbour lists of successive structures. Atoms that moved by less than half a skin since a list was made keep it: every
 * pair within the cutoff is in it, in the same order as in a fresh one, among others that are farther. A structure that
 * has nothing to do with the last (other species, other cell, atoms elsewhere) gets a list without a skin, so that lists
 * cost nothing extra where atoms do not move.
 */
export class VerletList {
  /** Å. */
  readonly cutoff: number;
  /** Å. */
  readonly skin: number;
  /** Lists made so far: a measure of work without a clock. */
  builds = 0;
  private list: NeighborList | null = null;
  private structure: Structure | null = null;

  /** @throws InputError `BAD_SKIN` */
  constructor(cutoff: number, skin = DEFAULT_SKIN) {
    if (!(skin >= 0 && skin < Number.POSITIVE_INFINITY)) {
      throw new InputError('BAD_SKIN', `skin must be finite and not negative, got ${skin} Å`, { skin });
    }
    this.cutoff = cutoff;
    this.skin = skin;
  }

  /**
   * A list that holds every pair of `structure` within the cutoff; its vectors and distances may be those of an earlier
   * instant. Errors of `neighborList` pass through.
   */
  of(structure: Structure): NeighborList {
    const { structure: last, list } = this;
    const moved = last === null || list === null ? Number.NaN : this.displacement(last, structure);
    const margin = list === null ? 0 : 0.5 * (list.cutoff - this.cutoff) * MOST_MOVED;
    if (list !== null && (moved === 0 || moved < margin * margin)) return list;
    // Atoms that moved a little are in motion; those that jumped are another structure.
    const inMotion = moved < this.skin * this.skin;
    const fresh = neighborList(structure, this.cutoff + (inMotion ? this.skin : 0));
    this.builds++;
    this.list = fresh;
    this.structure = { ...structure, positions: structure.positions.slice(), cell: structure.cell?.slice() ?? null };
    return fresh;
  }

  /** Square of the largest displacement of an atom, Å²; NaN for another kind of structure. */
  private displacement(last: Structure, next: Structure): number {
    const same =
      sameNumbers(last.species, next.species) &&
      sameNumbers(last.cell, next.cell) &&
      last.pbc.every((periodic, d) => periodic === next.pbc[d]);
    return same ? largestSquaredDisplacement(last.positions, next.positions) : Number.NaN;
  }
}
