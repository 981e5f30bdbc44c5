import fc from 'fast-check';
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

  it('drops neither more nor less than a plain count finds', () => {
    const coordinate = fc.integer({ min: 0, max: 3 });
    const candidates = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 60 }), coordinate, coordinate),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(candidates, fc.integer({ min: 0, max: 30 }), (pool, minimumSpacing) => {
        const frames = pool.map(([walker, step, x, y]) => frame(walker, step, x + 1, y));
        const kept: number[] = [];
        frames.forEach((one, index) => {
          const clash = kept.some((k) => {
            const other = frames[k]!;
            const near = other.walker === one.walker && Math.abs(other.step - one.step) < minimumSpacing;
            return near || other.descriptor.join() === one.descriptor.join();
          });
          if (!clash) kept.push(index);
        });
        const found = filterCandidates(frames, { minimumSpacing });
        expect(found.kept).toEqual(kept);
        expect([...found.kept, ...found.dropped.map(({ index }) => index)].sort((a, b) => a - b)).toEqual([
          ...frames.keys(),
        ]);
      }),
    );
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
