import { describe, expect, it } from 'vitest';
import { misfitClusters, ridge, whitenedClusters } from '../../../test/support/clusters.ts';
import { dot } from '../numerics/dense.ts';
import { solveUpper, whitenRows } from '../numerics/triangular.ts';
import { deleteRows } from './deletion.ts';
import { posteriorVariances } from './posterior.ts';
import { leaveOneOut } from './press.ts';

const REFIT = { rtol: 1e-8, atol: 1e-10, why: 'brute-force refit at the same hyperparameters' };

describe('deleteRows', () => {
  it.each([
    { rowsEach: 5, d: 9, form: 'm × m' },
    { rowsEach: 14, d: 6, form: 'd × d' },
  ])('equals a refit without the rows ($form)', ({ rowsEach, d }) => {
    const data = misfitClusters(6, rowsEach, d);
    const posterior = ridge(data, d, 0.3);
    whitenedClusters(data, posterior).forEach(({ rows, residuals, count }, c) => {
      const without = ridge(
        data.filter((_, k) => k !== c),
        d,
        0.3,
      );
      const u = whitenRows(posterior.r, d, rows, count);
      const deleted = deleteRows(u, residuals, count, d);
      const labels = data[c]!.labels;
      expect(deleted.residuals).toAgree(
        labels.map((label, i) => label - dot(rows, without.mean, d, i * d, 0)),
        REFIT,
      );
      expect(deleted.variances).toAgree(posteriorVariances(without, rows, count), REFIT);
      const change = solveUpper(posterior.r, d, deleted.shift);
      expect(
        posterior.mean.map((value, v) => value + change[v]!),
        'weights',
      ).toAgree(without.mean, REFIT);
      // ũ R⁻ᵀ is x times the covariance of the fit without the rows.
      const first = solveUpper(posterior.r, d, deleted.rows.slice(0, d));
      expect(dot(first, rows, d, 0, 0)).toAgree(posteriorVariances(without, rows, 1)[0], REFIT);
    });
  });

  it('agrees with leaveOneOut and knows the leverages', () => {
    const data = misfitClusters(5, 7, 4);
    const posterior = ridge(data, 4, 1);
    const { rows, residuals, count } = whitenedClusters(data, posterior)[0]!;
    const u = whitenRows(posterior.r, 4, rows, count);
    const deleted = deleteRows(u, residuals, count, 4);
    const expected = leaveOneOut(posterior, rows, residuals, count);
    const why = 'two forms of the same formula';
    expect(deleted.residuals).toAgree(expected.residuals, { rtol: 1e-10, why });
    expect(deleted.variances).toAgree(expected.variances, { rtol: 1e-10, why });
    expect(deleted.leverages).toAgree(expected.leverages, { rtol: 1e-12, why });
  });

  it('takes no rows, and refuses rows that alone determine a direction', () => {
    expect(deleteRows(new Float64Array(0), new Float64Array(0), 0, 3).shift).toEqual(new Float64Array(3));
    expect(() => deleteRows(Float64Array.of(1, 0), Float64Array.of(1), 1, 2)).toThrow(
      /leverages of a structure must stay below 1/,
    );
  });
});
