import { InputError, NumericalError } from '../errors.ts';
import { dot } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { solveUpper, solveUpperTransposed } from '../numerics/triangular.ts';
import { crossOf } from './factor.ts';
import type { Allocation, PackedFactor } from './packed.ts';
import { packedLength, packedResidual, packedRow, packUpper, unpackFactor } from './packed.ts';
import { priorPrecision } from './prior.ts';
import { OBSERVATION_KINDS, type ObservationKind, type PerKind, type Prior } from './regression.ts';

/** Gram matrices and right-hand sides of a factor's rows, by kind; null for a kind without observations. */
export interface Moments {
  /** [d (d + 1)/2] upper triangle of XᵀX, row by row. */
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

/** Rows and targets put together. @param allocate makes the array of the rows; default memory of its own */
export function observedRows(
  rows: readonly Float64Array[],
  targets: readonly number[],
  allocate: Allocation = (length) => new Float64Array(length),
): ObservedRows {
  const all = allocate(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return { rows: all, targets: Float64Array.from(targets) };
}

/** Rows of several parts, one after the other. @param allocate makes the array of the rows; default memory of its own */
export function joinRows(parts: readonly ObservedRows[], allocate?: Allocation): ObservedRows {
  return observedRows(
    parts.map(({ rows }) => rows),
    parts.flatMap(({ targets }) => [...targets]),
    allocate,
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
export interface Fold extends PerKind<PackedFactor> {
  readonly energyRows?: ObservedRows | null;
}

const perKind = <T>(make: (kind: (typeof OBSERVATION_KINDS)[number]) => T): PerKind<T> => ({
  energy: make('energy'),
  forces: make('forces'),
  virial: make('virial'),
});

/** Moments of one kind. */
interface KindMoments {
  readonly gram: Float64Array;
  readonly cross: Float64Array;
}

function kindMoments(packed: PackedFactor, kernels: Pick<LinearKernels, 'gramUpper'>): KindMoments {
  const state = unpackFactor(packed);
  return { gram: packUpper(kernels.gramUpper(state.r, state.columns), state.columns), cross: crossOf(state) };
}

function addTo(sum: Float64Array, term: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + term[i]!;
}

/**
 * For every fold the moments of all the others. Each fold is taken up once and added to the sums of the others, so that
 * besides those sums only one matrix is held.
 *
 * @param kernels   makes the Gram matrices; default the plain ones
 * @param allocate  makes the arrays of Gram matrices; default memory of their own
 * @cost            d³/3 flops for each fold and kind
 */
export function momentsOfOthers(
  folds: readonly PerKind<PackedFactor>[],
  kernels: Pick<LinearKernels, 'gramUpper'> = plainKernels,
  allocate: Allocation = (length) => new Float64Array(length),
): Moments[] {
  const empty = { energy: null, forces: null, virial: null };
  const sums = folds.map(() => ({
    gram: { ...empty } as Record<ObservationKind, Float64Array | null>,
    cross: { ...empty } as Record<ObservationKind, Float64Array | null>,
  }));
  folds.forEach((fold, own) => {
    for (const kind of OBSERVATION_KINDS) {
      if (fold[kind].count === 0) continue;
      const d = fold[kind].columns;
      const { gram, cross } = kindMoments(fold[kind], kernels);
      sums.forEach((sum, k) => {
        if (k === own) return;
        sum.gram[kind] ??= allocate(packedLength(d));
        sum.cross[kind] ??= new Float64Array(d);
        addTo(sum.gram[kind], gram);
        addTo(sum.cross[kind], cross);
      });
    }
  });
  return sums;
}

const betaOf = (noise: RelativeNoise, kind: (typeof OBSERVATION_KINDS)[number]): number => {
  const ratio = kind === 'forces' ? 1 : kind === 'energy' ? noise.energyToForce : noise.virialToForce;
  if (!(ratio > 0) || !Number.isFinite(ratio))
    throw new InputError('BAD_NOISE', `noise of ${kind} relative to forces must be positive, got ${ratio}`, { kind });
  return 1 / (ratio * ratio);
};

/** Adds β times the upper triangle of some columns of a packed Gram matrix of d columns to p. @param p [k, k] */
function addPicked(gram: Float64Array, beta: number, d: number, columns: Int32Array, p: Float64Array): void {
  const k = columns.length;
  for (let i = 0; i < k; i++) {
    const row = packedRow(columns[i]!, d);
    for (let j = i; j < k; j++) p[i * k + j] = p[i * k + j]! + beta * gram[row + columns[j]!]!;
  }
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
    return noises.map((noise) => {
      const p = new Float64Array(k * k);
      const right = new Float64Array(k);
      for (const kind of OBSERVATION_KINDS) {
        const gram = others.gram[kind];
        const cross = others.cross[kind];
        if (gram === null || cross === null) continue;
        const beta = betaOf(noise, kind);
        addPicked(gram, beta, d, columns, p);
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
        squared: perKind((kind) => (fold[kind].count > 0 ? packedResidual(fold[kind], weights) : 0)),
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
