import { describe, expect, it } from 'vitest';
import { fitOn, siliconFrames } from '../../../test/support/models.ts';
import { functionLabel } from '../../core/descriptors/ace/enumerate.ts';
import { presetSpecification } from '../../core/descriptors/ace/presets.ts';
import { readModel, writeModel } from '../../formats/model-file.ts';
import { candidatesFor, columnsOf } from './candidates.ts';
import { DEFAULT_FIT } from './settings.ts';

const silicon = siliconFrames(66, { rattle: 0.15 });
const structures = silicon.map(({ structure }) => structure);
const specification = presetSpecification('medium', ['Si'], 4.6, () => 2);
const SMALL = { ...DEFAULT_FIT, cutoff: 4.6, budget: { functions: 400 } };

describe('candidatesFor', () => {
  it('rises in functions and time within a budget of functions', () => {
    const { list, union } = candidatesFor(specification, structures, 1e6, { functions: 1200 });
    expect(list.map(({ functions }) => functions)).toEqual([122, 391, 807, 1107]);
    list.forEach(({ microseconds }, k) => {
      if (k > 0) expect(microseconds).toBeGreaterThan(list[k - 1]!.microseconds);
    });
    expect(union).toBe(list.at(-1)!.basis);
  });

  it('makes a union where the last does not hold all', () => {
    const { list, union } = candidatesFor(specification, structures, 1e6, { functions: 1300 });
    expect(list.at(-1)!.functions).toBe(1231);
    const labels = new Set(union.functions[0]!.map(functionLabel));
    for (const { basis } of list) expect(basis.functions[0]!.every((fn) => labels.has(functionLabel(fn)))).toBe(true);
  });

  it('keeps within a time, and tries no more functions than a quarter of the observations', () => {
    const every = candidatesFor(specification, structures, 1e6, { functions: 1200 }).list;
    const limit = every[1]!.microseconds;
    const fast = candidatesFor(specification, structures, 1e6, { microseconds: limit });
    expect(fast.list.map(({ functions }) => functions)).toEqual([122, 391]);
    expect(candidatesFor(specification, structures, 1700, { functions: 1200 }).list).toHaveLength(2);
    expect(candidatesFor(specification, structures, 10, { functions: 1200 }).list).toHaveLength(1);
  });

  it('goes beyond the usual budget where the user does', () => {
    const four = presetSpecification('medium', ['C', 'H', 'N', 'O'], 4.6, () => 1);
    const { list, union } = candidatesFor(four, structures.slice(0, 1), 1e6, { functions: 3500 });
    expect(list.map(({ functions }) => functions)).toEqual([768, 1344, 2096, 3352]);
    expect(union.offsets.at(-1)).toBeGreaterThan(3352);
  });

  it.each([
    [{ functions: 100 }, /budget must allow the smallest basis of 122 functions, got 100/],
    [{ microseconds: 1e-3 }, /budget must allow the smallest basis of \d+ µs, got 0.001/],
  ])('refuses %j', (budget, message) => {
    expect(() => candidatesFor(specification, structures, 1e6, budget)).toThrow(message);
  });
});

describe('columnsOf', () => {
  it('finds the functions of every element in a union, and what follows them', () => {
    const two = presetSpecification('medium', ['C', 'Si'], 4.6, () => 2);
    const { list, union } = candidatesFor(two, structures, 1e6, { functions: 1400 });
    const total = union.offsets.at(-1)! + 3;
    const columns = columnsOf(list[0]!.basis, union, total);
    expect(columns).toHaveLength(list[0]!.functions + 3);
    expect([...columns.slice(-3)]).toEqual([total - 3, total - 2, total - 1]);
    const flat = union.functions.flat().map(functionLabel);
    expect([...columns.slice(0, -3)].map((c) => flat[c])).toEqual(list[0]!.basis.functions.flat().map(functionLabel));
    expect([...columns]).toEqual([...columns].sort((a, b) => a - b));
  });
});

describe('a fit that chooses its basis', () => {
  it('gives the same bytes on any number of threads, opens and exports', async () => {
    const fits = await Promise.all([1, 2].map((threads) => fitOn(threads, silicon, SMALL)));
    const [bytes, again] = fits.map((fit) => writeModel(fit.model, fit.basis));
    expect(again).toEqual(bytes);
    const { choice, model, basis } = fits[0]!;
    expect(choice!.curve.map(({ functions }) => functions)).toEqual([122, 391]);
    expect(model.layout.basis).toBe(choice!.curve[choice!.best]!.functions);
    expect(readModel(bytes!, 'memory').basis.id).toBe(basis.id);
    const { scores, least } = {
      scores: choice!.curve.map(({ score }) => score),
      least: Math.min(...choice!.curve.map(({ score }) => score)),
    };
    expect(scores.findIndex((score) => score <= 1.005 * least)).toBe(choice!.best);
    expect(model.training.balance.ratio).toAgree(choice!.ratio, { rtol: 1e-9, why: 'the balance that was chosen' });
    const { alpha, noise } = model.posterior.hyperparameters;
    expect(alpha * noise.forces * noise.forces).toAgree(choice!.strength, { rtol: 1e-9, why: 'the prior chosen' });
    expect(model.training.settings.chosen).toEqual(choice);
  });

  it('says nothing of a choice where the basis is given or data are too few', async () => {
    const given = await fitOn(1, silicon, { ...SMALL, preset: 'small' });
    expect(given.choice).toBeNull();
    expect(given.model.training.balance).toMatchObject({ mode: 'fixed', curve: [] });
    const few = await fitOn(1, silicon.slice(0, 8), { ...SMALL, nmax: null });
    expect([few.choice, few.model.layout.basis]).toEqual([null, 391]);
    const weak = await fitOn(1, silicon, { ...SMALL, preset: 'small', strength: 0.1 });
    const { alpha } = given.model.posterior.hyperparameters;
    expect(weak.model.posterior.hyperparameters.alpha).toAgree(0.1 * alpha, { rtol: 1e-9, why: 'a tenth of it' });
  });

  it('takes frames without stresses', async () => {
    const frames = silicon.slice(0, 20).map((frame) => ({ ...frame, labels: { ...frame.labels, virial: null } }));
    const fit = await fitOn(1, frames, { ...SMALL, balance: 'cv', folds: 3 });
    expect(fit.choice!.curve.map(({ functions }) => functions)).toEqual([122]);
    expect(fit.choice!.curve[0]!.rmse.virial).toBeNaN();
    // The balance is then judged by tolerances or the knee, not along with the basis.
    expect(fit.choice!.balances).toHaveLength(1);
    expect(fit.model.training.balance.curve).toHaveLength(5);
  });
});
