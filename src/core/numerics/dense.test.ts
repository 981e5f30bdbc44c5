import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { RandomStream } from '../random.ts';
import { addProduct, blockOf, transposedBlock } from './block-product.ts';
import {
  addScaled,
  dot,
  gram,
  matVec,
  mirrorUpper,
  multiply,
  rowGram,
  squaredNorm,
  squaredRowNorms,
  transpose,
  transposedMatVec,
} from './dense.ts';

const ROUNDING = { atol: 1e-12, why: 'other summation order of a few hundred products of order 1' };
const sizes = fc.integer({ min: 1, max: 40 });

function random(m: number, n: number, seed = 0): Float64Array {
  const stream = new RandomStream(seed, 'dense-test', m, n);
  return Float64Array.from({ length: m * n }, () => stream.normal());
}

/** Three plain loops. */
function naive(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) for (let q = 0; q < k; q++) c[i * n + j]! += a[i * k + q]! * b[q * n + j]!;
  return c;
}

describe('products', () => {
  it('agree with three plain loops for every shape', () => {
    fc.assert(
      fc.property(sizes, sizes, sizes, (m, k, n) => {
        const [a, b] = [random(m, k), random(k, n, 1)];
        const expected = naive(a, b, m, k, n);
        expect(multiply(a, b, m, k, n)).toAgree(expected, ROUNDING);
        const columns = blockOf(transpose(b, k, n), k);
        const sum = new Float64Array(m * n);
        addProduct(1, blockOf(a, k), transposedBlock(columns), blockOf(sum, n), m, n, k);
        expect(sum).toAgree(expected, ROUNDING);
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it('agree beyond the depth that is packed at once', () => {
    const [m, k, n] = [9, 600, 6];
    const [a, b] = [random(m, k), random(k, n, 1)];
    expect(multiply(a, b, m, k, n)).toAgree(naive(a, b, m, k, n), ROUNDING);
  });

  it('add a multiple to a part of a larger matrix and leave the rest alone', () => {
    const [a, b] = [random(3, 5), random(5, 2, 1)];
    const c = new Float64Array(6 * 7).fill(1);
    addProduct(-2, blockOf(a, 5), blockOf(b, 2), blockOf(c, 7, 1, 4), 3, 2, 5);
    const product = naive(a, b, 3, 5, 2);
    const expected = Float64Array.from({ length: 42 }, (_, at) => {
      const [i, j] = [Math.floor(at / 7) - 1, (at % 7) - 4];
      return i >= 0 && i < 3 && j >= 0 && j < 2 ? 1 - 2 * product[i * 2 + j]! : 1;
    });
    expect(c).toAgree(expected, ROUNDING);
    addProduct(1, blockOf(a, 5), blockOf(b, 2), blockOf(c, 7), 0, 2, 5);
    addProduct(1, blockOf(a, 5), blockOf(b, 2), blockOf(c, 7), 3, 2, 0);
    expect(c).toAgree(expected, ROUNDING);
  });

  it('serve transposes by strides', () => {
    const a = random(5, 3);
    const c = new Float64Array(9);
    addProduct(1, transposedBlock(blockOf(a, 3)), blockOf(a, 3), transposedBlock(blockOf(c, 3)), 3, 3, 5);
    expect(c).toAgree(naive(transpose(a, 5, 3), a, 3, 5, 3), ROUNDING);
  });
});

describe('Gram matrices', () => {
  it('are symmetric to the last bit and agree with the product', () => {
    fc.assert(
      fc.property(sizes, sizes, (m, n) => {
        const x = random(m, n);
        const c = gram(x, m, n);
        expect(c).toAgree(naive(transpose(x, m, n), x, n, m, n), ROUNDING);
        expect(transpose(c, n, n)).toEqual(c);
        expect(rowGram(x, m, n)).toAgree(naive(x, transpose(x, m, n), m, n, m), ROUNDING);
      }),
      { numRuns: 30, seed: 2 },
    );
  });

  it('mirror the upper triangle', () => {
    const a = Float64Array.of(1, 2, 3, 0, 4, 5, 0, 0, 6);
    mirrorUpper(a, 3);
    expect(a).toEqual(Float64Array.of(1, 2, 3, 2, 4, 5, 3, 5, 6));
  });
});

describe('vectors', () => {
  it('dot, norm and multiples work on parts of arrays', () => {
    const a = Float64Array.of(9, 1, 2, 3, 4, 5);
    expect(dot(a, a, 5, 1, 1)).toBe(55);
    expect(dot(a, a, 2, 0, 4)).toBe(41);
    expect(squaredNorm(a, 3, 3)).toBe(50);
    expect(dot(new Float64Array(0), new Float64Array(0))).toBe(0);
    const y = Float64Array.of(1, 1, 1);
    addScaled(2, a, y, 2, 1, 1);
    expect(y).toEqual(Float64Array.of(1, 3, 5));
  });

  it('matrix times vector agrees with the matrix product', () => {
    const [m, n] = [7, 6];
    const a = random(m, n);
    expect(matVec(a, random(n, 1, 2), m, n)).toAgree(naive(a, random(n, 1, 2), m, n, 1), ROUNDING);
    expect(transposedMatVec(a, random(m, 1, 3), m, n)).toAgree(naive(random(m, 1, 3), a, 1, m, n), ROUNDING);
    expect(squaredRowNorms(a, m, n)[2]).toAgree(rowGram(a, m, n)[2 * m + 2], ROUNDING);
  });

  it('refuse arrays that are too short', () => {
    expect(() => gram(new Float64Array(5), 2, 3)).toThrow(InputError);
    expect(() => multiply(new Float64Array(6), new Float64Array(5), 2, 3, 2)).toThrow(
      'right factor must hold 6 numbers, got 5',
    );
  });
});
