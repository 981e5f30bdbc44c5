import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandLine, type Shown } from '../../../test/support/command-line.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { readFrames } from '../../node/frames.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'querent-convert-'));
  writeFileSync(join(cwd, 'two.xyz'), TWO);
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

/** A cell whose a lies along y, with all labels, and a molecule. */
const TWO = `2
Lattice="0 4 0 -5 0 0 0 1 6" Properties=species:S:1:pos:R:3:forces:R:3:charge:R:1 energy=-10.5 stress="0.1 0 0 0 0.2 0 0 0 0.3" pbc="T T T" config_type=bulk note=x
Si 0 0 0 1 0 0 0.5
O 1 2 3 -1 0 0 -0.5
1
Properties=species:S:1:pos:R:3 pbc="F F F" energy=-1
H 0 0 0
`;

const querent = (...argv: string[]): Promise<Shown> => commandLine(cwd, argv);

const path = (name: string): string => join(cwd, name);
const frames = async (name: string): Promise<Frame[]> => (await readFrames([path(name)])).frames;

describe('querent convert', () => {
  it('says what the format has no place for and how the structure stands in it', async () => {
    const { code, stdout, stderr } = await querent('convert', `${path('two.xyz')}@0`, '-o', 'si.data');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      'si.data: 1 structure, 2 atoms as lammps-data, read back and compared\n' +
        'left out, as lammps-data has no place for it: energy, forces, stress, key config_type, key note\n' +
        'note: 1 structure was turned so that a lies along x and b in the xy plane: r_file = r R, R = 0 -1 0 / 1 0 0 / 0 0 1\n',
    );
    const [frame] = await frames('si.data');
    expect(Array.from(frame!.structure.cell!)).toEqual([4, 0, 0, 0, 5, 0, 1, 0, 6]);
    expect(Array.from(frame!.structure.positions)).toEqual([0, 0, 0, 2, -1, 3]);
    expect(frame!.columns.charge!.values).toEqual([0.5, -0.5]);
  });

  it('turns forces with the cell in dumps, and keeps everything in extended XYZ, packed or not', async () => {
    expect((await querent('convert', path('two.xyz'), '-o', 'two.lammpstrj')).code).toBe(0);
    const [turned, molecule] = await frames('two.lammpstrj');
    expect(turned!.labels.forces!).toAgree([0, -1, 0, 0, 1, 0], { atol: 1e-15, why: 'a right angle' });
    expect(molecule!.structure.pbc).toEqual([false, false, false]);
    expect((await querent('convert', path('two.xyz'), '-o', 'two.extxyz.gz')).code).toBe(0);
    expect(readFileSync(path('two.extxyz.gz')).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    const [first] = await frames('two.extxyz.gz');
    const [given] = await frames('two.xyz');
    expect({ ...first, source: given!.source }).toEqual(given);
    expect(gunzipSync(readFileSync(path('two.extxyz.gz'))).toString()).toContain('note=x');
  });

  it.each(['POSCAR', 'si.cif', 'si.dump', 'si.data'])('comes back from %s as the same crystal', async (name) => {
    expect((await querent('convert', `${path('two.xyz')}@0`, '-o', name)).code).toBe(0);
    expect((await querent('convert', path(name), '-o', 'back.xyz')).code).toBe(0);
    const [back] = await frames('back.xyz');
    const { cell, positions, species } = back!.structure;
    expect(Array.from(species)).toEqual([14, 8]);
    const length = (k: number): number => Math.hypot(cell![k]!, cell![k + 1]!, cell![k + 2]!);
    expect([length(0), length(3), length(6)]).toAgree([4, 5, Math.sqrt(37)], {
      rtol: 1e-12,
      why: 'a rotation at most',
    });
    expect(
      Math.hypot(positions[3]! - positions[0]!, positions[4]! - positions[1]!, positions[5]! - positions[2]!),
    ).toAgree(Math.sqrt(14), { rtol: 1e-12, why: 'a rotation at most' });
  });

  it('prints JSON, and the text itself with -', async () => {
    const { stdout } = await querent('convert', path('two.xyz'), '-o', 'two.cif', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      output: 'two.cif',
      format: 'cif',
      structures: 2,
      atoms: 3,
      dropped: { energy: 2, forces: 1, stress: 1, 'column charge': 1, 'open directions (pbc F)': 1 },
      notes: [expect.stringContaining('turned'), expect.stringContaining('a box with 5 Å of space')],
    });
    const piped = await querent('convert', `${path('two.xyz')}@0`, '-o', '-', '--format', 'poscar');
    expect(piped.stdout).toMatch(/^structure\n1\.0\n {2}0 4 0\n/);
    expect(piped.stderr).toContain('-: 1 structure, 2 atoms as poscar');
  });

  it('takes elements for types that have none', async () => {
    const dump =
      'ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n0 4\n0 4\n0 4\nITEM: ATOMS id type x y z\n1 2 0 0 0\n2 1 2 2 2\n';
    writeFileSync(path('md.dump'), dump);
    const refused = await querent('convert', path('md.dump'), '-o', 'a.xyz');
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('atom type 2 must be of a known element');
    expect((await querent('convert', path('md.dump'), '-o', 'a.xyz', '--elements', 'Si, O')).code).toBe(0);
    expect(Array.from((await frames('a.xyz'))[0]!.structure.species)).toEqual([8, 14]);
  });

  it.each<[string, number, readonly string[], RegExp]>([
    [
      'a file that exists',
      1,
      ['two.xyz'],
      /output must be a new file, got "two.xyz", which exists; replace it with --force/,
    ],
    ['a name that says no format', 2, ['out'], /--format must be given .*, as the name "out" does not say it/],
    [
      'several structures for one',
      1,
      ['POSCAR'],
      /a file of format poscar must hold one structure, got 2; choose one with file@index/,
    ],
    [
      'a format that is none',
      2,
      ['out', '--format', 'pdb'],
      /--format must be one of extxyz, poscar, lammps-data, lammps-dump, cif, got "pdb"/,
    ],
    [
      'elements that are none',
      2,
      ['a.dump', '--elements', 'Si,Xx'],
      /--elements must be chemical symbols like Si,O, got "Xx"/,
    ],
    [
      'elements that leave one out',
      1,
      ['a.dump', '--elements', 'Si,O'],
      /two\.xyz:5: structure 1: elements must have H, got Si,O/,
    ],
    ['a folder that is not there', 1, ['x/y.xyz'], /folder must exist/],
  ])('refuses %s', async (_, code, argv, message) => {
    const ended = await querent('convert', path('two.xyz'), '-o', ...argv);
    expect(ended.stderr).toMatch(message);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(existsSync(path(argv[0]!)) && argv[0] !== 'two.xyz').toBe(false);
  });

  it('replaces a file when told to', async () => {
    writeFileSync(path('old.xyz'), 'old');
    expect((await querent('convert', path('two.xyz'), '-o', 'old.xyz', '--force')).code).toBe(0);
    expect(await frames('old.xyz')).toHaveLength(2);
  });
});
