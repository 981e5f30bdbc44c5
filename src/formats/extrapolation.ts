import { InvariantValues } from '../core/descriptors/ace/invariant-values.ts';
import { atomicNumberOf } from '../core/elements.ts';
import type { LinearKernels } from '../core/numerics/kernels.ts';
import { elementIndices } from '../core/potentials/linear-model.ts';
import type { Structure } from '../core/structure/structure.ts';
import { gradesByElement } from '../core/uncertainty/grades.ts';
import { type BBasisDocument, bbasisInvariants } from './bbasis.ts';

/**
 * The extrapolation grade of each atom as a B-basis file and its active set define it, made ready to run; several
 * densities share the functions and do not matter.
 *
 * @param inverses [elements] as `readAsi` gives them
 */
export function gradesOf(
  document: BBasisDocument,
  inverses: readonly Float64Array[],
  kernels?: LinearKernels,
): (structure: Structure) => Float64Array {
  const { elements, bonds, functions } = document;
  const values = new InvariantValues(elements, bonds, functions.map(bbasisInvariants));
  const species = elements.map(atomicNumberOf);
  const sizes = functions.map((own) => own.length);
  return (structure) => {
    const rows = values.evaluate(structure);
    return gradesByElement(elementIndices(structure, species), rows, values.width, sizes, inverses, kernels);
  };
}
