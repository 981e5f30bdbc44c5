import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import { coefficientsOf, isolatedAtomEnergies } from '../../core/potentials/linear-model.ts';
import { createYacePotential } from '../../formats/yace-potential.ts';
import { readYace } from '../../formats/yace-reader.ts';
import { writeYace } from '../../formats/yace.ts';
import { compareWithModel, type ExportDifference, requireNoNetworks } from './export-check.ts';

/**
 * Text of a `.yace` potential of the model, after reading it back and comparing it with the model on five structures.
 * @throws NumericalError `EXPORT_DIFFERS`; InputError `NETWORKS_NOT_EXPORTABLE`
 */
export function exportYace(model: LinearModel, basis: AceBasis, file: string): { text: string } & ExportDifference {
  requireNoNetworks(model);
  const text = writeYace({ basis, coefficients: coefficientsOf(model), e0: isolatedAtomEnergies(model) });
  return { text, ...compareWithModel(model, basis, createYacePotential(readYace(text, file)), null) };
}
