import { atomicNumberOf } from '../../src/core/elements.ts';
import type { Potential, PotentialResult } from '../../src/core/potentials/potential.ts';
import { RandomStream } from '../../src/core/random.ts';
import { strained, transformRows, VOIGT_AXES } from '../../src/core/structure/cell.ts';
import type { Structure } from '../../src/core/structure/structure.ts';
import { repeated } from '../../src/core/structure/supercell.ts';

/** The shapes that every potential must be right for. */
export const SHAPES = ['molecule', 'slab', 'crystal', 'triclinic', 'cell smaller than the cutoff'] as const;
/** Name of one of them. */
export type ShapeName = (typeof SHAPES)[number];

const OPEN = [false, false, false] as const;
const PERIODIC = [true, true, true] as const;

/** Sites in bond lengths, lattice vectors likewise (null: none), and periodicity. */
const GEOMETRY: Record<ShapeName, { sites: number[][]; cell: number[] | null; pbc: Structure['pbc'] }> = {
  molecule: {
    sites: [
      [0, 0, 0],
      [1, 0.1, 0],
      [-0.4, 0.95, 0.2],
      [-0.3, -0.4, 0.9],
      [0.7, 0.8, 0.9],
      [1.3, -0.8, -0.5],
    ],
    cell: null,
    pbc: OPEN,
  },
  slab: {
    sites: [
      [0, 0, 0],
      [0.8, 0.5, 0.5],
      [0.1, 1.05, 0.75],
      [1.0, 1.25, 1.3],
      [0.2, 0.2, 1.15],
    ],
    cell: [1.75, 0.1, 0, -0.15, 1.9, 0, 0, 0, 0],
    pbc: [true, true, false],
  },
  crystal: {
    // Diamond: the cubic cell is 4/√3 bond lengths wide.
    sites: [
      [0, 0, 0],
      [0, 1, 1],
      [1, 0, 1],
      [1, 1, 0],
      [0.5, 0.5, 0.5],
      [0.5, 1.5, 1.5],
      [1.5, 0.5, 1.5],
      [1.5, 1.5, 0.5],
    ].map((site) => site.map((x) => (2 * x) / Math.sqrt(3))),
    cell: [4, 0, 0, 0, 4, 0, 0, 0, 4].map((x) => x / Math.sqrt(3)),
    pbc: PERIODIC,
  },
  triclinic: {
    sites: [
      [0, 0, 0],
      [0.9, 0.3, 0.2],
      [1.5, 1.2, 0.4],
      [0.5, 1.1, 1.0],
    ],
    cell: [2.0, 0.1, -0.1, 0.9, 1.8, 0.2, -0.7, 0.5, 1.7],
    pbc: PERIODIC,
  },
  'cell smaller than the cutoff': {
    sites: [
      [0, 0, 0],
      [0.75, 0.7, 0.45],
    ],
    cell: [1.15, 0.1, 0, -0.2, 1.5, 0.1, 0.1, -0.3, 1.35],
    pbc: PERIODIC,
  },
};

/** One of the shapes with nearest neighbours about `bond` Å apart, rattled by 0.04 bond lengths; elements alternate. */
export function shape(name: ShapeName, elements: readonly string[], bond: number): Structure {
  const { sites, cell, pbc } = GEOMETRY[name];
  const random = new RandomStream(7, name);
  return {
    positions: Float64Array.from(sites.flat(), (x) => bond * (x + 0.04 * random.normal())),
    cell: cell && Float64Array.from(cell, (x) => bond * x),
    pbc,
    species: Uint8Array.from(sites, (_, i) => atomicNumberOf(elements[i % elements.length]!)),
  };
}

/** Largest |a − b| of two arrays; NaN when any difference is, infinite when the lengths differ. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(difference)) return Number.NaN;
    if (difference > largest) largest = difference;
  }
  return largest;
}

/** Error of a derivative against central differences of shrinking step. */
export interface DifferenceSweep {
  /** Error at the largest step, 1e-2 Å (or 1e-2 strain), over the scale. */
  readonly coarse: number;
  /** Smallest error over all steps, over the scale. */
  readonly best: number;
}

/**
 * Compares `derivative` with (f(h) − f(−h))/2h for h = 1e-2 … 1e-6. A right derivative comes closer as h² until rounding
 * sets in; a wrong one stays away, however small h is. @param scale natural size of the derivative
 */
export function differenceSweep(f: (h: number) => number, derivative: number, scale: number): DifferenceSweep {
  const errors = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6].map((h) => Math.abs((f(h) - f(-h)) / (2 * h) - derivative) / scale);
  return { coarse: errors[0]!, best: Math.min(...errors) };
}

/** Forces against energies along a random unit vector in the space of all positions; scale: root mean square force. */
export function forceSweep(potential: Potential, structure: Structure, seed: number): DifferenceSweep {
  const { positions } = structure;
  const random = new RandomStream(seed, 'direction');
  const direction = positions.map(() => random.normal());
  const norm = Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0));
  const { forces } = potential.evaluate(structure);
  const along = forces.reduce((sum, f, k) => sum + (f * direction[k]!) / norm, 0);
  const rms = Math.sqrt(forces.reduce((sum, f) => sum + f * f, 0) / forces.length);
  const moved = (h: number): Structure => ({
    ...structure,
    positions: positions.map((x, k) => x + (h * direction[k]!) / norm),
  });
  return differenceSweep((h) => potential.evaluate(moved(h)).energy, -along, rms);
}

/** Each virial component against energies of strained structures; scale: root mean square of the virial. */
export function virialSweeps(potential: Potential, structure: Structure): DifferenceSweep[] {
  const { virial } = potential.evaluate(structure);
  const rms = Math.sqrt(virial.reduce((sum, w) => sum + w * w, 0) / 6);
  return VOIGT_AXES.map(([a, b], v) => {
    const energy = (h: number): number => {
      const strain = new Float64Array(9);
      strain[3 * a + b] = strain[3 * a + b]! + h / 2;
      strain[3 * b + a] = strain[3 * b + a]! + h / 2;
      return potential.evaluate(strained(structure, strain)).energy;
    };
    return differenceSweep(energy, -virial[v]!, rms);
  });
}

/** A structure after an operation, and what its results must be if those of the original are given. */
export interface Transformed {
  readonly structure: Structure;
  readonly expected: (original: PotentialResult) => Pick<PotentialResult, 'energy' | 'forces' | 'virial'>;
}

/** A random rotation as a [9] matrix for row vectors, from a unit quaternion. */
export function randomRotation(seed: number): Float64Array {
  const random = new RandomStream(seed, 'rotation');
  const q = [0, 1, 2, 3].map(() => random.normal());
  const norm = Math.sqrt(q.reduce((sum, x) => sum + x * x, 0));
  const [w, x, y, z] = q.map((c) => c / norm) as [number, number, number, number];
  return Float64Array.of(
    1 - 2 * (y * y + z * z),
    2 * (x * y + w * z),
    2 * (x * z - w * y),
    2 * (x * y - w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z + w * x),
    2 * (x * z + w * y),
    2 * (y * z - w * x),
    1 - 2 * (x * x + y * y),
  );
}

/** Rᵀ W R of a virial in Voigt order. */
function turnedVirial(virial: Float64Array, matrix: Float64Array): Float64Array {
  const full = new Float64Array(9);
  VOIGT_AXES.forEach(([a, b], v) => {
    full[3 * a + b] = virial[v]!;
    full[3 * b + a] = virial[v]!;
  });
  return Float64Array.from(VOIGT_AXES, ([a, b]) => {
    let sum = 0;
    for (let c = 0; c < 3; c++)
      for (let d = 0; d < 3; d++) sum += matrix[3 * c + a]! * full[3 * c + d]! * matrix[3 * d + b]!;
    return sum;
  });
}

/** Every row vector, lattice vectors included, times an orthogonal matrix: rotation or (with −1) inversion. */
export function turned(structure: Structure, matrix: Float64Array): Transformed {
  return {
    structure: {
      ...structure,
      positions: transformRows(structure.positions, matrix),
      cell: structure.cell && transformRows(structure.cell, matrix),
    },
    expected: ({ energy, forces, virial }) => ({
      energy,
      forces: transformRows(forces, matrix),
      virial: turnedVirial(virial, matrix),
    }),
  };
}

/** The atoms in another order. */
export function permuted(structure: Structure, seed: number): Transformed {
  const order = new RandomStream(seed, 'permutation').permutation(structure.species.length);
  const rows = (all: Float64Array): Float64Array => all.map((_, k) => all[3 * order[Math.floor(k / 3)]! + (k % 3)]!);
  return {
    structure: {
      ...structure,
      positions: rows(structure.positions),
      species: structure.species.map((_, i) => structure.species[order[i]!]!),
    },
    expected: ({ energy, forces, virial }) => ({ energy, forces: rows(forces), virial }),
  };
}

/** The same structure described otherwise: moved as a whole, atoms exchanged for images one to two cells away. */
export function rewrapped(structure: Structure, seed: number): Transformed {
  const random = new RandomStream(seed, 'rewrapping');
  const { cell, pbc } = structure;
  const positions = structure.positions.slice();
  const shift = [random.normal(), random.normal(), random.normal()];
  for (let i = 0; i < positions.length; i += 3) {
    const images = [0, 1, 2].map((d) => (pbc[d] ? random.integer(5) - 2 : 0));
    for (let k = 0; k < 3; k++) {
      const lattice = images.reduce((sum, count, d) => sum + count * (cell?.[3 * d + k] ?? 0), 0);
      positions[i + k] = positions[i + k]! + shift[k]! + lattice;
    }
  }
  return { structure: { ...structure, positions }, expected: (original) => original };
}

/** Number of copies along each direction: two along the periodic ones among the first two, so at most four cells. */
export function copies(structure: Structure): [number, number, number] {
  return [structure.pbc[0] ? 2 : 1, structure.pbc[1] ? 2 : 1, 1];
}

/** Copies side by side: energy and virial multiply, forces repeat. */
export function replicated(structure: Structure): Transformed {
  const counts = copies(structure);
  const times = counts[0] * counts[1] * counts[2];
  return {
    structure: repeated(structure, counts),
    expected: ({ energy, forces, virial }) => ({
      energy: times * energy,
      forces: Float64Array.from({ length: times * forces.length }, (_, k) => forces[k % forces.length]!),
      virial: virial.map((w) => times * w),
    }),
  };
}

/** Σ_i r_i ⊗ F_i (symmetric part, Voigt): the virial of a molecule. */
export function clusterVirial(structure: Structure, forces: Float64Array): Float64Array {
  return Float64Array.from(VOIGT_AXES, ([a, b]) => {
    let sum = 0;
    for (let i = 0; i < forces.length; i += 3) {
      sum += (structure.positions[i + a]! * forces[i + b]! + structure.positions[i + b]! * forces[i + a]!) / 2;
    }
    return sum;
  });
}
