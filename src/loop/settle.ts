import type { FingerprintData, RunEvent } from '../protocol/events.ts';
import type { LabelResult, LabelSuccess } from '../reference/reference.ts';
import type { NamedBlob } from './blobs.ts';
import { labelBlob } from './blobs.ts';
import type { LabelRecord } from './state.ts';

/** Retries of a calculation that did not reach self-consistency, with gentler settings. */
export const SCF_RETRIES = 1;
/** Times a calculation whose process vanished is submitted again. */
export const LOST_RETRIES = 5;

/** Events of one settled request, with the blobs they name. */
export interface Settlement {
  readonly events: readonly RunEvent[];
  readonly blobs: readonly NamedBlob[];
}

/** Largest norm of a force, eV/Å. */
function largestForce(forces: Float64Array): number {
  let largest = 0;
  for (let k = 0; k < forces.length; k += 3) {
    largest = Math.max(largest, Math.hypot(forces[k]!, forces[k + 1]!, forces[k + 2]!));
  }
  return largest;
}

/** Why a finished calculation cannot be a label of this run, or null: shape, finiteness, and what computed the others. */
function contradiction(result: LabelSuccess, atoms: number, known: FingerprintData | null): string | null {
  const { forces, energy, virial, fingerprint } = result;
  if (forces.length !== 3 * atoms) return `${forces.length} force components for ${atoms} atoms`;
  if (!Number.isFinite(energy) || forces.some((f) => !Number.isFinite(f)) || virial?.some((w) => !Number.isFinite(w))) {
    return 'energy, forces and virial must be finite';
  }
  if (known === null) return null;
  if (fingerprint.code !== known.code) return `computed by ${fingerprint.code}, the other labels by ${known.code}`;
  if (fingerprint.settings !== known.settings) return 'computed with other settings than the other labels';
  // Structures of different elements name different pseudopotentials: only a file that both know must be the same.
  const changed = Object.keys(fingerprint.files)
    .sort()
    .find((name) => known.files[name] !== undefined && known.files[name] !== fingerprint.files[name]);
  if (changed !== undefined) return `computed with another ${changed} than the other labels`;
  return null;
}

/**
 * What a result means for its label: done, another attempt (one with gentler settings after `scf`; the same after `lost`),
 * failed or rejected. Labels of different fingerprints are never mixed: the stranger is rejected as inconsistent.
 */
export function settle(
  label: LabelRecord,
  result: LabelResult,
  directory: string | null,
  source: 'computed' | 'adopted' | 'imported',
  atoms: number,
  known: FingerprintData | null,
): Settlement {
  const { id } = label;
  const { cost } = result;
  if (result.status === 'failed') {
    const { reason, message } = result;
    const again = (reason === 'scf' && label.attempt < SCF_RETRIES) || (reason === 'lost' && label.lost < LOST_RETRIES);
    if (again) return { events: [{ type: 'label-queued', data: { id, reason, message, cost } }], blobs: [] };
    return { events: [{ type: 'label-failed', data: { id, reason, message, cost } }], blobs: [] };
  }
  if (result.status === 'rejected') {
    const { reason, message } = result;
    return { events: [{ type: 'label-rejected', data: { id, reason, message, cost } }], blobs: [] };
  }
  const message = contradiction(result, atoms, known);
  if (message !== null) {
    return { events: [{ type: 'label-rejected', data: { id, reason: 'inconsistent', message, cost } }], blobs: [] };
  }
  const blob = labelBlob(result);
  const { energy, forces, fingerprint } = result;
  const data = {
    ...{ id, result: blob.id, energy, cost, directory, source },
    fingerprint: { ...fingerprint, files: { ...fingerprint.files } },
    maxForce: largestForce(forces),
  };
  return { events: [{ type: 'label-done', data }], blobs: [blob] };
}
