import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError } from '../core/errors.ts';
import { structureId } from '../core/structure/identity.ts';
import type { Frame } from '../core/structure/structure.ts';
import type { Labeller } from '../loop/ports.ts';
import { manualInputs, type ManualRequest } from '../reference/manual.ts';
import type { Fingerprint, LabelResult } from '../reference/reference.ts';
import { writeFileAtomic } from './files.ts';

/** What became of one frame. */
export interface BatchLabel {
  readonly frame: Frame;
  readonly id: string;
  readonly result: LabelResult;
  /** Where the engine's files are, relative to the labeller's directory. */
  readonly directory: string | null;
  /** Whether an earlier call had computed it. */
  readonly adopted: boolean;
}

/** Attempts of one structure: one more after `scf` with gentler settings, two more after `lost`. */
const RETRIES = { scf: 1, lost: 2 } as const;

/** Labels one structure with the retries that its failures deserve. */
async function labelOne(labeller: Labeller, frame: Frame, id: string, signal: AbortSignal): Promise<BatchLabel> {
  const { structure } = frame;
  const used = { scf: 0, lost: 0 };
  for (let attempt = 0; ; ) {
    const adopted = await labeller.adopt({ id, structure, attempt });
    const { result, directory } = adopted ?? (await labeller.label({ id, structure, attempt }, signal));
    const reason = result.status === 'failed' ? result.reason : null;
    if ((reason === 'scf' || reason === 'lost') && used[reason] < RETRIES[reason]) {
      used[reason]++;
      if (reason === 'scf') attempt++;
      continue;
    }
    return { frame, id, result, directory, adopted: adopted !== null };
  }
}

/** What keeps two labels from standing in one file, or null. */
function difference(a: Fingerprint, b: Fingerprint): string | null {
  if (a.code !== b.code) return `${a.code} and ${b.code}`;
  if (a.settings !== b.settings) return 'two sets of settings';
  const file = Object.keys(a.files).find((name) => b.files[name] !== undefined && b.files[name] !== a.files[name]);
  return file === undefined ? null : `two versions of ${file}`;
}

/**
 * Labels frames, `labeller.concurrency` at a time, each distinct structure once. Failures do not stop the others. On abort
 * what is finished is returned: the rest is missing from the result.
 * @param onLabel called after each, in the order in which they finish
 * @returns outcomes in the order of the frames
 * @throws InputError `MIXED_FINGERPRINTS` when labels of different codes or settings would stand side by side
 * @throws what the labeller throws for errors of the machine, when the others at work have ended
 */
export async function labelFrames(
  labeller: Labeller,
  frames: readonly Frame[],
  signal: AbortSignal,
  onLabel: (label: BatchLabel, finished: number) => void = () => {},
): Promise<BatchLabel[]> {
  const ids = frames.map(({ structure }) => structureId(structure));
  const first = new Map<string, number>();
  ids.forEach((id, index) => {
    if (!first.has(id)) first.set(id, index);
  });
  const queue = [...first.values()];
  const outcomes = new Map<string, BatchLabel>();
  let failure: { readonly error: unknown } | null = null;
  let fingerprint: Fingerprint | null = null;
  const work = async (): Promise<void> => {
    while (failure === null && !signal.aborted) {
      const index = queue.shift();
      if (index === undefined) return;
      try {
        const label = await labelOne(labeller, frames[index]!, ids[index]!, signal);
        outcomes.set(label.id, label);
        if (label.result.status === 'done') {
          fingerprint ??= label.result.fingerprint;
          const mixed = difference(fingerprint, label.result.fingerprint);
          if (mixed !== null)
            throw new InputError('MIXED_FINGERPRINTS', `labels must come from one code and settings, got ${mixed}`, {
              id: label.id,
            });
        }
        onLabel(label, outcomes.size);
      } catch (error) {
        if (!signal.aborted) failure ??= { error };
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: labeller.concurrency }, work));
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return frames.flatMap((frame, index) => {
    const label = outcomes.get(ids[index]!);
    return label === undefined ? [] : [{ ...label, frame }];
  });
}

/** A finished label as a frame: its group, keys and columns stay, an internal energy stands beside the free energy. */
export function labelledFrame(label: BatchLabel): Frame {
  const { frame, result } = label;
  if (result.status !== 'done')
    throw new InputError('NOT_LABELLED', `label of ${label.id} must be done, got ${result.status}`);
  const { energy, forces, virial, internalEnergy } = result;
  const { energy: _, ...info } = frame.info;
  return {
    ...frame,
    info: internalEnergy === null ? info : { ...info, energy: internalEnergy },
    labels: { energy, forces, virial },
  };
}

/**
 * Lays out structures for a person who computes them: README.txt, all of them in one file, and a POSCAR each when asked
 * for. @param directory is made when it is not there  @returns names of the files, relative to it
 */
export async function writeManualInputs(
  directory: string,
  requests: readonly ManualRequest[],
  format: 'extxyz' | 'poscar',
): Promise<readonly string[]> {
  const files = manualInputs(requests, format);
  for (const [name, text] of files) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFileAtomic(join(directory, name), text);
  }
  return [...files.keys()];
}
