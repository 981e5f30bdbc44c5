import { describe, expect, it } from 'vitest';
import { electronicEnergy, fermiDirac, fermiLevel } from './fermi.ts';

const METAL = [
  { values: Float64Array.of(-3, -1, -0.2, 0.1, 2), weight: 0.25 },
  { values: Float64Array.of(-2.5, -0.6, 0, 0.05, 3), weight: 0.75 },
];

describe('Fermi-Dirac occupations', () => {
  it('are half at the Fermi level, symmetric about it and never out of range', () => {
    expect(fermiDirac(0)).toBe(0.5);
    for (const x of [0.3, 4, 35]) {
      expect(fermiDirac(x) + fermiDirac(-x)).toAgree(1, { atol: 1e-15, why: 'electron-hole symmetry' });
    }
    expect([fermiDirac(1e9), fermiDirac(-1e9), fermiDirac(750)]).toEqual([0, 1, 0]);
  });
});

describe('Fermi level', () => {
  it('binds the number of electrons', () => {
    for (const electrons of [0.5, 4, 5.3, 9.5]) {
      const mu = fermiLevel(METAL, electrons, 0.1);
      let count = 0;
      for (const { values, weight } of METAL) {
        for (const value of values) count += 2 * weight * fermiDirac((value - mu) / 0.1);
      }
      expect(count).toAgree(electrons, { rtol: 1e-12, why: 'bisection to rounding' });
    }
  });

  it('lies in the middle of a gap that leaves it open', () => {
    const insulator = [{ values: Float64Array.of(-5, -5, 5, 5), weight: 1 }];
    expect(fermiLevel(insulator, 4, 0.01)).toAgree(0, { atol: 1e-4, why: 'symmetric; the count is 4 to rounding' });
    expect(fermiLevel(insulator, 4, 0.5)).toAgree(0, { atol: 1e-8, why: 'symmetric, and the count says where' });
  });
});

describe('electronic energy', () => {
  it('is E − TS with the entropy of independent states', () => {
    const width = 0.15;
    const mu = fermiLevel(METAL, 5, width);
    const { free, internal } = electronicEnergy(METAL, 5, mu, width);
    let entropy = 0;
    let band = 0;
    for (const { values, weight } of METAL) {
      for (const value of values) {
        const f = fermiDirac((value - mu) / width);
        band += 2 * weight * f * value;
        if (f > 0 && f < 1) entropy -= 2 * weight * (f * Math.log(f) + (1 - f) * Math.log(1 - f));
      }
    }
    expect(internal).toAgree(band, { rtol: 1e-14, why: 'the same sum' });
    expect(free).toAgree(band - width * entropy, { rtol: 1e-12, why: 'F = Ω + μN' });
  });

  it('is stationary in μ, and its derivative by a level is that level’s occupation', () => {
    const width = 0.2;
    const mu = fermiLevel(METAL, 5, width);
    const { free } = electronicEnergy(METAL, 5, mu, width);
    const off = electronicEnergy(METAL, 5, mu + 1e-6, width).free;
    expect(off).toAgree(free, { atol: 1e-11, why: 'the error of μ enters squared' });
    const shifted = (h: number): number => {
      const values = METAL[1]!.values.slice();
      values[2] = values[2]! + h;
      const spectra = [METAL[0]!, { values, weight: 0.75 }];
      return electronicEnergy(spectra, 5, fermiLevel(spectra, 5, width), width).free;
    };
    const slope = (shifted(1e-4) - shifted(-1e-4)) / 2e-4;
    expect(slope).toAgree(1.5 * fermiDirac(-mu / width), { atol: 1e-6, why: 'Hellmann-Feynman, h = 1e-4 eV' });
  });

  it('takes its entropy from half-filled levels: TS = 2·ln 2·width', () => {
    const { free, internal } = electronicEnergy([{ values: Float64Array.of(1), weight: 1 }], 1, 1, 0.3);
    expect(internal - free).toAgree(2 * Math.LN2 * 0.3, { rtol: 1e-14, why: 'two spin states, each half full' });
  });
});
