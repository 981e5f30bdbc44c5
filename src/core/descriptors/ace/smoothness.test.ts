import { describe, expect, it } from 'vitest';
import { golden } from '../../../../test/support/golden.ts';
import { buildAceBasis } from './enumerate.ts';
import { presetSpecification } from './presets.ts';
import { basisSmoothness, DEFAULT_SMOOTHNESS, functionSmoothness } from './smoothness.ts';

const reference = golden<{ B: { B6_smoothness_prior: Record<string, Record<string, number>> } }>('reference-values').B;

describe('smoothness', () => {
  it.each(Object.entries(reference.B6_smoothness_prior['algebraic_p4_wl2/3_wn1']!))('%s', (name, expected) => {
    const slots = [...name.matchAll(/\((\d+),(\d+)\)/g)].map(([, n, l]) => [Number(n), Number(l)] as const);
    const gamma = functionSmoothness({ ns: slots.map(([n]) => n), ls: slots.map(([, l]) => l) });
    expect(gamma).toAgree(expected, { rtol: 1e-14, why: 'a sum of fourth powers' });
  });

  it('takes other powers', () => {
    const fn = { ns: [2, 3], ls: [0, 2] };
    const at = (power: number): number => functionSmoothness(fn, { ...DEFAULT_SMOOTHNESS, power });
    expect(at(0)).toBe(4);
    expect(at(2)).toAgree(4 + 9 + 9, { rtol: 1e-14, why: 'squares; (2/w_l)² = 9' });
    expect(at(1)).toAgree(2 + 3 + 3, { rtol: 1e-14, why: 'sums' });
  });

  it('of a basis: one per column, the smoothest 1', () => {
    const basis = buildAceBasis(presetSpecification('small', ['C', 'Si'], 5));
    const gamma = basisSmoothness(basis);
    expect(gamma.length).toBe(520);
    expect(Math.min(...gamma)).toBe(1);
    expect(gamma.slice(0, 260)).toEqual(gamma.slice(260));
    expect(gamma[7]).toAgree(8 * 8 * 8 * 8, { rtol: 1e-14, why: 'n = 8, order 1' });
  });
});
