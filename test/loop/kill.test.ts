import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openState } from '../../src/loop/replay.ts';
import { stateHash } from '../../src/loop/state.ts';
import { openStore } from '../../src/node/store/store.ts';
import { killedAgainAndAgain } from '../support/kills.ts';
import { type Ended, type Kill, querent, ROOT } from '../support/program.ts';
import { withFolder } from './harness.ts';

const RUN_FILE = join(ROOT, 'examples', 'toy', 'run.yaml');

/** Runs the real program on the toy example; it gets a signal once it has written so many lines of progress. */
const run = (directory: string, options: readonly string[] = [], kill?: Kill): Promise<Ended> =>
  querent(['run', RUN_FILE, '--directory', directory, '--json', ...options], kill);

describe('the toy example', () => {
  it('converges, is killed and terminated anywhere, and ends in the same state', async () => {
    await withFolder(async (folder) => {
      const whole = await run(join(folder, 'whole'));
      expect([whole.code, whole.stderr.split('\n').at(-2)]).toEqual([
        0,
        'stopped (converged): all criteria met in 2 consecutive rounds',
      ]);
      const status = JSON.parse(whole.stdout);
      expect(status).toMatchObject({ phase: 'stopped', stopped: 'converged' });

      const directory = join(folder, 'killed');
      const sessions: (number | string | null)[] = [];
      for (const kill of [
        { signal: 'SIGKILL', lines: 1 },
        { signal: 'SIGKILL', lines: 3 },
        { signal: 'SIGTERM', lines: 2 },
        { signal: 'SIGKILL', lines: 4 },
        { signal: 'SIGINT', lines: 3 },
      ] as const) {
        const ended = await run(directory, [], kill);
        sessions.push(ended.signal ?? ended.code);
      }
      expect(sessions).toEqual(['SIGKILL', 'SIGKILL', 143, 'SIGKILL', 130]);
      const last = await run(directory);
      expect(last.code).toBe(0);
      expect(JSON.parse(last.stdout).stateHash).toBe(status.stateHash);
      for (const name of ['run.yaml', 'labelled.extxyz', 'provenance.json', 'models/round-00.model']) {
        expect(existsSync(join(directory, name))).toBe(true);
        if (name !== 'provenance.json') {
          expect(readFileSync(join(directory, name)).equals(readFileSync(join(folder, 'whole', name)))).toBe(true);
        }
      }
      // The same command on a run that is done does nothing, from the copy of the run file as well.
      const again = await run(directory);
      expect([again.code, again.stderr]).toEqual([0, '']);
    });
  });

  it('ends in the same state after 25 kills at random moments, with one result per label', async () => {
    await withFolder(async (folder) => {
      const whole = await run(join(folder, 'whole'));
      expect(whole.code, whole.stderr).toBe(0);
      const directory = join(folder, 'killed');
      const { last, kills } = await killedAgainAndAgain(['run', RUN_FILE, '--directory', directory, '--json'], {
        ...{ kills: 25, seed: 11, whole: whole.seconds },
      });
      expect(kills, 'killed before it ended').toBe(25);
      expect(last.code, last.stderr).toBe(0);
      expect(JSON.parse(last.stdout).stateHash).toBe(JSON.parse(whole.stdout).stateHash);
      const store = openStore(join(directory, 'store.sqlite'), { readOnly: true });
      const state = openState(store);
      const finished = store.events().flatMap(({ type, data }) => (type === 'label-done' ? [data.id] : []));
      const sessions = store.events().filter(({ type }) => type === 'run-resumed').length;
      store.close();
      expect(store.damage).toBeNull();
      expect(stateHash(state)).toBe(JSON.parse(whole.stdout).stateHash);
      expect(finished.sort()).toEqual(Object.keys(state.labels).sort());
      expect(sessions, 'sessions that got as far as their run').toBeGreaterThan(3);
      // Nothing half-written is left among the files that people read.
      expect(readdirSync(directory, { recursive: true }).filter((name) => /tmp|part|~/.test(String(name)))).toEqual([]);
      for (const name of ['labelled.extxyz', 'potential.yace', 'run.yaml'])
        expect(readFileSync(join(directory, name)).equals(readFileSync(join(folder, 'whole', name)))).toBe(true);
    });
  });

  it('keeps a second run out of its directory', async () => {
    await withFolder(async (folder) => {
      const directory = join(folder, 'shared');
      let second: Promise<Ended> | null = null;
      const child = spawn(process.execPath, ['src/cli/main.ts', 'run', RUN_FILE, '--directory', directory], {
        cwd: ROOT,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child.stderr.on('data', () => {
        second ??= run(directory);
      });
      const [code] = await once(child, 'close');
      expect(code).toBe(0);
      const refused = await second!;
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/must not be used by two runs at once, but process \d+ holds it/);
    });
  });

  it('that spent its budget says so with exit code 3, and refuses other physics with 2', async () => {
    await withFolder(async (folder) => {
      const directory = join(folder, 'small');
      const small = await run(directory, ['--set', 'budget.rounds=1']);
      expect(small.code).toBe(3);
      expect(JSON.parse(small.stdout)).toMatchObject({ stopped: 'budget', reason: 'all 1 rounds are done' });
      const other = await run(directory, ['--set', 'seed=2']);
      expect(other.code).toBe(2);
      expect(other.stderr).toMatch(/seed: 1 → 2/);
      const more = await run(directory, ['--set', 'budget.rounds=8']);
      expect(more.code).toBe(0);
    });
  });
});
