import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { RandomStream } from '../random.ts';
import { committeePrediction, committeeScale } from './committee.ts';

interface Reference {
  readonly B: {
    readonly Bcommittee: {
      readonly members: number[][];
      readonly y: number[];
      readonly mean: number[];
      readonly var_ddof1: number[];
      readonly alpha2_imbalzano: number;
      readonly alpha2_naive: number;
    };
  };
}

describe('committee', () => {
  const reference = golden<Reference>('reference-values').B.Bcommittee;
  const members = Float64Array.from(reference.members.flat());
  const why = 'the reference committee of five';

  it('has the mean, the variance and the factor of the reference', () => {
    const { means, variances } = committeePrediction(members, 4, 5);
    expect(means).toAgree(reference.mean, { rtol: 1e-12, why });
    expect(variances).toAgree(reference.var_ddof1, { rtol: 1e-10, why });
    const errors = means.map((mean, i) => mean - reference.y[i]!);
    expect(committeeScale(errors, variances, 5)).toAgree(reference.alpha2_imbalzano, { rtol: 1e-10, why });
    const naive = errors.reduce((sum, e, i) => sum + (e * e) / variances[i]!, 0) / 4;
    expect(naive).toAgree(reference.alpha2_naive, { rtol: 1e-10, why });
    expect(committeeScale(errors, variances, 5)).toBeLessThan(naive);
  });

  it('is unbiased: an honest committee gets the factor 1 whatever its size', () => {
    for (const size of [6, 10, 30]) {
      const stream = new RandomStream(3, 'committee', size);
      const n = 20_000;
      const drawn = Float64Array.from({ length: n * size }, () => stream.normal());
      const { means, variances } = committeePrediction(drawn, n, size);
      // Members and the truth are draws of one distribution; e² has the mean's own 1/M on top of the truth's spread.
      const errors = means.map((mean) => mean - stream.normal());
      expect(committeeScale(errors, variances, size)).toAgree(1, {
        atol: 0.06,
        why: '20 000 cases, heavy-tailed ratios',
      });
    }
  });

  it('refuses committees too small to say anything', () => {
    expect(() => committeePrediction(members, 20, 1)).toThrow('committee must have at least 2 members');
    expect(() => committeePrediction(members, 3, 5)).toThrow('3 predictions of each');
    expect(() => committeeScale([1], [1], 3)).toThrow('committee must have at least 4 members, got 3');
    expect(() => committeeScale([], [], 5)).toThrow('at least one, got 0');
    expect(() => committeeScale([1], [0], 5)).toThrow('committee variance 0 must be positive, got 0');
  });
});
