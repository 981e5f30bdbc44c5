import { InputError } from '../errors.ts';
import { addScaled } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { median } from '../numerics/median.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import type { RandomStream } from '../random.ts';
import { type ShiftMoments, type Shifts, squaresWithout } from './moments.ts';
import { axisCoordinates, type PrincipalRoot } from './principal-root.ts';

/**
 * Median leverage of some rows: POPS takes the rows above it. Rows of small leverage h are fitted only by changes of order
 * 1/h, which are not what the model would ever do.
 */
export function leverageThreshold(leverages: readonly Float64Array[]): number {
  return median(Float64Array.from(leverages.flatMap((values) => [...values])));
}

/**
 * POPS: for each row the smallest change of the weights, in the metric of the posterior, that fits it exactly,
 * δw = S xᵀ e/h; in the coordinates of the posterior u e/h, h = ‖u‖² (Swinburne & Perez 2025). Rows with h up to
 * `threshold` are left out.
 *
 * @param u         [m, d] rows over their noise, times R⁻¹
 * @param e         [m] residuals of the fit over the same noise
 * @param leverages [m] ‖u‖²
 * @returns         [count, d]
 */
export function pointwiseShifts(
  u: Float64Array,
  e: Float64Array,
  leverages: Float64Array,
  d: number,
  threshold: number,
): Shifts {
  const chosen = [...leverages.keys()].filter((i) => leverages[i]! > threshold);
  const shifts = new Float64Array(chosen.length * d);
  for (const [k, i] of chosen.entries()) addScaled(e[i]! / leverages[i]!, u, shifts, d, i * d, k * d);
  return { count: chosen.length, shifts };
}

/** Mean of δw δwᵀ over the rows in the coordinates of the posterior: the second moment, not centred. @returns [d, d] */
export function popsCovariance({ count, square }: ShiftMoments): Float64Array {
  return count === 0 ? square : square.map((value) => value / count);
}

/**
 * POPS variances of rows by the rows of other structures: their own shifts are dropped, and the rows are those of the fit
 * without them. The shifts of others are kept as they are.
 *
 * @param moments  of all structures
 * @param own      shifts of the structure that the rows belong to
 * @param deleted  [m, d] Ũ of `deleteRows`
 * @returns        [m]
 * @cost           2 m d² flops
 */
export function leftOutPops(
  moments: ShiftMoments,
  own: Shifts,
  deleted: Float64Array,
  m: number,
  kernels: LinearKernels = plainKernels,
): Float64Array {
  const n = moments.count - own.count;
  if (n === 0) return new Float64Array(m);
  return squaresWithout(moments, own, deleted, m, kernels).map((value) => value / n);
}

/** Box that holds the changes of the weights along the axes of a root, in standard deviations of each axis. */
export interface ShiftBox {
  /** [rank] */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** The box of no changes: what any other is joined to. */
export function emptyBox(rank: number): ShiftBox {
  return {
    lower: new Float64Array(rank).fill(Number.POSITIVE_INFINITY),
    upper: new Float64Array(rank).fill(Number.NEGATIVE_INFINITY),
  };
}

/** The box that also holds some more changes. @param shifts [m, d] in the coordinates of the posterior */
export function widenBox(
  box: ShiftBox,
  root: PrincipalRoot,
  d: number,
  shifts: Float64Array,
  m: number,
  kernels: LinearKernels = plainKernels,
): ShiftBox {
  const { rank } = root;
  const z = axisCoordinates(root, d, shifts, m, kernels);
  const lower = box.lower.slice();
  const upper = box.upper.slice();
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < rank; k++) {
      lower[k] = Math.min(lower[k]!, z[i * rank + k]!);
      upper[k] = Math.max(upper[k]!, z[i * rank + k]!);
    }
  }
  return { lower, upper };
}

/**
 * Ensemble of weights drawn uniformly from the box of the pointwise shifts along their principal axes: the smallest and the
 * largest value of a propagated quantity over the members are its envelope. The ensemble's variance is no error bar.
 *
 * @param root [d, rank] A of the form's covariance, columns along the axes
 * @returns    [members, d] weights
 * @throws     InputError `POPS_BOX` when the box is of another rank or of no changes
 */
export function popsEnsemble(
  mean: Float64Array,
  root: Float64Array,
  box: ShiftBox,
  members: number,
  random: RandomStream,
): Float64Array {
  const d = mean.length;
  const rank = box.lower.length;
  if (root.length !== d * rank || box.upper.length !== rank || box.lower.some((low, k) => !(low <= box.upper[k]!)))
    throw new InputError('POPS_BOX', `box must hold changes along ${root.length / d} axes, got ${rank}`, { rank });
  const out = new Float64Array(members * d);
  const z = new Float64Array(rank);
  for (let k = 0; k < members; k++) {
    for (let a = 0; a < rank; a++) z[a] = box.lower[a]! + (box.upper[a]! - box.lower[a]!) * random.uniform();
    for (let v = 0; v < d; v++) {
      let sum = mean[v]!;
      for (let a = 0; a < rank; a++) sum += root[v * rank + a]! * z[a]!;
      out[k * d + v] = sum;
    }
  }
  return out;
}
