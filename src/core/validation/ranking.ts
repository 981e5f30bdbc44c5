import { InputError } from '../errors.ts';
import type { RandomStream } from '../random.ts';
import type { AssessmentFrame } from './errors.ts';

/** Sizes of errors beside the standard deviations that were claimed for them. */
export interface ErrorSizes {
  /** [n] |ΔF| of an atom, eV/Å; or |e| of any other quantity. */
  readonly sizes: Float64Array;
  /** [n] standard deviation of one of its components. */
  readonly sigmas: Float64Array;
  /** [n] how many independent components it has: 1, 2 or 3. */
  readonly components: Uint8Array;
}

/** |ΔF| of every atom over the components that symmetry leaves free, with the root mean square of their sigmas. */
export function atomForceErrors(frames: readonly AssessmentFrame[]): ErrorSizes {
  const sizes: number[] = [];
  const sigmas: number[] = [];
  const components: number[] = [];
  for (const { forceErrors, forceSigmas } of frames) {
    for (let i = 0; i < forceErrors.length; i += 3) {
      let square = 0;
      let variance = 0;
      let free = 0;
      for (let c = i; c < i + 3; c++) {
        const [error, sigma] = [forceErrors[c]!, forceSigmas[c]!];
        if (Number.isNaN(error) || Number.isNaN(sigma)) continue;
        square += error * error;
        variance += sigma * sigma;
        free++;
      }
      if (free === 0) continue;
      sizes.push(Math.sqrt(square));
      sigmas.push(Math.sqrt(variance / free));
      components.push(free);
    }
  }
  return {
    sizes: Float64Array.from(sizes),
    sigmas: Float64Array.from(sigmas),
    components: Uint8Array.from(components),
  };
}

/** [n] ranks from 1, the mean of their ranks for values that are equal. */
export function midRanks(values: ArrayLike<number>): Float64Array {
  const n = values.length;
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b);
  const ranks = new Float64Array(n);
  for (let from = 0; from < n; ) {
    let to = from + 1;
    while (to < n && values[order[to]!] === values[order[from]!]) to++;
    for (let k = from; k < to; k++) ranks[order[k]!] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
}

/** Spearman's rank correlation of two lists; NaN when either is constant. @throws InputError `RANK_COUNT` */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  if (b.length !== n) throw new InputError('RANK_COUNT', `lists must be of the same length, got ${n} and ${b.length}`);
  const [ranksA, ranksB] = [midRanks(a), midRanks(b)];
  const mean = (n + 1) / 2;
  let [product, squareA, squareB] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y] = [ranksA[i]! - mean, ranksB[i]! - mean];
    product += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return squareA === 0 || squareB === 0 ? Number.NaN : product / Math.sqrt(squareA * squareB);
}

/** Least number of draws that a ceiling is averaged over: it is then known to 0.01. */
const CEILING_DRAWS = 20_000;

/**
 * Rank correlation that perfect standard deviations would reach: errors are drawn from those claimed, since even a
 * perfect sigma says only from which distribution an error comes. Near 0 where sigma hardly varies.
 */
export function rankCeiling({ sigmas, components }: ErrorSizes, random: RandomStream): number {
  const n = sigmas.length;
  if (n < 2) return Number.NaN;
  const rounds = Math.max(1, Math.ceil(CEILING_DRAWS / n));
  const drawn = new Float64Array(n);
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < n; i++) {
      let square = 0;
      for (let c = 0; c < components[i]!; c++) {
        const z = random.normal();
        square += z * z;
      }
      drawn[i] = sigmas[i]! * Math.sqrt(square);
    }
    sum += rankCorrelation(sigmas, drawn);
  }
  return sum / rounds;
}

/** How well a score tells large errors from small ones. */
export interface Detection {
  /** An error is large when its size exceeds this. */
  readonly threshold: number;
  /** Number of large errors. */
  readonly positives: number;
  /** Probability that a large error has the larger score (area under the ROC curve); NaN without errors of both kinds. */
  readonly auroc: number;
}

/** Area under the ROC curve for errors above a threshold, by the ranks of the score (Mann–Whitney). */
export function detection(sizes: ArrayLike<number>, scores: ArrayLike<number>, threshold: number): Detection {
  const ranks = midRanks(scores);
  let positives = 0;
  let sum = 0;
  for (let i = 0; i < ranks.length; i++) {
    if (!(sizes[i]! > threshold)) continue;
    positives++;
    sum += ranks[i]!;
  }
  const negatives = ranks.length - positives;
  const auroc = (sum - (positives * (positives + 1)) / 2) / (positives * negatives);
  return { threshold, positives, auroc: positives === 0 || negatives === 0 ? Number.NaN : auroc };
}

/**
 * Share of the worst errors (a `worst` part of all, at least one) that stand among the `top` part with the largest score.
 * Equal scores count by the share of them that the top part holds. A score that knows nothing gets `top`.
 */
export function worstErrorsFound(sizes: ArrayLike<number>, scores: ArrayLike<number>, worst = 0.01, top = 0.1): number {
  const n = sizes.length;
  if (n === 0) return Number.NaN;
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  const worstOnes = order
    .slice()
    .sort((a, b) => sizes[b]! - sizes[a]! || a - b)
    .subarray(0, Math.max(1, Math.round(worst * n)));
  const size = Math.max(1, Math.round(top * n));
  const sorted = Float64Array.from(scores).sort();
  const edge = sorted[n - size]!;
  let above = 0;
  let equal = 0;
  for (let i = 0; i < n; i++) {
    if (scores[i]! > edge) above++;
    else if (scores[i] === edge) equal++;
  }
  let found = 0;
  for (const i of worstOnes) {
    if (scores[i]! > edge) found++;
    else if (scores[i] === edge) found += (size - above) / equal;
  }
  return found / worstOnes.length;
}

/** Thresholds of |ΔF|, eV/Å, above which an error is large. */
export const LARGE_FORCE_ERRORS = [0.3, 1] as const;

/** How well error bars rank errors. */
export interface Ranking {
  readonly count: number;
  /** Spearman's ρ of |error| and sigma, and what a perfect sigma with this spread would reach. */
  readonly rankCorrelation: number;
  readonly ceiling: number;
  /** 90th over 10th percentile of sigma: where it is near 1 there is nothing to rank by. */
  readonly spread: number;
  readonly detections: readonly Detection[];
  /** Share of the worst 1 % of errors in the top 10 % of sigma. */
  readonly worstFound: number;
}

/** All ranking figures. @param thresholds sizes above which an error is large */
export function reportRanking(errors: ErrorSizes, thresholds: readonly number[], random: RandomStream): Ranking {
  const { sizes, sigmas } = errors;
  const n = sizes.length;
  const sorted = sigmas.slice().sort();
  return {
    count: n,
    rankCorrelation: n < 2 ? Number.NaN : rankCorrelation(sizes, sigmas),
    ceiling: rankCeiling(errors, random),
    spread: n === 0 ? Number.NaN : sorted[Math.floor(0.9 * (n - 1))]! / sorted[Math.floor(0.1 * (n - 1))]!,
    detections: thresholds.map((threshold) => detection(sizes, sigmas, threshold)),
    worstFound: worstErrorsFound(sizes, sigmas),
  };
}
