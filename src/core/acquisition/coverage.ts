import { InputError } from '../errors.ts';
import { cholesky, logDeterminant } from '../numerics/cholesky.ts';
import { whitenRows } from '../numerics/triangular.ts';
import type { FeatureRows } from './acquisition.ts';
import { pickedRows } from './pool.ts';

/** Part of the mean variance that is added to a covariance so that it can be inverted. */
const REGULARISATION = 1e-6;
/** On the diagonal of a kernel matrix, so that structures that are the same leave a number. */
const KERNEL_JITTER = 1e-10;

/** Two structures and how far apart they are. */
export interface Apart {
  readonly distance: number;
  readonly from: number;
  readonly to: number;
}

/** Euclidean distance of row i of one matrix to row j of another of the same columns. */
export function featureDistance(a: FeatureRows, i: number, b: FeatureRows, j: number): number {
  const { columns } = a;
  let sum = 0;
  for (let v = 0; v < columns; v++) {
    const difference = a.rows[i * columns + v]! - b.rows[j * columns + v]!;
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}

function requireSameColumns(a: FeatureRows, b: FeatureRows): void {
  if (a.columns !== b.columns)
    throw new InputError('FEATURES_SHAPE', `features must have the same columns, got ${a.columns} and ${b.columns}`);
}

/**
 * [from.count] Distance of each row to the nearest row of another set, and which that is; ∞ and −1 for an empty set.
 * @cost from · to · columns
 */
export function nearestOf(from: FeatureRows, to: FeatureRows): { distances: Float64Array; nearest: Int32Array } {
  requireSameColumns(from, to);
  const distances = new Float64Array(from.count).fill(Number.POSITIVE_INFINITY);
  const nearest = new Int32Array(from.count).fill(-1);
  for (let i = 0; i < from.count; i++) {
    for (let j = 0; j < to.count; j++) {
      const distance = featureDistance(from, i, to, j);
      if (distance < distances[i]!) {
        distances[i] = distance;
        nearest[i] = j;
      }
    }
  }
  return { distances, nearest };
}

/**
 * Directed Hausdorff distance h(from → to) = max_i min_j |from_i − to_j|: how far the worst covered structure is from what
 * covers it; of a pool to the labelled structures it is the covering (k-centre) radius. Null where either set is empty.
 */
export function directedHausdorff(from: FeatureRows, to: FeatureRows): Apart | null {
  if (from.count === 0 || to.count === 0) return null;
  const { distances, nearest } = nearestOf(from, to);
  let worst = 0;
  for (let i = 1; i < from.count; i++) if (distances[i]! > distances[worst]!) worst = i;
  return { distance: distances[worst]!, from: worst, to: nearest[worst]! };
}

/** The two closest rows of a set; null with fewer than two. */
export function closestPair(features: FeatureRows): Apart | null {
  let found: Apart | null = null;
  for (let i = 1; i < features.count; i++) {
    for (let j = 0; j < i; j++) {
      const distance = featureDistance(features, i, features, j);
      if (found === null || distance < found.distance) found = { distance, from: j, to: i };
    }
  }
  return found;
}

/** Gaussian kernel matrix exp(−|x_i − x_j|²/2ℓ²). @param length ℓ, unit of the features  @returns [n, n] */
export function gaussianKernel(features: FeatureRows, length: number): Float64Array {
  if (!(length > 0)) throw new InputError('KERNEL_LENGTH', `length of the kernel must be positive, got ${length}`);
  const { count } = features;
  const k = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      const x = featureDistance(features, i, features, j) / length;
      k[i * count + j] = Math.exp(-0.5 * x * x);
      k[j * count + i] = k[i * count + j]!;
    }
  }
  return k;
}

/**
 * ln det(K + jitter) of a kernel matrix: 0 for structures that have nothing in common, falling without bound as two become
 * the same.
 * @param jitter on the diagonal, by default 0  @throws NumericalError `NOT_POSITIVE_DEFINITE`
 */
export function logDetKernel(k: Float64Array, n: number, jitter = 0): number {
  const a = k.slice();
  for (let i = 0; i < n; i++) a[i * n + i] = a[i * n + i]! + jitter;
  return logDeterminant(cholesky(a, n), n);
}

/** Mean distance of a row to the nearest other one: the length on which structures of a set differ. 0 with fewer than two. */
export function typicalDistance(features: FeatureRows): number {
  const { count } = features;
  if (count < 2) return 0;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let least = Number.POSITIVE_INFINITY;
    for (let j = 0; j < count; j++) if (j !== i) least = Math.min(least, featureDistance(features, i, features, j));
    sum += least / count;
  }
  return sum;
}

/** Rows whitened by the covariance of a set, so that |Δ| is the Mahalanobis distance and no unit or scale matters. */
export interface FeatureWhitening {
  /** Whitened rows of any set of the same columns. */
  whiten(features: FeatureRows): FeatureRows;
}

/**
 * Whitening by the regularised covariance of a set, C + (10⁻⁶ tr C/q) 1 of standardised columns.
 * @throws InputError `FEATURES_SHAPE` for an empty set
 */
export function whiteningOf(features: FeatureRows): FeatureWhitening {
  const { rows, count, columns: q } = features;
  if (count === 0) throw new InputError('FEATURES_SHAPE', 'features must have at least one row to whiten by, got none');
  const mean = new Float64Array(q);
  const scale = new Float64Array(q);
  for (let i = 0; i < count; i++) for (let v = 0; v < q; v++) mean[v] = mean[v]! + rows[i * q + v]! / count;
  for (let i = 0; i < count; i++) {
    for (let v = 0; v < q; v++) {
      const difference = rows[i * q + v]! - mean[v]!;
      scale[v] = scale[v]! + (difference * difference) / count;
    }
  }
  for (let v = 0; v < q; v++) {
    const spread = Math.sqrt(scale[v]!);
    scale[v] = spread > 1e-12 * Math.abs(mean[v]!) ? 1 / spread : 0;
  }
  const centred = (set: FeatureRows): Float64Array => {
    const out = new Float64Array(set.count * q);
    for (let i = 0; i < set.count; i++) {
      for (let v = 0; v < q; v++) out[i * q + v] = (set.rows[i * q + v]! - mean[v]!) * scale[v]!;
    }
    return out;
  };
  const x = centred(features);
  const covariance = new Float64Array(q * q);
  for (let i = 0; i < count; i++) {
    for (let v = 0; v < q; v++) {
      const value = x[i * q + v]! / count;
      if (value === 0) continue;
      for (let w = 0; w <= v; w++) covariance[v * q + w] = covariance[v * q + w]! + value * x[i * q + w]!;
    }
  }
  let trace = 0;
  for (let v = 0; v < q; v++) trace += covariance[v * q + v]!;
  const floor = trace > 0 ? (REGULARISATION * trace) / q : 1;
  for (let v = 0; v < q; v++) {
    covariance[v * q + v] = covariance[v * q + v]! + floor;
    for (let w = 0; w < v; w++) covariance[w * q + v] = covariance[v * q + w]!;
  }
  const r = cholesky(covariance, q);
  return { whiten: (set) => ({ rows: whitenRows(r, q, centred(set), set.count), count: set.count, columns: q }) };
}

/** How well labelled structures cover a pool and how different they are; structures by their index. */
export interface CoverageFigures {
  /** Directed Hausdorff distance of the pool to the labelled structures: the covering radius. */
  readonly poolToLabelled: Apart | null;
  /** The other way: what is labelled and looks like nothing in the pool. */
  readonly labelledToPool: Apart | null;
  /** Mean distance of a structure of the pool to the nearest labelled one. */
  readonly meanDistance: number;
  /** The two labelled structures closest to each other. */
  readonly closestLabelled: Apart | null;
  /** ln det of the Gaussian kernel of the labelled structures, of the given length. */
  readonly logDetKernel: number;
}

/**
 * Figures of coverage and diversity.
 * @param length of the kernel, unit of the features
 */
export function coverageFigures(pool: FeatureRows, labelled: FeatureRows, length: number): CoverageFigures {
  const { distances } = nearestOf(pool, labelled);
  const n = labelled.count;
  return {
    poolToLabelled: directedHausdorff(pool, labelled),
    labelledToPool: directedHausdorff(labelled, pool),
    meanDistance: distances.reduce((sum, value) => sum + value, 0) / Math.max(1, pool.count),
    closestLabelled: closestPair(labelled),
    logDetKernel: n === 0 ? 0 : logDetKernel(gaussianKernel(labelled, length), n, KERNEL_JITTER),
  };
}

/** `coverageFigures` of the part of each group that has structures in the pool, by name; indices are those of the whole. */
export function coverageByGroup(
  pool: FeatureRows,
  poolGroups: readonly string[],
  labelled: FeatureRows,
  labelledGroups: readonly string[],
  length: number,
): Readonly<Record<string, CoverageFigures>> {
  const result: Record<string, CoverageFigures> = {};
  for (const group of [...new Set(poolGroups)].sort()) {
    const [from, to] = [membersOf(poolGroups, group), membersOf(labelledGroups, group)];
    const whole = (apart: Apart | null, a: readonly number[], b: readonly number[]): Apart | null =>
      apart && { distance: apart.distance, from: a[apart.from]!, to: b[apart.to]! };
    const figures = coverageFigures(pickedRows(pool, from), pickedRows(labelled, to), length);
    result[group] = {
      ...figures,
      poolToLabelled: whole(figures.poolToLabelled, from, to),
      labelledToPool: whole(figures.labelledToPool, to, from),
      closestLabelled: whole(figures.closestLabelled, to, to),
    };
  }
  return result;
}

function membersOf(groups: readonly string[], group: string): number[] {
  return [...groups.keys()].filter((i) => groups[i] === group);
}
