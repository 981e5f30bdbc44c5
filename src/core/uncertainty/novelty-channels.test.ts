import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dot, rowGram } from '../numerics/dense.ts';
import { RandomStream } from '../random.ts';
import { fitNormalizer, momentsOf, normalize, reduce, reductionOf } from './novelty-channels.ts';

const D = 5;
const BLOCKS = [0, 2, 5];
const stream = new RandomStream(31, 'channels');
const rows = Float64Array.from({ length: 40 * D }, (_, k) => (1 + stream.uniform()) * [1, 10, 1e-3, 2e-3, 0.5][k % D]!);
const normalizer = fitNormalizer(rows, 40, D, BLOCKS);

describe('normalize', () => {
  it('gives directions of unit length in every block and the logarithm of its norm', () => {
    const { directions, logNorms } = normalize(normalizer, rows, 40);
    for (let i = 0; i < 40; i++) {
      for (const [b, start, end] of [
        [0, 0, 2],
        [1, 2, 5],
      ] as const) {
        const length = dot(directions, directions, end - start, i * D + start, i * D + start);
        expect(length).toAgree(1, { rtol: 1e-14, why: 'unit length' });
        let square = 0;
        for (let v = start; v < end; v++) square += (rows[i * D + v]! * normalizer.columnFactors[v]!) ** 2;
        expect(logNorms[2 * i + b]).toAgree(0.5 * Math.log(square), { atol: 1e-13, why: 'definition' });
      }
    }
  });

  it('brings every column to a mean square of 1 in training', () => {
    for (let v = 0; v < D; v++) {
      let square = 0;
      for (let i = 0; i < 40; i++) square += (rows[i * D + v]! * normalizer.columnFactors[v]!) ** 2 / 40;
      expect(square).toAgree(1, { rtol: 1e-12, why: 'definition of the factors' });
    }
  });

  it('tells the size of an environment from its kind', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 39 }), fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (i, factor) => {
        const row = rows.slice(i * D, (i + 1) * D);
        const plain = normalize(normalizer, row, 1);
        const scaled = normalize(
          normalizer,
          row.map((value) => value * factor),
          1,
        );
        expect(scaled.directions).toAgree(plain.directions, { atol: 1e-14, why: 'directions have no size' });
        expect(scaled.logNorms).toAgree(
          plain.logNorms.map((value) => value + Math.log(factor)),
          {
            atol: 1e-12,
            why: 'logarithm of a product',
          },
        );
      }),
    );
  });

  it('floors an empty block and a column that training never showed', () => {
    const empty = normalize(normalizer, Float64Array.of(1, 1, 0, 0, 0), 1);
    expect([...empty.directions.subarray(2)]).toEqual([0, 0, 0]);
    expect(empty.logNorms[1]).toAgree(Math.log(1e-12 * Math.sqrt(3)), { rtol: 1e-12, why: 'the floor' });
    const silent = fitNormalizer(
      rows.map((value, k) => (k % D === 1 ? 0 : value)),
      40,
      D,
      BLOCKS,
    );
    expect(silent.columnFactors[1]! / silent.columnFactors[0]!).toAgree(1e6, {
      rtol: 1e-9,
      why: 'a millionth of its block',
    });
    expect(normalize(normalizer, new Float64Array(D).fill(Number.NaN), 1).logNorms[0]).toBeNaN();
  });
});

describe('reduce', () => {
  const { directions, logNorms } = normalize(normalizer, rows, 40);

  it('splits a direction into components and a rest (Pythagoras)', () => {
    const reduction = reductionOf([momentsOf(directions, 40, D)], D, 2);
    expect(rowGram(reduction.directions, 2, D)).toAgree([1, 0, 0, 1], { atol: 1e-13, why: 'orthonormal' });
    const { channels, rest } = reduce(reduction, directions, logNorms, 40);
    for (let i = 0; i < 40; i++) {
      let total = 0;
      for (let v = 0; v < D; v++) total += (directions[i * D + v]! - reduction.mean[v]!) ** 2;
      const found = channels[4 * i]! ** 2 + channels[4 * i + 1]! ** 2 + rest[i]! ** 2;
      expect(found).toAgree(total, { atol: 1e-14, why: 'orthonormal components' });
      expect([channels[4 * i + 2], channels[4 * i + 3]]).toEqual([logNorms[2 * i], logNorms[2 * i + 1]]);
    }
  });

  it('is the same from parts as from the whole', () => {
    const whole = reductionOf([momentsOf(directions, 40, D)], D, 2);
    const parts = reductionOf(
      [momentsOf(directions.slice(0, 15 * D), 15, D), momentsOf(directions.slice(15 * D), 25, D)],
      D,
      2,
    );
    expect(parts.mean).toAgree(whole.mean, { atol: 1e-14, why: 'order of summation' });
    const a = reduce(whole, directions, logNorms, 40).rest;
    expect(reduce(parts, directions, logNorms, 40).rest).toAgree(a, { atol: 1e-7, why: 'square root of rounding' });
  });

  it('has fewer components than rows', () => {
    expect(reductionOf([momentsOf(directions, 1, D)], D, 4).components).toBe(0);
    expect(reductionOf([momentsOf(directions, 3, D)], D, 4).components).toBe(2);
    expect(reductionOf([momentsOf(directions, 40, D)], D, 9).components).toBe(D);
  });
});
