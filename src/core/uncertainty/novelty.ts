import { InputError } from '../errors.ts';
import { cholesky } from '../numerics/cholesky.ts';
import { addScaled, dot, gram, requireLength } from '../numerics/dense.ts';
import { whitenRows } from '../numerics/triangular.ts';
import { kMeans } from './clusters.ts';
import { leadingSubspace } from './subspace.ts';

/** Changes of an invariant's direction or of ln ‖block‖ by less than this are no novelty. */
const RESOLUTION = 0.01;
/** Norms below this share of the training norm count as that. */
const NORM_FLOOR = 1e-12;
const MAX_CLUSTERS = 8;

/**
 * What environments a model was trained on. A row of invariants is described by the direction of each of its blocks
 * (body orders) and by ln of each block's norm; the directions are reduced to leading components and the length of the
 * rest. Distance is Mahalanobis to the nearest cluster with one pooled covariance. Plain data.
 */
export interface NoveltyModel {
  /** Number of invariants d. */
  readonly columns: number;
  /** Block b holds columns blocks[b] … blocks[b+1]−1. */
  readonly blocks: readonly number[];
  /** [d] factors that bring each invariant to its training size. */
  readonly columnFactors: Float64Array;
  /** [blocks] smallest norm of a scaled block. */
  readonly normFloors: Float64Array;
  /** [d] mean direction. */
  readonly mean: Float64Array;
  /** [components, d] orthonormal directions. */
  readonly directions: Float64Array;
  readonly components: number;
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
}

/** How rows become directions and log norms. */
interface Normalizer {
  readonly columns: number;
  readonly blocks: readonly number[];
  readonly columnFactors: Float64Array;
  readonly normFloors: Float64Array;
}

/** A Gaussian mixture of equal covariances over the channels, with the reduction that leads there. */
interface Reduced {
  readonly mean: Float64Array;
  readonly directions: Float64Array;
  readonly components: number;
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

function fitNormalizer(rows: Float64Array, n: number, d: number, blocks: readonly number[]): Normalizer {
  const size = new Float64Array(d);
  for (let i = 0; i < n; i++) for (let v = 0; v < d; v++) size[v]! += (rows[i * d + v]! * rows[i * d + v]!) / n;
  for (let v = 0; v < d; v++) size[v] = Math.sqrt(size[v]!);
  const overall = size.reduce((a, b) => Math.max(a, b), 0);
  const columnFactors = new Float64Array(d);
  const normFloors = new Float64Array(blocks.length - 1);
  for (let b = 0; b + 1 < blocks.length; b++) {
    const own = size.subarray(blocks[b]!, blocks[b + 1]!);
    const largest = own.reduce((x, y) => Math.max(x, y), 0);
    // An invariant that is (nearly) zero in training must stand out when it is not: its size is floored, not its value.
    const smallest = 1e-3 * (largest > 0 ? largest : overall);
    for (let v = blocks[b]!; v < blocks[b + 1]!; v++) columnFactors[v] = 1 / Math.max(size[v]!, smallest);
    normFloors[b] = NORM_FLOOR * Math.sqrt(own.length);
  }
  return { columns: d, blocks, columnFactors, normFloors };
}

/** Directions [n, d] and log norms [n, blocks] of rows. */
function normalize(
  model: Normalizer,
  rows: Float64Array,
  n: number,
): { directions: Float64Array; logNorms: Float64Array } {
  const { columns: d, blocks, columnFactors, normFloors } = model;
  const count = blocks.length - 1;
  const directions = new Float64Array(n * d);
  const logNorms = new Float64Array(n * count);
  for (let i = 0; i < n; i++) {
    for (let b = 0; b < count; b++) {
      let square = 0;
      for (let v = blocks[b]!; v < blocks[b + 1]!; v++) {
        const value = rows[i * d + v]! * columnFactors[v]!;
        directions[i * d + v] = value;
        square += value * value;
      }
      const norm = Math.sqrt(square);
      logNorms[i * count + b] = Math.log(Math.max(norm, normFloors[b]!));
      const factor = norm <= normFloors[b]! ? 0 : 1 / norm;
      for (let v = blocks[b]!; v < blocks[b + 1]!; v++) directions[i * d + v]! *= factor;
    }
  }
  return { directions, logNorms };
}

/** Channels [n, components + blocks] of rows and the length [n] of what the components leave. */
function reduce(
  reduced: Reduced,
  directions: Float64Array,
  logNorms: Float64Array,
  n: number,
): { channels: Float64Array; rest: Float64Array } {
  const { mean, components } = reduced;
  const d = mean.length;
  const blocks = logNorms.length / n;
  const q = components + blocks;
  const channels = new Float64Array(n * q);
  const rest = new Float64Array(n);
  const centered = new Float64Array(d);
  for (let i = 0; i < n; i++) {
    for (let v = 0; v < d; v++) centered[v] = directions[i * d + v]! - mean[v]!;
    for (let c = 0; c < components; c++) {
      const score = dot(reduced.directions, centered, d, c * d, 0);
      channels[i * q + c] = score;
      addScaled(-score, reduced.directions, centered, d, c * d, 0);
    }
    rest[i] = Math.sqrt(dot(centered, centered, d));
    for (let b = 0; b < blocks; b++) channels[i * q + components + b] = logNorms[i * blocks + b]!;
  }
  return { channels, rest };
}

/** Second moments of directions, from which those of any union of parts follow. */
interface Moments {
  readonly count: number;
  readonly sum: Float64Array;
  readonly square: Float64Array;
}

function momentsOf(directions: Float64Array, n: number, d: number): Moments {
  const sum = new Float64Array(d);
  for (let i = 0; i < n; i++) addScaled(1, directions, sum, d, i * d, 0);
  return { count: n, sum, square: gram(directions, n, d) };
}

function reductionOf(parts: readonly Moments[], d: number, maxComponents: number): Reduced {
  let count = 0;
  const mean = new Float64Array(d);
  const square = new Float64Array(d * d);
  for (const part of parts) {
    count += part.count;
    addScaled(1, part.sum, mean, d);
    addScaled(1, part.square, square, d * d);
  }
  for (let v = 0; v < d; v++) mean[v]! /= count;
  for (let v = 0; v < d; v++) addScaled(-count * mean[v]!, mean, square, d, 0, v * d);
  const components = Math.max(0, Math.min(maxComponents, count - 1, d));
  return { mean, components, directions: leadingSubspace(square, d, components) };
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
  chosen.forEach((i, k) => kept.set(rows.subarray(i * d, (i + 1) * d), k * d));
  return { kept, owners: chosen.map((i) => groups?.[i] ?? i) };
}

/** Row indices of each fold: whole groups together, groups dealt out in turn; single rows when all are of one group. */
function foldsOf(owners: readonly number[], folds: number): number[][] {
  const order = new Map<number, number>();
  for (const owner of owners) if (!order.has(owner)) order.set(owner, order.size);
  const single = order.size === 1;
  const count = Math.min(folds, single ? owners.length : order.size);
  const members: number[][] = Array.from({ length: count }, () => []);
  owners.forEach((owner, i) => members[(single ? i : order.get(owner)!) % count]!.push(i));
  return members;
}

/** Rows `indices` of an [n, d] matrix. */
function takeRows(rows: Float64Array, indices: readonly number[], d: number): Float64Array {
  const out = new Float64Array(indices.length * d);
  indices.forEach((i, k) => out.set(rows.subarray(i * d, (i + 1) * d), k * d));
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
  const { maxChannels = 24, factor = 1.5, quantile = 0.999, folds = 4, maxRows = 4000 } = options;
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
  const moments = members.map((own) => momentsOf(takeRows(directions, own, d), own.length, d));
  const reduceRows = (reduced: Reduced, indices: readonly number[]) =>
    reduce(reduced, takeRows(directions, indices, d), takeRows(logNorms, indices, blockCount), indices.length);
  const leftOut = members.map((own, fold) => {
    if (members.length < 2) return null;
    const others = members.flatMap((indices, f) => (f === fold ? [] : indices));
    const reduced = reductionOf(
      moments.filter((_, f) => f !== fold),
      d,
      maxComponents,
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

  const reduced = reductionOf(moments, d, maxComponents);
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
