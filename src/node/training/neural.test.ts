import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { alloyFrames, alloyPotential, siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { TINY_TRAINING } from '../../../test/support/neural.ts';
import { NeuralPotential, potentialOf } from '../../core/potentials/neural/neural-potential.ts';
import { createAceProgram } from '../../core/descriptors/ace/program.ts';
import { InputError } from '../../core/errors.ts';
import { readModel, writeModel } from '../../formats/model-file.ts';
import { createPool } from '../workers/pool.ts';
import { fitModel } from './fit.ts';
import { exportYace } from './export-yace.ts';
import { fitNeural, trainingKey } from './neural.ts';
import { Checkpoints, decodeCheckpoint, encodeCheckpoint } from './neural-checkpoints.ts';
import { checkNeuralSettings, DEFAULT_NEURAL, type NeuralSettings } from './neural-settings.ts';
import { openModel } from './open-model.ts';

const SETTINGS: NeuralSettings = {
  ...DEFAULT_NEURAL,
  members: 4,
  bootstrap: true,
  heldOut: 0.25,
  inputs: 8,
  nmax: [4, 3],
  lmax: [0, 3],
  training: { ...TINY_TRAINING, epochs: 30 },
  checkpointEvery: 4,
  largestEnce: 10,
};

describe('a neural ensemble', async () => {
  const pool = createPool(1, null);
  const folder = await mkdtemp(join(tmpdir(), 'querent-neural-'));
  afterAll(async () => {
    await pool.dispose();
    await rm(folder, { recursive: true, force: true });
  });
  const frames = siliconFrames(24);
  const linear = await fitModel(frames, { ...TINY_FIT, nmax: [4, 1], lmax: [0, 1] }, pool);
  const handle = openModel(writeModel(linear.model, linear.basis));
  const opened = { model: linear.model, basis: linear.basis, handle };
  const fitted = await fitNeural(frames, opened, SETTINGS, pool);
  const bytes = writeModel(fitted.model, fitted.basis);

  it('beats a linear model that lacks what it can see, and comes into force', () => {
    const { verdict, active, training, members } = fitted.ensemble;
    expect(verdict.forceError).toBeLessThan(0.7 * verdict.linearForceError);
    expect(verdict.structures).toBe(6);
    expect(active).toBe(true);
    expect(members).toHaveLength(4);
    for (const { startLoss, bestLoss } of training.members) expect(bestLoss).toBeLessThan(startLoss);
    expect(fitted.warnings).toEqual([]);
  });

  it('survives its file: the same energies and error bars', () => {
    const { model } = readModel(bytes, 'a.model');
    const [first, second] = [fitted.model, model].map((own) => potentialOf(own, createAceProgram(linear.basis)));
    expect(first).toBeInstanceOf(NeuralPotential);
    const { structure } = frames[3]!;
    expect(second!.predict(structure)).toEqual(first!.predict(structure));
    const inactive = { ...model, neural: { ...model.neural!, active: false } };
    const plain = potentialOf(inactive, createAceProgram(linear.basis));
    expect(plain).not.toBeInstanceOf(NeuralPotential);
    expect(plain.evaluate(structure)).toEqual(
      potentialOf(linear.model, createAceProgram(linear.basis)).evaluate(structure),
    );
  });

  it('has forces that follow its energy, alike by itself, in shares and in a prediction', () => {
    const potential = potentialOf(fitted.model, createAceProgram(linear.basis));
    const { structure } = frames[5]!;
    const whole = potential.evaluate(structure);
    const predicted = potential.predict(structure);
    const why = 'the same sums in another order';
    expect(predicted.energy).toAgree(whole.energy, { rtol: 1e-12, why });
    expect(predicted.forces).toAgree(whole.forces, { atol: 1e-10, why });
    expect(predicted.virial).toAgree(whole.virial, { atol: 1e-9, why });
    expect(predicted.forceVariances.every((v) => v > 0)).toBe(true);
    const [a, b] = [potential.evaluateShare(structure, [0, 3]), potential.evaluateShare(structure, [3, 8])];
    expect(a.energy + b.energy).toAgree(whole.energy, { rtol: 1e-12, why });
    const h = 1e-4;
    const at = (d: number): number => {
      const positions = structure.positions.slice();
      positions[7]! += d;
      return potential.evaluate({ ...structure, positions }).energy;
    };
    expect(whole.forces[7]!).toAgree((at(-h) - at(h)) / (2 * h), { atol: 1e-5, why: 'central differences of 1e-4 Å' });
  });

  it('trusts what it was trained on more than what is far from it', () => {
    const potential = potentialOf(fitted.model, createAceProgram(linear.basis));
    const { structure } = frames[2]!;
    const far = { ...structure, positions: structure.positions.map((x, k) => x + 0.5 * Math.sin(3 * k)) };
    expect(potential.trust(far).forceSigma).toBeGreaterThan(2 * potential.trust(structure).forceSigma);
  });

  it('gives the same bits on any number of threads', async () => {
    const two = createPool(2, null);
    try {
      const again = await fitNeural(frames, opened, SETTINGS, two);
      expect(again.ensemble).toEqual(fitted.ensemble);
    } finally {
      await two.dispose();
    }
  });

  it('goes on from checkpoints to the same bits, and removes them when told', async () => {
    const checkpoints = new Checkpoints(join(folder, 'a'), trainingKey(frames, handle, SETTINGS));
    let told = 0;
    const stopped = fitNeural(frames, opened, SETTINGS, pool, {
      checkpoints,
      progress: (phase) => {
        // As if the process were killed after some checkpoints.
        if (phase === 'training' && ++told === 9) throw new Error('killed');
      },
    });
    await expect(stopped).rejects.toThrow('killed');
    expect((await readdir(join(folder, 'a'))).length).toBeGreaterThan(0);
    let first = -1;
    const resumed = await fitNeural(frames, opened, SETTINGS, pool, {
      checkpoints,
      progress: (phase, done) => {
        if (phase === 'training' && first < 0) first = done;
      },
    });
    expect(first).toBeGreaterThan(0);
    expect(resumed.ensemble).toEqual(fitted.ensemble);
    await checkpoints.remove();
    await expect(readdir(join(folder, 'a'))).rejects.toThrow();
  });

  it('refuses damaged checkpoints, and those of another training', async () => {
    const key = trainingKey(frames, handle, SETTINGS);
    const encoded = encodeCheckpoint(key, fitted.states[0]!);
    expect(decodeCheckpoint(encoded, 'x', key)).toEqual(fitted.states[0]);
    const damaged = encoded.slice();
    damaged[damaged.length - 9]! ^= 1;
    expect(() => decodeCheckpoint(damaged, 'x', key)).toThrow(/x: checkpoint must be whole, but is damaged; delete it/);
    expect(() => decodeCheckpoint(new Uint8Array(5), 'x', key)).toThrow(/damaged/);
    const other = trainingKey(frames.slice(1), handle, SETTINGS);
    expect(() => decodeCheckpoint(encoded, 'x', other)).toThrow(InputError);
    const at = new Checkpoints(join(folder, 'b'), key);
    await at.open();
    await at.write(fitted.states[1]!);
    const [name] = await readdir(at.folder);
    const whole = await readFile(join(at.folder, name!));
    await writeFile(join(at.folder, name!), whole.subarray(0, whole.length - 3));
    await expect(at.read(1)).rejects.toThrow(/member-2.checkpoint: checkpoint must be whole/);
    expect(await at.read(0)).toBeNull();
    expect(trainingKey(frames, handle, { ...SETTINGS, checkpointEvery: 9 })).toBe(key);
  });

  it('cannot be written as a potential of a simulation program', () => {
    expect(() => exportYace(fitted.model, fitted.basis, 'a.yace')).toThrow(/linear/);
    const inactive = { ...fitted.model, neural: { ...fitted.ensemble, active: false } };
    expect(exportYace(inactive, fitted.basis, 'a.yace').text).toContain('Si');
  });

  it('refuses data without forces, too few structures, and settings that make no sense', async () => {
    const bare = frames.map((frame) => ({ ...frame, labels: { ...frame.labels, forces: null } }));
    await expect(fitNeural(bare, opened, SETTINGS, pool)).rejects.toThrow(/must carry forces/);
    await expect(fitNeural(frames.slice(0, 5), opened, SETTINGS, pool)).rejects.toThrow(/at least 10 structures/);
    const foreign = alloyFrames(12, alloyPotential(['C', 'Si'], [-3, -4]));
    await expect(fitNeural(foreign, opened, SETTINGS, pool)).rejects.toThrow(/species must be one of Si, got C/);
    expect(() => checkNeuralSettings({ ...SETTINGS, members: 1 })).toThrow(
      /members must be an integer from 2 to 100, got 1/,
    );
    expect(() => checkNeuralSettings({ ...SETTINGS, heldOut: 0 })).toThrow(/held-out share/);
    expect(() => checkNeuralSettings({ ...SETTINGS, whitening: 2 })).toThrow(/whitening/);
    expect(() => checkNeuralSettings({ ...SETTINGS, inputs: 0 })).toThrow(/inputs/);
    expect(() => checkNeuralSettings({ ...SETTINGS, checkpointEvery: 0 })).toThrow(/checkpoints/);
  });

  it('of two elements learns without a stress, from folds', async () => {
    const alloy = alloyFrames(12, alloyPotential(['C', 'Si'], [-3, -4]));
    const base = await fitModel(alloy, { ...TINY_FIT, nmax: [3, 1], lmax: [0, 1] }, pool);
    const own = { model: base.model, basis: base.basis, handle: openModel(writeModel(base.model, base.basis)) };
    const settings = {
      ...SETTINGS,
      members: 2,
      bootstrap: false,
      stress: false,
      nmax: [3, 1],
      lmax: [0, 1],
      inputs: 6,
      training: { ...SETTINGS.training, epochs: 5 },
    };
    const result = await fitNeural(alloy, own, settings, pool);
    expect(result.ensemble.maps).toHaveLength(2);
    expect(result.ensemble.rescaling.forces).toBeNaN();
    expect(readModel(writeModel(result.model, result.basis), 'b.model').model.neural).toEqual(result.ensemble);
    const oneElement = alloy.map((frame) => ({
      ...frame,
      structure: { ...frame.structure, species: new Uint8Array(8).fill(14) },
    }));
    await expect(fitNeural(oneElement, own, settings, pool)).rejects.toThrow(/got none of C/);
  });
});
