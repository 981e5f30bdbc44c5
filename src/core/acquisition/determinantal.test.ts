import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { RandomStream } from '../random.ts';
import { chiSquareQuantile } from '../numerics/special.ts';
import { gaussianKernel, logDetKernel } from './coverage.ts';
import { determinantalNormaliser, greedyDeterminantal, sampleDeterminantal } from './determinantal.ts';
import { semidefiniteSpectrum } from './spectrum.ts';

interface Reference {
  readonly C: {
    readonly C5_kdpp: {
      readonly points: number[];
      readonly dets: Record<string, number>;
      readonly probs: Record<string, number>;
      readonly e2: number;
      readonly logdet_full: number;
    };
  };
}
const { points, dets, probs, e2, logdet_full } = golden<Reference>('reference-values').C.C5_kdpp;
const why = 'the reference values, a 4 × 4 matrix';

/** det K_A by enumeration. */
function minor(kernel: Float64Array, n: number, items: readonly number[]): number {
  const k = items.length;
  const a = Float64Array.from({ length: k * k }, (_, at) => kernel[items[Math.floor(at / k)]! * n + items[at % k]!]!);
  return Math.exp(logDetKernel(a, k));
}

function subsets(n: number, k: number, from = 0): number[][] {
  if (k === 0) return [[]];
  return Array.from({ length: n - from }, (_, i) => from + i).flatMap((first) =>
    subsets(n, k - 1, first + 1).map((rest) => [first, ...rest]),
  );
}

describe('a k-DPP', () => {
  const kernel = gaussianKernel({ rows: Float64Array.from(points), count: 4, columns: 1 }, 0.5);
  const spectrum = semidefiniteSpectrum(kernel, 4);

  it('has the determinants, normaliser and probabilities of the reference', () => {
    let sum = 0;
    for (const items of subsets(4, 2)) {
      const key = items.join(',');
      const det = minor(kernel, 4, items);
      expect(det).toAgree(dets[key], { rtol: 1e-10, why });
      expect(det / determinantalNormaliser(spectrum, 2)).toAgree(probs[key], { rtol: 1e-10, why });
      sum += det;
    }
    expect(sum).toAgree(e2, { rtol: 1e-12, why });
    expect(determinantalNormaliser(spectrum, 2)).toAgree(e2, { rtol: 1e-12, why });
    expect(logDetKernel(kernel, 4)).toAgree(logdet_full, { rtol: 1e-10, why });
  });

  it('is drawn from with these probabilities', () => {
    const stream = new RandomStream(4, 'k-dpp test');
    const draws = 20000;
    const counts = new Map<string, number>();
    for (let s = 0; s < draws; s++) {
      const key = sampleDeterminantal(spectrum, 2, stream).join(',');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    let square = 0;
    for (const [key, probability] of Object.entries(probs)) {
      const expected = draws * probability;
      square += ((counts.get(key) ?? 0) - expected) ** 2 / expected;
    }
    expect(square).toBeLessThan(chiSquareQuantile(0.9999, 5));
  });

  it('is exact for other sizes and kernels of low rank', () => {
    const n = 6;
    const stream = new RandomStream(8, 'low rank');
    const x = Float64Array.from({ length: n * 3 }, () => stream.normal());
    const low = Float64Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return [0, 1, 2].reduce((sum, v) => sum + x[i * 3 + v]! * x[j * 3 + v]!, 0);
    });
    const spread = semidefiniteSpectrum(low, n);
    expect([...spread.values].filter((value) => value > 0)).toHaveLength(3);
    const draws = 20000;
    const counts = new Map<string, number>();
    for (let s = 0; s < draws; s++) {
      const key = sampleDeterminantal(spread, 3, stream).join(',');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const normaliser = determinantalNormaliser(spread, 3);
    let square = 0;
    let cells = 0;
    for (const items of subsets(n, 3)) {
      const expected = (draws * minor(low, n, items)) / normaliser;
      if (expected < 5) continue;
      cells++;
      square += ((counts.get(items.join(',')) ?? 0) - expected) ** 2 / expected;
    }
    expect(square).toBeLessThan(chiSquareQuantile(0.9999, cells));
    expect(() => sampleDeterminantal(spread, 4, stream)).toThrow(
      'batch must not be larger than the rank of the kernel, 3',
    );
  });

  it('has a greedy batch that is the most probable one here, and leaves copies', () => {
    const picks = greedyDeterminantal(kernel, 4, 4, ['a', 'b', 'c', 'd']);
    const product = picks.reduce((total, { factor }) => total * factor, 1);
    expect(Math.log(product)).toAgree(logdet_full, { rtol: 1e-9, why: 'the product of pivots is the determinant' });
    expect(
      picks
        .slice(0, 2)
        .map(({ index }) => index)
        .sort(),
    ).toEqual([0, 3]);
    const twins = gaussianKernel({ rows: Float64Array.of(0, 0, 1), count: 3, columns: 1 }, 1);
    expect(greedyDeterminantal(twins, 3, 3, ['b', 'a', 'c']).map(({ index }) => index)).toEqual([1, 2]);
  });
});
