import { logDeterminant } from '../numerics/cholesky.ts';
import { dot, matVec } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { solveUpper, solveUpperTransposed } from '../numerics/triangular.ts';
import {
  type CoordinatePrecision,
  type Coordinates,
  solveNormalEquations,
  whitenedCoordinates,
  whitenedGramOfRows,
} from './coordinates.ts';
import { squaredResidual } from './factor.ts';
import { commonColumns, noiseOf } from './precision.ts';
import { priorPrecision } from './prior.ts';
import { type FactorState, type Hyperparameters, OBSERVATION_KINDS, type PerKind, type Prior } from './regression.ts';

/** Logarithms that the evidence is differentiated by, in this order: α and β = 1/σ² of each kind. */
export const EVIDENCE_VARIABLES = ['alpha', ...OBSERVATION_KINDS] as const;
const VARIABLES = EVIDENCE_VARIABLES.length;

/** The evidence at one set of hyperparameters and the posterior mean there. */
export interface EvidenceValue {
  readonly hyperparameters: Hyperparameters;
  /** ln Z of the unscaled observations, nats. */
  readonly logEvidence: number;
  /** ‖y − X m‖² of the scaled rows of each kind. */
  readonly squaredResiduals: PerKind<number>;
  /** Σ Γ_v² m_v² over the columns that α governs. */
  readonly priorNorm: number;
  /** Number of columns that α governs. */
  readonly governed: number;
  /** [d] posterior mean. */
  readonly mean: Float64Array;
}

/** The evidence and what its optimization needs. */
export interface Evidence extends EvidenceValue {
  /** [4] ∂ ln Z/∂ ln(α, β_E, β_F, β_V); 0 for a kind without observations. ∂/∂ ln σ = −2 ∂/∂ ln β. */
  readonly gradient: Float64Array;
  /** [4, 4] second derivatives by the same variables, or null when not asked for. */
  readonly hessian: Float64Array | null;
  /** Effective number of weights that each kind determines, g_t = β_t tr(X_t S X_tᵀ). */
  readonly determined: PerKind<number>;
  /** α tr(Γ² S): how many of the α-governed weights the prior determines. */
  readonly priorDetermined: number;
}

/** A problem whose evidence can be evaluated. */
export interface EvidenceProblem {
  readonly factors: PerKind<FactorState>;
  readonly prior: Prior;
  readonly kernels: LinearKernels;
}

/** Prepares a problem. @param kernels default plain  @throws InputError `COLUMNS_DIFFER` */
export function evidenceProblem(
  factors: PerKind<FactorState>,
  prior: Prior,
  kernels: LinearKernels = plainKernels,
): EvidenceProblem {
  commonColumns(factors, prior);
  return { factors, prior, kernels };
}

/** An evidence with what its derivatives are made of. */
export interface LocatedEvidence extends EvidenceValue {
  readonly coordinates: Coordinates;
  readonly precision: CoordinatePrecision;
  /** [d] posterior mean in the coordinates. */
  readonly u: Float64Array;
}

/**
 * The evidence in given coordinates, or null where they are not to be trusted.
 *
 *   ln Z = ½ [ Σ_v ln p_v + Σ_r ln β_r − Σ_r β_r e_r² − Σ_v p_v m_v² − ln det P − N ln 2π ]
 *
 * p_v = α Γ_v² or the fixed precision; flat columns (p_v = 0) contribute no ln p_v, so evidences with and without such
 * a column differ by a constant and must not be compared.
 *
 * @throws  InputError `BAD_NOISE`, `BAD_PRIOR`
 * @cost    d³/3 flops
 */
export function locateEvidence(
  { prior, kernels }: EvidenceProblem,
  coordinates: Coordinates,
  hyperparameters: Hyperparameters,
): LocatedEvidence | null {
  const precision = solveNormalEquations(coordinates, hyperparameters, kernels);
  if (precision === null) return null;
  const d = prior.gamma.length;
  const u = precision.r === null ? precision.z : solveUpper(precision.r, d, precision.z);
  const mean = solveUpper(coordinates.base.r, d, u);
  const p = priorPrecision(prior, hyperparameters.alpha);

  let twice = -coordinates.logDeterminant - (precision.r === null ? 0 : logDeterminant(precision.r, d));
  let governed = 0;
  let priorNorm = 0;
  for (let v = 0; v < d; v++) {
    if (p[v]! > 0) twice += Math.log(p[v]!);
    twice -= p[v]! * mean[v]! * mean[v]!;
    if (!Number.isNaN(prior.fixed[v]!)) continue;
    governed++;
    priorNorm += prior.gamma[v]! * mean[v]! * (prior.gamma[v]! * mean[v]!);
  }
  const squaredResiduals = { energy: 0, forces: 0, virial: 0 };
  for (const kind of OBSERVATION_KINDS) {
    const factor = coordinates.factors[kind];
    if (factor.count === 0) continue;
    const sigma = noiseOf(hyperparameters, kind);
    const beta = 1 / (sigma * sigma);
    const squared = squaredResidual(factor, u);
    squaredResiduals[kind] = squared;
    twice += factor.count * (Math.log(beta) - Math.log(2 * Math.PI)) + factor.logScale - beta * squared;
  }
  return {
    hyperparameters,
    logEvidence: 0.5 * twice,
    squaredResiduals,
    priorNorm,
    governed,
    mean,
    coordinates,
    precision,
    u,
  };
}

/** β F_tᵀ(F_t u − z_t): half the gradient of the misfit of one kind by the coordinates. */
function misfitGradient(factor: FactorState, beta: number, u: Float64Array): Float64Array {
  const d = factor.columns;
  const g = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    const e = beta * (dot(factor.r, u, d - i, i * d + i, i) - factor.z[i]!);
    for (let j = i; j < d; j++) g[j] = g[j]! + e * factor.r[i * d + j]!;
  }
  return g;
}

function traceOf(a: Float64Array, d: number): number {
  let sum = 0;
  for (let i = 0; i < d; i++) sum += a[i * d + i]!;
  return sum;
}

/**
 * The part of the precision that each variable multiplies, in coordinates in which the precision is the identity:
 * B_i = R⁻ᵀ A_i R⁻¹, null for an absent kind. They sum to 1 − B_fixed, so the one of the most observations is a difference.
 */
function determinedParts(
  located: LocatedEvidence,
  scales: readonly number[],
  kernels: LinearKernels,
): (Float64Array | null)[] {
  const { coordinates, precision, u } = located;
  const d = u.length;
  const scaled = (scale: number, factor: Float64Array, rows: Int32Array, gram: Float64Array): Float64Array => {
    const b = precision.r === null ? gram.slice() : whitenedGramOfRows(precision.r, factor, d, rows, kernels);
    for (let k = 0; k < b.length; k++) b[k] = scale * b[k]!;
    return b;
  };
  const { factors, grams } = coordinates;
  if (precision.r === null) {
    const data = OBSERVATION_KINDS.map((kind, t) =>
      grams[kind] === null ? null : scaled(scales[t + 1]!, factors[kind].r, coordinates.rows[kind], grams[kind]),
    );
    return [scaled(scales[0]!, coordinates.prior, coordinates.priorRows, coordinates.priorGram), ...data];
  }
  const present = OBSERVATION_KINDS.filter((kind) => grams[kind] !== null);
  const largest = present.reduce((a, b) => (factors[b].count > factors[a].count ? b : a));
  const rest = new Float64Array(d * d);
  for (let i = 0; i < d; i++) rest[i * d + i] = 1;
  const subtract = (b: Float64Array): void => {
    for (let k = 0; k < rest.length; k++) rest[k] = rest[k]! - b[k]!;
  };
  const rows = coordinates.fixed.length / d;
  if (rows > 0) subtract(kernels.gram(kernels.whitenRows(precision.r, d, coordinates.fixed, rows), rows, d));
  const parts: (Float64Array | null)[] = [
    scaled(scales[0]!, coordinates.prior, coordinates.priorRows, coordinates.priorGram),
  ];
  for (const [t, kind] of OBSERVATION_KINDS.entries()) {
    const gram = grams[kind];
    parts.push(
      gram === null || kind === largest ? null : scaled(scales[t + 1]!, factors[kind].r, coordinates.rows[kind], gram),
    );
  }
  for (const part of parts) if (part !== null) subtract(part);
  parts[1 + OBSERVATION_KINDS.indexOf(largest)] = rest;
  return parts;
}

/**
 * First and, if asked for, exact second derivatives of the log evidence.
 *
 *   ∂ ln Z/∂ ln θ_i = ½ (N_i − q_i − tr B_i),  B_i = R⁻ᵀ A_i R⁻¹ with A_i the part of P that θ_i multiplies
 *   ∂²            = ½ (−δ_ij (q_i + tr B_i) + ⟨B_i, B_j⟩ + 2 g_iᵀ S g_j)
 *
 * q_i is the misfit or prior term that θ_i multiplies, g_i half its gradient.
 *
 * @cost  2d³/3 flops, 2d³ with second derivatives
 */
export function deriveEvidence(
  { kernels }: EvidenceProblem,
  located: LocatedEvidence,
  secondDerivatives = false,
): Evidence {
  const { coordinates, precision, u, hyperparameters, squaredResiduals, priorNorm, governed } = located;
  const d = u.length;
  const { factors, grams } = coordinates;
  const scales = [
    hyperparameters.alpha,
    ...OBSERVATION_KINDS.map((kind) => {
      const sigma = factors[kind].count === 0 ? 1 : noiseOf(hyperparameters, kind);
      return 1 / (sigma * sigma);
    }),
  ];
  const counts = [governed, ...OBSERVATION_KINDS.map((kind) => factors[kind].count)];
  const quadratic = [priorNorm, ...OBSERVATION_KINDS.map((kind) => squaredResiduals[kind])].map(
    (value, i) => scales[i]! * value,
  );
  const parts = secondDerivatives ? determinedParts(located, scales, kernels) : null;
  let trace: number[];
  if (parts === null) {
    const covariance = precision.r === null ? null : kernels.covarianceOf(precision.r, d);
    trace = [coordinates.priorGram, ...OBSERVATION_KINDS.map((kind) => grams[kind])].map((gram, i) => {
      if (gram === null) return 0;
      return scales[i]! * (covariance === null ? traceOf(gram, d) : dot(gram, covariance, d * d));
    });
  } else trace = parts.map((part) => (part === null ? 0 : traceOf(part, d)));
  const gradient = Float64Array.from(counts, (count, i) =>
    count === 0 ? 0 : 0.5 * (count - quadratic[i]! - trace[i]!),
  );

  let hessian: Float64Array | null = null;
  if (parts !== null) {
    hessian = new Float64Array(VARIABLES * VARIABLES);
    const pulls = [
      matVec(coordinates.priorGram, u, d, d).map((value) => hyperparameters.alpha * value),
      ...OBSERVATION_KINDS.map((kind, t) =>
        factors[kind].count === 0 ? new Float64Array(d) : misfitGradient(factors[kind], scales[t + 1]!, u),
      ),
    ];
    const shifts = precision.r === null ? pulls : pulls.map((pull) => solveUpperTransposed(precision.r!, d, pull));
    for (let i = 0; i < VARIABLES; i++) {
      for (let j = i; j < VARIABLES; j++) {
        const bi = parts[i]!;
        const bj = parts[j]!;
        if (counts[i] === 0 || counts[j] === 0 || !bi || !bj) continue;
        let value = 0.5 * dot(bi, bj, d * d) + dot(shifts[i]!, shifts[j]!, d);
        if (i === j) value -= 0.5 * (quadratic[i]! + trace[i]!);
        hessian[i * VARIABLES + j] = value;
        hessian[j * VARIABLES + i] = value;
      }
    }
  }
  return {
    hyperparameters,
    logEvidence: located.logEvidence,
    squaredResiduals,
    priorNorm,
    governed,
    mean: located.mean,
    gradient,
    hessian,
    determined: { energy: trace[1]!, forces: trace[2]!, virial: trace[3]! },
    priorDetermined: trace[0]!,
  };
}

/**
 * Log evidence from the stored factors alone, its gradient and, if asked for, its exact second derivatives, by
 * orthogonal factorization at these hyperparameters; see `locateEvidence` and `deriveEvidence` for the formulas.
 *
 * @throws  NumericalError `SINGULAR_PRECISION`; InputError `BAD_NOISE`, `BAD_PRIOR`
 * @cost    5d³ flops
 */
export function evaluateEvidence(
  problem: EvidenceProblem,
  hyperparameters: Hyperparameters,
  secondDerivatives = false,
): Evidence {
  const { factors, prior, kernels } = problem;
  const coordinates = whitenedCoordinates(factors, prior, hyperparameters, kernels);
  return deriveEvidence(problem, locateEvidence(problem, coordinates, hyperparameters)!, secondDerivatives);
}
