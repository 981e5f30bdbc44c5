import type { Potential } from '../potentials/potential.ts';
import { atomCount, type Structure } from '../structure/structure.ts';

/** Energy of a crystal whose bonds are made shorter. */
export interface Compression {
  readonly points: readonly {
    /** Bond length over that of the crystal as given. */
    readonly ratio: number;
    /** eV/atom */
    readonly energy: number;
  }[];
  /** Largest ratio from which a shorter bond has a lower energy: atoms fall into each other there; null where none does. */
  readonly fallsBelow: number | null;
}

/** Bonds are shortened in such steps, to this share. */
const STEP = 0.02;
const STEPS = 15;

/**
 * Energies of a crystal at its minimum with bonds of 1, 0.98, … 0.7 of their length. A sound potential rises all the way: one
 * that falls somewhere lets hot or compressed matter collapse.
 *
 * @param crystal at its equilibrium; positions and cell are scaled alike
 */
export function compression(crystal: Structure, potential: Potential): Compression {
  const n = atomCount(crystal);
  const points = Array.from({ length: STEPS + 1 }, (_, k) => {
    const ratio = 1 - STEP * k;
    const scaled = (values: Float64Array): Float64Array => values.map((x) => ratio * x);
    const cell = crystal.cell === null ? null : scaled(crystal.cell);
    const structure = { ...crystal, cell, positions: scaled(crystal.positions) };
    return { ratio, energy: potential.evaluate(structure).energy / n };
  });
  const at = points.findIndex(({ energy }, k) => k > 0 && !(energy > points[k - 1]!.energy));
  return { points, fallsBelow: at === -1 ? null : points[at - 1]!.ratio };
}
