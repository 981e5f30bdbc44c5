import { InputError, NumericalError } from '../errors.ts';
import { reciprocalCondition } from '../numerics/condition.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { appendUpper } from '../numerics/qr.ts';
import { priorPrecision } from './prior.ts';
import { type FactorState, type Hyperparameters, OBSERVATION_KINDS, type PerKind, type Prior } from './regression.ts';

/** Below this reciprocal condition of the precision even orthogonal factorization leaves no correct digit. */
const SINGULAR_LIMIT = 1e-31;

/** Factor of the precision, P = RᵀR, and z with P·mean = Rᵀz. */
export interface PrecisionFactor {
  /** [d, d] upper triangular, row-major, diagonal > 0. */
  readonly r: Float64Array;
  /** [d]. */
  readonly z: Float64Array;
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
 * @param kernels  do the elimination; default plain
 * @throws NumericalError `SINGULAR_PRECISION` when data and prior leave a direction undetermined
 * @cost   2d³ flops
 */
export function stackFactors(
  factors: PerKind<FactorState>,
  prior: Prior,
  hyperparameters: Hyperparameters,
  kernels: LinearKernels = plainKernels,
): PrecisionFactor {
  const d = commonColumns(factors, prior);
  const r = new Float64Array(d * d);
  const z = new Float64Array(d);
  const precision = priorPrecision(prior, hyperparameters.alpha);
  for (let v = 0; v < d; v++) r[v * d + v] = Math.sqrt(precision[v]!);
  for (const kind of OBSERVATION_KINDS) {
    const factor = factors[kind];
    if (factor.count === 0) continue;
    appendUpper(r, z, d, factor.r, factor.z, 1 / noiseOf(hyperparameters, kind), kernels.eliminate);
  }
  const reciprocal = reciprocalCondition(r, d);
  if (!(reciprocal > SINGULAR_LIMIT)) {
    throw new NumericalError(
      'SINGULAR_PRECISION',
      `precision of the weights must be positive definite, got a reciprocal condition of ${reciprocal}; raise the prior precision or drop columns`,
      { reciprocalCondition: reciprocal, columns: d },
    );
  }
  return { r, z };
}
