import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { misfitClusters, ridge, whitenedClusters } from '../../../test/support/clusters.ts';
import { multiply } from '../numerics/dense.ts';
import { posteriorVariances } from '../regression/posterior.ts';
import {
  addFormMoments,
  deleteCluster,
  estimatorsOf,
  formsOf,
  leftOutFormVariances,
  momentsOf,
  noFormMoments,
} from './estimators.ts';
import { VARIANCE_FORMS } from './variance-forms.ts';
import { formVariances } from './variance-forms.ts';

const D = 6;
const data = misfitClusters(25, 7, D);
const posterior = ridge(data, D, 0.2);
const clusters = whitenedClusters(data, posterior);

describe('leftOutFormVariances', () => {
  const { moments, threshold } = estimatorsOf(posterior, clusters);

  it('is exact for the posterior and near a refit for the others', () => {
    const ratios: number[] = [];
    for (const [c, cluster] of clusters.entries()) {
      const others = data.filter((_, k) => k !== c);
      const without = ridge(others, D, 0.2);
      const left = leftOutFormVariances(moments, deleteCluster(posterior, cluster, threshold));
      expect(left.posterior).toAgree(posteriorVariances(without, cluster.rows, cluster.count), {
        rtol: 1e-8,
        why: 'posterior of the refit',
      });
      const refit = formsOf(estimatorsOf(without, whitenedClusters(others, without)));
      for (const form of ['jackknife', 'pops'] as const) {
        const expected = formVariances(refit[form], D, cluster.rows, cluster.count);
        for (let i = 0; i < cluster.count; i++) ratios.push(left[form][i]! / expected[i]!);
      }
    }
    // Shifts of the others are those of the full fit: right to the order of one structure's leverage.
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    expect(mean).toAgree(1, { atol: 0.1, why: 'one of 25 structures changes the shifts of the others little' });
    expect(Math.min(...ratios)).toBeGreaterThan(0.6);
    expect(Math.max(...ratios)).toBeLessThan(1.7);
  });

  it('drops the structure itself: its own labels do not enter its variances', () => {
    const [first, ...rest] = clusters;
    const strange = { ...first!, residuals: first!.residuals.map((e) => e + 50) };
    const sums = [strange, ...rest]
      .map((cluster) => momentsOf(deleteCluster(posterior, cluster, threshold)))
      .reduce(addFormMoments, noFormMoments(D));
    const before = leftOutFormVariances(moments, deleteCluster(posterior, first!, threshold));
    const after = leftOutFormVariances(sums, deleteCluster(posterior, strange, threshold));
    for (const form of VARIANCE_FORMS)
      expect(after[form], form).toAgree(before[form], { rtol: 1e-7, why: 'rounding of sums that are taken off again' });
  });

  it('does not depend on the order of the structures nor on how they are cut', () => {
    const reversed = estimatorsOf(posterior, clusters.toReversed());
    const parts = [clusters.slice(0, 11), clusters.slice(11)].map((part) =>
      part
        .map((cluster) => momentsOf(deleteCluster(posterior, cluster, threshold)))
        .reduce(addFormMoments, noFormMoments(D)),
    );
    const joined = addFormMoments(parts[0]!, parts[1]!);
    const why = 'sums in another order';
    for (const other of [reversed.moments, joined]) {
      for (const form of ['jackknife', 'pops'] as const) {
        expect(other[form].count).toBe(moments[form].count);
        expect(other[form].square).toAgree(moments[form].square, { rtol: 1e-9, atol: 1e-12, why });
      }
    }
  });
});

describe('the three forms', () => {
  it('are invariant under an invertible change of the columns', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -0.4, max: 0.4, noNaN: true }), { minLength: 9, maxLength: 9 }), (t) => {
        const d = 3;
        const mix = Float64Array.from(t, (value, k) => value + (k % 4 === 0 ? 2 : 0));
        const small = misfitClusters(12, 4, d, 9);
        const turned = small.map((cluster) => ({ ...cluster, rows: multiply(cluster.rows, mix, cluster.count, d, d) }));
        // Almost no prior, which would choose the columns.
        const [a, b] = [ridge(small, d, 1e-9), ridge(turned, d, 1e-9)];
        const [one, other] = [
          formsOf(estimatorsOf(a, whitenedClusters(small, a))),
          formsOf(estimatorsOf(b, whitenedClusters(turned, b))),
        ];
        for (const form of VARIANCE_FORMS) {
          expect(formVariances(other[form], d, turned[0]!.rows, 4), form).toAgree(
            formVariances(one[form], d, small[0]!.rows, 4),
            { rtol: 1e-4, why: 'roots are truncated at 1e-6 of the trace' },
          );
        }
      }),
      { numRuns: 25, seed: 7 },
    );
  });

  it('go through clusters twice and keep none: an iterable is enough', () => {
    const streamed: Iterable<(typeof clusters)[number]> = { [Symbol.iterator]: () => clusters.values() };
    expect(estimatorsOf(posterior, streamed)).toEqual(estimatorsOf(posterior, clusters));
    expect(estimatorsOf(posterior, []).threshold).toBe(Number.POSITIVE_INFINITY);
  });

  it('leave the posterior alone where labels are fitted exactly: no misfit, no jackknife, no POPS', () => {
    const exact = clusters.map((cluster) => ({ ...cluster, residuals: new Float64Array(cluster.count) }));
    const forms = formsOf(estimatorsOf(posterior, exact));
    expect(formVariances(forms.jackknife, D, data[0]!.rows, 2)).toEqual(new Float64Array(2));
    expect(formVariances(forms.pops, D, data[0]!.rows, 2)).toEqual(new Float64Array(2));
    expect(formVariances(forms.posterior, D, data[0]!.rows, 2)[0]).toBeGreaterThan(0);
  });
});
