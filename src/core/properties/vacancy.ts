import { minimise } from '../dynamics/minimise.ts';
import { InputError } from '../errors.ts';
import { RandomStream } from '../random.ts';
import type { Potential } from '../potentials/potential.ts';
import { planeHeights } from '../structure/cell.ts';
import { atomCount, type Structure } from '../structure/structure.ts';
import { repeated } from '../structure/supercell.ts';

/** Energy to take one atom out of a crystal of one element and put it back at a bulk site. */
export interface VacancyEnergy {
  /** Atoms of the supercell before one was taken out. */
  readonly atoms: number;
  /** Neighbours at their bulk sites, eV. */
  readonly unrelaxed: number;
  /** Neighbours relaxed at constant volume, eV. */
  readonly relaxed: number;
  /** Whether the relaxation reached its tolerance. */
  readonly converged: boolean;
  /** The relaxed cell with the vacancy. */
  readonly structure: Structure;
}

/** Distance between a vacancy and its images, Å. */
const SEPARATION = 10;
const FORCE_TOLERANCE = 5e-3;
/** Displacements that break the symmetry, which otherwise may hold the atoms at a saddle point, Å. */
const RATTLE = 0.02;

/** The structure without atom i. */
export function withoutAtom(structure: Structure, i: number): Structure {
  const keep = (_: number, k: number): boolean => k !== i;
  return {
    ...structure,
    species: structure.species.filter(keep),
    positions: structure.positions.filter((_, k) => Math.floor(k / 3) !== i),
  };
}

/** The smallest supercell along the lattice vectors whose faces are at least `distance` Å apart. */
function largeEnough(structure: Structure, distance: number): Structure {
  const counts = Array.from(planeHeights(structure.cell!), (height) => Math.ceil(distance / height - 1e-9));
  return repeated(structure, counts as [number, number, number]);
}

/**
 * Vacancy formation energy E_f = E(N−1) − (N−1)/N · E(N) in a supercell at the volume of the perfect crystal.
 *
 * @param structure  perfect crystal of one element at zero stress; the atom taken out is its first
 * @throws           InputError `SEVERAL_ELEMENTS`: for compounds the energy depends on where the atom goes
 */
export function vacancyEnergy(structure: Structure, potential: Potential): VacancyEnergy {
  if (structure.species.some((z) => z !== structure.species[0])) {
    throw new InputError('SEVERAL_ELEMENTS', 'a vacancy formation energy needs a crystal of one element');
  }
  const crystal = largeEnough(structure, SEPARATION);
  const n = atomCount(crystal);
  const bulk = (potential.evaluate(crystal).energy * (n - 1)) / n;
  const defect = withoutAtom(crystal, 0);
  const unrelaxed = potential.evaluate(defect).energy - bulk;
  const stream = new RandomStream(1, 'vacancy');
  const start = { ...defect, positions: defect.positions.map((x) => x + RATTLE * stream.normal()) };
  const minimum = minimise(start, potential, { forceTolerance: FORCE_TOLERANCE, maxEvaluations: 500 });
  return {
    atoms: n,
    unrelaxed,
    relaxed: minimum.energy - bulk,
    converged: minimum.converged,
    structure: minimum.structure,
  };
}
