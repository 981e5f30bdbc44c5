/** Choice from a published set: copies by symmetry are one structure, and strata see to groups that are rare. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/core/structure/structure.ts';
import { writeModel } from '../../src/formats/model-file.ts';
import { readFrames } from '../../src/node/frames.ts';
import {
  type OpenedModel,
  type SelectionSettings,
  selectStructures,
  type StructureSelection,
} from '../../src/node/selection/select-structures.ts';
import { fitModel } from '../../src/node/training/fit.ts';
import { openModel } from '../../src/node/training/open-model.ts';
import { createPool, type TaskPool } from '../../src/node/workers/pool.ts';
import { dataFile, skipReason } from '../support/data.ts';
import { TINY_FIT } from '../support/models.ts';

const path = dataFile('mlearn/Si_train.xyz.gz');
const STRIDE = 11;

describe.skipIf(path === null)(`silicon of mlearn${skipReason('mlearn/Si_train.xyz.gz')}`, () => {
  let frames: Frame[];
  let labelled: Frame[];
  let tasks: TaskPool;
  let opened: OpenedModel;
  beforeAll(async () => {
    ({ frames } = await readFrames([path!]));
    labelled = frames.filter((_, i) => i % STRIDE === 0);
    tasks = createPool(2, null);
    const { model, basis } = await fitModel(labelled, TINY_FIT, tasks);
    opened = { handle: openModel(writeModel(model, basis)), model, basis };
  });
  afterAll(() => tasks?.dispose());

  async function choose(changes: Partial<SelectionSettings>): Promise<StructureSelection> {
    const settings = { strategy: 'random', batch: 12, seed: 1, cost: null, budget: null, masks: [], groupKey: null };
    async function* source(): AsyncGenerator<Frame> {
      yield* frames;
    }
    return selectStructures(opened, source, labelled, { ...settings, ...changes }, tasks);
  }

  it('has copies by symmetry among its strained crystals, which the reference energies confirm', async () => {
    const { excluded } = await choose({});
    const energy = (index: number): number => frames[index]!.labels.energy!;
    let copies = 0;
    for (const { index, reason } of excluded) {
      const match = /^the same structure as (labelled )?structure (\d+)$/.exec(reason)!;
      const other = match[1] === undefined ? Number(match[2]) : STRIDE * Number(match[2]);
      if (other === index) continue;
      copies++;
      expect(frames[index]!.group).toBe('Elastic');
      expect(energy(index)).toAgree(energy(other), { atol: 1e-6, why: 'one structure, computed twice' });
    }
    expect(copies).toBeGreaterThan(30);
    // And what is left differs: no two of the strained crystals have one energy.
    const out = new Set(excluded.map(({ index }) => index));
    const left = [...frames.keys()].filter((index) => !out.has(index) && frames[index]!.group === 'Elastic');
    for (const a of left)
      for (const b of left) if (a < b) expect(Math.abs(energy(a) - energy(b))).toBeGreaterThan(1e-5);
  });

  it('is covered better by strata than by chance, in groups that are rare as well', async () => {
    const chosen = await choose({ strategy: 'stratified-i-optimal' });
    expect(chosen.selected).toHaveLength(12);
    const groups = new Set(chosen.selected.map(({ frame }) => frame.group));
    expect(groups.size).toBeGreaterThanOrEqual(4);
    const { before, after } = chosen.coverage!;
    expect(after.radius!).toBeLessThan(before.radius!);
    const distances: number[] = [];
    for (let seed = 0; seed < 5; seed++) distances.push((await choose({ seed })).coverage!.after.meanDistance!);
    distances.sort((a, b) => a - b);
    expect(after.meanDistance!).toBeLessThan(distances[2]!);
  });

  it('goes to the groups that are given, and to what is cheap where cost counts', async () => {
    const grouped = await choose({ strategy: 'balanced-random', groupKey: 'config_type', batch: 20 });
    const counts = new Map<string, number>();
    for (const { frame } of [...grouped.selected, ...labelled.map((frame) => ({ frame }))])
      counts.set(frame.group, (counts.get(frame.group) ?? 0) + 1);
    const sizes = new Map<string, number>();
    for (const { group } of frames) sizes.set(group, (sizes.get(group) ?? 0) + 1);
    expect(counts.size).toBe(sizes.size);
    // Square roots: the largest group has fewer labels than its share, the smallest more.
    const order = [...sizes].sort((a, b) => b[1] - a[1]);
    const share = (group: string): number => counts.get(group)! / 40 / (sizes.get(group)! / frames.length);
    expect(share(order[0]![0])).toBeLessThan(1.05);
    expect(share(order.at(-1)![0])).toBeGreaterThan(1);
    const atoms = ({ selected }: StructureSelection): number =>
      selected.reduce((sum, { frame }) => sum + frame.structure.species.length, 0);
    const dear = await choose({ strategy: 'd-optimality' });
    const cheap = await choose({ strategy: 'd-optimality', cost: { power: 2 } });
    expect(atoms(cheap)).toBeLessThanOrEqual(atoms(dear));
  });
});
