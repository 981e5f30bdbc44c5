import { RandomStream } from '../random.ts';
import type { Frame } from '../structure/structure.ts';

/** Keys that say which parent structure or trajectory a frame descends from: such frames are not independent. */
const PARENT_KEYS = ['parent', 'trajectory', 'walker', 'al_parent'];

/** Name of the frame's parent, or null when the file says nothing of one. */
export function parentOf(frame: Frame): string | null {
  for (const key of PARENT_KEYS) {
    const value = frame.info[key];
    if (value !== undefined) return `${key}:${JSON.stringify(value)}`;
  }
  return null;
}

/**
 * Fold of each frame for K-fold cross-validation: frames of one parent share a fold, parents are dealt out in a seeded
 * random order.
 */
export function groupedFolds(frames: readonly Frame[], k: number, seed: number): Int32Array {
  const names = frames.map((frame, f) => parentOf(frame) ?? `frame:${f}`);
  const parents = [...new Set(names)];
  const order = new RandomStream(seed, 'cross-validation folds').permutation(parents.length);
  const fold = new Map<string, number>();
  order.forEach((parent, position) => {
    fold.set(parents[parent]!, position % k);
  });
  return Int32Array.from(names, (name) => fold.get(name)!);
}
