import { InputError, NumericalError } from '../errors.ts';
import { dot } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { solveUpper, solveUpperTransposed } from '../numerics/triangular.ts';
import { crossOf, squaredResidual } from './factor.ts';
import { priorPrecision } from './prior.ts';
import { type FactorState, OBSERVATION_KINDS, type PerKind, type Prior } from './regression.ts';

/** Gram matrices and right-hand sides of a factor's rows, by kind; null for a kind without observations. */
export interface Moments {
  /** [d, d] XᵀX. */
  readonly gram: PerKind<Float64Array | null>;
  /** [d] Xᵀy. */
  readonly cross: PerKind<Float64Array | null>;
}

/** What decides a fit up to a common factor: noises relative to that of forces, and the prior. */
export interface RelativeNoise {
  /** α σ_F². */
  readonly stiffness: number;
  /** σ_E/σ_F, Å. */
  readonly energyToForce: number;
  /** σ_V/σ_F, Å. */
  readonly virialToForce: number;
}

/** Some columns, their prior and the settings to be tried on them. */
export interface SubsetTrial {
  /** [k] ascending columns of the factors. */
  readonly columns: Int32Array;
  /** Of those columns. */
  readonly prior: Prior;
  readonly noises: readonly RelativeNoise[];
}

/** Rows one by one, scaled as those of the factors. */
export interface ObservedRows {
  /** [m, d] row-major. */
  readonly rows: Float64Array;
  /** [m]. */
  readonly targets: Float64Array;
}

/** Rows and targets put together. */
export function observedRows(rows: readonly Float64Array[], targets: readonly number[]): ObservedRows {
  const all = new Float64Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return { rows: all, targets: Float64Array.from(targets) };
}

/** Rows of several parts, one after the other. */
export function joinRows(parts: readonly ObservedRows[]): ObservedRows {
  return observedRows(
    parts.map(({ rows }) => rows),
    parts.flatMap(({ targets }) => [...targets]),
  );
}

/** Errors of the scaled rows of a fold. */
export interface FoldErrors {
  /** Σ e² of each kind. */
  readonly squared: PerKind<number>;
  /** Σ |e| over the energies that were given one by one; 0 without. */
  readonly absoluteEnergy: number;
}

/** What is left out at a time: factors, and the rows of energies where absolute errors are wanted. */
export interface Fold extends PerKind<FactorState> {
  readonly energyRows?: ObservedRows | null;
}

const perKind = <T>(make: (kind: (typeof OBSERVATION_KINDS)[number]) => T): PerKind<T> => ({
  energy: make('energy'),
  forces: make('forces'),
  virial: make('virial'),
});

/** Moments of the observations of a factor per kind. @param kernels makes the Gram matrices; default the plain ones */
export function momentsOf(
  factors: PerKind<FactorState>,
  kernels: Pick<LinearKernels, 'gramUpper'> = plainKernels,
): Moments {
  return {
    gram: perKind((kind) =>
      factors[kind].count > 0 ? kernels.gramUpper(factors[kind].r, factors[kind].columns) : null,
    ),
    cross: perKind((kind) => (factors[kind].count > 0 ? crossOf(factors[kind]) : null)),
  };
}

function sumOf(a: Float64Array | null, b: Float64Array | null): Float64Array | null {
  if (a === null || b === null) return a ?? b;
  const sum = a.slice();
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + b[i]!;
  return sum;
}

/** Moments of the observations of two factors together. */
export function addMoments(a: Moments, b: Moments): Moments {
  return {
    gram: perKind((kind) => sumOf(a.gram[kind], b.gram[kind])),
    cross: perKind((kind) => sumOf(a.cross[kind], b.cross[kind])),
  };
}

const betaOf = (noise: RelativeNoise, kind: (typeof OBSERVATION_KINDS)[number]): number => {
  const ratio = kind === 'forces' ? 1 : kind === 'energy' ? noise.energyToForce : noise.virialToForce;
  if (!(ratio > 0) || !Number.isFinite(ratio))
    throw new InputError('BAD_NOISE', `noise of ${kind} relative to forces must be positive, got ${ratio}`, { kind });
  return 1 / (ratio * ratio);
};

/** The upper triangle of a Gram matrix of d columns for some of them. */
function pickedGram(gram: Float64Array | null, d: number, columns: Int32Array): Float64Array | null {
  if (gram === null) return null;
  const k = columns.length;
  const picked = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    const row = columns[i]! * d;
    for (let j = i; j < k; j++) picked[i * k + j] = gram[row + columns[j]!]!;
  }
  return picked;
}

/**
 * Squared errors of one fold's observations by the fit to all others, for subsets of the columns and settings of prior
 * and noise. The columns of the Gram matrices are picked, so no factor is made anew; the errors follow from the fold's
 * own factor, ‖R m − z‖² + residual. Normal equations serve a comparison: a setting under which they are singular to
 * working precision gets NaN.
 *
 * @param others   moments of the other folds, added up: a difference from those of all folds would leave nothing but
 *                 rounding of what the fold alone has seen
 * @param fold     factors of the fold
 * @param kernels  default the plain ones
 * @returns        [trials][noises]
 * @cost           k³/3 flops for each setting of a trial of k columns
 */
export function judgeFold(
  others: Moments,
  fold: Fold,
  trials: readonly SubsetTrial[],
  kernels: Pick<LinearKernels, 'cholesky'> = plainKernels,
): FoldErrors[][] {
  const d = fold.forces.columns;
  return trials.map(({ columns, prior, noises }) => {
    const k = columns.length;
    const grams = perKind((kind) => pickedGram(others.gram[kind], d, columns));
    return noises.map((noise) => {
      const p = new Float64Array(k * k);
      const right = new Float64Array(k);
      for (const kind of OBSERVATION_KINDS) {
        const gram = grams[kind];
        const cross = others.cross[kind];
        if (gram === null || cross === null) continue;
        const beta = betaOf(noise, kind);
        for (let at = 0; at < p.length; at++) p[at] = p[at]! + beta * gram[at]!;
        for (let i = 0; i < k; i++) right[i] = right[i]! + beta * cross[columns[i]!]!;
      }
      // Fixed precisions belong to noises in their units; relative to forces they differ by σ_F², which is of no account.
      const precision = priorPrecision(prior, noise.stiffness);
      for (let v = 0; v < k; v++) p[v * k + v] = p[v * k + v]! + precision[v]!;
      let mean: Float64Array;
      try {
        const r = kernels.cholesky(p, k);
        mean = solveUpper(r, k, solveUpperTransposed(r, k, right));
      } catch (error) {
        if (!(error instanceof NumericalError)) throw error;
        return { squared: perKind(() => Number.NaN), absoluteEnergy: Number.NaN };
      }
      const weights = new Float64Array(d);
      columns.forEach((c, i) => {
        weights[c] = mean[i]!;
      });
      return {
        squared: perKind((kind) => (fold[kind].count > 0 ? squaredResidual(fold[kind], weights) : 0)),
        absoluteEnergy: absoluteErrors(fold.energyRows ?? null, weights),
      };
    });
  });
}

function absoluteErrors(observed: ObservedRows | null, weights: Float64Array): number {
  if (observed === null) return 0;
  const { rows, targets } = observed;
  const d = weights.length;
  let sum = 0;
  for (let i = 0; i < targets.length; i++) sum += Math.abs(dot(rows, weights, d, i * d, 0) - targets[i]!);
  return sum;
}

/** Root mean square errors over all folds. @param counts observations of each kind */
export function rmseOf(folds: readonly FoldErrors[], counts: PerKind<number>): PerKind<number> {
  return perKind((kind) =>
    counts[kind] > 0
      ? Math.sqrt(folds.reduce((sum, { squared }) => sum + squared[kind], 0) / counts[kind])
      : Number.NaN,
  );
}
