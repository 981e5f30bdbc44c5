import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ReferenceSettings, referenceSchema } from '../protocol/run-file-reference.ts';
import type { CodecReference } from '../reference/reference.ts';
import { createReference, gatesOf, readReferenceFile } from './labeller-reference.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'querent-reference-'));
  mkdirSync(join(base, 'pseudo'));
  writeFileSync(join(base, 'pseudo', 'Si.UPF'), 'abc');
  writeFileSync(join(base, 'pseudo', 'O.UPF'), 'd');
  writeFileSync(join(base, 'Si.UPF'), 'beside the run file');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const settings = (section: Record<string, unknown>): ReferenceSettings => referenceSchema.parse(section);
const qe = (change: Record<string, unknown> = {}): ReferenceSettings =>
  settings({
    kind: 'quantum-espresso',
    pseudopotentials: { Si: 'Si.UPF' },
    pseudoDir: 'pseudo',
    ecutwfc: 20,
    kspacing: 0.3,
    command: ['sh'],
    ...change,
  });
const create = async (section: ReferenceSettings) => (await createReference(section, base)) as CodecReference;
const structure = {
  positions: Float64Array.of(0, 0, 0),
  cell: Float64Array.of(5, 0, 0, 0, 5, 0, 0, 0, 5),
  pbc: [true, true, true] as const,
  species: Uint8Array.of(14),
};
// sha256 of "abc" (FIPS 180-2, appendix B.1).
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

describe('references of run files', () => {
  it('makes embedded and manual references', async () => {
    expect(await createReference(settings({ kind: 'sw-si' }), base)).toMatchObject({ kind: 'compute' });
    expect(await createReference(settings({ kind: 'tb-si', mesh: [1, 1, 1] }), base)).toMatchObject({
      kind: 'compute',
    });
    expect(await createReference(settings({ kind: 'manual' }), base)).toEqual({ kind: 'manual', name: 'manual' });
  });

  it('finds pseudopotentials relative to the run file and hashes them', async () => {
    const reference = await create(
      qe({ pseudopotentials: { Si: 'Si.UPF', O: 'O.UPF' }, extra: { system: { nspin: 2 } }, smearing: { width: 0.1 } }),
    );
    expect(JSON.parse(reference.identity!).files).toMatchObject({ 'Si.UPF': ABC });
    const input = reference.prepare(structure, 0).files.get('pw.in')!;
    expect(input).toContain(`pseudo_dir = '${join(base, 'pseudo')}'`);
    expect(input).toContain("smearing = 'gaussian'");
    expect(input).toContain('nspin = 2');
    expect(input).toMatch(/K_POINTS automatic\n {2}5 5 5 1 1 1\n$/);
    const beside = await create(qe({ pseudoDir: undefined }));
    expect(beside.prepare(structure, 0).files.get('pw.in')).toContain(`pseudo_dir = '${base}'`);
  });

  it('says where it looked for a pseudopotential, and that they must be together', async () => {
    await expect(create(qe({ pseudopotentials: { Si: 'Si.absent.UPF' } }))).rejects.toThrow(
      /of Si must exist, got "Si.absent.UPF" in none of .*pseudo/,
    );
    await expect(create(qe({ pseudopotentials: { Si: '../Si.UPF', O: 'O.UPF' } }))).rejects.toThrow(
      /must be in one folder/,
    );
    await expect(create(qe({ pseudopotentials: {} }))).rejects.toThrow(/at least one element/);
  });

  it('says what to install when the program is missing', async () => {
    await expect(create(qe({ command: ['no-such-pw.x'] }))).rejects.toThrow(
      /"no-such-pw.x" must be on PATH.*apt-get install .*quantum-espresso/,
    );
    await expect(create(settings({ kind: 'command', command: ['./no-such.sh'] }))).rejects.toThrow(
      /must be at .*no-such\.sh/,
    );
  });

  it('makes files named by a command absolute, since it runs elsewhere, and fingerprints their bytes', async () => {
    writeFileSync(join(base, 'label.py'), 'abc');
    const reference = await create(
      settings({ kind: 'command', command: ['sh', 'label.py', '{input}', '--out={output}', 'plain'] }),
    );
    const { run } = reference.prepare(structure, 0);
    expect(run.args).toEqual([join(base, 'label.py'), 'input.extxyz', '--out=output.extxyz', 'plain']);
    expect(JSON.parse(reference.identity!)).toMatchObject({
      settings: { command: ['sh', 'label.py', '{input}', '--out={output}', 'plain'] },
      files: { 'label.py': ABC },
    });
    writeFileSync(join(base, 'own.sh'), '#!/bin/sh\n', { mode: 0o755 });
    const own = await create(settings({ kind: 'command', command: ['./own.sh'] }));
    expect(own.prepare(structure, 0).run.command).toBe(join(base, 'own.sh'));
    expect(Object.keys(JSON.parse(own.identity!).files)).toEqual(['./own.sh']);
  });

  it('reads the section from a run file, what it extends, and --set', async () => {
    mkdirSync(join(base, 'shared'));
    writeFileSync(
      join(base, 'shared', 'qe.yaml'),
      'reference: {kind: quantum-espresso, pseudoDir: ../pseudo, pseudopotentials: {Si: Si.UPF}, ecutwfc: 20, mesh: [1, 1, 1], command: [sh]}\n',
    );
    writeFileSync(join(base, 'run.yaml'), 'extends: shared/qe.yaml\nname: x\nreference: {ecutwfc: 30}\n');
    const { settings: read, baseDirectory } = readReferenceFile(join(base, 'run.yaml'), ['reference.convThr=1e-7'], {});
    expect(read).toMatchObject({ ecutwfc: 30, convThr: 1e-7, pseudoDir: 'pseudo' });
    expect(baseDirectory).toBe(base);
    expect(await createReference(read, baseDirectory)).toMatchObject({ kind: 'codec' });
    expect(() => readReferenceFile(join(base, 'absent.yaml'), [], {})).toThrow(/must exist, got .*absent/);
    writeFileSync(join(base, 'bad.yaml'), 'reference:\n  kind: sw-si\n  gatess: {}\n');
    expect(() => readReferenceFile(join(base, 'bad.yaml'), [], {})).toThrow(/bad\.yaml:3/);
  });

  it('takes the distance gate from the section, the caller, or covalent radii', () => {
    const { gates } = settings({ kind: 'sw-si' });
    expect(gatesOf(gates)).toEqual({ minimumDistance: { covalentRadii: 0.5 }, maximumForce: 30, netForce: 0.02 });
    expect(gatesOf(gates, 1.5).minimumDistance).toBe(1.5);
    expect(gatesOf({ ...gates, minimumDistance: 1.2 }, 1.5).minimumDistance).toBe(1.2);
  });
});
