import { describe, expect, it } from 'vitest';
import { HARMONIC_STRIDE, harmonicIndex, SphericalHarmonics } from '../core/descriptors/ace/harmonics.ts';
import { RandomStream } from '../core/random.ts';
import { gradientOperator, realComponent, strainOperator, vectorOperator } from './harmonic-operators.ts';

const LMAX = 8;
const ROUNDING = { rtol: 1e-13, atol: 1e-13, why: 'short sums of harmonics of order one' };

/** Values of the real components up to LMAX + 2 and their gradients on the sphere, by the class that the twin uses. */
function directly(u: readonly number[]) {
  const harmonics = new SphericalHarmonics(LMAX + 2);
  const out = new Float64Array(HARMONIC_STRIDE * harmonics.count);
  harmonics.evaluate(u[0]!, u[1]!, u[2]!, out, 0);
  const values: number[] = [];
  const gradients: number[][] = [];
  for (let l = 0; l <= LMAX + 2; l++) {
    for (let m = 0; m <= l; m++) {
      const at = HARMONIC_STRIDE * harmonicIndex(l, m);
      for (const part of m === 0 ? ([0] as const) : ([0, 1] as const)) {
        const component = realComponent(l, m, part);
        values[component] = out[at + part]!;
        gradients[component] = [...out.subarray(at + 2 + 3 * part, at + 5 + 3 * part)];
      }
    }
  }
  return { values, gradients };
}

const stream = new RandomStream(4, 'harmonic-operators');
const DIRECTIONS = Array.from({ length: 6 }, () => {
  const v = [stream.normal(), stream.normal(), stream.normal()];
  const norm = Math.hypot(...v);
  return v.map((c) => c / norm);
}).concat([
  [0, 0, 1],
  [0, 0, -1],
  [1, 0, 0],
]);

describe.each(DIRECTIONS)('operators on harmonics at (%f, %f, %f)', (...u) => {
  const { values, gradients } = directly(u);

  it('multiply with the unit vector', () => {
    for (let q = 0; q < (LMAX + 1) ** 2; q++) {
      for (let axis = 0; axis < 3; axis++) {
        const sum = vectorOperator(axis, q).reduce((s, { component, factor }) => s + factor * values[component]!, 0);
        expect(sum).toAgree(u[axis]! * values[q]!, ROUNDING);
      }
    }
  });

  it('differentiate along the sphere', () => {
    for (let q = 0; q < (LMAX + 1) ** 2; q++) {
      for (let axis = 0; axis < 3; axis++) {
        const sum = gradientOperator(axis, q).reduce((s, { component, factor }) => s + factor * values[component]!, 0);
        expect(sum).toAgree(gradients[q]![axis]!, ROUNDING);
      }
    }
  });

  it('differentiate by strain: value with R, slope with r dR/dr', () => {
    for (let q = 0; q < (LMAX + 1) ** 2; q++) {
      for (let a = 0; a < 3; a++) {
        for (let b = 0; b < 3; b++) {
          let [value, slope] = [0, 0];
          for (const term of strainOperator(a, b, q)) {
            value += term.value * values[term.component]!;
            slope += term.slope * values[term.component]!;
          }
          expect(value).toAgree(gradients[q]![a]! * u[b]!, ROUNDING);
          expect(slope).toAgree(u[a]! * u[b]! * values[q]!, ROUNDING);
        }
      }
    }
  });
});

describe('real components', () => {
  it('are numbered without gaps, and operators reach the neighbouring l only', () => {
    const seen: number[] = [];
    for (let l = 0; l <= LMAX; l++) {
      for (let m = 0; m <= l; m++) {
        for (const part of m === 0 ? ([0] as const) : ([0, 1] as const)) seen.push(realComponent(l, m, part));
      }
    }
    expect(seen).toEqual(Array.from({ length: (LMAX + 1) ** 2 }, (_, q) => q));
    for (const q of seen) {
      const l = Math.floor(Math.sqrt(q));
      for (let axis = 0; axis < 3; axis++) {
        const terms = gradientOperator(axis, q);
        expect(terms.length).toBeLessThanOrEqual(axis === 2 ? 2 : 4);
        for (const { component } of terms) expect(Math.abs(Math.floor(Math.sqrt(component)) - l)).toBe(1);
      }
    }
  });
});
