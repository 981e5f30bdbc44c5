import { InputError } from '../errors.ts';

/** Below this many labels ratios are those of chance. */
export const FIRST_LABELS = 20;
/** A random curve that falls by less than this share over its last three quarters says nothing of labels saved. */
export const LEAST_FALL = 0.1;

/** An error against labels (or atoms): both of the same length, the former ascending. */
export interface ErrorCurve {
  readonly at: readonly number[];
  readonly error: readonly number[];
}

/**
 * Nearest non-increasing sequence in least squares of the logarithms (pool adjacent violators): an error cannot truly
 * grow with labels, so a rise is chance and is shared with its neighbours.
 */
export function monotoneErrors(errors: readonly number[]): number[] {
  const blocks: { sum: number; count: number }[] = [];
  for (const error of errors) {
    if (!(error > 0)) throw new InputError('CURVE', `errors of a learning curve must be positive, got ${error}`);
    blocks.push({ sum: Math.log(error), count: 1 });
    while (blocks.length > 1) {
      const last = blocks.at(-1)!;
      const before = blocks.at(-2)!;
      if (last.sum / last.count <= before.sum / before.count) break;
      before.sum += last.sum;
      before.count += last.count;
      blocks.pop();
    }
  }
  return blocks.flatMap(({ sum, count }) => new Array<number>(count).fill(Math.exp(sum / count)));
}

/** Geometric mean of curves on the same grid. @throws InputError `CURVE` for none, or another grid */
export function meanCurve(curves: readonly ErrorCurve[]): ErrorCurve {
  const [first] = curves;
  if (first === undefined) throw new InputError('CURVE', 'curves to be averaged must be at least one, got none');
  for (const { at } of curves) requireSameLength(first.at.length, at.length);
  const mean = (values: (curve: ErrorCurve) => readonly number[], k: number): number =>
    Math.exp(curves.reduce((sum, curve) => sum + Math.log(values(curve)[k]!), 0) / curves.length);
  return {
    at: first.at.map((_, k) => mean(({ at }) => at, k)),
    error: first.at.map((_, k) => mean(({ error }) => error, k)),
  };
}

function requireSameLength(expected: number, actual: number): void {
  if (expected !== actual)
    throw new InputError('CURVE', `curves must have the same points (${expected}), got ${actual}`);
}

/** Errors over those of a yardstick at equal numbers of labels. */
export interface EqualLabels {
  /** Geometric mean, and the largest. */
  readonly mean: number;
  readonly worst: number;
}

/**
 * Ratio of errors at equal labels, from `FIRST_LABELS` on (or at the last point where a curve is shorter).
 * @param labels [points] of both curves
 */
export function ratioAtEqualLabels(
  labels: readonly number[],
  errors: readonly number[],
  yardstick: readonly number[],
): EqualLabels {
  requireSameLength(labels.length, errors.length);
  requireSameLength(labels.length, yardstick.length);
  let sum = 0;
  let count = 0;
  let worst = 0;
  for (const [k, n] of labels.entries()) {
    if (n < FIRST_LABELS && k < labels.length - 1) continue;
    const ratio = errors[k]! / yardstick[k]!;
    sum += Math.log(ratio);
    count++;
    worst = Math.max(worst, ratio);
  }
  return { mean: Math.exp(sum / count), worst };
}

/** Value of a curve at x, linear in the logarithms between its points, its ends beyond them. */
function errorAt({ at, error }: ErrorCurve, x: number): number {
  const k = at.findIndex((value) => value >= x);
  if (k === 0) return error[0]!;
  if (k < 0) return error.at(-1)!;
  const share = Math.log(x / at[k - 1]!) / Math.log(at[k]! / at[k - 1]!);
  return error[k - 1]! * Math.exp(share * Math.log(error[k]! / error[k - 1]!));
}

/** Share by which a monotone curve falls from a quarter of its labels to its end. */
export function fallOverLastThreeQuarters(curve: ErrorCurve): number {
  const monotone = { at: curve.at, error: monotoneErrors(curve.error) };
  return 1 - monotone.error.at(-1)! / errorAt(monotone, monotone.at.at(-1)! / 4);
}

/** Where a monotone curve first comes down to `target`, linear in the logarithms; ∞ where it does not. */
export function firstReaching(curve: ErrorCurve, target: number): number {
  const { at } = curve;
  const error = monotoneErrors(curve.error);
  const k = error.findIndex((value) => value <= target);
  if (k < 0) return Number.POSITIVE_INFINITY;
  if (k === 0 || error[k] === error[k - 1]) return at[k]!;
  const share = Math.log(target / error[k - 1]!) / Math.log(error[k]! / error[k - 1]!);
  return at[k - 1]! * Math.exp(share * Math.log(at[k]! / at[k - 1]!));
}

/**
 * Labels (or atoms) to the final error of the yardstick over those that the yardstick had by then; null where the
 * yardstick hardly falls any more ("saturated"), ∞ where the curve does not get there.
 */
export function savings(curve: ErrorCurve, yardstick: ErrorCurve): number | null {
  if (fallOverLastThreeQuarters(yardstick) < LEAST_FALL) return null;
  return firstReaching(curve, monotoneErrors(yardstick.error).at(-1)!) / yardstick.at.at(-1)!;
}
