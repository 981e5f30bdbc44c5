import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Structure } from '../core/structure/structure.ts';
import type { Labeller, LabelRequest } from '../loop/ports.ts';
import { unlabelledFrame } from '../reference/command.ts';
import type { LabelResult, LabelSuccess } from '../reference/reference.ts';
import { labelFrames, labelledFrame, writeManualInputs } from './labeller-batch.ts';

const structureOf = (x: number): Structure => ({
  positions: Float64Array.of(x, 0, 0),
  cell: null,
  pbc: [false, false, false],
  species: Uint8Array.of(14),
});
const frames = [0, 1, 2, 1].map((x) => unlabelledFrame(structureOf(x), { tag: x }));
const never = new AbortController().signal;
const success = (x: number): LabelSuccess => ({
  status: 'done',
  energy: x,
  internalEnergy: null,
  forces: new Float64Array(3),
  virial: null,
  netForce: 0,
  cost: 1,
  fingerprint: { code: 'a', settings: '{}', files: {} },
});

/** A labeller that answers with `answer` and remembers what it was asked. */
function labeller(answer: (request: LabelRequest) => LabelResult | Promise<LabelResult>, concurrency = 2) {
  const asked: { readonly x: number; readonly attempt: number }[] = [];
  const instance: Labeller = {
    concurrency,
    async label(request) {
      asked.push({ x: request.structure.positions[0]!, attempt: request.attempt });
      return { result: await answer(request), directory: 'd' };
    },
    adopt: () => Promise.resolve(null),
    dispose: () => Promise.resolve(),
  };
  return { instance, asked };
}
const x = (request: LabelRequest) => request.structure.positions[0]!;

describe('labelling frames', () => {
  it('keeps their order, computes equal structures once, and tells of each', async () => {
    const { instance, asked } = labeller((request) => success(x(request)));
    const told: number[] = [];
    const labels = await labelFrames(instance, frames, never, (_, finished) => told.push(finished));
    expect(labels.map(({ result }) => (result as LabelSuccess).energy)).toEqual([0, 1, 2, 1]);
    expect(labels.map(({ frame }) => frame)).toEqual(frames);
    expect(asked).toHaveLength(3);
    expect(told).toEqual([1, 2, 3]);
  });

  it('tries an unconverged structure once more with gentler settings, a lost one as it was, others not at all', async () => {
    const fail = (reason: 'scf' | 'lost' | 'crash'): LabelResult => ({
      status: 'failed',
      reason,
      message: 'm',
      cost: 1,
    });
    const scf = labeller((request) => (request.attempt === 0 ? fail('scf') : success(0)));
    expect((await labelFrames(scf.instance, frames.slice(0, 1), never))[0]!.result.status).toBe('done');
    expect(scf.asked.map(({ attempt }) => attempt)).toEqual([0, 1]);
    const hopeless = labeller(() => fail('scf'));
    expect((await labelFrames(hopeless.instance, frames.slice(0, 1), never))[0]!.result.status).toBe('failed');
    expect(hopeless.asked).toHaveLength(2);
    const lost = labeller(() => fail('lost'));
    await labelFrames(lost.instance, frames.slice(0, 1), never);
    expect(lost.asked.map(({ attempt }) => attempt)).toEqual([0, 0, 0]);
    const crash = labeller((request) => (x(request) === 0 ? fail('crash') : success(1)));
    const labels = await labelFrames(crash.instance, frames, never);
    expect(labels.map(({ result }) => result.status)).toEqual(['failed', 'done', 'done', 'done']);
    expect(crash.asked).toHaveLength(3);
  });

  it('takes what was computed before', async () => {
    const { instance, asked } = labeller(() => success(9));
    const known: Labeller = {
      ...instance,
      adopt: (request) => Promise.resolve(x(request) === 1 ? { result: success(1), directory: 'd' } : null),
    };
    const labels = await labelFrames(known, frames, never);
    expect(labels.map(({ adopted }) => adopted)).toEqual([false, true, false, true]);
    expect(asked).toHaveLength(2);
  });

  it('refuses to mix labels of two versions of a code or a file', async () => {
    const print = (change: Partial<LabelSuccess['fingerprint']>) => (request: LabelRequest) => ({
      ...success(0),
      fingerprint: { code: 'a', settings: '{}', files: { Si: '1' }, ...(x(request) === 2 ? change : {}) },
    });
    for (const [change, message] of [
      [{ code: 'b' }, /a and b/],
      [{ settings: '{"x":1}' }, /two sets of settings/],
      [{ files: { Si: '2' } }, /two versions of Si/],
    ] as const) {
      await expect(labelFrames(labeller(print(change), 1).instance, frames, never)).rejects.toThrow(message);
    }
    const other = labeller(print({ files: { O: '2' } }), 1);
    expect(await labelFrames(other.instance, frames, never)).toHaveLength(4);
  });

  it('stops at an error of the machine once those at work have ended', async () => {
    const { instance, asked } = labeller((request) => {
      if (x(request) === 0) throw new Error('disk full');
      return success(1);
    }, 1);
    await expect(labelFrames(instance, frames, never)).rejects.toThrow('disk full');
    expect(asked).toHaveLength(1);
  });

  it('returns what is finished after an abort', async () => {
    const controller = new AbortController();
    const { instance } = labeller((request) => {
      if (x(request) === 1) {
        controller.abort();
        throw new Error('aborted');
      }
      return success(0);
    }, 1);
    expect((await labelFrames(instance, frames, controller.signal)).map(({ frame }) => frame.info.tag)).toEqual([0]);
  });
});

describe('labelled frames and manual inputs', () => {
  it('keep what a frame carries, with the internal energy beside the free energy', () => {
    const frame = { ...frames[1]!, group: 'bulk', info: { tag: 1, energy: 3 } };
    const label = { frame, id: 'i', result: success(-1), directory: null, adopted: false };
    expect(labelledFrame(label)).toMatchObject({
      group: 'bulk',
      info: { tag: 1 },
      labels: { energy: -1, virial: null },
    });
    expect(labelledFrame(label).info.energy).toBeUndefined();
    expect(labelledFrame({ ...label, result: { ...success(-1), internalEnergy: -0.9 } }).info.energy).toBe(-0.9);
    expect(() =>
      labelledFrame({ ...label, result: { status: 'failed', reason: 'scf', message: '', cost: 0 } }),
    ).toThrow(/must be done/);
  });

  it('are laid out in a folder', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'querent-manual-'));
    try {
      const inside = join(directory, 'new', 'folder');
      const cell = Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9);
      const files = await writeManualInputs(inside, [{ id: 'aa', structure: { ...structureOf(1), cell } }], 'poscar');
      expect(files).toEqual(['README.txt', 'to-label.extxyz', 'POSCAR/aa/POSCAR']);
      expect(readFileSync(join(inside, 'POSCAR/aa/POSCAR'), 'utf8')).toMatch(/^aa\n/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
