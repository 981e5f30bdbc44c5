import { groupedFolds, parentOf } from '../../core/dataset/splits.ts';
import type { Frame } from '../../core/structure/structure.ts';

/** Number of different parents of the frames, a frame without one being its own. */
function parentCount(frames: readonly Frame[]): number {
  return new Set(frames.map((frame, f) => parentOf(frame) ?? `frame:${f}`)).size;
}

/**
 * Fold of each frame for choices made from the training data: relatives share a fold. Where there are fewer parents than
 * folds, each parent's frames are cut into contiguous blocks instead, so that neighbours in time mostly share one; no
 * fold is empty when there are at least as many frames as folds.
 */
export function trainingFolds(frames: readonly Frame[], folds: number, seed: number): Int32Array {
  if (parentCount(frames) >= folds) return groupedFolds(frames, folds, seed);
  const places = new Int32Array(frames.length);
  const order = frames.map((frame, f) => ({ f, parent: parentOf(frame) ?? '' }));
  order.sort((a, b) => (a.parent === b.parent ? a.f - b.f : a.parent < b.parent ? -1 : 1));
  order.forEach(({ f }, position) => {
    places[f] = Math.floor((position * folds) / frames.length);
  });
  return places;
}
