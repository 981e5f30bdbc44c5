import { columnCount } from '../../core/dataset/dataset.ts';
import type { ObservedFrame } from '../../core/dataset/robust-weights.ts';
import type { ObservedRows } from '../../core/regression/cross-validation.ts';
import { joinRows } from '../../core/regression/cross-validation.ts';
import type { PackedFactor } from '../../core/regression/packed.ts';
import type { PerKind } from '../../core/regression/regression.ts';
import type { TaskPool } from '../workers/pool.ts';
import { sharedZeros } from '../workers/shared.ts';
import { chunksOf } from './chunks.ts';
import { MergeTree } from './merge-tree.ts';
import type { FitContext } from './passes.ts';

/** Chunks at most: each costs three merges of 2d³/3 flops, however many structures it holds. */
const FACTOR_CHUNKS = 64;
/** Least atoms of a chunk. */
const CHUNK_ATOMS = 512;

/** What the first pass leaves of a fold. */
export interface FoldFactors extends PerKind<PackedFactor> {
  /** Rows of its energies, where the context asks for them. */
  readonly energyRows: ObservedRows | null;
}

/**
 * Factors of every fold of the frames, by kind. Chunks are shared out among the workers and merged as they come, so the
 * memory is that of a few factors whatever the number of structures; the bits depend on neither workers nor their speed.
 *
 * @param folds     fold of each frame
 * @param count     number of folds, each with at least one frame
 * @param progress  told of every chunk that is done
 */
export async function firstPass(
  pool: TaskPool,
  context: FitContext,
  frames: readonly ObservedFrame[],
  folds: ArrayLike<number>,
  count: number,
  progress?: (done: number, total: number) => void,
): Promise<FoldFactors[]> {
  // A chunk of fewer atoms than columns would take longer to merge than to factor.
  const least = Math.max(CHUNK_ATOMS, columnCount(context.observation.layout));
  const chunks: { fold: number; index: number; frames: ObservedFrame[] }[] = [];
  const trees: MergeTree[] = [];
  const energies: ObservedRows[][] = [];
  for (let fold = 0; fold < count; fold++) {
    const own = frames.filter((_, f) => folds[f] === fold);
    const cut = chunksOf(own, Math.max(1, Math.floor(FACTOR_CHUNKS / count)), least);
    for (const [index, part] of cut.entries()) chunks.push({ fold, index, frames: part });
    energies.push([]);
    trees.push(new MergeTree(cut.length, pool.kernels));
  }
  await pool.each(
    'factors',
    chunks.map((chunk) => ({ context, frames: chunk.frames })),
    (factors, k, done) => {
      const { fold, index } = chunks[k]!;
      if (factors.energyRows !== null) energies[fold]![index] = factors.energyRows;
      trees[fold]!.add(index, factors);
      progress?.(done, chunks.length);
    },
  );
  return trees.map((tree, fold) => ({
    ...tree.result()!,
    energyRows: context.keepEnergies === true ? joinRows(energies[fold]!, sharedZeros) : null,
  }));
}
