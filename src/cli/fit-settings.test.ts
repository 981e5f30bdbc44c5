import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { siliconFrames } from '../../test/support/models.ts';
import { EnvironmentError, FormatError, InputError } from '../core/errors.ts';
import { DEFAULT_FIT } from '../node/training/settings.ts';
import { finiteOrNull, integersOption, labelKeys, numberOption, threadsOption, withPool } from './data-options.ts';
import { EXIT, exitCodeOf } from './errors.ts';
import { fitSettingsOf } from './fit-settings.ts';
import { checkWeightGroups } from './group-weights.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

const settings = (options: Record<string, unknown>) => fitSettingsOf(options, folder);
async function refused(options: Record<string, unknown>): Promise<string> {
  const error = await settings(options).catch((thrown: unknown) => thrown);
  expect(error instanceof InputError || error instanceof FormatError).toBe(true);
  expect(exitCodeOf(error)).toBe(EXIT.usage);
  return (error as Error).message;
}

describe('fitSettingsOf', () => {
  it('has the defaults', async () => {
    expect(await settings({})).toEqual(DEFAULT_FIT);
  });

  it('takes what is given', async () => {
    expect(
      await settings({
        preset: 'small',
        budget: '40us',
        priorStrength: '0.1',
        nmax: '8, 4,3',
        lmax: '0,3,2',
        cutoff: '5.5',
        innerCutoff: '1.4',
        balance: 'cv',
        ratio: '0.1',
        prior: 'isotropic',
        exponent: '2',
        energyNoise: 'atom',
        stress: false,
        offsetBy: 'functional',
        e0: 'Si=-0.81, O=-2',
        embedding: 'two-density',
        loss: 'huber',
        huberThreshold: '1.5',
        labelNoise: 'energy=1e-4, forces=0.002',
        mendCores: false,
        seed: '7',
      }),
    ).toEqual({
      ...DEFAULT_FIT,
      preset: 'small',
      mendCores: false,
      budget: { microseconds: 40 },
      strength: 0.1,
      nmax: [8, 4, 3],
      lmax: [0, 3, 2],
      cutoff: 5.5,
      innerCutoff: 1.4,
      balance: 'cv',
      ratio: 0.1,
      prior: 'isotropic',
      exponent: 2,
      energyNoise: 'atom',
      stress: false,
      offsetKey: 'functional',
      isolatedAtoms: { Si: -0.81, O: -2 },
      embedding: 'two-density',
      loss: 'huber',
      huberThreshold: 1.5,
      labelNoise: { energy: 1e-4, forces: 0.002 },
      seed: 7,
    });
  });

  it.each([
    [{ preset: 'tiny' }, '--preset must be one of auto, small, medium, large, xlarge, got "tiny"'],
    [{ budget: 'much' }, '--budget must be a number of functions as 1500 or a time as 40us, got "much"'],
    [{ priorStrength: '0' }, '--prior-strength must be a positive number, got "0"'],
    [{ balance: 'best' }, '--balance must be one of auto, fixed, cv, evidence, got "best"'],
    [{ prior: 'flat' }, '--prior must be one of smoothness, isotropic, got "flat"'],
    [{ energyNoise: 'none' }, '--energy-noise must be one of sqrt, atom, got "none"'],
    [{ embedding: 'eam' }, '--embedding must be one of linear, two-density, got "eam"'],
    [{ loss: 'cauchy' }, '--loss must be one of squares, huber, got "cauchy"'],
    [{ huberThreshold: '0' }, '--huber-threshold must be a positive number (robust σ), got "0"'],
    [
      { labelNoise: 'force=1' },
      '--label-noise must be like energy=1e-4,forces=0.002,virial=0.01 (eV/√atom, eV/Å, eV/√atom), got "force=1"',
    ],
    [
      { labelNoise: 'forces=0' },
      '--label-noise must be like energy=1e-4,forces=0.002,virial=0.01 (eV/√atom, eV/Å, eV/√atom), got "forces=0"',
    ],
    [{ cutoff: '-3' }, '--cutoff must be a positive number up to 20 (Å), got "-3"'],
    [{ cutoff: '100' }, '--cutoff must be a positive number up to 20 (Å), got "100"'],
    [{ cutoff: 'NaN' }, '--cutoff must be a positive number up to 20 (Å), got "NaN"'],
    [{ innerCutoff: '0' }, '--inner-cutoff must be a positive number (Å), got "0"'],
    [{ ratio: '' }, '--ratio must be a positive number (Å), got ""'],
    [{ exponent: '-1' }, '--exponent must be a number ≥ 0, got "-1"'],
    [{ seed: '1.5' }, '--seed must be a whole number ≥ 0, got "1.5"'],
    [{ nmax: '3,2' }, '--nmax and --lmax must be given together, one number for each order'],
    [{ nmax: '3,2', lmax: '0' }, '--nmax and --lmax must be given together, one number for each order'],
    [{ nmax: 'a', lmax: '0' }, '--nmax must be whole numbers with commas between, got "a"'],
    [{ nmax: '3,', lmax: '0,1' }, '--nmax must be whole numbers with commas between, got "3,"'],
    [{ e0: 'Si' }, '--e0 must be like Si=-0.81,O=-2.0 (eV), got "Si"'],
    [{ e0: 'Si=' }, '--e0 must be like Si=-0.81,O=-2.0 (eV), got "Si="'],
    [{ e0: 'Sj=1' }, '--e0 must be like Si=-0.81,O=-2.0 (eV), got "Sj=1"'],
  ])('refuses %j', async (options, message) => {
    expect(await refused(options)).toBe(message);
  });
});

describe('weights', () => {
  const file = (content: string): { weights: string } => {
    writeFileSync(join(folder, 'weights.yaml'), content);
    return { weights: 'weights.yaml' };
  };

  it('are read from YAML', async () => {
    const text = 'surface: {energy: 4, forces: 0.25}\nbulk:\n  virial: 0\n';
    expect((await settings(file(text))).weights).toEqual({ surface: { energy: 4, forces: 0.25 }, bulk: { virial: 0 } });
  });

  it.each([
    ['a: {energy: [2\nb: "', /^weights\.yaml:2:1: weights must be YAML: /],
    ['- 3\n', 'weights.yaml:1:1: weights must map each config_type to {energy, forces, virial}'],
    ['a: 3\n', 'weights.yaml:1:1: weights of "a" must be a map like {energy: 2, forces: 1}'],
    ['a:\n  enrgy: 3\n', 'weights.yaml:2:3: weights must be of energy, forces, virial, got "enrgy"'],
    ['a: {energy: -3}\n', 'weight of energy of group "a" must be a finite number ≥ 0, got -3'],
    ['a: {energy: much}\n', 'weight of energy of group "a" must be a finite number ≥ 0, got much'],
  ] as const)('are refused: %j', async (content, message) => {
    const found = await refused(file(content));
    if (typeof message === 'string') expect(found).toBe(message);
    else expect(found).toMatch(message);
    expect(found).not.toMatch(/\n/);
  });

  it('must be of groups of the data', () => {
    const frames = siliconFrames(2).map((frame, f) => ({ ...frame, group: f === 0 ? 'hot' : 'cold' }));
    expect(() => checkWeightGroups({ hot: { energy: 2 } }, frames)).not.toThrow();
    expect(() => checkWeightGroups({ hott: { energy: 2 } }, frames)).toThrow(
      'weights must be of groups of the data (hot, cold), got "hott"; did you mean hot?',
    );
    expect(() => checkWeightGroups({ xyzzy: { energy: 2 } }, frames)).toThrow(/got "xyzzy"$/);
  });
});

describe('options of data', () => {
  it('name the keys of labels, a virial by its name', () => {
    expect(labelKeys({})).toEqual({});
    expect(labelKeys({ energyKey: 'e', forcesKey: 'f', stressKey: 's' })).toEqual({
      energyKey: 'e',
      forcesKey: 'f',
      stressKey: 's',
    });
    expect(labelKeys({ stressKey: 'dft_virial' })).toEqual({ virialKey: 'dft_virial' });
  });

  it('are numbers that keep their rule', () => {
    const threads = (value: unknown): number => threadsOption({ threads: value });
    expect(threads('3')).toBe(3);
    expect(threads(undefined)).toBeGreaterThanOrEqual(1);
    for (const bad of ['0', '-1', '1.5', 'two', ''])
      expect(() => threads(bad)).toThrow(`--threads must be a whole number ≥ 1, got "${bad}"`);
    expect(numberOption({}, 'x', '--x', () => true, '', null)).toBeNull();
    expect(integersOption({}, 'x', '--x')).toBeNull();
  });

  it('JSON has null for what it cannot hold', () => {
    const text = JSON.stringify({ a: Number.NaN, b: [Number.POSITIVE_INFINITY, 1], c: 'x' }, finiteOrNull);
    expect(text).toBe('{"a":null,"b":[null,1],"c":"x"}');
  });

  it('withPool ends at a signal', async () => {
    const stop = new AbortController();
    const work = withPool(1, { signal: stop.signal }, () => new Promise<never>(() => undefined));
    stop.abort();
    await expect(work).rejects.toThrow(EnvironmentError);
    await expect(work).rejects.toThrow('interrupted by a signal before the end');
    const done = await withPool(1, { signal: new AbortController().signal }, async (pool) => pool.threads);
    expect(done).toBe(1);
  });
});
