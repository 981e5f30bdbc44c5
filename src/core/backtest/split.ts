import { InputError } from '../errors.ts';
import { RandomStream } from '../random.ts';
import type { BacktestSplit } from './pool-rows.ts';

/** Name of the group that gathers groups of fewer members than are worth a mean. */
export const OTHER_GROUPS = 'other';

/** Groups of fewer than `least` members are put together under `OTHER_GROUPS`. @returns [n] names */
export function mergedGroups(groups: readonly string[], least: number): string[] {
  const counts = new Map<string, number>();
  for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1);
  return groups.map((group) => (counts.get(group)! < least ? OTHER_GROUPS : group));
}

/** How frames are parted. */
export interface SplitOptions {
  /** Share of each group that judges. */
  readonly testShare: number;
  /** Groups that are never learned from. */
  readonly heldOut: readonly string[];
  readonly seed: number;
}

/**
 * A seeded random share of each group judges, rounded, but at least one frame of a group of two or more; the rest is the
 * pool. Copies of a frame go where the frame goes. Frames of groups held out are in neither.
 *
 * @param groups    [n] names
 * @param originals [n] frame of which each is a copy (itself for an original); only originals judge
 * @throws InputError `HELD_OUT_GROUP` for a group that is not there, `TEST_SHARE` outside (0, 1)
 */
export function backtestSplit(
  groups: readonly string[],
  originals: ArrayLike<number>,
  { testShare, heldOut, seed }: SplitOptions,
  split: number,
): BacktestSplit {
  if (!(testShare > 0 && testShare < 1))
    throw new InputError('TEST_SHARE', `share of the test set must lie between 0 and 1, got ${testShare}`);
  const missing = heldOut.find((group) => !groups.includes(group));
  if (missing !== undefined)
    throw new InputError('HELD_OUT_GROUP', `group to hold out must be in the data, got "${missing}"`);
  const members = new Map<string, number[]>();
  groups.forEach((group, f) => {
    if (originals[f] !== f || heldOut.includes(group)) return;
    const list = members.get(group);
    if (list === undefined) members.set(group, [f]);
    else list.push(f);
  });
  const test = new Set<number>();
  for (const [group, list] of members) {
    const count = Math.min(list.length - 1, Math.max(1, Math.round(testShare * list.length)));
    const order = new RandomStream(seed, `back-test split ${group}`, split).permutation(list.length);
    for (let k = 0; k < count; k++) test.add(list[order[k]!]!);
  }
  const frames = [...groups.keys()];
  return {
    pool: frames.filter((f) => !heldOut.includes(groups[f]!) && !test.has(originals[f]!)),
    test: frames.filter((f) => originals[f] === f && test.has(f)),
    heldOut: frames.filter((f) => originals[f] === f && heldOut.includes(groups[f]!)),
  };
}
