import { InputError } from '../errors.ts';
import { chiSquareQuantile } from '../numerics/special.ts';
import { RandomStream } from '../random.ts';
import type { AssessmentFrame } from './errors.ts';

/** Sums of one quantity per structure: the pooled mean is Σ totals / Σ counts. */
export interface StructureSums {
  /** [structures] Σ of the values (|e|, e²) of the structure. */
  readonly totals: Float64Array;
  /** [structures] number of values; 0 leaves the structure out. */
  readonly counts: Float64Array;
}

/**
 * Per structure |energy error| per atom, eV. An absent energy (error and sigma NaN) counts nothing; an error that is
 * NaN beside a sigma is a prediction that failed, and makes the whole mean NaN.
 */
export function energySums(frames: readonly AssessmentFrame[]): StructureSums {
  const absent = (frame: AssessmentFrame) => Number.isNaN(frame.energyError) && Number.isNaN(frame.energySigma);
  const counts = Float64Array.from(frames, (frame) => (absent(frame) ? 0 : 1));
  const totals = Float64Array.from(frames, (frame, s) =>
    counts[s] === 0 ? 0 : Math.abs(frame.energyError) / frame.atoms,
  );
  return { totals, counts };
}

/**
 * Per structure Σ of squared force errors, (eV/Å)², and their number. Components with a sigma of NaN (fixed by
 * symmetry) count; absent ones (error and sigma NaN) do not; an error that is NaN beside a sigma makes the mean NaN.
 */
export function forceSums(frames: readonly AssessmentFrame[]): StructureSums {
  const totals = new Float64Array(frames.length);
  const counts = new Float64Array(frames.length);
  frames.forEach((frame, s) => {
    let total = 0;
    let count = 0;
    for (let i = 0; i < frame.forceErrors.length; i++) {
      const error = frame.forceErrors[i]!;
      if (Number.isNaN(error) && Number.isNaN(frame.forceSigmas[i]!)) continue;
      total += error * error;
      count++;
    }
    totals[s] = total;
    counts[s] = count;
  });
  return { totals, counts };
}

/** Pooled mean Σ totals / Σ counts; NaN without values. */
export function pooledMean(sums: StructureSums): number {
  let total = 0;
  let count = 0;
  for (let s = 0; s < sums.totals.length; s++) {
    total += sums.totals[s]!;
    count += sums.counts[s]!;
  }
  return total / count;
}

function requireLevel(alpha: number): void {
  if (!(alpha > 0 && alpha < 1)) {
    throw new InputError('BOUND_LEVEL', `level of an upper bound must lie between 0 and 1, got ${alpha}`, { alpha });
  }
}

function requireResamples(resamples: number): void {
  if (!(Number.isInteger(resamples) && resamples >= 1)) {
    throw new InputError('RESAMPLES', `number of resamples must be a positive integer, got ${resamples}`, {
      resamples,
    });
  }
}

/**
 * Upper (1−α) percentile bounds of pooled means by resampling whole structures with replacement (the values inside a
 * structure are dependent). All quantities share the resamples. @returns one bound per entry of `quantities`
 */
export function bootstrapUpperBounds(
  quantities: readonly StructureSums[],
  alpha: number,
  options: { readonly seed: number; readonly resamples: number },
): number[] {
  requireLevel(alpha);
  requireResamples(options.resamples);
  const n = quantities[0]?.totals.length ?? 0;
  if (quantities.some((sums) => sums.totals.length !== n || sums.counts.length !== n)) {
    throw new InputError('STRUCTURE_SUMS', `all quantities must have the same number of structures (${n})`, { n });
  }
  if (n === 0) return quantities.map(() => Number.NaN);
  const stream = new RandomStream(options.seed, 'bootstrap', n, options.resamples);
  const means = quantities.map(() => new Float64Array(options.resamples));
  const drawn = new Int32Array(n);
  for (let b = 0; b < options.resamples; b++) {
    for (let k = 0; k < n; k++) drawn[k] = stream.integer(n);
    for (let q = 0; q < quantities.length; q++) {
      const { totals, counts } = quantities[q]!;
      let total = 0;
      let count = 0;
      for (let k = 0; k < n; k++) {
        total += totals[drawn[k]!]!;
        count += counts[drawn[k]!]!;
      }
      // A resample without any value says nothing: it counts as the worst.
      means[q]![b] = count > 0 ? total / count : Number.POSITIVE_INFINITY;
    }
  }
  const rank = Math.ceil((1 - alpha) * options.resamples) - 1;
  return means.map((values, q) => (Number.isFinite(pooledMean(quantities[q]!)) ? values.sort()[rank]! : Number.NaN));
}

/**
 * Factor by which n independent structures widen an RMSE at level α: √(n/χ²_{α,n}) (36 % at n = 20, 4 % at 1000 for
 * α = 0.05), exact for normal errors.
 */
export function wideningFactor(n: number, alpha = 0.05): number {
  requireLevel(alpha);
  if (!(n >= 1)) throw new InputError('STRUCTURE_COUNT', `number of structures must be at least 1, got ${n}`, { n });
  return Math.sqrt(n / chiSquareQuantile(alpha, n));
}

/** Upper bound rmse·√(n/χ²_{α,n}) of an RMSE over n independent values. */
export function chiSquareUpperBound(rmse: number, n: number, alpha = 0.05): number {
  return rmse * wideningFactor(n, alpha);
}

/** Point values of the errors and their upper bounds at one level. */
export interface ErrorBounds {
  /** Mean absolute energy error per atom, eV. */
  readonly energyMae: number;
  readonly energyMaeUpper: number;
  /** Root mean square force error over components, eV/Å. */
  readonly forceRmse: number;
  readonly forceRmseUpper: number;
  /** How the upper bounds were found. */
  readonly method: 'bootstrap' | 'chi-square';
}

/** Settings of the bounds. */
export interface BoundOptions {
  readonly seed: number;
  /** Least number of resamples; raised so that 20 of them lie above the bound. */
  readonly resamples?: number;
  /** Where that would need more resamples than this, the χ² bound is used. */
  readonly maxResamples?: number;
}

/**
 * Energy MAE per atom and force RMSE with upper bounds at level α: bootstrap over structures, where α·B ≥ 20 can be
 * had with B ≤ `maxResamples`, otherwise the χ² factor with one degree of freedom per structure. Values are NaN when no
 * frame has the label.
 */
export function boundErrors(frames: readonly AssessmentFrame[], alpha: number, options: BoundOptions): ErrorBounds {
  requireLevel(alpha);
  const { seed, resamples = 10_000, maxResamples = 100_000 } = options;
  requireResamples(resamples);
  const energies = energySums(frames);
  const forces = forceSums(frames);
  const energyMae = pooledMean(energies);
  const forceRmse = Math.sqrt(pooledMean(forces));
  const needed = Math.max(resamples, Math.ceil(20 / alpha));
  if (needed <= Math.max(resamples, maxResamples)) {
    const [energyUpper, forceUpper] = bootstrapUpperBounds([energies, forces], alpha, { seed, resamples: needed });
    const method = 'bootstrap';
    return { energyMae, energyMaeUpper: energyUpper!, forceRmse, forceRmseUpper: Math.sqrt(forceUpper!), method };
  }
  const withEnergy = energies.counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  const withForces = forces.counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  return {
    energyMae,
    energyMaeUpper: withEnergy === 0 ? Number.NaN : chiSquareUpperBound(energyMae, withEnergy, alpha),
    forceRmse,
    forceRmseUpper: withForces === 0 ? Number.NaN : chiSquareUpperBound(forceRmse, withForces, alpha),
    method: 'chi-square',
  };
}
