import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandLine, type Shown } from '../../../test/support/command-line.ts';
import { prototypeStructure } from '../../core/structure/prototypes.ts';
import type { Frame, Structure } from '../../core/structure/structure.ts';
import { writeExtxyz } from '../../formats/extxyz-writer.ts';
import { readFrames } from '../../node/frames.ts';
import { unlabelledFrame } from '../../reference/command.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'querent-label-'));
  writeFileSync(join(cwd, 'sw.yaml'), 'reference: {kind: sw-si}\n');
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

/** Runs the command line in `cwd`. */
const querent = (...argv: string[]): Promise<Shown> => commandLine(cwd, argv);

const si2 = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, cell: 'primitive' });
const moved = (x: number): Structure => ({
  ...si2,
  positions: si2.positions.map((value, k) => (k < 3 ? value + x : value)),
});
const pool = (xs: readonly number[]): string => {
  const file = join(cwd, 'pool.xyz');
  writeFileSync(
    file,
    xs.map((x) => writeExtxyz({ ...unlabelledFrame(moved(x), { tag: x }), group: 'dimer' })).join(''),
  );
  return file;
};
const labelled = async (file = 'labelled.extxyz'): Promise<Frame[]> => (await readFrames([join(cwd, file)])).frames;

describe('querent label', () => {
  it('labels structures in order and keeps what their file said of them', async () => {
    const { code, stdout, stderr } = await querent('label', pool([0.05, 0, 0.1]), '--reference', 'sw.yaml');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^3 of 3 structures labelled, written to .*labelled\.extxyz\n$/);
    expect(stderr.split('\n')).toHaveLength(4);
    expect(stderr).toMatch(/^1\/3 .*pool\.xyz@0: -8\.\d+ eV in 0\.0 s\n/);
    const frames = await labelled();
    expect(frames.map(({ info, group }) => [info.tag, group])).toEqual([
      [0.05, 'dimer'],
      [0, 'dimer'],
      [0.1, 'dimer'],
    ]);
    expect(frames[1]!.labels.energy).toAgree(-2 * 4.3366, {
      atol: 1e-3,
      why: 'cohesive energy of Stillinger-Weber diamond, 4.3366 eV/atom',
    });
    const { forces } = frames[0]!.labels;
    expect(forces![0]! + forces![3]!).toAgree(0, { atol: 1e-12, why: 'forces balance' });
  });

  it('says what failed, labels the rest and exits with 4', async () => {
    const { code, stdout, stderr } = await querent(
      'label',
      pool([0, 1]),
      '--reference',
      'sw.yaml',
      '--json',
      '-o',
      'out.xyz',
    );
    expect(code).toBe(4);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ requested: 2, done: 1, fingerprint: { code: expect.stringContaining('sw-si') } });
    expect(result.unlabelled).toMatchObject([{ index: 1, status: 'rejected', reason: 'overlap' }]);
    expect(stderr).toMatch(/rejected \(overlap\): atoms 0/);
    expect(await labelled('out.xyz')).toHaveLength(1);
  });

  it('runs a command beside the reference file and goes on where it stopped', async () => {
    writeFileSync(
      join(cwd, 'label.sh'),
      `echo x >> ${cwd}/runs\n{ head -1 $1; echo 'Properties=species:S:1:pos:R:3:forces:R:3 energy=1 pbc="F F F"'; tail -n +3 $1 | awk '{print $0, 0, 0, 0}'; } > $2\n`,
    );
    writeFileSync(join(cwd, 'r.yaml'), 'reference: {kind: command, command: [sh, label.sh, "{input}", "{output}"]}\n');
    writeFileSync(
      join(cwd, 'h2.xyz'),
      '2\nProperties=species:S:1:pos:R:3 pbc="F F F"\nH 0 0 0\nH 0 0 0.74\n2\nProperties=species:S:1:pos:R:3 pbc="F F F"\nH 0 0 0\nH 0 0 0.8\n',
    );
    const runs = () => readFileSync(join(cwd, 'runs'), 'utf8').length / 2;
    const file = join(cwd, 'h2.xyz');
    expect((await querent('label', `${file}@0`, '--reference', 'r.yaml')).code).toBe(0);
    expect(existsSync(join(cwd, 'labelled.extxyz.files', 'labels'))).toBe(true);
    const again = await querent('label', file, '--reference', 'r.yaml', '--concurrency', '2');
    expect(again.stderr).toContain('(computed before)');
    expect(runs()).toBe(2);
    expect((await labelled()).map(({ labels }) => labels.energy)).toEqual([1, 1]);
  });

  it('lays structures out for a person when the reference is manual', async () => {
    writeFileSync(join(cwd, 'm.yaml'), 'reference: {kind: manual, format: poscar}\n');
    const { code, stdout } = await querent('label', pool([0, 0.1, 0]), '--reference', 'm.yaml', '--directory', 'todo');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^2 structures and README\.txt are in .*todo\n$/);
    expect(await labelled('todo/to-label.extxyz')).toHaveLength(2);
  });

  it('refuses to start without what it needs', async () => {
    const file = pool([0]);
    expect(await querent('label', file)).toMatchObject({ code: 2, stderr: expect.stringContaining('--reference') });
    expect(await querent('label', file, '--reference', 'sw.yaml', '--concurrency', '0')).toMatchObject({ code: 2 });
    expect(await querent('label', file, '--import')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--directory'),
    });
    expect(await querent('label', file, '--import', '--directory', '.')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('directory of a run'),
    });
  });

  it('computes some labels again and tells their noise', async () => {
    writeFileSync(join(cwd, 'tb.yaml'), 'reference: {kind: tb-si, mesh: [2, 2, 2]}\n');
    const argv = ['label', pool([0.05, 0.1, 0.15]), '--reference', 'tb.yaml', '--repeat', '2'];
    const plain = await querent(...argv);
    expect(plain.code).toBe(0);
    expect(plain.stderr).toMatch(/\nagain 4\/4 /);
    expect(plain.stdout).toMatch(/\nshifted rigidly +2 +\S+ +\S+ +\S+\nturned +2 /);
    const { noise } = JSON.parse((await querent(...argv, '--repeat-set', 'reference.mesh=[4,4,4]', '--json')).stdout);
    expect(noise.variations.map((one: { variation: string }) => one.variation)).toEqual([
      'shift',
      'rotation',
      'settings',
    ]);
    // Tight binding knows no grid in space; a mesh of 2×2×2 points is off by tens of meV.
    expect(noise.variations[0].forces).toBeLessThan(1e-9);
    expect(noise.variations[1].energy).toBeLessThan(1e-9);
    expect(noise.forces).toBeGreaterThan(1e-3);
    expect(noise.energy).toBeGreaterThan(1e-4);
    expect(JSON.parse(readFileSync(join(cwd, 'labelled.extxyz.noise.json'), 'utf8'))).toEqual(noise);
  });

  it('refuses more repeats than there are labels, and settings without repeats', async () => {
    const many = await querent('label', pool([0]), '--reference', 'sw.yaml', '--repeat', '2');
    expect(many).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--repeat must be at most the 1 structures'),
    });
    const alone = await querent(
      'label',
      pool([0]),
      '--reference',
      'sw.yaml',
      '--repeat-set',
      'reference.gates.netForce=1',
    );
    expect(alone).toMatchObject({ code: 2, stderr: expect.stringContaining('--repeat-set needs --repeat') });
  });
});

describe('querent label --import', () => {
  it('takes labels that were computed elsewhere into a run that waits for them', async () => {
    writeFileSync(
      join(cwd, 'run.yaml'),
      `name: byhand
structures: [{prototype: diamond, element: Si, a: 5.43, cell: conventional}]
conditions: {temperatures: [300, 600]}
reference: {kind: manual}
basis: {nmax: [4, 2], lmax: [0, 1], cutoff: 5}
start: {count: 3}
acquisition: {batch: 3}
budget: {labels: 3, rounds: 1}
`,
    );
    const first = await querent('run', 'run.yaml', '--directory', 'run');
    expect(first.code, first.stderr).toBe(0);
    const open = (await readFrames([join(cwd, 'run', 'to-label', 'to-label.extxyz')])).frames;
    expect(open).toHaveLength(3);
    // "Elsewhere" is the labelling verb with another reference.
    await querent(
      'label',
      join(cwd, 'run', 'to-label', 'to-label.extxyz@:2'),
      '--reference',
      'sw.yaml',
      '-o',
      'done.xyz',
    );
    const taken = await querent('label', '--import', join(cwd, 'done.xyz'), pool([0]), '--directory', 'run', '--json');
    expect(taken.code, taken.stderr).toBe(0);
    const report = JSON.parse(taken.stdout);
    expect(report).toMatchObject({ rejected: [], skipped: [{ reason: 'this run did not ask for it' }], missing: 1 });
    expect(report.done).toHaveLength(2);
    const twice = await querent('label', '--import', join(cwd, 'done.xyz'), '--directory', 'run');
    expect(twice.stdout).toMatch(/^0 labels taken in, 0 rejected, 2 left out; 1 are still missing\n$/);
    expect(twice.stderr).toContain('labelled already');
  });
});
