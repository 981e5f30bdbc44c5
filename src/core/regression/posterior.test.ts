import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { NumericalError } from '../errors.ts';
import { multiply } from '../numerics/dense.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { covarianceOf } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { createFactor, emptyFactor } from './factor.ts';
import {
  downdatePosterior,
  fitPosterior,
  informationGain,
  logDetPrecision,
  posteriorCovariance,
  posteriorMeans,
  posteriorVariances,
  updatePosterior,
} from './posterior.ts';
import { plainCoordinates, solveNormalEquations } from './coordinates.ts';
import { isotropicPrior } from './prior.ts';
import type { FactorState, PerKind, PosteriorState, Prior } from './regression.ts';

interface Toy {
  Phi: number[][];
  y: number[];
  alpha: number;
  beta: number;
  S: number[][];
  m: number[];
  predict: { phi: number[]; mean: number; var_epistemic: number; var_total: number };
  leverage: number[];
  sum_leverage_equals_gamma_eff: number;
}
interface Update {
  J: number[][];
  R_diag: number[];
  y: number[];
  S_before: number[][];
  m_before: number[];
  S_after: number[][];
  m_after: number[];
  information_gain_nats: number;
  information_gain_via_logdetS: number;
  downdate_recovers_S_to: number;
}
const { B } = golden<{ B: { B1_blr_toy: Toy; B5_rank_k_update: Update } }>('reference-values');
const toy = B.B1_blr_toy;
const update = B.B5_rank_k_update;
const EXACT = { atol: 1e-12, why: 'direct solution of a 2 × 2 system' };

function factorOf(rows: Float64Array, targets: Float64Array, m: number, d: number): FactorState {
  const factor = createFactor(d);
  factor.append(rows, targets, m);
  return factor.state();
}

function onlyForces(forces: FactorState): PerKind<FactorState> {
  return { energy: emptyFactor(forces.columns), forces, virial: emptyFactor(forces.columns) };
}

const flat = (rows: number[][]) => Float64Array.from(rows.flat());
const noise = (sigma: number) => ({ energy: sigma, forces: sigma, virial: sigma });

function toyPosterior(): PosteriorState {
  const factor = factorOf(flat(toy.Phi), Float64Array.from(toy.y), 3, 2);
  return fitPosterior(onlyForces(factor), isotropicPrior([1, 1]), {
    alpha: toy.alpha,
    noise: noise(1 / Math.sqrt(toy.beta)),
  });
}

function random(seed: number, m: number, d: number): { rows: Float64Array; targets: Float64Array } {
  const stream = new RandomStream(seed, 'posterior-test');
  return {
    rows: new Float64Array(m * d).map(() => stream.normal()),
    targets: new Float64Array(m).map(() => stream.normal()),
  };
}

describe('fitPosterior', () => {
  it('gives the textbook posterior of the toy problem', () => {
    const state = toyPosterior();
    expect(state.mean).toAgree(toy.m, EXACT);
    expect(covarianceOf(state.r, 2)).toAgree(toy.S.flat(), EXACT);
    const phi = Float64Array.from(toy.predict.phi);
    expect(posteriorMeans(state, phi, 1)[0]).toAgree(toy.predict.mean, EXACT);
    expect(posteriorVariances(state, phi, 1)[0]).toAgree(toy.predict.var_epistemic, EXACT);
    const leverages = posteriorVariances(state, flat(toy.Phi), 3).map((v) => toy.beta * v);
    expect(leverages).toAgree(toy.leverage, EXACT);
    expect(leverages.reduce((sum, h) => sum + h, 0)).toAgree(toy.sum_leverage_equals_gamma_eff, EXACT);
    expect(posteriorVariances(state, phi, 1)[0]! + 1 / toy.beta).toAgree(toy.predict.var_total, EXACT);
  });

  it('solves the Läuchli matrix that normal equations must refuse', () => {
    const e = 1e-8;
    const factors = onlyForces(factorOf(Float64Array.of(1, 1, e, 0, 0, e), Float64Array.of(2, e, e), 3, 2));
    const flatPrior: Prior = { gamma: Float64Array.of(1, 1), fixed: Float64Array.of(0, 0) };
    const hyperparameters = { alpha: 1, noise: noise(1) };
    expect(solveNormalEquations(plainCoordinates(factors, flatPrior), hyperparameters)).toBeNull();
    expect(fitPosterior(factors, flatPrior, hyperparameters).mean).toAgree([1, 1], {
      atol: 1e-6,
      why: 'condition 1e8 of the rows costs half of the digits',
    });
  });

  it('refuses a direction that neither data nor prior determine', () => {
    const factors = onlyForces(factorOf(Float64Array.of(1, 1, 2, 2), Float64Array.of(1, 2), 2, 2));
    const flatPrior: Prior = { gamma: Float64Array.of(1, 1), fixed: Float64Array.of(0, 0) };
    expect(() => fitPosterior(factors, flatPrior, { alpha: 1, noise: noise(1) })).toThrow(NumericalError);
  });

  it('refuses a noise that is not positive and factors of other columns', () => {
    const factors = onlyForces(factorOf(flat(toy.Phi), Float64Array.from(toy.y), 3, 2));
    expect(() => fitPosterior(factors, isotropicPrior([1, 1]), { alpha: 1, noise: noise(0) })).toThrow(
      'noise of forces must be finite and positive',
    );
    expect(() => fitPosterior(factors, isotropicPrior([1, 1, 1]), { alpha: 1, noise: noise(1) })).toThrow('3 columns');
  });

  it('gives S with P·S = 1 and agrees with the normal equations where these are allowed', () => {
    const [m, d] = [120, 37];
    const { rows, targets } = random(1, m, d);
    const factors = onlyForces(factorOf(rows, targets, m, d));
    const prior = isotropicPrior(new Float64Array(d).fill(1));
    const hyperparameters = { alpha: 2, noise: noise(0.3) };
    const state = fitPosterior(factors, prior, hyperparameters);
    const normal = solveNormalEquations(plainCoordinates(factors, prior), hyperparameters)!;
    expect(state.r).toAgree(normal.r!, {
      atol: 1e-11,
      why: 'two backward-stable routes to the same well-conditioned factor',
    });
    const s = covarianceOf(state.r, d);
    const p = new Float64Array(d * d);
    for (let i = 0; i < d; i++)
      for (let j = 0; j < d; j++)
        for (let k = 0; k <= Math.min(i, j); k++) p[i * d + j]! += state.r[k * d + i]! * state.r[k * d + j]!;
    const one = multiply(p, s, d, d, d);
    expect(one).toAgree(
      Float64Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0)),
      { atol: 1e-11, why: 'PS = I' },
    );
    const joint = posteriorCovariance(state, rows, m);
    const variances = posteriorVariances(state, rows, m);
    for (let i = 0; i < m; i += 17)
      expect(joint[i * m + i]).toAgree(variances[i], { rtol: 1e-12, why: 'the same norm' });
  });
});

describe('posteriorCovariance', () => {
  it('knows that forces of an isolated system sum to nothing', () => {
    // Rows of three atoms along x whose sum over atoms is zero column by column: the net force is certain.
    const d = 9;
    const { rows: x, targets: y } = random(3, 80, d);
    const state = fitPosterior(onlyForces(factorOf(x, y, 80, d)), isotropicPrior(new Float64Array(d).fill(1)), {
      alpha: 1,
      noise: noise(0.4),
    });
    const rows = new Float64Array(3 * d);
    for (let j = 0; j < d; j++) {
      rows[j] = x[j]!;
      rows[d + j] = x[d + j]!;
      rows[2 * d + j] = -x[j]! - x[d + j]!;
    }
    const c = posteriorCovariance(state, rows, 3);
    for (let i = 0; i < 3; i++)
      expect(c[3 * i]! + c[3 * i + 1]! + c[3 * i + 2]!).toAgree(0, {
        atol: 1e-14,
        why: 'rounding of numbers of order 1e-2',
      });
    expect(c).toEqual(Float64Array.of(c[0]!, c[1]!, c[2]!, c[1]!, c[4]!, c[5]!, c[2]!, c[5]!, c[8]!));
  });

  it('predicts data from its own prior with standard normal errors', () => {
    const stream = new RandomStream(17, 'posterior-test');
    const d = 6;
    let sum = 0;
    let squares = 0;
    const trials = 400;
    for (let trial = 0; trial < trials; trial++) {
      const w = Float64Array.from({ length: d }, () => stream.normal() / Math.sqrt(2));
      const rows = Float64Array.from({ length: 9 * d }, () => stream.normal());
      const targets = Float64Array.from({ length: 9 }, (_, i) =>
        w.reduce((s, weight, j) => s + weight * rows[i * d + j]!, 0.3 * stream.normal()),
      );
      const state = fitPosterior(
        onlyForces(factorOf(rows, targets, 8, d)),
        isotropicPrior(new Float64Array(d).fill(1)),
        { alpha: 2, noise: noise(0.3) },
      );
      const last = rows.slice(8 * d);
      const z =
        (targets[8]! - posteriorMeans(state, last, 1)[0]!) / Math.sqrt(posteriorVariances(state, last, 1)[0]! + 0.09);
      sum += z;
      squares += z * z;
    }
    expect(sum / trials).toAgree(0, { atol: 3 / Math.sqrt(trials), why: 'three standard errors' });
    expect(squares / trials).toAgree(1, { atol: 3 * Math.sqrt(2 / trials), why: 'three standard errors' });
  });
});

describe('updatePosterior and informationGain', () => {
  const sigma = update.R_diag.map(Math.sqrt);
  const rows = flat(update.J.map((row, i) => row.map((x) => x / sigma[i]!)));
  const targets = Float64Array.from(update.y, (y, i) => y / sigma[i]!);

  it('gives the rank-2 update of the reference', () => {
    const before = toyPosterior();
    expect(before.mean).toAgree(update.m_before, EXACT);
    expect(covarianceOf(before.r, 2)).toAgree(update.S_before.flat(), EXACT);
    const after = updatePosterior(before, rows, targets, 2);
    expect(after.mean).toAgree(update.m_after, EXACT);
    expect(covarianceOf(after.r, 2)).toAgree(update.S_after.flat(), EXACT);
    const gain = informationGain(before, rows, 2);
    expect(gain).toAgree(update.information_gain_nats, EXACT);
    expect(0.5 * (logDetPrecision(after) - logDetPrecision(before))).toAgree(gain, EXACT);
    expect(gain).toAgree(update.information_gain_via_logdetS, EXACT);
  });

  it('is undone by the downdate', () => {
    const before = toyPosterior();
    const back = downdatePosterior(updatePosterior(before, rows, targets, 2), rows, targets, 2);
    expect(back.mean).toAgree(before.mean, { atol: 1e-11, why: 'condition of the removed rows' });
    expect(covarianceOf(back.r, 2)).toAgree(covarianceOf(before.r, 2), {
      atol: 100 * update.downdate_recovers_S_to,
      why: 'as well as the reference, but for a constant',
    });
  });

  it('refuses to remove a row that alone determines a direction', () => {
    const state = updatePosterior(toyPosterior(), Float64Array.of(1e5, 0), Float64Array.of(0), 1);
    expect(() => downdatePosterior(state, Float64Array.of(1e5, 0), Float64Array.of(0), 1)).toThrow('must leave 1 - h');
  });

  it.each([3, 20, 60])('both forms of the gain agree with the determinants for %i rows', (m) => {
    const d = 20;
    const { rows: x, targets: y } = random(7, 200, d);
    const state = fitPosterior(onlyForces(factorOf(x, y, 200, d)), isotropicPrior(new Float64Array(d).fill(1)), {
      alpha: 1,
      noise: noise(0.5),
    });
    const candidate = random(8, m, d);
    const after = updatePosterior(state, candidate.rows, candidate.targets, m);
    expect(informationGain(state, candidate.rows, m)).toAgree(0.5 * (logDetPrecision(after) - logDetPrecision(state)), {
      atol: 1e-11,
      why: 'determinant lemma',
    });
    expect(informationGain(state, candidate.rows, m, plainKernels)).toAgree(informationGain(state, candidate.rows, m), {
      atol: 1e-11,
      why: 'the same Gram matrix',
    });
    expect(informationGain(state, candidate.rows, 0)).toBe(0);
  });

  it('updating row by row equals fitting everything at once', () => {
    const d = 11;
    const { rows: x, targets: y } = random(5, 90, d);
    const prior = isotropicPrior(new Float64Array(d).fill(1));
    const hyperparameters = { alpha: 0.7, noise: noise(0.2) };
    let state = fitPosterior(onlyForces(factorOf(x.slice(0, 30 * d), y.slice(0, 30), 30, d)), prior, hyperparameters);
    for (let i = 30; i < 90; i++) {
      state = updatePosterior(
        state,
        x.slice(i * d, (i + 1) * d).map((v) => v / 0.2),
        Float64Array.of(y[i]! / 0.2),
        1,
      );
    }
    const whole = fitPosterior(onlyForces(factorOf(x, y, 90, d)), prior, hyperparameters);
    expect(state.mean).toAgree(whole.mean, { atol: 1e-12, why: 'orthogonal updates do not drift' });
    expect(state.r).toAgree(whole.r, { atol: 1e-11, why: 'the factor is unique' });
  });
});
