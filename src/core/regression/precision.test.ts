import { describe, expect, it } from 'vitest';
import { InputError, NumericalError } from '../errors.ts';
import { gram } from '../numerics/dense.ts';
import { gramUpper, solveUpper } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { createFactor, emptyFactor } from './factor.ts';
import { fitPosterior, posteriorVariances } from './posterior.ts';
import { plainCoordinates, solveNormalEquations } from './coordinates.ts';
import { commonColumns, noiseOf, stackFactors } from './precision.ts';
import { isotropicPrior, priorPrecision } from './prior.ts';
import type { FactorState, Hyperparameters, PerKind, Prior } from './regression.ts';

const D = 9;
const HYPER: Hyperparameters = { alpha: 0.4, noise: { energy: 0.02, forces: 0.3, virial: 0.7 } };
const SAME = { atol: 1e-10, rtol: 1e-11, why: 'two stable routes to a well-conditioned matrix' };

function rowsOf(m: number, seed: number, d = D) {
  const stream = new RandomStream(seed, 'precision-test', m);
  return {
    rows: Float64Array.from({ length: m * d }, () => stream.normal()),
    targets: Float64Array.from({ length: m }, () => stream.normal()),
    m,
  };
}

function factorOf({ rows, targets, m }: ReturnType<typeof rowsOf>, d = D): FactorState {
  const factor = createFactor(d);
  factor.append(rows, targets, m);
  return factor.state();
}

const data = { energy: rowsOf(4, 1), forces: rowsOf(40, 2), virial: rowsOf(12, 3) };
const factors: PerKind<FactorState> = {
  energy: factorOf(data.energy),
  forces: factorOf(data.forces),
  virial: factorOf(data.virial),
};
const prior: Prior = {
  gamma: Float64Array.from({ length: D }, (_, j) => 1 + j),
  fixed: Float64Array.from({ length: D }, (_, j) => (j === D - 1 ? 0.01 : Number.NaN)),
};

/** P and its right-hand side straight from the rows. */
function direct() {
  const p = new Float64Array(D * D);
  const right = new Float64Array(D);
  for (const kind of ['energy', 'forces', 'virial'] as const) {
    const beta = 1 / (HYPER.noise[kind] * HYPER.noise[kind]);
    const { rows, targets, m } = data[kind];
    gram(rows, m, D).forEach((value, k) => {
      p[k]! += beta * value;
    });
    for (let i = 0; i < m; i++) for (let j = 0; j < D; j++) right[j]! += beta * rows[i * D + j]! * targets[i]!;
  }
  priorPrecision(prior, HYPER.alpha).forEach((value, v) => {
    p[v * D + v]! += value;
  });
  return { p, right };
}

describe('precision factors', () => {
  it('are the same by QR and by normal equations, and those of the rows', () => {
    const { p, right } = direct();
    const qr = stackFactors(factors, prior, HYPER);
    const normal = solveNormalEquations(plainCoordinates(factors, prior), HYPER)!;
    for (const { r, z } of [qr, { r: normal.r!, z: normal.z }]) {
      expect(gramUpper(r, D)).toAgree(p, SAME);
      const back = new Float64Array(D);
      for (let i = 0; i < D; i++) for (let j = i; j < D; j++) back[j]! += r[i * D + j]! * z[i]!;
      expect(back).toAgree(right, SAME);
    }
    expect(solveUpper(qr.r, D, qr.z)).toAgree(solveUpper(normal.r!, D, normal.z), SAME);
  });

  it('leave kinds without observations out, whatever their noise', () => {
    const bare = { ...factors, energy: emptyFactor(D) };
    const hyper = { ...HYPER, noise: { ...HYPER.noise, energy: Number.NaN } };
    const coordinates = plainCoordinates(bare, prior);
    expect(coordinates.grams.energy).toBeNull();
    expect(solveNormalEquations(coordinates, hyper)!.r!).toAgree(stackFactors(bare, prior, hyper).r, SAME);
  });

  it('refuse noises and factors that do not fit', () => {
    expect(() => noiseOf({ ...HYPER, noise: { ...HYPER.noise, virial: -1 } }, 'virial')).toThrow(
      'noise of virial must be finite and positive, got -1',
    );
    expect(commonColumns(factors, prior)).toBe(D);
    expect(() => commonColumns({ ...factors, virial: emptyFactor(2) }, prior)).toThrow(InputError);
  });

  it('never add to the diagonal: an undetermined direction is an error or a refusal', () => {
    const x = rowsOf(30, 5, 3);
    for (let i = 0; i < 30; i++) x.rows[i * 3 + 2] = x.rows[i * 3]! + x.rows[i * 3 + 1]!;
    const dependent = { energy: emptyFactor(3), forces: factorOf(x, 3), virial: emptyFactor(3) };
    const flat: Prior = { gamma: new Float64Array(3).fill(1), fixed: new Float64Array(3) };
    expect(solveNormalEquations(plainCoordinates(dependent, flat), HYPER)).toBeNull();
    expect(() => stackFactors(dependent, flat, HYPER)).toThrow(NumericalError);
    expect(() => stackFactors(dependent, isotropicPrior([1, 1, 1]), HYPER)).not.toThrow();
  });
});

describe('accuracy at large condition numbers', () => {
  /** Columns 1, 1 + ε·noise: the difference of two weights is determined by ε alone. */
  function nearlyParallel(epsilon: number) {
    const stream = new RandomStream(31, 'precision-test');
    const m = 50;
    const rows = new Float64Array(2 * m);
    const targets = new Float64Array(m);
    for (let i = 0; i < m; i++) {
      const base = stream.normal();
      const other = stream.normal();
      rows[2 * i] = base;
      // Powers of two keep the sum exact enough that the weights (3, −2) reproduce the targets.
      rows[2 * i + 1] = base + epsilon * other;
      targets[i] = 3 * rows[2 * i]! - 2 * rows[2 * i + 1]!;
    }
    const factor = createFactor(2);
    factor.append(rows, targets, m);
    const flat: Prior = { gamma: new Float64Array(2).fill(1), fixed: new Float64Array(2) };
    return { factors: { energy: emptyFactor(2), forces: factor.state(), virial: emptyFactor(2) }, flat };
  }
  const hyper: Hyperparameters = { alpha: 1, noise: { energy: 1, forces: 1, virial: 1 } };

  it.each([
    { exponent: 13, qr: 1e-11, normal: 1e-7 },
    { exponent: 17, qr: 1e-10, normal: 1e-4 },
    { exponent: 23, qr: 1e-8, normal: null },
    { exponent: 33, qr: 1e-5, normal: null },
  ])('QR loses the condition (2^$exponent) once, normal equations twice or refuse', ({ exponent, qr, normal }) => {
    let epsilon = 1;
    for (let k = 0; k < exponent; k++) epsilon /= 2;
    const problem = nearlyParallel(epsilon);
    expect(fitPosterior(problem.factors, problem.flat, hyper).mean).toAgree([3, -2], {
      atol: qr,
      why: 'machine precision times the condition',
    });
    const solved = solveNormalEquations(plainCoordinates(problem.factors, problem.flat), hyper);
    if (normal === null) expect(solved).toBeNull();
    else
      expect(solveUpper(solved!.r!, 2, solved!.z)).toAgree([3, -2], {
        atol: normal,
        why: 'machine precision times the squared condition',
      });
  });

  it('variances along the nearly undetermined direction stay right', () => {
    const epsilon = 1e-7;
    const problem = nearlyParallel(epsilon);
    const state = fitPosterior(problem.factors, problem.flat, hyper);
    const wide = posteriorVariances(state, Float64Array.of(0, 1), 1)[0]!;
    const half = nearlyParallel(epsilon / 2);
    const wider = posteriorVariances(fitPosterior(half.factors, half.flat, hyper), Float64Array.of(0, 1), 1)[0]!;
    expect(wider / wide).toAgree(4, { rtol: 1e-6, why: 'variance goes as 1/ε²' });
  });
});
