/** `querent backtest` as a program: killed in the middle and resumed, and on any number of threads. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, freshFolder, querent } from '../support/command.ts';
import { extxyzOf, siliconFrames } from '../support/models.ts';

let cwd: string;
beforeAll(() => {
  cwd = freshFolder('backtest-program');
  const frames = siliconFrames(48).map((frame, f) => ({ ...frame, group: f < 30 ? 'warm' : 'hot' }));
  writeFileSync(join(cwd, 'silicon.xyz'), extxyzOf(frames));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const argv = (output: string, threads: number): string[] => [
  ...['backtest', 'silicon.xyz', '--splits', '3', '--random-runs', '2', '--nmax', '5,3', '--lmax', '0,2'],
  ...['--cutoff', '4.6', '--strategies', 'd-optimality,balanced-random', '-o', output, '--threads', String(threads)],
];
const runsIn = (output: string): string[] => {
  const folder = join(cwd, output, 'runs');
  return existsSync(folder) ? readdirSync(folder).filter((name) => /^[a-z].*\d\.json$/.test(name)) : [];
};
const resultOf = (output: string): string => readFileSync(join(cwd, output, 'backtest.json'), 'utf8');

/** Starts a back-test and kills it as soon as so many runs are on disk. */
async function killedAfter(output: string, runs: number): Promise<Ended> {
  return await querent(argv(output, 2), {
    cwd,
    started: async (child) => {
      while (child.exitCode === null && runsIn(output).length < runs) await sleep(5);
      child.kill('SIGKILL');
    },
  });
}

describe('querent backtest', () => {
  it('gives the same after kills in the middle as without, and plays nothing twice', async () => {
    const whole = await querent(argv('whole', 1), { cwd });
    expect(whole.code, whole.stderr).toBe(0);
    for (const runs of [1, 4, 9]) {
      const killed = await killedAfter('killed', runs);
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
    }
    const kept = runsIn('killed').length;
    expect(kept).toBeGreaterThanOrEqual(9);
    const last = await querent(argv('killed', 2), { cwd });
    expect(last.code, last.stderr).toBe(0);
    expect(last.stderr).toMatch(new RegExp(`runs: ${kept} of 15|runs: 15 of 15`));
    expect(resultOf('killed')).toBe(resultOf('whole'));
    expect(runsIn('killed')).toHaveLength(15);
  });

  it('adds splits and strategies to what is there', async () => {
    const more = await querent([...argv('whole', 2), '--strategies', 'd-optimality,bald', '--splits', '4'], { cwd });
    expect(more.code, more.stderr).toBe(0);
    // Four splits of two random runs and two strategies; balanced random stays on disk, but was not asked for.
    const { arms } = JSON.parse(resultOf('whole'));
    expect(Object.fromEntries(Object.entries(arms).map(([name, runs]) => [name, (runs as unknown[]).length]))).toEqual({
      random: 8,
      'd-optimality': 4,
      bald: 4,
    });
    expect(runsIn('whole')).toHaveLength(15 + 3 + 4);
  });
});
