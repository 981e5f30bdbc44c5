import { describe, expect, it } from 'vitest';
import { misfitClusters, ridge, whitenedClusters } from '../../../test/support/clusters.ts';
import { covarianceOf, whitenRows } from '../numerics/triangular.ts';
import { multiply, transpose } from '../numerics/dense.ts';
import { estimatorsOf, formsOf } from './estimators.ts';
import { clusterShifts, jackknifeCovariance } from './jackknife.ts';
import { shiftMoments } from './moments.ts';
import { formVariances } from './variance-forms.ts';

const D = 6;
const data = misfitClusters(12, 8, D);
const posterior = ridge(data, D, 0.2);
const clusters = whitenedClusters(data, posterior);

/** (n − 1)/n Σ (w_c − w̄)(w_c − w̄)ᵀ over the weights of refits. */
function bruteForce(weights: readonly Float64Array[]): Float64Array {
  const n = weights.length;
  const mean = new Float64Array(D).map((_, v) => weights.reduce((sum, w) => sum + w[v]!, 0) / n);
  const out = new Float64Array(D * D);
  for (const w of weights)
    for (let i = 0; i < D; i++)
      for (let j = 0; j < D; j++) out[i * D + j]! += ((n - 1) / n) * (w[i]! - mean[i]!) * (w[j]! - mean[j]!);
  return out;
}

/** Covariance of the weights from the coordinates of the posterior. */
function inWeights(k: Float64Array): Float64Array {
  const inverse = whitenRows(
    posterior.r,
    D,
    Float64Array.from({ length: D * D }, (_, i) => (i % (D + 1) === 0 ? 1 : 0)),
    D,
  );
  return multiply(multiply(inverse, k, D, D, D), transpose(inverse, D, D), D, D, D);
}

describe('jackknife', () => {
  it('is the covariance of refits without each structure', () => {
    const refits = data.map((_, c) =>
      ridge(
        data.filter((__, k) => k !== c),
        D,
        0.2,
      ),
    );
    const expected = bruteForce(refits.map(({ mean }) => mean));
    const estimators = estimatorsOf(posterior, clusters);
    const covariance = inWeights(jackknifeCovariance(estimators.moments.jackknife));
    expect(covariance).toAgree(expected, { rtol: 1e-8, atol: 1e-14, why: 'exact at fixed hyperparameters' });
    // S Q S from the gradients themselves.
    const s = covarianceOf(posterior.r, D);
    const q = bruteForceGradients();
    expect(multiply(multiply(s, q, D, D, D), s, D, D, D)).toAgree(expected, {
      rtol: 1e-8,
      atol: 1e-14,
      why: 'the formula in the weights',
    });
    // The root that predicts loses at most a millionth of the trace.
    const rows = data[0]!.rows;
    const variances = formVariances(formsOf(estimators).jackknife, D, rows, 3);
    const exact = [0, 1, 2].map((i) => {
      const x = rows.slice(i * D, (i + 1) * D);
      return multiply(multiply(x, expected, 1, D, D), x, 1, D, 1)[0]!;
    });
    expect(variances).toAgree(exact, { rtol: 1e-4, why: 'truncated at 1e-6 of the trace' });
  });

  /** (n − 1)/n Σ (g − ḡ)(g − ḡ)ᵀ, g = Xᵀ e_loo with residuals of refits. */
  function bruteForceGradients(): Float64Array {
    const gradients = data.map(({ rows, labels, count }, c) => {
      const { mean } = ridge(
        data.filter((_, k) => k !== c),
        D,
        0.2,
      );
      const e = labels.map((label, i) => label - multiply(rows.subarray(i * D, (i + 1) * D), mean, 1, D, 1)[0]!);
      return multiply(e, rows, 1, count, D);
    });
    return bruteForce(gradients);
  }

  it('takes blocks of a cell from outside: each leaves alone', () => {
    const { rows, residuals, count } = clusters[0]!;
    const u = whitenRows(posterior.r, D, rows, count);
    const blocks = Int32Array.from({ length: count }, (_, i) => (i < 3 ? 7 : 2));
    const { shifts, count: parts } = clusterShifts(u, residuals, count, D, blocks);
    expect(parts).toBe(2);
    const cut = (from: number, to: number) => ({
      rows: data[0]!.rows.slice(from * D, to * D),
      labels: data[0]!.labels.slice(from, to),
      count: to - from,
    });
    const without = ridge([cut(3, count), ...data.slice(1)], D, 0.2);
    const inverse = whitenRows(
      posterior.r,
      D,
      Float64Array.from({ length: D * D }, (_, i) => (i % (D + 1) ? 0 : 1)),
      D,
    );
    const change = multiply(inverse, shifts, D, D, 1);
    expect(
      posterior.mean.map((value, v) => value + change[v]!),
      'weights without the first block',
    ).toAgree(without.mean, { rtol: 1e-9, why: 'refit without those rows' });
    expect(() => clusterShifts(u, residuals, count, D, [1])).toThrow(/one for each of 8 rows/);
    // In the estimators, too.
    const { moments } = estimatorsOf(posterior, [{ ...clusters[0]!, blocks }, ...clusters.slice(1)]);
    expect(moments.jackknife.count).toBe(13);
  });

  it('grows with misfit where the posterior does not, and is nothing below two clusters', () => {
    const wild = data.map(({ rows, labels, count }) => ({ rows, count, labels: labels.map((label) => 10 * label) }));
    const other = ridge(wild, D, 0.2);
    const mild = formVariances(formsOf(estimatorsOf(posterior, clusters)).jackknife, D, data[1]!.rows, 4);
    const strong = formVariances(
      formsOf(estimatorsOf(other, whitenedClusters(wild, other))).jackknife,
      D,
      data[1]!.rows,
      4,
    );
    expect(strong).toAgree(
      mild.map((value) => 100 * value),
      { rtol: 1e-6, why: 'variances are quadratic in the labels' },
    );
    expect(jackknifeCovariance(shiftMoments(Float64Array.of(1, 2), 1, 2))).toEqual(new Float64Array(4));
  });
});
