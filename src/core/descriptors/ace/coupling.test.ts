import { describe, expect, it } from 'vitest';
import { countCouplings } from '../../../../test/support/coupling-count.ts';
import { golden } from '../../../../test/support/golden.ts';
import {
  admissibleCouplings,
  COUPLING_TREES,
  compressTerms,
  generalizedClebschGordan,
  selectCouplings,
} from './coupling.ts';
import { HARMONIC_STRIDE, harmonicIndex, SphericalHarmonics } from './harmonics.ts';

interface Reference {
  A: {
    A3_trees: Record<string, number[][]>;
    A3_generalised_cg_half_basis: Record<string, { m: number[]; C: number }[]>;
    A3_compressed_equal_n: Record<string, { ls: number[]; m: number[][]; C: number[] }>;
    A3_selected_LS: Record<string, number[][]>;
    A3_closed_form_rank2: { neighbours: number[][]; values: Record<string, number> };
  };
}
const { A } = golden<Reference>('reference-values');

describe('coupling trees', () => {
  it.each(Object.entries(A.A3_trees))('of order %s', (order, tree) => {
    expect(COUPLING_TREES[Number(order)]).toEqual(tree);
  });

  it('admissible momenta obey the triangle rules and parity', () => {
    expect(admissibleCouplings([0])).toEqual([[]]);
    expect(admissibleCouplings([1])).toEqual([]);
    expect(admissibleCouplings([2, 2])).toEqual([[]]);
    expect(admissibleCouplings([1, 3])).toEqual([]);
    expect(admissibleCouplings([1, 1, 1])).toEqual([]);
    expect(admissibleCouplings([1, 1, 2])).toEqual([[2]]);
    expect(admissibleCouplings([1, 1, 1, 1])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
    expect(() => admissibleCouplings([0, 0, 0, 0, 0, 0, 0])).toThrowError('order must be 1 to 6, got 7');
  });
});

describe('generalised coefficients', () => {
  it.each(Object.entries(A.A3_generalised_cg_half_basis))('%s', (name, expected) => {
    const [ls, couplings = []] = (name.match(/\[[\d,]+\]/g) ?? []).map((text) => JSON.parse(text) as number[]);
    const { ms, coefficients } = generalizedClebschGordan(ls!, couplings);
    expect([...ms]).toEqual(expected.flatMap(({ m }) => m));
    expect(coefficients).toAgree(
      expected.map(({ C }) => C),
      { atol: 1e-13, why: 'products of rounded coefficients' },
    );
  });

  it.each(Object.entries(A.A3_compressed_equal_n))('compressed, equal slots: %s', (name, { ls, m, C }) => {
    const couplings = JSON.parse(name.split('L=')[1]!) as number[];
    const { ms, coefficients } = compressTerms([0, 0, 0, 0], ls, generalizedClebschGordan(ls, couplings));
    expect([...ms]).toEqual(m.flat());
    expect(coefficients).toAgree(C, { atol: 1e-13, why: 'sums of a few terms' });
  });

  it.each(Object.entries(A.A3_selected_LS))('selected: %s', (name, expected) => {
    const ls = JSON.parse(/l=(\[[\d,]+\])/.exec(name)![1]!) as number[];
    const distinct = name.startsWith('n distinct');
    const groups = name.startsWith('n=') ? [0, 0, 1, 1] : ls.map((_, t) => (distinct ? t : 0));
    expect(selectCouplings(groups, ls).map(({ couplings }) => couplings)).toEqual(expected);
  });

  it.each([
    [[0, 0], 6],
    [[0, 0, 0], 4],
    [[0, 0, 1], 4],
    [[0, 1, 2], 3],
    [[0, 0, 0, 0], 3],
    [[0, 1, 1, 1], 2],
    [[0, 0, 1, 1], 2],
    [[0, 1, 2, 3], 1],
    [[0, 0, 0, 0, 0], 2],
    [[0, 0, 0, 1, 1], 1],
    [[0, 0, 0, 0, 0, 0], 1],
  ])('slots %j, l ≤ %i: as many as representation theory says', (groups, lmax) => {
    let count = 0;
    const visit = (ls: number[]): void => {
      if (ls.length === groups.length) {
        count += selectCouplings(groups, ls).length;
        return;
      }
      const t = ls.length;
      for (let l = t > 0 && groups[t] === groups[t - 1] ? ls[t - 1]! : 0; l <= lmax; l++) visit([...ls, l]);
    };
    visit([]);
    const multiplicities = [...new Set(groups)].map((g) => groups.filter((x) => x === g).length);
    expect(count).toBe(countCouplings(multiplicities, lmax));
  });
});

describe('closed form at order 2', () => {
  it('B_ll = (−1)^l √(2l+1) Σ_jk R_j R_k P_l(cos γ_jk)', () => {
    const { neighbours, values } = A.A3_closed_form_rank2;
    const harmonics = new SphericalHarmonics(3);
    const sum = new Float64Array(HARMONIC_STRIDE * harmonics.count);
    const out = sum.slice();
    for (const vector of neighbours) {
      const r = Math.hypot(...vector);
      const [x, y, z] = vector.map((c) => c / r);
      harmonics.evaluate(x!, y!, z!, out, 0);
      for (let k = 0; k < sum.length; k++) sum[k]! += Math.exp(-r) * out[k]!;
    }
    for (const [name, expected] of Object.entries(values)) {
      const l = Number(name);
      const { compressed } = selectCouplings([0, 0], [l, l])[0]!;
      const b = compressed.coefficients.reduce((total, c, k) => {
        const m = Math.abs(compressed.ms[2 * k]!);
        const o = HARMONIC_STRIDE * harmonicIndex(l, m);
        // A_{l,m} A_{l,−m} = (−1)^m |A_lm|².
        return total + c * (m % 2 === 0 ? 1 : -1) * (sum[o]! * sum[o]! + sum[o + 1]! * sum[o + 1]!);
      }, 0);
      expect(b).toAgree(expected, { atol: 1e-13, why: 'addition theorem' });
    }
  });
});
