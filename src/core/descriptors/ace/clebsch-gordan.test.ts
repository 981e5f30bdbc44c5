import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clebschGordan } from './clebsch-gordan.ts';

/** Two momenta with a total one they can couple to, and projections of the two. */
const coupled = fc
  .tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 8 }))
  .chain(([l1, l2]) =>
    fc.tuple(
      fc.constant(l1),
      fc.integer({ min: -l1, max: l1 }),
      fc.constant(l2),
      fc.integer({ min: -l2, max: l2 }),
      fc.integer({ min: Math.abs(l1 - l2), max: l1 + l2 }),
    ),
  );

const SYMMETRIC = { atol: 1e-15, rtol: 1e-15, why: 'each is rounded once' };

describe('Clebsch–Gordan coefficients', () => {
  it('has known values', () => {
    const third = Math.sqrt(1 / 3);
    expect(clebschGordan(1, 1, 1, -1, 0, 0)).toAgree(third, { rtol: 1e-15, why: '1/√3, rounded once' });
    expect(clebschGordan(1, 0, 1, 0, 0, 0)).toAgree(-third, { rtol: 1e-15, why: '−1/√3' });
    expect(clebschGordan(1, 1, 1, 0, 1, 1)).toAgree(Math.SQRT1_2, { rtol: 1e-15, why: '1/√2' });
    expect(clebschGordan(2, 0, 2, 0, 2, 0)).toAgree(-Math.sqrt(2 / 7), { rtol: 1e-15, why: '−√(2/7)' });
    expect(clebschGordan(3, 2, 2, 1, 5, 3)).toAgree(Math.sqrt(8 / 15), { rtol: 1e-15, why: '√(8/15)' });
    expect(clebschGordan(0, 0, 4, 3, 4, 3)).toBe(1);
  });

  it('is zero outside the triangle, for unequal projections, and where parity forbids', () => {
    expect(clebschGordan(1, 0, 1, 0, 1, 0)).toBe(0);
    expect(clebschGordan(1, 1, 1, 1, 1, 2)).toBe(0);
    expect(clebschGordan(1, 1, 1, 0, 0, 1)).toBe(0);
    expect(clebschGordan(1, 1, 1, 0, 2, 0)).toBe(0);
    expect(clebschGordan(2, 3, 2, 0, 3, 3)).toBe(0);
    expect(clebschGordan(1, 0, 1, 0, 5, 0)).toBe(0);
  });

  it('obeys the symmetries of exchange and reversal', () => {
    fc.assert(
      fc.property(coupled, ([l1, m1, l2, m2, l]) => {
        const value = clebschGordan(l1, m1, l2, m2, l, m1 + m2);
        const sign = (l1 + l2 - l) % 2 === 0 ? 1 : -1;
        expect(sign * clebschGordan(l2, m2, l1, m1, l, m1 + m2)).toAgree(value, SYMMETRIC);
        expect(sign * clebschGordan(l1, -m1, l2, -m2, l, -m1 - m2)).toAgree(value, SYMMETRIC);
      }),
    );
  });

  it('couples to zero with (−1)^{l−m}/√(2l+1)', () => {
    for (let l = 0; l <= 12; l++) {
      for (let m = -l; m <= l; m++) {
        const expected = ((l - m) % 2 === 0 ? 1 : -1) / Math.sqrt(2 * l + 1);
        expect(clebschGordan(l, m, l, -m, 0, 0)).toAgree(expected, { rtol: 1e-15, why: 'closed form' });
      }
    }
  });

  it('satisfies the recursion of the lowering operator', () => {
    const lower = (l: number, m: number): number => Math.sqrt(l * (l + 1) - m * (m - 1));
    fc.assert(
      fc.property(coupled, ([l1, m1, l2, m2, l]) => {
        const m = m1 + m2 + 1;
        if (m > l || m - 1 < -l) return;
        const left = lower(l, m) * clebschGordan(l1, m1, l2, m2, l, m - 1);
        const first = m1 < l1 ? lower(l1, m1 + 1) * clebschGordan(l1, m1 + 1, l2, m2, l, m) : 0;
        const second = m2 < l2 ? lower(l2, m2 + 1) * clebschGordan(l1, m1, l2, m2 + 1, l, m) : 0;
        expect(first + second).toAgree(left, { atol: 1e-13, why: 'rounding of three terms of size about 10' });
      }),
    );
  });

  it('has its closed forms at any momentum, large ones too', () => {
    // ⟨l m 1 0 | l m⟩ = m/√(l(l+1))
    for (const l of [1, 5, 12, 31, 32, 33, 40, 64, 70]) {
      for (const m of [-l, -l + 1, -1, 0, 1, l - 1, l]) {
        expect(clebschGordan(l, m, 1, 0, l, m)).toAgree(m / Math.sqrt(l * (l + 1)), {
          rtol: 4e-16,
          why: 'rounded once',
        });
      }
    }
    // ⟨l m 1 0 | l+1 m⟩ = √((l−m+1)(l+m+1)/((2l+1)(l+1))), next to those above: none is taken for another.
    for (const l of [1, 31, 32, 40, 63]) {
      for (const m of [-l, 0, l]) {
        const square = ((l - m + 1) * (l + m + 1)) / ((2 * l + 1) * (l + 1));
        expect(clebschGordan(l, m, 1, 0, l + 1, m)).toAgree(Math.sqrt(square), { rtol: 4e-16, why: 'rounded once' });
        expect(clebschGordan(l + 1, m, 1, 0, l + 1, m)).toAgree(m / Math.sqrt((l + 1) * (l + 2)), {
          rtol: 4e-16,
          why: 'rounded once',
        });
      }
      const bottom = -(l + 1);
      expect(clebschGordan(l + 1, bottom, 1, 0, l + 1, bottom)).toAgree(bottom / Math.sqrt((l + 1) * (l + 2)), {
        rtol: 4e-16,
        why: 'rounded once',
      });
    }
    for (const l of [2, 10, 24, 30]) {
      // ⟨l l l −l | 2l 0⟩² = (2l)!²/(4l)!
      const value = clebschGordan(l, l, l, -l, 2 * l, 0);
      let square = 1;
      for (let k = 1; k <= 2 * l; k++) square *= k / (2 * l + k);
      expect(value).toAgree(Math.sqrt(square), { rtol: 1e-13, why: '2l roundings of the closed form' });
    }
  });

  it('are orthonormal at momenta where floating-point factorials fail', () => {
    for (const [l1, l2] of [
      [3, 2],
      [12, 12],
    ] as const) {
      for (const [L, K] of [
        [2, 2],
        [2, 4],
        [l1 + l2, l1 + l2],
      ] as const) {
        let sum = 0;
        for (let m = -l1; m <= l1; m++) {
          sum += clebschGordan(l1, m, l2, 1 - m, L, 1) * clebschGordan(l1, m, l2, 1 - m, K, 1);
        }
        expect(sum).toAgree(L === K ? 1 : 0, { atol: 1e-14, why: 'unitary change of basis' });
      }
    }
  });
});
