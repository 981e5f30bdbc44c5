import { NumericalError } from '../errors.ts';
import { logDeterminant } from '../numerics/cholesky.ts';
import { reciprocalCondition } from '../numerics/condition.ts';
import { addScaled, squaredNorm } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { solveUpperTransposed } from '../numerics/triangular.ts';
import { crossOf } from './factor.ts';
import { commonColumns, noiseOf, type PrecisionFactor, stackFactors } from './precision.ts';
import { type FactorState, type Hyperparameters, OBSERVATION_KINDS, type PerKind, type Prior } from './regression.ts';

/**
 * In the columns as they are, normal equations are used only where the reciprocal condition of the scaled precision
 * exceeds this, which is a condition below 10⁶ of the whitened rows; otherwise orthogonal factorization.
 */
export const NORMAL_EQUATIONS_LIMIT = 1e-12;

/** In whitened coordinates the limit is stricter, since others are at hand: nine digits stay. */
export const WHITENED_LIMIT = 1e-7;

/**
 * A problem in coordinates u = R₀ w of its weights w, with Gram matrices from which the precision of u at any
 * hyperparameters is summed. R₀ is the factor of the precision at a reference point, where the precision of u is the
 * identity; at others its condition is at most the ratio of the largest to the smallest change of α and the 1/σ².
 */
export interface Coordinates {
  /** Where the precision is the identity; null: the coordinates are the weights, R₀ = 1. */
  readonly reference: Hyperparameters | null;
  /** R₀ and z₀ = R₀ m of the posterior mean m at the reference. */
  readonly base: PrecisionFactor;
  /** ln det R₀ᵀR₀. */
  readonly logDeterminant: number;
  /** Factors F_t = R_t R₀⁻¹ of each kind. */
  readonly factors: PerKind<FactorState>;
  /** Rows of each F_t that hold anything: few for a kind of few observations. */
  readonly rows: PerKind<Int32Array>;
  /** [d, d] F_tᵀF_t, null for a kind without observations. */
  readonly grams: PerKind<Float64Array | null>;
  /** [d] F_tᵀz_t, likewise. */
  readonly crosses: PerKind<Float64Array | null>;
  /** [d, d] Γ R₀⁻¹, its rows zero where α does not rule. */
  readonly prior: Float64Array;
  /** Its other rows. */
  readonly priorRows: Int32Array;
  /** [d, d] Gram matrix of `prior`. */
  readonly priorGram: Float64Array;
  /** [k, d] rows √p_v (R₀⁻¹)_v of the k columns of fixed precision p_v > 0. */
  readonly fixed: Float64Array;
}

/** The precision of u at some hyperparameters, P = RᵀR (null: the identity), and its mean. */
export interface CoordinatePrecision {
  readonly r: Float64Array | null;
  /** R u of the posterior mean u. */
  readonly z: Float64Array;
}

const perKind = <T>(make: (kind: (typeof OBSERVATION_KINDS)[number]) => T): PerKind<T> => ({
  energy: make('energy'),
  forces: make('forces'),
  virial: make('virial'),
});

/** Below this share of its rows a triangle is cheaper to treat as a rectangle: 2md² against 2d³/3 flops. */
const FEW_ROWS = 1 / 3;

/** Indices of the rows of an upper triangle that hold anything. */
function rowsWithin(f: Float64Array, d: number): Int32Array {
  const filled: number[] = [];
  for (let i = 0; i < d; i++) {
    for (let k = i * d + i; k < (i + 1) * d; k++) {
      if (f[k] === 0) continue;
      filled.push(i);
      break;
    }
  }
  return Int32Array.from(filled);
}

function gathered(f: Float64Array, d: number, rows: Int32Array): Float64Array {
  const block = new Float64Array(rows.length * d);
  rows.forEach((i, k) => {
    block.set(f.subarray(i * d, (i + 1) * d), k * d);
  });
  return block;
}

/** FᵀF of an upper triangle that holds something in some of its rows. */
function gramOfRows(f: Float64Array, d: number, rows: Int32Array, kernels: LinearKernels): Float64Array {
  if (rows.length >= FEW_ROWS * d) return kernels.gramUpper(f, d);
  return kernels.gram(gathered(f, d, rows), rows.length, d);
}

/** F R⁻¹ of such a triangle. */
function whitenFilled(
  r: Float64Array,
  f: Float64Array,
  d: number,
  rows: Int32Array,
  kernels: LinearKernels,
): Float64Array {
  if (rows.length >= FEW_ROWS * d) return kernels.whitenUpper(r, d, f);
  const block = kernels.whitenRows(r, d, gathered(f, d, rows), rows.length);
  const whitened = new Float64Array(d * d);
  rows.forEach((i, k) => {
    whitened.set(block.subarray(k * d, (k + 1) * d), i * d);
  });
  return whitened;
}

/** (F R⁻¹)ᵀ(F R⁻¹) of such a triangle. @cost 2d³/3 flops or, for m rows that hold anything, 2md² */
export function whitenedGramOfRows(
  r: Float64Array,
  f: Float64Array,
  d: number,
  rows: Int32Array,
  kernels: LinearKernels,
): Float64Array {
  if (rows.length >= FEW_ROWS * d) return kernels.whitenedGram(r, d, f);
  return kernels.gram(kernels.whitenRows(r, d, gathered(f, d, rows), rows.length), rows.length, d);
}

function coordinatesOf(
  factors: PerKind<FactorState>,
  prior: Prior,
  reference: Hyperparameters | null,
  base: PrecisionFactor,
  inverse: Float64Array,
  kernels: LinearKernels,
): Coordinates {
  const d = prior.gamma.length;
  const governed = new Float64Array(d * d);
  const held: number[] = [];
  for (let v = 0; v < d; v++) {
    if (Number.isNaN(prior.fixed[v]!)) {
      for (let k = v * d + v; k < (v + 1) * d; k++) governed[k] = prior.gamma[v]! * inverse[k]!;
    } else if (prior.fixed[v]! > 0) held.push(v);
  }
  const fixed = new Float64Array(held.length * d);
  const rows = perKind((kind) => rowsWithin(factors[kind].r, d));
  const priorRows = rowsWithin(governed, d);
  for (const [i, v] of held.entries()) addScaled(Math.sqrt(prior.fixed[v]!), inverse, fixed, d, v * d, i * d);
  return {
    reference,
    base,
    logDeterminant: logDeterminant(base.r, d),
    factors,
    rows,
    grams: perKind((kind) => (factors[kind].count > 0 ? gramOfRows(factors[kind].r, d, rows[kind], kernels) : null)),
    crosses: perKind((kind) => (factors[kind].count > 0 ? crossOf(factors[kind]) : null)),
    prior: governed,
    priorRows,
    priorGram: gramOfRows(governed, d, priorRows, kernels),
    fixed,
  };
}

/**
 * Coordinates in which the precision at `reference` is the identity.
 *
 * @param kernels  default plain
 * @throws         NumericalError `SINGULAR_PRECISION`; InputError `COLUMNS_DIFFER`, `BAD_NOISE`, `BAD_PRIOR`
 * @cost           5d³ flops
 */
export function whitenedCoordinates(
  factors: PerKind<FactorState>,
  prior: Prior,
  reference: Hyperparameters,
  kernels: LinearKernels = plainKernels,
): Coordinates {
  const d = commonColumns(factors, prior);
  const base = stackFactors(factors, prior, reference, kernels);
  const whitened = perKind((kind) => {
    const { r, count } = factors[kind];
    return count === 0 ? factors[kind] : { ...factors[kind], r: whitenFilled(base.r, r, d, rowsWithin(r, d), kernels) };
  });
  return coordinatesOf(whitened, prior, reference, base, kernels.invertUpper(base.r, d), kernels);
}

/**
 * The weights themselves as coordinates: plain normal equations.
 *
 * @param kernels  default plain
 * @throws         InputError `COLUMNS_DIFFER`
 * @cost           4d³/3 flops
 */
export function plainCoordinates(
  factors: PerKind<FactorState>,
  prior: Prior,
  kernels: LinearKernels = plainKernels,
): Coordinates {
  const d = commonColumns(factors, prior);
  const identity = new Float64Array(d * d);
  for (let i = 0; i < d; i++) identity[i * d + i] = 1;
  return coordinatesOf(factors, prior, null, { r: identity, z: new Float64Array(d) }, identity, kernels);
}

/** Bound of the condition of the precision of u by how far α and the 1/σ² are from the reference. */
function conditionBound(coordinates: Coordinates, reference: Hyperparameters, at: Hyperparameters): number {
  const changes = OBSERVATION_KINDS.filter((kind) => coordinates.grams[kind] !== null).map((kind) => {
    const ratio = reference.noise[kind] / at.noise[kind];
    return ratio * ratio;
  });
  if (coordinates.fixed.length > 0) changes.push(1);
  if (squaredNorm(coordinates.prior) > 0) changes.push(at.alpha / reference.alpha);
  return Math.max(...changes) / Math.min(...changes);
}

/** Whether two sets of hyperparameters are the same where these coordinates have observations. */
function isReference({ reference, grams }: Coordinates, at: Hyperparameters): boolean {
  return (
    reference !== null &&
    at.alpha === reference.alpha &&
    OBSERVATION_KINDS.every((kind) => grams[kind] === null || at.noise[kind] === reference.noise[kind])
  );
}

/**
 * Precision of u by Cholesky of α G_Γ + Σ β_t F_tᵀF_t + the fixed part, or null where its condition costs too many
 * digits (`NORMAL_EQUATIONS_LIMIT`, `WHITENED_LIMIT`): then other coordinates are wanted. Nothing is ever added to the
 * diagonal.
 *
 * @param kernels  default plain
 * @throws         InputError `BAD_NOISE`
 * @cost           d³/3 flops
 */
export function solveNormalEquations(
  coordinates: Coordinates,
  at: Hyperparameters,
  kernels: LinearKernels = plainKernels,
): CoordinatePrecision | null {
  if (isReference(coordinates, at)) return { r: null, z: coordinates.base.z };
  const d = coordinates.base.z.length;
  const p = new Float64Array(d * d);
  const right = new Float64Array(d);
  const add = (scale: number, gram: Float64Array) => {
    for (let i = 0; i < d; i++) for (let k = i * d + i; k < (i + 1) * d; k++) p[k] = p[k]! + scale * gram[k]!;
  };
  for (const kind of OBSERVATION_KINDS) {
    const gram = coordinates.grams[kind];
    const cross = coordinates.crosses[kind];
    if (gram === null || cross === null) continue;
    const sigma = noiseOf(at, kind);
    add(1 / (sigma * sigma), gram);
    addScaled(1 / (sigma * sigma), cross, right);
  }
  add(at.alpha, coordinates.priorGram);
  const { fixed } = coordinates;
  for (let row = 0; row < fixed.length; row += d) {
    for (let i = 0; i < d; i++) {
      const x = fixed[row + i]!;
      if (x !== 0) for (let j = i; j < d; j++) p[i * d + j] = p[i * d + j]! + x * fixed[row + j]!;
    }
  }
  let r: Float64Array;
  try {
    r = kernels.cholesky(p, d);
  } catch (error) {
    if (error instanceof NumericalError && error.code === 'NOT_POSITIVE_DEFINITE') return null;
    throw error;
  }
  const { reference } = coordinates;
  const limit = reference === null ? NORMAL_EQUATIONS_LIMIT : WHITENED_LIMIT;
  const safe = reference !== null && conditionBound(coordinates, reference, at) < 1 / WHITENED_LIMIT;
  if (!safe && !(reciprocalCondition(r, d) > limit)) return null;
  return { r, z: solveUpperTransposed(r, d, right) };
}
