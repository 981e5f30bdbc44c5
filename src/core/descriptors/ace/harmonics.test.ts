import { describe, expect, it } from 'vitest';
import { golden } from '../../../../test/support/golden.ts';
import { RandomStream } from '../../random.ts';
import { HARMONIC_STRIDE, harmonicCount, harmonicIndex, SphericalHarmonics } from './harmonics.ts';

interface Value {
  re: number;
  im: number;
  grad_re: number[];
  grad_im: number[];
}
const { A2_ylm } = golden<{ A: { A2_ylm: { unit_vector: number[]; values: Record<string, Value> } } }>(
  'reference-values',
).A;

function at(lmax: number, [x, y, z]: readonly number[]): Float64Array {
  const harmonics = new SphericalHarmonics(lmax);
  const out = new Float64Array(HARMONIC_STRIDE * harmonics.count);
  harmonics.evaluate(x!, y!, z!, out, 0);
  return out;
}

describe('spherical harmonics', () => {
  it.each(Object.entries(A2_ylm.values))('l,m = %s', (name, value) => {
    const [l, m] = name.split(',').map(Number);
    const o = HARMONIC_STRIDE * harmonicIndex(l!, m!);
    const got = at(4, A2_ylm.unit_vector).slice(o, o + 8);
    const expected = [value.re, value.im, ...value.grad_re, ...value.grad_im];
    expect(got).toAgree(expected, { atol: 1e-13, why: 'rounding of short recursions' });
  });

  it('obeys the addition theorem Σ_m |Y_lm|² = 2l + 1, at the poles too', () => {
    const stream = new RandomStream(1, 'directions');
    const directions = Array.from({ length: 20 }, () => [stream.normal(), stream.normal(), stream.normal()]);
    for (const raw of [...directions, [0, 0, 1], [0, 0, -1], [1, 0, 0]]) {
      const out = at(
        8,
        raw.map((c) => c / Math.hypot(...raw)),
      );
      for (let l = 0; l <= 8; l++) {
        let sum = 0;
        for (let m = 0; m <= l; m++) {
          const o = HARMONIC_STRIDE * harmonicIndex(l, m);
          sum += (m === 0 ? 1 : 2) * (out[o]! * out[o]! + out[o + 1]! * out[o + 1]!);
        }
        expect(sum).toAgree(2 * l + 1, { rtol: 1e-13, why: 'rounding only' });
      }
    }
  });

  it('gradients are tangential and those of the values', () => {
    const u = [0.36, -0.48, 0.8];
    const out = at(5, u);
    const h = 1e-6;
    for (let i = 0; i < harmonicCount(5); i++) {
      for (let part = 0; part < 2; part++) {
        const o = HARMONIC_STRIDE * i;
        const gradient = [0, 1, 2].map((d) => out[o + 2 + 3 * part + d]!);
        expect(gradient.reduce((sum, g, d) => sum + g * u[d]!, 0)).toAgree(0, { atol: 1e-13, why: 'tangential' });
        const slopes = [0, 1, 2].map((d) => {
          const [up, down] = [h, -h].map((step) => {
            const moved = u.map((c, k) => (k === d ? c + step : c));
            return at(
              5,
              moved.map((c) => c / Math.hypot(...moved)),
            )[o + part]!;
          });
          return (up! - down!) / (2 * h);
        });
        expect(gradient).toAgree(slopes, { atol: 1e-7, why: 'h² of a central difference and rounding/h' });
      }
    }
  });

  it('refuses a negative or broken lmax', () => {
    expect(() => new SphericalHarmonics(-1)).toThrowError('lmax must be a non-negative integer, got -1');
    expect(() => new SphericalHarmonics(1.5)).toThrowError('lmax must be a non-negative integer, got 1.5');
  });
});
