import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { committeeInformation, mixtureInformation, normalInformation } from './mixture-information.ts';

/** The same integral with Gauss-Legendre panels much finer than the mixture: an independent rule. */
function byPanels(means: readonly number[], sigma: number): number {
  const nodes = [-Math.sqrt(3 / 5), 0, Math.sqrt(3 / 5)];
  const weights = [5 / 9, 8 / 9, 5 / 9];
  const [from, to] = [Math.min(...means) - 12 * sigma, Math.max(...means) + 12 * sigma];
  const panels = 20000;
  const half = (to - from) / panels / 2;
  let entropy = 0;
  for (let p = 0; p < panels; p++) {
    nodes.forEach((node, k) => {
      const y = from + (2 * p + 1 + node) * half;
      const density =
        means.reduce((sum, mean) => sum + Math.exp(-0.5 * ((y - mean) / sigma) ** 2), 0) /
        (means.length * sigma * Math.sqrt(2 * Math.PI));
      if (density > 0) entropy -= weights[k]! * half * density * Math.log(density);
    });
  }
  return entropy - 0.5 * Math.log(2 * Math.PI * Math.E * sigma * sigma);
}

describe('mixtureInformation', () => {
  it('is the entropy of the mixture less that of the noise, to rounding', () => {
    const why = 'both rules have errors of rounding only';
    for (const means of [
      [0, 1],
      [0, 0.01, -0.02],
      [0, 3, 3.5, -7],
      [-40, 0, 1, 55, 56],
      [0, 2.2, 4.4, 6.6, 8.8, 11],
    ]) {
      expect(mixtureInformation(means, 1)).toAgree(byPanels(means, 1), { atol: 1e-11, why });
      expect(mixtureInformation(means, 0.3)).toAgree(byPanels(means, 0.3), { atol: 1e-11, why });
    }
  });

  it('lies between 0 and ln M, and tells groups of members from a broad normal', () => {
    expect(mixtureInformation([5, 5, 5], 2)).toAgree(0, {
      atol: 1e-14,
      why: 'members that agree cannot be told apart',
    });
    expect(mixtureInformation([0, 100, 200], 1)).toAgree(Math.log(3), { rtol: 1e-13, why: 'one label decides' });
    // Two groups far apart: one bit, whatever the distance. The normal approximation grows without bound.
    const groups = [0, 0, 50, 50];
    expect(mixtureInformation(groups, 1)).toAgree(Math.log(2), { rtol: 1e-13, why: 'one label tells the group' });
    const normal = normalInformation({ predictions: Float64Array.from(groups), outputs: 1, members: 4 });
    expect(normal).toAgree(0.5 * Math.log1p(2500 / 3), { rtol: 1e-12, why: 'variance of the four with M − 1' });
    // Members as quantiles of a normal distribution: the approximation is right while they overlap.
    const close = Array.from({ length: 8 }, (_, k) => 0.05 * (k - 3.5));
    const variance = close.reduce((sum, x) => sum + (x * x) / 8, 0);
    expect(mixtureInformation(close, 1)).toAgree(0.5 * Math.log1p(variance), { rtol: 1e-3, why: 'second order' });
  });

  it('depends on differences over the noise only', () => {
    const means = fc.array(fc.double({ min: -30, max: 30, noNaN: true }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(
        means,
        fc.double({ min: -5, max: 5, noNaN: true }),
        fc.double({ min: 0.1, max: 9, noNaN: true }),
        (m, shift, scale) => {
          const one = mixtureInformation(m, 1);
          expect(one).toBeGreaterThanOrEqual(0);
          expect(one).toBeLessThanOrEqual(Math.log(m.length) + 1e-12);
          const other = mixtureInformation(
            m.map((value) => scale * (value + shift)),
            scale,
          );
          expect(other).toAgree(one, { atol: 1e-10, why: 'a change of unit and origin' });
        },
      ),
      { numRuns: 40 },
    );
    expect(() => mixtureInformation([1], 1)).toThrow('committee must have at least 2 members, got 1');
    expect(() => mixtureInformation([1, 2], 0)).toThrow('noise of a committee must be positive, got 0');
  });
});

describe('committeeInformation', () => {
  const stream = new RandomStream(3, 'committee');
  const outputs = 12;
  const members = 5;
  const predictions = Float64Array.from({ length: outputs * members }, () => 0.6 * stream.normal());

  it('is exact where members differ along one line', () => {
    const along = Float64Array.from(
      { length: 3 * members },
      (_, at) => (1 + Math.floor(at / members)) * (at % members),
    );
    // Outputs 1, 2 and 3 times the same numbers: distances along the line are √14 times them.
    const { value, standardError } = committeeInformation({ predictions: along, outputs: 3, members });
    const line = Array.from({ length: members }, (_, k) => Math.sqrt(14) * k);
    expect(value).toAgree(mixtureInformation(line, 1), { rtol: 1e-10, why: 'the other two directions tell nothing' });
    expect(standardError).toBe(0);
    const alike = { predictions: new Float64Array(3 * members).fill(2), outputs: 3, members };
    expect(committeeInformation(alike)).toEqual({ value: 0, standardError: 0 });
  });

  it('agrees with a plain estimate in all dimensions, within its standard error', () => {
    const { value, standardError } = committeeInformation({ predictions, outputs, members }, 1);
    expect(standardError).toBeLessThan(0.02);
    const draws = new RandomStream(9, 'plain');
    let sum = 0;
    const count = 20000;
    for (let s = 0; s < count; s++) {
      const k = s % members;
      const y = Float64Array.from({ length: outputs }, (_, o) => predictions[o * members + k]! + draws.normal());
      const exponent = (j: number): number =>
        y.reduce((e, value, o) => e - 0.5 * (value - predictions[o * members + j]!) ** 2, 0);
      const mixture = [0, 1, 2, 3, 4].reduce((total, j) => total + Math.exp(exponent(j)) / members, 0);
      sum += (exponent(k) - Math.log(mixture)) / count;
    }
    expect(value).toAgree(sum, { atol: 5 * standardError + 0.03, why: 'two Monte Carlo estimates' });
    expect(value).toBeLessThan(Math.log(members));
    expect(committeeInformation({ predictions, outputs, members }, 1).value).toBe(value);
    const more = committeeInformation({ predictions, outputs, members }, 2, 64000);
    expect(more.standardError).toBeLessThan(standardError / 2.5);
    expect(value).toAgree(more.value, { atol: 5 * standardError, why: 'the standard error of the smaller one' });
  });

  it('gives the normal approximation from the members alone', () => {
    // Two outputs of three members; ½ ln det(1 + C) in the space of outputs by hand, C = [[7/3, −1], [−1, 1]].
    const predictions = Float64Array.of(1, 2, 4, 0, 1, -1);
    const normal = normalInformation({ predictions, outputs: 2, members: 3 });
    expect(normal).toAgree(0.5 * Math.log((10 / 3) * 2 - 1), { rtol: 1e-12, why: 'Sylvester' });
  });
});
