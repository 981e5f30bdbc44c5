import { InputError } from '../errors.ts';

/** Feature vectors as a matrix. */
export interface FeatureMatrix {
  /** [count, columns] row-major. */
  readonly rows: Float64Array;
  readonly count: number;
  readonly columns: number;
}

/** Rows in the order in which they were chosen. */
export interface FarthestPoints {
  /** [k] row indices. */
  readonly order: Int32Array;
  /** [k] distance of each to those before it; Infinity for a first one without any. */
  readonly distances: Float64Array;
  /** Largest distance of a row that was not chosen to its nearest chosen one; 0 when all are. */
  readonly radius: number;
}

/** The matrix with every column divided by its standard deviation; constant columns become 0. Leaves the input alone. */
export function standardizedColumns(features: FeatureMatrix): FeatureMatrix {
  const { rows, count, columns } = features;
  const scaled = new Float64Array(rows.length);
  for (let c = 0; c < columns; c++) {
    let mean = 0;
    for (let i = 0; i < count; i++) mean += rows[i * columns + c]! / count;
    let variance = 0;
    for (let i = 0; i < count; i++) {
      const d = rows[i * columns + c]! - mean;
      variance += (d * d) / count;
    }
    // A spread at the level of rounding is none.
    const spread = Math.sqrt(variance);
    const scale = spread > 1e-12 * Math.abs(mean) ? 1 / spread : 0;
    for (let i = 0; i < count; i++) scaled[i * columns + c] = scale === 0 ? 0 : (rows[i * columns + c]! - mean) * scale;
  }
  return { rows: scaled, count, columns };
}

/** Lowers `nearest` [count] to the squared distances to row `chosen`. */
function approach(features: FeatureMatrix, chosen: number, nearest: Float64Array): void {
  const { rows, count, columns } = features;
  for (let i = 0; i < count; i++) {
    let square = 0;
    for (let c = 0; c < columns; c++) {
      const d = rows[i * columns + c]! - rows[chosen * columns + c]!;
      square += d * d;
    }
    if (square < nearest[i]!) nearest[i] = square;
  }
}

/**
 * Farthest-point sampling: each choice is the row farthest from all rows chosen before it (Euclidean). The covering radius
 * is at most twice that of the best k rows. Ties go to the lowest index: deterministic.
 *
 * @param k      number of rows to choose, at most the number of rows that are not in `chosen`
 * @param chosen rows taken as chosen already, not returned; without any the first choice is row `first`
 * @param first  index of the first row; by default the one nearest to the mean of all, so that the centre is covered before the rim
 * @throws InputError `FEATURES_SHAPE`, `FEATURES_NOT_FINITE` or `COUNT_RANGE`
 * @see Gonzalez, Theor. Comput. Sci. 38, 293 (1985)
 */
export function farthestPoints(
  features: FeatureMatrix,
  k: number,
  chosen: readonly number[] = [],
  first: number = nearestToMean(features),
): FarthestPoints {
  const { rows, count, columns } = features;
  if (rows.length !== count * columns) {
    const message = `features must hold ${count} × ${columns} numbers, got ${rows.length}`;
    throw new InputError('FEATURES_SHAPE', message, { count, columns, length: rows.length });
  }
  if (!rows.every(Number.isFinite)) {
    const row = Math.floor(rows.findIndex((x) => !Number.isFinite(x)) / columns);
    throw new InputError('FEATURES_NOT_FINITE', `features must be finite, got something else in row ${row}`, { row });
  }
  const isTaken = new Uint8Array(count);
  for (const index of chosen) isTaken[index] = 1;
  const free = isTaken.reduce((sum, taken) => sum + 1 - taken, 0);
  if (!Number.isInteger(k) || k < 0 || k > free) {
    throw new InputError('COUNT_RANGE', `number of points must be an integer from 0 to ${free}, got ${k}`, { k, free });
  }
  const nearest = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  for (const index of chosen) approach(features, index, nearest);
  const order = new Int32Array(k);
  const distances = new Float64Array(k);
  for (let p = 0; p < k; p++) {
    let best = p === 0 && chosen.length === 0 ? first : -1;
    if (best < 0) {
      for (let i = 0; i < count; i++) if (isTaken[i] === 0 && (best < 0 || nearest[i]! > nearest[best]!)) best = i;
    }
    order[p] = best;
    distances[p] = Math.sqrt(nearest[best]!);
    isTaken[best] = 1;
    approach(features, best, nearest);
  }
  let radius = 0;
  for (let i = 0; i < count; i++) if (isTaken[i] === 0) radius = Math.max(radius, Math.sqrt(nearest[i]!));
  return { order, distances, radius };
}

/** Index of the row nearest to the mean of all rows, the lowest of equals; 0 without rows. */
function nearestToMean(features: FeatureMatrix): number {
  const { rows, count, columns } = features;
  const mean = new Float64Array(columns);
  for (let i = 0; i < count; i++) for (let c = 0; c < columns; c++) mean[c]! += rows[i * columns + c]! / count;
  let best = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    let square = 0;
    for (let c = 0; c < columns; c++) {
      const d = rows[i * columns + c]! - mean[c]!;
      square += d * d;
    }
    if (square < smallest) [best, smallest] = [i, square];
  }
  return best;
}
