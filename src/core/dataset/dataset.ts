import type { Frame } from '../structure/structure.ts';
import type { ObservationKind, PerKind } from '../regression/regression.ts';

/**
 * Columns of the linear model: first the basis functions, one block per central element, then those that are no part
 * of the potential but are fitted with it: a correction of each reference energy, a hydrostatic offset of the stress
 * labels, an energy offset per atom of each label group after the first.
 */
export interface ColumnLayout {
  /** Number of basis functions. */
  readonly basis: number;
  /** [elements] atomic numbers, in the order of the basis. */
  readonly species: readonly number[];
  /** Whether each element has a column that corrects its reference energy (its entry: the number of such atoms). */
  readonly referenceEnergies: boolean;
  /** Whether a constant hydrostatic offset of the virial labels is fitted (its entry: N on xx, yy, zz). */
  readonly stressOffset: boolean;
  /** Label groups with an energy offset of their own (its entry: N on the energy row). */
  readonly offsetGroups: readonly string[];
}

/** Total number of columns of a layout. */
export function columnCount(layout: ColumnLayout): number {
  return (
    layout.basis +
    (layout.referenceEnergies ? layout.species.length : 0) +
    (layout.stressOffset ? 1 : 0) +
    layout.offsetGroups.length
  );
}

/** Index of the first reference-energy column, of the stress offset, and of the first group offset. */
export function columnOffsets(layout: ColumnLayout): {
  referenceEnergies: number;
  stressOffset: number;
  groups: number;
} {
  const referenceEnergies = layout.basis;
  const stressOffset = referenceEnergies + (layout.referenceEnergies ? layout.species.length : 0);
  return { referenceEnergies, stressOffset, groups: stressOffset + (layout.stressOffset ? 1 : 0) };
}

/** How the noise of an energy label grows with the number of atoms: √N (independent) or N (fully correlated). */
export type EnergyNoise = 'sqrt' | 'atom';

/** Standard deviation σ·s of one whole-cell observation: s is 1 for forces, √N for virials, √N or N for energies. */
export function observationNoise(
  kind: ObservationKind,
  sigma: number,
  atoms: number,
  energyNoise: EnergyNoise,
): number {
  if (kind === 'forces') return sigma;
  return sigma * (kind === 'energy' && energyNoise === 'atom' ? atoms : Math.sqrt(atoms));
}

/** Decides the weight u ≥ 0 (on the precision) of a frame's observations. */
export type FrameWeights = (frame: Frame) => PerKind<number>;

/** Energies of isolated atoms and where they come from. */
export interface ReferenceEnergies {
  /** [elements] eV. */
  readonly values: readonly number[];
  /** Isolated-atom frames, least squares on compositions, or given by the user. */
  readonly origin: 'isolated-atoms' | 'least-squares' | 'given';
  /** Whether there are fewer independent compositions than elements: the split among elements is then minimum norm. */
  readonly degenerate: boolean;
}
