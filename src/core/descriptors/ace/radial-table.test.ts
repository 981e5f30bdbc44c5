import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BondFunctions } from './bond-functions.ts';
import { ChebyshevExponential, ChebyshevPower } from './chebyshev.ts';
import { LINEAR_EMBEDDING, type InnerCutoff, type ProductPotential } from './product-basis.ts';
import { type RadialFunctions, SphericalBessel } from './radial.ts';
import { combine, tabulate, tabulateBond, TabulatedRadialFunctions } from './radial-table.ts';
import { SplinedRadialFunctions } from './spline.ts';

const PROMISE = { value: 1e-12, slope: 1e-10 };

/** Largest errors of each row over a range, of its largest value and slope in that range. */
function errors(exact: RadialFunctions, table: RadialFunctions, from: number, to: number) {
  const { count } = exact;
  const [a, da, b, db] = [0, 1, 2, 3].map(() => new Float64Array(count)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const rows = Array.from({ length: count }, () => ({ value: 0, slope: 0, largest: 0, steepest: 0 }));
  for (let k = 0; k < 3001; k++) {
    const r = from + ((to - from) * k) / 3000;
    exact.evaluate(r, a, da, 0);
    table.evaluate(r, b, db, 0);
    rows.forEach((row, q) => {
      row.value = Math.max(row.value, Math.abs(a[q]! - b[q]!));
      row.slope = Math.max(row.slope, Math.abs(da[q]! - db[q]!));
      row.largest = Math.max(row.largest, Math.abs(a[q]!));
      row.steepest = Math.max(row.steepest, Math.abs(da[q]!));
    });
  }
  return {
    value: Math.max(...rows.map(({ value, largest }) => (largest === 0 ? value : value / largest))),
    slope: Math.max(...rows.map(({ slope, steepest }) => (steepest === 0 ? slope : slope / steepest))),
  };
}

function potentialOf(radial: RadialFunctions, inner: InnerCutoff, prefactor: number, width = 0.01): ProductPotential {
  const bond = {
    radial,
    radialName: 'test',
    radialParameters: [],
    cutoffWidth: width,
    nmax: 1,
    lmax: 0,
    coefficients: new Float64Array(radial.count).fill(1),
    inner,
    core: { prefactor, lambda: 1.3 },
  };
  return { elements: ['Si'], e0: [0], bonds: [[bond]], functions: [[]], embeddings: [LINEAR_EMBEDDING] };
}

const NONE: InnerCutoff = { type: 'distance', cutoff: 0, width: 0.01 };

describe.each([
  ['spherical Bessel functions', new SphericalBessel(6, 9), 0.01],
  ['Chebyshev polynomials with a step at the cutoff', new ChebyshevExponential(5, 12, 3.06, 0.01), 0.01],
  ['Chebyshev polynomials with a wide step', new ChebyshevExponential(7, 8, 5.25, 1.5), 1.5],
  ['Chebyshev polynomials of a power', new ChebyshevPower(7.4, 16, 2), 0.01],
] as const)('tabulateBond of %s', (_, radial, width) => {
  it.each([7, 9, 10, 12])('degree %i: keeps what is promised of tabulated functions', (degree) => {
    const table = tabulateBond(potentialOf(radial, NONE, 0, width), 0, 0, degree);
    const found = new TabulatedRadialFunctions(table);
    expect(table.rows).toBe(radial.count + 1);
    const exact: RadialFunctions = {
      cutoff: radial.cutoff,
      count: radial.count + 1,
      evaluate: (r, values, slopes, offset) => radial.evaluate(r, values, slopes, offset),
    };
    const far = errors(exact, found, 1, radial.cutoff);
    expect(far.value).toBeLessThan(PROMISE.value);
    expect(far.slope).toBeLessThan(PROMISE.slope);
    const near = errors(exact, found, 0.002, 1);
    expect(near.value).toBeLessThan(PROMISE.value);
    expect(near.slope).toBeLessThan(PROMISE.slope);
  });

  it('is zero from the cutoff on', () => {
    const found = new TabulatedRadialFunctions(tabulateBond(potentialOf(radial, NONE, 0, width), 0, 0, 9));
    const [values, slopes] = [new Float64Array(found.count).fill(1), new Float64Array(found.count).fill(1)];
    found.evaluate(radial.cutoff, values, slopes, 0);
    expect([...values, ...slopes].every((x) => x === 0)).toBe(true);
  });
});

describe('tabulateBond', () => {
  const radial = new SphericalBessel(5, 4);

  it.each([
    ['switched off at short distance', { type: 'distance', cutoff: 1.7, width: 0.4 }, 30],
    ['that acts everywhere', { type: 'density', cutoff: 0, width: 0 }, 400],
    ['of two nuclei', { type: 'zbl', cutoff: 1.5, width: 0.3 }, 1],
  ] as const)('follows a core %s, from 1e-3 Å on', (_, inner, prefactor) => {
    const potential = potentialOf(radial, inner, prefactor, 0.2);
    const table = tabulateBond(potential, 0, 0, 10);
    const found = new TabulatedRadialFunctions(table);
    const exact = new BondFunctions(potential, 0, 0);
    const [a, da] = [new Float64Array(exact.count), new Float64Array(exact.count)];
    const [b, db] = [new Float64Array(found.count), new Float64Array(found.count)];
    for (let r = 0.0011; r < 5; r *= 1.013) {
      exact.evaluate(r, a, da, 0);
      found.evaluate(r, b, db, 0);
      const [core, slope] = [a[exact.count - 1]!, da[exact.count - 1]!];
      const tabulated = b[radial.count]! / r;
      expect(tabulated).toAgree(core, { rtol: 1e-11, atol: 1e-11, why: 'what is promised, of 1 eV' });
      expect((db[radial.count]! - tabulated) / r).toAgree(slope, {
        rtol: 1e-9,
        atol: 1e-9,
        why: 'slopes of r φ are small differences where φ diverges',
      });
    }
  });

  it('has break points where the inner switch begins and ends', () => {
    const inner = { type: 'distance', cutoff: 1.7, width: 0.4 } as const;
    const { segments } = tabulateBond(potentialOf(radial, inner, 10), 0, 0, 9);
    const starts = segments.map(({ start }) => start);
    for (const edge of [1.7 - 0.4, 1.7, 5 - 0.01]) expect(starts).toContain(edge);
    segments.forEach(({ first, bins, end }, k) => {
      const next = segments[k + 1];
      expect(end).toBe(next?.start ?? 5);
      expect(first + bins).toBe(next?.first ?? first + bins);
    });
  });

  it('needs fewer bins for a higher degree', () => {
    const bins = [7, 9, 11].map((degree) => tabulateBond(potentialOf(radial, NONE, 0), 0, 0, degree).bins);
    expect(bins[0]!).toBeGreaterThan(bins[1]!);
    expect(bins[1]!).toBeGreaterThan(bins[2]!);
  });
});

describe('tabulate', () => {
  it('refuses functions that are not smooth between breaks', () => {
    const splined = new SplinedRadialFunctions(new SphericalBessel(5, 4), 0.37);
    expect(() => tabulate(splined, [], 9)).toThrow('must be smooth between');
  });

  it('values and slopes belong together: the slope is the derivative of the value', () => {
    const found = new TabulatedRadialFunctions(tabulate(new SphericalBessel(5, 4), [], 9));
    const [low, high, slopes, unused] = [0, 1, 2, 3].map(() => new Float64Array(4)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 4.9, noNaN: true }), (r) => {
        const h = 1e-4;
        found.evaluate(r - h, low, unused, 0);
        found.evaluate(r + h, high, unused, 0);
        found.evaluate(r, unused, slopes, 0);
        for (let k = 0; k < 4; k++) {
          expect((high[k]! - low[k]!) / (2 * h)).toAgree(slopes[k]!, {
            atol: 1e-5,
            why: 'central difference, h²/6 f‴',
          });
        }
      }),
    );
  });
});

describe('combine', () => {
  it('sums functions as their tables', () => {
    const radial = new SphericalBessel(5, 3);
    const table = tabulate(radial, [], 9);
    const mixed = new TabulatedRadialFunctions(combine(table, Float64Array.of(1, -2, 0.5, 0, 0, 0)));
    expect(mixed.count).toBe(2);
    const [g, dg, m, dm] = [0, 1, 2, 3].map(() => new Float64Array(3)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    for (const r of [0.4, 1.9, 3.3, 4.8]) {
      radial.evaluate(r, g, dg, 0);
      mixed.evaluate(r, m, dm, 0);
      expect(m[0]!).toAgree(g[0]! - 2 * g[1]! + 0.5 * g[2]!, { atol: 1e-12, why: 'what is promised' });
      expect(dm[0]!).toAgree(dg[0]! - 2 * dg[1]! + 0.5 * dg[2]!, { atol: 1e-11, why: 'what is promised' });
      expect([m[1], dm[1]]).toEqual([0, 0]);
    }
  });
});
