import { describe, expect, it } from 'vitest';
import { COULOMB } from '../../units.ts';
import { innerSwitch } from './radial.ts';
import { golden } from '../../../../test/support/golden.ts';
import { SmoothedZbl, ZblRepulsion, zblHalfPair } from './zbl.ts';

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

describe('smoothed ZBL repulsion', () => {
  interface Case {
    r: number;
    rcut: number;
    dcut: number;
    e: number;
    de: number;
  }
  const published = golden<{ A: { A1_zbl_half_pair: Case[] } }>('reference-values').A.A1_zbl_half_pair;
  const at = (zbl: SmoothedZbl, r: number): [number, number] => {
    const out = new Float64Array(2);
    zbl.evaluate(r, out);
    return [out[0]!, out[1]!];
  };

  it('has the published energies and slopes', () => {
    for (const { r, rcut, dcut, e, de } of published) {
      expect(at(new SmoothedZbl('Al', 'Ni', rcut, dcut), r)).toAgree([e, de], { rtol: 1e-12, why: 'the same formula' });
    }
  });

  it.each([0.01, 0.7, 3])('ends at the cutoff over a width of %s Å, with the slope it says', (width) => {
    const zbl = new SmoothedZbl('Cu', 'O', 5, width);
    const bare = zblHalfPair('Cu', 'O', 5 - width).energy;
    for (const r of [0.4, 1.9, 5 - 0.9 * width, 5 - 0.5 * width, 5 - 0.1 * width]) {
      const h = 1e-5 * width;
      const slope = (at(zbl, r + h)[0] - at(zbl, r - h)[0]) / (2 * h);
      expect(at(zbl, r)[1]).toAgree(slope, { atol: 1e-9 * (bare / width), rtol: 1e-6, why: 'central difference' });
    }
    const [value, slope] = at(zbl, 5 - 1e-4 * width);
    expect(value).toAgree(0, { atol: 1e-11 * bare, why: 'cubes of the distance to the cutoff' });
    expect(slope).toAgree(0, { atol: 1e-7 * (bare / width), why: 'squares of the distance to the cutoff' });
    expect(at(zbl, 5)).toEqual([0, 0]);
  });

  it('has the curvature it says', () => {
    const zbl = new ZblRepulsion('Y', 'Ba');
    const out = new Float64Array(3);
    const slope = (r: number): number => {
      zbl.evaluate(r, out);
      return out[1]!;
    };
    for (const r of [0.3, 1.1, 2.8]) {
      const expected = (slope(r + 1e-5) - slope(r - 1e-5)) / 2e-5;
      zbl.evaluate(r, out);
      expect(out[2]).toAgree(expected, { rtol: 1e-8, why: 'central difference' });
    }
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
