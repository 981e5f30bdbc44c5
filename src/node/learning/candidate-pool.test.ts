import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alloyFrames, alloyPotential, siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { selectFromPool } from '../../core/acquisition/select.ts';
import { findTwins } from '../../core/acquisition/twins.ts';
import { plainKernels } from '../../core/numerics/plain-kernels.ts';
import { RandomStream } from '../../core/random.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import type { Frame, Structure } from '../../core/structure/structure.ts';
import { writeModel } from '../../formats/model-file.ts';
import { fitModel } from '../training/fit.ts';
import { openModel } from '../training/open-model.ts';
import type { ModelHandle } from '../workers/machine.ts';
import { createPool, type TaskPool } from '../workers/pool.ts';
import { describeStructures, openCandidatePool } from './candidate-pool.ts';

let tasks: TaskPool;
beforeAll(() => {
  tasks = createPool(1, null);
});
afterAll(() => tasks.dispose());

async function fitted(frames: readonly Frame[]): Promise<{ handle: ModelHandle; model: LinearModel }> {
  const { model, basis } = await fitModel(frames, TINY_FIT, tasks);
  return { handle: openModel(writeModel(model, basis)), model };
}

const entered = (structures: readonly Structure[]) =>
  structures.map((structure, i) => ({ id: `s${String(i).padStart(2, '0')}`, structure }));
const structuresOf = (frames: readonly Frame[]): Structure[] => frames.map(({ structure }) => structure);

/** The structure with every atom moved by so many Å at random. */
function moved(structure: Structure, by: number, seed: number): Structure {
  const stream = new RandomStream(seed, 'moved');
  return { ...structure, positions: structure.positions.map((x) => x + by * stream.normal()) };
}

describe('the pool of a model', () => {
  const training = siliconFrames(8);
  const others = structuresOf(siliconFrames(10, { seed: 4 }));
  let silicon: Awaited<ReturnType<typeof fitted>>;
  beforeAll(async () => {
    silicon = await fitted(training);
  });

  it('holds rows by kind, descriptors without derivatives as with them, and the labelled structures', async () => {
    const { handle, model } = silicon;
    const pool = await openCandidatePool(handle, model, entered(others), { structures: structuresOf(training) }, tasks);
    expect(pool.candidates).toHaveLength(10);
    expect(pool.candidates[0]).toEqual({ id: 's00', atoms: 8, group: null, cost: 1, excluded: null });
    expect([pool.rows(0, 'energy').count, pool.rows(0, 'forces').count, pool.rows(0, 'virial').count]).toEqual([
      1, 24, 6,
    ]);
    const described = await describeStructures(handle, others, tasks);
    expect(described).toAgree(pool.descriptors!.rows as Float64Array, {
      rtol: 1e-10,
      atol: 1e-13,
      why: 'sums of eight atoms',
    });
    const energies = await tasks.run('energyRows', { model: handle, structures: others });
    const d = model.posterior.mean.length;
    for (let i = 0; i < 10; i++) {
      expect(energies.slice(i * d, (i + 1) * d)).toAgree(pool.rows(i, 'energy').rows, {
        rtol: 1e-10,
        atol: 1e-9,
        why: 'sums of eight atoms over noise of meV',
      });
    }
    expect(pool.learner.labelled!.count).toBe(8);
  });

  it('measures how far descriptors move with atoms', async () => {
    const { handle, model } = silicon;
    const pool = await openCandidatePool(handle, model, entered(others), { structures: [] }, tasks);
    const [by, draws] = [1e-4, 60];
    const copies = Array.from({ length: draws }, (_, k) => moved(others[3]!, by, k));
    const described = await describeStructures(handle, copies, tasks);
    const { rows, columns } = pool.descriptors!;
    let mean = 0;
    for (let k = 0; k < draws; k++) {
      for (let v = 0; v < columns; v++) mean += (described[k * columns + v]! - rows[3 * columns + v]!) ** 2 / draws;
    }
    expect(Math.sqrt(mean) / by).toAgree(pool.displacementNorms![3]!, { rtol: 0.15, why: 'a mean of 60 draws' });
  });

  it('lets no copy be chosen beside its original, perfect crystals among them', async () => {
    const { handle, model } = silicon;
    const originals = [...others, ...structuresOf(siliconFrames(5, { seed: 9, rattle: 0 }))];
    const pool = originals.flatMap((one, s) =>
      [0, 1, 2, 3, 4].map((k) => (k === 0 ? one : moved(one, 1e-4, 10 * s + k))),
    );
    const opened = await openCandidatePool(handle, model, entered(pool), { structures: structuresOf(training) }, tasks);
    const dropped = findTwins(opened);
    expect(dropped).toHaveLength(60);
    expect(new Set(dropped.map(({ index }) => Math.floor(index / 5))).size).toBe(15);
    for (const strategy of ['stratified-i-optimal', 'd-optimality', 'farthest-point', 'random']) {
      const { selected } = selectFromPool(strategy, opened, 10, { kernels: tasks.kernels });
      expect(new Set(selected.map(({ index }) => Math.floor(index / 5))).size).toBe(10);
    }
    // Displacements ten times the limit make other structures.
    const apart = originals.flatMap((one, s) => [one, moved(one, 1e-2, s)]);
    expect(findTwins(await openCandidatePool(handle, model, entered(apart), { structures: [] }, tasks))).toEqual([]);
  });

  it('chooses from leading rows nearly as from all, on any kernels', async () => {
    const { handle, model } = silicon;
    const open = (leading?: number) =>
      openCandidatePool(handle, model, entered(others), { structures: structuresOf(training) }, tasks, leading);
    const [whole, some] = [await open(), await open(16)];
    expect(some.rows(0, 'forces').count).toBeLessThanOrEqual(16);
    const gains = (pool: typeof whole) => selectFromPool('d-optimality', pool, 3, { minShare: 0 }).selected;
    gains(some).forEach(({ gain }, k) => {
      expect(gain).toBeLessThanOrEqual(gains(whole)[k]!.gain * (1 + 1e-9));
      expect(gain).toAgree(gains(whole)[k]!.gain, { rtol: 0.05, why: 'leading rows hold 99.9 % of the variance' });
    });
    for (const strategy of ['stratified-i-optimal', 'i-optimal', 'd-optimality']) {
      const names = (kernels: typeof plainKernels) =>
        selectFromPool(strategy, whole, 4, { kernels, minShare: 0 }).selected.map(({ id }) => id);
      expect(names(tasks.kernels)).toEqual(names(plainKernels));
    }
  });
});

describe('the pool of an alloy', () => {
  it('keeps the elements apart, and takes groups, costs and masks', async () => {
    const potential = alloyPotential(['Si', 'C'], [-1, -2]);
    const frames = alloyFrames(12, potential);
    const { handle, model } = await fitted(frames.slice(0, 6));
    const structures = structuresOf(frames.slice(6));
    const candidates = entered(structures).map((one, i) => ({
      ...one,
      group: i % 2 === 0 ? 'a' : 'b',
      cost: 1 + i,
      excluded: i === 5 ? 'too large' : null,
    }));
    const pool = await openCandidatePool(
      handle,
      model,
      candidates,
      { structures: structuresOf(frames.slice(0, 6)), groups: ['a', 'a', 'a', 'a', 'b', 'b'] },
      tasks,
    );
    expect(pool.candidates.map(({ group }) => group)).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(pool.descriptors!.columns).toBe(model.layout.basis);
    const described = await describeStructures(handle, structures, tasks);
    expect(described).toAgree(pool.descriptors!.rows as Float64Array, {
      rtol: 1e-10,
      atol: 1e-13,
      why: 'sums of eight atoms',
    });
    const energies = await tasks.run('energyRows', { model: handle, structures });
    const d = model.posterior.mean.length;
    expect(energies.slice(0, d)).toAgree(pool.rows(0, 'energy').rows, {
      rtol: 1e-10,
      atol: 1e-9,
      why: 'the same sums',
    });
    const { selected, excluded } = selectFromPool('stratified-i-optimal', pool, 2, { kernels: tasks.kernels });
    expect(excluded).toEqual([{ index: 5, reason: 'too large' }]);
    expect(selected[0]!.reason).toMatch(/^b \(2 in the pool, 2 labelled\): lowers its mean variance/);
  });
});
