import { massOf } from '../elements.ts';
import { InputError } from '../errors.ts';
import type { Potential } from '../potentials/potential.ts';
import type { Structure } from '../structure/structure.ts';

/**
 * Atoms in motion. The arrays belong to the state and are changed in place by the integrators; `forces` and `energy`
 * always belong to `positions`. Plain data: may be cloned to another thread.
 */
export interface Motion {
  /** [3n] Cartesian positions, never wrapped into the cell, Å. */
  readonly positions: Float64Array;
  /** [3n] velocities, Å/fs. */
  readonly velocities: Float64Array;
  /** [3n] −∂E/∂r at `positions`, eV/Å. */
  readonly forces: Float64Array;
  /** [n] masses, u. */
  readonly masses: Float64Array;
  /** [9] lattice vectors as rows, Å, fixed during the motion; null without a lattice. */
  readonly cell: Float64Array | null;
  readonly pbc: readonly [boolean, boolean, boolean];
  /** [n] atomic numbers. */
  readonly species: Uint8Array;
  /** Potential energy at `positions`, eV. */
  energy: number;
  /** Number of steps since the start of the trajectory. */
  step: number;
  /** Time since the start of the trajectory, fs. */
  time: number;
}

/** The structure of this instant, which the motion does not change any more (the cell never changes). */
export function structureOf(motion: Motion): Structure {
  return {
    positions: motion.positions.slice(),
    cell: motion.cell,
    pbc: motion.pbc,
    species: motion.species,
  };
}

/** Takes energy and forces of the current positions from `potential`. Errors of the potential pass through. */
export function updateForces(motion: Motion, potential: Potential): void {
  const result = potential.evaluate(structureOf(motion));
  motion.forces.set(result.forces);
  motion.energy = result.energy;
}

/**
 * Sets atoms in motion: standard atomic weights, forces from `potential`, step and time zero.
 *
 * @param velocities [3n] Å/fs, copied; null for atoms at rest
 * @throws InputError `VELOCITIES_SHAPE` unless there are three velocities per atom
 */
export function startMotion(structure: Structure, velocities: Float64Array | null, potential: Potential): Motion {
  const n = structure.species.length;
  if (velocities !== null && velocities.length !== 3 * n) {
    throw new InputError('VELOCITIES_SHAPE', `velocities must hold ${3 * n} numbers, got ${velocities.length}`, {
      expected: 3 * n,
      got: velocities.length,
    });
  }
  const motion: Motion = {
    positions: structure.positions.slice(),
    velocities: velocities === null ? new Float64Array(3 * n) : velocities.slice(),
    forces: new Float64Array(3 * n),
    masses: massesOf(structure.species),
    cell: structure.cell === null ? null : structure.cell.slice(),
    pbc: structure.pbc,
    species: structure.species.slice(),
    energy: Number.NaN,
    step: 0,
    time: 0,
  };
  updateForces(motion, potential);
  return motion;
}

/** [n] standard atomic weights of `species`, u. */
export function massesOf(species: Uint8Array): Float64Array {
  return Float64Array.from(species, massOf);
}

/** Largest Euclidean norm over the rows of an [n, 3] array; NaN if any entry is NaN; 0 without rows. */
export function largestNorm(vectors: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < vectors.length; i += 3) {
    const x = vectors[i]!;
    const y = vectors[i + 1]!;
    const z = vectors[i + 2]!;
    const square = x * x + y * y + z * z;
    if (!(square <= largest)) largest = square;
    if (Number.isNaN(largest)) return Number.NaN;
  }
  return Math.sqrt(largest);
}
