import { InputError } from '../errors.ts';
import { cholesky } from '../numerics/cholesky.ts';
import { addScaled, gram, requireLength } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { whitenRows } from '../numerics/triangular.ts';
import { kMeans } from './clusters.ts';
import {
  fitNormalizer,
  momentsOf,
  type Normalizer,
  normalize,
  type Reduction,
  reduce,
  reductionOf,
} from './novelty-channels.ts';

/** Changes of an invariant's direction or of ln ‖block‖ by less than this are no novelty. */
const RESOLUTION = 0.01;
const MAX_CLUSTERS = 8;

/**
 * What environments a model was trained on. A row of invariants is described by the direction of each of its blocks
 * (body orders) and by ln of each block's norm; the directions are reduced to leading components and the length of the
 * rest. Distance is Mahalanobis to the nearest cluster with one pooled covariance. Plain data.
 */
export interface NoveltyModel extends Normalizer, Reduction {
  /** Root mean square, in left-out training rows, of the part of a direction beyond the components. */
  readonly residualScale: number;
  /** [q, q] upper-triangular U with UᵀU the covariance of (components, ln norms) within clusters. */
  readonly covarianceFactor: Float64Array;
  /** [clusters, q] centers over U. */
  readonly centers: Float64Array;
  /** Distance at the edge of the training set. */
  readonly threshold: number;
}

/** Settings of the fit. */
export interface NoveltyOptions {
  /** [n] structure of each row: whole structures are left out when the threshold is found (default: single rows). */
  readonly groups?: ArrayLike<number>;
  /** Largest number of channels (components and log norms). */
  readonly maxChannels?: number;
  /** The threshold is `factor` times the `quantile` of the distances of left-out rows. */
  readonly factor?: number;
  readonly quantile?: number;
  /** Parts into which the rows are split for leaving out. */
  readonly folds?: number;
  /** At most this many rows are used, evenly spaced. */
  readonly maxRows?: number;
  /** Makes Gram matrices and products; default plain. */
  readonly kernels?: Pick<LinearKernels, 'gram' | 'multiply'>;
}

function requireBlocks(blocks: readonly number[], d: number): void {
  const ascending = blocks.every((start, b) => Number.isInteger(start) && (b === 0 || start > blocks[b - 1]!));
  if (!(blocks.length >= 2 && blocks[0] === 0 && blocks.at(-1) === d && ascending)) {
    throw new InputError(
      'NOVELTY_BLOCKS',
      `blocks must ascend from 0 to the number of columns ${d}, got [${blocks.join(', ')}]`,
    );
  }
}

/** Share by which a correlation matrix of n rows is drawn towards the identity (oracle approximating shrinkage, Chen et al. 2010). */
function shrinkage(correlation: Float64Array, q: number, n: number): number {
  let square = 0;
  for (const value of correlation) square += value * value;
  const top = (1 - 2 / q) * square + q * q;
  const bottom = (n + 1 - 2 / q) * (square - q);
  return bottom > 0 ? Math.min(1, top / bottom) : 1;
}

/** Clusters of channels and the Cholesky factor of their pooled, shrunk covariance. */
function fitClusters(channels: Float64Array, n: number, q: number): { factor: Float64Array; centers: Float64Array } {
  const spread = (centers: Float64Array, assignment: Int32Array | null): Float64Array => {
    const deviations = channels.slice();
    for (let i = 0; i < n; i++) addScaled(-1, centers, deviations, q, (assignment?.[i] ?? 0) * q, i * q);
    const covariance = gram(deviations, n, q);
    for (let k = 0; k < q * q; k++) covariance[k]! /= n;
    return covariance;
  };
  const scaleOf = (covariance: Float64Array) =>
    Float64Array.from({ length: q }, (_, v) => Math.sqrt(covariance[v * q + v]! + RESOLUTION * RESOLUTION));
  const mean = new Float64Array(q);
  for (let i = 0; i < n; i++) addScaled(1 / n, channels, mean, q, i * q, 0);
  const overall = scaleOf(spread(mean, null));
  const standardized = channels.map((value, k) => value / overall[k % q]!);
  const count = Math.max(1, Math.min(MAX_CLUSTERS, Math.floor(n / (10 * q))));
  const clustering = kMeans(standardized, n, q, count);
  const centers = clustering.centers.map((value, k) => value * overall[k % q]!);
  const covariance = spread(centers, clustering.assignment);
  const scale = scaleOf(covariance);
  const correlation = covariance.map((value, k) => value / (scale[Math.floor(k / q)]! * scale[k % q]!));
  for (let v = 0; v < q; v++) correlation[v * q + v] = 1;
  const keep = 1 - shrinkage(correlation, q, n);
  // The floor of 1e-8 matters for channels that are exactly dependent.
  const shrunk = correlation.map(
    (value, k) => (k % (q + 1) === 0 ? 1 + 1e-8 : keep * value) * scale[Math.floor(k / q)]! * scale[k % q]!,
  );
  const factor = cholesky(shrunk, q);
  return { factor, centers: whitenRows(factor, q, centers, clustering.count) };
}

/** Distances to the nearest center, the rest counted as one more channel. */
function distancesTo(
  centers: Float64Array,
  factor: Float64Array,
  q: number,
  channels: Float64Array,
  rest: Float64Array,
  residualScale: number,
): Float64Array {
  const n = rest.length;
  const whitened = whitenRows(factor, q, channels, n);
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let least = Number.POSITIVE_INFINITY;
    for (let c = 0; c < centers.length; c += q) {
      let sum = 0;
      for (let v = 0; v < q; v++) {
        const difference = whitened[i * q + v]! - centers[c + v]!;
        sum += difference * difference;
      }
      least = sum < least || Number.isNaN(sum) ? sum : least;
    }
    const beyond = rest[i]! / residualScale;
    out[i] = Math.sqrt(least + beyond * beyond);
  }
  return out;
}

/** Rows with neighbours (not all zero), at most `maxRows` of them, evenly spaced, and their groups. */
function pickRows(rows: Float64Array, n: number, d: number, groups: ArrayLike<number> | undefined, maxRows: number) {
  const picked: number[] = [];
  for (let i = 0; i < n; i++) {
    let filled = false;
    for (let v = 0; v < d; v++) {
      const value = rows[i * d + v]!;
      if (!Number.isFinite(value)) {
        throw new InputError('NOVELTY_ROWS', `invariants must be finite, got ${value} in row ${i}, column ${v}`, {
          row: i,
          column: v,
        });
      }
      if (value !== 0) filled = true;
    }
    if (filled) picked.push(i);
  }
  const used = Math.min(picked.length, maxRows);
  const chosen = Array.from({ length: used }, (_, k) => picked[Math.floor((k * picked.length) / used)]!);
  const kept = new Float64Array(used * d);
  for (let k = 0; k < used; k++) kept.set(rows.subarray(chosen[k]! * d, (chosen[k]! + 1) * d), k * d);
  return { kept, owners: chosen.map((i) => groups?.[i] ?? i) };
}

/** Row indices of each fold: whole groups together, groups dealt out in turn; single rows when all are of one group. */
function foldsOf(owners: readonly number[], folds: number): number[][] {
  const order = new Map<number, number>();
  for (const owner of owners) if (!order.has(owner)) order.set(owner, order.size);
  const single = order.size === 1;
  const count = Math.min(folds, single ? owners.length : order.size);
  const members: number[][] = Array.from({ length: count }, () => []);
  owners.forEach((owner, i) => {
    members[(single ? i : order.get(owner)!) % count]!.push(i);
  });
  return members;
}

/** Rows `indices` of an [n, d] matrix. */
function takeRows(rows: Float64Array, indices: readonly number[], d: number): Float64Array {
  const out = new Float64Array(indices.length * d);
  for (let k = 0; k < indices.length; k++) out.set(rows.subarray(indices[k]! * d, (indices[k]! + 1) * d), k * d);
  return out;
}

/**
 * Learns what training environments look like. Stretched or lonely environments, whose invariants shrink until a
 * posterior variance sees nothing, stand out in the log norms; new kinds of environment in the directions. The threshold
 * is 1.5 × the 99.9 % quantile of the distances of training rows from models fitted without them (four folds), but at
 * least the √channels that a typical member of a cluster has.
 *
 * @param rows    [n, d] invariants of training atoms of one element, row-major
 * @param blocks  ascending column boundaries of the body orders, from 0 to d
 * @returns       null when no row has a neighbour
 * @throws        InputError `NOVELTY_BLOCKS`, `NOVELTY_ROWS` (a number that is not finite)
 * @cost          n d² + folds · 48 k d² flops with k ≤ 24 channels
 */
export function fitNovelty(
  rows: Float64Array,
  n: number,
  d: number,
  blocks: readonly number[],
  options: NoveltyOptions = {},
): NoveltyModel | null {
  const { maxChannels = 24, factor = 1.5, quantile = 0.999, folds = 4, maxRows = 4000, kernels } = options;
  requireLength('invariants', rows, n * d);
  requireBlocks(blocks, d);
  const { kept, owners } = pickRows(rows, n, d, options.groups, maxRows);
  const used = owners.length;
  if (used === 0) return null;
  const normalizer = fitNormalizer(kept, used, d, blocks);
  const { directions, logNorms } = normalize(normalizer, kept, used);
  const blockCount = blocks.length - 1;
  const maxComponents = Math.max(1, maxChannels - blockCount);

  const members = foldsOf(owners, folds);
  const moments = members.map((own) => momentsOf(takeRows(directions, own, d), own.length, d, kernels));
  const reduceRows = (reduced: Reduction, indices: readonly number[]) =>
    reduce(reduced, takeRows(directions, indices, d), takeRows(logNorms, indices, blockCount), indices.length);
  const leftOut = members.map((own, fold) => {
    if (members.length < 2) return null;
    const others = members.flatMap((indices, f) => (f === fold ? [] : indices));
    const reduced = reductionOf(
      moments.filter((_, f) => f !== fold),
      d,
      maxComponents,
      kernels,
    );
    const q = reduced.components + blockCount;
    return {
      q,
      clusters: fitClusters(reduceRows(reduced, others).channels, others.length, q),
      ...reduceRows(reduced, own),
    };
  });
  let square = 0;
  for (const part of leftOut) for (const value of part?.rest ?? []) square += (value * value) / used;
  const residualScale = Math.max(Math.sqrt(square), RESOLUTION);
  const distances = leftOut.flatMap((part) =>
    part === null
      ? []
      : [...distancesTo(part.clusters.centers, part.clusters.factor, part.q, part.channels, part.rest, residualScale)],
  );
  const sorted = Float64Array.from(distances).sort();
  const edge = sorted[Math.min(sorted.length - 1, Math.ceil(quantile * sorted.length) - 1)] ?? 0;

  const reduced = reductionOf(moments, d, maxComponents, kernels);
  const q = reduced.components + blockCount;
  const everything = reduceRows(reduced, [...owners.keys()]);
  const clusters = fitClusters(everything.channels, used, q);
  return {
    ...normalizer,
    blocks: [...blocks],
    ...reduced,
    residualScale,
    covarianceFactor: clusters.factor,
    centers: clusters.centers,
    threshold: Math.max(factor * edge, Math.sqrt(q + 1)),
  };
}

/**
 * Novelty of environments: distance over the threshold, 1 at the edge of the training set. ∞ for a row of zeros (no
 * neighbour within the cutoff), NaN for a row with NaN.
 *
 * @param rows  [n, d] invariants, row-major
 * @returns     [n]
 */
export function noveltyDistances(model: NoveltyModel, rows: Float64Array, n: number): Float64Array {
  const d = model.columns;
  requireLength('invariants', rows, n * d);
  const { directions, logNorms } = normalize(model, rows, n);
  const { channels, rest } = reduce(model, directions, logNorms, n);
  const q = model.components + model.blocks.length - 1;
  const out = distancesTo(model.centers, model.covarianceFactor, q, channels, rest, model.residualScale);
  for (let i = 0; i < n; i++) {
    let empty = true;
    for (let v = 0; v < d && empty; v++) empty = rows[i * d + v] === 0;
    out[i] = empty ? Number.POSITIVE_INFINITY : out[i]! / model.threshold;
  }
  return out;
}
