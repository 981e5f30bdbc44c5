import { InputError } from '../errors.ts';

/**
 * Split-conformal quantile: the ⌈(n+1)(1−α)⌉-th smallest of n scores, ∞ when n is smaller than that. Intervals of that
 * many standard deviations cover a new exchangeable case with probability at least 1 − α. The scores must be of a random
 * sample of the target distribution.
 *
 * @throws InputError `CONFORMAL_LEVEL` unless 0 < alpha < 1, `CONFORMAL_SCORE` when a score is NaN
 */
export function conformalQuantile(scores: ArrayLike<number>, alpha: number): number {
  if (!(alpha > 0 && alpha < 1)) {
    throw new InputError('CONFORMAL_LEVEL', `alpha must lie between 0 and 1, got ${alpha}`, { alpha });
  }
  const sorted = Float64Array.from(scores).sort();
  const n = sorted.length;
  if (Number.isNaN(sorted[n - 1])) throw new InputError('CONFORMAL_SCORE', 'conformal scores must be numbers, got NaN');
  // The product is exact only in decimals: 10·0.7 must count as 7.
  const rank = Math.ceil((n + 1) * (1 - alpha) - 1e-9);
  return rank > n ? Number.POSITIVE_INFINITY : sorted[Math.max(rank, 1) - 1]!;
}

/**
 * One score per structure: the largest |z| of its components, which depend on each other. NaN components are left out,
 * and so are structures without any component.
 *
 * @param residuals  [n] standardized residuals
 * @param structures [n] index of the structure of each
 */
export function structureScores(residuals: ArrayLike<number>, structures: ArrayLike<number>): Float64Array {
  const largest = new Map<number, number>();
  for (let i = 0; i < residuals.length; i++) {
    const size = Math.abs(residuals[i]!);
    if (Number.isNaN(size)) continue;
    const structure = structures[i]!;
    largest.set(structure, Math.max(size, largest.get(structure) ?? 0));
  }
  return Float64Array.from(
    [...largest.keys()].sort((a, b) => a - b),
    (structure) => largest.get(structure)!,
  );
}
