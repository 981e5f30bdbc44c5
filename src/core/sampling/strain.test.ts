import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simpleCubic } from '../../../test/support/toy-potentials.ts';
import { RandomStream } from '../random.ts';
import { cellDeterminant, cellVolume, strained } from '../structure/cell.ts';
import { randomStrain, requireStrainRange, strainSize } from './strain.ts';

const CRYSTAL = simpleCubic(2, 4);

describe('randomStrain', () => {
  it('is symmetric and inside its ranges, and never inverts a cell', () => {
    const unit = fc.double({ min: 0, max: 0.33, noNaN: true });
    fc.assert(
      fc.property(unit, unit, fc.integer(), (diagonal, shear, seed) => {
        const strain = randomStrain({ diagonal, shear }, new RandomStream(seed, 'strain'));
        for (let row = 0; row < 3; row++) {
          expect(Math.abs(strain[4 * row]!)).toBeLessThanOrEqual(diagonal + 1e-15);
          for (let column = 0; column < row; column++) {
            expect(strain[3 * row + column]).toBe(strain[3 * column + row]);
            expect(Math.abs(strain[3 * row + column]!)).toBeLessThanOrEqual(shear);
          }
        }
        expect(cellDeterminant(strained(CRYSTAL, strain).cell!)).toBeGreaterThan(0);
      }),
    );
  });

  it('fills its ranges evenly', () => {
    const draws = Array.from({ length: 2000 }, (_, i) =>
      randomStrain({ diagonal: 0.06, shear: 0.03 }, new RandomStream(i, 's')),
    );
    for (const [k, half] of [
      [0, 0.06],
      [4, 0.06],
      [8, 0.06],
      [5, 0.03],
      [2, 0.03],
      [1, 0.03],
    ] as const) {
      const mean = draws.reduce((sum, strain) => sum + strain[k]! / draws.length, 0);
      const square = draws.reduce((sum, strain) => sum + (strain[k]! * strain[k]!) / draws.length, 0);
      const variance = (half * half) / 3;
      expect(mean).toAgree(0, { atol: 4 * Math.sqrt(variance / 2000), why: 'four standard errors' });
      expect(square).toAgree(variance, {
        rtol: 4 * Math.sqrt(0.8 / 2000),
        why: 'four standard errors; kurtosis of a uniform is 1.8',
      });
    }
  });

  it('samples pressure through the volume', () => {
    const changes = Array.from({ length: 1000 }, (_, i) => {
      const strain = randomStrain({ diagonal: 0, shear: 0, volume: [-0.2, 0.1] }, new RandomStream(i, 's'));
      return cellVolume(strained(CRYSTAL, strain).cell!) / 512 - 1;
    });
    expect(Math.min(...changes)).toBeGreaterThanOrEqual(-0.2 - 1e-12);
    expect(Math.max(...changes)).toBeLessThanOrEqual(0.1);
    const mean = changes.reduce((sum, change) => sum + change / 1000, 0);
    expect(mean).toAgree(-0.05, { atol: 4 * Math.sqrt(0.09 / 12 / 1000), why: 'four standard errors of a uniform' });
  });

  it('takes as many random numbers whatever its ranges are', () => {
    const uniformAfter = (diagonal: number) => {
      const stream = new RandomStream(1, 's');
      randomStrain({ diagonal, shear: 0 }, stream);
      return stream.uniform();
    };
    expect(uniformAfter(0.1)).toBe(uniformAfter(0));
  });

  it('refuses ranges that could collapse the cell', () => {
    expect(() => requireStrainRange({ diagonal: 0.5, shear: 0.25 })).toThrow(
      'diagonal + 2·shear < 1, got 0.5 and 0.25',
    );
    expect(() => requireStrainRange({ diagonal: -0.1, shear: 0 })).toThrow('strain must have 0 ≤ diagonal');
    expect(() => requireStrainRange({ diagonal: Number.NaN, shear: 0 })).toThrow('got NaN and 0');
    expect(() => requireStrainRange({ diagonal: 0, shear: 0, volume: [-1, 0] })).toThrow(
      'volume strain must be −1 < low ≤ high, got -1 to 0',
    );
  });
});

describe('strainSize', () => {
  it('is the largest component', () => {
    expect(strainSize(Float64Array.of(0.01, 0, 0, 0, -0.03, 0, 0, 0, 0.02))).toBe(0.03);
  });
});
