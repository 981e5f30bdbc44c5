import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALL_FRAMES,
  type FrameSelection,
  parseFrameArgument,
  selectFrames,
  formatOfContent,
  structureFormat,
} from './frames.ts';

async function* upTo(n: number, asked?: { count: number }): AsyncGenerator<number> {
  for (let k = 0; k < n; k++) {
    if (asked !== undefined) asked.count++;
    yield k;
  }
}

async function select(n: number, selection: FrameSelection): Promise<number[]> {
  const out: number[] = [];
  for await (const item of selectFrames(upTo(n), selection)) out.push(item);
  return out;
}

describe('parseFrameArgument', () => {
  it.each<[string, string, FrameSelection]>([
    ['a.xyz', 'a.xyz', ALL_FRAMES],
    ['a.xyz@:', 'a.xyz', ALL_FRAMES],
    ['a.xyz@3', 'a.xyz', { kind: 'index', index: 3 }],
    ['-@-1', '-', { kind: 'index', index: -1 }],
    ['a@b.xyz@1:', 'a@b.xyz', { kind: 'slice', start: 1, stop: null, step: 1 }],
    ['a.xyz@:-2', 'a.xyz', { kind: 'slice', start: null, stop: -2, step: 1 }],
    ['a.xyz@1:10:3', 'a.xyz', { kind: 'slice', start: 1, stop: 10, step: 3 }],
    ['a.xyz@::-1', 'a.xyz', { kind: 'slice', start: null, stop: null, step: -1 }],
    ['me@home.xyz', 'me@home.xyz', ALL_FRAMES],
    ['a.xyz@', 'a.xyz@', ALL_FRAMES],
  ])('%s', (argument, file, selection) => {
    expect(parseFrameArgument(argument)).toEqual({ file, selection });
  });

  it('refuses selections without a meaning', () => {
    expect(() => parseFrameArgument('a.xyz@::0')).toThrow('step of a selection must not be 0');
    expect(() => parseFrameArgument('a.xyz@-:3')).toThrow('selection must be start:stop:step, got "-:3"');
  });
});

describe('selectFrames', () => {
  /** Python's slice, index by index. */
  function python(n: number, start: number | null, stop: number | null, step: number): number[] {
    const out: number[] = [];
    const at = (x: number | null, missing: number): number => (x === null ? missing : x < 0 ? x + n : x);
    if (step > 0) {
      for (let k = Math.max(0, at(start, 0)); k < Math.min(n, at(stop, n)); k += step) out.push(k);
    } else {
      const end = stop === null ? -1 : Math.max(-1, at(stop, -1));
      for (let k = Math.min(n - 1, at(start, n - 1)); k > end; k += step) out.push(k);
    }
    return out;
  }

  it('selects as Python does', async () => {
    const bound = fc.option(fc.integer({ min: -12, max: 12 }), { nil: null });
    const steps = fc.integer({ min: -4, max: 4 }).filter((step) => step !== 0);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 9 }), bound, bound, steps, async (n, start, stop, step) => {
        expect(await select(n, { kind: 'slice', start, stop, step })).toEqual(python(n, start, stop, step));
      }),
      { numRuns: 400 },
    );
  });

  it('takes an index from either end', async () => {
    expect(await select(5, { kind: 'index', index: 0 })).toEqual([0]);
    expect(await select(5, { kind: 'index', index: -1 })).toEqual([4]);
    expect(await select(5, { kind: 'index', index: -5 })).toEqual([0]);
    await expect(select(5, { kind: 'index', index: 5 })).rejects.toThrow('frame index must be within 5 frames, got 5');
    await expect(select(5, { kind: 'index', index: -6 })).rejects.toThrow(
      'frame index must be within 5 frames, got -6',
    );
  });

  it('reads no further than the last frame it needs', async () => {
    for (const [selection, needed] of [
      [{ kind: 'index', index: 2 }, 3],
      [{ kind: 'slice', start: 1, stop: 4, step: 2 }, 4],
      [{ kind: 'slice', start: 4, stop: 2, step: 1 }, 0],
    ] as const) {
      const asked = { count: 0 };
      for await (const item of selectFrames(upTo(1e9, asked), selection)) expect(item).toBeLessThan(needed);
      expect(asked.count).toBe(needed);
    }
  });
});

describe('structureFormat', () => {
  it.each([
    ['poscar', ['POSCAR', 'CONTCAR', 'run/POSCAR.relaxed', 'si.vasp', 'Si.POSCAR.gz', 'a.poscar', 'C:\\x\\POSCAR']],
    ['extxyz', ['a.xyz', 'a.extxyz', 'a.xyz.gz', 'POSCAR/a.xyz', 'POSCARs.xyz', 'data.xyz']],
    ['lammps-data', ['a.lmp', 'si.data', 'data.si', 'a.lammps-data.gz']],
    ['lammps-dump', ['a.lammpstrj', 'md.dump.gz', 'dump.si']],
    ['cif', ['a.cif', 'a.CIF.gz']],
    [null, ['-', 'data', 'structures', 'a.txt', 'cif', 'a.cif.txt']],
  ])('goes by the name: %s', (format, names) => {
    expect(names.map(structureFormat)).toEqual(names.map(() => format));
  });
});

describe('formatOfContent', () => {
  it.each([
    ['extxyz', '2\nProperties=species:S:1:pos:R:3\nSi 0 0 0\n'],
    ['extxyz', ' 3 \n3 atoms of water\nO 0 0 0'],
    ['extxyz', ''],
    ['extxyz', 'nothing that is known'],
    ['lammps-dump', 'ITEM: TIMESTEP\n0\n'],
    ['lammps-dump', '\ufeffITEM: UNITS\r\nmetal\r\n'],
    ['lammps-data', 'title\n\n2 atoms\n1 atom types\n'],
    ['lammps-data', '\n 12 atoms # twelve\n'],
    ['cif', '# a comment\n\ndata_quartz\n_cell_length_a 4.9\n'],
    ['cif', 'DATA_x\n'],
  ])('tells %s from %j', (format, head) => {
    expect(formatOfContent(head)).toBe(format);
  });
});
