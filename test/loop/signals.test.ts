/** Signals to the real program while its engine works and does not listen. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/errors.ts';
import type { StatusReport } from '../../src/loop/status.ts';
import { endEngines, enginesOf } from '../support/processes.ts';
import { querentJson, ROOT } from '../support/program.ts';
import { withFolder } from './harness.ts';

const TOY = readFileSync(join(ROOT, 'examples', 'toy', 'run.yaml'), 'utf8');

/** Starts the toy run with a program as its reference that takes a minute and ignores what it is told, and waits for it. */
async function slowRun(folder: string) {
  writeFileSync(join(folder, 'slow.sh'), `trap '' TERM INT\ntouch ${folder}/working\nsleep 60\n`);
  const reference = `kind: command\n  command: [sh, ${folder}/slow.sh, "{input}", "{output}"]`;
  writeFileSync(join(folder, 'run.yaml'), TOY.replace('kind: sw-si', reference));
  const argv = [join(ROOT, 'src/cli/main.ts'), 'run', 'run.yaml', '--directory', 'run'];
  const child = spawn(process.execPath, argv, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (printed.out += String(chunk)));
  child.stderr.on('data', (chunk) => (printed.err += String(chunk)));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...printed }));
  while (!existsSync(join(folder, 'working'))) await sleep(20);
  return { child, ended, printed };
}

describe('a signal', () => {
  it.each([
    ['SIGTERM', EXIT.terminated],
    ['SIGINT', EXIT.interrupted],
  ] as const)('%s stops a run safely, with its engine, and the exit code says so', async (signal, code) => {
    await withFolder(async (folder) => {
      const { child, ended } = await slowRun(folder);
      expect(enginesOf(folder).length).toBeGreaterThan(0);
      child.kill(signal);
      const { code: exit, out, err } = await ended;
      expect(exit).toBe(code);
      expect(err).toContain('\nstopping safely; once more to stop at once\n');
      expect(out).toContain('Interrupted; everything is safe. To go on: querent run run.yaml --directory run');
      // The engine was told to end, did not listen, and was ended; its label has not failed for that.
      expect(endEngines(folder)).toEqual([]);
      const status = await querentJson<StatusReport>('status', join(folder, 'run'));
      expect(status).toMatchObject({ phase: 'labelling', failures: {} });
      expect(status.labels.training).toMatchObject({ done: 0, queued: 4, running: 0, failed: 0 });
    });
  });

  it('that comes twice ends the program at once, and the run is still whole', async () => {
    await withFolder(async (folder) => {
      const { child, ended, printed } = await slowRun(folder);
      child.kill('SIGINT');
      while (!printed.err.includes('stopping safely')) await sleep(5);
      child.kill('SIGINT');
      // Neither the two seconds that an engine is given to end nor its minute.
      const start = performance.now();
      expect((await ended).code).toBe(EXIT.interrupted);
      expect(performance.now() - start).toBeLessThan(1900);
      const status = await querentJson<StatusReport>('status', join(folder, 'run'));
      expect(status.labels.training).toMatchObject({ queued: 3, running: 1 });
      endEngines(folder);
    });
  });
});
