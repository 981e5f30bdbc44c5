import { describe, expect, it } from 'vitest';
import { InputError } from '../../errors.ts';
import { RandomStream } from '../../random.ts';
import { addMoments, mapInputs, mergeMoments, noMoments, principalInputs, unmapGradient } from './inputs.ts';

const random = new RandomStream(6, 'inputs test');
const D = 5;
const N = 400;
/** Correlated rows with very different scales; the last function never varies. */
const rows = Array.from({ length: N }, () => {
  const [a, b, c] = [random.normal(), random.normal(), random.normal()];
  return Float64Array.of(1e3 + 10 * a, -2 + 0.01 * (a + 0.1 * b), 5 * b, 1e-4 * (a - b + 0.3 * c), 7);
});

function momentsOf(list: readonly Float64Array[]) {
  const moments = noMoments(D);
  for (const row of list) addMoments(moments, row, 0);
  return moments;
}

function inputsOf(whitening: number, count: number): Float64Array[] {
  const map = principalInputs(momentsOf(rows), count, whitening);
  return rows.map((row) => {
    const x = new Float64Array(count);
    mapInputs(map, row, 0, x, 0);
    return x;
  });
}

const covariance = (x: readonly Float64Array[], a: number, b: number) =>
  x.reduce((sum, row) => sum + row[a]! * row[b]!, 0) / N;

describe('inputs of a network', () => {
  it('have mean 0 and are uncorrelated; whitened, of variance 1', () => {
    const x = inputsOf(1, 3);
    for (let a = 0; a < 3; a++) {
      expect(x.reduce((sum, row) => sum + row[a]!, 0) / N).toAgree(0, { atol: 1e-6, why: 'the mean was taken away' });
      for (let b = 0; b < 3; b++) {
        expect(covariance(x, a, b)).toAgree(a === b ? 1 : 0, {
          atol: 1e-5,
          why: 'moments about 0 of means far from it',
        });
      }
    }
  });

  it('without whitening keep the variances of the axes, of mean 1', () => {
    const x = inputsOf(0, 3);
    const variances = [0, 1, 2].map((a) => covariance(x, a, a));
    expect(variances[0]!).toBeGreaterThan(variances[1]!);
    expect(variances[1]!).toBeGreaterThan(variances[2]!);
    expect(variances.reduce((a, b) => a + b)).toAgree(3, { rtol: 1e-6, why: 'the mean of all is 1' });
    expect(covariance(x, 0, 2)).toAgree(0, { atol: 1e-6, why: 'principal axes' });
  });

  it('come from moments that add up', () => {
    const [first, second, all] = [momentsOf(rows.slice(0, 100)), momentsOf(rows.slice(100)), momentsOf(rows)];
    mergeMoments(first, second);
    expect(first.count).toBe(all.count);
    expect(first.square).toAgree(all.square, { rtol: 1e-12, atol: 1e-9, why: 'the same sums in another order' });
  });

  it('pass gradients back to the invariants', () => {
    const map = principalInputs(momentsOf(rows), 3, 0.5);
    const g = Float64Array.of(0, 0.3, -1, 2);
    const out = new Float64Array(D + 1);
    unmapGradient(map, g, 1, out, 1);
    const x = new Float64Array(3);
    const along = (v: number, h: number): number => {
      const row = rows[0]!.slice();
      row[v]! += h;
      mapInputs(map, row, 0, x, 0);
      return 0.3 * x[0]! - x[1]! + 2 * x[2]!;
    };
    const slopes = Float64Array.from({ length: D }, (_, v) => (along(v, 1e-3) - along(v, -1e-3)) / 2e-3);
    expect(out.subarray(1)).toAgree(slopes, { rtol: 1e-7, atol: 1e-8, why: 'the map is linear' });
    expect(out[D]).toBe(0);
  });

  it('cannot be more than the invariants that vary, nor come from nothing', () => {
    expect(() => principalInputs(momentsOf(rows), 5, 1)).toThrow(/from 1 to the 4 invariants that vary, got 5/);
    expect(() => principalInputs(noMoments(D), 2, 1)).toThrow(InputError);
  });
});
