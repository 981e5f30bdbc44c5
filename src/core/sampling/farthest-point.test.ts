import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { type FeatureMatrix, farthestPoints, standardizedColumns } from './farthest-point.ts';

interface CoverageGolden {
  C: { C6_coverage: { fps_points: number[][]; fps_order_from_0: number[]; fps_cover_radius_after_4: number } };
}

function matrix(points: readonly (readonly number[])[]): FeatureMatrix {
  return { rows: Float64Array.from(points.flat()), count: points.length, columns: points[0]?.length ?? 0 };
}

const point = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }));

describe('farthestPoints', () => {
  const { fps_points, fps_order_from_0, fps_cover_radius_after_4 } =
    golden<CoverageGolden>('reference-values').C.C6_coverage;

  it('has the reference order and radius', () => {
    const { order, radius, distances } = farthestPoints(matrix(fps_points), 4, [], 0);
    expect([...order]).toEqual(fps_order_from_0);
    expect(radius).toAgree(fps_cover_radius_after_4, { rtol: 1e-15, why: 'same distance' });
    expect(distances.slice(0, 2)).toAgree([Number.POSITIVE_INFINITY, Math.sqrt(4.01)], { rtol: 1e-15, why: 'by hand' });
  });

  it('goes on from rows chosen before', () => {
    const { order, distances } = farthestPoints(matrix(fps_points), 2, [0, 5]);
    expect([...order]).toEqual(fps_order_from_0.slice(2));
    expect(distances[0]).toAgree(1.345362404707371, { rtol: 1e-15, why: '(1, 1) from (2, 0.1), nearer than (0, 0)' });
  });

  it('begins at the centre', () => {
    expect(farthestPoints(matrix([[0], [10], [4], [5], [6]]), 1).order[0]).toBe(3);
  });

  it('takes the lowest index of equals', () => {
    expect([...farthestPoints(matrix([[0], [1], [1], [-1]]), 4, [], 0).order]).toEqual([0, 1, 3, 2]);
  });

  it('covers all within twice the best radius, at falling distances', () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 4, maxLength: 9 }), (points) => {
        const features = matrix(points);
        const { order, distances, radius } = farthestPoints(features, 3);
        expect(new Set(order).size).toBe(3);
        expect(distances[1]!).toBeGreaterThanOrEqual(distances[2]!);
        expect(distances[2]!).toBeGreaterThanOrEqual(radius);
        let best = Number.POSITIVE_INFINITY;
        const gap = (i: number, j: number) => Math.hypot(points[i]![0] - points[j]![0], points[i]![1] - points[j]![1]);
        for (let a = 0; a < points.length; a++) {
          for (let b = 0; b < a; b++) {
            for (let c = 0; c < b; c++) {
              const cover = Math.max(...points.map((_, i) => Math.min(gap(i, a), gap(i, b), gap(i, c))));
              best = Math.min(best, cover);
            }
          }
        }
        expect(radius).toBeLessThanOrEqual(2 * best + 1e-9);
      }),
    );
  });

  it('refuses numbers, shapes and features that are none', () => {
    const features = matrix([[0], [1]]);
    expect(() => farthestPoints(features, 3)).toThrow('number of points must be an integer from 0 to 2, got 3');
    expect(() => farthestPoints(features, 2, [0])).toThrow('from 0 to 1, got 2');
    expect(() => farthestPoints({ ...features, count: 3 }, 1)).toThrow('features must hold 3 × 1 numbers, got 2');
    expect(() => farthestPoints(matrix([[0], [Number.NaN]]), 1)).toThrow(
      'features must be finite, got something else in row 1',
    );
    expect([...farthestPoints(features, 0).order]).toEqual([]);
  });
});

describe('standardizedColumns', () => {
  it('gives every column unit variance, and nothing to a constant one', () => {
    const { rows } = standardizedColumns(
      matrix([
        [1, 7, 1e6],
        [2, 7, 2e6],
        [3, 7, 6e6],
      ]),
    );
    expect([rows[1], rows[4], rows[7]]).toEqual([0, 0, 0]);
    for (const c of [0, 2]) {
      const square = (rows[c]! * rows[c]! + rows[3 + c]! * rows[3 + c]! + rows[6 + c]! * rows[6 + c]!) / 3;
      expect(square).toAgree(1, { rtol: 1e-14, why: 'rounding' });
    }
  });

  it('makes the choice independent of the units of a column', () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 3, maxLength: 12 }), (points) => {
        const scaled = points.map(([x, y]) => [x, 1024 * y]);
        const plain = farthestPoints(standardizedColumns(matrix(points)), 3).order;
        expect(farthestPoints(standardizedColumns(matrix(scaled)), 3).order).toEqual(plain);
      }),
    );
  });
});
