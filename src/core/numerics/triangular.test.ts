import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { NumericalError } from '../errors.ts';
import { RandomStream } from '../random.ts';
import { cholesky, logDeterminant } from './cholesky.ts';
import { reciprocalCondition } from './condition.ts';
import { gram, multiply, transpose } from './dense.ts';
import { appendRows, appendUpper, qrUpper } from './qr.ts';
import {
  covarianceOf,
  gramUpper,
  invertUpper,
  productUpper,
  solveUpper,
  solveUpperTransposed,
  whitenRows,
} from './triangular.ts';

const STABLE = { atol: 1e-10, why: 'backward-stable method on a matrix of condition below 1e4' };
const sizes = fc.integer({ min: 1, max: 80 });

function random(m: number, n: number, seed = 0): Float64Array {
  const stream = new RandomStream(seed, 'triangular-test', m, n);
  return Float64Array.from({ length: m * n }, () => stream.normal());
}

function identity(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? 1 : 0));
}

/** A symmetric positive-definite matrix and its upper factor. */
function factored(n: number, seed = 0): { a: Float64Array; r: Float64Array } {
  const a = gram(random(2 * n + 3, n, seed), 2 * n + 3, n);
  return { a, r: cholesky(a, n) };
}

describe('cholesky', () => {
  it('gives A = RᵀR with R upper triangular for every size', () => {
    fc.assert(
      fc.property(sizes, (n) => {
        const { a, r } = factored(n);
        expect(multiply(transpose(r, n, n), r, n, n, n)).toAgree(a, STABLE);
        for (let i = 0; i < n; i++) {
          expect(r[i * n + i]).toBeGreaterThan(0);
          expect(r.subarray(i * n, i * n + i).every((value) => value === 0)).toBe(true);
        }
      }),
      { numRuns: 25, seed: 3 },
    );
  });

  it('reads only the upper triangle and gives the determinant', () => {
    const a = Float64Array.of(4, 2, Number.NaN, 3);
    const r = cholesky(a, 2);
    expect(logDeterminant(r, 2)).toAgree(Math.log(8), { atol: 1e-15, why: '4·3 − 2·2' });
  });

  it('names the pivot that is not positive', () => {
    const n = 40;
    const { a } = factored(n);
    a[37 * n + 37] = -1;
    try {
      cholesky(a, n);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(NumericalError);
      expect(error).toMatchObject({ code: 'NOT_POSITIVE_DEFINITE', details: { index: 37 } });
    }
    a[0] = Number.NaN;
    expect(() => cholesky(a, n)).toThrow('pivot 0 of the matrix must be positive, got NaN');
  });

  it('refuses the normal equations of the Läuchli matrix, which QR solves', () => {
    const { normal_matrix_det_in_float64: det, qr_solution } = golden<{
      B: { B4_lauchli: { normal_matrix_det_in_float64: number; qr_solution: number[] } };
    }>('reference-values').B.B4_lauchli;
    const e = 1e-8;
    const x = Float64Array.of(1, 1, e, 0, 0, e);
    const a = gram(x, 3, 2);
    expect(a[0]! * a[3]! - a[1]! * a[2]!).toBe(det);
    expect(() => cholesky(a, 2)).toThrow(NumericalError);
    const r = new Float64Array(4);
    const z = new Float64Array(2);
    appendRows(r, z, 2, x, Float64Array.of(2, e, e), 3);
    expect(solveUpper(r, 2, z)).toAgree([1, 1], { atol: 1e-6, why: 'condition 1e8 costs half of the digits' });
    expect(solveUpper(r, 2, z)).toAgree(qr_solution, { atol: 1e-7, why: 'another QR' });
  });
});

describe('triangular solves', () => {
  it('solve both orientations for several right-hand sides of every size', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 9 }), (n, m) => {
        const { r } = factored(n);
        const b = random(m, n, 5);
        expect(multiply(solveUpper(r, n, b, m), transpose(r, n, n), m, n, n)).toAgree(b, STABLE);
        expect(multiply(solveUpperTransposed(r, n, b, m), r, m, n, n)).toAgree(b, STABLE);
      }),
      { numRuns: 25, seed: 4 },
    );
  });

  it('invert, multiply and square upper triangles', () => {
    fc.assert(
      fc.property(sizes, (n) => {
        const { a, r } = factored(n);
        const other = factored(n, 7).r;
        expect(multiply(invertUpper(r, n), r, n, n, n)).toAgree(identity(n), STABLE);
        expect(productUpper(r, other, n)).toAgree(multiply(r, other, n, n, n), STABLE);
        expect(gramUpper(r, n)).toAgree(a, STABLE);
        expect(multiply(covarianceOf(r, n), a, n, n, n)).toAgree(identity(n), STABLE);
      }),
      { numRuns: 25, seed: 5 },
    );
  });

  it('whiten rows: squared norms are variances under the covariance', () => {
    const n = 21;
    const { r } = factored(n);
    const x = random(4, n, 9);
    const u = whitenRows(r, n, x, 4);
    const direct = multiply(multiply(x, covarianceOf(r, n), 4, n, n), transpose(x, 4, n), 4, n, 4);
    expect(multiply(u, transpose(u, 4, n), 4, n, 4)).toAgree(direct, STABLE);
  });

  it('refuse a singular factor', () => {
    expect(() => solveUpper(Float64Array.of(1, 2, 0, 0), 2, Float64Array.of(1, 1))).toThrow(
      'diagonal 1 of a triangular factor',
    );
  });
});

describe('reciprocalCondition', () => {
  it('is exact to a small factor and blind to column units', () => {
    for (const c of [1, 1e-2, 1e-6]) {
      // Correlation 1 − c of two columns: eigenvalues 2 − c and c, 1-norm condition (2 − c)/c.
      const a = Float64Array.of(1, 1 - c, 1 - c, 1);
      const value = reciprocalCondition(cholesky(a, 2), 2);
      expect(Math.log(value / (c / (2 - c)))).toAgree(0, { atol: Math.log(3), why: 'estimate within a factor 3' });
      const scaled = Float64Array.of(1e8, (1 - c) * 1e-1, (1 - c) * 1e-1, 1e-10);
      expect(reciprocalCondition(cholesky(scaled, 2), 2)).toAgree(value, {
        rtol: 1e-3,
        why: 'diagonal scaling is taken out',
      });
    }
    expect(reciprocalCondition(Float64Array.of(1, 1, 0, 0), 2)).toBe(0);
    expect(reciprocalCondition(Float64Array.of(1, Number.NaN, 0, 1), 2)).toBe(0);
    expect(reciprocalCondition(identity(50), 50)).toAgree(1, { rtol: 1e-12, why: 'nothing to lose' });
  });
});

describe('QR', () => {
  it('has the Cholesky factor of the Gram matrix, for every shape', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 0, max: 40 }), (n, extra) => {
        const m = n + extra;
        const x = random(m, n);
        const r = qrUpper(x, m, n);
        expect(gramUpper(r, n)).toAgree(gram(x, m, n), STABLE);
        for (let i = 0; i < n; i++) expect(r[i * n + i]).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 25, seed: 6 },
    );
  });

  it('handles fewer rows than columns, zero columns and more rows than one block', () => {
    const wide = random(3, 40);
    expect(gramUpper(qrUpper(wide, 3, 40), 40)).toAgree(gram(wide, 3, 40), STABLE);
    const tall = random(1100, 5);
    for (let i = 0; i < 1100; i++) tall[i * 5 + 2] = 0;
    expect(gramUpper(qrUpper(tall, 1100, 5), 5)).toAgree(gram(tall, 1100, 5), {
      atol: 1e-9,
      why: 'sums of 1100 squares',
    });
  });

  it('gives the least-squares solution and what remains', () => {
    const [m, n] = [60, 35];
    const x = random(m, n);
    const y = random(m, 1, 2);
    const r = new Float64Array(n * n);
    const z = new Float64Array(n);
    const residual = appendRows(r, z, n, x, y, m);
    const w = solveUpper(r, n, z);
    const left = y.map((value, i) => value - multiply(x.slice(i * n, (i + 1) * n), w, 1, n, 1)[0]!);
    expect(left.reduce((sum, e) => sum + e * e, 0)).toAgree(residual, STABLE);
    expect(multiply(left, x, 1, m, n)).toAgree(new Float64Array(n), STABLE);
  });

  it('appends a factor as if its rows came, and leaves it alone', () => {
    const n = 45;
    const [x, y] = [random(130, n), random(130, 1, 4)];
    const part = (a: number, b: number) => {
      const r = new Float64Array(n * n);
      const z = new Float64Array(n);
      const residual = appendRows(r, z, n, x.slice(a * n, b * n), y.slice(a, b), b - a);
      return { r, z, residual };
    };
    const [first, second, whole] = [part(0, 50), part(50, 130), part(0, 130)];
    const kept = second.r.slice();
    const growth = appendUpper(first.r, first.z, n, second.r, second.z);
    expect(first.r).toAgree(whole.r, STABLE);
    expect(first.z).toAgree(whole.z, STABLE);
    expect(first.residual + second.residual + growth).toAgree(whole.residual, STABLE);
    expect(second.r).toEqual(kept);
  });

  it('keeps the small singular values that normal equations lose', () => {
    const n = 30;
    const x = random(60, n);
    // Graded columns over 1e10: relative accuracy of every diagonal of R.
    for (let i = 0; i < 60; i++) for (let j = 0; j < n; j++) x[i * n + j]! *= Math.exp((-23 * j) / n);
    const r = qrUpper(x, 60, n);
    const scaled = qrUpper(
      x.map((value, k) => value * Math.exp((23 * (k % n)) / n)),
      60,
      n,
    );
    for (let j = 0; j < n; j++)
      expect(r[j * n + j]! * Math.exp((23 * j) / n)).toAgree(scaled[j * n + j], { rtol: 1e-12, why: 'column scaling' });
  });

  it('refuses rows and targets that are not finite', () => {
    const r = new Float64Array(4);
    const z = new Float64Array(2);
    expect(() => appendRows(r, z, 2, Float64Array.of(1, Number.NaN), Float64Array.of(1), 1)).toThrow('must be finite');
    expect(() => appendRows(r, z, 2, Float64Array.of(1, 1), Float64Array.of(Number.POSITIVE_INFINITY), 1)).toThrow(
      'must be finite',
    );
  });
});
