/** Yardsticks that need nothing of others: the probe, Python in a process of its own, environments that cannot be made. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { COPPER_32, madeCase, normals, publishedCases } from '../../bench/cases.ts';
import { coProcess } from '../../bench/yardsticks/co-process.ts';
import { openProbe } from '../../bench/yardsticks/probe.ts';
import { atomCount } from '../../src/core/structure/structure.ts';
import { dataFile, skipReason } from '../support/data.ts';
import { virtualEnvironment } from '../support/python-ace.ts';

const python = ['python3', 'python'].find((name) => spawnSync(name, ['--version']).status === 0);

describe('probe', () => {
  it('multiplies and adds faster than any one chain could', () => {
    const probes = openProbe();
    expect(probes.map(({ variant }) => variant)).toContain('wasm-simd');
    for (const { contender } of probes) {
      contender.turn(20);
      const perSecond = (5 * contender.units) / Number(contender.turn(5));
      // A chain of two lanes waits four cycles at the very least: 5 GHz would give 2.5e9.
      expect(perSecond).toBeGreaterThan(2.5e9);
    }
  });
});

describe.skipIf(python === undefined)('coProcess', () => {
  const side = python === undefined ? null : coProcess(python);
  afterAll(() => side?.dispose());

  it('runs code and times functions in turns', async () => {
    await side!.run('def work(): return sum(range(200000))');
    const [one, ten] = [await side!.time('work', 1), await side!.time('work', 10)];
    expect(one).toBeGreaterThan(0);
    expect(ten).toBeGreaterThan(2 * one);
  });

  it('says what Python raised, and goes on', async () => {
    await expect(side!.run('1 / 0')).rejects.toThrow('ZeroDivisionError');
    await expect(side!.time('absent', 1)).rejects.toThrow('KeyError');
    await side!.run('print("noise of a library")');
    expect(await side!.time('work', 1)).toBeGreaterThan(0);
  });
});

describe('virtualEnvironment', () => {
  it('says why there is none', () => {
    const folder = join(tmpdir(), 'querent-no-environment');
    expect(virtualEnvironment(folder, [], 'import sys', ['no-such-python'])).toEqual({
      reason: 'no Python among no-such-python can make environments',
    });
  });
});

describe('cases', () => {
  it('are the same every time', () => {
    const [first, second] = [madeCase('small', ['Cu'], 5, COPPER_32), madeCase('small', ['Cu'], 5, COPPER_32)];
    expect(atomCount(first.structure)).toBe(32);
    expect(first.structure).toEqual(second.structure);
    expect(first.yace()).toBe(second.yace());
    expect(first.weights).toHaveLength(first.basis.offsets.at(-1)!);
    expect(normals(3)).toEqual(normals(3));
  });

  it.skipIf(!dataFile('pace_potentials'))(`read the published potentials${skipReason('pace_potentials')}`, () => {
    const cases = publishedCases();
    expect(cases.map(({ potential }) => potential.elements.join(' '))).toEqual(['Cu', 'Ta', 'Ba Cu O Y']);
    expect(cases.map(({ structure }) => atomCount(structure))).toEqual([256, 250, 256]);
  });
});
