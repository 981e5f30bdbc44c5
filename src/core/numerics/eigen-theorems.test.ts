import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { gram } from './dense.ts';
import { HermitianEigensolver } from './eigen-hermitian.ts';
import { SymmetricEigensolver } from './eigen-symmetric.ts';

const ROUNDING = 'some n·eps of the norm';
const sizes = fc.integer({ min: 1, max: 16 });
const seeds = fc.nat({ max: 10_000 });

function symmetric(n: number, seed: number): Float64Array {
  const stream = new RandomStream(seed, 'theorems', n);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      a[i * n + j] = 2 * stream.uniform() - 1;
      a[j * n + i] = a[i * n + j]!;
    }
  }
  return a;
}
const eigenvalues = (a: Float64Array, n: number): Float64Array => new SymmetricEigensolver(n).decompose(a).slice();

describe('eigenvalues obey the theorems', () => {
  it('of two by two matrices, in closed form', () => {
    const entry = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(entry, entry, entry, entry, (a, d, x, y) => {
        const root = Math.hypot((a - d) / 2, x);
        expect(eigenvalues(Float64Array.of(a, x, x, d), 2)).toAgree([(a + d) / 2 - root, (a + d) / 2 + root], {
          atol: 1e-13,
          why: ROUNDING,
        });
        const complex = Math.hypot((a - d) / 2, x, y);
        const values = new HermitianEigensolver(2).decompose(Float64Array.of(a, x, x, d), Float64Array.of(0, -y, y, 0));
        expect(values).toAgree([(a + d) / 2 - complex, (a + d) / 2 + complex], { atol: 1e-13, why: ROUNDING });
      }),
    );
  });

  it('of Cauchy: those of a leading block lie between those of the matrix', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 16 }), seeds, (n, seed) => {
        const a = symmetric(n, seed);
        const m = n - 1;
        const block = Float64Array.from({ length: m * m }, (_, k) => a[Math.floor(k / m) * n + (k % m)]!);
        const [whole, part] = [eigenvalues(a, n), eigenvalues(block, m)];
        for (let v = 0; v < m; v++) {
          expect(part[v]!).toBeGreaterThanOrEqual(whole[v]! - 1e-13);
          expect(part[v]!).toBeLessThanOrEqual(whole[v + 1]! + 1e-13);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('of Gershgorin, Weyl and Schur: discs hold them, shifts move them, sums of squares stay', () => {
    fc.assert(
      fc.property(sizes, seeds, fc.double({ min: -5, max: 5, noNaN: true }), (n, seed, shift) => {
        const [a, b] = [symmetric(n, seed), symmetric(n, seed + 1)];
        const values = eigenvalues(a, n);
        for (const value of values) {
          const held = Array.from({ length: n }, (_, i) => i).some((i) => {
            let radius = 1e-12;
            for (let j = 0; j < n; j++) if (j !== i) radius += Math.abs(a[i * n + j]!);
            return Math.abs(value - a[i * n + i]!) <= radius;
          });
          expect(held).toBe(true);
        }
        const shifted = a.map((x, k) => (k % (n + 1) === 0 ? x + shift : x));
        expect(eigenvalues(shifted, n)).toAgree(
          values.map((value) => value + shift),
          { atol: 1e-12, why: ROUNDING },
        );
        const others = eigenvalues(b, n);
        const sum = eigenvalues(
          a.map((x, k) => x + b[k]!),
          n,
        );
        for (let v = 0; v < n; v++) {
          expect(sum[v]!).toBeGreaterThanOrEqual(values[v]! + others[0]! - 1e-12);
          expect(sum[v]!).toBeLessThanOrEqual(values[v]! + others[n - 1]! + 1e-12);
        }
        const squares = values.reduce((total, value) => total + value * value, 0);
        expect(squares).toAgree(
          a.reduce((total, x) => total + x * x, 0),
          { rtol: 1e-12, why: ROUNDING },
        );
      }),
      { numRuns: 60 },
    );
  });

  it('of Gram matrices are not negative, and as many vanish as rows are missing', () => {
    for (const [m, n] of [
      [3, 8],
      [8, 8],
      [1, 5],
      [20, 6],
    ] as const) {
      const stream = new RandomStream(9, 'gram eigenvalues', m, n);
      const values = eigenvalues(
        gram(
          Float64Array.from({ length: m * n }, () => stream.normal()),
          m,
          n,
        ),
        n,
      );
      expect(values[0]).toBeGreaterThan(-1e-13);
      expect(values.filter((value) => value < 1e-10)).toHaveLength(Math.max(0, n - m));
    }
  });

  it('of a Hermitian matrix do not change with the phases of its basis', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10 }), seeds, (n, seed) => {
        const a = symmetric(n, seed);
        const stream = new RandomStream(seed, 'phases');
        const phases = Array.from({ length: n }, () => 2 * Math.PI * stream.uniform());
        const angle = (k: number): number => phases[Math.floor(k / n)]! - phases[k % n]!;
        const [re, im] = [a.map((x, k) => x * Math.cos(angle(k))), a.map((x, k) => x * Math.sin(angle(k)))];
        expect(new HermitianEigensolver(n).decompose(re, im)).toAgree(eigenvalues(a, n), {
          atol: 1e-12,
          why: ROUNDING,
        });
      }),
      { numRuns: 40 },
    );
  });
});
