import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withFolder } from './harness.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUN_FILE = join(ROOT, 'examples', 'toy', 'run.yaml');

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the real program on the toy example; it gets `signal` once it has written `after` lines of progress. */
async function run(
  directory: string,
  options: readonly string[] = [],
  kill?: { signal: NodeJS.Signals; after: number },
): Promise<Ended> {
  const child = spawn(
    process.execPath,
    ['src/cli/main.ts', 'run', RUN_FILE, '--directory', directory, '--json', ...options],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
    if (kill !== undefined && err.split('\n').length > kill.after) child.kill(kill.signal);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, out, err };
}

describe('the toy example', () => {
  it('converges, is killed and terminated anywhere, and ends in the same state', async () => {
    await withFolder(async (folder) => {
      const whole = await run(join(folder, 'whole'));
      expect([whole.code, whole.err.split('\n').at(-2)]).toEqual([
        0,
        'stopped (converged): all criteria met in 2 consecutive rounds',
      ]);
      const status = JSON.parse(whole.out);
      expect(status).toMatchObject({ phase: 'stopped', stopped: 'converged' });

      const directory = join(folder, 'killed');
      const sessions: (number | string | null)[] = [];
      for (const kill of [
        { signal: 'SIGKILL', after: 1 },
        { signal: 'SIGKILL', after: 3 },
        { signal: 'SIGTERM', after: 2 },
        { signal: 'SIGKILL', after: 4 },
        { signal: 'SIGINT', after: 3 },
      ] as const) {
        const ended = await run(directory, [], kill);
        sessions.push(ended.signal ?? ended.code);
      }
      expect(sessions).toEqual(['SIGKILL', 'SIGKILL', 143, 'SIGKILL', 130]);
      const last = await run(directory);
      expect(last.code).toBe(0);
      expect(JSON.parse(last.out).stateHash).toBe(status.stateHash);
      for (const name of ['run.yaml', 'labelled.extxyz', 'provenance.json', 'models/round-00.model']) {
        expect(existsSync(join(directory, name))).toBe(true);
        if (name !== 'provenance.json') {
          expect(readFileSync(join(directory, name)).equals(readFileSync(join(folder, 'whole', name)))).toBe(true);
        }
      }
      // The same command on a run that is done does nothing, from the copy of the run file as well.
      const again = await run(directory);
      expect([again.code, again.err]).toEqual([0, '']);
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
      expect(refused.err).toMatch(/must not be used by two runs at once, but process \d+ holds it/);
    });
  });

  it('that spent its budget says so with exit code 3, and refuses other physics with 2', async () => {
    await withFolder(async (folder) => {
      const directory = join(folder, 'small');
      const small = await run(directory, ['--set', 'budget.rounds=1']);
      expect(small.code).toBe(3);
      expect(JSON.parse(small.out)).toMatchObject({ stopped: 'budget', reason: 'all 1 rounds are done' });
      const other = await run(directory, ['--set', 'seed=2']);
      expect(other.code).toBe(2);
      expect(other.err).toMatch(/seed: 1 → 2/);
      const more = await run(directory, ['--set', 'budget.rounds=8']);
      expect(more.code).toBe(0);
    });
  });
});
