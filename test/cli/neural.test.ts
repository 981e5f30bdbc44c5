/** Training of networks as a user runs it: killed, resumed on other threads, refused; and on DFT labels. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshFolder, querent } from '../support/command.ts';
import { dataFile, skipReason } from '../support/data.ts';
import { extxyzOf, siliconFrames } from '../support/models.ts';

const cwd = freshFolder('neural');
afterAll(() => rmSync(cwd, { recursive: true }));

const SMALL = [
  ...['--nmax', '4,3', '--lmax', '0,3', '--inputs', '8', '--hidden', '8,4', '--members', '4', '--batch', '3'],
  ...['--held-out', '0.25', '--epochs', '300', '--patience', '300', '--checkpoint-every', '10', '--ence', '10'],
];
const train = (output: string, ...options: readonly string[]): string[] => [
  ...['neural', 'si.model', 'train.xyz', '-o', output],
  ...SMALL,
  ...options,
];

describe('querent neural', () => {
  beforeAll(async () => {
    writeFileSync(join(cwd, 'train.xyz'), extxyzOf(siliconFrames(24)));
    const size = ['--nmax', '4,1', '--lmax', '0,1', '--cutoff', '4.6', '--preset', 'small', '--no-card'];
    expect((await querent(['fit', 'train.xyz', '-o', 'si.model', ...size], { cwd })).code).toBe(0);
  });

  it('killed in the middle goes on to the same bytes, on another number of threads', async () => {
    expect((await querent(train('whole.model', '--threads', '1'), { cwd })).code).toBe(0);
    const folder = join(cwd, 'killed.model.checkpoints');
    const { signal } = await querent(train('killed.model', '--threads', '2'), {
      cwd,
      started: (child) => {
        const watch = setInterval(() => {
          if (existsSync(join(folder, 'member-2.checkpoint'))) child.kill('SIGKILL');
        }, 20);
        child.on('exit', () => clearInterval(watch));
      },
    });
    expect(signal).toBe('SIGKILL');
    expect(existsSync(join(cwd, 'killed.model'))).toBe(false);
    expect(readdirSync(folder).length).toBeGreaterThan(0);
    const { code, stderr } = await querent(train('killed.model', '--threads', '1'), { cwd });
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/^training 0 %/m);
    expect(readFileSync(join(cwd, 'killed.model')).equals(readFileSync(join(cwd, 'whole.model')))).toBe(true);
    expect(existsSync(folder)).toBe(false);
  });

  it('says what to do with a damaged checkpoint, and begins anew when told', async () => {
    const folder = join(cwd, 'damaged.model.checkpoints');
    await querent(train('damaged.model', '--threads', '1'), {
      cwd,
      started: (child) => {
        const watch = setInterval(() => {
          if (existsSync(join(folder, 'member-1.checkpoint'))) child.kill('SIGKILL');
        }, 20);
        child.on('exit', () => clearInterval(watch));
      },
    });
    const file = join(folder, 'member-1.checkpoint');
    writeFileSync(file, readFileSync(file).subarray(0, 200));
    const refused = await querent(train('damaged.model'), { cwd });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('checkpoint must be whole, but is damaged; delete it');
    const other = await querent(train('damaged.model', '--seed', '2', '--epochs', '20', '--restart'), { cwd });
    expect(other.code).toBe(0);
    expect(existsSync(folder)).toBe(false);
  });

  it('refuses data without forces, and models that are none', async () => {
    const bare = extxyzOf(siliconFrames(12)).replaceAll(':forces:R:3', ':other:R:3');
    writeFileSync(join(cwd, 'bare.xyz'), bare);
    const refused = await querent(['neural', 'si.model', 'bare.xyz', '-o', 'x.model'], { cwd });
    expect(refused.stderr).toContain('data must carry forces to train networks on, got none');
    const none = await querent(['neural', 'train.xyz', 'train.xyz', '-o', 'x.model'], { cwd });
    expect(none.code).not.toBe(0);
    expect(none.stderr).toContain('file must be a model');
  });
});

const SILICON = ['mlearn/Si_train.xyz.gz', 'mlearn/Si_test.xyz.gz'] as const;
const slow = process.env.QUERENT_SLOW === undefined ? ' (skipped: set QUERENT_SLOW)' : '';

describe('networks on DFT labels of silicon', () => {
  const absent = slow !== '' || SILICON.some((name) => dataFile(name) === null);
  it.skipIf(absent)(
    `are better than preset medium on the test set, and calibrated${slow || skipReason(SILICON[0])}`,
    async () => {
      const [training, test] = SILICON.map((name) => dataFile(name)!);
      const fit = [
        'fit',
        training!,
        '-o',
        'medium.model',
        '--preset',
        'medium',
        '--no-card',
        '--test',
        test!,
        '--json',
      ];
      const linear = JSON.parse((await querent(fit, { cwd })).stdout) as { test: { forces: { mae: number } } };
      const neural = ['neural', 'medium.model', training!, '-o', 'networks.model', '--test', test!, '--json'];
      const found = JSON.parse((await querent(neural, { cwd })).stdout) as {
        active: boolean;
        test: { forces: { mae: number }; calibration: { forces: { ence: number } } };
      };
      expect(found.active).toBe(true);
      expect(found.test.forces.mae).toBeLessThan(0.95 * linear.test.forces.mae);
      expect(found.test.calibration.forces.ence).toBeLessThan(0.25);
    },
  );
});
