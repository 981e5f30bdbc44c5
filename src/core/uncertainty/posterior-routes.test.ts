import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cholesky } from '../numerics/cholesky.ts';
import { dot, gram, multiply, transpose } from '../numerics/dense.ts';
import { covarianceOf } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { createFactor, emptyFactor } from '../regression/factor.ts';
import { fitPosterior, posteriorCovariance, updatePosterior } from '../regression/posterior.ts';
import { isotropicPrior } from '../regression/prior.ts';
import type { PosteriorState } from '../regression/regression.ts';
import { leverages } from './leverage.ts';

const UNIT = { energy: 1, forces: 1, virial: 1 };

function made(n: number, d: number, seed: number) {
  const random = new RandomStream(seed, 'routes', n, d);
  return {
    rows: Float64Array.from({ length: n * d }, () => random.normal()),
    targets: Float64Array.from({ length: n }, () => random.normal()),
  };
}

/** The posterior by orthogonal elimination of the rows. */
function eliminated(rows: Float64Array, targets: Float64Array, n: number, d: number, alpha: number): PosteriorState {
  const factor = createFactor(d);
  factor.append(rows, targets, n);
  const none = emptyFactor(d);
  return fitPosterior(
    { energy: none, forces: factor.state(), virial: none },
    isotropicPrior(new Float64Array(d).fill(1)),
    { alpha, noise: UNIT },
  );
}

describe('the covariance of N observations', () => {
  it('is the same by elimination of rows, by normal equations, one by one, and in the dual form', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ max: 1e6 }),
        (n, d, seed) => {
          const alpha = 0.7;
          const { rows, targets } = made(n, d, seed);
          const precision = gram(rows, n, d).map((value, k) => value + (k % (d + 1) === 0 ? alpha : 0));
          const s = covarianceOf(cholesky(precision, d), d);
          const why = 'four routes to one matrix of condition below 1e3';
          const whole = eliminated(rows, targets, n, d, alpha);
          expect(covarianceOf(whole.r, d)).toAgree(s, { rtol: 1e-9, atol: 1e-12, why });

          let state = eliminated(rows, targets, 1, d, alpha);
          for (let i = 1; i < n; i++)
            state = updatePosterior(state, rows.slice(i * d, (i + 1) * d), targets.slice(i, i + 1), 1);
          expect(covarianceOf(state.r, d)).toAgree(s, { rtol: 1e-9, atol: 1e-12, why });
          expect(state.mean).toAgree(whole.mean, { rtol: 1e-8, atol: 1e-11, why });

          // S = (1 − Xᵀ(α + X Xᵀ)⁻¹X)/α
          const dual = multiply(rows, transpose(rows, n, d), n, d, n).map(
            (v, k) => v + (k % (n + 1) === 0 ? alpha : 0),
          );
          const inner = multiply(covarianceOf(cholesky(dual, n), n), rows, n, n, d);
          const correction = multiply(transpose(rows, n, d), inner, d, n, d);
          const woodbury = correction.map((value, k) => ((k % (d + 1) === 0 ? 1 : 0) - value) / alpha);
          expect(woodbury).toAgree(s, { rtol: 1e-9, atol: 1e-11, why });
        },
      ),
      { numRuns: 40, seed: 3 },
    );
  });

  it('never grows when observations are added, and is bounded by the prior', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ max: 1e6 }), (n, seed) => {
        const d = 4;
        const { rows, targets } = made(n + 1, d, seed);
        const fewer = eliminated(rows, targets, n, d, 0.5);
        const more = eliminated(rows, targets, n + 1, d, 0.5);
        const x = made(5, d, seed + 1).rows;
        const [before, after] = [posteriorCovariance(fewer, x, 5), posteriorCovariance(more, x, 5)];
        for (let i = 0; i < 5; i++) {
          expect(after[i * 6]!).toBeLessThanOrEqual(before[i * 6]! * (1 + 1e-12));
          expect(before[i * 6]!).toBeLessThanOrEqual(dot(x, x, d, i * d, i * d) / 0.5 + 1e-12);
        }
      }),
      { numRuns: 40, seed: 4 },
    );
  });
});

describe('leverage', () => {
  it('is the squared Mahalanobis distance from the origin over N where the prior says nothing', () => {
    const [n, d] = [60, 5];
    const { rows, targets } = made(n, d, 8);
    const state = eliminated(rows, targets, n, d, 1e-12);
    const second = gram(rows, n, d).map((value) => value / n);
    const inverse = covarianceOf(cholesky(second, d), d);
    const x = made(7, d, 9).rows;
    const distances = Array.from({ length: 7 }, (_, i) => {
      const row = x.slice(i * d, (i + 1) * d);
      return multiply(multiply(row, inverse, 1, d, d), row, 1, d, 1)[0]!;
    });
    expect(leverages(state.r, d, x, 7)).toAgree(
      distances.map((distance) => distance / n),
      { rtol: 1e-8, why: 'one quadratic form in two scales' },
    );
  });
});
