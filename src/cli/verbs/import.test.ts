import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { alloyFrames, alloyPotential, TINY_FIT } from '../../../test/support/models.ts';
import { commandLine } from '../../../test/support/runs.ts';
import { readAsi } from '../../formats/asi.ts';
import { readBBasis } from '../../formats/bbasis-reader.ts';
import { writeModel } from '../../formats/model-file.ts';
import { fitModel } from '../../node/training/fit.ts';
import { createPool } from '../../node/workers/pool.ts';
import { EXIT } from '../errors.ts';

const { A5_P1 } = golden<{ A: { A5_P1: { bbasis_yaml: string; yace: string } } }>('reference-values').A;
const folder = mkdtempSync(join(tmpdir(), 'querent-import-'));
afterAll(() => rmSync(folder, { recursive: true }));
const STRUCTURES = join(folder, 's.xyz');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

async function run(...argv: string[]): Promise<string> {
  const { code, out, err } = await commandLine(folder, argv);
  expect([code, err.replace(/^isolated atoms.*\n/, '')]).toEqual([EXIT.done, '']);
  return out;
}

async function refused(...argv: string[]): Promise<string> {
  const { code, err } = await commandLine(folder, argv);
  expect(code).not.toBe(EXIT.done);
  return err;
}

interface Prediction {
  readonly energy: number;
  readonly forces: readonly (readonly number[])[];
  readonly grade: readonly number[] | null;
}

beforeAll(async () => {
  const pool = createPool(1, null);
  const { model, basis } = await fitModel(alloyFrames(20, alloyPotential(['C', 'Si'], [-150, -107])), TINY_FIT, pool);
  await pool.dispose();
  writeFileSync(join(folder, 'a.model'), writeModel(model, basis));
  writeFileSync(join(folder, 'old.model'), writeModel({ ...model, activeSets: undefined as never }, basis));
  writeFileSync(join(folder, 'si.yaml'), A5_P1.bbasis_yaml);
  const cells = ['Si 0 0 0\nC 0 2 2\nSi 2 0 2\nC 2.1 2 0', 'Si 0 0 0\nC 0 2.1 2\nSi 2.2 0 2\nC 2 2 0'];
  const xyz = cells.map(
    (atoms) => `4\nLattice="4.4 0 0 0 4.4 0 0 0 4.4" Properties=species:S:1:pos:R:3 energy=-500.0\n${atoms}\n`,
  );
  writeFileSync(STRUCTURES, xyz.join(''));
});

describe('export', () => {
  it('writes .yaml and .asi side by side, and says how they agree and what LAMMPS wants', async () => {
    const out = await run('export', 'a.model', '-o', 'a.yaml');
    expect(out).toMatch(/^a\.yaml, a\.asi: 76 functions of C, Si, read back and compared on 5 structures: /);
    expect(out).toContain('grades within');
    expect(out).toContain('  pair_coeff * * a.yaml a.asi C Si\n  fix gamma all pair 10 pace/extrapolation gamma 1\n');
    const { elements, functions } = readBBasis(read('a.yaml'), 'a.yaml');
    const sizes = functions.map((own) => own.length);
    expect(readAsi(readFileSync(join(folder, 'a.asi')), 'a.asi', elements, sizes).map((m) => m.length)).toEqual([
      38 * 38,
      38 * 38,
    ]);
  });

  it('is the same bytes again', async () => {
    const before = [read('a.yaml'), readFileSync(join(folder, 'a.asi'))];
    await run('export', 'a.model', '-o', 'a.yaml', '--format', 'yaml');
    expect([read('a.yaml'), readFileSync(join(folder, 'a.asi'))]).toEqual(before);
  });

  it('writes an input that finds the files from its folder', async () => {
    const result = JSON.parse(await run('export', 'a.model', '-o', 'b.yaml', '--lammps', 'runs/md', '--json'));
    expect(result).toMatchObject({ file: 'b.yaml', activeSet: 'b.asi', input: 'runs/md/in.querent', functions: 76 });
    expect(Object.keys(result.pseudoRows)).toEqual(['C', 'Si']);
    expect(result.gradeDifference).toBeLessThan(1e-7);
    expect(read('runs/md/in.querent')).toContain('pair_coeff * * ../../b.yaml ../../b.asi C Si');
    await run('export', 'a.model', '-o', 'b.yace', '--lammps', 'plain');
    expect(read('plain/in.querent')).toContain('pair_coeff * * ../b.yace C Si');
    expect(read('plain/in.querent')).not.toContain('gamma');
  });

  it('refuses what does not fit together, and writes nothing then', async () => {
    expect(await refused('export', 'a.model', '-o', 'c.yaml', '--format', 'yace')).toContain(
      '--format must be that of',
    );
    expect(await refused('export', 'a.model', '-o', 'c.asi')).toContain('--output must end in .yace or .yaml');
    expect(await refused('export', 'old.model', '-o', 'c.yaml')).toContain('fit it again, or export a .yace');
    expect(existsSync(join(folder, 'c.yaml')) || existsSync(join(folder, 'c.asi'))).toBe(false);
    await run('export', 'old.model', '-o', 'old.yace');
  });
});

describe('import', () => {
  it('says what a file holds and converts invariants to products', async () => {
    const out = await run('import', 'a.yaml', '-o', 'from-yaml.yace');
    expect(out).toContain('invariants by order, embedding linear');
    expect(out).toMatch(/C +-150\.\d+ +8 +30 +38/);
    expect(out).toContain('active set: a.asi, checked');
    expect(out).toContain('written by querent: basis');
    await run('export', 'a.model', '-o', 'direct.yace');
    expect(read('from-yaml.yace')).toBe(read('direct.yace'));
  });

  it('takes files of others, whose bytes it gives back', async () => {
    const result = JSON.parse(await run('import', 'si.yaml', '-o', 'again.yaml', '--json'));
    expect(result).toMatchObject({
      ...{ format: 'yaml', elements: ['Si'], densities: 1, linear: true, activeSet: null, basis: null },
      ...{ functions: { Si: [4, 9, 10, 3] }, e0: { Si: 0 }, output: 'again.yaml' },
    });
    expect(read('again.yaml')).toBe(A5_P1.bbasis_yaml);
    expect(result.lammps.at(-1)).toBe('pair_coeff * * si.yaml Si');
  });

  it('refuses to find invariants for products, and says why', async () => {
    const message = await refused('import', 'direct.yace', '-o', 'x.yaml');
    expect(message).toContain('cannot be found again');
    expect(await run('import', 'direct.yace')).toContain('products by order');
  });

  it('refuses other endings, existing files and damaged active sets', async () => {
    expect(await refused('import', 'a.model')).toContain('file must end in .yace or .yaml');
    expect(await refused('import', 'a.yaml', '-o', 'x.model')).toContain('--output must end in');
    expect(await refused('import', 'a.yaml', '-o', 'direct.yace')).toContain('--force');
    await run('import', 'a.yaml', '-o', 'direct.yace', '--force');
    writeFileSync(join(folder, 'si.asi'), readFileSync(join(folder, 'a.asi')));
    expect(await refused('import', 'si.yaml')).toContain('must hold the elements Si of the potential, got C, Si');
    rmSync(join(folder, 'si.asi'));
  });
});

describe('predict and evaluate', () => {
  const predicted = async (...argv: string[]): Promise<Prediction[]> =>
    JSON.parse(await run('predict', ...argv, STRUCTURES, '--json', '--threads', '1')) as Prediction[];

  it('agree between the model and its files, grades included', async () => {
    const [model, yaml, yace] = [await predicted('a.model'), await predicted('a.yaml'), await predicted('direct.yace')];
    model.forEach((own, k) => {
      for (const other of [yaml[k]!, yace[k]!]) {
        expect(other.energy).toAgree(own.energy, { rtol: 1e-10, why: 'splines of 0.001 Å of radial functions' });
        expect(other.forces.flat()).toAgree(own.forces.flat(), { atol: 1e-6, why: 'slopes of those splines' });
      }
      expect(yaml[k]!.grade).toAgree(own.grade!, { rtol: 1e-9, why: 'rounding times the condition of the active set' });
      expect(yace[k]!.grade).toBeNull();
    });
  });

  it('take an active set of another name, and refuse one for products', async () => {
    writeFileSync(join(folder, 'moved.yaml'), read('a.yaml'));
    expect((await predicted('moved.yaml'))[0]!.grade).toBeNull();
    expect((await predicted('moved.yaml', '--active-set', 'a.asi'))[0]!.grade).toHaveLength(4);
    expect(await refused('predict', 'direct.yace', STRUCTURES, '--active-set', 'a.asi')).toContain(
      '--active-set must come',
    );
    expect(await run('predict', 'a.yaml', STRUCTURES, '--threads', '1')).toMatch(/novelty +grade/);
  });

  it('give the same errors for model and file', async () => {
    const errors = async (file: string) =>
      JSON.parse(await run('evaluate', file, STRUCTURES, '--json', '--threads', '1')) as { energy: { mae: number } };
    const [model, yaml] = [await errors('a.model'), await errors('a.yaml')];
    expect(yaml.energy.mae).toAgree(model.energy.mae, { rtol: 1e-9, why: 'splines of 0.001 Å' });
    const out = await run('evaluate', 'a.yaml', STRUCTURES, '--threads', '1');
    expect(out).toContain('2 structures, 8 atoms');
    expect(out).not.toContain('ECE');
  });
});
