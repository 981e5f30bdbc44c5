import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DensityGraph } from './density-graph.ts';
import { harmonicNorm } from './neighborhood.ts';
import type { ProductFunction } from './product-basis.ts';

const LMAX = 3;
const NMAX = 2;
const PER_N = ((LMAX + 1) * (LMAX + 2)) / 2;
const place = (mu: number, n: number, l: number, m: number): number =>
  (mu * NMAX + n - 1) * PER_N + (l * (l + 1)) / 2 + m;
const real = Array.from({ length: 2 * NMAX * PER_N }, (_, c) => {
  const lm = c % PER_N;
  return Array.from({ length: LMAX + 1 }, (__, l) => (l * (l + 1)) / 2).includes(lm);
});

/** Functions of a given order: slots with momenta that can add up to m = 0, and a few terms. */
function functionsOf(order: number): fc.Arbitrary<ProductFunction> {
  const slot = fc.record({ mu: fc.nat(1), n: fc.integer({ min: 1, max: NMAX }), l: fc.nat(LMAX) });
  const slots = fc.array(slot, { minLength: order, maxLength: order });
  const terms = fc.array(
    fc.tuple(
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: order, maxLength: order }),
      fc.nat(1e6),
    ),
    { minLength: 1, maxLength: 6 },
  );
  return fc.tuple(slots, terms).map(([own, drawn]) => ({
    mus: own.map(({ mu }) => mu),
    ns: own.map(({ n }) => n),
    ls: own.map(({ l }) => l),
    ms: Int8Array.from(drawn.flatMap(([xs]) => xs.map((x, t) => Math.round(x * own[t]!.l)))),
    coefficients: Float64Array.from(drawn.flatMap(([, seed]) => [Math.sin(seed), Math.cos(seed)])),
  }));
}

/** ρ_p, term by term. */
function densities(functions: readonly ProductFunction[], base: Float64Array): [number, number] {
  const sums: [number, number] = [0, 0];
  for (const { mus, ns, ls, ms, coefficients } of functions) {
    const order = mus.length;
    for (let k = 0; order > 1 && k < ms.length / order; k++) {
      let [re, im] = [1, 0];
      for (let t = 0; t < order; t++) {
        const m = ms[k * order + t]!;
        const at = 2 * place(mus[t]!, ns[t]!, ls[t]!, Math.abs(m));
        const norm = harmonicNorm(ls[t]!, Math.abs(m)) * (m < 0 && m % 2 !== 0 ? -1 : 1);
        const [a, b] = [norm * base[at]!, (m < 0 ? -1 : 1) * norm * base[at + 1]!];
        [re, im] = [re * a - im * b, re * b + im * a];
      }
      sums[0] += coefficients[2 * k]! * re;
      sums[1] += coefficients[2 * k + 1]! * re;
    }
  }
  return sums;
}

function randomBase(seed: number): Float64Array {
  return Float64Array.from({ length: 2 * real.length }, (_, k) =>
    k % 2 === 1 && real[k >> 1] ? 0 : 0.3 * Math.sin(1 + seed + 12.9898 * k * k),
  );
}

const anyFunctions = fc.array(fc.oneof(...[1, 2, 3, 4, 5, 6].map(functionsOf)), { minLength: 1, maxLength: 12 });

describe('densities as a graph', () => {
  it('are the sums of the terms', () => {
    fc.assert(
      fc.property(anyFunctions, fc.nat(1000), (functions, seed) => {
        const graph = new DensityGraph(functions, 2, place, real);
        const base = randomBase(seed);
        graph.values.set(base);
        const out = Float64Array.of(10, 20);
        graph.addDensities(out);
        const [first, second] = densities(functions, base);
        const size = Math.max(1, ...functions.map(({ ls }) => 3 ** ls.length));
        expect(out).toAgree([10 + first, 20 + second], { atol: 1e-12 * size, why: 'the same sums' });
      }),
      { numRuns: 200 },
    );
  });

  it('have the derivatives of an energy by A', () => {
    fc.assert(
      fc.property(anyFunctions, fc.nat(1000), (functions, seed) => {
        const graph = new DensityGraph(functions, 2, place, real);
        const base = randomBase(seed);
        graph.values.set(base);
        graph.addDensities(new Float64Array(2));
        graph.differentiate(Float64Array.of(0.7, -1.3));
        const used = [...graph.adjoint.subarray(0, 2 * graph.components).keys()].filter((k) => graph.adjoint[k] !== 0);
        for (const k of used.slice(0, 12)) {
          const at = (h: number): number => {
            const moved = base.slice();
            moved[k]! += h;
            const [first, second] = densities(functions, moved);
            return 0.7 * first - 1.3 * second;
          };
          if (k % 2 === 1 && real[k >> 1]) continue;
          const slope = (at(1e-4) - at(-1e-4)) / 2e-4;
          const size = Math.max(1, ...functions.map(({ ls }) => 3 ** ls.length));
          expect(graph.adjoint[k]).toAgree(slope, { atol: 1e-6 * size, rtol: 1e-6, why: 'h² of a difference' });
        }
      }),
      { numRuns: 50 },
    );
  });

  it('merge what is equal up to order and conjugation, and drop what cancels', () => {
    const term = (ls: number[], ms: number[], c: number): ProductFunction => ({
      mus: ls.map(() => 0),
      ns: ls.map(() => 1),
      ls,
      ms: Int8Array.from(ms),
      coefficients: Float64Array.of(c, 0),
    });
    const twice = [term([1, 2], [1, -1], 1), term([2, 1], [1, -1], 1), term([1, 2], [-1, 1], 0.5)];
    expect(new DensityGraph(twice, 2, place, real).edges).toBe(1);
    expect(new DensityGraph([...twice, term([1, 2], [1, -1], -2.5)], 2, place, real).edges).toBe(0);
  });

  it('share products: terms of three need few pairs', () => {
    // All products A_1 A_m A_n of eight components by one of them: one edge each, and as few nodes as there are pairs.
    const functions: ProductFunction[] = [];
    for (let l = 0; l <= 3; l++) {
      for (let k = l; k <= 3; k++) {
        functions.push({
          mus: [0, 0, 0],
          ns: [1, 2, 2],
          ls: [0, l, k],
          ms: new Int8Array(3),
          coefficients: Float64Array.of(1, 2),
        });
      }
    }
    const graph = new DensityGraph(functions, 2, place, real);
    expect(graph.edges).toBe(10);
    expect(graph.nodes - graph.components).toBe(4);
  });
});
