import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { memoryPool } from './pool.ts';
import { squareRootQuota, standardizedTogether, type Strata, stratify } from './strata.ts';

const strata = (sizes: number[], labelled: number[]): Strata => ({
  count: sizes.length,
  ofCandidate: Int32Array.from(sizes.flatMap((size, s) => new Array<number>(size).fill(s))),
  sizes: Int32Array.from(sizes),
  labelled: Int32Array.from(labelled),
  names: sizes.map((_, s) => `s${s}`),
});

const counts = (order: Int32Array, count: number): number[] =>
  Array.from({ length: count }, (_, s) => order.filter((other) => other === s).length);

describe('squareRootQuota', () => {
  it('gives shares as the root of the size, what is labelled counted', () => {
    expect(counts(squareRootQuota(strata([81, 9, 9], [0, 0, 0]), 5), 3)).toEqual([3, 1, 1]);
    // 100 and 25 structures with 10 and 10 labels and 10 to come: of 30 labels 20 belong to the first.
    expect(counts(squareRootQuota(strata([90, 15], [10, 10]), 10), 2)).toEqual([10, 0]);
    expect(counts(squareRootQuota(strata([90, 15], [20, 0]), 10), 2)).toEqual([2, 8]);
    expect(squareRootQuota(strata([2, 1], [0, 0]), 9)).toHaveLength(3);
    expect(squareRootQuota(strata([], []), 4)).toHaveLength(0);
    // Labels of a kind that is not in the pool change nothing.
    expect(counts(squareRootQuota(strata([81, 9, 9, 0], [0, 0, 0, 50]), 5), 4)).toEqual([3, 1, 1, 0]);
  });

  it('is within one label of the quota where no stratum runs out', () => {
    const sizes = fc.array(fc.integer({ min: 40, max: 900 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 40 }), (many, batch) => {
        const found = counts(
          squareRootQuota(
            strata(
              many,
              many.map(() => 0),
            ),
            batch,
          ),
          many.length,
        );
        const roots = many.map(Math.sqrt);
        const sum = roots.reduce((total, root) => total + root, 0);
        expect(found.reduce((total, n) => total + n, 0)).toBe(batch);
        found.forEach((n, s) => {
          expect(Math.abs(n - (batch * roots[s]!) / sum)).toBeLessThanOrEqual(1 + 1e-9);
        });
      }),
    );
  });
});

describe('stratify', () => {
  const stream = new RandomStream(1, 'strata');
  const count = 30;
  const rows = Float64Array.from(
    { length: count * 2 },
    (_, at) => (at % 2 === 0 ? 1000 : 0.001) * (stream.normal() + 9 * (Math.floor(at / 2) % 3)),
  );
  const candidates = Array.from({ length: count }, (_, i) => ({ id: `c${i}`, rows: new Float64Array(0), count: 0 }));
  const learner = {
    r: Float64Array.of(1),
    labelled: { rows: Float64Array.of(0, 0, 18000, 0.018), count: 2, columns: 2 },
  };
  const descriptors = { rows, count, columns: 2 };

  it('finds clusters whatever the units of the columns, with the labelled structures in them', () => {
    const found = stratify(memoryPool(learner, candidates, { descriptors }), { clusters: 3 });
    expect([...found.sizes].sort()).toEqual([10, 10, 10]);
    for (let i = 3; i < count; i++) expect(found.ofCandidate[i]).toBe(found.ofCandidate[i - 3]);
    expect(found.labelled[found.ofCandidate[0]!]).toBe(1);
    expect(found.labelled[found.ofCandidate[2]!]).toBe(1);
    expect(found.names[0]).toBe('cluster 1 of 3');
    // (30 + 2)/6 of them by itself.
    expect(stratify(memoryPool(learner, candidates, { descriptors })).count).toBeLessThanOrEqual(5);
  });

  it('takes the groups of the user where every candidate has one', () => {
    const groups = candidates.map((_, i) => (i === 0 ? 'dimer' : 'bulk'));
    const pool = memoryPool({ ...learner, labelledGroups: ['bulk', 'slab'] }, candidates, { descriptors, groups });
    const found = stratify(pool);
    expect(found.names).toEqual(['bulk', 'dimer', 'slab']);
    expect([...found.sizes]).toEqual([29, 1, 0]);
    expect([...found.labelled]).toEqual([1, 0, 1]);
    const partly = memoryPool(learner, candidates, { descriptors, groups: groups.map((g, i) => (i === 4 ? null : g)) });
    expect(stratify(partly).names[0]).toMatch(/^cluster 1 of/);
    expect(() => stratify(memoryPool(learner, candidates))).toThrow('candidates must have mean descriptors');
  });

  it('standardises columns over both sets and leaves out those that never change', () => {
    const one = { rows: Float64Array.of(1, 5, 3, 5), count: 2, columns: 2 };
    const all = standardizedTogether(one, { rows: Float64Array.of(5, 5), count: 1, columns: 2 });
    const unit = Math.sqrt(3 / 2);
    expect(all.rows as Float64Array).toAgree([-unit, 0, 0, 0, unit, 0], {
      atol: 1e-14,
      why: 'spread √(8/3) of 1, 3, 5',
    });
  });
});
