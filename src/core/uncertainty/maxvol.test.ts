import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { NumericalError } from '../errors.ts';
import { multiply } from '../numerics/dense.ts';
import { RandomStream } from '../random.ts';
import { type ActiveSet, activeSet, extrapolationGrades, maxvol, PSEUDO_ROW_SCALE, type Swap } from './maxvol.ts';

interface Reference {
  readonly M: readonly (readonly number[])[];
  readonly start_rows: readonly number[];
  readonly swaps: readonly { swap_out_position: number; swap_in_row: number; value: number; det_before: number }[];
  readonly final_rows: readonly number[];
  readonly abs_det: number;
  readonly gamma_all_rows: readonly number[];
  readonly query: readonly number[];
  readonly query_coeffs: readonly number[];
  readonly query_gamma: number;
}
const { C, D } = golden<{
  C: { C4_maxvol: Reference };
  D: { D1_gamma_vs_leverage: { gamma: number; leverage_on_active_set: number; D: number } };
}>('reference-values');
const reference = C.C4_maxvol;
const rows = Float64Array.from(reference.M.flat());
const n = reference.M.length;
const d = 3;

/** Rows with correlated columns of sizes over three orders of magnitude. */
function made(count: number, width: number, seed: number): Float64Array {
  const random = new RandomStream(seed, 'rows');
  const out = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    let previous = 1;
    for (let v = 0; v < width; v++) {
      previous = 0.7 * previous + random.normal();
      out[i * width + v] = previous * Math.exp((-7 * v) / width);
    }
  }
  return out;
}

function matrixOf(all: Float64Array, width: number, set: ActiveSet): Float64Array {
  const a = new Float64Array(width * width);
  set.rows.forEach((i, j) => {
    if (i >= 0) a.set(all.subarray(i * width, (i + 1) * width), j * width);
    else {
      let sum = 0;
      for (let k = 0; k < all.length / width; k++) sum += all[k * width - 1 - i]! * all[k * width - 1 - i]!;
      a[j * width - 1 - i] = PSEUDO_ROW_SCALE * Math.sqrt(sum / (all.length / width));
    }
  });
  return a;
}

function identity(width: number): Float64Array {
  return Float64Array.from({ length: width * width }, (_, k) => (k % (width + 1) === 0 ? 1 : 0));
}

describe('maxvol', () => {
  it('follows the reference path to the best three of seven rows', () => {
    const swaps: Swap[] = [];
    const set = maxvol(rows, n, d, reference.start_rows, { swapped: (swap) => swaps.push(swap) });
    expect(swaps.map(({ row, place }) => [row, place])).toEqual(
      reference.swaps.map((swap) => [swap.swap_in_row, swap.swap_out_position]),
    );
    expect(swaps.map(({ value }) => value)).toAgree(
      reference.swaps.map(({ value }) => value),
      { atol: 1e-12, why: 'rounding' },
    );
    expect([...set.rows]).toEqual(reference.final_rows);
    expect(set.swaps).toBe(3);
  });

  it('grades all rows and a query as the reference', () => {
    const { inverse } = maxvol(rows, n, d, reference.start_rows);
    const query = Float64Array.from(reference.query);
    const exact = { atol: 1e-12, why: 'rounding' };
    expect(extrapolationGrades(inverse, d, rows, n)).toAgree(reference.gamma_all_rows, exact);
    expect(multiply(query, inverse, 1, d, d)).toAgree(reference.query_coeffs, exact);
    expect(extrapolationGrades(inverse, d, query, 1)).toAgree([reference.query_gamma], exact);
    expect(reference.query_gamma).toBe(D.D1_gamma_vs_leverage.gamma);
  });

  it('bounds the leverage on the active set: γ² ≤ h ≤ d γ²', () => {
    const { inverse } = maxvol(rows, n, d, reference.start_rows);
    const c = multiply(Float64Array.from(reference.query), inverse, 1, d, d);
    const leverage = c.reduce((sum, x) => sum + x * x, 0);
    const { gamma, leverage_on_active_set } = D.D1_gamma_vs_leverage;
    expect(leverage).toAgree(leverage_on_active_set, { atol: 1e-12, why: 'rounding' });
    expect(gamma * gamma <= leverage && leverage <= d * gamma * gamma).toBe(true);
  });

  it('refuses dependent rows and a start of another length', () => {
    expect(() => maxvol(Float64Array.of(1, 2, 2, 4), 2, 2, [0, 1])).toThrow(NumericalError);
    expect(() => maxvol(rows, n, d, [0, 1])).toThrow('a start must be 3 rows');
  });
});

describe('the regularised active set', () => {
  it('has the best rows of the reference, and their inverse', () => {
    const set = activeSet(rows, n, d);
    expect([...set.rows].sort()).toEqual(reference.final_rows);
    expect(set.pseudoRows).toBe(0);
    expect(extrapolationGrades(set.inverse, d, rows, n)).toAgree(reference.gamma_all_rows, {
      atol: 1e-12,
      why: 'rounding',
    });
  });

  it.each([
    [40, 12],
    [700, 40],
    [1500, 25],
    [1300, 180],
  ])('of %i rows in %i columns spans them: γ ≤ 1.001, the inverse is one, pseudo-rows are gone', (count, width) => {
    const all = made(count, width, 3);
    const set = activeSet(all, count, width);
    expect(set.pseudoRows).toBe(0);
    expect(new Set(set.rows).size).toBe(width);
    const grades = extrapolationGrades(set.inverse, width, all, count);
    expect(Math.max(...grades)).toBeLessThanOrEqual(1.001 + 1e-9);
    for (const i of set.rows) expect(grades[i]).toAgree(1, { atol: 1e-9, why: 'a row of the set is itself' });
    expect(multiply(matrixOf(all, width, set), set.inverse, width, width, width)).toAgree(identity(width), {
      atol: 1e-9,
      why: 'rounding of columns of different sizes',
    });
  });

  it('keeps pseudo-rows for what few rows do not cover, with γ about a thousand there', () => {
    const all = made(5, 12, 4);
    const set = activeSet(all, 5, 12);
    expect(set.pseudoRows).toBe(7);
    expect(Math.max(...extrapolationGrades(set.inverse, 12, all, 5))).toBeLessThanOrEqual(1.001);
    const other = Math.max(...extrapolationGrades(set.inverse, 12, made(1, 12, 5), 1));
    expect(other).toBeGreaterThan(50);
    expect(other).toBeLessThan(1e5);
    expect(multiply(matrixOf(all, 12, set), set.inverse, 12, 12, 12)).toAgree(identity(12), {
      atol: 1e-9,
      why: 'rounding',
    });
  });

  it('takes a direction never seen as far away, and finite', () => {
    const all = made(30, 4, 6).map((x, k) => (k % 4 === 2 ? 0 : x));
    const set = activeSet(all, 30, 4);
    expect([...set.rows].filter((i) => i < 0)).toEqual([-3]);
    const [grade] = extrapolationGrades(set.inverse, 4, Float64Array.of(0, 0, 0.1, 0), 1);
    expect(grade).toBeGreaterThan(1e6);
    expect(Number.isFinite(grade)).toBe(true);
  });

  it('has grades that an invertible change of features leaves alone', () => {
    const all = made(200, 10, 7);
    const random = new RandomStream(8, 'transform');
    const change = Float64Array.from({ length: 100 }, (_, k) => (k % 11 === 0 ? 2 : 0) + 0.3 * random.normal());
    const turned = multiply(all, change, 200, 10, 10);
    const start = [...activeSet(all, 200, 10).rows];
    const one = maxvol(all, 200, 10, start);
    const two = maxvol(turned, 200, 10, start);
    expect(two.rows).toEqual(one.rows);
    expect(extrapolationGrades(two.inverse, 10, turned, 200)).toAgree(extrapolationGrades(one.inverse, 10, all, 200), {
      atol: 1e-10,
      why: 'rounding',
    });
  });

  it('is the same whenever it is computed, and γ scales with the row', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer(),
        (count, width, seed) => {
          const all = made(count, width, seed);
          const [one, two] = [activeSet(all, count, width), activeSet(all.slice(), count, width)];
          expect(two).toEqual(one);
          expect(one.pseudoRows).toBeGreaterThanOrEqual(Math.max(0, width - count));
          const grades = extrapolationGrades(one.inverse, width, all, count);
          expect(Math.max(...grades)).toBeLessThanOrEqual(1.001 + 1e-9);
          expect(
            extrapolationGrades(
              one.inverse,
              width,
              all.map((x) => -2 * x),
              count,
            ),
          ).toAgree(
            grades.map((g) => 2 * g),
            { rtol: 1e-12, atol: 1e-300, why: 'linear' },
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('takes equal columns, columns of sizes over 24 orders of magnitude and a row far from all others', () => {
    const all = made(900, 60, 9);
    for (let i = 0; i < 900; i++) {
      all[60 * i + 7] = all[60 * i + 6]!;
      all[60 * i + 9] = all[60 * i + 8]! + all[60 * i + 10]!;
      all[60 * i + 20] = all[60 * i + 20]! * 1e12;
      all[60 * i + 21] = all[60 * i + 21]! * 1e-12;
    }
    for (let v = 0; v < 60; v++) all[60 * 450 + v] = all[60 * 450 + v]! * 1e5;
    const set = activeSet(all, 900, 60);
    expect(set.pseudoRows).toBeGreaterThanOrEqual(2);
    expect(set.rows).toContain(450);
    expect(Math.max(...extrapolationGrades(set.inverse, 60, all, 900))).toBeLessThanOrEqual(1.01);
  });

  it('says what it cannot take', () => {
    expect(() => activeSet(Float64Array.of(1, Number.NaN), 1, 2)).toThrow('rows must be finite, got NaN at 1');
    expect(() => activeSet(new Float64Array(4), 2, 2)).toThrow('rows must not all be zero');
    expect(() => activeSet(new Float64Array(3), 2, 2)).toThrow('rows must be [n, d]');
    expect(extrapolationGrades(new Float64Array(4), 2, new Float64Array(0), 0)).toEqual(new Float64Array(0));
    expect(extrapolationGrades(identity(2), 2, Float64Array.of(0, Number.NaN), 1)[0]).toBeNaN();
  });
});
