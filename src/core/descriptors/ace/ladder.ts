import { InputError } from '../../errors.ts';
import type { FunctionSet } from './basis.ts';

/** A basis to choose from: a union of sets. */
export type LadderStep = readonly FunctionSet[];

const rectangle = (nmax: readonly number[], lmax: readonly number[]): FunctionSet => ({ nmax, lmax });
const degree = (order: number, limit: number): FunctionSet => ({ order, degree: limit, weight: 1.5 });

/** More pairs and triples of atoms at fine radial resolution: orders 1 and 2, where a metal's accuracy is decided. */
const FINE_PAIRS = [degree(1, 20), degree(2, 18)];
const FINE_TRIPLES = [...FINE_PAIRS, degree(3, 17)];

/**
 * Bases by rising number of functions, for 1, 2, 3 and 4 or more elements. Each is part of the last, so that the factor
 * of the last holds those of all. High order at low resolution pays for open and covalent structures, fine resolution at
 * orders 2 and 3 for close-packed metals; the data choose. With many elements, angles at order 3 come before order 4.
 */
const LADDERS: readonly (readonly LadderStep[])[] = [
  // One element: 122, 391, 807, 1107, 1231, 1746, 2170 functions; 4526 where the user's budget allows them
  [
    [rectangle([8, 4, 3], [0, 3, 2])],
    [rectangle([12, 5, 4], [0, 4, 3])],
    [rectangle([15, 6, 4], [0, 5, 4]), ...FINE_PAIRS],
    [rectangle([15, 6, 4, 3], [0, 5, 4, 2]), ...FINE_PAIRS],
    [rectangle([15, 6, 4], [0, 5, 4]), ...FINE_TRIPLES],
    [rectangle([15, 6, 4, 3], [0, 5, 4, 3]), ...FINE_PAIRS],
    [rectangle([15, 6, 4, 3], [0, 5, 4, 3]), ...FINE_TRIPLES],
    [rectangle([15, 6, 5, 4, 2], [0, 5, 4, 3, 2]), ...FINE_TRIPLES],
  ],
  [
    [rectangle([8, 3, 2], [0, 3, 2])],
    [rectangle([10, 4, 3], [0, 3, 2])],
    [rectangle([10, 4, 3, 1], [0, 4, 2, 2])],
    [rectangle([12, 4, 3, 1], [0, 4, 3, 2])],
    [rectangle([12, 4, 3, 1], [0, 4, 3, 3]), degree(1, 15), degree(2, 12)],
  ],
  [
    [rectangle([8, 2, 1], [0, 2, 2])],
    [rectangle([8, 2, 2], [0, 2, 2])],
    [rectangle([10, 3, 2, 1], [0, 4, 2, 1])],
    [rectangle([10, 3, 2, 1], [0, 4, 2, 2])],
    [rectangle([12, 4, 2, 1], [0, 5, 2, 2])],
  ],
  [
    [rectangle([6, 2, 1], [0, 2, 1])],
    [rectangle([8, 2, 1], [0, 3, 2])],
    [rectangle([10, 2, 1], [0, 4, 3])],
    [rectangle([8, 3, 1, 1], [0, 3, 3, 1])],
    [rectangle([10, 3, 1, 1], [0, 4, 4, 1])],
  ],
];

/** The bases to choose from for a number of elements, smallest first. @throws InputError `INVALID_PRESET` */
export function basisLadder(nElements: number): readonly LadderStep[] {
  if (!(Number.isInteger(nElements) && nElements >= 1)) {
    throw new InputError('INVALID_PRESET', `number of elements must be a positive integer, got ${nElements}`, {
      nElements,
    });
  }
  return LADDERS[Math.min(nElements, LADDERS.length) - 1]!;
}
