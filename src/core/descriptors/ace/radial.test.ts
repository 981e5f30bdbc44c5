import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../../test/support/golden.ts';
import { ChebyshevExponential, ChebyshevPower } from './chebyshev.ts';
import { coreRepulsion, innerSwitch, type RadialFunctions, SphericalBessel, switchedCoreRepulsion } from './radial.ts';
import { zblHalfPair } from './zbl.ts';

interface Reference {
  A: {
    A1_radial_anchor_public: { r: number; gr0: number; dgr0: number };
    A1_radial: { name: string; lambda_: number; rcut: number; dcut: number; r: number; g: number[]; dg: number[] }[];
    A1_inner_cutoff_poly: { r: number; r_in: number; delta: number; f: number; df: number }[];
    A1_core_repulsion: {
      r: number;
      pre: number;
      lam: number;
      rcut: number;
      r_in: number;
      delta: number;
      phi: number;
      dphi: number;
    }[];
    A1_zbl_half_pair: { Zi: number; Zj: number; r: number; e: number; de: number }[];
  };
}
const { A } = golden<Reference>('reference-values');

function at(radial: RadialFunctions, r: number): { g: number[]; dg: number[] } {
  const g = new Float64Array(radial.count);
  const dg = new Float64Array(radial.count);
  radial.evaluate(r, g, dg, 0);
  return { g: [...g], dg: [...dg] };
}

function make(name: string, cutoff: number, count: number, lambda: number, width: number): RadialFunctions {
  if (name === 'SBessel') return new SphericalBessel(cutoff, count);
  if (name === 'ChebPow') return new ChebyshevPower(cutoff, count, lambda);
  return new ChebyshevExponential(cutoff, count, lambda, width);
}

const FAMILIES = ['SBessel', 'ChebExpCos', 'ChebPow'];

describe('radial functions', () => {
  it.each(A.A1_radial.map((c) => [c.name, c.r, c] as const))('%s at %f Å', (name, r, c) => {
    const { g, dg } = at(make(name, c.rcut, 4, c.lambda_, c.dcut), r);
    // Near the cutoff the closed form cancels to 1e-9 of its terms: absolute agreement there.
    expect(g).toAgree(c.g, { rtol: 1e-12, atol: 1e-15, why: 'the same formula' });
    expect(dg).toAgree(c.dg, { rtol: 1e-12, atol: 1e-14, why: 'the same formula' });
  });

  it('ChebExpCos agrees with the public test of its origin', () => {
    const { r, gr0, dgr0 } = A.A1_radial_anchor_public;
    const { g, dg } = at(new ChebyshevExponential(8.7, 1, 5.25, 0.01), r);
    expect([g[0], dg[0]]).toAgree([gr0, dgr0], { rtol: 1e-12, why: 'the same formula' });
  });

  it.each(FAMILIES)('%s: slopes are those of the values', (name) => {
    const radial = make(name, 5, 8, 3.1, 0.2);
    for (const r of [0.4, 1.7, 3.3, 4.7, 4.85, 4.97]) {
      const h = 1e-6;
      const slope = at(radial, r + h).g.map((g, k) => (g - at(radial, r - h).g[k]!) / (2 * h));
      expect(at(radial, r).dg).toAgree(slope, { atol: 1e-7, why: 'h² of a central difference and rounding/h' });
    }
  });

  it.each(FAMILIES)('%s vanishes at and beyond the cutoff', (name) => {
    const radial = make(name, 5, 6, 3, 0.2);
    expect(at(radial, 5 - 1e-6).g).toAgree(new Array(6).fill(0), { atol: 1e-12, why: 'a zero of order two at least' });
    expect(at(radial, 5).g).toEqual(new Array(6).fill(0));
    expect(at(radial, 7).dg).toEqual(new Array(6).fill(0));
  });

  it('spherical Bessel functions are orthonormal with weight r²', () => {
    const radial = new SphericalBessel(5.5, 12);
    const n = 400;
    const gram = Array.from({ length: 144 }, () => 0);
    for (let q = 1; q < n; q++) {
      const r = (5.5 * q) / n;
      const { g } = at(radial, r);
      // Simpson's rule.
      const weight = ((q % 2 === 1 ? 4 : 2) * 5.5) / (3 * n);
      for (let a = 0; a < 12; a++) for (let b = 0; b < 12; b++) gram[12 * a + b]! += weight * r * r * g[a]! * g[b]!;
    }
    const identity = gram.map((_, k) => (k % 13 === 0 ? 1 : 0));
    expect(gram).toAgree(identity, { atol: 1e-5, why: 'quadrature of functions with 12 nodes' });
  });

  it('refuses impossible parameters', () => {
    expect(() => new SphericalBessel(0, 3)).toThrowError('cutoff must be positive and finite, got 0 Å');
    expect(() => new ChebyshevExponential(5, 3, 0, 0)).toThrowError('lambda must be finite and not 0, got 0');
    expect(() => new ChebyshevPower(5, 3, -1)).toThrowError('lambda must be positive, got -1');
    // e^{−λ} must neither overflow nor round to 1, or every value is NaN.
    for (const lambda of [-800, 1e-17, -1e-300]) {
      expect(() => new ChebyshevExponential(5, 3, lambda, 0)).toThrowError(`got ${lambda}`);
    }
    for (const lambda of [-20, 1e-9, 745, 1e4]) {
      const { g, dg } = at(new ChebyshevExponential(5, 3, lambda, 0.1), 2);
      expect([...g, ...dg].every(Number.isFinite)).toBe(true);
    }
    expect(() => new ChebyshevExponential(5, 3, 2, -0.1)).toThrowError(
      'width of the cutoff must be 0 or more, got -0.1 Å',
    );
  });
});

describe('inner switch', () => {
  it.each(A.A1_inner_cutoff_poly.map((c) => [c.r, c] as const))('at %f Å', (r, c) => {
    const out = new Float64Array(2);
    innerSwitch(r, c.r_in, c.delta, out);
    expect(out[0]).toAgree(c.f, { atol: 1e-14, why: 'the same polynomial' });
    expect(out[1]).toAgree(c.df, { atol: 1e-13, why: 'the same polynomial' });
  });

  it('falls monotonically from 1 to 0 with matching slope', () => {
    const [low, high] = [new Float64Array(2), new Float64Array(2)];
    fc.assert(
      fc.property(fc.double({ min: 0.9, max: 1.7, noNaN: true }), (r) => {
        innerSwitch(r - 1e-6, 1.6, 0.4, low);
        innerSwitch(r + 1e-6, 1.6, 0.4, high);
        const middle = new Float64Array(2);
        innerSwitch(r, 1.6, 0.4, middle);
        expect(middle[0]! >= 0 && middle[0]! <= 1 && middle[1]! <= 0).toBe(true);
        expect((high[0]! - low[0]!) / 2e-6).toAgree(middle[1]!, { atol: 1e-4, why: 'curvature times h, rounding/h' });
      }),
    );
  });
});

describe('core repulsion', () => {
  it.each(A.A1_core_repulsion.map((c) => [c.r, c] as const))('at %f Å', (r, c) => {
    const out = new Float64Array(2);
    const pair = {
      cutoff: c.rcut,
      innerCutoff: c.r_in,
      innerWidth: c.delta,
      core: { prefactor: c.pre, lambda: c.lam },
    };
    switchedCoreRepulsion(r, pair, out);
    expect([...out]).toAgree([c.phi, c.dphi], { rtol: 1e-12, atol: 1e-15, why: 'the same formula' });
  });

  it('has no effect without a prefactor or beyond the cutoff, and signs do not matter', () => {
    const [a, b] = [new Float64Array(2).fill(7), new Float64Array(2)];
    coreRepulsion(1, 5, 0, 1, a);
    expect([...a]).toEqual([0, 0]);
    coreRepulsion(5, 5, 10, 1, a);
    expect([...a]).toEqual([0, 0]);
    coreRepulsion(1.2, 5, 10, 1, a);
    coreRepulsion(1.2, 5, -10, -1, b);
    expect(a).toEqual(b);
  });
});

describe('ZBL', () => {
  it('half pair Al–Ni', () => {
    const cases = A.A1_zbl_half_pair;
    const got = cases.map(({ r }) => zblHalfPair('Al', 'Ni', r));
    expect(got.map(({ slope }) => slope)).toAgree(
      cases.map(({ de }) => de),
      { rtol: 1e-12, why: 'the same formula' },
    );
    // The reference is shifted to vanish at its own cutoff, so only differences of energies compare.
    const differences = got.slice(1).map(({ energy }) => energy - got[0]!.energy);
    expect(differences).toAgree(
      cases.slice(1).map(({ e }) => e - cases[0]!.e),
      { rtol: 1e-11, why: 'the same formula but for a constant' },
    );
  });
});
