import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { cholesky } from '../numerics/cholesky.ts';
import { gram } from '../numerics/dense.ts';
import { invertUpper } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { leverages, medianLeverage } from './leverage.ts';

describe('leverages', () => {
  it('sum to the number of parameters over the rows that were fitted', () => {
    const stream = new RandomStream(2, 'leverage');
    const rows = Float64Array.from({ length: 50 * 6 }, () => stream.normal());
    const h = leverages(cholesky(gram(rows, 50, 6), 6), 6, rows, 50);
    expect(h.reduce((a, b) => a + b, 0)).toAgree(6, { rtol: 1e-12, why: 'trace of a projection' });
    for (const value of h) expect(value > 0 && value < 1).toBe(true);
  });

  it('bounds the extrapolation grade of an active set: γ² ≤ h ≤ D γ²', () => {
    const { C, D } = golden<{
      C: { C4_maxvol: { M: number[][]; final_rows: number[]; query: number[]; query_coeffs: number[] } };
      D: { D1_gamma_vs_leverage: { gamma: number; leverage_on_active_set: number; D: number } };
    }>('reference-values');
    const { gamma, leverage_on_active_set, D: size } = D.D1_gamma_vs_leverage;
    const active = Float64Array.from(C.C4_maxvol.final_rows.flatMap((i) => C.C4_maxvol.M[i]!));
    const query = Float64Array.from(C.C4_maxvol.query);
    const r = cholesky(gram(active, size, size), size);
    const [h] = leverages(r, size, query, 1);
    expect(h).toAgree(leverage_on_active_set, { rtol: 1e-12, why: 'three by three' });
    const largest = Math.max(...C.C4_maxvol.query_coeffs.map(Math.abs));
    expect(largest).toAgree(gamma, { rtol: 1e-12, why: 'the grade is the largest coefficient' });
    expect(gamma * gamma <= h! && h! <= size * gamma * gamma).toBe(true);
    // b (AᵀA)⁻¹ bᵀ = ‖b R⁻¹‖²
    const inverse = invertUpper(r, size);
    const projected = [0, 1, 2].map((j) => [0, 1, 2].reduce((sum, i) => sum + query[i]! * inverse[i * size + j]!, 0));
    expect(projected.reduce((sum, x) => sum + x * x, 0)).toAgree(h, { rtol: 1e-12, why: 'the same number' });
  });
});

describe('medianLeverage', () => {
  it('is the middle value or the mean of the middle two', () => {
    expect(medianLeverage([3, 1, 2])).toBe(2);
    expect(medianLeverage([4, 1, 2, 3])).toBe(2.5);
    expect(() => medianLeverage([])).toThrow('leverages must be at least one, got none');
  });
});
