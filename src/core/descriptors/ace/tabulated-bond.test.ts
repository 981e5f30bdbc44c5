import { describe, expect, it } from 'vitest';
import { BondFunctions } from './bond-functions.ts';
import { ChebyshevExponential, ChebyshevPower } from './chebyshev.ts';
import { type InnerCutoff, LINEAR_EMBEDDING, type ProductPotential } from './product-basis.ts';
import { type RadialFunctions, SphericalBessel } from './radial.ts';
import { TabulatedBond } from './tabulated-bond.ts';

function potentialOf(radial: RadialFunctions, inner: InnerCutoff, cutoffWidth: number): ProductPotential {
  const bond = {
    radial,
    radialName: '',
    radialParameters: [],
    cutoffWidth,
    nmax: 2,
    lmax: 1,
    coefficients: Float64Array.from({ length: 4 * radial.count }, (_, k) => Math.sin(1 + k)),
    inner,
    core: { prefactor: 7, lambda: 0.5 },
  };
  const functions = [
    { mus: [0], ns: [2], ls: [0], ms: new Int8Array(1), coefficients: Float64Array.of(3) },
    { mus: [0, 0], ns: [1, 2], ls: [1, 1], ms: new Int8Array(2), coefficients: Float64Array.of(1) },
  ];
  return { elements: ['Cu'], e0: [0], bonds: [[bond]], functions: [functions], embeddings: [LINEAR_EMBEDDING] };
}

describe.each<[string, RadialFunctions, InnerCutoff, number]>([
  ['a switch', new SphericalBessel(4, 5), { type: 'distance', cutoff: 1.9, width: 0.4 }, 0.01],
  ['a cosine step', new ChebyshevExponential(4, 5, 3, 0.01), { type: 'density', cutoff: 0, width: 0 }, 0.01],
  [
    'a broken power of the distance to the cutoff',
    new ChebyshevPower(4, 5, 2.3),
    { type: 'density', cutoff: 0, width: 0 },
    0.01,
  ],
  ['a repulsion', new SphericalBessel(4, 5), { type: 'zbl', cutoff: 1.9, width: 0.4 }, 0.3],
])('rows with %s', (_, radial, inner, cutoffWidth) => {
  const potential = potentialOf(radial, inner, cutoffWidth);
  const exact = new BondFunctions(potential, 0, 0);
  const tabulated = new TabulatedBond(potential, 0, 0, exact);
  const { count } = exact;

  it('follow the exact ones at every distance', () => {
    const [values, slopes] = [new Float64Array(2 * count), new Float64Array(2 * count)];
    const [largest, steepest] = [new Float64Array(count), new Float64Array(count)];
    const distances = Array.from({ length: 800 }, (__, k) => 0.6 + (3.4 * (k + 0.37)) / 800);
    for (const r of distances) {
      exact.evaluate(r, values, slopes, 0);
      for (let f = 0; f < count; f++) {
        largest[f] = Math.max(largest[f]!, Math.abs(values[f]!));
        steepest[f] = Math.max(steepest[f]!, Math.abs(slopes[f]!));
      }
    }
    for (const r of distances) {
      exact.evaluate(r, values, slopes, 0);
      tabulated.evaluate(r, values, slopes, count);
      for (let f = 0; f < count; f++) {
        expect(values[count + f]).toAgree(values[f], { atol: 1e-12 * largest[f]!, why: 'promise of the tables' });
        expect(slopes[count + f]).toAgree(slopes[f], { atol: 1e-10 * steepest[f]!, why: 'promise of the tables' });
      }
    }
  });

  it('end at the cutoff', () => {
    const [values, slopes] = [new Float64Array(count).fill(1), new Float64Array(count).fill(1)];
    tabulated.evaluate(4, values, slopes, 0);
    expect([...values, ...slopes].every((x) => x === 0)).toBe(true);
    expect([tabulated.cutoff, tabulated.count]).toEqual([4, count]);
  });
});
