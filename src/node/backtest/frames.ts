import { mergedGroups, OTHER_GROUPS } from '../../core/backtest/split.ts';
import { isIsolatedAtom } from '../../core/dataset/reference-energies.ts';
import { InputError } from '../../core/errors.ts';
import { RandomStream } from '../../core/random.ts';
import type { Frame, Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import type { DataSettings } from './settings.ts';

/** Frames that take part, with their groups, and of which each is a copy. */
export interface BacktestFrames {
  readonly frames: readonly Frame[];
  readonly groups: readonly string[];
  /** [frames] index of the frame each is a copy of; itself for an original. */
  readonly originals: Int32Array;
  /** What was left out and why, in words. */
  readonly notes: readonly string[];
}

const SIZES = [2, 8, 32, 64] as const;
const FORCES = [0.2, 1] as const;

/** Class of a structure by its number of atoms and the root mean square of its forces. */
export function structureClass({ structure, labels }: Frame): string {
  const n = atomCount(structure);
  const size = SIZES.findIndex((most) => n <= most);
  const atoms = size < 0 ? `more than ${SIZES.at(-1)} atoms` : `up to ${SIZES[size]} atoms`;
  if (labels.forces === null) return atoms;
  const rms = Math.sqrt(labels.forces.reduce((sum, f) => sum + f * f, 0) / labels.forces.length);
  const force = FORCES.findIndex((most) => rms < most);
  return `${atoms}, forces ${force < 0 ? `from ${FORCES.at(-1)}` : `below ${FORCES[force]}`} eV/Å`;
}

function largestForce({ labels }: Frame): number {
  return labels.forces === null ? 0 : labels.forces.reduce((most, f) => Math.max(most, Math.abs(f)), 0);
}

function displaced(structure: Structure, size: number, stream: RandomStream): Structure {
  return { ...structure, positions: structure.positions.map((x) => x + size * stream.normal()) };
}

function groupsOf(frames: readonly Frame[], key: string | null): string[] {
  if (key !== null) {
    if (!frames.some(({ info }) => info[key] !== undefined))
      throw new InputError('GROUP_KEY_NOT_FOUND', `group key must be in at least one structure, got "${key}" in none`);
    return frames.map(({ info }) => String(info[key] ?? ''));
  }
  return frames.map(({ group }) => group);
}

/**
 * Groups of frames, small ones put together; classes of size and force where no key is named and groups tell little: there
 * is one, or most frames are in small ones.
 */
function usefulGroups(frames: readonly Frame[], { groupKey, leastGroup }: DataSettings): string[] {
  const groups = mergedGroups(groupsOf(frames, groupKey), leastGroup);
  const others = groups.filter((group) => group === OTHER_GROUPS).length;
  if (groupKey !== null || (new Set(groups).size > 1 && 2 * others <= frames.length)) return groups;
  return mergedGroups(frames.map(structureClass), leastGroup);
}

/**
 * The frames of a back-test: without isolated atoms, within the limits, perhaps a sample of them, perhaps with displaced
 * copies (which keep the labels: displacements are far below what labels resolve).
 * @throws InputError `NO_STRUCTURES` when fewer than two are left, `GROUP_KEY_NOT_FOUND`
 */
export function backtestFrames(all: readonly Frame[], settings: DataSettings, seed: number): BacktestFrames {
  const { maxForce, maxEnergy, only, sample, copies, jitter } = settings;
  const notes: string[] = [];
  let frames = all.filter((frame) => !isIsolatedAtom(frame));
  const keep = (what: string, within: (frame: Frame) => boolean): void => {
    const kept = frames.filter(within);
    if (kept.length < frames.length) notes.push(`${frames.length - kept.length} structures ${what}`);
    frames = kept;
  };
  if (only.length > 0) {
    const names = groupsOf(frames, settings.groupKey);
    const missing = only.find((group) => !names.includes(group));
    if (missing !== undefined) throw new InputError('GROUP', `group must be in the data, got "${missing}"`);
    const chosen = new Set(frames.filter((_, f) => only.includes(names[f]!)));
    keep('of other groups', (frame) => chosen.has(frame));
  }
  if (maxForce !== null) keep(`with a force above ${maxForce} eV/Å`, (frame) => largestForce(frame) <= maxForce);
  if (maxEnergy !== null) {
    keep(`above ${maxEnergy} eV/atom`, ({ labels, structure }) => {
      return labels.energy === null || labels.energy / atomCount(structure) <= maxEnergy;
    });
  }
  if (sample !== null && sample < frames.length) {
    const order = new RandomStream(seed, 'back-test sample').permutation(frames.length).slice(0, sample).sort();
    notes.push(`${frames.length - sample} structures that a sample of ${sample} leaves out`);
    frames = Array.from(order, (f) => frames[f]!);
  }
  if (frames.length < 2)
    throw new InputError('NO_STRUCTURES', `back-test must have at least two structures, got ${frames.length}`);
  const groups = usefulGroups(frames, settings);
  const n = frames.length;
  const copied = Array.from({ length: copies - 1 }, (_, c) =>
    frames.map((frame, f) => ({
      ...frame,
      structure: displaced(frame.structure, jitter, new RandomStream(seed, 'back-test copy', f, c)),
    })),
  ).flat();
  return {
    frames: [...frames, ...copied],
    groups: Array.from({ length: copies }, () => groups).flat(),
    originals: Int32Array.from({ length: copies * n }, (_, f) => f % n),
    notes,
  };
}
