import { describe, expect, it } from 'vitest';
import { golden } from '../../test/support/golden.ts';
import {
  ACCELERATION,
  BOHR,
  BOLTZMANN,
  COULOMB,
  EV_PER_CUBIC_ANGSTROM_IN_GPA,
  gigapascal,
  HARTREE,
  RYDBERG,
} from './units.ts';

// Exact by definition of the SI, and measured values of CODATA 2018.
const ELEMENTARY_CHARGE = 1.602176634e-19;
const BOLTZMANN_SI = 1.380649e-23;
const ATOMIC_MASS = 1.6605390666e-27;
const FINE_STRUCTURE = 7.2973525693e-3;
const DIGITS = { rtol: 2e-10, why: 'the last digit of CODATA values' };

describe('gigapascal', () => {
  it('is what 1 eV/Å³ is', () => {
    expect(gigapascal(2)).toBe(2 * EV_PER_CUBIC_ANGSTROM_IN_GPA);
    expect(gigapascal(-1)).toAgree((-ELEMENTARY_CHARGE * 1e30) / 1e9, DIGITS);
  });
});

describe('units', () => {
  it('follow from the definitions of the SI', () => {
    expect(BOLTZMANN).toAgree(BOLTZMANN_SI / ELEMENTARY_CHARGE, DIGITS);
    expect(EV_PER_CUBIC_ANGSTROM_IN_GPA).toAgree((ELEMENTARY_CHARGE / 1e-30) * 1e-9, DIGITS);
    const { unit_factor_A_per_fs2_per_eV_per_A_per_u: factor } = golden<{
      D: { D4_time_step: { unit_factor_A_per_fs2_per_eV_per_A_per_u: number } };
    }>('reference-values').D.D4_time_step;
    expect(ACCELERATION).toBe(factor);
    // (1 eV/Å)/(1 u) in m/s² times fs²/Å.
    expect(ACCELERATION).toAgree(((ELEMENTARY_CHARGE / 1e-10 / ATOMIC_MASS) * 1e-30) / 1e-10, {
      ...DIGITS,
      rtol: 1e-9,
    });
  });

  it('agree with each other: Hartree is e² over bohr, α² times the rest energy of the electron', () => {
    expect(RYDBERG).toBe(HARTREE / 2);
    expect(COULOMB).toAgree(HARTREE * BOHR, {
      rtol: 1e-8,
      why: 'the constant of a published repulsion, of older tables',
    });
    expect(HARTREE).toAgree(FINE_STRUCTURE * FINE_STRUCTURE * 510998.95, { rtol: 1e-9, why: 'rest energy in eV' });
  });
});
