import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labelled } from '../../../test/support/models.ts';
import { RUN_STRATEGIES } from '../../core/acquisition/strategies.ts';
import { stillingerWeberSilicon } from '../../core/potentials/stillinger-weber.ts';
import { structureId } from '../../core/structure/identity.ts';
import { prototypeStructure } from '../../core/structure/prototypes.ts';
import type { Frame, Structure } from '../../core/structure/structure.ts';
import { readModel } from '../../formats/model-file.ts';
import type { Candidate, FitOutcome } from '../../loop/ports.ts';
import type { RunFile } from '../../protocol/run-file.ts';
import { runFileSchema } from '../../protocol/run-file.ts';
import { createPool, type TaskPool } from '../workers/pool.ts';
import { LearningCompute } from './compute.ts';

const SILICON = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 });
const REFERENCE = stillingerWeberSilicon();

const file = (sections: Record<string, unknown> = {}): RunFile =>
  runFileSchema.parse({
    name: 'a',
    structures: [{ prototype: 'diamond', element: 'Si', a: 5.43 }],
    conditions: { temperatures: [300, 900], strain: { diagonal: 0.03, shear: 0.015 } },
    reference: { kind: 'sw-si' },
    basis: { nmax: [5, 3], lmax: [0, 2], cutoff: 4.8 },
    exploration: { walkers: 3, steps: 40 },
    acquisition: { batch: 3, minNats: 0 },
    assessment: { size: 20, perRound: 4, steps: 20 },
    ...sections,
  });

const frames = (candidates: readonly Candidate[]): Frame[] =>
  candidates.map(({ structure }, index) => labelled(structure, REFERENCE, index));
const ids = (candidates: readonly { readonly id: string }[]): string[] => candidates.map(({ id }) => id);

/** Shortest distance of two atoms, over images of the cell, Å. */
function shortest({ positions, cell, species }: Structure): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < species.length; i++) {
    for (let j = 0; j < species.length; j++) {
      for (let n = 0; n < 27; n++) {
        const image = [(n % 3) - 1, (Math.floor(n / 3) % 3) - 1, Math.floor(n / 9) - 1];
        if (i === j && n === 13) continue;
        const d = [0, 1, 2].map(
          (k) =>
            positions[3 * j + k]! - positions[3 * i + k]! + image.reduce((sum, m, v) => sum + m * cell![3 * v + k]!, 0),
        );
        least = Math.min(least, Math.hypot(...d));
      }
    }
  }
  return least;
}

let pool: TaskPool;
let compute: LearningCompute;
let cold: readonly Candidate[];
let fitted: FitOutcome;
beforeAll(async () => {
  pool = createPool(1, null);
  compute = new LearningCompute(file(), [SILICON], pool);
  cold = await compute.coldStart(5);
  fitted = await compute.fit(frames(cold), 0);
});
afterAll(() => pool.dispose());

describe('cold start', () => {
  it('proposes so many different structures, none inside the hard gate, and says what was done to them', () => {
    expect(cold).toHaveLength(5);
    expect(new Set(ids(cold)).size).toBe(5);
    for (const { id, structure, origin } of cold) {
      expect(id).toBe(structureId(structure));
      expect(shortest(structure)).toBeGreaterThan(compute.hardGate());
      expect(origin).toMatchObject({ kind: 'seed', round: 0, step: 0, signals: {}, censored: false });
      expect(origin.reason).toMatch(/rattled 0\.\d+ Å and strained up to \d\.\d %/);
    }
  });

  it('depends on the seed alone, and nothing is asked for when nothing may be', async () => {
    expect(await new LearningCompute(file(), [SILICON], pool).coldStart(5)).toEqual(cold);
    const other = await new LearningCompute(file({ seed: 2 }), [SILICON], pool).coldStart(5);
    expect(ids(other).filter((id) => ids(cold).includes(id))).toEqual([]);
    expect(await compute.coldStart(0)).toEqual([]);
  });

  it('pushes as many pairs together as the run file wants', async () => {
    const short = await new LearningCompute(file({ start: { shortDistance: 2 } }), [SILICON], pool).coldStart(5);
    const pushed = short.map(({ origin }) => /pushed to ([\d.]+) Å/.exec(origin.reason)?.[1]);
    expect(pushed.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    for (const [index, distance] of pushed.slice(3).entries()) {
      const least = shortest(short[3 + index]!.structure);
      expect(least).toAgree(Number(distance), { atol: 0.006, why: 'printed to 0.01 Å' });
      expect(least).toBeGreaterThanOrEqual(compute.hardGate());
      expect(least).toBeLessThan(Math.min(...cold.map(({ structure }) => shortest(structure))));
    }
  });

  it('takes every starting structure into account', async () => {
    const larger = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [2, 1, 1] });
    const both = await new LearningCompute(file(), [SILICON, larger], pool).coldStart(8);
    expect(new Set(both.map(({ structure }) => structure.species.length))).toEqual(new Set([8, 16]));
  });
});

describe('a fit', () => {
  it('is a model file of the basis that was fixed before, and figures', () => {
    const { model, basis } = readModel(fitted.model, 'the model');
    expect(basis.specification).toMatchObject({ elements: ['Si'], nmax: [5, 3], lmax: [0, 2] });
    expect(fitted.summary).toMatchObject({ structures: 5, functions: model.layout.basis, evidenceConverged: true });
    expect(Object.values(fitted.summary).every((value) => value !== undefined)).toBe(true);
  });

  it('is the same to the last bit on two threads', async () => {
    const two = createPool(2, null);
    try {
      const again = await new LearningCompute(file(), [SILICON], two).fit(frames(cold), 0);
      expect(again.summary).toEqual(fitted.summary);
      expect(Buffer.from(again.model).equals(Buffer.from(fitted.model))).toBe(true);
    } finally {
      await two.dispose();
    }
  });

  it('keeps its hard gate whatever it is shown later', async () => {
    const [first] = cold;
    const closer = {
      ...first!.structure,
      positions: first!.structure.positions.map((x, k) => (k === 3 ? x - 0.3 : x)),
    };
    const { model } = await compute.fit([...frames(cold), labelled(closer, REFERENCE, 9)], 1);
    expect(readModel(model, 'a').basis.specification).toEqual(readModel(fitted.model, 'b').basis.specification);
  });
});

describe('exploration', () => {
  it('walks as many walkers as asked, from the structures given, and depends on round and seed alone', async () => {
    const one = await compute.explore(fitted.model, 1, []);
    expect(one.walkers.map(({ walker, plannedSteps }) => [walker, plannedSteps])).toEqual([
      [0, 40],
      [1, 40],
      [2, 40],
    ]);
    for (const { temperature } of one.walkers) {
      expect(temperature).toBeGreaterThanOrEqual(300);
      expect(temperature).toBeLessThanOrEqual(990);
    }
    expect(one.candidates.length).toBeGreaterThan(0);
    for (const { id, structure, origin } of one.candidates) {
      expect(id).toBe(structureId(structure));
      expect(origin).toMatchObject({ kind: 'exploration', round: 1 });
      expect(shortest(structure)).toBeGreaterThan(compute.hardGate());
      expect(Object.keys(origin.signals)).toContain('forceSigma');
    }
    expect(await compute.explore(fitted.model, 1, [])).toEqual(one);
    expect(ids((await compute.explore(fitted.model, 2, [])).candidates)).not.toEqual(ids(one.candidates));
  });
});

describe('assessment', () => {
  it('draws so many frames from walkers of its own, each of another', async () => {
    const drawn = await compute.assess(fitted.model, 1, 4);
    expect(drawn.map(({ origin }) => [origin.kind, origin.walker])).toEqual([0, 1, 2, 3].map((w) => ['assessment', w]));
    expect(new Set(ids(drawn)).size).toBe(4);
    expect(await compute.assess(fitted.model, 1, 4)).toEqual(drawn);
    const explored = await compute.explore(fitted.model, 1, []);
    expect(ids(explored.candidates).filter((id) => ids(drawn).includes(id))).toEqual([]);
  });
});

describe('selection', () => {
  it('takes the most informative ones, at most a batch, and none that is labelled', async () => {
    const { candidates } = await compute.explore(fitted.model, 1, []);
    const choice = await compute.select(fitted.model, candidates, 3, 1, frames(cold));
    expect(choice.selected).toHaveLength(3);
    expect(choice.poolSize).toBe(candidates.length);
    const gains = choice.selected.map(({ gain }) => gain);
    // Greedy gains of a submodular function fall.
    expect(gains).toEqual([...gains].sort((a, b) => b - a));
    expect(choice.certificate).toBeGreaterThan(0.6);
    expect(choice.certificate).toBeLessThanOrEqual(1);
    const best = candidates.find(({ id }) => id === choice.selected[0]!.id)!;
    const without = await compute.select(fitted.model, candidates, 3, 1, [...frames(cold), ...frames([best])]);
    expect(ids(without.selected)).not.toContain(best.id);
    expect(await compute.select(fitted.model, candidates, 3, 1, frames(cold))).toEqual(choice);
  });

  it.each(RUN_STRATEGIES)('works with %s, and says why', async (strategy) => {
    const { candidates } = await compute.explore(fitted.model, 1, []);
    const chooser = new LearningCompute(file({ acquisition: { strategy, minNats: 0 } }), [SILICON], pool);
    const { selected } = await chooser.select(fitted.model, candidates, 3, 1, frames(cold));
    expect(new Set(ids(selected)).size).toBe(3);
    for (const { id, reason } of selected) {
      expect(ids(candidates)).toContain(id);
      expect(reason.length).toBeGreaterThan(10);
    }
  });

  it('takes nothing where nothing is worth it, or there is nothing', async () => {
    const { candidates } = await compute.explore(fitted.model, 1, []);
    const proud = new LearningCompute(file({ acquisition: { minNats: 1000 } }), [SILICON], pool);
    expect((await proud.select(fitted.model, candidates, 3, 1, frames(cold))).selected).toEqual([]);
    expect(await compute.select(fitted.model, [], 3, 1, [])).toEqual({ selected: [], certificate: null, poolSize: 0 });
    expect((await compute.select(fitted.model, candidates, 0, 1, [])).selected).toEqual([]);
  });

  it('keeps the frames that it takes from one walker apart', async () => {
    const spaced = new LearningCompute(
      file({ acquisition: { batch: 8, minNats: 0, minimumSpacing: 60 } }),
      [SILICON],
      pool,
    );
    const { candidates } = await compute.explore(fitted.model, 1, []);
    const { selected } = await spaced.select(fitted.model, candidates, 8, 1, frames(cold));
    const origins = ids(selected).map((id) => candidates.find((candidate) => candidate.id === id)!.origin);
    for (const a of origins)
      for (const b of origins)
        if (a !== b && a.walker === b.walker) expect(2 * Math.abs(a.step - b.step)).toBeGreaterThanOrEqual(60);
  });
});

describe('evaluation', () => {
  it('gives errors and standard deviations of every component, near nothing on what was learned', async () => {
    const [first, ...rest] = await compute.evaluate(fitted.model, frames(cold));
    expect(first).toMatchObject({ id: cold[0]!.id, atoms: 8 });
    expect([first!.forceErrors.length, first!.forceSigmas.length, rest.length]).toEqual([24, 24, 4]);
    for (const { energyError, energySigma, forceErrors } of [first!, ...rest]) {
      expect(energySigma).toBeGreaterThan(0);
      expect(Math.abs(energyError) / 8).toBeLessThan(0.01);
      expect(Math.hypot(...forceErrors) / Math.sqrt(24)).toBeLessThan(0.2);
    }
    // An error is model − reference: a label that is higher makes it lower.
    const [frame] = frames(cold);
    const higher = { ...frame!, labels: { ...frame!.labels, energy: frame!.labels.energy! + 1 } };
    const [shifted] = await compute.evaluate(fitted.model, [higher]);
    expect(shifted!.energyError).toAgree(first!.energyError - 1, { atol: 1e-10, why: 'sums of eight atoms, eV' });
  });
});
