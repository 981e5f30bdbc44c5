import { createPotentialProgram } from '../core/descriptors/ace/potential-program.ts';
import type { ProductPotential } from '../core/descriptors/ace/product-basis.ts';
import { SplinedRadialFunctions } from '../core/descriptors/ace/spline.ts';
import type { Potential, PotentialResult } from '../core/potentials/potential.ts';
import type { Structure } from '../core/structure/structure.ts';
import type { YaceDocument } from './yace.ts';

/** The potential of a file with radial functions as splines of the file's bins: what simulation programs tabulate. */
export function splinedPotential({ potential, deltaSplineBins }: YaceDocument): ProductPotential {
  const bonds = potential.bonds.map((row) =>
    row.map((bond) => ({ ...bond, radial: new SplinedRadialFunctions(bond.radial, deltaSplineBins) })),
  );
  return { ...potential, bonds };
}

/**
 * The potential that a `.yace` file describes.
 *
 * @param radial  `exact` functions, or the `splines` of the file: what a simulation program computes, to rounding
 */
export function createYacePotential(document: YaceDocument, radial: 'exact' | 'splines' = 'exact'): Potential {
  const program = createPotentialProgram(radial === 'exact' ? document.potential : splinedPotential(document), 'exact');
  return {
    name: 'yace',
    evaluate: (structure: Structure): PotentialResult => program.evaluate([structure])[0]!,
  };
}
