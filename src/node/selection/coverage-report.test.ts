import { describe, expect, it } from 'vitest';
import type { CandidatePool } from '../../core/acquisition/acquisition.ts';
import { memoryPool } from '../../core/acquisition/pool.ts';
import { coverageReport } from './coverage-report.ts';

/** Points in the plane: the first column belongs to element A, the second to B. */
function plane(
  points: readonly (readonly [number, number])[],
  labelled: readonly (readonly [number, number])[],
  groups?: readonly string[],
  labelledGroups?: readonly string[],
): CandidatePool {
  const known =
    labelled.length === 0 ? null : { rows: Float64Array.from(labelled.flat()), count: labelled.length, columns: 2 };
  return memoryPool(
    { r: Float64Array.of(1), labelled: known, ...(labelledGroups === undefined ? {} : { labelledGroups }) },
    points.map((_, i) => ({ id: `p${i}`, rows: new Float64Array(0), count: 0 })),
    {
      descriptors: { rows: Float64Array.from(points.flat()), count: points.length, columns: 2 },
      ...(groups === undefined ? {} : { groups }),
    },
  );
}

const AB = { names: ['A', 'B'], offsets: [0, 1, 2] };

describe('coverageReport', () => {
  // Columns of mean 0 and variance 1 as they stand: six points, ±1 in one or both columns and √2 apart.
  const points = [
    [1, 1],
    [-1, -1],
    [1, -1],
  ] as const;
  const labelled = [[-1, 1]] as const;

  it('says how far the pool is from what is labelled, before and after, and who is', () => {
    const { before, after } = coverageReport(plane(points, labelled), [2], AB);
    // Mean 0 and variance 1 of both columns: distances are those of the points.
    expect(before.radius).toAgree(Math.sqrt(8), { rtol: 1e-12, why: 'the diagonal of the square' });
    expect(before.farthest).toEqual({ set: 'pool', index: 2 });
    expect(before.nearest).toEqual({ set: 'labelled', index: 0 });
    expect(before.meanDistance).toAgree((2 + 2 + Math.sqrt(8)) / 3, { rtol: 1e-12, why: 'two sides and a diagonal' });
    expect([before.closest, before.closestPair]).toEqual([null, []]);
    expect(after.radius).toAgree(2, { rtol: 1e-12, why: 'a side of the square' });
    expect(after.closest).toAgree(Math.sqrt(8), { rtol: 1e-12, why: 'the labelled one and the pick' });
    expect(after.closestPair).toEqual([
      { set: 'labelled', index: 0 },
      { set: 'pool', index: 2 },
    ]);
    expect(before.logDet).toAgree(0, { atol: 1e-9, why: 'a matrix of one, jitter 1e-10' });
    expect(after.logDet).toBeLessThan(0);
  });

  it('looks at each element alone, where there are several', () => {
    const { elements } = coverageReport(plane(points, labelled), [2], AB);
    expect(Object.keys(elements)).toEqual(['A', 'B']);
    // In the first column the labelled one stands where the second point of the pool does.
    expect(elements.A!.before.radius).toAgree(2, { rtol: 1e-12, why: 'from −1 to 1' });
    expect(elements.A!.after.radius).toAgree(0, { atol: 1e-12, why: 'both values are labelled' });
    expect(coverageReport(plane(points, labelled), [2], { names: ['A'], offsets: [0, 2] }).elements).toEqual({});
  });

  it('counts within groups only', () => {
    const pool = plane(points, labelled, ['x', 'y', 'y'], ['y']);
    const { groups, before } = coverageReport(pool, [0], AB);
    expect(Object.keys(groups)).toEqual(['x', 'y']);
    expect(groups.x!.before).toMatchObject({ radius: null, farthest: null, meanDistance: null });
    expect(groups.x!.after).toMatchObject({
      radius: 0,
      farthest: { set: 'pool', index: 0 },
      nearest: { set: 'pool', index: 0 },
    });
    expect(groups.y!.before.radius).toBe(before.radius);
    expect(groups.y!.after.radius).toBe(before.radius);
  });

  it('has nothing to say before anything is labelled', () => {
    const { before, after } = coverageReport(plane(points, []), [1, 2], AB);
    expect(before).toMatchObject({
      radius: null,
      farthest: null,
      nearest: null,
      meanDistance: null,
      closest: null,
      logDet: 0,
    });
    expect(after.radius).toBeGreaterThan(0);
    const one = coverageReport(plane([[3, 4]], []), [0], AB);
    expect(one.after).toMatchObject({ radius: 0, meanDistance: 0 });
  });
});
