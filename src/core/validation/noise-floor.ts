import { RandomStream } from '../random.ts';
import { expectedCalibrationError, expectedNormalizedCalibrationError } from './calibration.ts';

/** What calibration figures show for error bars that are exactly right, by chance alone. */
export interface NoiseFloor {
  /** Number of independent values: structures, not force components. */
  readonly structures: number;
  /** Mean of the figure over simulated sets, and the value that one set in twenty exceeds. */
  readonly ece: { readonly mean: number; readonly high: number };
  readonly ence: { readonly mean: number; readonly high: number };
  /** Root mean square of z: the interval that holds nine sets in ten. */
  readonly rmsResidual: { readonly low: number; readonly high: number };
}

/** Number of simulated sets. */
const SETS = 200;

const quantile = (sorted: Float64Array, p: number): number => sorted[Math.round(p * (sorted.length - 1))]!;

/**
 * Noise floor of a set of error bars, by simulation: every structure counts once, with one of its sigmas drawn anew for
 * each set and an error drawn from it. Errors inside a structure depend on each other, so counting components would
 * promise a floor that honest error bars do not reach.
 *
 * @param sigmas [n] standard deviations; NaN is left out
 * @param owners [n] structure of each
 */
export function noiseFloor(sigmas: ArrayLike<number>, owners: ArrayLike<number>, seed = 0): NoiseFloor {
  const byStructure = new Map<number, number[]>();
  for (let i = 0; i < sigmas.length; i++) {
    if (Number.isNaN(sigmas[i]!)) continue;
    const list = byStructure.get(owners[i]!);
    if (list === undefined) byStructure.set(owners[i]!, [sigmas[i]!]);
    else list.push(sigmas[i]!);
  }
  const lists = [...byStructure.values()];
  const n = lists.length;
  const ece = new Float64Array(SETS);
  const ence = new Float64Array(SETS);
  const rms = new Float64Array(SETS);
  for (let set = 0; set < SETS; set++) {
    const random = new RandomStream(seed, 'noise floor', set);
    const z = new Float64Array(n);
    const chosen = new Float64Array(n);
    for (let s = 0; s < n; s++) {
      chosen[s] = lists[s]![random.integer(lists[s]!.length)]!;
      z[s] = random.normal();
    }
    ece[set] = expectedCalibrationError(z);
    ence[set] = expectedNormalizedCalibrationError(
      z.map((value, s) => value * chosen[s]!),
      chosen,
      Math.min(10, Math.max(1, n)),
    );
    rms[set] = Math.sqrt(z.reduce((sum, value) => sum + value * value, 0) / n);
  }
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / SETS;
  for (const values of [ece, ence, rms]) values.sort();
  return {
    structures: n,
    ece: { mean: mean(ece), high: quantile(ece, 0.95) },
    ence: { mean: mean(ence), high: quantile(ence, 0.95) },
    rmsResidual: { low: quantile(rms, 0.05), high: quantile(rms, 0.95) },
  };
}
