import { describe, expect, it } from 'vitest';
import { qrUpper } from '../numerics/qr.ts';
import { RandomStream } from '../random.ts';
import { logDetGain } from '../regression/posterior.ts';
import { displacementNorm, leadingRows } from './leading-rows.ts';
import { VarianceSum, gainDirections, targetMatrix, totalVariance } from './variance-reduction.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { whitenRows } from '../numerics/triangular.ts';

const d = 6;
const stream = new RandomStream(2, 'leading rows');
const normal = (length: number, scale = 1): Float64Array =>
  Float64Array.from({ length }, () => scale * stream.normal());
const r = qrUpper(normal(3 * d * d), 3 * d, d);

describe('leadingRows', () => {
  // Twenty rows, but nearly all of them is in two directions.
  const two = normal(2 * d, 3);
  const rows = Float64Array.from({ length: 20 * d }, (_, at) => {
    const [i, v] = [Math.floor(at / d), at % d];
    return Math.cos(i) * two[v]! + Math.sin(2 * i) * two[d + v]! + 1e-3 * stream.normal();
  });

  it('keeps what the posterior is uncertain about, in few rows', () => {
    const leading = leadingRows(r, d, { rows, count: 20 });
    expect(leading.count).toBe(2);
    const all = logDetGain(r, d, rows, 20);
    const some = logDetGain(r, d, leading.rows, leading.count);
    expect(some).toBeLessThanOrEqual(all);
    const lost = totalVariance(r, d, { rows, count: 20 }, plainKernels) - totalVariance(r, d, leading, plainKernels);
    expect(lost).toBeGreaterThan(0);
    expect(all - some).toBeLessThanOrEqual(lost / 2);
    expect(some).toAgree(all, { rtol: 1e-3, why: 'noise of 1e-3 beside two directions' });
  });

  it('is exact when it keeps everything, and a lower bound however few it keeps', () => {
    const whole = leadingRows(r, d, { rows, count: 20 }, { most: d, leftOut: 0 });
    expect(whole.count).toBeLessThanOrEqual(d);
    const gain = logDetGain(r, d, rows, 20);
    expect(logDetGain(r, d, whole.rows, whole.count)).toAgree(gain, { rtol: 1e-10, why: 'XᵀX is kept' });
    const matrix = new VarianceSum(targetMatrix({ rows: normal(3 * d), count: 3 }, d), r, d);
    const fall = (x: { rows: Float64Array; count: number }) =>
      matrix.reduction(gainDirections(whitenRows(r, d, x.rows, x.count), x.count, d, plainKernels), x.count);
    let before = 0;
    for (const most of [1, 2, 4, 6]) {
      const some = leadingRows(r, d, { rows, count: 20 }, { most, leftOut: 0 });
      expect(some.count).toBe(most);
      const now = logDetGain(r, d, some.rows, some.count);
      expect(now).toBeGreaterThan(before);
      expect(now).toBeLessThanOrEqual(gain * (1 + 1e-12));
      expect(fall(some)).toBeLessThanOrEqual(fall({ rows, count: 20 }) * (1 + 1e-9));
      before = now;
    }
    const one = { rows: rows.slice(0, d), count: 1 };
    expect(leadingRows(r, d, one)).toBe(one);
  });
});

describe('leading rows of many', () => {
  it('are found by subspace iteration as by the whole spectrum', () => {
    const [count, columns] = [60, 40];
    const big = qrUpper(normal(2 * columns * columns), 2 * columns, columns);
    // Variances that fall by a quarter from direction to direction.
    const rows = new Float64Array(count * columns);
    for (let k = 0; k < 30; k++) {
      const [a, b] = [normal(count), normal(columns, Math.exp(-0.15 * k))];
      for (let i = 0; i < count; i++) for (let v = 0; v < columns; v++) rows[i * columns + v]! += a[i]! * b[v]!;
    }
    const whole = { rows, count };
    const gain = logDetGain(big, columns, rows, count);
    const total = totalVariance(big, columns, whole, plainKernels);
    const few = leadingRows(big, columns, whole, { most: 16, leftOut: 0 });
    const many = leadingRows(big, columns, whole, { most: 25, leftOut: 0 });
    expect([few.count, many.count]).toEqual([16, 25]);
    // The leading 16 of the spectrum that is found with 25 are those that are found alone.
    const leading = totalVariance(big, columns, { rows: many.rows.slice(0, 16 * columns), count: 16 }, plainKernels);
    const alone = totalVariance(big, columns, few, plainKernels);
    expect(alone).toAgree(leading, { rtol: 1e-3, why: 'subspace iteration of 24 steps' });
    expect(logDetGain(big, columns, few.rows, 16)).toBeLessThan(gain);
    const enough = leadingRows(big, columns, whole, { most: 25, leftOut: 0.05 });
    expect(enough.count).toBeLessThan(25);
    expect(totalVariance(big, columns, enough, plainKernels)).toBeGreaterThanOrEqual(0.95 * total * (1 - 1e-9));
  });
});

describe('displacementNorm', () => {
  it('is the root mean square change of a mean descriptor under random displacements', () => {
    const [atoms, columns] = [3, 4];
    const forces = normal(3 * atoms * columns);
    const scale = Float64Array.of(2, 0.5, 1, 0);
    const norm = displacementNorm(forces, columns, atoms, scale);
    let mean = 0;
    const draws = 20000;
    for (let s = 0; s < draws; s++) {
      const u = normal(3 * atoms);
      for (let v = 0; v < 3; v++) {
        let change = 0;
        for (let c = 0; c < 3 * atoms; c++) change += (u[c]! * forces[c * columns + v]!) / (atoms * scale[v]!);
        mean += (change * change) / draws;
      }
    }
    expect(norm).toAgree(Math.sqrt(mean), { rtol: 0.03, why: 'a Monte Carlo mean of 20000' });
  });
});
