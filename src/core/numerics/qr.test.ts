import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { addProduct, blockOf } from './block-product.ts';
import { cholesky } from './cholesky.ts';
import { gram, multiply, squaredNorm, transposedMatVec } from './dense.ts';
import { appendRows, appendUpper, eliminateColumns, makeDiagonalPositive, qrUpper, rowsToColumns } from './qr.ts';
import { gramUpper, solveUpper } from './triangular.ts';

const STABLE = { atol: 1e-10, why: 'orthogonal transformations of numbers of order 1' };

function random(m: number, n: number, seed = 0): Float64Array {
  const stream = new RandomStream(seed, 'qr-test', m, n);
  return Float64Array.from({ length: m * n }, () => stream.normal());
}

function empty(n: number) {
  return { r: new Float64Array(n * n), z: new Float64Array(n) };
}

describe('rowsToColumns', () => {
  it('transposes a range of rows to a place in longer columns', () => {
    const [m, n, stride] = [5, 19, 8];
    const rows = random(m, n);
    const columns = new Float64Array(n * stride);
    rowsToColumns(rows, n, 1, 3, columns, stride, 4);
    for (let c = 0; c < n; c++) {
      for (let i = 0; i < stride; i++) {
        expect(columns[c * stride + i]).toBe(i >= 4 && i < 7 ? rows[(i - 3) * n + c] : 0);
      }
    }
  });
});

describe('makeDiagonalPositive', () => {
  it('turns whole rows and keeps RᵀR and Rᵀz', () => {
    const r = Float64Array.of(-2, 1, 3, 0, 4, -5, 0, 0, -6);
    const z = Float64Array.of(1, 2, 3);
    const [before, right] = [gramUpper(r, 3), transposedMatVec(r, z, 3, 3)];
    makeDiagonalPositive(r, z, 3);
    expect(r).toEqual(Float64Array.of(2, -1, -3, 0, 4, -5, 0, 0, 6));
    expect(z).toEqual(Float64Array.of(-1, 2, -3));
    expect(gramUpper(r, 3)).toAgree(before, STABLE);
    expect(transposedMatVec(r, z, 3, 3)).toAgree(right, STABLE);
  });
});

describe('eliminateColumns', () => {
  it('keeps every scalar product of columns and targets', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 75 }), fc.integer({ min: 1, max: 60 }), (n, m) => {
        const { r, z } = empty(n);
        const first = random(n + 2, n, 1);
        const firstTargets = random(n + 2, 1, 2);
        const residualBefore = appendRows(r, z, n, first, firstTargets, n + 2);
        const x = random(m, n, 3);
        const y = random(m, 1, 4);
        const stride = m + 5;
        const columns = new Float64Array(n * stride);
        rowsToColumns(x, n, 0, m, columns, stride);
        const left = eliminateColumns(r, z, n, columns, stride, y.slice(), m);
        const a = gram(first, n + 2, n);
        gram(x, m, n).forEach((value, k) => {
          a[k]! += value;
        });
        expect(gramUpper(r, n)).toAgree(a, STABLE);
        const right = transposedMatVec(first, firstTargets, n + 2, n);
        transposedMatVec(x, y, m, n).forEach((value, j) => {
          right[j]! += value;
        });
        expect(transposedMatVec(r, z, n, n)).toAgree(right, STABLE);
        expect(squaredNorm(z) + residualBefore + left).toAgree(squaredNorm(y) + squaredNorm(firstTargets), STABLE);
      }),
      { numRuns: 25, seed: 1 },
    );
  });

  it('skips the zeros of a triangle without changing the result', () => {
    const n = 71;
    const upper = cholesky(gram(random(90, n), 90, n), n);
    const zUpper = random(n, 1, 2);
    const result = [true, false].map((triangular) => {
      const { r, z } = empty(n);
      appendRows(r, z, n, random(80, n, 5), random(80, 1, 6), 80);
      const columns = new Float64Array(n * n);
      rowsToColumns(upper, n, 0, n, columns, n);
      const left = eliminateColumns(r, z, n, columns, n, zUpper.slice(), n, triangular);
      return { r, z, left };
    });
    expect(result[0]!.r).toAgree(result[1]!.r, STABLE);
    expect(result[0]!.z).toAgree(result[1]!.z, STABLE);
    expect(result[0]!.left).toAgree(result[1]!.left, STABLE);
  });

  it('gives the same bits twice', () => {
    const make = () => qrUpper(random(300, 50), 300, 50);
    expect(make()).toEqual(make());
  });
});

describe('appendUpper', () => {
  it('weights the appended factor by its scale', () => {
    const n = 20;
    const [x, y] = [random(60, n), random(60, 1, 2)];
    const [u, v] = [random(50, n, 3), random(50, 1, 4)];
    const a = empty(n);
    const b = empty(n);
    const whole = empty(n);
    appendRows(a.r, a.z, n, x, y, 60);
    appendRows(b.r, b.z, n, u, v, 50);
    appendUpper(a.r, a.z, n, b.r, b.z, 0.25);
    appendRows(whole.r, whole.z, n, x, y, 60);
    appendRows(
      whole.r,
      whole.z,
      n,
      u.map((value) => 0.25 * value),
      v.map((value) => 0.25 * value),
      50,
    );
    expect(a.r).toAgree(whole.r, STABLE);
    expect(solveUpper(a.r, n, a.z)).toAgree(solveUpper(whole.r, n, whole.z), STABLE);
  });

  it('lets another elimination stand in', () => {
    const n = 4;
    const { r, z } = empty(n);
    const other = qrUpper(random(9, n), 9, n);
    let seen = -1;
    const growth = appendUpper(
      r,
      z,
      n,
      other,
      new Float64Array(n),
      2,
      (_r, _z, _n, columns, stride, _targets, m, triangular) => {
        seen = columns[(n - 1) * stride]!;
        expect([m, triangular]).toEqual([n, true]);
        return 42;
      },
    );
    expect(seen).toBe(2 * other[n - 1]!);
    expect(growth).toBe(42);
  });
});

describe('products restricted to the upper triangle', () => {
  it('fill at least the upper triangle', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 9 }), (n, k) => {
        const [a, b] = [random(n, k), random(k, n, 1)];
        const c = new Float64Array(n * n);
        addProduct(1, blockOf(a, k), blockOf(b, n), blockOf(c, n), n, n, k, true);
        const full = multiply(a, b, n, k, n);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            if (j >= i) expect(c[i * n + j]).toBe(full[i * n + j]);
            else if (Math.floor(j / 4) < Math.floor(i / 4)) expect(c[i * n + j]).toBe(0);
          }
        }
      }),
      { numRuns: 20, seed: 2 },
    );
  });
});
