import { describe, expect, it } from 'vitest';
import { COULOMB } from '../../units.ts';
import { innerSwitch } from './radial.ts';
import { zblHalfPair } from './zbl.ts';

describe('ZBL repulsion', () => {
  it('is bare Coulomb repulsion where nuclei touch, and symmetric', () => {
    for (const [a, b, product] of [
      ['H', 'H', 1],
      ['Si', 'Si', 196],
      ['H', 'U', 92],
      ['Cu', 'Ta', 29 * 73],
    ] as const) {
      const { energy, slope } = zblHalfPair(a, b, 1e-7);
      expect(energy * 1e-7).toAgree((COULOMB * product) / 2, { rtol: 1e-4, why: 'screening falls as 1 − r/0.1 Å' });
      expect(slope * 1e-14).toAgree((-COULOMB * product) / 2, { rtol: 1e-4, why: 'the slope of 1/r' });
      const [one, other] = [zblHalfPair(a, b, 1.3), zblHalfPair(b, a, 1.3)];
      expect([one.energy, one.slope]).toAgree([other.energy, other.slope], {
        rtol: 1e-14,
        why: 'a sum in another order',
      });
    }
  });

  it('falls, with the slope it says', () => {
    for (let r = 0.1; r < 4; r += 0.13) {
      const h = 1e-5 * r;
      const [below, here, above] = [r - h, r, r + h].map((x) => zblHalfPair('Si', 'C', x));
      expect(here!.slope).toBeLessThan(0);
      expect((above!.energy - below!.energy) / (2 * h)).toAgree(here!.slope, { rtol: 1e-8, why: 'central difference' });
      expect(above!.slope).toBeGreaterThan(below!.slope);
    }
  });

  it('of elements unknown is refused', () => {
    expect(() => zblHalfPair('Si', 'Xx', 1)).toThrow('species must be a chemical symbol, got "Xx"');
  });
});

describe('inner switch', () => {
  it('is twice continuously differentiable and odd about its middle', () => {
    const at = (r: number): [number, number] => {
      const out = new Float64Array(2);
      innerSwitch(r, 1.6, 0.4, out);
      return [out[0]!, out[1]!];
    };
    for (const edge of [1.2, 1.6]) {
      const curvature = (r: number): number => (at(r + 1e-6)[1] - at(r - 1e-6)[1]) / 2e-6;
      expect(curvature(edge - 1e-4)).toAgree(curvature(edge + 1e-4), {
        atol: 0.1,
        why: 'third derivative 6e2 Å⁻³ times 2e-4 Å',
      });
      expect(at(edge)[1]).toAgree(0, { atol: 1e-12, why: 'flat at both ends' });
    }
    for (let x = 0; x < 0.2; x += 0.017) {
      expect(at(1.4 + x)[0] + at(1.4 - x)[0]).toAgree(1, { atol: 1e-14, why: 'odd polynomial about ½' });
      expect(at(1.4 + x)[1]).toAgree(at(1.4 - x)[1], { atol: 1e-13, why: 'even slope' });
    }
  });
});
