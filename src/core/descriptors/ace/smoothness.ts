import type { AceBasis, AceFunction } from './basis.ts';

/** Power and widths of the smoothness prior. */
export interface SmoothnessPrior {
  /** p ≥ 0; 0 makes all functions of an order alike. */
  readonly power: number;
  readonly radialWidth: number;
  readonly angularWidth: number;
}

/** Fourth power, w_n = 1, w_l = 2/3. */
export const DEFAULT_SMOOTHNESS: SmoothnessPrior = { power: 4, radialWidth: 1, angularWidth: 2 / 3 };

/**
 * Relative stiffness of the prior of one function: higher n and l, thus rougher functions, are expected to have smaller
 * coefficients.
 *
 *   γ = Σ_t (n_t/w_n)^p + (l_t/w_l)^p
 */
export function functionSmoothness(
  fn: Pick<AceFunction, 'ns' | 'ls'>,
  prior: SmoothnessPrior = DEFAULT_SMOOTHNESS,
): number {
  const { power } = prior;
  const raise = (x: number): number => {
    if (power === 4) return x * x * x * x;
    if (power === 0) return 1;
    return x === 0 ? 0 : Math.exp(power * Math.log(x));
  };
  return fn.ns.reduce((sum, n, t) => sum + raise(n / prior.radialWidth) + raise(fn.ls[t]! / prior.angularWidth), 0);
}

/** [d] stiffness of every column, divided by the smallest one; those of a second density are as those of the first. */
export function basisSmoothness(basis: AceBasis, prior: SmoothnessPrior = DEFAULT_SMOOTHNESS): Float64Array {
  const densities = basis.second === undefined ? 1 : 2;
  const functions = Array.from({ length: densities }, () => basis.functions.flat()).flat();
  const gamma = Float64Array.from(functions, (fn) => functionSmoothness(fn, prior));
  const smallest = gamma.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  return gamma.map((value) => value / smallest);
}
