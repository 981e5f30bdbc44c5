import { describe, expect, it } from 'vitest';
import { runFileSchema } from '../../protocol/run-file.ts';
import { DEFAULT_FIT } from '../training/settings.ts';
import { explorationConditions, fitSettings, startConditions, targetConditions } from './settings.ts';

const file = (sections: Record<string, unknown> = {}) =>
  runFileSchema.parse({
    name: 'a',
    structures: [{ prototype: 'diamond', element: 'Si', a: 5.43 }],
    conditions: { temperatures: [300, 1000], strain: { diagonal: 0.04, shear: 0.02 } },
    reference: { kind: 'sw-si' },
    ...sections,
  });

describe('conditions', () => {
  it('of the assessment are those of the run file, untouched', () => {
    expect(targetConditions(file())).toEqual({
      temperatures: { low: 300, high: 1000 },
      strain: { diagonal: 0.04, shear: 0.02 },
    });
    expect(targetConditions(file({ conditions: { temperatures: { list: [500, 300] } } }))).toEqual({
      temperatures: { values: [500, 300] },
      strain: { diagonal: 0, shear: 0 },
    });
  });

  it('of exploration and cold start reach a tenth beyond, towards heat and strain alone', () => {
    for (const conditions of [explorationConditions(file()), startConditions(file())]) {
      const { temperatures, strain } = conditions;
      expect(temperatures).toMatchObject({ low: 300 });
      expect((temperatures as { high: number }).high).toAgree(1100, { rtol: 1e-12, why: '1.1 × 1000 K' });
      expect([strain.diagonal, strain.shear]).toAgree([0.044, 0.022], { rtol: 1e-12, why: '1.1 times the strains' });
    }
    const list = explorationConditions(file({ conditions: { temperatures: { list: [900, 300] } } }));
    expect((list.temperatures as { values: number[] }).values).toAgree([990, 300], { rtol: 1e-12, why: 'the highest' });
  });

  it('are replaced by what the run file says of them', () => {
    const told = file({
      exploration: { temperatures: [100, 200], strain: { diagonal: 0.2 } },
      start: { strain: { shear: 0.1 } },
    });
    expect(explorationConditions(told)).toEqual({
      temperatures: { low: 100, high: 200 },
      strain: { diagonal: 0.2, shear: 0 },
    });
    expect(startConditions(told).strain).toEqual({ diagonal: 0, shear: 0.1 });
    expect(targetConditions(told).strain).toEqual({ diagonal: 0.04, shear: 0.02 });
  });
});

describe('settings of the fits', () => {
  it('are the defaults of a fit, with the smaller basis of a run', () => {
    expect(fitSettings(file())).toEqual({ ...DEFAULT_FIT, preset: 'small', balance: 'fixed', strength: 1 });
  });

  it('follow the run file in everything it can say', () => {
    const told = file({
      seed: 9,
      basis: { preset: 'medium', nmax: [5, 3], lmax: [0, 2], cutoff: 4.4, innerCutoff: 1.5 },
      fit: { balance: 'evidence', ratio: 0.03, prior: 'isotropic', exponent: 2, stress: false },
    });
    expect(fitSettings(told)).toMatchObject({
      ...{ preset: 'medium', nmax: [5, 3], lmax: [0, 2], cutoff: 4.4, innerCutoff: 1.5 },
      ...{ balance: 'evidence', ratio: 0.03, prior: 'isotropic', exponent: 2, stress: false, seed: 9 },
    });
  });
});
