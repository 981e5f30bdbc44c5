import { InputError, NumericalError } from '../errors.ts';
import { cholesky } from '../numerics/cholesky.ts';
import { reciprocalCondition } from '../numerics/condition.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { appendUpper } from '../numerics/qr.ts';
import { solveUpperTransposed } from '../numerics/triangular.ts';
import { crossOf, gramOf } from './factor.ts';
import { priorPrecision } from './prior.ts';
import { type FactorState, type Hyperparameters, OBSERVATION_KINDS, type PerKind, type Prior } from './regression.ts';

/**
 * Normal equations are used only where the reciprocal condition of the scaled precision exceeds this, which is a
 * condition below 10⁶ of the whitened rows; otherwise orthogonal factorization.
 */
export const NORMAL_EQUATIONS_LIMIT = 1e-12;

/** Below this reciprocal condition of the precision even orthogonal factorization leaves no correct digit. */
const SINGULAR_LIMIT = 1e-31;

/** Factor of the precision, P = RᵀR, and z with P·mean = Rᵀz. */
export interface PrecisionFactor {
  /** [d, d] upper triangular, row-major, diagonal > 0. */
  readonly r: Float64Array;
  /** [d]. */
  readonly z: Float64Array;
  /** How it was made. */
  readonly route: 'qr' | 'cholesky';
}

/** Gram matrices and right-hand sides of each kind, null for a kind without observations. */
export interface NormalEquations {
  readonly gram: PerKind<Float64Array | null>;
  readonly cross: PerKind<Float64Array | null>;
}

/** Number of columns of the factors. @throws InputError `COLUMNS_DIFFER` when factors and prior do not agree */
export function commonColumns(factors: PerKind<FactorState>, prior: Prior): number {
  const d = prior.gamma.length;
  for (const kind of OBSERVATION_KINDS) {
    if (factors[kind].columns !== d || prior.fixed.length !== d) {
      throw new InputError(
        'COLUMNS_DIFFER',
        `factor of ${kind} must have the ${d} columns of the prior, got ${factors[kind].columns}`,
        {
          kind,
          expected: d,
          actual: factors[kind].columns,
        },
      );
    }
  }
  return d;
}

/** Noise of a kind that has observations. @throws InputError `BAD_NOISE` */
export function noiseOf(hyperparameters: Hyperparameters, kind: (typeof OBSERVATION_KINDS)[number]): number {
  const sigma = hyperparameters.noise[kind];
  if (!(sigma > 0) || !Number.isFinite(sigma)) {
    throw new InputError('BAD_NOISE', `noise of ${kind} must be finite and positive, got ${sigma}`, { kind, sigma });
  }
  return sigma;
}

/**
 * Precision factor by QR of the stack [√prior; R_E/σ_E; R_F/σ_F; R_V/σ_V].
 *
 * @throws NumericalError `SINGULAR_PRECISION` when data and prior leave a direction undetermined
 * @cost   2d³ flops
 */
export function stackFactors(
  factors: PerKind<FactorState>,
  prior: Prior,
  hyperparameters: Hyperparameters,
): PrecisionFactor {
  const d = commonColumns(factors, prior);
  const r = new Float64Array(d * d);
  const z = new Float64Array(d);
  const precision = priorPrecision(prior, hyperparameters.alpha);
  for (let v = 0; v < d; v++) r[v * d + v] = Math.sqrt(precision[v]!);
  for (const kind of OBSERVATION_KINDS) {
    const factor = factors[kind];
    if (factor.count > 0) appendUpper(r, z, d, factor.r, factor.z, 1 / noiseOf(hyperparameters, kind));
  }
  const reciprocal = reciprocalCondition(r, d);
  if (!(reciprocal > SINGULAR_LIMIT)) {
    throw new NumericalError(
      'SINGULAR_PRECISION',
      `precision of the weights must be positive definite, got a reciprocal condition of ${reciprocal}; raise the prior precision or drop columns`,
      { reciprocalCondition: reciprocal, columns: d },
    );
  }
  return { r, z, route: 'qr' };
}

/** Gram matrices of the factors, made once and re-weighted for every trial of hyperparameters. */
export function normalEquationsOf(factors: PerKind<FactorState>, kernels?: LinearKernels): NormalEquations {
  const of = <T>(make: (state: FactorState) => T): PerKind<T | null> => ({
    energy: factors.energy.count > 0 ? make(factors.energy) : null,
    forces: factors.forces.count > 0 ? make(factors.forces) : null,
    virial: factors.virial.count > 0 ? make(factors.virial) : null,
  });
  return { gram: of((state) => gramOf(state, kernels)), cross: of(crossOf) };
}

/**
 * Precision factor by Cholesky of α Γ² + Σ β_t R_tᵀR_t, or null where the rule of `NORMAL_EQUATIONS_LIMIT` forbids it.
 * Nothing is ever added to the diagonal.
 *
 * @cost  d³/3 flops
 */
export function solveNormalEquations(
  equations: NormalEquations,
  prior: Prior,
  hyperparameters: Hyperparameters,
): PrecisionFactor | null {
  const d = prior.gamma.length;
  const p = new Float64Array(d * d);
  const right = new Float64Array(d);
  for (const kind of OBSERVATION_KINDS) {
    const gram = equations.gram[kind];
    const cross = equations.cross[kind];
    if (gram === null || cross === null) continue;
    const sigma = noiseOf(hyperparameters, kind);
    const beta = 1 / (sigma * sigma);
    for (let i = 0; i < d; i++) for (let k = i * d + i; k < (i + 1) * d; k++) p[k] = p[k]! + beta * gram[k]!;
    for (let i = 0; i < d; i++) right[i] = right[i]! + beta * cross[i]!;
  }
  const precision = priorPrecision(prior, hyperparameters.alpha);
  for (let v = 0; v < d; v++) p[v * d + v] = p[v * d + v]! + precision[v]!;
  let r: Float64Array;
  try {
    r = cholesky(p, d);
  } catch (error) {
    if (error instanceof NumericalError && error.code === 'NOT_POSITIVE_DEFINITE') return null;
    throw error;
  }
  if (!(reciprocalCondition(r, d) > NORMAL_EQUATIONS_LIMIT)) return null;
  return { r, z: solveUpperTransposed(r, d, right), route: 'cholesky' };
}
