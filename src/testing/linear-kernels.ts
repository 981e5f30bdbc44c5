import { plainKernels } from '../core/numerics/plain-kernels.ts';
import { RandomStream } from '../core/random.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { difference } from './difference.ts';
import type { TestRunner } from './runner.ts';

/** Largest difference from the twin, relative to the largest number of the twin's result. */
const AGREEMENT = 1e-12;

/** Orders of matrices: one tile, whole and partial tiles, panels of solves and cache blocks. */
const ORDERS = [1, 2, 3, 4, 5, 31, 64, 66, 130, 261] as const;

/** The part of the suite on square and triangular matrices: factorizations, solves, inverses and their products. */
export function linearConformance({ it, expect }: TestRunner, make: () => Kernels): void {
  const random = (m: number, n: number, seed: number): Float64Array => {
    const stream = new RandomStream(seed, 'linear-conformance', m, n);
    return Float64Array.from({ length: m * n }, () => stream.normal());
  };
  /** A positive-definite matrix and its factor. */
  const definite = (n: number, seed: number): { a: Float64Array; r: Float64Array } => {
    const a = plainKernels.gram(random(2 * n + 2, n, seed), 2 * n + 2, n);
    for (let i = 0; i < n; i++) a[i * n + i] = a[i * n + i]! + 0.5 * n;
    return { a, r: plainKernels.cholesky(a, n) };
  };
  const failureOf = (work: () => unknown): unknown => {
    try {
      work();
    } catch (error) {
      return (error as { code?: string }).code;
    }
    return null;
  };

  it('factors, solves, inverts and multiplies like the twin for every order', () => {
    const kernels = make();
    for (const n of ORDERS) {
      const { a, r } = definite(n, 1);
      const f = definite(n, 2).r;
      const m = n + 3;
      const x = random(m, n, 3);
      const b = random(n, 7, 4);
      const agrees = (name: string, actual: Float64Array, expected: Float64Array): void =>
        expect(difference(actual, expected), `${name} of order ${n}`).toBeLessThanOrEqual(AGREEMENT);
      agrees('rowGram', kernels.rowGram(x, m, n), plainKernels.rowGram(x, m, n));
      agrees('multiply', kernels.multiply(x, b, m, n, 7), plainKernels.multiply(x, b, m, n, 7));
      agrees('cholesky', kernels.cholesky(a, n), r);
      agrees('whitenRows', kernels.whitenRows(r, n, x, m), plainKernels.whitenRows(r, n, x, m));
      agrees('whitenUpper', kernels.whitenUpper(r, n, f), plainKernels.whitenUpper(r, n, f));
      agrees('invertUpper', kernels.invertUpper(r, n), plainKernels.invertUpper(r, n));
      agrees('covarianceOf', kernels.covarianceOf(r, n), plainKernels.covarianceOf(r, n));
      agrees('gramUpper', kernels.gramUpper(f, n), plainKernels.gramUpper(f, n));
      agrees('whitenedGram', kernels.whitenedGram(r, n, f), plainKernels.whitenedGram(r, n, f));
    }
    kernels.dispose();
  });

  it('reads only the upper triangle where that is all there is, and leaves zeros below it', () => {
    const kernels = make();
    const n = 37;
    const { a, r } = definite(n, 5);
    const spoilt = (matrix: Float64Array): Float64Array =>
      matrix.map((value, k) => (k % n < Math.floor(k / n) ? 1e6 : value));
    const results = [kernels.cholesky(spoilt(a), n), kernels.invertUpper(r, n), kernels.whitenUpper(r, n, spoilt(a))];
    expect(difference(results[0]!, r)).toBeLessThanOrEqual(AGREEMENT);
    expect(difference(results[2]!, plainKernels.whitenUpper(r, n, a))).toBeLessThanOrEqual(AGREEMENT);
    for (const result of results) {
      for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expect(result[i * n + j]).toBe(0);
    }
    for (const symmetric of [kernels.covarianceOf(r, n), kernels.whitenedGram(r, n, r), kernels.rowGram(a, n, n)]) {
      for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expect(symmetric[i * n + j]).toBe(symmetric[j * n + i]);
    }
    kernels.dispose();
  });

  it('names the pivot of a matrix without a factor, and refuses to divide by a singular one', () => {
    const kernels = make();
    const n = 70;
    const { a, r } = definite(n, 6);
    for (const index of [0, 2, 63, 64, 69]) {
      for (const value of [-1, 0, Number.NaN, Number.POSITIVE_INFINITY]) {
        const broken = a.slice();
        broken[index * n + index] = value === 0 ? -1e3 : value;
        let details: { index?: number; pivot?: number } = {};
        try {
          kernels.cholesky(broken, n);
        } catch (error) {
          details = (error as { details: typeof details }).details;
        }
        expect(details.index).toBe(index);
        expect(details.pivot !== undefined && details.pivot > 0 && details.pivot < Number.POSITIVE_INFINITY).toBe(
          false,
        );
      }
    }
    const singular = r.slice();
    singular[5 * n + 5] = 0;
    const x = random(2, n, 7);
    expect(failureOf(() => kernels.whitenRows(singular, n, x, 2))).toBe('SINGULAR_FACTOR');
    expect(failureOf(() => kernels.whitenUpper(singular, n, r))).toBe('SINGULAR_FACTOR');
    expect(failureOf(() => kernels.invertUpper(singular, n))).toBe('SINGULAR_FACTOR');
    expect(failureOf(() => kernels.covarianceOf(singular, n))).toBe('SINGULAR_FACTOR');
    expect(failureOf(() => kernels.whitener(singular, n))).toBe('SINGULAR_FACTOR');
    expect(failureOf(() => kernels.whitenRows(r, n, x, 3))).toBe('SHAPE_MISMATCH');
    expect(difference(kernels.cholesky(a, n), r)).toBeLessThanOrEqual(AGREEMENT);
    kernels.dispose();
  });

  it('keeps a factor for many calls, whatever else is called in between', () => {
    const kernels = make();
    const n = 45;
    const { a, r } = definite(n, 8);
    const other = definite(n, 9).r;
    const [first, second] = [kernels.whitener(r, n), kernels.whitener(other, n)];
    for (const m of [1, 5, 0, 300, 2]) {
      const x = random(m, n, 10);
      expect(difference(first.whiten(x, m), plainKernels.whitenRows(r, n, x, m))).toBeLessThanOrEqual(AGREEMENT);
      expect(difference(second.whiten(x, m), plainKernels.whitenRows(other, n, x, m))).toBeLessThanOrEqual(AGREEMENT);
      kernels.cholesky(a, n);
    }
    first.dispose();
    const x = random(3, n, 11);
    expect(difference(second.whiten(x, 3), plainKernels.whitenRows(other, n, x, 3))).toBeLessThanOrEqual(AGREEMENT);
    second.dispose();
    kernels.dispose();
  });
}
