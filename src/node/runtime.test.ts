import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bulk } from '../../test/support/runs.ts';
import { structureId } from '../core/structure/identity.ts';
import type { Structure } from '../core/structure/structure.ts';
import { runFileSchema } from '../protocol/run-file.ts';
import { createRuntime, type Runtime } from './runtime.ts';

let folder = '';
const open: Runtime[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'querent-runtime-'));
});
afterEach(async () => {
  for (const runtime of open.splice(0)) await runtime.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function runtimeOf(sections: Record<string, unknown>, kernel: string | null = null): Promise<Runtime> {
  const runFile = runFileSchema.parse({
    name: 'a',
    structures: [{ prototype: 'diamond', element: 'Si', a: 5.43 }],
    conditions: { temperatures: [300, 900] },
    reference: { kind: 'sw-si' },
    basis: { nmax: [3], lmax: [0], cutoff: 4.5 },
    execution: { workers: 1 },
    ...sections,
  });
  const runtime = await createRuntime({ runFile, directory: folder, kernel });
  open.push(runtime);
  return runtime;
}

const never = new AbortController().signal;
const label = async (runtime: Runtime, structure: Structure) =>
  (await runtime.labeller.label({ id: structureId(structure), structure, attempt: 0 }, never)).result;
/** Two atoms in a large box, so far apart. */
const pair = (distance: number): Structure => ({
  positions: Float64Array.of(0, 0, 0, distance, 0, 0),
  cell: Float64Array.of(12, 0, 0, 0, 12, 0, 0, 0, 12),
  pbc: [true, true, true],
  species: Uint8Array.of(14, 14),
});

describe('what a run computes with', () => {
  it('has the kernels that it began with, or the fastest', async () => {
    const first = await runtimeOf({});
    expect(first.kernel).toMatch(/^\S+$/);
    expect((await runtimeOf({}, first.kernel)).kernel).toBe(first.kernel);
    await expect(runtimeOf({}, 'abacus')).rejects.toThrow(/abacus/);
  });

  it('labels nothing inside the inner cutoff of its basis, and what the run file allows', async () => {
    const usual = await runtimeOf({ basis: { nmax: [3], lmax: [0], cutoff: 4.5, innerCutoff: 1.9 } });
    const gated = await runtimeOf({ reference: { kind: 'sw-si', gates: { minimumDistance: 2.2 } } });
    expect(await label(usual, pair(1.8))).toMatchObject({ status: 'rejected', reason: 'overlap' });
    expect(await label(usual, pair(2.1))).toMatchObject({ status: 'done' });
    expect(await label(gated, pair(2.1))).toMatchObject({ status: 'rejected', reason: 'overlap' });
    expect(await label(gated, bulk)).toMatchObject({ status: 'done' });
  });

  it('runs as many labels at once as told, but embedded references one by one', async () => {
    const execution = { workers: 1, concurrency: 3 };
    expect((await runtimeOf({ execution })).labeller.concurrency).toBe(1);
    writeFileSync(join(folder, 'label.sh'), '');
    const command = { kind: 'command', command: ['sh', 'label.sh', '{input}', '{output}'] };
    expect((await runtimeOf({ execution, reference: command })).labeller.concurrency).toBe(3);
  });

  it('computes no label of a manual reference', async () => {
    const runtime = await runtimeOf({ reference: { kind: 'manual' } });
    await expect(label(runtime, bulk)).rejects.toThrow(/must be imported, not computed/);
    expect(await runtime.labeller.adopt({ id: 'a', structure: bulk, attempt: 0 })).toBeNull();
  });

  it('computes nothing any more when it is disposed of', async () => {
    const runtime = await runtimeOf({});
    expect(await runtime.compute.coldStart(1)).toHaveLength(1);
    await runtime.dispose();
    await expect(runtime.compute.coldStart(1)).rejects.toThrow(/must be open to run tasks/);
  });

  it('says at once which program is missing', async () => {
    const reference = { kind: 'command', command: ['no-such-program', '{input}', '{output}'] };
    await expect(runtimeOf({ reference })).rejects.toThrow(/program "no-such-program" must be on PATH/);
  });
});
