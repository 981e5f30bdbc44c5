import { describe, expect, it } from 'vitest';
import { BondFunctions, radialIndices } from './bond-functions.ts';
import { ChebyshevPower } from './chebyshev.ts';
import { buildAceBasis } from './enumerate.ts';
import {
  type InnerCutoff,
  LINEAR_EMBEDDING,
  type ProductFunction,
  type ProductPotential,
  productPotential,
} from './product-basis.ts';
import { coreRepulsion, innerSwitch } from './radial.ts';
import { SmoothedZbl } from './zbl.ts';

const product = (mus: number[], ns: number[], ls: number[], ...coefficients: number[]): ProductFunction => ({
  mus,
  ns,
  ls,
  ms: new Int8Array(mus.length),
  coefficients: Float64Array.from(coefficients),
});

/** Two densities; of copper: g_2 and g_3 alone, R_10, R_21; of oxygen: g_1 alone, R_10. */
const FUNCTIONS = [
  product([0], [2], [0], 0.5, 2),
  product([0], [3], [0], -1, 0),
  product([1], [1], [0], 3, 4),
  product([0, 0], [2, 2], [1, 1], 1, 1),
  product([0, 1], [1, 1], [0, 0], 1, 1),
];
const MIXING = Float64Array.from({ length: 2 * 2 * 3 }, (_, k) => (k === 4 ? 0 : Math.sin(1 + k)));

function bondFunctions(inner: InnerCutoff, mu = 0): BondFunctions {
  const bond = {
    radial: new ChebyshevPower(4, 3, 2.5),
    radialName: 'ChebPow',
    radialParameters: [2.5],
    cutoffWidth: 0.5,
    nmax: 2,
    lmax: 1,
    coefficients: MIXING,
    inner,
    core: { prefactor: 7, lambda: 0.5 },
  };
  const potential: ProductPotential = {
    elements: ['Cu', 'O'],
    e0: [0, 0],
    bonds: [
      [bond, bond],
      [bond, bond],
    ],
    functions: [FUNCTIONS, []],
    embeddings: [0, 1].map(() => ({ ...LINEAR_EMBEDDING, densities: [0, 1].map(() => ({ weight: 1, exponent: 1 })) })),
  };
  return new BondFunctions(potential, 0, mu);
}

function at(functions: BondFunctions, r: number): { values: number[]; slopes: number[] } {
  const [values, slopes] = [new Float64Array(functions.count + 1), new Float64Array(functions.count + 1)];
  functions.evaluate(r, values, slopes, 1);
  return { values: [...values.subarray(1)], slopes: [...slopes.subarray(1)] };
}

const KINDS: readonly InnerCutoff[] = [
  { type: 'distance', cutoff: 2, width: 0.8 },
  { type: 'density', cutoff: 0, width: 0 },
  { type: 'zbl', cutoff: 2, width: 0.8 },
];

describe('radial functions of products', () => {
  it('are those that occur, by l and then n', () => {
    const both = [...FUNCTIONS, product([0, 0, 0], [1, 2, 1], [1, 1, 0], 1, 1)];
    expect(radialIndices(both, 0)).toEqual([
      { n: 1, l: 0 },
      { n: 1, l: 1 },
      { n: 2, l: 1 },
    ]);
    expect(radialIndices(FUNCTIONS, 1)).toEqual([{ n: 1, l: 0 }]);
  });
});

describe('rows', () => {
  it('of functions that are the same for several l stand once', () => {
    const identity = productPotential(
      buildAceBasis({
        elements: ['Si'],
        radial: 'SBessel',
        nmax: [5, 4, 3],
        lmax: [0, 2, 1],
        pairs: [[{ cutoff: 4, innerCutoff: 0, innerWidth: 0, core: { prefactor: 0, lambda: 0 } }]],
      }),
      new Float64Array(63).fill(1),
      [0],
    );
    const functions = new BondFunctions(identity, 0, 0);
    expect(functions.nRadial).toBe(4);
    expect([...functions.starts].sort()).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
    ]);
    expect(functions.indices.length).toBe(12);
    expect(functions.count).toBe(6);
    expect(bondFunctions(KINDS[0]!).nRadial).toBe(2);
  });
});

describe.each(KINDS)('a row with an inner cutoff by $type', (inner) => {
  const functions = bondFunctions(inner);

  it('is R_nl, the sum of single functions for each density, and the core', () => {
    expect(functions.indices).toEqual([
      { n: 1, l: 0 },
      { n: 2, l: 1 },
    ]);
    expect(functions.count).toBe(5);
    for (const r of [0.9, 1.5, 2.3, 3.8]) {
      const g = new Float64Array(3);
      new ChebyshevPower(4, 3, 2.5).evaluate(r, g, new Float64Array(3), 0);
      const [out, core] = [new Float64Array(2), new Float64Array(2)];
      innerSwitch(r, 2, 0.8, out);
      const off = inner.type === 'distance' ? out[0]! : 0;
      if (inner.type === 'zbl') new SmoothedZbl('Cu', 'Cu', 4, 0.5).evaluate(r, core);
      else coreRepulsion(r, 4, 7, 0.5, core);
      const dot = (row: number): number => g.reduce((sum, x, k) => sum + x * MIXING[3 * row + k]!, 0);
      const smooth = [dot(0), dot(3), 0.5 * g[1]! - g[2]!, 2 * g[1]!];
      const repulsion = inner.type === 'zbl' ? 7 * core[0]! : inner.type === 'distance' ? off * core[0]! : core[0]!;
      const expected = [...smooth.map((x) => (1 - off) * x), repulsion];
      expect(at(functions, r).values).toAgree(expected, { rtol: 1e-13, atol: 1e-14, why: 'the same sums' });
    }
  });

  it('has the slopes of its values, and ends at the cutoff', () => {
    for (const r of [0.8, 1.3, 1.9, 2.1, 3.7, 3.99]) {
      const [below, here, above] = [r - 1e-5, r, r + 1e-5].map((x) => at(functions, x));
      const slopes = above!.values.map((x, k) => (x - below!.values[k]!) / 2e-5);
      expect(here!.slopes).toAgree(slopes, { rtol: 1e-7, atol: 1e-7, why: 'h² of a central difference' });
    }
    expect(at(functions, 4)).toEqual({ values: [0, 0, 0, 0, 0], slopes: [0, 0, 0, 0, 0] });
  });

  it('of another element has its own functions', () => {
    const other = bondFunctions(inner, 1);
    expect(other.indices).toEqual([{ n: 1, l: 0 }]);
    const { values } = at(other, 2.5);
    const g = new Float64Array(3);
    new ChebyshevPower(4, 3, 2.5).evaluate(2.5, g, new Float64Array(3), 0);
    expect(values.slice(1, 3)).toAgree([3 * g[0]!, 4 * g[0]!], { rtol: 1e-14, why: 'single functions of oxygen' });
  });
});
