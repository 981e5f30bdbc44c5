import type { ReferenceEnergies } from '../../core/dataset/dataset.ts';
import type { ObservationSettings } from '../../core/dataset/observations.ts';
import { offsetGroupOf } from '../../core/dataset/observations.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { atomicNumberOf } from '../../core/elements.ts';
import { InputError } from '../../core/errors.ts';
import type { Frame } from '../../core/structure/structure.ts';
import type { TaskPool } from '../workers/pool.ts';
import type { FitSettings } from './settings.ts';

/** Structures whose rows set the scale for recognising components fixed by symmetry. */
const SCALE_SAMPLE = 16;

/** Values of the offset key but the most frequent, which needs no offset. @throws InputError `OFFSET_KEY_NOT_FOUND` */
function offsetGroups(frames: readonly Frame[], key: string | null): string[] {
  if (key === null) return [];
  if (!frames.some((frame) => frame.info[key] !== undefined))
    throw new InputError('OFFSET_KEY_NOT_FOUND', `offset key must be in at least one structure, got "${key}" in none`);
  const counts = new Map<string, number>();
  for (const frame of frames) {
    const group = offsetGroupOf(frame, key);
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return sorted
    .slice(1)
    .map(([group]) => group)
    .sort();
}

/**
 * How frames become observations of a basis: its columns and those of corrections to energies and stresses, and the scale
 * against which force components fixed by symmetry are recognised, from a sample of the frames.
 */
export async function observationOf(
  basis: AceBasis,
  frames: readonly Frame[],
  reference: ReferenceEnergies,
  settings: Pick<FitSettings, 'stress' | 'energyNoise' | 'offsetKey'>,
  pool: TaskPool,
): Promise<ObservationSettings> {
  const layout = {
    basis: basis.offsets.at(-1)!,
    species: basis.specification.elements.map(atomicNumberOf),
    referenceEnergies: reference.origin === 'least-squares',
    stressOffset: settings.stress && frames.some((frame) => frame.labels.virial !== null),
    offsetGroups: offsetGroups(frames, settings.offsetKey),
  };
  const stride = Math.max(1, Math.floor(frames.length / SCALE_SAMPLE));
  const sample = frames.filter((_, i) => i % stride === 0).slice(0, SCALE_SAMPLE);
  const scale = await pool.run('columnScale', { basis, structures: sample.map(({ structure }) => structure) });
  return {
    layout,
    reference,
    energyNoise: settings.energyNoise,
    mask: { scale },
    offsetKey: settings.offsetKey,
    stress: settings.stress,
  };
}
