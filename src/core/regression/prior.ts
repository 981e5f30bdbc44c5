import { InputError } from '../errors.ts';
import { median } from '../numerics/median.ts';
import type { Prior } from './regression.ts';

/**
 * Smoothness prior on columns scaled to unit root mean square: Γ_v = scale_v · smoothness_v / min smoothness, followed
 * by nuisance columns of fixed precision. A column of scale 0 takes the median scale: its weight stays 0 with a
 * finite variance.
 *
 * @param scales      [basis] root mean square of each basis column (over force rows), ≥ 0
 * @param smoothness  [basis] smoothness weights, > 0
 * @param nuisance    fixed precision of each column after the basis, ≥ 0 (0 = flat: the data alone must determine it)
 * @throws            InputError `BAD_PRIOR`
 */
export function smoothnessPrior(
  scales: ArrayLike<number>,
  smoothness: ArrayLike<number>,
  nuisance: readonly number[] = [],
): Prior {
  const basis = scales.length;
  if (smoothness.length !== basis) {
    throw new InputError(
      'BAD_PRIOR',
      `smoothness weights must be as many as columns (${basis}), got ${smoothness.length}`,
      {
        expected: basis,
        actual: smoothness.length,
      },
    );
  }
  const excited: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (let v = 0; v < basis; v++) {
    const scale = scales[v]!;
    const weight = smoothness[v]!;
    if (!(scale >= 0) || !Number.isFinite(scale))
      throw new InputError('BAD_PRIOR', `column scale must be finite and at least 0, got ${scale}`, {
        column: v,
        scale,
      });
    if (!(weight > 0) || !Number.isFinite(weight))
      throw new InputError('BAD_PRIOR', `smoothness weight must be finite and positive, got ${weight}`, {
        column: v,
        weight,
      });
    if (scale > 0) excited.push(scale);
    least = Math.min(least, weight);
  }
  const substitute = excited.length > 0 ? median(excited) : 1;
  const gamma = new Float64Array(basis + nuisance.length).fill(1);
  const fixed = new Float64Array(basis + nuisance.length).fill(Number.NaN);
  for (let v = 0; v < basis; v++) gamma[v] = ((scales[v]! > 0 ? scales[v]! : substitute) * smoothness[v]!) / least;
  nuisance.forEach((precision, k) => {
    if (!(precision >= 0) || !Number.isFinite(precision)) {
      throw new InputError('BAD_PRIOR', `fixed precision must be finite and at least 0, got ${precision}`, {
        column: basis + k,
        precision,
      });
    }
    fixed[basis + k] = precision;
  });
  return { gamma, fixed };
}

/** The same normal prior for every column scaled to unit root mean square; arguments as `smoothnessPrior`. */
export function isotropicPrior(scales: ArrayLike<number>, nuisance: readonly number[] = []): Prior {
  return smoothnessPrior(scales, new Float64Array(scales.length).fill(1), nuisance);
}

/** Prior precision of each column: α Γ_v², or its fixed value. @returns [d]  @throws InputError `BAD_PRIOR` */
export function priorPrecision(prior: Prior, alpha: number): Float64Array {
  if (!(alpha >= 0) || !Number.isFinite(alpha))
    throw new InputError('BAD_PRIOR', `prior precision alpha must be finite and at least 0, got ${alpha}`, { alpha });
  return prior.gamma.map((gamma, v) => (Number.isNaN(prior.fixed[v]!) ? alpha * gamma * gamma : prior.fixed[v]!));
}
