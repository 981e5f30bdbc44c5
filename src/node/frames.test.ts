import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../core/structure/structure.ts';
import { type FrameReadOptions, openFrames, readFrames } from './frames.ts';

const frameText = (k: number): string => `2\nenergy=${k} config_type=Å\nH 0 0 0\nH 0 0 ${k + 1}\n`;
const fileText = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, k) => frameText(from + k)).join('');

let folder = '';
const path = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'querent-frames-'));
  await writeFile(path('ten.xyz'), fileText(0, 10));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function energies(argument: string, options: FrameReadOptions = {}): Promise<(number | null)[]> {
  const frames: Frame[] = [];
  for await (const frame of openFrames(argument, options)) frames.push(frame);
  return frames.map((frame) => frame.labels.energy);
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let k = 0; k < bytes.length; k += size) yield bytes.subarray(k, k + size);
}

describe('openFrames', () => {
  it('selects frames', async () => {
    const file = path('ten.xyz');
    expect(await energies(file)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await energies(`${file}@3`)).toEqual([3]);
    expect(await energies(`${file}@-1`)).toEqual([9]);
    expect(await energies(`${file}@2:8:3`)).toEqual([2, 5]);
    expect(await energies(`${file}@::-4`)).toEqual([9, 5, 1]);
    await expect(energies(`${file}@10`)).rejects.toThrow('frame index must be within 10 frames, got 10');
    await expect(energies(`${file}@20:`)).rejects.toThrow('selection must hold at least one frame, got none');
  });

  it('reads a file whose name looks like a selection', async () => {
    await writeFile(path('run.xyz@1'), fileText(5, 7));
    expect(await energies(path('run.xyz@1'))).toEqual([5, 6]);
    expect(await energies(`${path('run.xyz@1')}@1`)).toEqual([6]);
  });

  it('unpacks gzip of several members by its first bytes, not its name', async () => {
    await writeFile(
      path('members.xyz'),
      Buffer.concat([
        gzipSync(fileText(0, 3)),
        gzipSync(fileText(3, 5).slice(0, 20)),
        gzipSync(fileText(3, 5).slice(20)),
      ]),
    );
    expect(await energies(path('members.xyz'))).toEqual([0, 1, 2, 3, 4]);
    await writeFile(path('plain.xyz.gz'), fileText(0, 2));
    expect(await energies(path('plain.xyz.gz'))).toEqual([0, 1]);
  });

  it('reads standard input in pieces of any size, packed or not', async () => {
    const text = Buffer.from(fileText(0, 4));
    for (const bytes of [text, gzipSync(text)]) {
      for (const size of [1, 5, 1000])
        expect(await energies('-@1:', { stdin: pieces(bytes, size) })).toEqual([1, 2, 3]);
    }
    await expect(energies('-', { stdin: pieces(new Uint8Array(0), 1) })).rejects.toThrow(
      '<stdin>: file must hold at least one frame, got none',
    );
  });

  it('reads POSCAR by name', async () => {
    await writeFile(path('POSCAR.gz'), gzipSync('si\n1\n3 0 0\n0 3 0\n0 0 3\nSi\n1\nDirect\n0.5 0 0\n'));
    const { frames, keys } = await readFrames([path('POSCAR.gz')]);
    expect(frames[0]!.structure.positions[0]).toBe(1.5);
    expect(keys).toEqual({ energy: [], forces: [], virial: [] });
  });

  it('tells what is wrong with a file', async () => {
    await expect(energies(path('absent.xyz'))).rejects.toThrow(`file must exist, got "${path('absent.xyz')}"`);
    await expect(energies(`${path('absent.xyz')}@1`)).rejects.toThrow(`file must exist, got "${path('absent.xyz')}"`);
    await expect(energies(folder)).rejects.toThrow('path must be a file, got the folder');
    const packed = gzipSync(fileText(0, 2000));
    await writeFile(path('cut.xyz.gz'), packed.subarray(0, packed.length - 20));
    await expect(energies(path('cut.xyz.gz'))).rejects.toThrow(
      'cut.xyz.gz: gzip data must be complete, got the end of the file',
    );
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, 60, 90);
    await writeFile(path('damaged.xyz.gz'), damaged);
    await expect(energies(path('damaged.xyz.gz'))).rejects.toThrow(
      /damaged\.xyz\.gz: gzip data must be intact, got Z_/,
    );
    await writeFile(path('latin.xyz'), Buffer.from('1\nnote=\xc5\nH 0 0 0\n', 'latin1'));
    await expect(energies(path('latin.xyz'))).rejects.toThrow('latin.xyz: file must be text (UTF-8), got other bytes');
    await writeFile(path('bad.xyz'), `${fileText(0, 2)}2\n\nH 0 0 0\n`);
    await expect(energies(path('bad.xyz'))).rejects.toThrow(
      `${path('bad.xyz')}:11: frame 2 (from line 9) must have 2 atoms, got 1`,
    );
  });

  it('reads no more than it needs, so memory does not grow with the file', async () => {
    const chunk = Buffer.from(fileText(0, 1000));
    for (const bytes of [chunk, gzipSync(chunk)]) {
      let given = 0;
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (;;) {
          given++;
          yield bytes;
        }
      }
      let taken = 0;
      for await (const frame of openFrames('-', { stdin: endless() })) {
        expect(frame.source.index).toBe(taken++);
        // Only what the buffers of the streams hold may be read ahead.
        if (taken % 1000 === 0) expect(given - taken / 1000).toBeLessThan(40);
        if (taken === 30_000) break;
      }
    }
  });
});

describe('readFrames', () => {
  it('joins files and says which keys were used', async () => {
    await writeFile(
      path('ref.xyz'),
      '1\nProperties=species:S:1:pos:R:3:REF_forces:R:3 REF_energy=-1 Lattice="3 0 0 0 3 0 0 0 3" virial="1 0 0 0 1 0 0 0 1"\nH 0 0 0 1 2 3\n',
    );
    const { frames, keys } = await readFrames([`${path('ten.xyz')}@:2`, path('ref.xyz')]);
    expect(frames.map((frame) => [frame.labels.energy, frame.source.file, frame.group])).toEqual([
      [0, path('ten.xyz'), 'Å'],
      [1, path('ten.xyz'), 'Å'],
      [-1, path('ref.xyz'), ''],
    ]);
    expect(keys).toEqual({ energy: ['energy', 'REF_energy'], forces: ['REF_forces'], virial: ['virial'] });
  });

  it('insists on a key that was asked for', async () => {
    const file = path('ten.xyz');
    await expect(readFrames([file], { energyKey: 'E' })).rejects.toThrow(
      `energy key must be in at least one frame, got "E" in none of ${file}`,
    );
    await expect(readFrames([file], { forcesKey: 'F' })).rejects.toThrow(
      'forces key must be in at least one frame, got "F"',
    );
    await expect(readFrames([file], { stressKey: 'S' })).rejects.toThrow(
      'stress key must be in at least one frame, got "S"',
    );
    await expect(readFrames([file], { virialKey: 'V' })).rejects.toThrow(
      'virial key must be in at least one frame, got "V"',
    );
    expect((await readFrames([file], { energyKey: 'energy' })).keys.energy).toEqual(['energy']);
  });
});
