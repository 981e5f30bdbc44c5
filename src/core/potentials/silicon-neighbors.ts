import { symbolOf } from '../elements.ts';
import { InputError } from '../errors.ts';
import { type NeighborList, neighborList } from '../structure/neighbor-list.ts';
import type { Structure } from '../structure/structure.ts';

const SILICON = 14;
/** Atoms closer than this coincide, Å. */
const COINCIDENT = 1e-3;

/**
 * The neighbour list of a structure that must be silicon throughout.
 * @param potential name for the message
 * @throws InputError `NO_ATOMS`, `SPECIES_NOT_IN_POTENTIAL`, `ATOMS_COINCIDE`, and those of `neighborList`
 */
export function siliconNeighbors(structure: Structure, cutoff: number, potential: string): NeighborList {
  const { species } = structure;
  if (species.length === 0) throw new InputError('NO_ATOMS', 'structure must have at least one atom, got none');
  const atom = species.findIndex((z) => z !== SILICON);
  if (atom >= 0) {
    throw new InputError(
      'SPECIES_NOT_IN_POTENTIAL',
      `species for ${potential} must be Si, got ${symbolOf(species[atom]!)} at atom ${atom}`,
      { atom, z: species[atom] },
    );
  }
  const list = neighborList(structure, cutoff);
  for (let i = 0; i < species.length; i++) {
    for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
      if (list.distances[p]! >= COINCIDENT) continue;
      const [j, distance] = [list.indices[p]!, list.distances[p]!];
      throw new InputError(
        'ATOMS_COINCIDE',
        `atoms ${i} and ${j} must be at least ${COINCIDENT} Å apart, got ${distance} Å`,
        { i, j, distance },
      );
    }
  }
  return list;
}
