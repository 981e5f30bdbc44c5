import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../core/errors.ts';
import { readNpy, writeNpy } from './npy.ts';
import { crc32, readZip, writeZip } from './zip.ts';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);

describe('zip', () => {
  it('has the CRC-32 of the published check string', () => {
    expect(crc32(text('123456789'))).toBe(0xcbf43926);
  });

  it('round-trips any members', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z/.]{1,20}$/), fc.uint8Array()), {
          selector: ([name]) => name,
          maxLength: 6,
        }),
        (members) => {
          const read = readZip(writeZip(members.map(([name, bytes]) => ({ name, bytes }))), 'x.zip');
          expect([...read.keys()]).toEqual(members.map(([name]) => name));
          for (const [name, bytes] of members) expect(read.get(name)).toEqual(bytes);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('gives equal bytes for equal content', () => {
    const entries = [{ name: 'a', bytes: text('alpha') }];
    expect(writeZip(entries)).toEqual(writeZip(entries));
  });

  it('never returns other content when any single byte of it is changed', () => {
    const good = writeZip([
      { name: 'model.json', bytes: text('{"a": 1}') },
      { name: 'b.npy', bytes: text('0123456789') },
    ]);
    const original = readZip(good, 'm.model');
    let refused = 0;
    for (let i = 0; i < good.length; i++) {
      const bad = good.slice();
      bad[i]! ^= 0x10;
      try {
        const read = readZip(bad, 'm.model');
        for (const [name, bytes] of read) if (original.has(name)) expect(bytes).toEqual(original.get(name));
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        expect((error as FormatError).message).toMatch(/^m\.model: /);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(20);
  });

  it('refuses truncated and foreign files by name', () => {
    const good = writeZip([{ name: 'a', bytes: text('alpha') }]);
    expect(() => readZip(good.subarray(0, good.length - 5), 'cut.model')).toThrow(
      /cut\.model: archive is damaged or cut short/,
    );
    expect(() => readZip(text('hello, this is no archive'), 'x.model')).toThrow(/x\.model: file must be a ZIP archive/);
    expect(() => readZip(new Uint8Array(0), 'empty.model')).toThrow(/empty\.model: file must be a ZIP archive/);
  });
});

describe('npy', () => {
  it('round-trips arrays of any shape', () => {
    for (const shape of [[3], [2, 3], [0], [1, 1, 4]]) {
      const data = Float64Array.from({ length: shape.reduce((p, n) => p * n, 1) }, (_, i) => Math.sin(i) * 1e-300);
      expect(readNpy(writeNpy({ shape, data }), 'a.npy')).toEqual({ shape, data });
    }
  });

  it('aligns its header to 64 bytes, as numpy does', () => {
    const bytes = writeNpy({ shape: [391, 391], data: new Float64Array(391 * 391) });
    expect((bytes.length - 8 * 391 * 391) % 64).toBe(0);
  });

  it('refuses wrong lengths and types', () => {
    const bytes = writeNpy({ shape: [4], data: new Float64Array(4) });
    expect(() => readNpy(bytes.subarray(0, bytes.length - 8), 'a.npy')).toThrow(
      /a\.npy: array must hold 4 numbers, got 3/,
    );
    const other = bytes.slice();
    other[bytes.indexOf(0x66)] = 0x69;
    expect(() => readNpy(other, 'a.npy')).toThrow(FormatError);
  });

  it('is read by numpy inside a stored zip, where python has it', () => {
    let hasNumpy = true;
    try {
      execFileSync('python3', ['-c', 'import numpy'], { stdio: 'ignore' });
    } catch {
      hasNumpy = false;
    }
    if (!hasNumpy) return;
    const folder = mkdtempSync(join(tmpdir(), 'querent-npy-'));
    try {
      const path = join(folder, 'x.npz');
      writeFileSync(
        path,
        writeZip([{ name: 'm.npy', bytes: writeNpy({ shape: [2, 2], data: Float64Array.of(1, 2, 3, 4.5) }) }]),
      );
      const out = execFileSync(
        'python3',
        ['-c', `import numpy; print(numpy.load(${JSON.stringify(path)})['m'].tolist())`],
        { encoding: 'utf8' },
      );
      expect(out.trim()).toBe('[[1.0, 2.0], [3.0, 4.5]]');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
