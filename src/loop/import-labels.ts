import { InputError } from '../core/errors.ts';
import { structureId } from '../core/structure/identity.ts';
import type { Frame, Structure } from '../core/structure/structure.ts';
import type { EventData } from '../protocol/events.ts';
import type { LabelResult } from '../reference/reference.ts';
import type { NamedBlob } from './blobs.ts';
import { namedBlob } from './blobs.ts';
import { FrameReader } from './frames.ts';
import { reduce } from './reduce.ts';
import { openState } from './replay.ts';
import { settle } from './settle.ts';
import type { LabelRecord, LoopState } from './state.ts';
import { orderedLabels, usableLabels } from './state.ts';
import type { RunStore } from './store.ts';

/** Largest displacement of an atom, and change of a cell vector, that a detour through a file may cause, Å. */
const SAME_POSITION = 1e-4;

/** What became of imported frames. */
export interface ImportReport {
  readonly done: readonly string[];
  readonly rejected: readonly { readonly id: string; readonly message: string }[];
  /** Frames that this run did not ask for, or already has: `file:index` and why. */
  readonly skipped: readonly { readonly frame: string; readonly reason: string }[];
  /** Labels that are still missing afterwards. */
  readonly missing: number;
}

/** Largest difference of two lists, ∞ when they are not of the same kind. */
function deviation(a: Float64Array | null, b: Float64Array | null): number {
  if (a === null || b === null) return a === b ? 0 : Number.POSITIVE_INFINITY;
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((most, value, k) => Math.max(most, Math.abs(value - b[k]!)), 0);
}

/** How far two structures are apart, Å: ∞ unless they hold the same atoms in the same order. */
export function structureDeviation(a: Structure, b: Structure): number {
  const species = a.species.length === b.species.length && a.species.every((z, i) => z === b.species[i]);
  if (!species) return Number.POSITIVE_INFINITY;
  return Math.max(deviation(a.positions, b.positions), deviation(a.cell, b.cell));
}

/** Label of the run that a frame belongs to: by the id it carries, by content, or by geometry. */
function ownerOf(frame: Frame, labels: readonly LabelRecord[], reader: FrameReader): LabelRecord | null {
  const ids = [frame.info.querent_id, frame.info.id, structureId(frame.structure)];
  const byId = labels.find(({ id }) => ids.includes(id));
  if (byId !== undefined) {
    if (structureDeviation(reader.structure(byId), frame.structure) <= SAME_POSITION) return byId;
    throw new InputError(
      'IMPORT_STRUCTURE',
      `${frame.source.file}: frame ${frame.source.index} must be the structure that was asked for as ${byId.id}, got other atoms, positions or cell`,
      { id: byId.id },
    );
  }
  let nearest: LabelRecord | null = null;
  let least = SAME_POSITION;
  for (const label of labels) {
    const apart = structureDeviation(reader.structure(label), frame.structure);
    if (apart <= least) {
      least = apart;
      nearest = label;
    }
  }
  return nearest;
}

/** The frame's values as the result of a reference calculation. */
function resultOf(frame: Frame, fingerprint: string): LabelResult {
  const { energy, forces, virial } = frame.labels;
  if (energy === null || forces === null) {
    throw new InputError(
      'IMPORT_LABELS',
      `${frame.source.file}: frame ${frame.source.index} must have an energy and forces`,
      {},
    );
  }
  const net = [0, 1, 2].map((axis) => forces.reduce((sum, value, k) => (k % 3 === axis ? sum + value : sum), 0));
  return {
    status: 'done',
    internalEnergy: null,
    ...{ energy, forces, virial },
    netForce: Math.hypot(...net),
    cost: 0,
    fingerprint: { code: fingerprint, settings: '{}', files: {} },
  };
}

/**
 * Takes labels that a person computed into a run: each frame settles the label it belongs to (by the id that the written
 * structures carry, by content, or by geometry to 1e-4 Å). Labels that failed or were rejected before are settled
 * anew, and join the next fit. All of them are stored in one transaction, or none.
 *
 * @param check        judges a label by the gates of the reference
 * @param fingerprint  name of what computed them; labels of two names are never mixed
 * @throws InputError `IMPORT_STRUCTURE`, `IMPORT_LABELS` when a frame contradicts the label it names or has no values
 */
export function importLabels(
  store: RunStore,
  frames: readonly Frame[],
  check: (result: LabelResult, structure: Structure) => LabelResult,
  fingerprint = 'manual',
): ImportReport {
  const before = openState(store);
  const reader = new FrameReader(store);
  const labels = [...orderedLabels(before, 'training'), ...orderedLabels(before, 'assessment')];
  const done: string[] = [];
  const rejected: { id: string; message: string }[] = [];
  const skipped: { frame: string; reason: string }[] = [];
  const events: Parameters<RunStore['append']>[0][number][] = [];
  const blobs: NamedBlob[] = [];
  let known = before.fingerprint;
  for (const frame of frames) {
    const name = `${frame.source.file}:${frame.source.index}`;
    const label = ownerOf(frame, labels, reader);
    if (label === null) skipped.push({ frame: name, reason: 'this run did not ask for it' });
    else if (label.status === 'done' || done.includes(label.id))
      skipped.push({ frame: name, reason: `${label.id} is labelled already` });
    else {
      const result = check(resultOf(frame, fingerprint), frame.structure);
      const settled = settle(label, result, null, 'imported', frame.structure.species.length, known);
      events.push(...settled.events);
      blobs.push(...settled.blobs);
      for (const event of settled.events) {
        if (event.type === 'label-done') {
          done.push(label.id);
          known ??= event.data.fingerprint;
        } else if (event.type === 'label-rejected') rejected.push({ id: label.id, message: event.data.message });
      }
    }
  }
  const stored =
    events.length === 0
      ? []
      : store.append(
          events,
          blobs.map(({ bytes }) => bytes),
        );
  const after = stored.reduce<LoopState>(reduce, before);
  const missing = Object.values(after.labels).filter(
    ({ status, withdrawn }) => !withdrawn && (status === 'queued' || status === 'running'),
  ).length;
  return { done, rejected, skipped, missing };
}

/**
 * Gives a new run the training labels of another one with the same reference, as if it had asked for them first. They do
 * not count against its budget.
 * @returns how many were taken over
 * @throws InputError `IMPORT_RUN` when the run has begun
 */
export function importRun(store: RunStore, other: RunStore, from: string): number {
  if (Object.keys(openState(store).labels).length > 0) {
    throw new InputError('IMPORT_RUN', 'labels can be taken over by a new run only, got one that has labels', {});
  }
  const state = openState(other);
  const taken = usableLabels(state, 'training');
  if (taken.length === 0 || state.fingerprint === null) return 0;
  const fingerprint = state.fingerprint;
  const labels: EventData<'labels-imported'>['labels'] = taken.map(({ id, structure, origin, result }) => {
    return { id, structure, origin, result: result!, fingerprint };
  });
  const names = new Set(taken.flatMap(({ structure, result }) => [structure, result!]));
  const blobs = [...names].map((name) => namedBlob(other.blob(name)));
  store.append(
    [{ type: 'labels-imported', data: { from, labels } }],
    blobs.map(({ bytes }) => bytes),
  );
  return labels.length;
}
