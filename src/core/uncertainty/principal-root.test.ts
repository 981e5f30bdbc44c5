import { describe, expect, it } from 'vitest';
import { gram, multiply, squaredRowNorms, transpose } from '../numerics/dense.ts';
import { RandomStream } from '../random.ts';
import { addMoments, noShifts, quadraticForms, shiftMoments, squaresWithout } from './moments.ts';
import { axisCoordinates, LOST_TRACE, principalRoot, weightRoot } from './principal-root.ts';

const D = 8;
const random = new RandomStream(2, 'principal root');

/** Gram matrix of `m` rows whose columns shrink by `decay`. */
function covariance(m: number, decay = 1): Float64Array {
  const rows = Float64Array.from({ length: m * D }, (_, k) => random.normal() * Math.exp(-decay * (k % D)));
  return gram(rows, m, D);
}

const trace = (k: Float64Array) => Array.from({ length: D }, (_, i) => k[i * (D + 1)]!).reduce((sum, v) => sum + v, 0);

describe('principalRoot', () => {
  it('is a root with orthogonal rows, the largest first', () => {
    const k = covariance(30, 0.2);
    const { rows, rank } = principalRoot(k, D);
    expect(rank).toBe(D);
    const again = multiply(transpose(rows, rank, D), rows, D, rank, D);
    expect(again).toAgree(k, { atol: 1e-12 * trace(k), why: 'rounding' });
    const overlaps = multiply(rows, transpose(rows, rank, D), rank, D, rank);
    const norms = squaredRowNorms(rows, rank, D);
    for (let a = 0; a < rank; a++) {
      if (a > 0) expect(norms[a]!).toBeLessThanOrEqual(norms[a - 1]!);
      for (let b = 0; b < a; b++)
        expect(overlaps[a * rank + b]).toAgree(0, { atol: 1e-12 * trace(k), why: 'orthogonal axes' });
    }
  });

  it('has the rank of its matrix, and none for zero', () => {
    expect(principalRoot(covariance(3), D).rank).toBe(3);
    expect(principalRoot(new Float64Array(D * D), D)).toEqual({ rows: new Float64Array(0), rank: 0 });
  });

  it('loses less than its share of the trace, and never adds to a variance', () => {
    const k = covariance(40, 2.5);
    for (const lost of [1e-2, LOST_TRACE]) {
      const { rows, rank } = principalRoot(k, D, lost);
      expect(rank).toBeLessThan(D);
      const rest = k.map((value, i) => value - multiply(transpose(rows, rank, D), rows, D, rank, D)[i]!);
      expect(trace(rest)).toBeLessThan(lost * trace(k));
      const x = Float64Array.from({ length: D }, () => random.normal());
      const left = multiply(multiply(x, rest, 1, D, D), x, 1, D, 1)[0]!;
      expect(left).toBeGreaterThan(-1e-12 * trace(k));
      expect(left).toBeLessThan(lost * trace(k) * squaredRowNorms(x, 1, D)[0]!);
    }
  });

  it('becomes a root in the weights, and gives coordinates in standard deviations', () => {
    const root = principalRoot(covariance(20), D);
    const r = Float64Array.from({ length: D * D }, (_, k) => (k % (D + 1) === 0 ? 2 : 0));
    const weights = weightRoot(r, D, root.rows, root.rank);
    expect(transpose(weights, D, root.rank)).toAgree(
      root.rows.map((value) => value / 2),
      { rtol: 1e-12, why: 'R is twice the identity' },
    );
    const z = axisCoordinates(root, D, root.rows, root.rank);
    expect(z).toAgree(
      Float64Array.from({ length: root.rank * root.rank }, (_, k) => (k % (root.rank + 1) === 0 ? 1 : 0)),
      { atol: 1e-9, why: 'each axis is one standard deviation along itself' },
    );
  });
});

describe('moments', () => {
  it('add up and can be taken off again', () => {
    const shifts = Float64Array.from({ length: 5 * D }, () => random.normal());
    const whole = shiftMoments(shifts, 5, D);
    const first = shiftMoments(shifts, 2, D);
    const rest = shiftMoments(shifts.slice(2 * D), 3, D);
    const why = 'sums in another order';
    expect(addMoments(first, rest).square).toAgree(whole.square, { rtol: 1e-12, atol: 1e-14, why });
    expect(addMoments(whole, first, -1).sum).toAgree(rest.sum, { atol: 1e-12, why });
    expect(addMoments(whole, noShifts(D))).toEqual(whole);
    expect(() => addMoments(whole, noShifts(2))).toThrow('moments must have 8 columns, got 2');
  });

  it('give the squares of rows over all changes but their own', () => {
    const shifts = Float64Array.from({ length: 5 * D }, () => random.normal());
    const x = Float64Array.from({ length: 3 * D }, () => random.normal());
    const own = { count: 2, shifts: shifts.slice(0, 2 * D) };
    const rest = shiftMoments(shifts.slice(2 * D), 3, D).square;
    const found = squaresWithout(shiftMoments(shifts, 5, D), own, x, 3);
    expect(found).toAgree(quadraticForms(x, rest, 3, D), { rtol: 1e-10, why: 'rounding of a difference' });
    const none = { count: 0, shifts: new Float64Array(0) };
    expect(squaresWithout(shiftMoments(own.shifts, 2, D), own, x, 3)).toAgree(new Float64Array(3), {
      atol: 1e-12,
      why: 'nothing is left but rounding',
    });
    expect(squaresWithout(shiftMoments(shifts, 5, D), none, x, 3)).toEqual(
      quadraticForms(x, shiftMoments(shifts, 5, D).square, 3, D),
    );
  });

  it('give quadratic forms that are never negative', () => {
    const k = covariance(3);
    const x = Float64Array.from({ length: 2 * D }, () => random.normal());
    const expected = [0, 1].map((i) => {
      const row = x.slice(i * D, (i + 1) * D);
      return multiply(multiply(row, k, 1, D, D), row, 1, D, 1)[0]!;
    });
    expect(quadraticForms(x, k, 2, D)).toAgree(expected, { rtol: 1e-12, why: 'rounding' });
    expect([
      ...quadraticForms(
        x,
        k.map((value) => -value),
        2,
        D,
      ),
    ]).toEqual([0, 0]);
  });
});
