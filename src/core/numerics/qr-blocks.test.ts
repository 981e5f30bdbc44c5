import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { cholesky } from './cholesky.ts';
import { dot, gram, matVec, squaredNorm, transposedMatVec } from './dense.ts';
import { appendRows, appendUpper, qrUpper } from './qr.ts';
import { solveUpper, solveUpperTransposed } from './triangular.ts';

const ROUNDING = { rtol: 1e-10, atol: 1e-10, why: 'condition below 1e4 of random rows' };

function random(m: number, n: number, seed: number): Float64Array {
  const stream = new RandomStream(seed, 'qr-blocks', m, n);
  return Float64Array.from({ length: m * n }, () => stream.normal());
}

interface Fit {
  readonly r: Float64Array;
  readonly z: Float64Array;
  readonly residual: number;
}

/** The factor of rows that come in parts of the given sizes. */
function inParts(rows: Float64Array, targets: Float64Array, n: number, sizes: readonly number[]): Fit {
  const [r, z] = [new Float64Array(n * n), new Float64Array(n)];
  let residual = 0;
  let first = 0;
  for (const size of sizes) {
    const part = rows.slice(first * n, (first + size) * n);
    residual += appendRows(r, z, n, part, targets.slice(first, first + size), size);
    first += size;
  }
  return { r, z, residual };
}

describe('least squares by QR', () => {
  it.each([
    [511, 31],
    [512, 32],
    [513, 33],
    [1025, 65],
    [40, 64],
  ])('is right at the edges of blocks and panels: %i rows of %i columns', (m, n) => {
    const [rows, targets] = [random(m, n, 1), random(m, 1, 2)];
    const { r, z, residual } = inParts(rows, targets, n, [m]);
    expect(gram(r, n, n)).toAgree(gram(rows, m, n), { atol: 1e-10, why: 'entries up to 1000' });
    if (m < n) {
      // Fewer rows than columns: they are explained without rest, and the last rows of R are empty.
      expect(residual).toAgree(0, { atol: 1e-20, why: 'nothing is left' });
      expect(squaredNorm(r, (n - m) * n, m * n)).toAgree(0, { atol: 1e-20, why: 'rank of the rows' });
      return;
    }
    const w = solveUpper(r, n, z);
    const errors = matVec(rows, w, m, n).map((value, i) => targets[i]! - value);
    expect(residual).toAgree(squaredNorm(errors), ROUNDING);
    expect(transposedMatVec(rows, errors, m, n)).toAgree(new Float64Array(n), {
      atol: 1e-9,
      why: 'errors are orthogonal to columns',
    });
    expect(squaredNorm(z) + residual).toAgree(squaredNorm(targets), ROUNDING);
  });

  it('leaves the row of a column that others explain empty, and its targets among the residuals', () => {
    const [m, n] = [60, 40];
    const rows = random(m, n, 7);
    // Columns 5 and 33 are sums of others, column 12 is zero.
    for (let i = 0; i < m; i++) {
      rows[i * n + 5] = rows[i * n + 1]! + 2 * rows[i * n + 2]!;
      rows[i * n + 12] = 0;
      rows[i * n + 33] = rows[i * n + 30]! - rows[i * n + 5]!;
    }
    const targets = random(m, 1, 8);
    const { r, z, residual } = inParts(rows, targets, n, [m]);
    for (const j of [5, 12, 33]) {
      expect(squaredNorm(r, n, j * n)).toBe(0);
      expect(z[j]).toBe(0);
    }
    const others = Array.from({ length: n }, (_, j) => j).filter((j) => ![5, 12, 33].includes(j));
    const picked = Float64Array.from({ length: m * 37 }, (_, k) => rows[Math.floor(k / 37) * n + others[k % 37]!]!);
    expect(residual).toAgree(inParts(picked, targets, 37, [m]).residual, ROUNDING);
    // A few rows of many columns fill no more rows of R than they are.
    const few = inParts(random(6, n, 9), random(6, 1, 10), n, [6]);
    expect(squaredNorm(few.r, n * (n - 6), n * 6)).toBe(0);
    // And later rows fill what was empty.
    const filled = { r: r.slice(), z: z.slice() };
    appendRows(filled.r, filled.z, n, random(90, n, 11), random(90, 1, 12), 90);
    for (let j = 0; j < n; j++) expect(filled.r[j * n + j]).toBeGreaterThan(0.1);
  });

  it('does not depend on how the rows were cut, nor on their order', () => {
    const cuts = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(cuts, fc.integer({ min: 1, max: 20 }), fc.nat({ max: 999 }), (sizes, n, seed) => {
        const m = sizes.reduce((sum, size) => sum + size, 0);
        const [rows, targets] = [random(m, n, seed), random(m, 1, seed + 1)];
        const [whole, parts] = [inParts(rows, targets, n, [m]), inParts(rows, targets, n, sizes)];
        expect(parts.r).toAgree(whole.r, { atol: 1e-9, why: 'R is unique' });
        expect(parts.z).toAgree(whole.z, { atol: 1e-9, why: 'so is Qᵀy' });
        expect(parts.residual).toAgree(whole.residual, ROUNDING);
        const order = new RandomStream(seed, 'shuffle').permutation(m);
        const shuffled = Float64Array.from({ length: m * n }, (_, k) => rows[order[Math.floor(k / n)]! * n + (k % n)]!);
        const turned = inParts(
          shuffled,
          Float64Array.from(order, (i) => targets[i]!),
          n,
          [m],
        );
        if (m >= n) expect(turned.r).toAgree(whole.r, { atol: 1e-9, why: 'RᵀR is a sum over rows' });
        expect(turned.residual).toAgree(whole.residual, ROUNDING);
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  it('is the same for rows and for their factors, whatever their scales', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (n, scale) => {
        const m = n + 7;
        const [a, b] = [random(m, n, 4), random(m, n, 5)];
        const [ya, yb] = [random(m, 1, 6), random(m, 1, 7)];
        const direct = inParts(a, ya, n, [m]);
        let residual = direct.residual;
        residual += appendRows(
          direct.r,
          direct.z,
          n,
          b.map((x) => scale * x),
          yb.map((y) => scale * y),
          m,
        );
        const [first, second] = [inParts(a, ya, n, [m]), inParts(b, yb, n, [m])];
        const growth = appendUpper(first.r, first.z, n, second.r, second.z, scale);
        expect(first.r).toAgree(direct.r, { rtol: 1e-9, atol: 1e-9, why: 'R is unique' });
        expect(first.residual + scale * scale * second.residual + growth).toAgree(residual, {
          rtol: 1e-9,
          why: 'one sum of squares',
        });
      }),
      { numRuns: 40, seed: 4 },
    );
  });

  it('has the Cholesky factor of well conditioned normal equations, and twice its digits where they are not', () => {
    const [m, n] = [60, 8];
    const rows = random(m, n, 8);
    expect(qrUpper(rows, m, n)).toAgree(cholesky(gram(rows, m, n), n), ROUNDING);
    // Columns that differ by 1e-7: the normal equations keep two digits, QR nine.
    const w = Float64Array.from({ length: n }, (_, j) => 1 + j / 4);
    for (let i = 0; i < m; i++) for (let j = 1; j < n; j++) rows[i * n + j] = rows[i * n]! + 1e-7 * rows[i * n + j]!;
    const targets = Float64Array.from({ length: m }, (_, i) => dot(rows, w, n, i * n, 0));
    const { r, z } = inParts(rows, targets, n, [m]);
    const error = (solution: Float64Array): number => Math.max(...solution.map((x, j) => Math.abs(x - w[j]!)));
    const byQr = error(solveUpper(r, n, z));
    expect(byQr).toBeLessThan(1e-7);
    const c = cholesky(gram(rows, m, n), n);
    const byNormal = error(solveUpper(c, n, solveUpperTransposed(c, n, transposedMatVec(rows, targets, m, n))));
    expect(byNormal).toBeGreaterThan(100 * byQr);
  });
});
