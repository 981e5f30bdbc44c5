import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DensityGraph } from './density-graph.ts';
import { compileHalfGraph, type HalfGraph } from './half-graph.ts';
import { harmonicNorm } from './neighborhood.ts';
import type { ProductFunction } from './product-basis.ts';

/** Functions of an order, two densities: slots of two elements, n ≤ 2, l ≤ 3, and a few terms. */
function functionsOf(order: number): fc.Arbitrary<ProductFunction> {
  const slot = fc.record({ mu: fc.nat(1), n: fc.integer({ min: 1, max: 2 }), l: fc.nat(3) });
  const slots = fc.array(slot, { minLength: order, maxLength: order });
  const size = fc.double({ min: -1, max: 1, noNaN: true });
  const term = fc.tuple(fc.array(size, { minLength: order, maxLength: order }), fc.nat(1e6));
  return fc.tuple(slots, fc.array(term, { minLength: 1, maxLength: 6 })).map(([own, terms]) => ({
    mus: own.map(({ mu }) => mu),
    ns: own.map(({ n }) => n),
    ls: own.map(({ l }) => l),
    ms: Int8Array.from(terms.flatMap(([sizes]) => sizes.map((x, t) => Math.round(x * own[t]!.l)))),
    coefficients: Float64Array.from(terms.flatMap(([, seed]) => [Math.sin(seed), Math.cos(seed)])),
  }));
}
const anyFunctions = fc.array(fc.oneof(...[1, 2, 3, 4, 5, 6].map(functionsOf)), { minLength: 1, maxLength: 12 });

/** Place of Re A_{μnlm}, m ≥ 0. */
function placeOf({ blocks }: HalfGraph, mu: number, n: number, l: number, m: number): number {
  const { ns, starts } = blocks[mu]!;
  return 2 * (starts[l]! + m * ns[l]!.length + ns[l]!.indexOf(n));
}

/** ρ_p, term by term. */
function densities(graph: HalfGraph, functions: readonly ProductFunction[], base: Float64Array): [number, number] {
  const sums: [number, number] = [0, 0];
  for (const { mus, ns, ls, ms, coefficients } of functions) {
    const order = mus.length;
    for (let k = 0; order > 1 && k < ms.length / order; k++) {
      let [re, im] = [1, 0];
      for (let t = 0; t < order; t++) {
        const m = ms[k * order + t]!;
        const size = Math.abs(m);
        const at = placeOf(graph, mus[t]!, ns[t]!, ls[t]!, size);
        const norm = harmonicNorm(ls[t]!, size) * (m < 0 && size % 2 === 1 ? -1 : 1);
        const [a, b] = [norm * base[at]!, (m < 0 ? -1 : 1) * norm * base[at + 1]!];
        [re, im] = [re * a - im * b, re * b + im * a];
      }
      sums[0] += coefficients[2 * k]! * re;
      sums[1] += coefficients[2 * k + 1]! * re;
    }
  }
  return sums;
}

/** Some A, real where m = 0. */
function someBase(graph: HalfGraph, seed: number): Float64Array {
  return Float64Array.from({ length: 2 * graph.components }, (_, k) =>
    k % 2 === 1 && graph.real[k >> 1] ? 0 : 0.3 * Math.sin(1 + seed + 12.9898 * k * k),
  );
}

/** Size of the terms: the constants of harmonics grow with l. */
const scaleOf = (functions: readonly ProductFunction[]): number =>
  Math.max(1, ...functions.map(({ ls }) => ls.reduce((product, l) => product * (1 + l * l), 1)));

describe('densities', () => {
  it('are the sums of the terms, added to what is there', () => {
    fc.assert(
      fc.property(anyFunctions, fc.nat(1000), (functions, seed) => {
        const graph = compileHalfGraph(functions, 2);
        const evaluator = new DensityGraph(graph, functions, 2);
        const base = someBase(graph, seed);
        evaluator.values.set(base);
        const out = Float64Array.of(10, 20);
        evaluator.addDensities(out);
        const [first, second] = densities(graph, functions, base);
        expect(out).toAgree([10 + first, 20 + second], { atol: 1e-12 * scaleOf(functions), why: 'the same sums' });
      }),
      { numRuns: 200 },
    );
  });

  it('have the derivatives of an energy by A', () => {
    fc.assert(
      fc.property(anyFunctions, fc.nat(1000), (functions, seed) => {
        const graph = compileHalfGraph(functions, 2);
        const evaluator = new DensityGraph(graph, functions, 2);
        const base = someBase(graph, seed);
        evaluator.values.set(base);
        evaluator.addDensities(new Float64Array(2));
        evaluator.differentiate(Float64Array.of(0.7, -1.3));
        for (let k = 0; k < base.length; k += 3) {
          if (k % 2 === 1 && graph.real[k >> 1]) continue;
          const at = (h: number): number => {
            const moved = base.slice();
            moved[k]! += h;
            const [first, second] = densities(graph, functions, moved);
            return 0.7 * first - 1.3 * second;
          };
          expect(evaluator.adjoint[k]).toAgree((at(1e-4) - at(-1e-4)) / 2e-4, {
            atol: 1e-6 * scaleOf(functions),
            why: 'h² of a central difference',
          });
        }
      }),
      { numRuns: 50 },
    );
  });

  it('of functions of one factor are left to others', () => {
    const single: ProductFunction = {
      mus: [0],
      ns: [1],
      ls: [0],
      ms: new Int8Array(1),
      coefficients: Float64Array.of(2),
    };
    const graph = compileHalfGraph([single], 1);
    const evaluator = new DensityGraph(graph, [single], 1);
    const out = new Float64Array(1);
    evaluator.addDensities(out);
    evaluator.differentiate(Float64Array.of(1));
    expect([graph.components, out[0], evaluator.adjoint.length]).toEqual([0, 0, 0]);
  });
});
