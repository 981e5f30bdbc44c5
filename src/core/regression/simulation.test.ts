/** The fit against data made by its own assumptions: what it says of its uncertainty must then be true. */
import { describe, expect, it } from 'vitest';
import { evenness } from '../../../test/support/evenness.ts';
import { chiSquareQuantile, normalCdf } from '../numerics/special.ts';
import { solveUpper } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { createFactor, emptyFactor } from './factor.ts';
import { fitPosterior, posteriorMeans, posteriorVariances } from './posterior.ts';
import { smoothnessPrior } from './prior.ts';
import type { PerKind, PosteriorState } from './regression.ts';

const SIGMA: PerKind<number> = { energy: 0.2, forces: 0.5, virial: 1.5 };
const COUNT: PerKind<number> = { energy: 3, forces: 9, virial: 2 };
const D = 5;
const ALPHA = 2;
// A smoothness prior with a nuisance column of its own precision.
const PRIOR = smoothnessPrior([1, 2, 0.5, 1], [1, 1, 4, 16], [0.25]);

/** Weights drawn from the prior. */
function drawWeights(stream: RandomStream): Float64Array {
  return Float64Array.from({ length: D }, (_, v) => {
    const fixed = PRIOR.fixed[v]!;
    const precision = Number.isNaN(fixed) ? ALPHA * PRIOR.gamma[v]! * PRIOR.gamma[v]! : fixed;
    return stream.normal() / Math.sqrt(precision);
  });
}

/** The posterior after data made with the weights. */
function fitTo(weights: Float64Array, stream: RandomStream): PosteriorState {
  const made = (kind: keyof typeof SIGMA) => {
    const factor = createFactor(D);
    for (let i = 0; i < COUNT[kind]; i++) {
      const row = Float64Array.from({ length: D }, () => stream.normal());
      const value = row.reduce((sum, x, v) => sum + x * weights[v]!, 0);
      factor.append(row, Float64Array.of(value + SIGMA[kind] * stream.normal()), 1);
    }
    return factor.state();
  };
  return fitPosterior({ energy: made('energy'), forces: made('forces'), virial: made('virial') }, PRIOR, {
    alpha: ALPHA,
    noise: SIGMA,
  });
}

describe('the posterior', () => {
  it('ranks the truth evenly among its own samples, weight by weight', () => {
    const trials = 1500;
    const samples = 19;
    const ranks = Array.from({ length: D }, () => new Array<number>(samples + 1).fill(0));
    for (let trial = 0; trial < trials; trial++) {
      const stream = new RandomStream(trial, 'ranks');
      const truth = drawWeights(stream);
      const state = fitTo(truth, stream);
      const below = new Int32Array(D);
      for (let k = 0; k < samples; k++) {
        // w = m + R⁻¹ z has the covariance (RᵀR)⁻¹.
        const z = Float64Array.from({ length: D }, () => stream.normal());
        const shift = solveUpper(state.r, D, z);
        for (let v = 0; v < D; v++) if (state.mean[v]! + shift[v]! < truth[v]!) below[v]!++;
      }
      for (let v = 0; v < D; v++) ranks[v]![below[v]!]!++;
    }
    for (const counts of ranks) expect(evenness(counts)).toBeGreaterThan(1e-3);
  });

  it('has standard normal errors at any row, and the Mahalanobis distance of the truth is χ²', () => {
    const trials = 1500;
    const tails: number[] = [];
    let beyond = 0;
    for (let trial = 0; trial < trials; trial++) {
      const stream = new RandomStream(trial, 'distances');
      const truth = drawWeights(stream);
      const state = fitTo(truth, stream);
      const row = Float64Array.from({ length: D }, () => stream.normal());
      const value = row.reduce((sum, x, v) => sum + x * truth[v]!, 0);
      const z = (value - posteriorMeans(state, row, 1)[0]!) / Math.sqrt(posteriorVariances(state, row, 1)[0]!);
      tails.push(normalCdf(z));
      let distance = 0;
      for (let i = 0; i < D; i++) {
        let component = 0;
        for (let j = i; j < D; j++) component += state.r[i * D + j]! * (truth[j]! - state.mean[j]!);
        distance += component * component;
      }
      if (distance > chiSquareQuantile(0.9, D)) beyond++;
    }
    const counts = new Array<number>(20).fill(0);
    for (const tail of tails) counts[Math.floor(20 * tail)]!++;
    expect(evenness(counts)).toBeGreaterThan(1e-3);
    expect(beyond / trials).toAgree(0.1, { atol: 4 * Math.sqrt(0.09 / trials), why: 'four standard errors' });
  });

  it('of no data is the prior', () => {
    const nothing = { energy: emptyFactor(D), forces: emptyFactor(D), virial: emptyFactor(D) };
    const state = fitPosterior(nothing, PRIOR, { alpha: ALPHA, noise: SIGMA });
    expect(state.mean).toEqual(new Float64Array(D));
    const axes = Float64Array.from({ length: D * D }, (_, k) => (k % (D + 1) === 0 ? 1 : 0));
    const precisions = posteriorVariances(state, axes, D).map((variance) => 1 / variance);
    expect(precisions).toAgree(
      PRIOR.gamma.map((gamma, v) => (v === 4 ? 0.25 : ALPHA * gamma * gamma)),
      { rtol: 1e-12, why: 'a diagonal' },
    );
  });
});
