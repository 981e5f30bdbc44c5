import { describe, expect, it } from 'vitest';
import { multiply, transpose } from '../numerics/dense.ts';
import { RandomStream } from '../random.ts';
import { gaussianKernel } from './coverage.ts';
import { semidefiniteSpectrum } from './spectrum.ts';

/** V Λ Vᵀ from a spectrum. */
function rebuilt({ values, vectors }: ReturnType<typeof semidefiniteSpectrum>, n: number): Float64Array {
  const scaled = vectors.map((value, at) => value * values[Math.floor(at / n)]!);
  return multiply(transpose(vectors, n, n), scaled, n, n, n);
}

describe('semidefiniteSpectrum', () => {
  it('is that of matrices of any rank', () => {
    const stream = new RandomStream(1, 'spectrum');
    for (const [n, rank] of [
      [1, 1],
      [5, 5],
      [12, 3],
      [40, 1],
      [30, 0],
    ] as const) {
      const x = Float64Array.from({ length: n * rank }, () => stream.normal());
      const a = multiply(x, transpose(x, n, rank), n, rank, n);
      const spectrum = semidefiniteSpectrum(a, n);
      expect(spectrum.values.filter((value) => value > 0)).toHaveLength(rank);
      expect(rebuilt(spectrum, n)).toAgree(a, { atol: 1e-9, why: 'rounding and a shift of 1e-11 taken off again' });
      const identity = multiply(spectrum.vectors, transpose(spectrum.vectors, n, n), n, n, n);
      expect(identity).toAgree(
        Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0)),
        { atol: 1e-12, why: 'orthonormal vectors' },
      );
    }
  });

  it('converges where nearly all eigenvalues are rounding', () => {
    // A smooth kernel on a line of many points: a dozen eigenvalues and hundreds of zeros.
    const n = 250;
    const points = { rows: Float64Array.from({ length: n }, (_, i) => i), count: n, columns: 1 };
    const kernel = gaussianKernel(points, 40);
    const { values } = semidefiniteSpectrum(kernel, n);
    const sum = values.reduce((total, value) => total + value, 0);
    expect(sum).toAgree(n, { rtol: 1e-9, why: 'the trace' });
    const rank = values.filter((value) => value > 0).length;
    expect(rank).toBeGreaterThan(8);
    expect(rank).toBeLessThan(60);
  });
});
