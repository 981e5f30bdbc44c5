import type { ColumnLayout } from '../../core/dataset/dataset.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { basisSmoothness, DEFAULT_SMOOTHNESS } from '../../core/descriptors/ace/smoothness.ts';
import { columnScales } from '../../core/regression/factor.ts';
import { smoothnessPrior } from '../../core/regression/prior.ts';
import type { FactorState, PerKind, Prior } from '../../core/regression/regression.ts';
import type { FitSettings } from './settings.ts';

/** Prior standard deviation of reference-energy corrections, eV, and of offsets of label groups and stresses, eV/atom. */
const REFERENCE_ENERGY_PRIOR = 10;
const OFFSET_PRIOR = 1;
/** Prior precision that pins a column to zero: its weight is then below 1e-9 eV. */
const PINNED = 1e18;

/**
 * Prior of a fit's columns: functions by their smoothness, in units of their root mean square in the force rows (those of
 * energies or stresses where there are none); corrections of energies and stresses around zero.
 *
 * @param factors  of the layout's columns
 * @param offset   whether the constant offset of stresses is free; otherwise it is pinned to zero
 */
export function priorOfColumns(
  basis: AceBasis,
  layout: ColumnLayout,
  factors: PerKind<FactorState>,
  settings: Pick<FitSettings, 'prior' | 'exponent'>,
  offset: boolean,
): Prior {
  const scaleSource =
    factors.forces.count > 0 ? factors.forces : factors.energy.count > 0 ? factors.energy : factors.virial;
  const scales = columnScales(scaleSource).slice(0, layout.basis);
  const smoothness =
    settings.prior === 'isotropic'
      ? new Float64Array(layout.basis).fill(1)
      : basisSmoothness(basis, { ...DEFAULT_SMOOTHNESS, power: settings.exponent });
  const nuisance = [
    ...(layout.referenceEnergies
      ? layout.species.map(() => 1 / (REFERENCE_ENERGY_PRIOR * REFERENCE_ENERGY_PRIOR))
      : []),
    ...(layout.stressOffset ? [offset ? 1 / (OFFSET_PRIOR * OFFSET_PRIOR) : PINNED] : []),
    ...layout.offsetGroups.map(() => 1 / (OFFSET_PRIOR * OFFSET_PRIOR)),
  ];
  return smoothnessPrior(scales, smoothness, nuisance);
}
