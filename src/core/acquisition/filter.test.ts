import { describe, expect, it } from 'vitest';
import { type FilterCandidate, filterCandidates } from './filter.ts';

const frame = (walker: number, step: number, ...descriptor: number[]): FilterCandidate => ({
  id: `${walker}-${step}`,
  walker,
  step,
  descriptor: Float64Array.from(descriptor),
});

describe('filterCandidates', () => {
  it('keeps frames of one walker apart in time, the earlier ones first', () => {
    const pool = [frame(0, 0, 1, 0), frame(0, 20, 2, 0), frame(0, 50, 3, 0), frame(1, 20, 4, 0), frame(0, 99, 5, 0)];
    const { kept, dropped } = filterCandidates(pool, { minimumSpacing: 50 });
    expect(kept).toEqual([0, 2, 3]);
    expect(dropped).toEqual([
      { index: 1, reason: '20 steps from step 0 of the same walker, fewer than 50' },
      { index: 4, reason: '49 steps from step 50 of the same walker, fewer than 50' },
    ]);
    expect(filterCandidates(pool).kept).toEqual([0, 1, 2, 3, 4]);
  });

  it('drops copies of candidates and of labelled structures', () => {
    const pool = [frame(0, 0, 3, 4), frame(1, 0, 3, 4 + 1e-7), frame(2, 0, 3, 4.1), frame(3, 0, 5, 6)];
    const { kept, dropped } = filterCandidates(pool, {}, [Float64Array.of(5, 6)]);
    expect(kept).toEqual([0, 2]);
    expect(dropped).toEqual([
      { index: 1, reason: 'same descriptor as 0-0' },
      { index: 3, reason: 'same descriptor as labelled structure 0' },
    ]);
    expect(filterCandidates(pool, { duplicateTolerance: 0.05 }).kept).toEqual([0, 3]);
    // The same norm in another direction is another structure.
    expect(filterCandidates([frame(0, 0, 3, 4), frame(1, 0, 4, 3)]).kept).toEqual([0, 1]);
  });

  it('does not let a dropped frame push out others', () => {
    const pool = [frame(0, 0, 1, 0), frame(0, 40, 2, 0), frame(0, 60, 3, 0)];
    expect(filterCandidates(pool, { minimumSpacing: 50 }).kept).toEqual([0, 2]);
  });

  it('works on nothing and refuses descriptors that cannot be compared', () => {
    expect(filterCandidates([], {}, [Float64Array.of(1)])).toEqual({ kept: [], dropped: [] });
    expect(() => filterCandidates([frame(0, 0, 1), frame(1, 0, 1, 2)])).toThrow(
      'descriptors must be 1 finite numbers, got 2',
    );
    expect(() => filterCandidates([frame(0, 0, Number.NaN)])).toThrow('descriptors must be 1 finite numbers');
    expect(() => filterCandidates([frame(0, 0, 1)], {}, [Float64Array.of(1, 2)])).toThrow('descriptors must be 1');
  });
});
