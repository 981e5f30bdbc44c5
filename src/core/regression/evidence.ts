import { logDeterminant } from '../numerics/cholesky.ts';
import { dot, squaredNorm } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { gramUpper, invertUpper, productUpper, solveUpper, solveUpperTransposed } from '../numerics/triangular.ts';
import { squaredResidual } from './factor.ts';
import {
  commonColumns,
  type NormalEquations,
  noiseOf,
  normalEquationsOf,
  type PrecisionFactor,
  solveNormalEquations,
  stackFactors,
} from './precision.ts';
import { priorPrecision } from './prior.ts';
import { type FactorState, type Hyperparameters, OBSERVATION_KINDS, type PerKind, type Prior } from './regression.ts';

/** Logarithms that the evidence is differentiated by, in this order: α and β = 1/σ² of each kind. */
export const EVIDENCE_VARIABLES = ['alpha', ...OBSERVATION_KINDS] as const;
const VARIABLES = EVIDENCE_VARIABLES.length;

/** The evidence at one set of hyperparameters and what its optimization needs. */
export interface Evidence {
  /** ln Z of the unscaled observations, nats. */
  readonly logEvidence: number;
  /** [4] ∂ ln Z/∂ ln(α, β_E, β_F, β_V); 0 for a kind without observations. ∂/∂ ln σ = −2 ∂/∂ ln β. */
  readonly gradient: Float64Array;
  /** [4, 4] second derivatives by the same variables, or null when not asked for. */
  readonly hessian: Float64Array | null;
  /** ‖y − X m‖² of the scaled rows of each kind. */
  readonly squaredResiduals: PerKind<number>;
  /** Effective number of weights that each kind determines, g_t = β_t tr(X_t S X_tᵀ). */
  readonly determined: PerKind<number>;
  /** α tr(Γ² S): how many of the α-governed weights the prior determines. */
  readonly priorDetermined: number;
  /** Σ Γ_v² m_v² over the columns that α governs. */
  readonly priorNorm: number;
  /** Number of columns that α governs. */
  readonly governed: number;
  /** Factor of the precision that was used. */
  readonly precision: PrecisionFactor;
  /** [d] posterior mean. */
  readonly mean: Float64Array;
}

/** A problem whose evidence can be evaluated again and again: factors, prior, and the Gram matrices made once. */
export interface EvidenceProblem {
  readonly factors: PerKind<FactorState>;
  readonly prior: Prior;
  readonly equations: NormalEquations;
  /** Makes Gram matrices when given. */
  readonly kernels: LinearKernels | undefined;
}

/** Prepares a problem. @param kernels makes the Gram matrices when given  @throws InputError `COLUMNS_DIFFER` */
export function evidenceProblem(factors: PerKind<FactorState>, prior: Prior, kernels?: LinearKernels): EvidenceProblem {
  commonColumns(factors, prior);
  return { factors, prior, equations: normalEquationsOf(factors, kernels), kernels };
}

/** Precision factor by normal equations where they are safe, otherwise by QR of the stacked factors. */
export function precisionOf(problem: EvidenceProblem, hyperparameters: Hyperparameters): PrecisionFactor {
  return (
    solveNormalEquations(problem.equations, problem.prior, hyperparameters) ??
    stackFactors(problem.factors, problem.prior, hyperparameters)
  );
}

/** β R_tᵀ(R_t m − z_t): half the gradient of the misfit of one kind by the weights. */
function misfitGradient(factor: FactorState, beta: number, mean: Float64Array): Float64Array {
  const d = factor.columns;
  const g = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    const e = beta * (dot(factor.r, mean, d - i, i * d + i, i) - factor.z[i]!);
    for (let j = i; j < d; j++) g[j] = g[j]! + e * factor.r[i * d + j]!;
  }
  return g;
}

/**
 * Log evidence from the stored factors alone, its gradient and, if asked for, its exact second derivatives.
 *
 *   ln Z = ½ [ Σ_v ln p_v + Σ_r ln β_r − Σ_r β_r e_r² − Σ_v p_v m_v² − ln det P − N ln 2π ]
 *   ∂ ln Z/∂ ln θ_i = ½ (N_i − q_i − tr B_i),  B_i = R⁻ᵀ A_i R⁻¹ with A_i the part of P that θ_i multiplies
 *   ∂²            = ½ (−δ_ij (q_i + tr B_i) + ⟨B_i, B_j⟩ + 2 g_iᵀ S g_j)
 *
 * p_v = α Γ_v² or the fixed precision; flat columns (p_v = 0) contribute no ln p_v, so evidences with and without such
 * a column differ by a constant and must not be compared. q_i is the misfit or prior term that θ_i multiplies.
 *
 * @throws  NumericalError `SINGULAR_PRECISION`; InputError `BAD_NOISE`, `BAD_PRIOR`
 * @cost    5d³/3 flops, 3d³ with second derivatives
 */
export function evaluateEvidence(
  problem: EvidenceProblem,
  hyperparameters: Hyperparameters,
  secondDerivatives = false,
): Evidence {
  const { factors, prior, kernels } = problem;
  const d = prior.gamma.length;
  const precision = precisionOf(problem, hyperparameters);
  const mean = solveUpper(precision.r, d, precision.z);
  const inverse = invertUpper(precision.r, d);
  const p = priorPrecision(prior, hyperparameters.alpha);

  const gradient = new Float64Array(VARIABLES);
  const quadratic = new Float64Array(VARIABLES);
  const trace = new Float64Array(VARIABLES);
  const halves: (Float64Array | null)[] = [null, null, null, null];
  const pulls: (Float64Array | null)[] = [null, null, null, null];

  let twice = -logDeterminant(precision.r, d);
  let governed = 0;
  let priorNorm = 0;
  const pull = new Float64Array(d);
  const half = secondDerivatives ? new Float64Array(d * d) : null;
  for (let v = 0; v < d; v++) {
    if (p[v]! > 0) twice += Math.log(p[v]!);
    twice -= p[v]! * mean[v]! * mean[v]!;
    if (!Number.isNaN(prior.fixed[v]!)) continue;
    governed++;
    priorNorm += prior.gamma[v]! * mean[v]! * (prior.gamma[v]! * mean[v]!);
    trace[0] = trace[0]! + p[v]! * squaredNorm(inverse, d - v, v * d + v);
    pull[v] = p[v]! * mean[v]!;
    if (half !== null) for (let k = v * d + v; k < (v + 1) * d; k++) half[k] = Math.sqrt(p[v]!) * inverse[k]!;
  }
  quadratic[0] = hyperparameters.alpha * priorNorm;
  gradient[0] = 0.5 * (governed - quadratic[0] - trace[0]!);
  halves[0] = half;
  pulls[0] = pull;

  const squaredResiduals = { energy: 0, forces: 0, virial: 0 };
  const determined = { energy: 0, forces: 0, virial: 0 };
  OBSERVATION_KINDS.forEach((kind, t) => {
    const factor = factors[kind];
    if (factor.count === 0) return;
    const sigma = noiseOf(hyperparameters, kind);
    const beta = 1 / (sigma * sigma);
    const squared = squaredResidual(factor, mean);
    const w = productUpper(factor.r, inverse, d);
    const i = t + 1;
    quadratic[i] = beta * squared;
    trace[i] = beta * squaredNorm(w);
    gradient[i] = 0.5 * (factor.count - quadratic[i]! - trace[i]!);
    twice += factor.count * (Math.log(beta) - Math.log(2 * Math.PI)) + factor.logScale - quadratic[i]!;
    squaredResiduals[kind] = squared;
    determined[kind] = trace[i]!;
    if (secondDerivatives) {
      for (let k = 0; k < d * d; k++) w[k] = w[k]! / sigma;
      halves[i] = w;
      pulls[i] = misfitGradient(factor, beta, mean);
    }
  });

  let hessian: Float64Array | null = null;
  if (secondDerivatives) {
    hessian = new Float64Array(VARIABLES * VARIABLES);
    const grams = halves.map((matrix) =>
      matrix === null ? null : kernels === undefined ? gramUpper(matrix, d) : kernels.gram(matrix, d, d),
    );
    const shifts = pulls.map((vector) => (vector === null ? null : solveUpperTransposed(precision.r, d, vector)));
    for (let i = 0; i < VARIABLES; i++) {
      for (let j = i; j < VARIABLES; j++) {
        const bi = grams[i]!;
        const bj = grams[j]!;
        if (!bi || !bj) continue;
        let value = 0.5 * dot(bi, bj, d * d) + dot(shifts[i]!, shifts[j]!, d);
        if (i === j) value -= 0.5 * (quadratic[i]! + trace[i]!);
        hessian[i * VARIABLES + j] = value;
        hessian[j * VARIABLES + i] = value;
      }
    }
  }
  return {
    logEvidence: 0.5 * twice,
    gradient,
    hessian,
    squaredResiduals,
    determined,
    priorDetermined: trace[0]!,
    priorNorm,
    governed,
    precision,
    mean,
  };
}
