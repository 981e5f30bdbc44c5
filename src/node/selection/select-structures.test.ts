import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { covarianceOf } from '../../core/numerics/triangular.ts';
import { structureId } from '../../core/structure/identity.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { writeModel } from '../../formats/model-file.ts';
import { fitModel } from '../training/fit.ts';
import { openModel } from '../training/open-model.ts';
import { createPool, type TaskPool } from '../workers/pool.ts';
import { costOf, gateOf, groupOf, maskOf, parseCostRule, parseMaskRule } from './candidate-frames.ts';
import { type OpenedModel, type SelectionSettings, selectStructures } from './select-structures.ts';
import { targetsOf } from './targets.ts';

const training = siliconFrames(10);
const pool = siliconFrames(40, { seed: 3 });
const isSmall = (index: number): boolean => index % 4 === 0;
const grouped = pool.map((frame, i) => ({ ...frame, group: isSmall(i) ? 'small' : 'large' }));

let tasks: TaskPool;
let opened: OpenedModel;
beforeAll(async () => {
  tasks = createPool(1, null);
  const { model, basis } = await fitModel(training, TINY_FIT, tasks);
  opened = { handle: openModel(writeModel(model, basis)), model, basis };
});
afterAll(() => tasks.dispose());

async function* streamed(frames: readonly Frame[]): AsyncGenerator<Frame> {
  yield* frames;
}

const settings = (changes: Partial<SelectionSettings> = {}): SelectionSettings => ({
  strategy: 'stratified-i-optimal',
  batch: 6,
  seed: 1,
  cost: null,
  budget: null,
  masks: [],
  groupKey: null,
  ...changes,
});

const choose = (
  frames: readonly Frame[],
  changes: Partial<SelectionSettings> = {},
  labelled: readonly Frame[] = training,
) => selectStructures(opened, () => streamed(frames), labelled, settings(changes), tasks);

describe('selectStructures', () => {
  it('chooses different structures that are not labelled, and says how coverage changes', async () => {
    const found = await choose([...training.slice(0, 3), ...pool]);
    expect(found.selected).toHaveLength(6);
    expect(found.excluded.slice(0, 3)).toEqual(
      [0, 1, 2].map((index) => ({ index, reason: `the same structure as labelled structure ${index}` })),
    );
    for (const { id, index, frame, reason, gain } of found.selected) {
      expect(frame).toBe(pool[index - 3]);
      expect(id).toBe(structureId(frame.structure));
      expect(reason).toMatch(/^cluster \d+ of \d+ \(\d+ in the pool, \d+ labelled\): lowers/);
      expect(gain).toBeGreaterThan(0);
    }
    const { before, after, elements } = found.coverage!;
    expect(after.radius!).toBeLessThanOrEqual(before.radius!);
    expect(after.meanDistance!).toBeLessThan(before.meanDistance!);
    expect(after.closest!).toBeLessThanOrEqual(before.closest!);
    expect(before.farthest!.set).toBe('pool');
    expect(before.nearest!.set).toBe('labelled');
    expect(elements).toEqual({});
    expect([found.poolSize, found.shortList]).toEqual([43, 43]);
  });

  it('screens a pool that is too large for memory, and finds nearly what all rows would', async () => {
    const strategy = 'd-optimality';
    const small = await choose(pool, { strategy });
    const large = await choose(pool, { strategy, mostInMemory: 20 });
    expect(large).toMatchObject({ poolSize: 40, shortList: 40, certificate: null, leftGains: null, coverage: null });
    // The short list is the whole pool here: the same batch.
    expect(large.selected.map(({ index }) => index)).toEqual(small.selected.map(({ index }) => index));
    const strata = await choose(grouped, {
      mostInMemory: 20,
      groupKey: 'config_type',
      masks: [{ key: 'nothing', value: null }],
    });
    expect(strata.selected.filter(({ index }) => isSmall(index)).length).toBeGreaterThan(1);
    expect(strata.selected[0]!.reason).toMatch(/^(small|large) \(/);
    const random = await choose(pool, { strategy: 'random', mostInMemory: 20 });
    expect(random.selected).toHaveLength(6);
    expect((await choose(pool, { mostInMemory: 20 })).selected).toHaveLength(6);
    const masked = await choose(
      pool.map((frame, i) => ({ ...frame, info: { bad: i < 30 } })),
      {
        mostInMemory: 20,
        masks: [{ key: 'bad', value: null }],
      },
    );
    expect(masked.selected.every(({ index }) => index >= 30)).toBe(true);
    expect(masked.excluded.filter(({ reason }) => reason === 'masked by bad=true')).toHaveLength(30);
  });

  it('tells coverage by group where strata are groups', async () => {
    const labelled = training.map((frame) => ({ ...frame, group: 'large' }));
    const { coverage, selected } = await choose(grouped, { groupKey: 'config_type' }, labelled);
    expect(Object.keys(coverage!.groups)).toEqual(['large', 'small']);
    expect(coverage!.groups.small!.before.radius).toBeNull();
    expect(coverage!.groups.small!.after.radius).toBeGreaterThan(0);
    // Ten labels of the one group and none of the other: of 16 labels √10/(√10 + √40) belong to the smaller one.
    expect(selected.filter(({ index }) => isSmall(index))).toHaveLength(5);
  });

  it('refuses what cannot be', async () => {
    await expect(choose([])).rejects.toThrow('pool must hold at least one structure, got none');
    await expect(choose(pool, { batch: 41 })).rejects.toThrow('batch must be at most the pool of 40, got 41');
    const masks = [{ key: 'config_type', value: 'small' }];
    await expect(choose(grouped, { batch: 35, masks })).rejects.toThrow(
      'batch must be at most the pool of 30 (10 of 40 are left out), got 35',
    );
    await expect(choose(pool, { strategy: 'best' })).rejects.toThrow('strategy must be one of');
    const foreign = { ...pool[0]!, structure: { ...pool[0]!.structure, species: new Uint8Array(8).fill(8) } };
    await expect(choose([foreign])).rejects.toThrow('made.xyz:1: structure 0: species must be one of Si, got O');
    await expect(choose(pool, {}, [foreign])).rejects.toThrow('species must be one of Si, got O');
  });
});

describe('what is said of a candidate', () => {
  const frame: Frame = { ...pool[3]!, group: 'slab', info: { hours: 2.5, skip: true, note: 'x', zero: 0 } };

  it('is its cost', () => {
    expect(costOf(frame, null)).toBe(1);
    expect(costOf(frame, parseCostRule('atoms'))).toAgree(8, { rtol: 1e-14, why: 'exp of ln' });
    expect(costOf(frame, parseCostRule('N^2'))).toAgree(64, { rtol: 1e-14, why: 'exp of ln' });
    expect(costOf(frame, parseCostRule('hours'))).toBe(2.5);
    expect(() => costOf(frame, { key: 'days' })).toThrow(
      'structure 3: days must be a positive number, as it is the cost, got none',
    );
    expect(() => costOf(frame, { key: 'note' })).toThrow('got x');
    expect(() => parseCostRule('N^x')).toThrow('--cost must have a positive power of N, got "N^x"');
    expect(() => parseCostRule(' ')).toThrow('--cost must be atoms, N^p or a key');
  });

  it('is its group and whether it is masked', () => {
    expect(groupOf(frame, null)).toBeNull();
    expect(groupOf(frame, 'config_type')).toBe('slab');
    expect(groupOf(frame, 'hours')).toBe('2.5');
    expect(() => groupOf(frame, 'kind')).toThrow('kind must be given, as it is the group, got none');
    expect(maskOf(frame, [parseMaskRule('zero'), parseMaskRule('note=y')])).toBeNull();
    expect(maskOf(frame, [parseMaskRule('skip')])).toBe('masked by skip=true');
    expect(maskOf(frame, [parseMaskRule('config_type=slab')])).toBe('masked by config_type=slab');
    expect(() => parseMaskRule('=3')).toThrow('--mask must be key or key=value, got "=3"');
  });

  it('is whether atoms are inside the gate', () => {
    const { structure } = frame;
    expect(gateOf(structure, opened.model)).toBeNull();
    const inner = opened.model.specification.pairs[0]![0]!.innerCutoff;
    if (!(inner > 0)) return;
    const positions = structure.positions.slice();
    for (let k = 0; k < 3; k++) positions[3 + k] = positions[k]! + (k === 0 ? 0.9 * inner : 0);
    expect(gateOf({ ...structure, positions }, opened.model)).toMatch(
      /^atoms 0 and 1 are \d\.\d\d Å apart, inside the gate of \d\.\d\d Å$/,
    );
  });
});

describe('targets from structures', () => {
  it('are energies per atom, or sums with coefficients, and their variance falls as is said', async () => {
    const files = [
      pool.slice(0, 2),
      pool.slice(2, 4).map((frame, k) => ({ ...frame, info: { coefficient: k === 0 ? 1 : -1 } })),
    ];
    const targets = await targetsOf(opened.handle, opened.model, files, tasks);
    expect(targets.count).toBe(3);
    const d = opened.model.posterior.mean.length;
    // Predicted by the weights: the same energies as the potential gives.
    const predicted = [0, 1, 2].map((t) =>
      targets.rows.subarray(t * d, (t + 1) * d).reduce((sum, x, v) => sum + x * opened.model.posterior.mean[v]!, 0),
    );
    const energies = await tasks.run('predict', { model: opened.handle, frames: pool.slice(0, 4) });
    const atoms = 8 * opened.model.reference.values[0]!;
    expect(8 * predicted[0]! + atoms).toAgree(energies[0]!.energy, { rtol: 1e-8, why: 'a sum over functions' });
    expect(predicted[2]).toAgree(energies[2]!.energy - energies[3]!.energy, {
      atol: 1e-7,
      why: 'a difference of energies',
    });
    const s = covarianceOf(opened.model.posterior.r, d);
    const variance = [0, 1, 2].reduce((sum, t) => {
      for (let v = 0; v < d; v++)
        for (let w = 0; w < d; w++) sum += targets.rows[t * d + v]! * s[v * d + w]! * targets.rows[t * d + w]!;
      return sum;
    }, 0);
    expect(variance).toBeGreaterThan(0);
    const { selected } = await choose(pool, { strategy: 'target-variance', batch: 2, targets });
    expect(selected[0]!.reason).toMatch(/^lowers the variance of the target by [\d.]+ % of what it was$/);
    expect(selected[0]!.gain).toBeLessThan(1);
    const broken = [
      pool.slice(0, 2).map((frame, k) => ({ ...frame, info: (k === 0 ? { coefficient: 1 } : {}) as Frame['info'] })),
    ];
    await expect(targetsOf(opened.handle, opened.model, broken, tasks)).rejects.toThrow(
      'structure 1: coefficient must be given',
    );
    const worded = [[{ ...pool[0]!, info: { coefficient: 'one' } }]];
    await expect(targetsOf(opened.handle, opened.model, worded, tasks)).rejects.toThrow(
      'coefficient must be a number, got one',
    );
  });
});
