import { addScaled, dot } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { leadingSubspace } from './subspace.ts';

/** Norms below this share of the training norm count as that. */
const NORM_FLOOR = 1e-12;
/** Invariants smaller than this share of the largest of their block count as that size. */
const SIZE_FLOOR = 1e-6;

/** How rows of invariants become directions (unit length per block) and log norms. */
export interface Normalizer {
  /** Number of invariants d. */
  readonly columns: number;
  /** Block b (a body order) holds columns blocks[b] … blocks[b+1]−1. */
  readonly blocks: readonly number[];
  /** [d] factors that bring each invariant to its training size. */
  readonly columnFactors: Float64Array;
  /** [blocks] smallest norm of a scaled block. */
  readonly normFloors: Float64Array;
}

/** How directions become few numbers. */
export interface Reduction {
  /** [d] mean direction. */
  readonly mean: Float64Array;
  /** [components, d] orthonormal directions of largest spread. */
  readonly directions: Float64Array;
  readonly components: number;
}

/** Sizes of the invariants in training rows, floored in every block. @param rows [n, d] row-major */
export function fitNormalizer(rows: Float64Array, n: number, d: number, blocks: readonly number[]): Normalizer {
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
    const smallest = SIZE_FLOOR * (largest > 0 ? largest : overall);
    for (let v = blocks[b]!; v < blocks[b + 1]!; v++) columnFactors[v] = 1 / Math.max(size[v]!, smallest);
    normFloors[b] = NORM_FLOOR * Math.sqrt(own.length);
  }
  return { columns: d, blocks, columnFactors, normFloors };
}

/** Directions [n, d] and log norms [n, blocks] of rows. */
export function normalize(
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
export function reduce(
  reduced: Reduction,
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
export interface Moments {
  readonly count: number;
  readonly sum: Float64Array;
  readonly square: Float64Array;
}

/**
 * Moments of directions.
 *
 * @param directions  [n, d] row-major
 * @param kernels     makes the Gram matrix; default plain
 * @cost              n d² flops
 */
export function momentsOf(
  directions: Float64Array,
  n: number,
  d: number,
  kernels: Pick<LinearKernels, 'gram'> = plainKernels,
): Moments {
  const sum = new Float64Array(d);
  for (let i = 0; i < n; i++) addScaled(1, directions, sum, d, i * d, 0);
  return { count: n, sum, square: kernels.gram(directions, n, d) };
}

/**
 * Mean and leading components of the union of some parts; at most one component less than rows.
 *
 * @param kernels  multiply; default plain
 * @cost           48 k d² flops
 */
export function reductionOf(
  parts: readonly Moments[],
  d: number,
  maxComponents: number,
  kernels?: Pick<LinearKernels, 'multiply'>,
): Reduction {
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
  return { mean, components, directions: leadingSubspace(square, d, components, kernels) };
}
