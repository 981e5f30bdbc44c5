import { describe, expect, it } from 'vitest';
import { siliconFrames } from '../../../../test/support/models.ts';
import { mapsOf, neuralFramesOf, TINY_TRAINING } from '../../../../test/support/neural.ts';
import { buildAceBasis } from '../../descriptors/ace/enumerate.ts';
import { presetSpecification } from '../../descriptors/ace/presets.ts';
import { NumericalError } from '../../errors.ts';
import { NetworkModel, type NeuralFrame } from './loss.ts';
import type { MemberData } from './training.ts';
import { bootstrapDraws, checkTraining, lossOf, newMember, shapeOf, trainEpochs } from './training.ts';

const basis = buildAceBasis({ ...presetSpecification('small', ['Si'], 4.2), nmax: [4, 2], lmax: [0, 2] });
const made = siliconFrames(16);
const maps = mapsOf(basis, made, 10);
const energyPerAtom =
  made.reduce((sum, { labels, structure }) => sum + labels.energy! / structure.species.length, 0) / 16;
const frames = neuralFramesOf(basis, maps, made, energyPerAtom);
const noises = { energy: 0.02, forces: 0.3, virial: 1 };
const data: MemberData = {
  frames: frames.slice(0, 12),
  draws: new Array<number>(12).fill(1),
  heldOut: frames.slice(12),
  noises,
};
const settings = TINY_TRAINING;
const model = new NetworkModel(shapeOf(settings, 10), 1);

describe('training of a member', () => {
  const start = newMember(settings, 10, 1, 0);
  const trained = trainEpochs(start, data, settings, 1, settings.epochs);

  it('takes away most of the loss, of structures that it has not seen as well', () => {
    const before = lossOf(model, data.heldOut, start.parameters, noises).mean;
    expect(trained.bestLoss).toBeLessThan(0.15 * before);
    expect(lossOf(model, data.heldOut, trained.best, noises).mean).toBe(trained.bestLoss);
    expect(trained.history).toHaveLength(settings.epochs);
    expect(trained.finished).toBe(true);
    expect(start.epoch).toBe(0);
  });

  it('gives the same bits in one go and in parts', () => {
    let parts = newMember(settings, 10, 1, 0);
    while (!parts.finished) parts = trainEpochs(structuredClone(parts), data, settings, 1, 7);
    expect(parts).toEqual(trained);
  });

  it('differs between members, and not between runs', () => {
    const [again, other] = [0, 1].map((member) =>
      trainEpochs(newMember(settings, 10, 1, member), data, settings, 1, 2),
    );
    expect(again!.parameters).toEqual(trainEpochs(start, data, settings, 1, 2).parameters);
    expect(other!.parameters).not.toEqual(again!.parameters);
  });

  it('stops where the held-out structures stop to gain, and keeps the best', () => {
    const impatient = { ...settings, patience: 2, optimiser: { ...settings.optimiser, learningRate: 0.2 } };
    const state = trainEpochs(newMember(impatient, 10, 1, 0), data, impatient, 1, 40);
    expect(state.finished).toBe(true);
    const losses = state.history.map(({ heldOut }) => heldOut);
    expect(state.bestLoss).toBe(Math.min(...losses));
    expect(state.epoch < 40 ? state.epoch - state.bestEpoch : 3).toBe(3);
  });

  it('without structures to be judged by goes to the end and keeps the last', () => {
    const state = trainEpochs(start, { ...data, heldOut: [] }, settings, 1, 3);
    expect(state.best).toEqual(state.average);
    expect(state.bestEpoch).toBe(2);
  });
});

describe('a step that goes wrong', () => {
  /** A structure whose energy label is beyond what squares can hold. */
  const poison: NeuralFrame = { ...frames[0]!, residuals: { ...frames[0]!.residuals, energy: 1e300 } };

  it('is taken back, the rate halved, and said', () => {
    const draws = new Array<number>(12).fill(1);
    const poisoned = { ...data, frames: [poison, ...frames.slice(1, 12)], draws };
    const state = trainEpochs(newMember(settings, 10, 1, 0), poisoned, settings, 1, 2);
    expect(state.rateFactor).toBe(0.25);
    expect(state.rollbacks).toHaveLength(2);
    expect(state.rollbacks[0]!.reason).toContain('not finite');
    expect(state.parameters).toEqual(newMember(settings, 10, 1, 0).parameters);
    // Once the cause is gone it goes on from there.
    const onwards = trainEpochs(state, data, settings, 1, 1);
    expect(onwards.history[0]!.rate).toBeLessThan(0.25 * settings.optimiser.learningRate * 1.01);
  });

  it('that keeps going wrong ends the training', () => {
    const poisoned = { ...data, frames: [poison], draws: [1] };
    expect(() => trainEpochs(newMember(settings, 10, 1, 0), poisoned, settings, 1, 40)).toThrow(NumericalError);
    expect(() => trainEpochs(newMember(settings, 10, 1, 2), poisoned, settings, 1, 40)).toThrow(
      /member 3 must give finite/,
    );
  });
});

describe('the bootstrap', () => {
  it('draws as many as there are, about a third of the structures never', () => {
    const draws = bootstrapDraws(1000, 1, 0);
    expect(draws.reduce((a, b) => a + b)).toBe(1000);
    const never = draws.filter((times) => times === 0).length;
    // Binomial: 368 ± 10.
    expect(never).toBeGreaterThan(320);
    expect(never).toBeLessThan(416);
    expect(bootstrapDraws(1000, 1, 0)).toEqual(draws);
    expect(bootstrapDraws(1000, 1, 1)).not.toEqual(draws);
  });

  it('counts a structure as often as it was drawn', () => {
    const once = trainEpochs(
      newMember(settings, 10, 1, 0),
      { ...data, draws: data.draws.map((_, f) => (f < 3 ? 2 : 0)) },
      settings,
      1,
      1,
    );
    const plain = trainEpochs(
      newMember(settings, 10, 1, 0),
      { ...data, draws: data.draws.map((_, f) => (f < 3 ? 1 : 0)) },
      settings,
      1,
      1,
    );
    expect(once.parameters).toAgree(plain.parameters, {
      rtol: 1e-9,
      atol: 1e-12,
      why: 'a common factor on all weights',
    });
    const uneven = trainEpochs(
      newMember(settings, 10, 1, 0),
      { ...data, draws: data.draws.map((_, f) => (f < 3 ? 1 + f : 0)) },
      settings,
      1,
      1,
    );
    expect(uneven.parameters).not.toEqual(plain.parameters);
  });
});

describe('settings of training', () => {
  it.each([
    [{ epochs: 0 }, /epochs must be a positive integer, got 0/],
    [{ batch: 1.5 }, /batch must be a positive integer, got 1.5/],
    [{ averaging: 1 }, /averaging must lie in \[0, 1\), got 1/],
    [{ patience: -1 }, /patience/],
    [{ seed: Number.NaN }, /seed must be an integer, got NaN/],
    [{ optimiser: { ...settings.optimiser, learningRate: 0 } }, /learning rate/],
    [{ optimiser: { ...settings.optimiser, clip: Number.NaN } }, /clip must be positive, got NaN/],
    [{ optimiser: { ...settings.optimiser, finalRate: 1 } }, /final rate/],
  ])('refuse %j', (change, message) => {
    expect(() => checkTraining({ ...settings, ...change })).toThrow(message);
  });
});
