import type { Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';

/** Atoms per task: large enough to fill a factor's blocks, small enough to share the work out. */
const CHUNK_ATOMS = 512;

/**
 * Frames cut into chunks of about `least` atoms (512), or more where there would be more than `most` chunks; depends on
 * the data only, never on the number of workers.
 */
export function chunksOf<T extends { readonly structure: Structure }>(
  frames: readonly T[],
  most = Number.POSITIVE_INFINITY,
  least = CHUNK_ATOMS,
): T[][] {
  const total = frames.reduce((sum, frame) => sum + atomCount(frame.structure), 0);
  const size = Math.max(least, Math.ceil(total / most));
  const chunks: T[][] = [];
  let atoms = Number.POSITIVE_INFINITY;
  for (const frame of frames) {
    if (atoms >= size) {
      chunks.push([]);
      atoms = 0;
    }
    chunks.at(-1)!.push(frame);
    atoms += atomCount(frame.structure);
  }
  return chunks;
}
