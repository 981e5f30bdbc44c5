import { describe, expect, it } from 'vitest';
import type { Structure } from '../core/structure/structure.ts';
import { parseExtxyzText } from '../formats/extxyz.ts';
import { writeExtxyz } from '../formats/extxyz-writer.ts';
import { type CommandSettings, commandReference, structureDifference, unlabelledFrame } from './command.ts';
import type { EngineOutcome, LabelSuccess } from './reference.ts';

const structure: Structure = {
  positions: Float64Array.of(0.1, 0.2, 0.3, 1.5, 1.25, 1.4),
  cell: Float64Array.of(5, 0, 0, 0, 6, 0, 0.5, 0, 7),
  pbc: [true, true, true],
  species: Uint8Array.of(14, 8),
};
const settings: CommandSettings = { command: ['label.py', '{input}', '-o={output}'], files: { 'label.py': 'ab' } };
const ok: EngineOutcome = { exitCode: 0, signal: null, timedOut: false, seconds: 2 };

/** What a program may write: the structure with labels, changed at will. */
function output(
  change: Partial<Structure> = {},
  info: Record<string, string | boolean> = {},
  virial: Float64Array | null = null,
): string {
  const labels = { energy: -3.5, forces: Float64Array.of(0.1, 0, 0, -0.1, 0, 0.02), virial };
  return writeExtxyz({ ...unlabelledFrame({ ...structure, ...change }, info), labels });
}
const judge = (text: string | null, outcome = ok, chosen = settings) =>
  commandReference(chosen).parse(new Map(text === null ? [] : [['output.extxyz', text]]), structure, outcome);

describe('command reference', () => {
  it('hands the structure over and names both files', () => {
    const { files, run } = commandReference(settings).prepare(structure, 1);
    expect(parseExtxyzText(files.get('input.extxyz')!, 'x')[0]!.frame.structure).toEqual(structure);
    expect([run.command, ...run.args]).toEqual(['label.py', 'input.extxyz', '-o=output.extxyz']);
    expect(run.environment).toEqual({ QUERENT_ATTEMPT_NUMBER: '1' });
    expect(run.outputs).toContain('output.extxyz');
    expect(() => commandReference({ ...settings, command: [] })).toThrow(/must name a program/);
  });

  it('reads energy, forces and virial back', () => {
    const virial = Float64Array.of(1, 2, 3, 4, 5, 6);
    const label = judge(output({}, { code: 'abacus 3.1' }, virial)) as LabelSuccess;
    expect(label).toMatchObject({ status: 'done', energy: -3.5, internalEnergy: null, cost: 2 });
    expect(label.forces).toAgree([0.1, 0, 0, -0.1, 0, 0.02], { atol: 0, why: 'shortest round-trip decimals' });
    expect(label.virial).toAgree(virial, { rtol: 1e-14, why: 'a stress times the volume and back' });
    expect(label.netForce).toAgree(0.02, { atol: 1e-15, why: 'one rounding' });
    expect(label.fingerprint.code).toBe('abacus 3.1');
    expect((judge(output()) as LabelSuccess).virial).toBeNull();
    expect((judge(output()) as LabelSuccess).fingerprint.code).toBe('command label.py');
  });

  it('takes its labels from the keys it was told', () => {
    const text = output().replace('energy=', 'E_my=').replace('forces:R', 'F_my:R');
    expect(judge(text)).toMatchObject({ status: 'failed', reason: 'crash', message: /has no energy/ });
    expect(judge(text, ok, { ...settings, energyKey: 'E_my', forcesKey: 'F_my' })).toMatchObject({
      status: 'done',
      energy: -3.5,
    });
    const virial = Float64Array.of(1, 2, 3, 0, 0, 0);
    const own = output().replace('energy=', 'W_virial="1 0 0 0 2 0 0 0 3" energy=');
    expect((judge(own, ok, { ...settings, stressKey: 'W_virial' }) as LabelSuccess).virial).toEqual(virial);
  });

  it('fingerprints the command as written and its files, or what the user calls it', () => {
    const identity = (change: Partial<CommandSettings>) => commandReference({ ...settings, ...change }).identity;
    expect(identity({ files: { 'label.py': 'ac' } })).not.toBe(identity({}));
    expect(identity({ command: ['/abs/label.py', '{input}'], written: settings.command })).toBe(identity({}));
    expect(identity({ fingerprint: 'PBE 500 eV', files: { 'label.py': 'ac' } })).toBe(
      identity({ fingerprint: 'PBE 500 eV' }),
    );
    const label = judge(output(), ok, { ...settings, fingerprint: 'PBE 500 eV' }) as LabelSuccess;
    expect(label.fingerprint).toMatchObject({ settings: '{"fingerprint":"PBE 500 eV"}', files: {} });
  });

  it('does not believe a program that failed, wrote nothing or wrote nonsense', () => {
    const failed = (reason: string, message: RegExp) => ({ status: 'failed', reason, message });
    expect(judge(output(), { ...ok, exitCode: 1 })).toMatchObject(failed('crash', /exit code 1/));
    expect(judge(output(), { ...ok, exitCode: null, signal: 'SIGSEGV' })).toMatchObject(failed('crash', /SIGSEGV/));
    expect(judge(output(), { ...ok, exitCode: null, timedOut: true })).toMatchObject(failed('timeout', /time limit/));
    expect(judge(null)).toMatchObject(failed('crash', /wrote no output\.extxyz/));
    expect(judge('2\nrubbish')).toMatchObject(failed('crash', /output\.extxyz/));
    expect(judge(output() + output())).toMatchObject(failed('crash', /one structure, got 2/));
    expect(judge(output({}, { converged: false }))).toMatchObject(failed('scf', /self-consistency/));
    expect(judge(output().replace('forces:R', 'fives:R'))).toMatchObject(failed('crash', /has no forces/));
    const stderr = new Map([['stderr.txt', 'Traceback\nValueError: no basis\n']]);
    const told = commandReference(settings).parse(stderr, structure, { ...ok, exitCode: 1 });
    expect(told).toMatchObject(failed('crash', /ValueError: no basis/));
  });

  it('rejects labels of another structure', () => {
    const moved = structure.positions.map((x, k) => (k === 3 ? x + 0.01 : x));
    expect(judge(output({ positions: moved }))).toMatchObject({
      status: 'rejected',
      reason: 'inconsistent',
      message: /atom 1 moved by 1\.0e-2/,
    });
    expect(judge(output({ species: Uint8Array.of(8, 14) }))).toMatchObject({
      reason: 'inconsistent',
      message: /another element as atom 0/,
    });
    expect(judge(output({ cell: structure.cell!.map((x) => x * 1.001) }))).toMatchObject({
      message: /another lattice vector 1/,
    });
    expect(structureDifference({ ...structure, cell: null, pbc: [false, false, false] }, structure)).toBe('no cell');
    expect(
      structureDifference({ ...structure, species: Uint8Array.of(14), positions: new Float64Array(3) }, structure),
    ).toBe('1 atoms instead of 2');
  });

  it('accepts atoms wrapped into the cell, but not across an open boundary', () => {
    const wrapped = structure.positions.map((x, k) => x + (k < 3 ? structure.cell![6 + k]! - structure.cell![k]! : 0));
    expect(structureDifference({ ...structure, positions: wrapped }, structure)).toBeNull();
    expect(judge(output({ positions: wrapped }))).toMatchObject({ status: 'done' });
    const slab: Structure = { ...structure, pbc: [true, true, false] };
    expect(structureDifference({ ...slab, positions: wrapped }, slab)).toMatch(/atom 0 moved/);
    const molecule: Structure = { ...structure, cell: null, pbc: [false, false, false] };
    expect(structureDifference(molecule, molecule)).toBeNull();
  });
});
