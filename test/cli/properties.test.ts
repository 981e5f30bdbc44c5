/** The property card from outside: beside a fitted model, of a potential file, of crystals that are named. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PropertyCard } from '../../src/core/properties/properties.ts';
import type { Ended } from '../support/command.ts';
import { freshFolder, querent } from '../support/command.ts';
import { extxyzOf, siliconFrames } from '../support/models.ts';

const cwd = freshFolder('properties');
const run = (...argv: string[]): Promise<Ended> => querent(argv, { cwd });
const POSCAR = 'primitive\n5.5\n0 0.5 0.5\n0.5 0 0.5\n0.5 0.5 0\nSi\n2\ndirect\n0 0 0\n0.25 0.25 0.25\n';

beforeAll(async () => {
  const frames = [0.03, 0.08, 0.15].flatMap((rattle, k) => siliconFrames(15, { rattle, seed: k }));
  writeFileSync(join(cwd, 'train.xyz'), extxyzOf(frames));
  writeFileSync(join(cwd, 'POSCAR'), POSCAR);
  const { code, stderr, stdout } = await run(
    'fit',
    'train.xyz',
    '-o',
    'si.model',
    '--preset',
    'small',
    '--cutoff',
    '5',
  );
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('property card: si.card.svg');
  expect(stdout).toMatch(/^Si +diamond +5\.4\d+/m);
});
afterAll(() => rmSync(cwd, { recursive: true }));

describe('querent properties', () => {
  it('stands beside a fitted model as a page', () => {
    expect(readFileSync(join(cwd, 'si.card.svg'), 'utf8')).toMatch(
      /^<svg [\s\S]*Properties of si\.model[\s\S]*<\/svg>\n$/,
    );
  });

  it('gives the constants of the potential that the labels came from', async () => {
    const { code, stdout } = await run('properties', 'si.model', 'POSCAR', '--json');
    expect(code).toBe(0);
    const card = JSON.parse(stdout) as PropertyCard;
    const [diamond, named] = card.crystals;
    expect(diamond!.name).toBe('Si diamond');
    expect(named!.name).toBe('Si2 (POSCAR@0)');
    const near = { rtol: 0.01, why: 'a small basis fitted to strained and rattled cells' };
    expect(diamond!.lengths[0]).toAgree(5.431, near);
    expect(named!.volume).toAgree(diamond!.volume, { rtol: 1e-5, why: 'the same crystal, relaxed to the tolerance' });
    if ('missing' in diamond!.elastic) throw new Error(diamond!.elastic.missing);
    expect(diamond!.elastic.value.relaxed).toHaveLength(36);
    expect(diamond!.elastic.value.relaxed[0]! * 160.2176634).toAgree(151.4, { rtol: 0.1, why: near.why });
    expect(diamond!.trust!.state).toBe('trusted');
  });

  it('prints the same card as text and page of the exported potential, without trust', async () => {
    expect((await run('export', 'si.model', '-o', 'si.yace')).code).toBe(0);
    const { code, stdout, stderr } = await run('properties', 'si.yace', '-o', 'yace.svg');
    expect(code).toBe(0);
    expect(stderr).toBe('written to yace.svg\n');
    const ofModel = (await run('properties', 'si.model')).stdout;
    const numbers = (text: string): string[] =>
      text.split('\n').filter((line) => /^ {2}(cell|volume|bulk|vacancy)/.test(line));
    expect(numbers(stdout)).toEqual(numbers(ofModel));
    expect(numbers(stdout)).toHaveLength(4);
    expect(existsSync(join(cwd, 'yace.svg'))).toBe(true);
  });

  it('can be left out of a fit', async () => {
    const { code, stdout } = await run(
      'fit',
      'train.xyz@:9',
      '-o',
      'b.model',
      '--nmax',
      '3',
      '--lmax',
      '0',
      '--cutoff',
      '4',
      '--no-card',
      '--json',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ properties: null });
    expect(existsSync(join(cwd, 'b.card.svg'))).toBe(false);
  });

  it.each([
    [['properties', 'none.model'], 1, /none\.model/],
    [['properties', 'train.xyz'], 1, /must be a model written by querent/],
    [['properties', 'si.model', '-o', 'no/such/card.svg'], 1, /no\/such/],
    [['properties', 'si.model', 'train.xyz@0', 'none.xyz'], 1, /none\.xyz/],
    [['properties'], 2, /model/],
  ])('says what is wrong with %j', async (argv, expected, message) => {
    const { code, stderr, stdout } = await run(...argv);
    expect(code).toBe(expected);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(3);
    expect(stdout).toBe('');
  });

  it('refuses a crystal that is none', async () => {
    writeFileSync(join(cwd, 'molecule.xyz'), '2\nProperties=species:S:1:pos:R:3 pbc="F F F"\nSi 0 0 0\nSi 0 0 2.3\n');
    const { code, stderr } = await run('properties', 'si.model', 'molecule.xyz');
    expect(code).toBe(1);
    expect(stderr).toMatch(/must be periodic in three directions/);
  });
});
