import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { alloyFrames, alloyPotential, fitOn, isolatedAtom, siliconFrames } from '../../test/support/models.ts';
import { FormatError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import type { Fit } from '../node/training/fit.ts';
import { MODEL_FILE_VERSION, readModel, writeModel } from './model-file.ts';
import type { ZipEntry } from './zip.ts';
import { readZip, writeZip } from './zip.ts';

let silicon: Fit;
let alloy: Fit;
let bytes: Uint8Array;

beforeAll(async () => {
  silicon = await fitOn(1, siliconFrames(10));
  alloy = await fitOn(1, [...alloyFrames(9, alloyPotential(['C', 'Si'], [-3, -1])), isolatedAtom('C', -3)]);
  bytes = writeModel(silicon.model, silicon.basis);
});

/** What reading throws. */
function failure(damaged: Uint8Array): FormatError {
  try {
    readModel(damaged, 'si.model');
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  throw new Error('the model was read');
}

/** The file with some members replaced, checksums right again. */
function rewritten(change: (entry: ZipEntry) => ZipEntry | null, source = bytes): Uint8Array {
  const members = [...readZip(source, 'si.model')].map(([name, content]) => change({ name, bytes: content }));
  return writeZip(members.filter((entry) => entry !== null));
}

/** The file with another model.json. */
function withJson(change: (json: Record<string, unknown>) => unknown): Uint8Array {
  return rewritten((entry) => {
    if (entry.name !== 'model.json') return entry;
    const json = JSON.parse(new TextDecoder().decode(entry.bytes)) as Record<string, unknown>;
    return { ...entry, bytes: new TextEncoder().encode(JSON.stringify(change(json))) };
  });
}

describe('a model file', () => {
  it('gives back every bit, special numbers included, and is the same for the same model', () => {
    for (const { model, basis } of [silicon, alloy]) {
      const written = writeModel(model, basis);
      const read = readModel(written, 'x.model');
      expect(read.model).toEqual(model);
      expect(read.basis.id).toBe(basis.id);
      expect(writeModel(read.model, read.basis)).toEqual(written);
    }
    const strange = {
      ...silicon.model,
      uncertainty: {
        ...silicon.model.uncertainty,
        conformal: { level: 0.95, energy: Number.POSITIVE_INFINITY, forces: Number.NaN },
        leaveOneOut: { energy: Number.NEGATIVE_INFINITY, forces: -0, virial: 5e-324 },
      },
    };
    const read = readModel(writeModel(strange, silicon.basis), 'x.model').model.uncertainty;
    expect(read.conformal).toEqual(strange.uncertainty.conformal);
    expect(read.leaveOneOut).toEqual(strange.uncertainty.leaveOneOut);
  });

  it('begins like a ZIP archive, holds its description first and states units and version', () => {
    expect([...bytes.subarray(0, 4)]).toEqual([0x50, 0x4b, 3, 4]);
    const members = readZip(bytes, 'si.model');
    expect([...members.keys()][0]).toBe('model.json');
    const json = JSON.parse(new TextDecoder().decode(members.get('model.json'))) as Record<string, unknown>;
    expect(json.format).toBe('querent model');
    expect(json.version).toBe(MODEL_FILE_VERSION);
    expect(json.units).toEqual({ energy: 'eV', forces: 'eV/Å', virial: 'eV', length: 'Å' });
    // One structure of the element to check itself by; of two elements each alone and both together.
    expect(json.selfCheck).toHaveLength(1);
    const other = readZip(writeModel(alloy.model, alloy.basis), 'x').get('model.json');
    expect((JSON.parse(new TextDecoder().decode(other)) as { selfCheck: unknown[] }).selfCheck).toHaveLength(3);
  });

  it('is refused when any byte is changed, unless that byte says nothing', () => {
    const random = new RandomStream(1, 'flipped bytes');
    const codes = new Map<string, number>();
    for (let k = 0; k < 400; k++) {
      // Every fourth near the end, where the directory is.
      const at = k % 4 === 0 ? bytes.length - 1 - random.integer(900) : random.integer(bytes.length);
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << random.integer(8);
      try {
        const { model } = readModel(damaged, 'si.model');
        // Time stamps, versions and other fields of the archive that no reader needs.
        expect(model).toEqual(silicon.model);
        codes.set('unharmed', (codes.get('unharmed') ?? 0) + 1);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        const { code, position, message } = error as FormatError;
        expect(position.file).toMatch(/^si\.model/);
        expect(message).toMatch(/^si\.model/);
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    }
    expect(codes.get('DAMAGED')).toBeGreaterThan(250);
    expect(codes.get('unharmed') ?? 0).toBeLessThan(100);
  });

  it('is refused when it is cut short anywhere', () => {
    const random = new RandomStream(2, 'cut');
    for (let k = 0; k < 60; k++) {
      const length = k < 30 ? k : random.integer(bytes.length);
      const error = failure(bytes.slice(0, length));
      expect(['DAMAGED', 'NOT_A_MODEL']).toContain(error.code);
    }
  });

  it('is refused when it is something else', () => {
    const text = (content: string): Uint8Array => new TextEncoder().encode(content);
    for (const other of ['', 'PK', '2\nProperties=species:S:1:pos:R:3\nSi 0 0 0\nSi 0 0 2\n', 'x'.repeat(500)]) {
      const error = failure(text(other));
      expect(error.code).toBe('NOT_A_MODEL');
      expect(error.message).toBe('si.model: file must be a model written by querent, but is something else');
    }
    const empty = failure(writeZip([{ name: 'readme.txt', bytes: text('hello') }]));
    expect(empty.message).toBe('si.model: file must be a model written by querent, but holds no model.json');
    expect(failure(writeZip([])).code).toBe('NOT_A_MODEL');
    expect(failure(withJson(() => ({ hello: 1 }))).code).toBe('NOT_A_MODEL');
    expect(failure(rewritten((e) => (e.name === 'model.json' ? { ...e, bytes: text('{"a":') } : e))).code).toBe(
      'DAMAGED',
    );
  });

  it('is refused when it is newer than the program, and says what to do', () => {
    const error = failure(withJson((json) => ({ ...json, version: MODEL_FILE_VERSION + 1 })));
    expect(error.code).toBe('NEWER_VERSION');
    expect(error.message).toMatch(/has version 4, this program reads up to 3: update querent/);
  });

  it('is refused when a member is missing or not what it should be', () => {
    const missing = failure(rewritten((entry) => (entry.name === 'posterior.mean.npy' ? null : entry)));
    expect(missing.message).toMatch(/must hold the array posterior\.mean/);
    const header = failure(
      rewritten((entry) => (entry.name === 'posterior.mean.npy' ? { ...entry, bytes: entry.bytes.slice(1) } : entry)),
    );
    expect(header.code).toBe('BAD_NPY');
    expect(header.message).toMatch(/^si\.model:posterior\.mean\.npy: array must be \.npy version 1\.0/);
  });

  it('finds by its own numbers that a coefficient was changed, checksums right and all', () => {
    const changed = rewritten((entry) => {
      if (entry.name !== 'posterior.mean.npy') return entry;
      const content = entry.bytes.slice();
      const view = new DataView(content.buffer);
      const at = content.length - 8 * silicon.model.posterior.mean.length;
      view.setFloat64(at, view.getFloat64(at, true) * (1 + 1e-7), true);
      return { ...entry, bytes: content };
    });
    const error = failure(changed);
    expect(error.code).toBe('SELF_CHECK');
    expect(error.message).toMatch(/must reproduce its own numbers to 1e-9, but they differ by/);
  });

  it('finds a changed factor of the posterior, scale of the error bars, and cutoff', () => {
    const factor = rewritten((entry) => {
      if (entry.name !== 'posterior.r.npy') return entry;
      const content = entry.bytes.slice();
      const view = new DataView(content.buffer);
      const at = content.length - 8 * silicon.model.posterior.r.length;
      view.setFloat64(at, 1.01 * view.getFloat64(at, true), true);
      return { ...entry, bytes: content };
    });
    expect(failure(factor).code).toBe('SELF_CHECK');
    type Body = {
      uncertainty: { scales: { forces: { b: number } } };
      specification: { pairs: { cutoff: number }[][] };
    };
    const scale = withJson((json) => {
      (json.model as Body).uncertainty.scales.forces.b *= 1.5;
      return json;
    });
    expect(failure(scale).code).toBe('SELF_CHECK');
    const cutoff = withJson((json) => {
      (json.model as Body).specification.pairs[0]![0]!.cutoff += 0.1;
      return json;
    });
    expect(failure(cutoff).code).toBe('BASIS_CHANGED');
  });
});

/** A Python that has numpy, or null. */
function pythonWithNumpy(): string | null {
  for (const python of [process.env.QUERENT_PYTHON, 'python3']) {
    if (python === undefined) continue;
    try {
      execFileSync(python, ['-c', 'import numpy'], { stdio: 'ignore' });
      return python;
    } catch {
      // The next one.
    }
  }
  return null;
}

const python = pythonWithNumpy();

describe(`numpy${python === null ? ' (skipped: no python3 with numpy here; set QUERENT_PYTHON)' : ''}`, () => {
  it.skipIf(python === null)('opens the file and its arrays with numpy.load', () => {
    const folder = mkdtempSync(join(tmpdir(), 'querent-model-'));
    try {
      const path = join(folder, 'si.model');
      writeFileSync(path, bytes);
      const script = [
        'import json, sys, numpy as np',
        'archive = np.load(sys.argv[1])',
        'm, r = archive["posterior.mean"], archive["posterior.r"]',
        'version = json.loads(archive["model.json"])["version"]',
        'print(json.dumps({"shape": r.shape, "mean": m.tolist(), "first": float(r[0, 1]), "version": version}))',
      ].join('\n');
      const found = JSON.parse(execFileSync(python!, ['-c', script, path], { encoding: 'utf8' })) as unknown;
      const { mean, r } = silicon.model.posterior;
      expect(found).toEqual({ shape: [mean.length, mean.length], mean: [...mean], first: r[1], version: 1 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
