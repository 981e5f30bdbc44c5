import { InputError } from '../errors.ts';
import { normalQuantile } from '../numerics/special.ts';

/** A group with fewer structures than this borrows from its neighbours. */
export const LEAST_STRUCTURES = 10;

/** Standardised residuals with the structure and the group of each. */
export interface GroupedResiduals {
  /** [n] e/σ; NaN is left out. */
  readonly residuals: ArrayLike<number>;
  /** [n] */
  readonly structures: ArrayLike<number>;
  /** [n] group, 0 … groups − 1. */
  readonly groups: ArrayLike<number>;
}

/** Multipliers of a standard deviation by group. */
export interface MondrianScales {
  readonly level: number;
  /** [groups] */
  readonly factors: Float64Array;
  /** [groups] structures that each rests on, borrowed ones included. */
  readonly structures: Int32Array;
}

/**
 * Quantile of |z| for a component of a new structure, every structure counting once however many components it has, and one
 * more structure at infinity (conformal prediction for data in groups: pooled distribution functions, Dunn et al. 2022).
 */
function structureQuantile(byStructure: ReadonlyMap<number, readonly number[]>, level: number): number {
  const scores: { readonly size: number; readonly weight: number }[] = [];
  for (const sizes of byStructure.values())
    for (const size of sizes) scores.push({ size, weight: 1 / ((byStructure.size + 1) * sizes.length) });
  scores.sort((a, b) => a.size - b.size);
  let sum = 0;
  for (const { size, weight } of scores) {
    sum += weight;
    if (sum >= level - 1e-12) return size;
  }
  return Number.POSITIVE_INFINITY;
}

/**
 * Scales of error bars group by group (Mondrian conformal prediction): the quantile of |z| of a group over that of normal
 * residuals. A group of few structures takes in its neighbours, nearest first, until it has ten.
 *
 * @param neighbors [groups] other groups by nearness
 * @param level     coverage of the interval, between 0 and 1
 * @throws          InputError `MONDRIAN_LEVEL`; `MONDRIAN_GROUP` for a group beyond `neighbors`
 */
export function fitMondrianScales(
  { residuals, structures, groups }: GroupedResiduals,
  neighbors: readonly (readonly number[])[],
  level = 0.9,
): MondrianScales {
  if (!(level > 0 && level < 1))
    throw new InputError('MONDRIAN_LEVEL', `level must lie between 0 and 1, got ${level}`, { level });
  const count = neighbors.length;
  const scores = Array.from({ length: count }, () => new Map<number, number[]>());
  for (let i = 0; i < residuals.length; i++) {
    const size = Math.abs(residuals[i]!);
    if (Number.isNaN(size)) continue;
    const own = scores[groups[i]!];
    if (own === undefined)
      throw new InputError('MONDRIAN_GROUP', `group must be below ${count}, got ${groups[i]}`, { group: groups[i] });
    const list = own.get(structures[i]!);
    if (list === undefined) own.set(structures[i]!, [size]);
    else list.push(size);
  }
  const normal = normalQuantile((1 + level) / 2);
  const factors = new Float64Array(count);
  const used = new Int32Array(count);
  for (let g = 0; g < count; g++) {
    const pooled = new Map([...scores[g]!].map(([structure, sizes]) => [structure, [...sizes]]));
    for (const neighbor of neighbors[g]!) {
      if (pooled.size >= LEAST_STRUCTURES) break;
      for (const [structure, sizes] of scores[neighbor]!) {
        const list = pooled.get(structure);
        if (list === undefined) pooled.set(structure, [...sizes]);
        else list.push(...sizes);
      }
    }
    factors[g] = structureQuantile(pooled, level) / normal;
    used[g] = pooled.size;
  }
  return { level, factors, structures: used };
}
