import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../random.ts';
import type { AceFunction } from './basis.ts';
import { buildAceBasis } from './enumerate.ts';
import { ProductGraph } from './product-graph.ts';
import { type ComponentLayout, compileProducts, componentLayout } from './products.ts';

interface Case {
  readonly name: string;
  readonly nElements: number;
  readonly nmax: readonly number[];
  readonly lmax: readonly number[];
}
const CASES: Case[] = [
  { name: 'orders 1 to 3', nElements: 1, nmax: [5, 3, 2], lmax: [0, 3, 2] },
  { name: 'two elements', nElements: 2, nmax: [4, 2, 2], lmax: [0, 2, 1] },
  { name: 'order 4', nElements: 1, nmax: [3, 2, 2, 2], lmax: [0, 2, 1, 2] },
  { name: 'orders 5 and 6', nElements: 1, nmax: [2, 2, 2, 2, 2, 1], lmax: [0, 2, 1, 1, 1, 1] },
  { name: 'l largest at order 3', nElements: 1, nmax: [4, 3, 2], lmax: [0, 1, 3] },
];

function functionsOf({ nElements, nmax, lmax }: Case): readonly AceFunction[] {
  const elements = ['C', 'N', 'O'].slice(0, nElements);
  const pair = { cutoff: 4, innerCutoff: 0, innerWidth: 0, core: { prefactor: 0, lambda: 0 } };
  const pairs = elements.map(() => elements.map(() => pair));
  return buildAceBasis({ elements, radial: 'SBessel', nmax, lmax, pairs }).functions[0]!;
}

/** Random A with real A_l0. */
function randomBase(layout: ComponentLayout, seed: number): Float64Array {
  const stream = new RandomStream(seed, 'base');
  const base = Float64Array.from({ length: 2 * layout.nElements * layout.perElement }, () => stream.normal());
  for (let mu = 0; mu < layout.nElements; mu++) {
    for (let l = 0; l <= layout.lmax; l++) {
      const start = mu * layout.perElement + layout.starts[(l * (l + 1)) / 2]!;
      for (let n = 0; n < layout.counts[l]!; n++) base[2 * (start + n) + 1] = 0;
    }
  }
  return base;
}

/** B by its definition, Σ C_m Re Π A, with A_{l,−m} = (−1)^m conj A_lm. */
function direct(fn: AceFunction, layout: ComponentLayout, base: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < fn.coefficients.length; k++) {
    let [re, im] = [1, 0];
    for (let t = 0; t < fn.order; t++) {
      const m = fn.ms[k * fn.order + t]!;
      const l = fn.ls[t]!;
      const size = Math.abs(m);
      const c = fn.mus[t]! * layout.perElement + layout.starts[(l * (l + 1)) / 2 + size]! + fn.ns[t]! - 1;
      const sign = m < 0 && size % 2 === 1 ? -1 : 1;
      const [ar, ai] = [sign * base[2 * c]!, (m < 0 ? -1 : 1) * sign * base[2 * c + 1]!];
      [re, im] = [re * ar - im * ai, re * ai + im * ar];
    }
    sum += fn.coefficients[k]! * re;
  }
  return sum;
}

describe.each(CASES)('products, $name', (c) => {
  const functions = functionsOf(c);
  const layout = componentLayout(c.nElements, [functions]);
  const program = compileProducts(functions, layout);
  const graph = new ProductGraph(program);
  const base = randomBase(layout, 3);
  const values = (from: Float64Array): Float64Array => {
    graph.values.set(from);
    graph.computeProducts(program.nLeafNodes);
    const out = new Float64Array(functions.length);
    graph.functionValues(out, 0);
    return out;
  };
  const whole = values(base);

  it('gives the value of every function', () => {
    functions.forEach((fn, v) => {
      expect(whole[v]).toAgree(direct(fn, layout, base), {
        atol: 1e-12,
        rtol: 1e-12,
        why: 'another order of the products',
      });
    });
  });

  it('the energy is their weighted sum, and the adjoint its derivative', () => {
    const stream = new RandomStream(9, 'weights');
    const weights = Float64Array.from({ length: functions.length + 2 }, () => stream.normal());
    graph.setWeights(weights, 2);
    graph.values.set(base);
    const energy = graph.energyAndAdjoint();
    const expected = whole.reduce((sum, b, v) => sum + weights[v + 2]! * b, 0);
    expect(energy).toAgree(expected, { rtol: 1e-12, atol: 1e-11, why: 'two routes to the same sum' });
    const adjoint = graph.adjoint.slice(0, base.length);
    const h = 1e-5;
    const direction = randomBase(layout, 12);
    const at = (step: number): number =>
      values(base.map((a, k) => a + step * direction[k]!)).reduce((sum, b, v) => sum + weights[v + 2]! * b, 0);
    const slope = adjoint.reduce((sum, a, k) => sum + a * direction[k]!, 0);
    const scale = adjoint.reduce((sum, a) => sum + Math.abs(a), 0);
    expect((at(h) - at(-h)) / (2 * h)).toAgree(slope, { atol: 1e-8 * scale, why: 'h² of a central difference' });
  });

  it('the sparse rows are the derivatives of every function', () => {
    graph.values.set(base);
    graph.computeProducts(program.nNodes);
    const dense = functions.map(() => new Float64Array(base.length));
    program.jacobian.forEach((block, mu) => {
      for (let row = 0; row < block.functions.length; row++) {
        for (let e = block.rows[row]!; e < block.rows[row + 1]!; e++) {
          let sum = 0;
          for (let k = block.contributions[e]!; k < block.contributions[e + 1]!; k++) {
            sum += block.coefficients[k]! * graph.values[block.sources[k]!]!;
          }
          dense[block.functions[row]!]![2 * mu * layout.perElement + block.components[e]!] = sum;
        }
      }
    });
    const h = 1e-5;
    const direction = randomBase(layout, 21);
    const up = values(base.map((a, k) => a + h * direction[k]!));
    const down = values(base.map((a, k) => a - h * direction[k]!));
    functions.forEach((fn, v) => {
      const slope = dense[v]!.reduce((sum, d, k) => sum + d * direction[k]!, 0);
      const scale = 1 + dense[v]!.reduce((sum, d) => sum + Math.abs(d), 0);
      expect((up[v]! - down[v]!) / (2 * h)).toAgree(slope, { atol: 1e-7 * scale, why: 'h² of a central difference' });
      // Each B is homogeneous of the degree of its order (Euler).
      const degree = dense[v]!.reduce((sum, d, k) => sum + d * base[k]!, 0);
      expect(degree).toAgree(fn.order * whole[v]!, { atol: 1e-10 * scale, why: 'rounding of a short sum' });
    });
  });
});

describe('sharing', () => {
  const c: Case = { name: '', nElements: 1, nmax: [8, 4, 4], lmax: [0, 3, 3] };
  const functions = functionsOf(c);
  const layout = componentLayout(1, [functions]);
  const program = compileProducts(functions, layout);

  it('lays out only the n that some order uses at each l', () => {
    expect([...layout.counts]).toEqual([8, 4, 4, 4]);
    expect(layout.perElement).toBe(8 + 4 * (2 + 3 + 4));
    const other = functionsOf({ name: '', nElements: 2, nmax: [5, 3, 2], lmax: [0, 1, 3] });
    expect([...componentLayout(2, [other, other]).counts]).toEqual([5, 3, 2, 2]);
    // What no function of any central element uses has no place: here order 3 and the second half of order 1.
    const few = other.filter(({ order, ns }) => order === 2 || (order === 1 && ns[0]! < 4));
    expect([...componentLayout(2, [few.slice(0, 2), few]).counts]).toEqual([3, 3]);
    expect([...componentLayout(1, [other.filter(({ order }) => order === 1)]).counts]).toEqual([5]);
  });

  it('makes each product once and keeps factors before products', () => {
    const seen = new Set<string>();
    program.left.forEach((left, k) => {
      const node = program.nComponents + 1 + k;
      expect(left < node && program.right[k]! < node).toBe(true);
      seen.add(`${left}|${program.right[k]}|${program.conjugated[k]}`);
    });
    expect(seen.size).toBe(program.left.length);
    const terms = functions.reduce((sum, { coefficients }) => sum + coefficients.length, 0);
    expect(program.nLeafNodes - program.nComponents - 1).toBeLessThan(terms / 2);
    expect(program.leafPairs.length).toBeLessThanOrEqual(terms);
  });
});
