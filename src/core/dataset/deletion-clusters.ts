import { completedCell, fractionalPositions, planeHeights, wrapped } from '../structure/cell.ts';
import type { Frame, Structure } from '../structure/structure.ts';
import { atomCount } from '../structure/structure.ts';
import { parentOf } from './splits.ts';

/** Edge of the blocks that a large cell is cut into, in cutoffs: errors farther apart than that have little in common. */
export const BLOCK_CUTOFFS = 3;
/** Parents from which on frames of one parent leave the fit together: fewer say too little of a covariance. */
const LEAST_PARENTS = 10;
/** Atoms of a cluster at most: longer trajectories are cut into runs. */
const CLUSTER_ATOMS = 2000;

/**
 * Frames that leave a fit together, as indices: each frame alone, or where at least ten parents are named, the frames of one
 * parent in their order, in runs of up to 2000 atoms. Frames of one trajectory share their errors; leaving out one of them
 * alone would show less error than a new trajectory has.
 *
 * @returns clusters by their first frame; each index once
 */
export function deletionClusters(frames: readonly Frame[]): readonly (readonly number[])[] {
  const families = new Map<string, number[]>();
  frames.forEach((frame, f) => {
    const name = parentOf(frame) ?? `frame:${f}`;
    const known = families.get(name);
    if (known === undefined) families.set(name, [f]);
    else known.push(f);
  });
  if (families.size < LEAST_PARENTS) return frames.map((_, f) => [f]);
  return [...families.values()].flatMap((family) => {
    const runs: number[][] = [];
    let atoms = Number.POSITIVE_INFINITY;
    for (const f of family) {
      const own = atomCount(frames[f]!.structure);
      if (atoms + own > CLUSTER_ATOMS) {
        runs.push([]);
        atoms = 0;
      }
      runs.at(-1)!.push(f);
      atoms += own;
    }
    return runs;
  });
}

/**
 * Block of each atom of a cell cut into equal parts no thinner than `edge`; null where the whole is one block.
 *
 * @param edge Å
 */
export function atomBlocks(structure: Structure, edge: number): Int32Array | null {
  const n = atomCount(structure);
  const basis = completedCell(structure);
  const heights = planeHeights(basis);
  const places = fractionalPositions(wrapped(structure).positions, basis);
  const lowest = [0, 0, 0];
  const extents = [1, 1, 1];
  for (let d = 0; d < 3; d++) {
    if (structure.pbc[d]) continue;
    lowest[d] = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < n; i++) {
      lowest[d] = Math.min(lowest[d]!, places[3 * i + d]!);
      highest = Math.max(highest, places[3 * i + d]!);
    }
    extents[d] = highest - lowest[d]!;
  }
  const counts = extents.map((extent, d) => Math.max(1, Math.floor((extent * heights[d]!) / edge)));
  if (counts[0]! * counts[1]! * counts[2]! === 1) return null;
  return Int32Array.from({ length: n }, (_, i) => {
    let block = 0;
    for (let d = 0; d < 3; d++) {
      const share = counts[d] === 1 ? 0 : (places[3 * i + d]! - lowest[d]!) / extents[d]!;
      block = block * counts[d]! + Math.min(counts[d]! - 1, Math.max(0, Math.floor(share * counts[d]!)));
    }
    return block;
  });
}
