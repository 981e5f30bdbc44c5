import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineCommand } from '../../reference/reference.ts';
import { adoptEngine, attemptExit, engineEnvironment, findExecutable, removeScratch, runEngine } from './local.ts';
import { markedProcesses } from './processes.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'querent-local-'));
});
afterEach(() => {
  for (const pid of markedProcesses(directory)) process.kill(pid, 'SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

const script = (text: string): EngineCommand => ({
  command: 'sh',
  args: ['-c', text],
  environment: { A: 'b' },
  outputs: [],
  scratch: ['big'],
});
const options = (timeout: number | null = null, signal = new AbortController().signal) => ({
  directory,
  timeout,
  threads: 1,
  signal,
  grace: 0.5,
});
const read = (name: string) => readFileSync(join(directory, name), 'utf8');

describe('running an engine', () => {
  it('runs in its directory with output in files, threads pinned and its own variables', async () => {
    const outcome = await runEngine(
      script('pwd; echo $OMP_NUM_THREADS $OPENBLAS_NUM_THREADS $A; echo bad >&2; cat'),
      options(),
    );
    expect(outcome).toMatchObject({ exitCode: 0, signal: null, timedOut: false });
    expect(outcome.seconds).toBeLessThan(5);
    expect(read('stdout.txt')).toBe(`${directory}\n1 1 b\n`);
    expect(read('stderr.txt')).toBe('bad\n');
    expect(read('exit-code')).toBe('0\n');
  });

  it('allows Open MPI to run as root only as root', () => {
    const variable = engineEnvironment(script(''), { ...options(), threads: 3 });
    expect(variable.OMP_NUM_THREADS).toBe('3');
    expect(variable.OMPI_ALLOW_RUN_AS_ROOT).toBe(process.getuid?.() === 0 ? '1' : undefined);
  });

  it('passes exit codes on, and signals as signals', async () => {
    expect(await runEngine(script('exit 3'), options())).toMatchObject({ exitCode: 3, signal: null });
    expect(await runEngine(script('kill -9 $$'), options())).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    expect(attemptExit(directory)).toEqual({ exitCode: null, signal: 'SIGKILL' });
  });

  it('ends everything at the time limit', async () => {
    const start = performance.now();
    const outcome = await runEngine(
      script('sleep 60 & setsid sleep 60 & trap "" TERM; while :; do sleep 0.1; done'),
      options(0.3),
    );
    expect(outcome.timedOut).toBe(true);
    expect(outcome.seconds).toBeGreaterThan(0.3);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(markedProcesses(directory)).toEqual([]);
  });

  it('ends everything on abort and throws its reason', async () => {
    const controller = new AbortController();
    const running = runEngine(script('sleep 60'), options(null, controller.signal));
    await sleep(150);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(markedProcesses(directory)).toEqual([]);
    await expect(runEngine(script('true'), options(null, controller.signal))).rejects.toThrow('enough');
  });

  it('ends what an engine leaves behind', async () => {
    await runEngine(script('setsid sleep 60 > /dev/null & exit 0'), options());
    expect(markedProcesses(directory)).toEqual([]);
  });

  it('says that a program is missing instead of blaming the structure', async () => {
    const missing = { ...script(''), command: 'no-such-engine.x' };
    await expect(runEngine(missing, options())).rejects.toThrow(/program "no-such-engine.x" must be on PATH/);
    expect(findExecutable('no-such-engine.x')).toBeNull();
    expect(findExecutable('sh')).toMatch(/\/sh$/);
    writeFileSync(join(directory, 'own.sh'), '#!/bin/sh\n', { mode: 0o755 });
    expect(findExecutable('./own.sh', directory)).toBe(join(directory, 'own.sh'));
  });

  it('removes the scratch files that the reference names', () => {
    writeFileSync(join(directory, 'big'), 'x');
    removeScratch(script(''), directory);
    expect(existsSync(join(directory, 'big'))).toBe(false);
  });
});

/** Starts `text` through runEngine in another Node process and kills that process with SIGKILL after `delay` ms. */
async function orphan(text: string, delay: number): Promise<void> {
  const program = `
    import { runEngine } from ${JSON.stringify(new URL('./local.ts', import.meta.url).href)};
    await runEngine(${JSON.stringify(script(text))}, { directory: ${JSON.stringify(directory)}, timeout: null, threads: 1, signal: new AbortController().signal });`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: 'ignore' });
  const gone = new Promise((settle) => child.once('exit', settle));
  while (!existsSync(join(directory, 'process'))) await sleep(10);
  await sleep(delay);
  child.kill('SIGKILL');
  await gone;
}

describe('what a killed run leaves behind', () => {
  it('is waited for and read when it still runs', async () => {
    const startedAt = Date.now();
    await orphan('sleep 1; echo finished', 50);
    expect(attemptExit(directory)).toBeNull();
    expect(await adoptEngine(options(), startedAt)).toMatchObject({ exitCode: 0, timedOut: false });
    expect(read('stdout.txt')).toBe('finished\n');
  });

  it('is read when it has ended by itself', async () => {
    await orphan('exit 7', 300);
    const outcome = await adoptEngine(options(), Date.now() - 5000);
    expect(outcome).toMatchObject({ exitCode: 7, signal: null });
    expect(outcome!.seconds).toBeGreaterThan(3);
  });

  it('is ended at its time limit, counted from its start', async () => {
    await orphan('sleep 60', 0);
    expect(await adoptEngine(options(10), Date.now() - 11_000)).toMatchObject({ timedOut: true });
    expect(markedProcesses(directory)).toEqual([]);
  });

  it('is ended when the resumed run is stopped', async () => {
    await orphan('sleep 60', 0);
    const controller = new AbortController();
    const waiting = adoptEngine(options(null, controller.signal), Date.now());
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(markedProcesses(directory)).toEqual([]);
  });

  it('counts as nothing when it was cut', async () => {
    await orphan('sleep 60', 0);
    for (const pid of markedProcesses(directory)) process.kill(pid, 'SIGKILL');
    while (markedProcesses(directory).length > 0) await sleep(10);
    expect(await adoptEngine(options(), Date.now())).toBeNull();
    rmSync(join(directory, 'process'));
    expect(await adoptEngine(options(), Date.now())).toBeNull();
  });
});
