import { InputError } from '../errors.ts';
import { logGamma } from '../numerics/special.ts';

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

/** ln of the binomial coefficient. */
const logChoose = (n: number, k: number): number => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
const logBeta = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b);

/**
 * Band of the share of new cases that a split-conformal interval covers: of m exchangeable cases it covers a beta-binomial
 * number, BetaBin(m, k, n + 1 − k) with k = ⌈(n + 1)(1 − α)⌉, whatever the scores (Angelopoulos & Bates 2023). The central
 * `confidence` of that distribution; [1, 1] where n is too small for the level and the interval is infinite.
 *
 * @param calibrated number of scores n the quantile was taken from
 * @param judged     number of new cases m
 * @throws           InputError `CONFORMAL_LEVEL`, `CONFORMAL_COUNT`
 */
export function conformalBand(
  calibrated: number,
  judged: number,
  alpha: number,
  confidence = 0.95,
): readonly [low: number, high: number] {
  if (!(alpha > 0 && alpha < 1))
    throw new InputError('CONFORMAL_LEVEL', `alpha must lie between 0 and 1, got ${alpha}`, { alpha });
  if (!(Number.isInteger(calibrated) && calibrated >= 1 && Number.isInteger(judged) && judged >= 1)) {
    throw new InputError(
      'CONFORMAL_COUNT',
      `calibrated and judged cases must be positive integers, got ${calibrated} and ${judged}`,
    );
  }
  const k = Math.ceil((calibrated + 1) * (1 - alpha) - 1e-9);
  const rest = calibrated + 1 - k;
  if (rest <= 0) return [1, 1];
  const tail = (1 - confidence) / 2;
  let [sum, low, high] = [0, 0, judged];
  for (let inside = 0; inside <= judged; inside++) {
    const before = sum;
    sum += Math.exp(logChoose(judged, inside) + logBeta(inside + k, judged - inside + rest) - logBeta(k, rest));
    if (before <= tail) low = inside;
    if (sum >= 1 - tail) {
      high = inside;
      break;
    }
  }
  return [low / judged, high / judged];
}
