import { InputError } from '../errors.ts';
import type { RandomStream } from '../random.ts';
import type { Structure } from '../structure/structure.ts';

/** A rattled structure and the standard deviation that was drawn for it. */
export interface Rattled {
  readonly structure: Structure;
  /** Å */
  readonly sigma: number;
}

/**
 * Adds independent normal displacements to all coordinates.
 *
 * @param sigma [low, high] range of the standard deviation per component, Å; one value is drawn uniformly per structure
 * @throws InputError `RATTLE_RANGE` unless 0 ≤ low ≤ high < ∞
 */
export function rattle(structure: Structure, sigma: readonly [number, number], stream: RandomStream): Rattled {
  const [low, high] = sigma;
  if (!(low >= 0 && high >= low && high < Number.POSITIVE_INFINITY)) {
    throw new InputError('RATTLE_RANGE', `rattle range must be 0 ≤ low ≤ high, got ${low} to ${high} Å`, { low, high });
  }
  const drawn = low + (high - low) * stream.uniform();
  const positions = structure.positions.slice();
  for (let k = 0; k < positions.length; k++) positions[k]! += drawn * stream.normal();
  return { structure: { ...structure, positions }, sigma: drawn };
}
