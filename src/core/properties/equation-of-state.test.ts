import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stillingerWeberSilicon } from '../potentials/stillinger-weber.ts';
import { prototypeStructure } from '../structure/prototypes.ts';
import { birchMurnaghan, equationOfState } from './equation-of-state.ts';

/** E(V) of Birch and Murnaghan in their own form. */
function energyAt(v: number, e0: number, v0: number, b0: number, b1: number): number {
  const x = Math.cbrt((v0 / v) * (v0 / v));
  const strain = x - 1;
  return e0 + ((9 * v0 * b0) / 16) * (strain * strain * strain * b1 + strain * strain * (6 - 4 * x));
}

const ROUNDING = 'a cubic through exact points: rounding amplified by the third derivative';

describe('birchMurnaghan', () => {
  it('gives back the parameters of curves of its form', () => {
    const positive = (min: number, max: number) => fc.double({ min, max, noNaN: true });
    fc.assert(
      fc.property(
        positive(-10, 0),
        positive(8, 40),
        positive(0.05, 3),
        positive(2, 7),
        positive(0.98, 1.02),
        (e0, v0, b0, b1, off) => {
          const points = [-4, -3, -2, -1, 0, 1, 2, 3, 4].map((k) => {
            const volume = off * v0 * (1 + 0.015 * k);
            return { volume, energy: energyAt(volume, e0, v0, b0, b1) };
          });
          const found = birchMurnaghan(points);
          expect(found.volume).toAgree(v0, { rtol: 1e-8, why: ROUNDING });
          expect(found.energy).toAgree(e0, { atol: 1e-9, why: ROUNDING });
          expect(found.bulkModulus).toAgree(b0, { rtol: 1e-6, why: ROUNDING });
          expect(found.bulkModulusDerivative).toAgree(b1, { atol: 1e-3, why: ROUNDING });
          expect(found.residual).toBeLessThan(1e-10);
        },
      ),
    );
  });

  it('refuses energies without a minimum', () => {
    const falling = [10, 11, 12, 13, 14].map((volume) => ({ volume, energy: -volume }));
    expect(() => birchMurnaghan(falling)).toThrow(/energy must have a minimum within the volumes/);
    const beyond = [10, 10.2, 10.4, 10.6, 10.8].map((volume) => ({ volume, energy: energyAt(volume, -5, 13, 1, 4) }));
    expect(() => birchMurnaghan(beyond)).toThrow(/energy must have a minimum/);
  });
});

describe('equationOfState', () => {
  it('of Stillinger-Weber silicon has the published bulk modulus, 101.4 GPa', () => {
    const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43095 });
    const curve = equationOfState(crystal, stillingerWeberSilicon());
    expect(curve.bulkModulus * 160.2176634).toAgree(101.4, {
      atol: 0.3,
      why: 'four digits, and a finite range of volumes',
    });
    expect(curve.energy).toAgree(-4.3366, { atol: 1e-4, why: 'published to four decimals' });
    expect(curve.volume).toAgree(20.024, { atol: 0.005, why: 'third order of the curve over ±6 %' });
    expect(curve.points).toHaveLength(9);
  });
});
