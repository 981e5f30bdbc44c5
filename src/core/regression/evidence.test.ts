import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { gramUpper } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { evaluateEvidence, evidenceProblem } from './evidence.ts';
import { createFactor, emptyFactor } from './factor.ts';
import { maximizeEvidence } from './maximize-evidence.ts';
import { fitPosterior, posteriorVariances } from './posterior.ts';
import { isotropicPrior } from './prior.ts';
import type { FactorState, Hyperparameters, PerKind, Prior } from './regression.ts';

interface Reference {
  B1_blr_toy: {
    Phi: number[][];
    y: number[];
    alpha: number;
    beta: number;
    log_evidence: number;
    log_evidence_direct: number;
    gamma_eff: number;
    mackay_step: { alpha_new: number; beta_new: number };
  };
  B2_evidence_max: {
    alpha: number;
    beta: number;
    log_evidence: number;
    gamma_eff: number;
    m: number[];
    check_fixed_point: { alpha: number; beta: number };
  };
  B7_misspecification: {
    rows: {
      N: number;
      alpha: number;
      beta: number;
      rmse: number;
      mean_epistemic_std: number;
      coverage_2sigma_total: number;
    }[];
  };
  B3_three_noises: {
    at_theta0: {
      log_params_alpha_betaE_betaF_betaV: number[];
      log_evidence: number;
      grad: number[];
      grad_fd: number[];
    };
    optimum: { alpha: number; sigma_E: number; sigma_F: number; sigma_V: number; log_evidence: number };
  };
}
const {
  B1_blr_toy: B1,
  B2_evidence_max: B2,
  B3_three_noises: B3,
  B7_misspecification: B7,
} = golden<{ B: Reference }>('reference-values').B;

const EXACT = { rtol: 1e-10, atol: 1e-12, why: 'closed form in a few columns' };
const OPTIMUM = { rtol: 1e-5, why: 'the reference stopped its own search at a gradient of 1e-7' };
const FLOORS = { energy: 1e-8, forces: 1e-8, virial: 1e-8 };

function factorOf(d: number, rows: number[][], targets: number[], logScale = 0): FactorState {
  const factor = createFactor(d);
  factor.append(Float64Array.from(rows.flat()), Float64Array.from(targets), targets.length, logScale);
  return factor.state();
}

const betas = (alpha: number, ...beta: number[]): Hyperparameters => {
  const [energy = 1, forces = 1, virial = 1] = beta.map((b) => 1 / Math.sqrt(b));
  return { alpha, noise: { energy, forces, virial } };
};

const unitPrior = (d: number) => isotropicPrior(new Float64Array(d).fill(1));

function threeNoises(): PerKind<FactorState> {
  const w = [1, -0.7, 0.4, 0.2, -0.3];
  const sigma = (i: number) => (i < 6 ? 0.02 : i < 30 ? 0.1 : 0.3);
  const rows = Array.from({ length: 36 }, (_, i) =>
    w.map((_, j) => Math.cos(0.9 * i + 1.1 * j) + 0.2 * Math.sin(0.37 * i * (j + 1))),
  );
  const y = rows.map((row, i) => row.reduce((s, x, j) => s + x * w[j]!, 0) + 1.2 * sigma(i) * Math.sin(7 * i + 1));
  const part = (a: number, b: number) => factorOf(5, rows.slice(a, b), y.slice(a, b));
  return { energy: part(0, 6), forces: part(6, 30), virial: part(30, 36) };
}

describe('evaluateEvidence', () => {
  const toy = { energy: emptyFactor(2), forces: factorOf(2, B1.Phi, B1.y), virial: emptyFactor(2) };

  it('gives the evidence and the fixed-point step of the toy problem', () => {
    const evidence = evaluateEvidence(evidenceProblem(toy, unitPrior(2)), betas(B1.alpha, 1, B1.beta));
    expect(evidence.logEvidence).toAgree(B1.log_evidence, EXACT);
    expect(evidence.logEvidence).toAgree(B1.log_evidence_direct, EXACT);
    expect(evidence.determined.forces).toAgree(B1.gamma_eff, EXACT);
    expect(evidence.governed - evidence.priorDetermined).toAgree(B1.gamma_eff, EXACT);
    expect(B1.gamma_eff / evidence.priorNorm).toAgree(B1.mackay_step.alpha_new, EXACT);
    expect((3 - evidence.determined.forces) / evidence.squaredResiduals.forces).toAgree(B1.mackay_step.beta_new, EXACT);
  });

  it('is the evidence of unscaled observations', () => {
    const s = [2, 0.5, 3];
    const rows = B1.Phi.map((row, i) => row.map((x) => x / s[i]!));
    const scaled = factorOf(
      2,
      rows,
      B1.y.map((y, i) => y / s[i]!),
      s.reduce((sum, v) => sum - 2 * Math.log(v), 0),
    );
    const evidence = evaluateEvidence(evidenceProblem({ ...toy, forces: scaled }, unitPrior(2)), betas(0.5, 1, 4));
    // Direct density of y ~ N(0, XXᵀ/α + diag(s²)/β).
    const c = B1.Phi.map((a, i) =>
      B1.Phi.map((b, j) => 2 * (a[0]! * b[0]! + a[1]! * b[1]!) + (i === j ? (s[i]! * s[i]!) / 4 : 0)),
    );
    const [a, b, e, f, g, h] = [c[0]![0]!, c[0]![1]!, c[0]![2]!, c[1]![1]!, c[1]![2]!, c[2]![2]!];
    const det = a * (f * h - g * g) - b * (b * h - g * e) + e * (b * g - f * e);
    const inverse = [
      [f * h - g * g, e * g - b * h, b * g - e * f],
      [e * g - b * h, a * h - e * e, b * e - a * g],
      [b * g - e * f, b * e - a * g, a * f - b * b],
    ];
    const quadratic = inverse.reduce(
      (sum, row, i) => sum + row.reduce((t, v, j) => t + (v / det) * B1.y[i]! * B1.y[j]!, 0),
      0,
    );
    expect(evidence.logEvidence).toAgree(-0.5 * (Math.log(det) + quadratic + 3 * Math.log(2 * Math.PI)), EXACT);
  });

  it('gives value and gradient of the three-noise problem', () => {
    const theta = B3.at_theta0.log_params_alpha_betaE_betaF_betaV.map(Math.exp);
    const evidence = evaluateEvidence(
      evidenceProblem(threeNoises(), unitPrior(5)),
      betas(theta[0]!, ...theta.slice(1)),
    );
    expect(evidence.logEvidence).toAgree(B3.at_theta0.log_evidence, EXACT);
    expect(evidence.gradient).toAgree(B3.at_theta0.grad, { rtol: 1e-9, why: 'closed form' });
    expect(evidence.gradient).toAgree(B3.at_theta0.grad_fd, {
      atol: 1e-6,
      why: 'finite differences of another program',
    });
  });

  it('has the derivatives of its value, also with columns of fixed precision', () => {
    const prior: Prior = {
      gamma: Float64Array.of(1, 2, 1, 0.5, 1),
      fixed: Float64Array.of(Number.NaN, Number.NaN, 3, Number.NaN, Number.NaN),
    };
    const problem = evidenceProblem(threeNoises(), prior);
    const theta = [-0.3, 6, 4, 2];
    const at = (t: number[]) => betas(Math.exp(t[0]!), ...t.slice(1).map(Math.exp));
    const { gradient, hessian } = evaluateEvidence(problem, at(theta), true);
    const h = 1e-4;
    for (let i = 0; i < 4; i++) {
      const up = evaluateEvidence(problem, at(theta.map((t, k) => (k === i ? t + h : t))));
      const down = evaluateEvidence(problem, at(theta.map((t, k) => (k === i ? t - h : t))));
      expect((up.logEvidence - down.logEvidence) / (2 * h)).toAgree(gradient[i], {
        atol: 1e-6,
        why: 'central difference, h² = 1e-8',
      });
      const second = up.gradient.map((g, j) => (g - down.gradient[j]!) / (2 * h));
      expect(second).toAgree(hessian!.slice(4 * i, 4 * i + 4), { atol: 1e-6, why: 'central difference, h² = 1e-8' });
    }
  });

  it('gives the same with the kernels of the caller', () => {
    let calls = 0;
    const kernels: LinearKernels = {
      ...plainKernels,
      name: 'counting',
      gramUpper: (a, n) => {
        calls++;
        return gramUpper(a, n);
      },
    };
    const at = betas(0.7, 400, 90, 12);
    const plain = evaluateEvidence(evidenceProblem(threeNoises(), unitPrior(5)), at, true);
    const counted = evaluateEvidence(evidenceProblem(threeNoises(), unitPrior(5), kernels), at, true);
    expect(counted).toEqual(plain);
    expect(calls).toBe(4);
  });

  it('keeps its digits where normal equations would lose all of them', () => {
    const rows = [
      [1, 1],
      [1e-7, 0],
      [0, 1e-7],
    ];
    const factors = { energy: emptyFactor(2), forces: factorOf(2, rows, [2, 2e-7, 0]), virial: emptyFactor(2) };
    const problem = evidenceProblem(factors, unitPrior(2));
    // The solution [2, 0] − t [1, −1] has P = [1 1; ε 0; 0 ε]ᵀ[…] + α: ln det P = ln((1 + ε² + α)² − 1).
    for (const alpha of [1e-3, 1e-8, 1e-16]) {
      const delta = 1e-14 + alpha;
      const { logEvidence, mean, squaredResiduals } = evaluateEvidence(problem, betas(alpha, 1, 1));
      const twice =
        2 * Math.log(alpha) -
        squaredResiduals.forces -
        alpha * (mean[0]! * mean[0]! + mean[1]! * mean[1]!) -
        Math.log(delta * (2 + delta)) -
        3 * Math.log(2 * Math.PI);
      expect(logEvidence).toAgree(0.5 * twice, { atol: 1e-8, why: 'relative accuracy of QR at a condition of 1e7' });
    }
  });
});

describe('maximizeEvidence', () => {
  it('finds the optimum of one noise', () => {
    const w = [0.8, -0.5, 0.3, 0, 0.2, -0.1];
    const rows = Array.from({ length: 30 }, (_, i) =>
      w.map((_, j) => Math.sin(1.3 * i + (0.7 * j * i) / 3 + 0.2 * j) + 0.3 * Math.cos(0.5 * i * j)),
    );
    const y = rows.map((row, i) => row.reduce((s, x, j) => s + x * w[j]!, 0) + 0.1 * Math.cos(5 * i));
    const factors = { energy: emptyFactor(6), forces: factorOf(6, rows, y), virial: emptyFactor(6) };
    const optimum = maximizeEvidence(factors, unitPrior(6), { floors: FLOORS });
    expect(optimum.converged).toBe(true);
    expect(optimum.hyperparameters.alpha).toAgree(B2.alpha, OPTIMUM);
    expect(1 / (optimum.hyperparameters.noise.forces * optimum.hyperparameters.noise.forces)).toAgree(B2.beta, OPTIMUM);
    expect(optimum.logEvidence).toAgree(B2.log_evidence, { rtol: 1e-9, why: 'flat at the optimum' });
    expect(optimum.evidence.mean).toAgree(B2.m, { atol: 1e-6, why: 'follows α and β' });
    // MacKay's fixed point holds there.
    const { evidence, hyperparameters } = optimum;
    expect((evidence.governed - evidence.priorDetermined) / evidence.priorNorm).toAgree(hyperparameters.alpha, {
      rtol: 1e-5,
      why: 'stationarity',
    });
    const freedom = 30 - evidence.determined.forces;
    expect(evidence.determined.forces).toAgree(B2.gamma_eff, OPTIMUM);
    expect(hyperparameters.alpha).toAgree(B2.check_fixed_point.alpha, OPTIMUM);
    expect(freedom / evidence.squaredResiduals.forces).toAgree(B2.check_fixed_point.beta, OPTIMUM);
  });

  it('finds the higher of the two optima of three noises', () => {
    const optimum = maximizeEvidence(threeNoises(), unitPrior(5), { balance: { mode: 'evidence' }, floors: FLOORS });
    const { alpha, noise } = optimum.hyperparameters;
    expect([alpha, noise.energy, noise.forces, noise.virial]).toAgree(
      [B3.optimum.alpha, B3.optimum.sigma_E, B3.optimum.sigma_F, B3.optimum.sigma_V],
      OPTIMUM,
    );
    expect(optimum.converged).toBe(true);
    const ends = optimum.starts.map((search) => search.logEvidence);
    expect(Math.max(...ends)).toAgree(B3.optimum.log_evidence, { rtol: 1e-9, why: 'flat at the optimum' });
    // One start alone would have stopped where six energies are fitted almost exactly by five weights.
    expect(Math.min(...ends)).toBeLessThan(B3.optimum.log_evidence - 0.5);
  });

  it('keeps the ratio of energy to force noise when it is fixed', () => {
    const optimum = maximizeEvidence(threeNoises(), unitPrior(5), {
      balance: { mode: 'fixed', energyToForce: 0.2 },
      floors: FLOORS,
    });
    expect(optimum.hyperparameters.noise.energy / optimum.hyperparameters.noise.forces).toAgree(0.2, {
      rtol: 1e-12,
      why: 'tied',
    });
    expect(optimum.logEvidence).toBeLessThan(B3.optimum.log_evidence);
    const g = optimum.evidence.gradient;
    expect([g[0], g[1]! + g[2]!, g[3]]).toAgree([0, 0, 0], { atol: 1e-4, why: 'stationary along the tied directions' });
    expect(Math.abs(g[1]!)).toBeGreaterThan(0.1);
  });

  it('works without virials, without forces, and with energies alone', () => {
    const all = threeNoises();
    for (const absent of [['virial'], ['forces'], ['forces', 'virial']] as const) {
      const factors = { ...all };
      for (const kind of absent) factors[kind] = emptyFactor(5);
      const optimum = maximizeEvidence(factors, unitPrior(5), { floors: FLOORS });
      expect(Number.isFinite(optimum.logEvidence)).toBe(true);
      for (const kind of absent) expect(optimum.evidence.determined[kind]).toBe(0);
    }
    const none = { energy: emptyFactor(5), forces: emptyFactor(5), virial: emptyFactor(5) };
    expect(() => maximizeEvidence(none, unitPrior(5))).toThrow('observations must be at least one');
  });

  it('stops at the floor of a noise and says so', () => {
    const rows = Array.from({ length: 40 }, (_, i) => [1, Math.sin(i), Math.cos(2 * i)]);
    const factors = {
      energy: emptyFactor(3),
      forces: factorOf(
        3,
        rows,
        rows.map((row) => row[0]! - 2 * row[2]!),
      ),
      virial: emptyFactor(3),
    };
    const optimum = maximizeEvidence(factors, unitPrior(3));
    expect(optimum.hyperparameters.noise.forces).toAgree(1e-3, { rtol: 1e-12, why: 'floor 1 meV/Å' });
    expect(optimum.atBound).toEqual(['forces']);
    expect(optimum.converged).toBe(true);
  });

  it.each(B7.rows)(
    'finds the optimum of a misspecified model whose posterior is far too narrow (N = $N)',
    (reference) => {
      const { N } = reference;
      const x = Array.from({ length: N }, (_, i) => -1 + (2 * i) / (N - 1));
      const rows = x.map((t) => [
        1,
        t,
        (3 * t * t - 1) / 2,
        (5 * t * t * t - 3 * t) / 2,
        (35 * t * t * t * t - 30 * t * t + 3) / 8,
      ]);
      const y = x.map((t) => Math.sin(6 * t) + 0.3 * t);
      const factors = { energy: emptyFactor(5), forces: factorOf(5, rows, y), virial: emptyFactor(5) };
      const { hyperparameters, evidence } = maximizeEvidence(factors, unitPrior(5));
      expect(hyperparameters.alpha).toAgree(reference.alpha, OPTIMUM);
      expect(1 / (hyperparameters.noise.forces * hyperparameters.noise.forces)).toAgree(reference.beta, OPTIMUM);
      expect(Math.sqrt(evidence.squaredResiduals.forces / N)).toAgree(reference.rmse, OPTIMUM);
      const state = fitPosterior(factors, unitPrior(5), hyperparameters);
      const deviations = posteriorVariances(state, Float64Array.from(rows.flat()), N).map(Math.sqrt);
      expect(deviations.reduce((sum, value) => sum + value, 0) / N).toAgree(reference.mean_epistemic_std, OPTIMUM);
    },
  );

  it('recovers the noises that made the data', () => {
    const stream = new RandomStream(3, 'evidence-test');
    const d = 12;
    const truth = Float64Array.from({ length: d }, () => 0.5 * stream.normal());
    const made = (m: number, sigma: number) => {
      const rows = Array.from({ length: m }, () => Array.from({ length: d }, () => stream.normal()));
      return factorOf(
        d,
        rows,
        rows.map((row) => row.reduce((s, x, j) => s + x * truth[j]!, 0) + sigma * stream.normal()),
      );
    };
    const factors = { energy: made(200, 0.05), forces: made(4000, 0.1), virial: made(1000, 0.4) };
    const { hyperparameters, converged } = maximizeEvidence(factors, unitPrior(d), { balance: { mode: 'evidence' } });
    expect(converged).toBe(true);
    expect(hyperparameters.noise.energy).toAgree(0.05, {
      rtol: 0.2,
      why: '4 standard errors of a variance from 200 rows',
    });
    expect(hyperparameters.noise.forces).toAgree(0.1, { rtol: 0.045, why: '4 standard errors, 4000 rows' });
    expect(hyperparameters.noise.virial).toAgree(0.4, { rtol: 0.09, why: '4 standard errors, 1000 rows' });
    expect(1 / Math.sqrt(hyperparameters.alpha)).toAgree(0.5, { rtol: 0.82, why: '4 standard errors, 12 weights' });
  });
});
