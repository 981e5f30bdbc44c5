import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { addProduct, type Block, blockOf, transposedBlock } from './block-product.ts';

const ROUNDING = { rtol: 1e-13, atol: 1e-12, why: 'another order of summation' };

/** A block of m × n random numbers inside a larger array, with gaps that hold NaN: to read one would show. */
function scattered(m: number, n: number, gap: number, columnMajor: boolean, seed: number): Block {
  const stream = new RandomStream(seed, 'scattered', m, n);
  const columnStride = columnMajor ? m + gap : 1 + gap;
  const rowStride = columnMajor ? 1 : n * columnStride + gap;
  const data = new Float64Array(3 + rowStride * m + columnStride * n).fill(Number.NaN);
  const block = { data, offset: 3, rowStride, columnStride };
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) data[at(block, i, j)] = stream.normal();
  return block;
}
const at = (block: Block, i: number, j: number): number => block.offset + i * block.rowStride + j * block.columnStride;
const entry = (block: Block, i: number, j: number): number => block.data[at(block, i, j)]!;

describe('blocks', () => {
  it('begin where they say and are transposed by their strides', () => {
    const data = Float64Array.from({ length: 20 }, (_, k) => k);
    const block = blockOf(data, 5, 2, 3);
    expect(entry(block, 0, 0)).toBe(13);
    expect(entry(block, 1, 1)).toBe(19);
    const turned = transposedBlock(block);
    expect(entry(turned, 1, 0)).toBe(entry(block, 0, 1));
    expect(transposedBlock(turned)).toEqual(block);
    expect(turned.data).toBe(data);
  });
});

describe('addProduct', () => {
  const size = fc.integer({ min: 1, max: 13 });

  it('agrees with three loops for any layout, reads nothing beside the factors and writes nothing beside the product', () => {
    fc.assert(
      fc.property(
        fc.record({ m: size, n: size, k: size, gap: fc.integer({ min: 0, max: 3 }), seed: fc.nat() }),
        fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
        fc.constantFrom(1, -1, 0.5, 3),
        ({ m, n, k, gap, seed }, [a0, b0, c0], scale) => {
          const a = scattered(m, k, gap, a0, seed);
          const b = scattered(k, n, gap, b0, seed + 1);
          const c = scattered(m, n, gap, c0, seed + 2);
          const before = c.data.slice();
          const expected = before.slice();
          for (let i = 0; i < m; i++) {
            for (let j = 0; j < n; j++) {
              let sum = 0;
              for (let q = 0; q < k; q++) sum += entry(a, i, q) * entry(b, q, j);
              expected[at(c, i, j)] = before[at(c, i, j)]! + scale * sum;
            }
          }
          addProduct(scale, a, b, c, m, n, k);
          expect(c.data).toAgree(expected, ROUNDING);
        },
      ),
      { numRuns: 150 },
    );
  });

  it.each([255, 256, 257, 511, 513])('sums over %i products, across what is packed at once', (k) => {
    const [a, b] = [scattered(6, k, 0, false, 1), scattered(k, 5, 0, true, 2)];
    const c = new Float64Array(30);
    addProduct(1, a, b, blockOf(c, 5), 6, 5, k);
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j < 5; j++) {
        let sum = 0;
        for (let q = 0; q < k; q++) sum += entry(a, i, q) * entry(b, q, j);
        expect(c[5 * i + j]).toAgree(sum, { ...ROUNDING, rtol: 1e-12 });
      }
    }
  });

  it('of whole numbers is exact', () => {
    const whole = (m: number, n: number, f: number): Float64Array =>
      Float64Array.from({ length: m * n }, (_, q) => ((q * f) % 17) - 8);
    const [a, b, c] = [whole(9, 11, 5), whole(11, 7, 3), new Float64Array(63)];
    addProduct(1, blockOf(a, 11), blockOf(b, 7), blockOf(c, 7), 9, 7, 11);
    for (let i = 0; i < 9; i++) {
      for (let j = 0; j < 7; j++) {
        let sum = 0;
        for (let q = 0; q < 11; q++) sum += a[11 * i + q]! * b[7 * q + j]!;
        expect(c[7 * i + j]).toBe(sum);
      }
    }
  });

  it('restricted to the upper triangle is right there for every size, with rows and columns of any number', () => {
    for (let n = 1; n <= 14; n++) {
      const x = scattered(5, n, 1, false, n);
      const c = new Float64Array(n * n);
      addProduct(1, transposedBlock(x), x, blockOf(c, n), n, n, 5, true);
      for (let i = 0; i < n; i++) {
        for (let j = i; j < n; j++) {
          let sum = 0;
          for (let q = 0; q < 5; q++) sum += entry(x, q, i) * entry(x, q, j);
          expect(c[i * n + j]).toAgree(sum, ROUNDING);
        }
      }
    }
  });

  it('does nothing for an empty factor and hands on NaN and infinity', () => {
    const c = Float64Array.of(1, 2, 3, 4);
    const one = blockOf(Float64Array.of(1, 1, 1, 1), 2);
    for (const [m, n, k] of [
      [0, 2, 2],
      [2, 0, 2],
      [2, 2, 0],
    ] as const) {
      addProduct(1, one, one, blockOf(c, 2), m, n, k);
    }
    expect(c).toEqual(Float64Array.of(1, 2, 3, 4));
    addProduct(1, blockOf(Float64Array.of(Number.NaN, 0, 0, 1), 2), one, blockOf(c, 2), 2, 2, 2);
    expect(c).toEqual(Float64Array.of(Number.NaN, Number.NaN, 4, 5));
    addProduct(1, blockOf(Float64Array.of(0, 0, Number.POSITIVE_INFINITY, 1), 2), one, blockOf(c, 2), 2, 2, 2);
    expect(c.subarray(2)).toEqual(Float64Array.of(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY));
  });
});
