import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../../test/support/golden.ts';
import type { AcePair, AceSpecification } from './basis.ts';
import { countFunctions } from './count.ts';
import { buildAceBasis, functionLabel } from './enumerate.ts';
import { PRESET_NAMES, presetLimits, presetSpecification } from './presets.ts';

interface Listed {
  mus: number[];
  ns: number[];
  ls: number[];
  L: number[];
  n_ms: number;
}
const { A5_P1, A5_P2 } = golden<{ A: Record<'A5_P1' | 'A5_P2', { functions: Record<string, Listed[]> }> }>(
  'reference-values',
).A;

const PAIR: AcePair = { cutoff: 5, innerCutoff: 1.6, innerWidth: 0.4, core: { prefactor: 10, lambda: 2 } };

function specification(
  elements: readonly string[],
  nmax: readonly number[],
  lmax: readonly number[],
  pair = PAIR,
): AceSpecification {
  return { elements, radial: 'SBessel', nmax, lmax, pairs: elements.map(() => elements.map(() => pair)) };
}

describe('basis', () => {
  it.each([
    ['A5_P1', A5_P1, specification(['Si'], [4, 2, 2, 1], [0, 2, 1, 1])],
    ['A5_P2', A5_P2, specification(['Al', 'Ni'], [2, 1, 1], [0, 1, 1])],
  ])('lists the functions of %s in their order', (_, reference, spec) => {
    const basis = buildAceBasis(spec);
    spec.elements.forEach((symbol, mu) => {
      const got = basis.functions[mu]!.map(({ mus, ns, ls, couplings, coefficients }) => ({
        mus: [...mus],
        ns: [...ns],
        ls: [...ls],
        L: [...couplings],
        n_ms: coefficients.length,
      }));
      expect(got).toEqual(reference.functions[symbol]!.map(({ mus, ns, ls, L, n_ms }) => ({ mus, ns, ls, L, n_ms })));
    });
  });

  it.each([1, 2, 3, 4])('presets of %i elements have the counted size and no ties', (n) => {
    const elements = ['Al', 'C', 'Ni', 'Si'].slice(0, n);
    for (const preset of PRESET_NAMES) {
      const spec = presetSpecification(preset, elements, 5);
      const basis = buildAceBasis(spec, presetLimits(preset));
      const counts = countFunctions(n, spec.nmax, spec.lmax);
      const functions = basis.functions[0]!;
      expect(counts.map((_, k) => functions.filter(({ order }) => order === k + 1).length)).toEqual(counts);
      expect(new Set(functions.map(functionLabel)).size).toBe(functions.length);
      expect(basis.offsets).toEqual(Array.from({ length: n + 1 }, (_, mu) => mu * functions.length));
      expect(functions.length).toBeLessThanOrEqual(1650);
    }
  });

  it('has as many functions as counted, whatever the sizes', () => {
    const size = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 }), fc.array(size, { minLength: 0, maxLength: 3 }), (n, sizes) => {
        const [nmax, lmax] = [
          [3, ...sizes.map(([k]) => k)],
          [0, ...sizes.map(([, l]) => l)],
        ];
        const basis = buildAceBasis(specification(['C', 'Si'].slice(0, n), nmax, lmax), {
          perElement: 1e5,
          total: 1e6,
        });
        expect(basis.functions[0]!.length).toBe(countFunctions(n, nmax, lmax).reduce((sum, k) => sum + k, 0));
      }),
      { numRuns: 30 },
    );
  });

  it('reaches orders 5 and 6', () => {
    const basis = buildAceBasis(specification(['Si'], [3, 2, 2, 1, 1, 1], [0, 2, 1, 1, 1, 1]));
    const orders = basis.functions[0]!.map(({ order }) => order);
    expect([5, 6].map((order) => orders.filter((o) => o === order).length)).toEqual(
      countFunctions(1, [3, 2, 2, 1, 1, 1], [0, 2, 1, 1, 1, 1]).slice(4),
    );
  });

  it('its id follows the specification and nothing else', () => {
    const spec = specification(['C', 'Si'], [3, 2], [0, 1]);
    const again = { pairs: spec.pairs, lmax: spec.lmax, nmax: spec.nmax, radial: spec.radial, elements: spec.elements };
    const { id } = buildAceBasis(spec);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(buildAceBasis(again).id).toBe(id);
    const wider = specification(['C', 'Si'], [3, 2], [0, 1], { ...PAIR, cutoff: 5.000001 });
    expect(buildAceBasis(wider).id).not.toBe(id);
    expect(buildAceBasis(JSON.parse(JSON.stringify(buildAceBasis(spec).specification)) as AceSpecification).id).toBe(
      id,
    );
  });

  it('refuses a basis too large before building it, unless the limits are raised', () => {
    const large = specification(['C', 'Si'], [20, 12, 10, 8], [0, 6, 5, 4]);
    expect(() => buildAceBasis(large)).toThrowError(
      /^basis must have at most 1500 functions per element and 3000 in all, got/,
    );
    // Refused at once, not after counting for hours.
    for (const nmax of [2000, 1e9, Number.MAX_SAFE_INTEGER]) {
      expect(() => buildAceBasis(specification(['Si'], [8, nmax], [0, 3]))).toThrowError(
        /^basis must have at most 1500 functions per element and 3000 in all, got more than \d/,
      );
    }
    const xlarge = presetSpecification('xlarge', ['Si'], 5);
    expect(() => buildAceBasis(xlarge)).toThrowError('got 1628 and 1628 (one factor of them takes 22 MB)');
    expect(buildAceBasis(xlarge, { perElement: 1628, total: 1628 }).offsets).toEqual([0, 1628]);
  });
});

describe('specification', () => {
  const good = specification(['C', 'Si'], [3, 2], [0, 1]);
  const pairs = (changed: Partial<AcePair>) => specification(['Si'], [3, 2], [0, 1], { ...PAIR, ...changed }).pairs;

  it.each([
    ['elements must hold at least one symbol, got none', { elements: [], pairs: [] }],
    ['elements must be chemical symbols, got "Xx"', { elements: ['C', 'Xx'] }],
    ['elements must be in alphabetical order, got Si,C', { elements: ['Si', 'C'] }],
    ['radial functions must be "SBessel", got "Laguerre"', { radial: 'Laguerre' as 'SBessel' }],
    ['nmax and lmax must have one entry per order, 1 to 6, got 1 and 2', { nmax: [3] }],
    ['nmax of order 2 must be a positive integer, got 0', { nmax: [3, 0] }],
    ['lmax of order 1 must be 0, got 1', { lmax: [1, 1] }],
    ['lmax of order 2 must be an integer from 0 to 12, got -1', { lmax: [0, -1] }],
    ['pairs must hold every pair of elements, got none for C-C', { pairs: [] }],
    [
      'cutoff of Si-Si must be positive and finite, got NaN Å',
      { elements: ['Si'], pairs: pairs({ cutoff: Number.NaN }) },
    ],
    [
      'inner cutoff of Si-Si must be 0 or more and below the cutoff 5 Å, got 5 Å',
      { elements: ['Si'], pairs: pairs({ innerCutoff: 5 }) },
    ],
    [
      'inner width of Si-Si must be positive and below the inner cutoff 1.6 Å, got 1.6 Å',
      { elements: ['Si'], pairs: pairs({ innerWidth: 1.6 }) },
    ],
    [
      'core repulsion of Si-Si must be finite and not negative, got -1, 0',
      { elements: ['Si'], pairs: pairs({ core: { prefactor: -1, lambda: 0 } }) },
    ],
    [
      'pairs must be symmetric, got different parameters for C-Si and Si-C',
      { pairs: [good.pairs[0]!, [{ ...PAIR, cutoff: 4 }, PAIR]] },
    ],
  ])('refuses: %s', (message, change) => {
    expect(() => buildAceBasis({ ...good, ...change })).toThrowError(message);
  });
});
