import { InputError } from '../errors.ts';
import { threeDigits } from '../numerics/digits.ts';
import { wideningFactor } from '../validation/bootstrap.ts';
import { smallestEceTolerance, worstResidualTolerance } from '../validation/calibration.ts';
import type { CriterionName, Tolerances } from './criteria.ts';
import { lookLevel } from './joint.ts';

/** An assessment set that widens an error by more than this factor certifies nothing. */
export const LARGEST_WIDENING = 2;

/** What is known before the run. */
export interface ReachabilityOptions {
  /** Number of force components of the whole assessment set (default: one per structure). */
  readonly forceComponents?: number;
  /** Overall level of the bounds. */
  readonly alpha?: number;
  /** Errors that no model of this kind falls below (noise of the labels): eV/atom and eV/Å. */
  readonly smallestErrors?: { readonly energyMae?: number; readonly forceRmse?: number };
}

/** A tolerance that a set of this size cannot certify, and what would do. */
export interface Unreachable {
  readonly name: CriterionName | 'structures';
  readonly message: string;
  /** Smallest tolerance that this number of structures can certify (for `structures`: the least number of structures). */
  readonly needed: number;
}

/** Smallest number of structures up to 10⁶ for which `holds`, which must stay true once it is; null when there is none. */
function leastStructures(holds: (n: number) => boolean): number | null {
  let high = 1;
  while (!holds(high)) {
    high *= 2;
    if (high > 1e6) return null;
  }
  let low = high / 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** A number rounded up to three digits: as a tolerance it still does. */
function roundedUp(value: number): number {
  const rounded = Number(value.toPrecision(3));
  return rounded >= value ? rounded : Number((1.005 * value).toPrecision(3));
}

/**
 * Tolerances that `structures` assessment structures cannot certify: an ECE below 0.6/√n (a perfect model shows more), a
 * worst residual below the Bonferroni value (perfect residuals exceed it), an error whose smallest value times the
 * widening factor √(n/χ²) is larger; or a set so small that the factor itself is beyond 2. Empty when all is well.
 */
export function unreachableTolerances(
  tolerances: Tolerances,
  structures: number,
  options: ReachabilityOptions = {},
): Unreachable[] {
  if (!(Number.isInteger(structures) && structures >= 1)) {
    throw new InputError('ASSESSMENT_SIZE', `assessment structures must be a positive integer, got ${structures}`);
  }
  for (const [name, tolerance] of Object.entries(tolerances)) {
    if (!(tolerance > 0)) {
      throw new InputError('TOLERANCE', `${name} tolerance must be positive, got ${tolerance}`, { name, tolerance });
    }
  }
  const { forceComponents = structures, alpha = 0.05, smallestErrors = {} } = options;
  const level = lookLevel(1, alpha);
  const problems: Unreachable[] = [];
  const refuse = (name: CriterionName, smallest: number, why: string, enough: number | null) => {
    const needed = roundedUp(smallest);
    const size = enough === null ? '' : `, or the structures at least ${enough}`;
    problems.push({
      name,
      needed,
      message: `${name} tolerance must be at least ${needed} with ${structures} assessment structures (${why})${size}, got ${threeDigits(tolerances[name])}`,
    });
  };
  const widening = wideningFactor(structures, level);
  if (!(widening <= LARGEST_WIDENING)) {
    const needed = leastStructures((n) => wideningFactor(n, level) <= LARGEST_WIDENING)!;
    const message = `assessment structures must be at least ${needed}, or upper bounds are ${threeDigits(widening)} times the errors, got ${structures}`;
    problems.push({ name: 'structures', needed, message });
  }
  for (const name of ['energyMae', 'forceRmse'] as const) {
    const smallest = smallestErrors[name] ?? 0;
    if (tolerances[name] >= smallest * widening) continue;
    const why = `an error of ${threeDigits(smallest)} has an upper bound ${threeDigits(widening)} times that`;
    const enough = leastStructures((n) => smallest * wideningFactor(n, level) <= tolerances[name]);
    refuse(name, smallest * widening, why, enough);
  }
  for (const name of ['forceEce', 'energyEce'] as const) {
    if (tolerances[name] >= smallestEceTolerance(structures)) continue;
    const enough = leastStructures((n) => smallestEceTolerance(n) <= tolerances[name]);
    refuse(name, smallestEceTolerance(structures), 'a perfectly calibrated model shows that much', enough);
  }
  for (const name of ['forceWorst', 'energyWorst'] as const) {
    const smallest = worstResidualTolerance(name === 'forceWorst' ? forceComponents : structures);
    if (tolerances[name] >= smallest) continue;
    refuse(name, smallest, 'perfect residuals reach that with probability 0.05', null);
  }
  return problems;
}
