import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../random.ts';
import { compileHalfGraph, edgeCoefficients, type HalfGraph } from './half-graph.ts';
import { harmonicNorm } from './neighborhood.ts';
import type { ProductFunction } from './product-basis.ts';

/** One slot of a function and the m of its terms. */
type Slot = readonly [mu: number, n: number, l: number, m: number];

function functionOf(slots: readonly Slot[], coefficients: readonly number[], extra: readonly number[][] = []) {
  return {
    mus: slots.map(([mu]) => mu),
    ns: slots.map(([, n]) => n),
    ls: slots.map(([, , l]) => l),
    ms: Int8Array.from([slots.map(([, , , m]) => m), ...extra].flat()),
    coefficients: Float64Array.from(coefficients),
  };
}

const slot: fc.Arbitrary<Slot> = fc
  .tuple(fc.nat(1), fc.integer({ min: 1, max: 3 }), fc.nat(3), fc.integer({ min: -3, max: 3 }))
  .map(([mu, n, l, m]) => [mu, n, l, Math.max(-l, Math.min(l, m))] as const);
const functionLists = fc.array(
  fc
    .tuple(fc.array(slot, { minLength: 1, maxLength: 6 }), fc.double({ min: -1, max: 1, noNaN: true }))
    .map(([slots, c]) => functionOf(slots, [c, 0.5 - c])),
  { minLength: 1, maxLength: 12 },
);

/** Complex components, real for m = 0. */
function randomComponents(graph: HalfGraph): Float64Array {
  const stream = new RandomStream(2, 'components');
  const values = new Float64Array(2 * graph.nodes);
  for (let c = 0; c < graph.components; c++) {
    values[2 * c] = stream.normal();
    values[2 * c + 1] = graph.real[c] === 1 ? 0 : stream.normal();
  }
  return values;
}

/** ρ_p by the graph. */
function densitiesOf(graph: HalfGraph, values: Float64Array, coefficients: Float64Array, densities: number): number[] {
  graph.left.forEach((a, k) => {
    const b = graph.right[k]!;
    const sign = graph.conjugated[k] === 1 ? -1 : 1;
    const [ar, ai, br, bi] = [values[2 * a]!, values[2 * a + 1]!, values[2 * b]!, sign * values[2 * b + 1]!];
    const node = graph.components + k;
    values[2 * node] = ar * br - ai * bi;
    values[2 * node + 1] = ar * bi + ai * br;
  });
  return Array.from({ length: densities }, (_, p) =>
    graph.heads.reduce((sum, h, edge) => {
      const b = graph.tails[edge]!;
      const product = values[2 * h]! * values[2 * b]! + graph.signs[edge]! * values[2 * h + 1]! * values[2 * b + 1]!;
      return sum + coefficients[edge * densities + p]! * product;
    }, 0),
  );
}

/** ρ_p term by term as files define it. */
function densitiesDirectly(
  functions: readonly ProductFunction[],
  graph: HalfGraph,
  values: Float64Array,
  densities: number,
) {
  const sums = new Array<number>(densities).fill(0);
  for (const { mus, ns, ls, ms, coefficients } of functions) {
    const order = mus.length;
    for (let k = 0; order > 1 && k < ms.length / order; k++) {
      let [re, im] = [1, 0];
      for (let t = 0; t < order; t++) {
        const { ns: own, starts } = graph.blocks[mus[t]!]!;
        const [l, m] = [ls[t]!, ms[k * order + t]!];
        const size = Math.abs(m);
        const c = starts[l]! + size * own[l]!.length + own[l]!.indexOf(ns[t]!);
        const norm = harmonicNorm(l, size) * (m < 0 && size % 2 === 1 ? -1 : 1);
        const [a, b] = [norm * values[2 * c]!, norm * (m < 0 ? -1 : 1) * values[2 * c + 1]!];
        [re, im] = [re * a - im * b, re * b + im * a];
      }
      for (let p = 0; p < densities; p++) sums[p] = sums[p]! + coefficients[k * densities + p]! * re;
    }
  }
  return sums;
}

describe('compileHalfGraph', () => {
  it('has the densities of the terms for any functions of orders up to 6', () => {
    fc.assert(
      fc.property(functionLists, (functions) => {
        const graph = compileHalfGraph(functions, 2);
        const values = randomComponents(graph);
        const direct = densitiesDirectly(functions, graph, values, 2);
        const byGraph = densitiesOf(graph, values, edgeCoefficients(graph, functions, 2), 2);
        const scale = Math.max(1, ...direct.map(Math.abs), ...values.map((x) => Math.abs(x) ** 6));
        expect(byGraph).toAgree(direct, { atol: 1e-10 * scale, why: 'the same sum of products in another order' });
      }),
      { numRuns: 150 },
    );
  });

  it('makes every product after its factors, and no product twice', () => {
    fc.assert(
      fc.property(functionLists, (functions) => {
        const graph = compileHalfGraph(functions, 2);
        const seen = new Set<string>();
        graph.left.forEach((a, k) => {
          const b = graph.right[k]!;
          expect(Math.max(a, b)).toBeLessThan(graph.components + k);
          seen.add(`${Math.min(a, b)} ${Math.max(a, b)} ${graph.conjugated[k]}`);
        });
        expect(seen.size).toBe(graph.left.length);
        const edges = new Set(Array.from(graph.heads, (h, e) => `${h} ${graph.tails[e]} ${graph.signs[e]}`));
        expect(edges.size).toBe(graph.heads.length);
        graph.heads.forEach((h, e) => {
          expect(h).toBeGreaterThanOrEqual(graph.tails[e]!);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('lays out only the radial functions that occur, all m of each l', () => {
    const graph = compileHalfGraph(
      [
        functionOf(
          [
            [1, 3, 2, 1],
            [1, 1, 2, -1],
          ],
          [1],
        ),
        functionOf(
          [
            [1, 1, 0, 0],
            [1, 1, 0, 0],
          ],
          [1],
        ),
        functionOf([[0, 2, 5, 0]], [1]),
      ],
      2,
    );
    expect(graph.blocks[0]).toEqual({ lmax: -1, ns: [], starts: [] });
    expect(graph.blocks[1]).toEqual({ lmax: 2, ns: [[1], [], [1, 3]], starts: [0, 1, 1] });
    expect(graph.components).toBe(7);
    expect(Array.from(graph.real.subarray(0, 7))).toEqual([1, 1, 1, 0, 0, 0, 0]);
  });

  it('a term and its conjugate share an edge, and a product with its own conjugate is real', () => {
    const a: Slot = [0, 1, 2, 1];
    const b: Slot = [0, 2, 2, 2];
    const conjugate = ([mu, n, l, m]: Slot): Slot => [mu, n, l, -m];
    const pairs = [functionOf([a, b], [1]), functionOf([conjugate(a), conjugate(b)], [1])];
    const shared = compileHalfGraph(pairs, 1);
    expect(shared.heads.length).toBe(1);
    expect(Array.from(shared.termEdges)).toEqual([0, 0]);
    // (−1)^m of one factor each.
    expect(shared.termScales[1]! / shared.termScales[0]!).toAgree(-1, { rtol: 1e-15, why: 'A_{−1} = −conj A_1' });
    const square = compileHalfGraph([functionOf([a, conjugate(a), b], [1])], 1);
    const made = square.left.findIndex((left, k) => left === square.right[k]);
    if (made >= 0) expect(square.real[square.components + made]).toBe(1);
    expect(square.heads.length).toBe(1);
  });

  it('shares pairs among terms of three', () => {
    const first: Slot = [0, 1, 1, 1];
    const second: Slot = [0, 2, 1, -1];
    const functions = [1, 2, 3].map((n) => functionOf([first, second, [0, n, 0, 0]], [1]));
    const graph = compileHalfGraph(functions, 1);
    expect(graph.left.length).toBe(1);
    expect(graph.heads.length).toBe(3);
  });
});

describe('edgeCoefficients', () => {
  it('is linear in the coefficients, which the graph does not depend on', () => {
    const slots: Slot[] = [
      [0, 1, 1, 1],
      [0, 2, 1, -1],
      [0, 1, 0, 0],
      [0, 2, 2, 0],
    ];
    const make = (c: number) => [
      functionOf(slots, [c, 2 * c], [[-1, 1, 0, 0]]),
      functionOf(slots.slice(0, 2), [3 * c]),
    ];
    const [one, two] = [make(1), make(2)];
    const [a, b] = [compileHalfGraph(one, 1), compileHalfGraph(two, 1)];
    expect(b).toEqual(a);
    expect(edgeCoefficients(a, two, 1)).toEqual(edgeCoefficients(a, one, 1).map((c) => 2 * c));
    expect(edgeCoefficients(a, make(0), 1).every((c) => c === 0)).toBe(true);
  });
});
