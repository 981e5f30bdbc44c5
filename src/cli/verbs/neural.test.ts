import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine, type Shown } from '../../../test/support/command-line.ts';
import { extxyzOf, siliconFrames } from '../../../test/support/models.ts';

const cwd = mkdtempSync(join(tmpdir(), 'querent-neural-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const querent = (...argv: string[]): Promise<Shown> => commandLine(cwd, argv);

const at = (name: string): string => join(cwd, name);
const SMALL = '--nmax 4,3 --lmax 0,3 --inputs 8 --hidden 8,4 --members 4 --batch 3 --held-out 0.25 --threads 1'.split(
  ' ',
);

describe('querent neural', () => {
  beforeAll(async () => {
    const frames = siliconFrames(28);
    writeFileSync(at('train.xyz'), extxyzOf(frames.slice(0, 24)));
    writeFileSync(at('test.xyz'), extxyzOf(frames.slice(24)));
    const fit = ['fit', at('train.xyz'), '-o', 'si.model', '--nmax', '4,1', '--lmax', '0,1', '--cutoff', '4.6'];
    const { code, stderr } = await querent(...fit, '--no-card', '--threads', '1', '--preset', 'small');
    expect(stderr, stderr).not.toContain('error');
    expect(code).toBe(0);
  });

  it('trains, says whether the networks are in force, and leaves a model that others use', async () => {
    const train = ['neural', 'si.model', at('train.xyz'), '-o', 'nn.model', '--epochs', '30', '--patience', '30'];
    const { code, stdout, stderr } = await querent(
      ...train,
      '--learning-rate',
      '0.01',
      '--ence',
      '10',
      '--test',
      at('test.xyz'),
      ...SMALL,
    );
    expect(code).toBe(0);
    expect(stdout).toContain('4 networks of 8-8-4-1 (silu), 113 parameters each');
    expect(stdout).toContain('the networks are in force');
    expect(stdout).toContain('test structures');
    expect(stderr).toMatch(/training 100 %/);
    expect(readdirSync(cwd)).not.toContain('nn.model.checkpoints');
    const errors = async (model: string): Promise<number> => {
      const { stdout: text } = await querent('evaluate', model, at('test.xyz'), '--json', '--threads', '1');
      return (JSON.parse(text) as { forces: { mae: number } }).forces.mae;
    };
    expect(await errors('nn.model')).toBeLessThan(0.8 * (await errors('si.model')));
    const refused = await querent('export', 'nn.model', '-o', 'nn.yace');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('its networks are in force');
    expect(existsSync(join(cwd, 'nn.yace'))).toBe(false);
  });

  it('keeps the linear model where the networks are no better, and says why', async () => {
    const train = ['neural', 'si.model', at('train.xyz'), '-o', 'no.model', '--epochs', '1', '--json', '--ence', '0'];
    const { code, stdout } = await querent(...train, '--bootstrap', '--no-stress', ...SMALL);
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as { active: boolean; verdict: { reason: string }; members: unknown[] };
    expect(result.active).toBe(false);
    expect(result.verdict.reason).toContain('ENCE');
    expect(result.members).toHaveLength(4);
    const [mine, linear] = await Promise.all(
      ['no.model', 'si.model'].map((model) => querent('predict', model, at('test.xyz'), '--json', '--threads', '1')),
    );
    expect((JSON.parse(mine!.stdout) as unknown[])[0]).toEqual((JSON.parse(linear!.stdout) as unknown[])[0]);
  });

  it.each([
    [['--members', '1'], '--members must be a whole number ≥ 2, got "1"'],
    [['--hidden', '0,3'], '--hidden must be widths of at least 1'],
    [['--activation', 'relu'], '--activation must be silu or tanh, got "relu"'],
    [['--held-out', '0.9'], '--held-out must be a number from 0.01 to 0.5'],
    [['--epochs', 'x'], '--epochs must be a whole number ≥ 1, got "x"'],
  ])('refuses %j', async (options, message) => {
    const { code, stderr } = await querent('neural', 'si.model', at('train.xyz'), '-o', 'x.model', ...options);
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
  });
});
