import { describe, expect, it } from 'vitest';
import { InputError } from '../core/errors.ts';
import type { RunFile } from '../protocol/run-file.ts';
import { runFileSchema } from '../protocol/run-file.ts';
import { allowedChanges, differences, requireSameInputs } from './resume.ts';

const BASE = {
  name: 'a',
  structures: [{ prototype: 'diamond', element: 'Si', a: 5.43 }],
  conditions: { temperatures: [300, 900] },
  reference: { kind: 'tb-si' },
};
const file = (change: object = {}): RunFile => runFileSchema.parse({ ...BASE, ...change });
const QE = { kind: 'quantum-espresso', pseudopotentials: { Si: 'Si.UPF' }, ecutwfc: 16, kspacing: 0.2 };

describe('differences', () => {
  it('are listed leaf by leaf; lists are one value', () => {
    expect(differences({ a: 1, b: { c: [1, 2], d: 0 } }, { b: { c: [1, 3], d: 0 }, e: 'x' })).toEqual([
      { path: 'a', from: 1, to: null },
      { path: 'b.c', from: [1, 2], to: [1, 3] },
      { path: 'e', from: null, to: 'x' },
    ]);
    expect(differences(file(), file())).toEqual([]);
  });
});

describe('resuming', () => {
  it.each([
    [{ stopping: { forceRmse: 0.1 } }, 'stopping.forceRmse'],
    [{ budget: { labels: 90 } }, 'budget.labels'],
    [{ budget: { cost: 100 } }, 'budget.cost'],
    [{ execution: { concurrency: 4 } }, 'execution.concurrency'],
  ])('may change %j', (change, path) => {
    expect(allowedChanges(file(), file(change)).map((entry) => entry.path)).toEqual([path]);
  });

  it.each([
    [{ seed: 2 }, 'seed: 1 → 2'],
    [{ basis: { preset: 'medium' } }, 'basis.preset: "small" → "medium"'],
    [{ conditions: { temperatures: [300, 1200] } }, 'conditions.temperatures: [300,900] → [300,1200]'],
    [{ start: { count: 9 } }, 'start.count: 8 → 9'],
    [{ acquisition: { batch: 4 } }, 'acquisition.batch: 8 → 4'],
  ])('may not change %j, and names the way out', (change, line) => {
    try {
      allowedChanges(file(), file(change));
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).code).toBe('RUN_SETTINGS');
      expect((error as InputError).message).toContain(line);
      expect((error as InputError).message).toContain('--import-labels OLD');
      return;
    }
    throw new Error('the change was accepted');
  });

  it('may not take labels over to another reference', () => {
    expect(() => allowedChanges(file(), file({ reference: { kind: 'tb-si', smearing: 0.2 } }))).toThrow(
      /reference\.smearing: 0\.1 → 0\.2\n.*another reference cannot be taken over/,
    );
  });

  it('may start pw.x in another way, but not compute something else', () => {
    const before = file({ reference: QE });
    const moved = file({ reference: { ...QE, command: ['mpirun', '-np', '4', 'pw.x'] } });
    expect(allowedChanges(before, moved).map(({ path }) => path)).toEqual(['reference.command']);
    expect(() => allowedChanges(before, file({ reference: { ...QE, ecutwfc: 20 } }))).toThrow(/ecutwfc: 16 → 20/);
    const own = { kind: 'command', command: ['a'] };
    expect(() => allowedChanges(file({ reference: own }), file({ reference: { ...own, command: ['b'] } }))).toThrow();
  });

  it('needs the same input files', () => {
    requireSameInputs({ 'inputs/a.xyz': '1' }, { 'inputs/a.xyz': '1' });
    expect(() => requireSameInputs({ 'inputs/a.xyz': '1' }, { 'inputs/a.xyz': '2' })).toThrow(
      /inputs\/a\.xyz must be the one/,
    );
    expect(() => requireSameInputs({ 'inputs/a.xyz': '1' }, {})).toThrow(InputError);
  });
});
