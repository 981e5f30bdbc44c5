import type { Evaluation } from '../descriptors/descriptors.ts';
import type { PerKind } from '../regression/regression.ts';
import { atomCount } from '../structure/structure.ts';
import { columnOffsets } from './dataset.ts';
import type { ObservationSettings } from './observations.ts';
import { offsetGroupOf, referenceEnergyOf } from './observations.ts';
import type { ObservedFrame } from './robust-weights.ts';
import { shareOf } from './robust-weights.ts';

/** Misfits of the labels of some frames by kind. */
export interface MisfitSums {
  /** Σ u (r/s)², with weights u (shares included) and scales s. */
  readonly squares: PerKind<number>;
  readonly counts: PerKind<number>;
}

/** The sums of no frames. */
export const NO_MISFITS: MisfitSums = {
  squares: { energy: 0, forces: 0, virial: 0 },
  counts: { energy: 0, forces: 0, virial: 0 },
};

/** Sums of two sets of frames together. */
export function addMisfits(a: MisfitSums, b: MisfitSums): MisfitSums {
  const both = (x: PerKind<number>, y: PerKind<number>): PerKind<number> => ({
    energy: x.energy + y.energy,
    forces: x.forces + y.forces,
    virial: x.virial + y.virial,
  });
  return { squares: both(a.squares, b.squares), counts: both(a.counts, b.counts) };
}

/**
 * Misfits of one frame by what a potential says of it and by the nuisance columns of a fit (corrections of reference
 * energies, offsets of label groups and stresses). Components that symmetry fixes count, with misfits near 0.
 *
 * @param evaluation without isolated atoms
 * @param mean       [columns] weights of the layout; those of the basis are not looked at
 */
export function misfitSums(
  frame: ObservedFrame,
  evaluation: Evaluation,
  settings: ObservationSettings,
  weights: PerKind<number>,
  mean: Float64Array,
): MisfitSums {
  const { layout, reference } = settings;
  const { structure, labels, shares } = frame;
  const n = atomCount(structure);
  const offsets = columnOffsets(layout);
  const squares = { energy: 0, forces: 0, virial: 0 };
  const counts = { energy: 0, forces: 0, virial: 0 };
  if (labels.energy !== null && weights.energy > 0) {
    let known = referenceEnergyOf(structure, layout.species, reference);
    if (layout.referenceEnergies)
      for (const z of structure.species) known += mean[offsets.referenceEnergies + layout.species.indexOf(z)]!;
    const group = layout.offsetGroups.indexOf(offsetGroupOf(frame, settings.offsetKey));
    if (group >= 0) known += n * mean[offsets.groups + group]!;
    const scale = settings.energyNoise === 'sqrt' ? Math.sqrt(n) : n;
    const e = (labels.energy - known - evaluation.energy) / scale;
    squares.energy = weights.energy * shareOf(shares, 'energy', 0) * e * e;
    counts.energy = 1;
  }
  if (labels.forces !== null && weights.forces > 0) {
    for (let c = 0; c < 3 * n; c++) {
      const e = labels.forces[c]! - evaluation.forces[c]!;
      if (Number.isNaN(labels.forces[c]!)) continue;
      squares.forces += weights.forces * shareOf(shares, 'forces', c) * e * e;
      counts.forces++;
    }
  }
  if (labels.virial !== null && weights.virial > 0 && settings.stress) {
    const offset = layout.stressOffset ? n * mean[offsets.stressOffset]! : 0;
    for (let c = 0; c < 6; c++) {
      const e = labels.virial[c]! - evaluation.virial[c]! - (c < 3 ? offset : 0);
      if (Number.isNaN(labels.virial[c]!)) continue;
      squares.virial += (weights.virial * shareOf(shares, 'virial', c) * e * e) / n;
      counts.virial++;
    }
  }
  return { squares, counts };
}
