import { bondLengths } from '../../core/dataset/bond-lengths.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { buildAceBasis } from '../../core/descriptors/ace/enumerate.ts';
import { presetLimits } from '../../core/descriptors/ace/presets.ts';
import { withSecondDensity } from '../../core/descriptors/ace/two-density.ts';
import { atomicNumberOf } from '../../core/elements.ts';
import type { CoreMending } from '../../core/potentials/repulsive-cores.ts';
import { repulsiveCores } from '../../core/potentials/repulsive-cores.ts';
import type { Structure } from '../../core/structure/structure.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import type { FitSettings } from './settings.ts';

/**
 * Makes the cores of a fit repulsive where it attracts at distances that its data do not have. The functions, their
 * coefficients and everything that was learned stay as they are: no structure of the data comes near enough to feel it.
 *
 * @param weights     [columns of the basis] coefficients
 * @param structures  of the data
 * @returns           the basis with other cores and what became of them; null where nothing was wrong
 */
export function mendCores(
  basis: AceBasis,
  weights: Float64Array,
  structures: readonly Structure[],
  settings: Pick<FitSettings, 'innerCutoff'>,
  kernels: Kernels,
): { readonly basis: AceBasis; readonly mending: CoreMending } | null {
  const { shortest } = bondLengths(structures, basis.specification.elements.map(atomicNumberOf));
  const found = repulsiveCores(
    {
      basis,
      weights,
      shortest,
      periodic: structures.some(({ cell }) => cell !== null),
      // Where a person says where the core takes over, it does.
      widen: settings.innerCutoff === null,
    },
    (own) => kernels.prepare(own),
  );
  if (found === null) return null;
  const { specification, mending } = found;
  const plain = buildAceBasis(specification, presetLimits('xlarge'));
  return { basis: basis.second === undefined ? plain : withSecondDensity(plain, basis.second), mending };
}
