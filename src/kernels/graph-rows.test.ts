import { describe, expect, it } from 'vitest';
import { compileHalfGraph } from '../core/descriptors/ace/half-graph.ts';
import type { ProductFunction } from '../core/descriptors/ace/product-basis.ts';
import { RandomStream } from '../core/random.ts';
import { edgeRows, factorRows } from './graph-rows.ts';

const NODE = 64;

/** Random functions of orders 2 to 5. */
function randomFunctions(seed: number): ProductFunction[] {
  const stream = new RandomStream(seed, 'graph-rows');
  const pick = (n: number): number => Math.floor(n * stream.uniform());
  return Array.from({ length: 25 }, (_, k) => {
    const slots = Array.from({ length: 2 + (k % 4) }, () => ({ n: 1 + pick(2), l: pick(3) }));
    return {
      mus: slots.map(() => 0),
      ns: slots.map(({ n }) => n),
      ls: slots.map(({ l }) => l),
      ms: Int8Array.from(slots, ({ l }) => pick(2 * l + 1) - l),
      coefficients: Float64Array.of(1),
    };
  });
}

describe.each([1, 2, 3])('rows of a random graph (%i)', (seed) => {
  const graph = compileHalfGraph(randomFunctions(seed), 1);

  it.each(['head', 'tail'] as const)('by %s hold every edge once, runs by sign', (end) => {
    const [own, other] = end === 'head' ? [graph.heads, graph.tails] : [graph.tails, graph.heads];
    const { count, stream, edges } = edgeRows(graph, own, other, NODE);
    expect([...edges].sort((a, b) => a - b)).toEqual(Array.from(graph.heads.keys()));
    let at = 0;
    let edge = 0;
    let before = -1;
    for (let row = 0; row < count; row++) {
      const node = stream[at]! / NODE;
      expect(node).toBeGreaterThan(before);
      before = node;
      const lengths = stream.slice(at + 1, at + 4);
      at += 4;
      for (const [run, sign] of [1, -1, 0].entries()) {
        for (let k = 0; k < lengths[run]!; k++, at++, edge++) {
          expect(own[edges[edge]!]).toBe(node);
          expect(other[edges[edge]!]! * NODE).toBe(stream[at]);
          expect(graph.signs[edges[edge]!]).toBe(sign);
        }
      }
    }
    expect([at, edge]).toEqual([stream.length, graph.heads.length]);
  });

  it('by factor hold both factors of every product, those of later products first', () => {
    const { count, stream } = factorRows(graph, NODE);
    const found: string[] = [];
    let at = 0;
    let before = Number.POSITIVE_INFINITY;
    for (let row = 0; row < count; row++) {
      const factor = stream[at]! / NODE;
      expect(factor).toBeLessThan(before);
      before = factor;
      const lengths = stream.slice(at + 1, at + 5);
      at += 5;
      for (const [role, length] of lengths.entries()) {
        for (let k = 0; k < length; k++, at += 2) {
          const [product, beside] = [stream[at]! / NODE, stream[at + 1]! / NODE];
          expect(product).toBeGreaterThan(factor);
          const conjugated = graph.conjugated[product - graph.components] === 1;
          const isRight = role === 2 || (!conjugated && graph.right[product - graph.components] === factor);
          if (role === 2) expect(conjugated).toBe(true);
          if (role === 3) expect(graph.real[beside]).toBe(1);
          found.push([product, ...(isRight ? [beside, factor] : [factor, beside])].join());
        }
      }
    }
    expect(at).toBe(stream.length);
    const products = Array.from(graph.left, (a, k) => [graph.components + k, a, graph.right[k]!].join());
    expect(new Set(found)).toEqual(new Set(products));
    expect(found.length).toBe(2 * products.length);
  });
});
