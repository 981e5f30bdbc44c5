import { describe, expect, it } from 'vitest';
import { BOHR, HARTREE, RYDBERG } from '../units.ts';
import {
  ENERGY_UNITS,
  explainRatios,
  explanationText,
  FORCE_UNITS,
  SHEAR_ORDERS,
  STRESS_UNITS,
} from './check-units.ts';

const none = { energyForce: null, energyStress: null, stressForce: null };
const best = (ratios: Partial<typeof none | Record<keyof typeof none, number>>): string =>
  explainRatios({ ...none, ...ratios }, 0.35).map(explanationText)[0] ?? 'none';

describe('units', () => {
  it('stand by their definitions', () => {
    const factor = (list: typeof ENERGY_UNITS, name: string): number => list.find((unit) => unit.name === name)!.factor;
    expect(factor(ENERGY_UNITS, 'hartree') * HARTREE).toAgree(1, { rtol: 1e-15, why: 'a definition' });
    expect(factor(ENERGY_UNITS, 'kcal/mol')).toAgree(23.06055, { rtol: 1e-6, why: 'CODATA 2018' });
    expect(factor(FORCE_UNITS, 'Ry/bohr') * (RYDBERG / BOHR)).toAgree(1, { rtol: 1e-15, why: 'a definition' });
    expect(factor(FORCE_UNITS, 'hartree/bohr')).toAgree(1 / 51.42207, { rtol: 1e-6, why: 'CODATA 2018' });
    expect(factor(STRESS_UNITS, 'kbar')).toAgree(1602.17663, { rtol: 1e-8, why: '1 eV/Å³ in kbar' });
    expect(factor(STRESS_UNITS, 'hartree/bohr³')).toAgree(160.21766 / 29421.02, {
      rtol: 1e-6,
      why: 'Eh/a0³ is 29421 GPa',
    });
  });

  it('list every order of the shear components once', () => {
    expect(new Set(SHEAR_ORDERS.map(({ sources }) => sources.join())).size).toBe(6);
    for (const { name, sources } of SHEAR_ORDERS) {
      const words = ['xx', 'yy', 'zz', 'yz', 'xz', 'xy'];
      expect(name).toBe(['xx', 'yy', 'zz', ...sources.map((c) => words[c])].join(' '));
    }
  });
});

describe('explainRatios', () => {
  it('finds the one label that is wrong where three ratios were measured', () => {
    expect(best({ energyForce: 1.05, energyStress: 0.98, stressForce: 1 })).toBe('');
    expect(best({ energyForce: 1 / 13.9, energyStress: 1 / 13.5, stressForce: 0.95 })).toBe('energies look like Ry');
    expect(best({ energyForce: 26, energyStress: 1.02, stressForce: 24.9 })).toBe('forces look like Ry/bohr');
    expect(best({ energyForce: 1.05, energyStress: -6.2e-4, stressForce: -1500 })).toBe(
      'stresses look like kbar and have the opposite sign (positive under compression)',
    );
    expect(best({ energyForce: 1, energyStress: -1, stressForce: -0.9 })).toBe(
      'stresses have the opposite sign (positive under compression)',
    );
    expect(best({ energyForce: -1, energyStress: 1, stressForce: -1 })).toBe(
      'forces have the opposite sign (gradients?)',
    );
    expect(best({ energyForce: 1.89, energyStress: 1 / 27.2, stressForce: 51 })).toBe(
      'energies look like hartree, forces look like hartree/bohr',
    );
    expect(best({ energyForce: 1, energyStress: 23, stressForce: 0.0434 })).toBe(
      'energies look like kcal/mol, forces look like kcal/mol/Å',
    );
  });

  it('names both where two units lie close together, the nearer first', () => {
    const texts = explainRatios({ ...none, energyForce: 24.9 }, 0.35).map(explanationText);
    expect(texts).toEqual(['forces look like Ry/bohr', 'energies look like kcal/mol']);
  });

  it('blames one kind only when told so, and nothing where no unit fits', () => {
    const only = explainRatios({ ...none, stressForce: -1602 }, 0.35, 'stress').map(explanationText);
    expect(only).toEqual(['stresses look like kbar and have the opposite sign (positive under compression)']);
    // Forces that are too small make stresses too large for them.
    expect(explainRatios({ ...none, stressForce: 25.7 }, 0.2, 'forces').map(explanationText)).toEqual([
      'forces look like Ry/bohr',
    ]);
    expect(explainRatios({ ...none, energyForce: 7 }, 0.2)).toEqual([]);
  });
});
