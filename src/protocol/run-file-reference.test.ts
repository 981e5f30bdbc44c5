import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { referenceSchema } from './run-file-reference.ts';

const QE = { kind: 'quantum-espresso', pseudopotentials: { Si: 'Si.UPF' }, ecutwfc: 25, mesh: [2, 2, 2] };

/** Paths and messages of what is wrong. */
function faults(section: unknown): [string, string][] {
  const result = referenceSchema.safeParse(section);
  return result.success ? [] : result.error.issues.map(({ path, message }) => [path.join('.'), message]);
}

describe('the reference section', () => {
  it.each([
    ['tb-si', { kind: 'tb-si' }, { shifted: true, smearing: 0.1 }],
    ['sw-si', { kind: 'sw-si' }, {}],
    ['quantum-espresso', QE, { shifted: true, convThr: 1e-9, command: ['pw.x'] }],
    ['command', { kind: 'command', command: ['label.py'] }, {}],
    ['manual', { kind: 'manual' }, { format: 'extxyz' }],
  ])('of kind %s has its defaults, and the same gates', (_, section, defaults) => {
    expect(referenceSchema.parse(section)).toEqual({
      ...section,
      ...defaults,
      gates: { maximumForce: 30, netForce: 0.02 },
    });
  });

  it.each<[string, unknown, string, string]>([
    ['two meshes of pw.x', { ...QE, kspacing: 0.2 }, 'kspacing', 'Either mesh or kspacing must be given, not both'],
    ['no mesh of pw.x', { ...QE, mesh: undefined }, '', 'mesh or kspacing must be given'],
    [
      'two meshes of tight binding',
      { kind: 'tb-si', mesh: [1, 1, 1], spacing: 0.3 },
      'spacing',
      'Either mesh or spacing must be given, not both',
    ],
    [
      'smearing without a width',
      { ...QE, occupations: 'smearing' },
      'occupations',
      'occupations: smearing needs a smearing section',
    ],
    [
      'fixed occupations that are smeared',
      { ...QE, occupations: 'fixed', smearing: { width: 0.1 } },
      'occupations',
      'occupations: fixed excludes a smearing section',
    ],
  ])('refuses %s', (_, section, path, message) => {
    expect(faults(section)).toEqual([[path, message]]);
  });

  it.each([
    { ...QE, pseudopotentials: { silicon: 'Si.UPF' } },
    { ...QE, ecutwfc: 0 },
    { ...QE, mesh: [2, 2] },
    { ...QE, mesh: [2, 2, 0] },
    { ...QE, command: [] },
    { ...QE, command: [''] },
    { ...QE, extra: { ions: {} } },
    { ...QE, smearing: { width: -0.1 } },
    { ...QE, smearing: { type: 'gauss', width: 0.1 } },
    { kind: 'tb-si', smearing: 0 },
    { kind: 'sw-si', mesh: [2, 2, 2] },
    { kind: 'command' },
    { kind: 'manual', format: 'cif' },
    { kind: 'sw-si', gates: { maximumForce: 0 } },
    { kind: 'sw-si', gates: { minimalDistance: 1 } },
    { kind: 'vasp' },
    {},
  ])('refuses %j', (section) => {
    expect(faults(section)).not.toEqual([]);
  });

  it('passes further keys of the namelists on as they are', () => {
    const extra = { system: { nspin: 2, 'starting_magnetization(Fe)': 0.5 }, electrons: { diagonalization: 'cg' } };
    expect(referenceSchema.parse({ ...QE, extra })).toMatchObject({ extra });
    expect(faults({ ...QE, extra: { system: { nspin: [1] } } })).not.toEqual([]);
  });

  it('says what every key is for', () => {
    const json = JSON.stringify(z.toJSONSchema(referenceSchema, { io: 'input' }));
    for (const unit of ['Ry', 'eV', '1/Å', 'eV/Å']) expect(json, unit).toContain(unit);
  });
});
