import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { InputError } from '../../core/errors.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import { coefficientsOf, isolatedAtomEnergies } from '../../core/potentials/linear-model.ts';
import { readAsi, writeAsi } from '../../formats/asi.ts';
import { bbasisPotential, writeBBasis } from '../../formats/bbasis.ts';
import { readBBasis } from '../../formats/bbasis-reader.ts';
import { gradesOf } from '../../formats/extrapolation.ts';
import { createYacePotential } from '../../formats/yace-potential.ts';
import { compareWithModel, type ExportDifference, requireNoNetworks } from './export-check.ts';

/** A B-basis potential and its active set. */
export interface ExportedBBasis extends ExportDifference {
  /** Of the `.yaml`. */
  readonly text: string;
  /** Bytes of the `.asi`. */
  readonly activeSet: Uint8Array;
  /** [elements] directions that no training atom covers. */
  readonly pseudoRows: readonly number[];
}

/**
 * A B-basis `.yaml` and `.asi` of the model, after reading both back and comparing energies, forces and grades with the
 * model on five structures.
 *
 * @param file of the `.yaml`, for messages
 * @throws InputError `NO_ACTIVE_SET`; NumericalError `EXPORT_DIFFERS`
 */
export function exportBBasis(model: LinearModel, basis: AceBasis, file: string): ExportedBBasis {
  requireNoNetworks(model);
  const { elements } = model.specification;
  const sets = elements.map((element, e) => {
    const set = model.activeSets?.[e];
    if (set === undefined || set === null) {
      const message =
        model.activeSets === undefined
          ? 'model must hold active sets for a .yaml with .asi, but was fitted by an older version: fit it again, or export a .yace'
          : `model must hold an active set of ${element}, but no training atom of it was of use; export a .yace`;
      throw new InputError('NO_ACTIVE_SET', message, { element });
    }
    return { element, size: basis.offsets[e + 1]! - basis.offsets[e]!, inverse: set.inverse };
  });
  const text = writeBBasis({ basis, coefficients: coefficientsOf(model), e0: isolatedAtomEnergies(model) });
  const activeSet = writeAsi(sets);
  const document = readBBasis(text, file);
  const inverses = readAsi(
    activeSet,
    file.replace(/\.ya?ml$/i, '.asi'),
    document.elements,
    document.functions.map((functions) => functions.length),
  );
  const written = createYacePotential({
    potential: bbasisPotential(document),
    deltaSplineBins: document.deltaSplineBins,
  });
  return {
    text,
    activeSet,
    pseudoRows: elements.map((_, e) => model.activeSets![e]!.pseudoRows),
    ...compareWithModel(model, basis, written, gradesOf(document, inverses)),
  };
}
