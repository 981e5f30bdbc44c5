import { describe, expect, it } from 'vitest';
import { DEFAULT_NEURAL } from '../node/training/neural-settings.ts';
import { neuralSettingsOf } from './neural-settings.ts';

describe('settings of querent neural', () => {
  it('are the defaults where nothing is said', () => {
    expect(neuralSettingsOf({})).toEqual(DEFAULT_NEURAL);
  });

  it('take what is said', () => {
    const settings = neuralSettingsOf({
      members: '7',
      heldOut: '0.2',
      hidden: '24',
      activation: 'tanh',
      inputs: '32',
      nmax: '6,3',
      lmax: '0,2',
      epochs: '9',
      batch: '2',
      patience: '3',
      learningRate: '1e-6',
      decay: '0.5',
      stress: false,
      seed: '4',
      ence: '0.4',
      checkpointEvery: '1',
    });
    expect(settings).toMatchObject({
      members: 7,
      heldOut: 0.2,
      inputs: 32,
      nmax: [6, 3],
      lmax: [0, 2],
      stress: false,
      checkpointEvery: 1,
      largestEnce: 0.4,
      training: { hidden: [24], activation: 'tanh', epochs: 9, batch: 2, patience: 3, seed: 4 },
    });
    // The rate never rises at the end.
    expect(settings.training.optimiser).toMatchObject({ learningRate: 1e-6, finalRate: 1e-6, decay: 0.5 });
  });

  it.each([
    [{ members: '1.5' }, '--members must be a whole number ≥ 2, got "1.5"'],
    [{ heldOut: '0' }, '--held-out must be a number from 0.01 to 0.5, got "0"'],
    [{ hidden: '32,,16' }, '--hidden must be whole numbers with commas between, got "32,,16"'],
    [{ hidden: '0' }, '--hidden must be widths of at least 1, got "0"'],
    [{ activation: 'gelu' }, '--activation must be silu or tanh, got "gelu"'],
    [{ inputs: '0' }, '--inputs must be a whole number ≥ 1, got "0"'],
    [{ learningRate: '-1' }, '--learning-rate must be a number from 1e-8 to 1, got "-1"'],
    [{ decay: 'x' }, '--decay must be a number from 0 to 100, got "x"'],
    [{ ence: '-0.1' }, '--ence must be'],
    [{ checkpointEvery: '0' }, '--checkpoint-every must be a whole number ≥ 1, got "0"'],
    [{ nmax: '4,-1' }, '--nmax must be whole numbers'],
  ])('refuse %j', (options, message) => {
    expect(() => neuralSettingsOf(options)).toThrow(message);
  });
});
