import { describe, expect, it } from 'vitest';
import { misfitClusters, ridge, whitenedClusters } from '../../../test/support/clusters.ts';
import { dot, squaredNorm, squaredRowNorms } from '../numerics/dense.ts';
import { covarianceOf, solveUpper, whitenRows } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { estimatorsOf, formsOf } from './estimators.ts';
import { emptyBox, leverageThreshold, pointwiseShifts, popsCovariance, popsEnsemble, widenBox } from './pops.ts';
import { principalRoot, weightRoot } from './principal-root.ts';
import { formVariances } from './variance-forms.ts';

const D = 5;
const data = misfitClusters(20, 6, D);
const posterior = ridge(data, D, 0.1);
const clusters = whitenedClusters(data, posterior);
const whitened = clusters.map(({ rows, count }) => whitenRows(posterior.r, D, rows, count));
const leverages = whitened.map((u) => squaredRowNorms(u, 6, D));

describe('POPS', () => {
  it('fits each row exactly with the least change of the weights', () => {
    const stream = new RandomStream(4, 'other changes');
    for (const [c, u] of whitened.entries()) {
      const { count, shifts } = pointwiseShifts(u, clusters[c]!.residuals, leverages[c]!, D, 0);
      expect(count).toBe(6);
      for (let i = 0; i < count; i++) {
        const shift = shifts.slice(i * D, (i + 1) * D);
        const change = solveUpper(posterior.r, D, shift);
        const row = data[c]!.rows.subarray(i * D, (i + 1) * D);
        const fitted = dot(
          row,
          posterior.mean.map((value, v) => value + change[v]!),
        );
        expect(fitted).toAgree(data[c]!.labels[i], { rtol: 1e-9, atol: 1e-9, why: 'the row is fitted' });
        // Any other change that fits it differs by one that the row does not see, and is longer in the posterior's metric.
        const other = Float64Array.from({ length: D }, () => stream.normal());
        const along = dot(other, u, D, 0, i * D) / leverages[c]![i]!;
        const longer = shift.map((value, v) => value + other[v]! - along * u[i * D + v]!);
        expect(squaredNorm(longer)).toBeGreaterThanOrEqual(squaredNorm(shift));
      }
    }
  });

  it('takes the rows above the median leverage', () => {
    const threshold = leverageThreshold(leverages);
    const taken = whitened.map((u, c) => pointwiseShifts(u, clusters[c]!.residuals, leverages[c]!, D, threshold).count);
    expect(taken.reduce((sum, value) => sum + value, 0)).toBe(60);
    expect(estimatorsOf(posterior, clusters)).toMatchObject({ threshold, moments: { pops: { count: 60 } } });
  });

  it('has the second moment of the changes as its covariance', () => {
    const estimators = estimatorsOf(posterior, clusters);
    const s = covarianceOf(posterior.r, D);
    const x = data[3]!.rows.subarray(0, D);
    let expected = 0;
    for (const [c, { rows, residuals }] of clusters.entries()) {
      for (let i = 0; i < 6; i++) {
        const h = leverages[c]![i]!;
        if (!(h > estimators.threshold)) continue;
        let overlap = 0;
        for (let a = 0; a < D; a++) for (let b = 0; b < D; b++) overlap += x[a]! * s[a * D + b]! * rows[i * D + b]!;
        expected += (overlap * residuals[i]! * (overlap * residuals[i]!)) / (h * h) / 60;
      }
    }
    expect(formVariances(formsOf(estimators).pops, D, x, 1)[0]).toAgree(expected, {
      rtol: 1e-4,
      why: 'x S mean(x xᵀ e²/h²) S xᵀ, truncated at 1e-6 of the trace',
    });
  });

  it('offers an ensemble from the box of the changes, whose envelope holds the labels', () => {
    const { moments, threshold } = estimatorsOf(posterior, clusters);
    const root = principalRoot(popsCovariance(moments.pops), D);
    let box = emptyBox(root.rank);
    for (const [c, u] of whitened.entries()) {
      const { shifts, count } = pointwiseShifts(u, clusters[c]!.residuals, leverages[c]!, D, threshold);
      box = widenBox(box, root, D, shifts, count);
    }
    expect([...box.lower].every((low) => low < 0)).toBe(true);
    const axes = weightRoot(posterior.r, D, root.rows, root.rank);
    const members = popsEnsemble(posterior.mean, axes, box, 400, new RandomStream(1, 'pops'));
    expect(popsEnsemble(posterior.mean, axes, box, 400, new RandomStream(1, 'pops'))).toEqual(members);
    let inside = 0;
    let rows = 0;
    for (const [c, { rows: x, count }] of clusters.entries()) {
      for (let i = 0; i < count; i++) {
        if (!(leverages[c]![i]! > threshold)) continue;
        const values = Array.from({ length: 400 }, (_, k) => dot(x, members, D, i * D, k * D));
        const label = data[c]!.labels[i]!;
        if (label >= Math.min(...values) && label <= Math.max(...values)) inside++;
        rows++;
      }
    }
    expect(inside / rows).toBeGreaterThan(0.95);
    expect(() => popsEnsemble(posterior.mean, axes, emptyBox(root.rank), 2, new RandomStream(1, 'pops'))).toThrow(
      /box must hold changes/,
    );
  });
});
