import { describe, expect, it } from 'vitest';
import { misfitClusters, misfitLabel, ridge, whitenedClusters } from '../../../test/support/clusters.ts';
import { multiply, transpose } from '../numerics/dense.ts';
import { covarianceOf } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { posteriorVariances } from '../regression/posterior.ts';
import { committeePrediction, committeeScale } from './committee.ts';
import {
  bootstrapCounts,
  committeeRoot,
  memberPredictions,
  posteriorMembers,
  rescaledMembers,
  resampledMembers,
  subsampleCounts,
} from './committee-members.ts';
import { formVariances } from './variance-forms.ts';

const D = 5;
const data = misfitClusters(30, 6, D);
const posterior = ridge(data, D, 0.3);
const clusters = whitenedClusters(data, posterior);
const REFIT = { rtol: 1e-9, atol: 1e-11, why: 'a refit to the same clusters at the same hyperparameters' };

describe('members of a committee', () => {
  it('are refits to clusters drawn with replacement', () => {
    const counts = bootstrapCounts(30, 4, new RandomStream(1, 'bootstrap'));
    const members = resampledMembers(posterior, clusters, counts, 4);
    for (let k = 0; k < 4; k++) {
      const own = counts.subarray(k * 30, (k + 1) * 30);
      expect(own.reduce((sum, n) => sum + n, 0)).toBe(30);
      const drawn = data.flatMap((cluster, c) => new Array<typeof cluster>(own[c]!).fill(cluster));
      expect(members.subarray(k * D, (k + 1) * D)).toAgree(ridge(drawn, D, 0.3).mean, REFIT);
    }
  });

  it('are refits to parts of the set', () => {
    const counts = subsampleCounts(30, 3, 0.5, new RandomStream(2, 'parts'));
    const members = resampledMembers(posterior, clusters, counts, 3);
    for (let k = 0; k < 3; k++) {
      const part = data.filter((_, c) => counts[k * 30 + c] === 1);
      expect(part).toHaveLength(15);
      expect(members.subarray(k * D, (k + 1) * D)).toAgree(ridge(part, D, 0.3).mean, REFIT);
    }
  });

  it('drawn from the posterior have its mean and covariance', () => {
    const size = 20_000;
    const members = posteriorMembers(posterior, size, new RandomStream(3, 'posterior'));
    const root = committeeRoot(members, D, size);
    const covariance = multiply(root, transpose(root, D, size), D, size, D);
    const s = covarianceOf(posterior.r, D);
    const largest = Math.max(...s);
    expect(covariance).toAgree(s, {
      atol: 0.05 * largest,
      why: 'relative error √(2/20 000) of a variance, 25 entries',
    });
  });

  it('spread by what the root says, row by row', () => {
    const counts = bootstrapCounts(30, 8, new RandomStream(4, 'bootstrap'));
    const members = resampledMembers(posterior, clusters, counts, 8);
    const { rows } = data[0]!;
    const { variances } = committeePrediction(memberPredictions(rows, members, 6, D, 8), 6, 8);
    const root = committeeRoot(members, D, 8);
    expect(formVariances({ name: 'jackknife', root, rank: 8 }, D, rows, 6)).toAgree(variances, {
      rtol: 1e-10,
      why: 'the same deviations',
    });
  });

  it('cover new labels once rescaled, where the posterior alone is far too certain', () => {
    const size = 20;
    const counts = bootstrapCounts(30, size, new RandomStream(5, 'bootstrap'));
    const members = resampledMembers(posterior, clusters, counts, size);
    const judge = (seed: number, own: Float64Array) => {
      const tests = misfitClusters(60, 6, D, seed);
      const rows = Float64Array.from(tests.flatMap((cluster) => [...cluster.rows]));
      const { means, variances } = committeePrediction(memberPredictions(rows, own, 360, D, size), 360, size);
      const errors = means.map((mean, i) => mean - misfitLabel(rows.subarray(i * D, (i + 1) * D)));
      return { rows, errors, variances };
    };
    const first = judge(7, members);
    const factor = committeeScale(first.errors, first.variances, size);
    const raw = first.errors.map((e, i) => (e * e) / posteriorVariances(posterior, first.rows.subarray(i * D), 1)[0]!);
    expect(Math.sqrt(raw.reduce((sum, z) => sum + z, 0) / 360)).toBeGreaterThan(3);
    const { errors, variances } = judge(8, rescaledMembers(posterior.mean, members, size, factor));
    const z = errors.map((e, i) => (e * e) / variances[i]!);
    expect(Math.sqrt(z.reduce((sum, value) => sum + value, 0) / 360)).toAgree(1, {
      atol: 0.35,
      why: '360 labels of a heavy-tailed ratio',
    });
  });

  it('refuses what is no committee', () => {
    const random = new RandomStream(1, 'none');
    expect(() => bootstrapCounts(3, 1, random)).toThrow('committee must have at least 2 members, got 1');
    expect(() => subsampleCounts(3, 2, 1, random)).toThrow(/share of a sub-sample must leave out one of 3 clusters/);
    expect(() => resampledMembers(posterior, clusters, new Int32Array(10), 2)).toThrow(/counts must be of 30 clusters/);
    expect(() => rescaledMembers(posterior.mean, posterior.mean, 1, -1)).toThrow(/must be positive, got -1/);
  });
});
