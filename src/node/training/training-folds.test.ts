import { describe, expect, it } from 'vitest';
import { siliconFrames } from '../../../test/support/models.ts';
import { trainingFolds } from './training-folds.ts';

const frames = siliconFrames(12);
const withParents = (parents: readonly string[]) =>
  frames.map((frame, f) => ({ ...frame, info: { ...frame.info, trajectory: parents[f % parents.length]! } }));

describe('trainingFolds', () => {
  it('deals frames without parents out evenly, by seed', () => {
    const folds = trainingFolds(frames, 4, 1);
    for (let k = 0; k < 4; k++) expect(folds.filter((fold) => fold === k)).toHaveLength(3);
    expect(trainingFolds(frames, 4, 1)).toEqual(folds);
    expect(trainingFolds(frames, 4, 2)).not.toEqual(folds);
  });

  it('keeps relatives together where there are enough families', () => {
    const families = ['a', 'b', 'c', 'd', 'e', 'f'];
    const folds = trainingFolds(withParents(families), 3, 1);
    families.forEach((_, p) => {
      expect(folds[p + 6]).toBe(folds[p]);
    });
  });

  it('cuts a single trajectory into blocks', () => {
    expect([...trainingFolds(withParents(['a']), 3, 1)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    // Frames of two trajectories in turn: blocks of each, one after the other.
    expect([...trainingFolds(withParents(['a', 'b']), 4, 1)]).toEqual([0, 2, 0, 2, 0, 2, 1, 3, 1, 3, 1, 3]);
  });
});
