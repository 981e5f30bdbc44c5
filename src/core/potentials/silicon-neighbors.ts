import { symbolOf } from '../elements.ts';
import { InputError } from '../errors.ts';
import { requireDistance } from '../structure/checks.ts';
import { type NeighborList, neighborList } from '../structure/neighbor-list.ts';
import type { Structure } from '../structure/structure.ts';

const SILICON = 14;

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
      requireDistance(list.distances[p]!, i, list.indices[p]!);
    }
  }
  return list;
}
