import type { Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';

/** Atoms per task: large enough to fill a factor's blocks, small enough to share the work out. */
const CHUNK_ATOMS = 512;

/** Frames cut into chunks of about that many atoms; depends on the data only, never on the number of workers. */
export function chunksOf<T extends { readonly structure: Structure }>(frames: readonly T[]): T[][] {
  const chunks: T[][] = [];
  let atoms = Number.POSITIVE_INFINITY;
  for (const frame of frames) {
    if (atoms >= CHUNK_ATOMS) {
      chunks.push([]);
      atoms = 0;
    }
    chunks.at(-1)!.push(frame);
    atoms += atomCount(frame.structure);
  }
  return chunks;
}
