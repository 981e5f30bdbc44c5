import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError, NumericalError } from '../errors.ts';
import { RandomStream } from '../random.ts';
import { cholesky, logDeterminant } from './cholesky.ts';
import { reciprocalCondition } from './condition.ts';
import { gram } from './dense.ts';
import { SymmetricEigensolver } from './eigen-symmetric.ts';
import { invertUpper } from './triangular.ts';

function randomRows(m: number, n: number, seed: number): Float64Array {
  const stream = new RandomStream(seed, 'cholesky-test', m, n);
  return Float64Array.from({ length: m * n }, () => stream.normal());
}

const hilbert = (n: number): Float64Array =>
  Float64Array.from({ length: n * n }, (_, k) => 1 / (Math.floor(k / n) + (k % n) + 1));

describe('cholesky', () => {
  it.each([1, 2, 31, 32, 33, 63, 64, 65, 97])('gives RᵀR back across panels of 32, n = %i', (n) => {
    const a = gram(randomRows(n + 4, n, 1), n + 4, n);
    const r = cholesky(a, n);
    for (let i = 0; i < n; i++) {
      expect(r[i * n + i]).toBeGreaterThan(0);
      for (let j = 0; j < i; j++) expect(r[i * n + j]).toBe(0);
    }
    expect(gram(r, n, n)).toAgree(a, { atol: 1e-12 * n, why: 'n·eps of entries of about n' });
  });

  it('has the determinant of the eigenvalues, for any definite matrix', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat({ max: 1000 }), (n, seed) => {
        const a = gram(randomRows(2 * n, n, seed), 2 * n, n);
        const values = new SymmetricEigensolver(n).decompose(a);
        const logarithms = values.reduce((sum, value) => sum + Math.log(value), 0);
        expect(logDeterminant(cholesky(a, n), n)).toAgree(logarithms, { atol: 1e-9, why: 'condition up to 1e6' });
      }),
      { numRuns: 40 },
    );
  });

  it('knows determinants that no double could hold', () => {
    const n = 300;
    const diagonal = new Float64Array(n * n);
    for (let i = 0; i < n; i++) diagonal[i * n + i] = 1e-8;
    expect(logDeterminant(cholesky(diagonal, n), n)).toAgree(n * Math.log(1e-8), { rtol: 1e-14, why: 'a sum of logs' });
    // Hilbert's matrix of order n: c_n⁴/c_{2n} with c_n = 1!2!…(n−1)!.
    for (const order of [2, 5, 8]) {
      const c = (top: number): number => {
        let [sum, log] = [0, 0];
        for (let i = 1; i < top; i++) {
          log += Math.log(i);
          sum += log;
        }
        return sum;
      };
      expect(logDeterminant(cholesky(hilbert(order), order), order)).toAgree(4 * c(order) - c(2 * order), {
        rtol: 1e-7,
        why: 'condition 1e10 of the eighth leaves six digits of its smallest pivot',
      });
    }
  });

  it('adds nothing to the diagonal: what is singular to rounding is refused, not repaired', () => {
    for (const n of [14, 20]) expect(() => cholesky(hilbert(n), n)).toThrow(NumericalError);
    // Rank 2 of 3, in whole numbers.
    const rankTwo = gram(Float64Array.of(1, 2, 3, 2, -1, 1), 2, 3);
    expect(() => cholesky(rankTwo, 3)).toThrow('pivot 2 of the matrix must be positive');
    expect(() => cholesky(Float64Array.of(0), 1)).toThrow('pivot 0 of the matrix must be positive, got 0');
    expect(() => cholesky(Float64Array.of(-0), 1)).toThrow(NumericalError);
    expect(() => cholesky(Float64Array.of(Number.POSITIVE_INFINITY), 1)).toThrow(NumericalError);
    expect(() => cholesky(Float64Array.of(1, Number.NaN, 0, 1), 2)).toThrow(
      'pivot 1 of the matrix must be positive, got NaN',
    );
    expect(() => cholesky(Float64Array.of(1, 2, 0, 1), 2)).toThrow('got -3');
    expect(() => cholesky(new Float64Array(3), 2)).toThrow(InputError);
    expect(cholesky(new Float64Array(0), 0)).toHaveLength(0);
  });
});

describe('reciprocalCondition', () => {
  /** 1/(‖A‖₁ ‖A⁻¹‖₁) of A = RᵀR with a diagonal of 1, without an estimate. */
  function exact(r: Float64Array, n: number): number {
    const a = gram(r, n, n);
    const scale = Float64Array.from({ length: n }, (_, i) => 1 / Math.sqrt(a[i * n + i]!));
    const scaled = a.map((value, k) => value * scale[Math.floor(k / n)]! * scale[k % n]!);
    const inverse = gram(invertTransposed(cholesky(scaled, n), n), n, n);
    const norm = (m: Float64Array): number => {
      let largest = 0;
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let i = 0; i < n; i++) sum += Math.abs(m[i * n + j]!);
        largest = Math.max(largest, sum);
      }
      return largest;
    };
    return 1 / (norm(scaled) * norm(inverse));
  }
  /** R⁻ᵀ, whose Gram matrix is (RᵀR)⁻¹. */
  function invertTransposed(r: Float64Array, n: number): Float64Array {
    const inverse = invertUpper(r, n);
    return Float64Array.from({ length: n * n }, (_, k) => inverse[(k % n) * n + Math.floor(k / n)]!);
  }

  it('is never too pessimistic and at most three times too optimistic', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 25 }), fc.nat({ max: 10_000 }), (n, seed) => {
        const r = cholesky(gram(randomRows(n + 1, n, seed), n + 1, n), n);
        const [estimate, truth] = [reciprocalCondition(r, n), exact(r, n)];
        expect(estimate / truth).toBeGreaterThan(1 - 1e-5);
        expect(estimate / truth).toBeLessThan(3);
      }),
      { numRuns: 100, seed: 5 },
    );
  });

  it('does not see units of columns', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -12, max: 12, noNaN: true }), { minLength: 5, maxLength: 5 }), (powers) => {
        const r = cholesky(gram(randomRows(9, 5, 3), 9, 5), 5);
        const scaled = r.map((value, k) => value * 10 ** powers[k % 5]!);
        expect(reciprocalCondition(scaled, 5)).toAgree(reciprocalCondition(r, 5), {
          rtol: 1e-9,
          why: 'scaling is exact but for rounding',
        });
      }),
      { numRuns: 40 },
    );
  });

  it('is 1 for orthogonal columns, 0 for what is singular or not finite, and falls with Hilbert matrices', () => {
    expect(reciprocalCondition(Float64Array.of(2, 0, 0, 1e-8), 2)).toBe(1);
    expect(reciprocalCondition(new Float64Array(0), 0)).toBe(1);
    expect(reciprocalCondition(Float64Array.of(1, 1, 0, 0), 2)).toBe(0);
    expect(reciprocalCondition(Float64Array.of(1, 0, 0, Number.NaN), 2)).toBe(0);
    expect(reciprocalCondition(Float64Array.of(1, 0, 0, Number.POSITIVE_INFINITY), 2)).toBe(0);
    expect(reciprocalCondition(new Float64Array(4), 2)).toBe(0);
    const known = [2, 4, 6, 8].map((n) => reciprocalCondition(cholesky(hilbert(n), n), n));
    for (let k = 1; k < known.length; k++) expect(known[k]! / known[k - 1]!).toBeLessThan(0.01);
  });
});
