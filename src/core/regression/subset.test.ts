import { describe, expect, it } from 'vitest';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { RandomStream } from '../random.ts';
import { createFactor, emptyFactor, squaredResidual } from './factor.ts';
import { smoothnessPrior } from './prior.ts';
import { subsetFactor, subsetPrior } from './subset.ts';

const ROWS = 40;
const COLUMNS = 9;
const stream = new RandomStream(3, 'subset');
const x = Float64Array.from({ length: ROWS * COLUMNS }, () => stream.normal());
const y = Float64Array.from({ length: ROWS }, () => stream.normal());

function factorOf(columns: readonly number[], rows = ROWS) {
  const factor = createFactor(columns.length);
  const picked = Float64Array.from(
    { length: rows * columns.length },
    (_, k) => x[Math.floor(k / columns.length) * COLUMNS + columns[k % columns.length]!]!,
  );
  factor.append(picked, y.subarray(0, rows), rows, 0.7);
  return factor.state();
}

const EVERY = Array.from({ length: COLUMNS }, (_, c) => c);

describe('subsetFactor', () => {
  it.each([[[0, 1, 2]], [[8]], [[1, 4, 7]], [[0, 2, 3, 5, 6, 8]]])('of columns %j is that of the rows', (columns) => {
    const got = subsetFactor(factorOf(EVERY), Int32Array.from(columns));
    const expected = factorOf(columns);
    expect(got.r).toAgree(expected.r, { atol: 1e-13, why: 'a factor with positive diagonal is unique' });
    expect(got.z).toAgree(expected.z, { atol: 1e-13, why: 'Qᵀy of a unique Q' });
    expect(got.residual).toAgree(expected.residual, { rtol: 1e-13, why: 'the same least squares' });
    expect([got.count, got.logScale]).toEqual([ROWS, 0.7]);
  });

  it('holds for fewer rows than columns', () => {
    const columns = Int32Array.of(1, 6);
    const got = subsetFactor(factorOf(EVERY, 5), columns);
    const weights = Float64Array.of(0.3, -2);
    expect(squaredResidual(got, weights)).toAgree(squaredResidual(factorOf([1, 6], 5), weights), {
      rtol: 1e-13,
      why: 'the same rows and targets',
    });
  });

  it('finds the observations of columns behind columns of zeros', () => {
    // Two rows of five columns, the first three without values: R is filled in its last rows.
    const factor = createFactor(5);
    factor.append(Float64Array.of(0, 0, 0, 2, 1, 0, 0, 0, 0, 3), Float64Array.of(1, -1), 2);
    const state = factor.state();
    const got = subsetFactor(state, Int32Array.of(0, 3, 4));
    for (const weights of [Float64Array.of(0, 0, 0), Float64Array.of(7, 0.5, -2)]) {
      const all = Float64Array.of(weights[0]!, 0, 0, weights[1]!, weights[2]!);
      expect(squaredResidual(got, weights)).toAgree(squaredResidual(state, all), { rtol: 1e-14, why: 'the same rows' });
    }
    expect(plainKernels.gramUpper(state.r, 5)).toAgree([...new Array(15).fill(0), 0, 0, 0, 4, 2, 0, 0, 0, 2, 10], {
      atol: 1e-14,
      why: 'XᵀX of the two rows',
    });
  });

  it('is the factor itself for all columns, and empty for no rows', () => {
    const all = factorOf(EVERY);
    expect(subsetFactor(all, Int32Array.from(EVERY))).toBe(all);
    expect(subsetFactor(emptyFactor(4), Int32Array.of(0, 2))).toEqual(emptyFactor(2));
  });

  it.each([[[]], [[2, 1]], [[0, 0]], [[-1]], [[9]]])('refuses columns %j', (columns) => {
    expect(() => subsetFactor(factorOf(EVERY), Int32Array.from(columns))).toThrow(/columns of a subset must/);
  });
});

describe('subsetPrior', () => {
  it('keeps stiffness and fixed precisions', () => {
    const prior = smoothnessPrior([1, 2, 3], [1, 4, 9], [5]);
    expect(subsetPrior(prior, Int32Array.of(1, 3))).toEqual({
      gamma: Float64Array.of(8, 1),
      fixed: Float64Array.of(Number.NaN, 5),
    });
  });
});
