import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../core/hash.ts';
import { structureId } from '../../core/structure/identity.ts';
import { parseExtxyzText } from '../../formats/extxyz.ts';
import { jsonBlob, labelBlob, namedBlob, structureBlob } from '../../loop/blobs.ts';
import { openState } from '../../loop/replay.ts';
import { stateHash } from '../../loop/state.ts';
import type { OriginData, RunEvent } from '../../protocol/events.ts';
import type { RunFile } from '../../protocol/run-file.ts';
import { runFileSchema } from '../../protocol/run-file.ts';
import { resolveRunFile } from '../../protocol/run-file-resolve.ts';
import { latestModelFile, modelFile, RUN_FILES, RunDirectory } from './run-directory.ts';
import { takeInputs } from './run-inputs.ts';
import { openStore } from './store.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'querent-directory-'));
  for (const name of ['base', 'base/pp', 'run']) mkdirSync(join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...parts: string[]): string => join(folder, ...parts);

function runFile(change: object = {}): RunFile {
  return runFileSchema.parse({
    name: 'demo',
    structures: [{ file: 'cells.xyz@0:2' }, { prototype: 'diamond', element: 'Si', a: 5.43 }],
    conditions: { temperatures: [300, 900] },
    reference: { kind: 'sw-si' },
    ...change,
  });
}

describe('inputs of a run', () => {
  const QE = { kind: 'quantum-espresso', ecutwfc: 16, mesh: [2, 2, 2] };

  it('are copied into the directory, and the run file names the copies', async () => {
    writeFileSync(at('base/cells.xyz'), 'cells');
    writeFileSync(at('base/pp/Si.UPF'), 'silicon');
    const given = runFile({
      reference: { ...QE, pseudoDir: 'pp', pseudopotentials: { Si: 'Si.UPF', O: 'system.UPF' } },
    });
    const taken = await takeInputs(given, at('base'), at('run'));
    expect(taken.runFile.structures[0]).toEqual({ file: 'inputs/cells.xyz@0:2' });
    expect(taken.runFile.reference).toMatchObject({
      pseudoDir: 'inputs',
      pseudopotentials: { Si: 'Si.UPF', O: 'system.UPF' },
      command: ['pw.x'],
    });
    expect(taken.inputs).toEqual({ 'inputs/cells.xyz': sha256Hex('cells'), 'inputs/Si.UPF': sha256Hex('silicon') });
    expect(readFileSync(at('run/inputs/Si.UPF'), 'utf8')).toBe('silicon');
  });

  it('are the same when they are taken again, from the original or from the directory itself', async () => {
    writeFileSync(at('base/cells.xyz'), 'cells');
    writeFileSync(at('base/label.sh'), '#!/bin/sh');
    const command = ['./label.sh', '--fast', 'label.sh', '/bin/true', '{input}'];
    const given = runFile({ reference: { kind: 'command', command } });
    const once = await takeInputs(given, at('base'), at('run'));
    expect(once.runFile.reference).toMatchObject({
      command: ['../base/label.sh', '--fast', '../base/label.sh', '/bin/true', '{input}'],
    });
    expect(await takeInputs(given, at('base'), at('run'))).toEqual(once);
    expect(await takeInputs(once.runFile, at('run'), at('run'))).toEqual(once);
  });

  it('of one name but two contents are kept apart', async () => {
    mkdirSync(at('base/other'));
    writeFileSync(at('base/cells.xyz'), 'one');
    writeFileSync(at('base/other/cells.xyz'), 'two');
    const given = runFile({ structures: [{ file: 'cells.xyz' }, { file: 'other/cells.xyz' }] });
    const { runFile: taken } = await takeInputs(given, at('base'), at('run'));
    expect(taken.structures).toEqual([
      { file: 'inputs/cells.xyz' },
      { file: `inputs/${sha256Hex('two').slice(0, 8)}-cells.xyz` },
    ]);
  });

  it('that changed or are missing are refused', async () => {
    writeFileSync(at('base/cells.xyz'), 'cells');
    await takeInputs(runFile(), at('base'), at('run'));
    writeFileSync(at('base/cells.xyz'), 'changed');
    await expect(takeInputs(runFile(), at('base'), at('run'))).rejects.toThrow(/must be the one the run began with/);
    expect(readFileSync(at('run/inputs/cells.xyz'), 'utf8')).toBe('cells');
    rmSync(at('base/cells.xyz'));
    await expect(takeInputs(runFile(), at('base'), at('run'))).rejects.toThrow(/file must exist/);
  });
});

describe('a run directory', () => {
  const structure = {
    positions: Float64Array.of(0, 0, 0, 1.3575, 1.3575, 1.3575),
    cell: Float64Array.of(5.43, 0, 0, 0, 5.43, 0, 0, 0, 5.43),
    pbc: [true, true, true] as const,
    species: Uint8Array.of(14, 14),
  };
  const origin: OriginData = {
    ...{
      kind: 'seed',
      round: 0,
      walker: 0,
      step: 0,
      reason: 'rattled 0.05 Å',
      temperature: 0,
      signals: {},
      censored: false,
    },
  };
  const fingerprint = { code: 'x', settings: '{}', files: {} };

  it('shows models, labels, settings and provenance of its store', async () => {
    const store = openStore(at('run', RUN_FILES.store));
    const directory = new RunDirectory(at('run'), store);
    const file = jsonBlob(runFile());
    const shape = structureBlob(structure);
    const model = namedBlob(Uint8Array.of(1, 2, 3));
    const result = labelBlob({
      status: 'done',
      ...{ energy: -9.5, internalEnergy: null, netForce: 0, cost: 1, fingerprint },
      forces: Float64Array.of(0.1, 0, 0, -0.1, 0, 0),
      virial: Float64Array.of(1, 2, 3, 0, 0, 0),
    });
    const id = structureId(structure);
    const start = { name: 'demo', seed: 1, inputs: {}, kernel: 'plain', querent: '0.1.0', pid: 1, host: 'h' };
    const events: RunEvent[] = [
      { type: 'run-started', data: { ...start, runFile: file.id } },
      { type: 'pool-built', data: { round: 0, pool: jsonBlob([]).id, size: 1 } },
      {
        type: 'batch-selected',
        data: {
          ...{ round: 0, strategy: 'cold start', certificate: null, poolSize: 1 },
          selected: [{ id, structure: shape.id, origin, gain: null, reason: origin.reason }],
        },
      },
      {
        type: 'label-done',
        data: {
          id,
          result: result.id,
          fingerprint,
          energy: -9.5,
          maxForce: 0.1,
          cost: 1,
          directory: null,
          source: 'computed',
        },
      },
      { type: 'model-fitted', data: { round: 0, model: model.id, data: 'd', structures: 1, summary: {} } },
      { type: 'paused', data: { cause: 'failures', message: 'm' } },
    ];
    const blobs = [file, shape, result, model, jsonBlob([])].map((blob) => blob.bytes);
    const stored = store.append(events, blobs);
    const state = openState(store);
    expect(latestModelFile(state)).toBe(modelFile(0));
    for (const event of stored) directory.onEvent(event, state);
    await directory.writeRunFile(runFile());
    await directory.finish(state);

    expect(
      readdirSync(at('run'))
        .filter((name) => !name.endsWith('-journal'))
        .sort(),
    ).toEqual(['labelled.extxyz', 'models', 'provenance.json', 'run.yaml', 'store.sqlite'].sort());
    expect([...readFileSync(at('run', modelFile(0)))]).toEqual([1, 2, 3]);
    const [frame] = parseExtxyzText(readFileSync(at('run/labelled.extxyz'), 'utf8'), 'labelled.extxyz').map(
      (f) => f.frame ?? f,
    );
    expect(frame).toMatchObject({ labels: { energy: -9.5 }, info: { querent_id: id, querent_role: 'training' } });
    const provenance = JSON.parse(readFileSync(at('run/provenance.json'), 'utf8'));
    expect(provenance).toMatchObject({ kernel: 'plain', seed: 1, reference: fingerprint, stateHash: stateHash(state) });
    const text = readFileSync(at('run/run.yaml'), 'utf8');
    expect(resolveRunFile(text, 'run.yaml', [], {}, () => ({ text: '', file: '', rebase: (p) => p }))).toEqual(
      runFile(),
    );
    // Files are written again from the store when they were lost.
    rmSync(at('run/models'), { recursive: true });
    const again = new RunDirectory(at('run'), store);
    await again.finish(state);
    expect(existsSync(at('run', modelFile(0)))).toBe(true);
    store.close();
  });

  it('reports a file that could not be written', async () => {
    const store = openStore(at('run', RUN_FILES.store));
    const directory = new RunDirectory(at('run', 'missing'), store);
    await expect(directory.finish(openState(store))).rejects.toThrow();
    store.close();
  });
});
