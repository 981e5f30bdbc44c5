import type { Frame, Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import type { EvaluatedFrame } from '../../core/validation/summary.ts';
import { stressVolume } from './evaluate.ts';

/**
 * Hydrostatic stress that an offset of the virial labels amounts to in a structure, −offset·N/V in eV/Å³; 0 without a
 * volume. @param offset eV per atom on the diagonal of the virial
 */
export function offsetStress(structure: Structure, offset: number): number {
  const volume = stressVolume(structure);
  return volume === null ? 0 : (-offset * atomCount(structure)) / volume;
}

/** Mean of `offsetStress` over structures with a volume, weighted by that, eV/Å³; NaN without any. */
export function meanOffsetStress(structures: readonly Structure[], offset: number): number {
  let volume = 0;
  let atoms = 0;
  for (const structure of structures) {
    const own = stressVolume(structure);
    if (own === null) continue;
    volume += own;
    atoms += atomCount(structure);
  }
  return (-offset * atoms) / volume;
}

/**
 * Evaluated frames as if the potential had the offset of its training labels: stress errors of labels that carry it too.
 * @param frames the frames that were evaluated, in the same order
 */
export function allowingForOffset(
  frames: readonly Frame[],
  evaluated: readonly EvaluatedFrame[],
  offset: number,
): EvaluatedFrame[] {
  return evaluated.map((frame, f) => {
    if (frame.stressErrors === null || offset === 0) return frame;
    const shift = offsetStress(frames[f]!.structure, offset);
    return { ...frame, stressErrors: frame.stressErrors.map((error, c) => (c < 3 ? error + shift : error)) };
  });
}
