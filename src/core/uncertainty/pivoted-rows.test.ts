import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multiply } from '../numerics/dense.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { RandomStream } from '../random.ts';
import { pivotedRows } from './pivoted-rows.ts';

const PSEUDO = 1e-3;

/** [n, d] of a given rank. */
function matrix(n: number, d: number, rank: number, seed: number): Float64Array {
  const stream = new RandomStream(seed, 'pivoted rows');
  const left = Float64Array.from({ length: n * rank }, () => stream.normal());
  const right = Float64Array.from({ length: rank * d }, () => stream.normal());
  return multiply(left, right, n, rank, d);
}

describe('pivotedRows', () => {
  it('gives different rows of the matrix, pseudo-rows for the rest, and their inverse', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 150 }),
        fc.integer({ min: 1, max: 90 }),
        fc.nat(1000),
        (d, n, rank, seed) => {
          const rows = matrix(n, d, Math.min(rank, n, d), seed);
          const found = pivotedRows(rows, n, d, PSEUDO, plainKernels);
          expect(new Set(found.rows).size).toBe(d);
          found.rows.forEach((row, j) => {
            const own = found.matrix.subarray(j * d, (j + 1) * d);
            if (row >= 0) expect(own).toEqual(rows.subarray(row * d, (row + 1) * d));
            else expect([row, own[j], own.filter((x) => x !== 0).length]).toEqual([-1 - j, PSEUDO, 1]);
          });
          expect(found.rows.filter((row) => row < 0).length).toBeGreaterThanOrEqual(d - Math.min(rank, n, d));
          const product = multiply(found.matrix, found.inverse, d, d, d);
          const one = Float64Array.from({ length: d * d }, (_, at) => (at % (d + 1) === 0 ? 1 : 0));
          expect(product).toAgree(one, { atol: 1e-6, why: 'rounding times the condition, which pseudo-rows bound' });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('takes the row with the largest number left, the first of equals', () => {
    const rows = Float64Array.of(1, 0, 4, 4, 4, 4, 0, 3);
    expect([...pivotedRows(rows, 4, 2, PSEUDO, plainKernels).rows]).toEqual([1, 3]);
  });

  it('takes a pseudo-row where nothing larger is left', () => {
    const rows = Float64Array.of(2, 2, 1, 1 + 1e-4);
    expect([...pivotedRows(rows, 2, 2, PSEUDO, plainKernels).rows]).toEqual([0, -2]);
    expect([...pivotedRows(new Float64Array(4), 2, 2, PSEUDO, plainKernels).rows]).toEqual([-1, -2]);
  });

  it('begins with pseudo-rows alone where small pivots would leave no digits', () => {
    // Every column is nearly the sum of all before it: the inverse grows by a power of each pivot.
    const d = 40;
    const rows = Float64Array.from({ length: d * d }, (_, at) => {
      const [i, j] = [Math.floor(at / d), at % d];
      return i === j ? 2e-3 : j > i ? 1 : 0;
    });
    const found = pivotedRows(rows, d, d, PSEUDO, plainKernels);
    expect(found.rows.every((row, j) => row === -1 - j)).toBe(true);
    expect(found.inverse[0]).toBe(1 / PSEUDO);
  });

  it('is the same whatever the width of its panels: one panel and several agree on a plain elimination', () => {
    const [n, d] = [160, 140];
    const rows = matrix(n, d, d, 5);
    const left = rows.slice();
    const taken = new Set<number>();
    const expected = Array.from({ length: d }, (_, j) => {
      let p = -1;
      for (let r = 0; r < n; r++) {
        if (taken.has(r)) continue;
        if (p < 0 || Math.abs(left[r * d + j]!) > Math.abs(left[p * d + j]!)) p = r;
      }
      taken.add(p);
      for (let r = 0; r < n; r++) {
        if (taken.has(r)) continue;
        const f = left[r * d + j]! / left[p * d + j]!;
        for (let v = j; v < d; v++) left[r * d + v] = left[r * d + v]! - f * left[p * d + v]!;
      }
      return p;
    });
    expect([...pivotedRows(rows, n, d, PSEUDO, plainKernels).rows]).toEqual(expected);
  });
});
