import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine, type Shown } from '../../../test/support/command-line.ts';
import { freshFolder } from '../../../test/support/command.ts';
import { extxyzOf, siliconFrames } from '../../../test/support/models.ts';
import { DEFAULT_BACKTEST } from '../../node/backtest/settings.ts';
import { backtestSettings } from './backtest.ts';

let cwd: string;
beforeAll(() => {
  cwd = freshFolder('backtest-verb');
  const frames = siliconFrames(36).map((frame, f) => ({ ...frame, group: f < 24 ? 'warm' : 'hot' }));
  writeFileSync(join(cwd, 'silicon.xyz'), extxyzOf(frames));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const OPTIONS = '--nmax 3,2 --lmax 0,1 --cutoff 4 --threads 1'.split(' ');
const backtest = (...argv: string[]): Promise<Shown> =>
  commandLine(cwd, ['backtest', join(cwd, 'silicon.xyz'), ...OPTIONS, ...argv]);

describe('querent backtest', () => {
  it('plays, reports and writes its files, then takes what is there', async () => {
    const argv = ['--splits', '2', '--random-runs', '2', '--strategies', 'd-optimality', '-o', 'out'];
    const { code, stdout, stderr } = await backtest(...argv);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/data: 36 structures, 288 atoms in 2 groups\n/)]);
    expect(stderr).toMatch(/runs: 6 of 6\n$/);
    expect(stdout).toMatch(/^Against random: forces, mean over groups\n.*\nd-optimality +\d\.\d\d \(/s);
    for (const name of ['backtest.html', 'backtest.json', 'curves.csv', 'comparison.csv'])
      expect(existsSync(join(cwd, 'out', name)), name).toBe(true);
    const written = readFileSync(join(cwd, 'out', 'backtest.json'), 'utf8');
    const again = await backtest(...argv, '--json');
    expect(again.stdout).toBe(written);
    const { arms, labelsToTarget, setup } = JSON.parse(again.stdout);
    expect(Object.keys(arms)).toEqual(['random', 'd-optimality']);
    expect(arms.random).toHaveLength(4);
    expect(arms.random[0]).toMatchObject({ split: 0, run: 0, curve: expect.any(Array) });
    expect(arms.random[0].curve[0]).toMatchObject({
      labels: 5,
      energy: { mae: expect.any(Number), rmse: expect.any(Number) },
      forces: { mae: expect.any(Number), rmse: expect.any(Number) },
      ece: expect.any(Number),
    });
    expect(Object.keys(labelsToTarget)).toEqual(['d-optimality']);
    expect(setup).toMatchObject({ pool: 27, test: 9 });
  });

  it('refuses other settings in the same directory', async () => {
    const { code, stderr } = await backtest('--splits', '2', '-o', 'out', '--batch', '3');
    expect(code).toBe(2);
    expect(stderr).toMatch(/output directory must be new or hold runs of the same data and settings/);
  });

  it('refuses options that make no sense', async () => {
    for (const [argv, message] of [
      [['--end', '2'], '--end must be between 0 and 1, got "2"'],
      [['--repulsion', '5,4'], '--repulsion must be two distances as 4.0,4.8 (Å), got "5,4"'],
      [['--preset', 'huge'], '--preset must be one of small, medium, large, got "huge"'],
      [['--strategies', 'best'], 'strategy must be one of'],
      [['--splits', '0'], '--splits must be a whole number ≥ 1, got "0"'],
      [['--lmax', '0'], '--nmax and --lmax must be given together'],
      [['--hold-out', 'cold'], 'group to hold out must be in the data, got "cold"'],
    ] as const) {
      const { code, stderr } = await backtest('-o', 'bad', ...argv);
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });
});

describe('backtestSettings', () => {
  it('are the defaults where nothing is asked for', async () => {
    expect(await backtestSettings({}, cwd)).toEqual(DEFAULT_BACKTEST);
  });

  it('follow the options', async () => {
    const settings = await backtestSettings(
      { stress: false, repulsion: '4.0,4.8', maxEnergy: '-5', initialBy: 'farthest-point', holdOut: ['a'], seed: '7' },
      cwd,
    );
    expect(settings.model).toMatchObject({ virialRatio: null, repulsion: { inner: 4, outer: 4.8 } });
    expect(settings.data.maxEnergy).toBe(-5);
    expect(settings.play).toMatchObject({ initialBy: 'farthest-point', seed: 7 });
    expect(settings.heldOut).toEqual(['a']);
  });
});
