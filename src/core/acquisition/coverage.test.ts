import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { RandomStream } from '../random.ts';
import type { CandidatePool, FeatureRows } from './acquisition.ts';
import {
  closestPair,
  coverageByGroup,
  coverageFigures,
  directedHausdorff,
  featureDistance,
  gaussianKernel,
  logDetKernel,
  nearestOf,
  typicalDistance,
  whiteningOf,
} from './coverage.ts';
import { selectCentres, selectFarthest } from './farthest-point.ts';
import { memoryPool } from './pool.ts';

interface Reference {
  readonly C: {
    readonly C6_coverage: {
      readonly train: number[][];
      readonly pool: number[][];
      readonly directed_hausdorff_pool_to_train: number;
      readonly argmax: number;
      readonly reverse: number;
      readonly min_pairwise_train: number;
      readonly fps_points: number[][];
      readonly fps_order_from_0: number[];
      readonly fps_cover_radius_after_4: number;
    };
  };
}
const reference = golden<Reference>('reference-values').C.C6_coverage;
const why = 'the reference values, distances in the plane';
const features = (points: readonly (readonly number[])[]): FeatureRows => ({
  rows: Float64Array.from(points.flat()),
  count: points.length,
  columns: points[0]?.length ?? 2,
});

/** A pool of nothing but descriptors. */
function described(
  points: readonly (readonly number[])[],
  labelled: readonly (readonly number[])[] = [],
): CandidatePool {
  return memoryPool(
    { r: Float64Array.of(1), labelled: labelled.length === 0 ? null : features(labelled) },
    points.map((_, i) => ({ id: `p${i}`, rows: new Float64Array(0), count: 0 })),
    { descriptors: features(points) },
  );
}

/** Random points, clustered. */
function scattered(seed: number, count: number, columns = 2): FeatureRows {
  const stream = new RandomStream(seed, 'scattered');
  const rows = Float64Array.from({ length: count * columns }, () => stream.normal() + 4 * stream.integer(2));
  return { rows, count, columns };
}

describe('coverage', () => {
  const train = features(reference.train);
  const pool = features(reference.pool);

  it('gives the distances of the reference and who attains them', () => {
    const there = directedHausdorff(pool, train)!;
    expect(there.distance).toAgree(reference.directed_hausdorff_pool_to_train, { rtol: 1e-12, why });
    expect(there.from).toBe(reference.argmax);
    expect(featureDistance(pool, there.from, train, there.to)).toBe(there.distance);
    expect(directedHausdorff(train, pool)!.distance).toAgree(reference.reverse, { rtol: 1e-12, why });
    expect(closestPair(train)).toEqual({ distance: reference.min_pairwise_train, from: 0, to: 1 });
    const figures = coverageFigures(pool, train, 0.7);
    expect(figures.poolToLabelled).toEqual(there);
    const { distances } = nearestOf(pool, train);
    expect(figures.meanDistance).toAgree((distances[0]! + distances[1]! + distances[2]! + distances[3]!) / 4, {
      rtol: 1e-14,
      why: 'a mean of four',
    });
    const k = Math.exp(-0.5 / 0.49);
    expect(figures.logDetKernel).toAgree(Math.log(1 - k * k), { atol: 1e-9, why: 'a 2 × 2 determinant, jitter 1e-10' });
  });

  it('takes the farthest points of the reference', () => {
    const points = reference.fps_points;
    // The reference works in the plane as it is: columns of unit variance keep their order of distances.
    const { selected } = selectFarthest(described(points.slice(1), [points[0]!]), 3);
    expect(selected.map(({ index }) => index + 1)).toEqual(reference.fps_order_from_0.slice(1));
    const covered = features(reference.fps_order_from_0.map((i) => points[i]!));
    expect(directedHausdorff(features(points), covered)!.distance).toBeLessThanOrEqual(
      reference.fps_cover_radius_after_4 + 1e-12,
    );
  });

  it('is that of a plain count, and never grows with labels', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 9 }), (seed, count) => {
        const a = scattered(seed, 14);
        const b = scattered(seed + 1000, count);
        let worst = 0;
        for (let i = 0; i < 14; i++) {
          let least = Number.POSITIVE_INFINITY;
          for (let j = 0; j < count; j++) {
            least = Math.min(
              least,
              Math.hypot(a.rows[2 * i]! - b.rows[2 * j]!, a.rows[2 * i + 1]! - b.rows[2 * j + 1]!),
            );
          }
          worst = Math.max(worst, least);
        }
        expect(directedHausdorff(a, b)!.distance).toAgree(worst, { rtol: 1e-13, why: 'the same sums' });
        const fewer = { ...b, count: Math.max(1, count - 1), rows: b.rows.slice(0, 2 * Math.max(1, count - 1)) };
        expect(directedHausdorff(a, fewer)!.distance).toBeGreaterThanOrEqual(worst * (1 - 1e-13));
      }),
      { numRuns: 40 },
    );
  });

  it('says nothing of empty sets', () => {
    const none: FeatureRows = { rows: new Float64Array(0), count: 0, columns: 2 };
    expect(directedHausdorff(none, train)).toBeNull();
    expect(directedHausdorff(train, none)).toBeNull();
    expect(closestPair({ ...train, count: 1 })).toBeNull();
    expect(coverageFigures(pool, none, 1)).toMatchObject({ poolToLabelled: null, logDetKernel: 0 });
    expect(typicalDistance(none)).toBe(0);
    expect(() => nearestOf(train, { ...train, columns: 1 })).toThrow(
      'features must have the same columns, got 2 and 1',
    );
    expect(() => whiteningOf(none)).toThrow('features must have at least one row to whiten by, got none');
    expect(() => gaussianKernel(train, 0)).toThrow('length of the kernel must be positive, got 0');
  });

  it('tells groups apart, by the indices of the whole', () => {
    const by = coverageByGroup(pool, ['a', 'b', 'b', 'a'], train, ['b', 'a'], 1);
    expect(Object.keys(by)).toEqual(['a', 'b']);
    // Group a: pool 0 and 3 against labelled 1; group b: pool 1 and 2 against labelled 0.
    expect(by.a!.poolToLabelled).toMatchObject({ from: 0, to: 1 });
    expect(by.b!.poolToLabelled).toMatchObject({ from: 2, to: 0, distance: 2 });
    expect(by.b!.closestLabelled).toBeNull();
  });
});

describe('whitened distances', () => {
  it('do not depend on the unit of any column, nor on a mixture of columns', () => {
    const set = scattered(5, 40, 3);
    const mixed = Float64Array.from({ length: 120 }, (_, at) => {
      const [i, v] = [Math.floor(at / 3), at % 3];
      const [x, y, z] = [set.rows[3 * i]!, set.rows[3 * i + 1]!, set.rows[3 * i + 2]!];
      return v === 0 ? 100 * x : v === 1 ? y + x : 0.01 * z - 0.02 * y;
    });
    const one = whiteningOf(set).whiten(set);
    const other = whiteningOf({ ...set, rows: mixed }).whiten({ ...set, rows: mixed });
    for (let i = 1; i < 10; i++) {
      expect(featureDistance(other, i, other, 0)).toAgree(featureDistance(one, i, one, 0), {
        rtol: 1e-4,
        why: 'Mahalanobis distance, regularised by 1e-6 of the mean variance',
      });
    }
    // Mean squared norm is the number of columns.
    const mean = Float64Array.from(one.rows).reduce((sum, value) => sum + value * value, 0) / 40;
    expect(mean).toAgree(3, { rtol: 1e-4, why: 'the covariance of whitened rows is the identity' });
  });

  it('leave columns that never change out', () => {
    const set = features([
      [1, 7],
      [2, 7],
      [4, 7],
    ]);
    const white = whiteningOf(set).whiten(set);
    expect([white.rows[1], white.rows[3], white.rows[5]]).toEqual([0, 0, 0]);
    expect(logDetKernel(gaussianKernel(white, 1), 3)).toBeLessThan(0);
  });
});

describe('k-centre', () => {
  const radius = (points: FeatureRows, chosen: readonly number[]): number => {
    const picked = {
      rows: Float64Array.from(chosen.flatMap((i) => [...points.rows.slice(2 * i, 2 * i + 2)])),
      count: chosen.length,
      columns: 2,
    };
    return directedHausdorff(points, picked)!.distance;
  };

  it('covers at most twice as widely as the best batch, and never worse than farthest points', () => {
    for (let seed = 0; seed < 15; seed++) {
      const stream = new RandomStream(seed, 'centres');
      const points = Array.from({ length: 11 }, () => [stream.normal(), stream.normal()]);
      const pool = described(points);
      const scale = [0, 1].map((v) => {
        const mean = points.reduce((sum, p) => sum + p[v]! / 11, 0);
        return Math.sqrt(points.reduce((sum, p) => sum + (p[v]! - mean) ** 2 / 11, 0));
      });
      const standard = features(points.map(([x, y]) => [x! / scale[0]!, y! / scale[1]!]));
      const far = selectFarthest(pool, 3).selected.map(({ index }) => index);
      const centres = selectCentres(pool, 3).selected.map(({ index }) => index);
      let best = Number.POSITIVE_INFINITY;
      for (let a = 0; a < 11; a++)
        for (let b = a + 1; b < 11; b++)
          for (let c = b + 1; c < 11; c++) best = Math.min(best, radius(standard, [a, b, c]));
      expect(radius(standard, far)).toBeLessThanOrEqual(2 * best * (1 + 1e-12));
      expect(radius(standard, centres)).toBeLessThanOrEqual(radius(standard, far) * (1 + 1e-12));
      expect(new Set(centres).size).toBe(3);
    }
  });

  it('begins in the middle where nothing is labelled, and away from what is', () => {
    const points = [
      [0, 0],
      [1, 0.1],
      [2, 0],
      [10, 3],
    ];
    const free = selectFarthest(described(points), 2).selected;
    expect(free.map(({ index }) => index)).toEqual([2, 3]);
    expect(free[0]!.reason).toBe('nearest to the mean of the pool, as nothing is labelled');
    const bound = selectFarthest(described(points, [[10, 3]]), 1).selected;
    expect(bound[0]!.index).toBe(0);
    expect(bound[0]!.reason).toMatch(/^farthest structure, \d\.\d+ from the nearest labelled or chosen one/);
    expect(selectCentres(described(points, [[10, 3]]), 1).selected[0]!.index).toBe(1);
  });
});
