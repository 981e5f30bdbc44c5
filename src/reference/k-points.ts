import { InputError } from '../core/errors.ts';
import { type BrillouinZoneSampling, type KPointMesh, meshOf } from '../core/structure/brillouin-zone.ts';
import { planeHeights } from '../core/structure/cell.ts';
import type { Structure } from '../core/structure/structure.ts';

/**
 * The mesh of a structure in the cell as it is given, vacuum included: its reciprocal vectors are those that a plane-wave
 * code divides.
 * @throws InputError `K_POINTS` unless exactly one of mesh and spacing is given and positive; `CELL_MISSING` without a
 *   cell; `SINGULAR_CELL`
 */
export function kPointMesh(structure: Structure, sampling: BrillouinZoneSampling): KPointMesh {
  const { cell, pbc } = structure;
  if (cell === null) {
    throw new InputError('CELL_MISSING', 'structure must have a cell to sample k-points in, got none');
  }
  return meshOf(planeHeights(cell), pbc, sampling);
}
