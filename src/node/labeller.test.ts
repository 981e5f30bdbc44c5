import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../core/errors.ts';
import { structureId } from '../core/structure/identity.ts';
import type { Structure } from '../core/structure/structure.ts';
import type { LabelRequest } from '../loop/ports.ts';
import { commandReference } from '../reference/command.ts';
import { MANUAL_REFERENCE } from '../reference/manual.ts';
import type { CodecReference, ComputeReference, LabelSuccess } from '../reference/reference.ts';
import { markedProcesses } from './execution/processes.ts';
import { createLabeller } from './labeller.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'querent-labeller-'));
});
afterEach(() => {
  for (const attempt of attempts()) for (const pid of markedProcesses(attempt)) process.kill(pid, 'SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

const structureOf = (x: number): Structure => ({
  positions: Float64Array.of(x, 0, 0, 2.35, 0, 0),
  cell: null,
  pbc: [false, false, false],
  species: Uint8Array.of(14, 14),
});
const requestOf = (x: number, attempt = 0): LabelRequest => ({
  id: structureId(structureOf(x)),
  structure: structureOf(x),
  attempt,
});
const request = requestOf(0);
const gates = { minimumDistance: { covalentRadii: 0.5 }, maximumForce: 30, netForce: 0.02 };
const never = new AbortController().signal;

/** Directories of all attempts. */
function attempts(): string[] {
  const labels = join(directory, 'labels');
  if (!existsSync(labels)) return [];
  return readdirSync(labels).flatMap((id) => readdirSync(join(labels, id)).map((name) => join(labels, id, name)));
}

/** A shell script that pretends to be a code: every run leaves a line in `runs`, then it labels its input. */
function script(before = '', force = 0.5): CodecReference {
  const answer = `{ echo 2; echo "Properties=species:S:1:pos:R:3:forces:R:3 energy=-7.5"; tail -n +3 input.extxyz | awk '{ f = NR == 1 ? -${force} : ${force}; print $0, f, 0, 0 }'; } > output.extxyz`;
  const text = `echo run >> ${directory}/runs; ${before}\n${answer}`;
  return commandReference({ command: ['sh', '-c', text], files: {}, fingerprint: 'script' });
}
const labellerOf = (reference: CodecReference | ComputeReference, timeout: number | null = null) =>
  createLabeller({ reference, directory, concurrency: 2, timeout, gates });
const runs = (): number =>
  existsSync(join(directory, 'runs')) ? readFileSync(join(directory, 'runs'), 'utf8').length / 4 : 0;

describe('labelling with a program', () => {
  it('returns the label and where its files are', async () => {
    const { result, directory: place } = await labellerOf(script()).label(request, never);
    expect(result).toMatchObject({ status: 'done', energy: -7.5, netForce: 0 });
    expect((result as LabelSuccess).forces).toAgree([-0.5, 0, 0, 0.5, 0, 0], { atol: 0, why: 'copied text' });
    expect(place).toBe(`labels/${request.id}/attempt-0`);
    expect(readdirSync(join(directory, place!))).toEqual(
      expect.arrayContaining(['input.extxyz', 'output.extxyz', 'result.json', 'stdout.txt']),
    );
  });

  it('computes side by side without mixing up anything', async () => {
    const labeller = labellerOf(script('sleep 0.2'));
    const results = await Promise.all([0, 0.1, 0.2].map((x) => labeller.label(requestOf(x), never)));
    expect(results.map(({ result }) => result.status)).toEqual(['done', 'done', 'done']);
    expect(new Set(results.map(({ directory: place }) => place)).size).toBe(3);
    expect(labeller.concurrency).toBe(2);
  });

  it('returns a committed label instead of computing it twice, also to a labeller of a later run', async () => {
    const first = await labellerOf(script()).label(request, never);
    expect(await labellerOf(script()).label(request, never)).toEqual(first);
    expect(await labellerOf(script()).adopt(request)).toEqual(first);
    expect(runs()).toBe(1);
    expect(await labellerOf(script()).adopt(requestOf(0, 1))).toBeNull();
    expect(await labellerOf(script()).adopt(requestOf(0.1))).toBeNull();
  });

  it('does not adopt the label of another reference', async () => {
    await labellerOf(script()).label(request, never);
    const other = { ...script(), identity: 'other settings' };
    expect(await labellerOf(other).adopt(request)).toBeNull();
    expect((await labellerOf(other).label(request, never)).directory).toMatch(/attempt-1$/);
  });

  it('computes a failed label again when asked to, in a new directory, and does not adopt failures', async () => {
    const failing = labellerOf(script('exit 3'));
    expect((await failing.label(request, never)).result).toMatchObject({ status: 'failed', reason: 'crash' });
    expect(await failing.adopt(request)).toBeNull();
    const again = await labellerOf(script()).label(request, never);
    expect(again).toMatchObject({ result: { status: 'done' }, directory: `labels/${request.id}/attempt-1` });
    expect((await labellerOf(script()).adopt(request))?.directory).toMatch(/attempt-1$/);
  });

  it('rejects overlapping atoms before anything runs, and absurd forces after', async () => {
    const overlapping = await labellerOf(script()).label(requestOf(1.5), never);
    expect(overlapping).toMatchObject({ result: { status: 'rejected', reason: 'overlap' }, directory: null });
    expect(runs()).toBe(0);
    const absurd = await labellerOf(script('', 99)).label(request, never);
    expect(absurd.result).toMatchObject({ status: 'rejected', reason: 'force' });
  });

  it('reports an input that the reference refuses as a failure, a missing program as an error', async () => {
    const refusing: CodecReference = {
      ...script(),
      prepare: () => {
        throw new InputError('VACUUM', 'needs vacuum');
      },
    };
    expect(await labellerOf(refusing).label(request, never)).toMatchObject({
      result: { status: 'failed', reason: 'input', message: 'needs vacuum' },
    });
    const missing = commandReference({ command: ['no-such-engine.x'], files: {} });
    await expect(labellerOf(missing).label(request, never)).rejects.toThrow(/must be on PATH/);
    expect(attempts()).toEqual([]);
  });

  it('stops at the time limit', async () => {
    expect((await labellerOf(script('sleep 30'), 0.3).label(request, never)).result).toMatchObject({
      status: 'failed',
      reason: 'timeout',
    });
    expect(markedProcesses(attempts()[0]!)).toEqual([]);
  });

  it('leaves neither processes nor directories behind after an abort or when it is closed', async () => {
    const controller = new AbortController();
    const labeller = labellerOf(script('sleep 30'));
    const running = labeller.label(request, controller.signal);
    running.catch(() => {});
    while (runs() < 1) await sleep(10);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(attempts()).toEqual([]);
    const second = labeller.label(request, never);
    second.catch(() => {});
    while (runs() < 2) await sleep(10);
    await labeller.dispose();
    await expect(second).rejects.toThrow(/disposed/);
    expect(attempts()).toEqual([]);
  });
});

/** Labels in another process that is killed with SIGKILL `delay` ms after the program has started. */
async function killedRun(before: string, delay: number): Promise<void> {
  const source = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const reference = script(before).prepare(structureOf(0), 0).run;
  const program = `
    import { createLabeller } from ${source('./labeller.ts')};
    import { commandReference } from ${source('../reference/command.ts')};
    const reference = commandReference({ command: ${JSON.stringify([reference.command, ...reference.args])}, files: {}, fingerprint: 'script' });
    const labeller = createLabeller({ reference, directory: ${JSON.stringify(directory)}, concurrency: 1, timeout: null, gates: ${JSON.stringify(gates)} });
    const structure = { positions: Float64Array.from(${JSON.stringify([...request.structure.positions])}), cell: null, pbc: [false, false, false], species: Uint8Array.of(14, 14) };
    await labeller.label({ id: ${JSON.stringify(request.id)}, structure, attempt: 0 }, new AbortController().signal);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: 'ignore' });
  const gone = new Promise((settle) => child.once('exit', settle));
  while (runs() < 1) await sleep(10);
  await sleep(delay);
  child.kill('SIGKILL');
  await gone;
}

describe('resuming after the run was killed', () => {
  it('waits for the program that still runs', async () => {
    await killedRun('sleep 1', 0);
    const labeller = labellerOf(script('sleep 1'));
    expect(await labeller.adopt(request)).toBeNull();
    expect((await labeller.label(request, never)).result).toMatchObject({ status: 'done' });
    expect(runs()).toBe(1);
  });

  it('adopts what a program finished in the meantime', async () => {
    await killedRun('sleep 0.3', 0);
    while (!existsSync(join(attempts()[0]!, 'exit-code'))) await sleep(20);
    const adopted = await labellerOf(script('sleep 0.3')).adopt(request);
    expect(adopted).toMatchObject({
      result: { status: 'done', energy: -7.5 },
      directory: `labels/${request.id}/attempt-0`,
    });
    expect(existsSync(join(attempts()[0]!, 'result.json'))).toBe(true);
    expect(runs()).toBe(1);
  });

  it('clears what was cut and computes it afresh', async () => {
    await killedRun('sleep 30', 0);
    for (const pid of markedProcesses(attempts()[0]!)) process.kill(pid, 'SIGKILL');
    writeFileSync(join(attempts()[0]!, 'rest'), '');
    const { result } = await labellerOf(script()).label(request, never);
    expect(result).toMatchObject({ status: 'done' });
    expect(runs()).toBe(2);
    expect(attempts()).toHaveLength(1);
    expect(existsSync(join(attempts()[0]!, 'rest'))).toBe(false);
  });
});

describe('labelling in this process', () => {
  const compute = (label: ComputeReference['label']): ComputeReference => ({ kind: 'compute', name: 'toy', label });
  const success: LabelSuccess = {
    status: 'done',
    energy: 1,
    internalEnergy: null,
    forces: new Float64Array(6),
    virial: null,
    netForce: 0,
    cost: 0,
    fingerprint: { code: 'toy', settings: '', files: {} },
  };

  it('applies the same gates, measures the cost and writes nothing', async () => {
    const labeller = labellerOf(compute(() => success));
    const { result, directory: place } = await labeller.label(request, never);
    expect(result).toMatchObject({ status: 'done', energy: 1 });
    expect(result.cost).toBeGreaterThan(0);
    expect(place).toBeNull();
    expect((await labeller.label(requestOf(2), never)).result).toMatchObject({ reason: 'overlap' });
    expect(await labeller.adopt(request)).toBeNull();
    const absurd = labellerOf(compute(() => ({ ...success, energy: Number.NaN })));
    expect((await absurd.label(request, never)).result).toMatchObject({ status: 'rejected', reason: 'inconsistent' });
    await labeller.dispose();
  });

  it('turns bad input into a failure and passes defects on', async () => {
    const throwing = (error: Error) =>
      labellerOf(
        compute(() => {
          throw error;
        }),
      ).label(request, never);
    expect((await throwing(new InputError('X', 'only silicon'))).result).toMatchObject({
      status: 'failed',
      reason: 'input',
      message: 'only silicon',
    });
    await expect(throwing(new TypeError('defect'))).rejects.toThrow('defect');
    await expect(
      labellerOf(compute(() => success)).label(request, AbortSignal.abort(new Error('enough'))),
    ).rejects.toThrow('enough');
  });

  it('refuses settings that make no sense', () => {
    const options = { reference: script(), directory, concurrency: 1, timeout: null, gates };
    expect(() => createLabeller({ ...options, concurrency: 0 })).toThrow(
      /concurrency must be a positive integer, got 0/,
    );
    expect(() => createLabeller({ ...options, timeout: 0 })).toThrow(/timeout must be positive/);
    expect(() => createLabeller({ ...options, reference: MANUAL_REFERENCE })).toThrow(/by hand/);
  });
});
