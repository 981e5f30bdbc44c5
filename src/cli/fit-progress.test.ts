import { describe, expect, it } from 'vitest';
import { fitProgress } from './fit-progress.ts';

/** What is written when `[time, phase, done, total]` are told. */
function written(
  isTTY: boolean,
  told: readonly (readonly [number, 'rows' | 'evidence' | 'leave-one-out', number, number])[],
) {
  const lines: string[] = [];
  let time = 0;
  const progress = fitProgress({ isTTY, stderr: (text) => void lines.push(text) }, () => time);
  for (const [at, phase, done, total] of told) {
    time = at;
    progress(phase, done, total);
  }
  return lines;
}

describe('progress of a fit', () => {
  it('redraws a line with the time that is left, and clears it at the end', () => {
    expect(
      written(true, [
        [1, 'rows', 1, 10],
        [2, 'rows', 1, 10],
        [20, 'rows', 4, 10],
        [300, 'rows', 5, 10],
        [310, 'rows', 10, 10],
        [310, 'evidence', 0, 1],
        [320, 'evidence', 1, 1],
        [330, 'leave-one-out', 1, 2],
        [340, 'leave-one-out', 2, 2],
      ]),
    ).toEqual([
      '\r\u001b[Krows 10 %',
      '\r\u001b[Krows 40 %, about 30 s left',
      '\r\u001b[Krows 50 %, about 5 min left',
      '\r\u001b[Krows 100 %',
      '\r\u001b[Kevidence 0 %',
      '\r\u001b[Kevidence 100 %',
      // Ten seconds since the evidence was done, for half of the structures.
      '\r\u001b[Kleave-one-out 50 %, about 10 s left',
      '\r\u001b[K',
    ]);
  });

  it('writes a line for each phase, and one a minute, where nothing is redrawn', () => {
    expect(
      written(false, [
        [10, 'rows', 1, 4],
        [70, 'rows', 2, 4],
        [75, 'rows', 3, 4],
        [100, 'rows', 4, 4],
        [101, 'evidence', 0, 1],
        [150, 'evidence', 1, 1],
        [151, 'leave-one-out', 1, 2],
        [152, 'leave-one-out', 2, 2],
      ]),
    ).toEqual(['rows 50 %, about 70 s left\n', 'rows done\n', 'evidence done\n', 'leave-one-out done\n']);
  });
});
