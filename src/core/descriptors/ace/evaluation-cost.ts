import type { AceBasis, AceFunction } from './basis.ts';
import { componentLayout } from './products.ts';

/** Multiply-adds of a product of components, forwards and back, and of a pair of products that the coefficients weigh. */
const PER_PRODUCT = 12;
const PER_PAIR = 8;
/** Multiply-adds of a component of the atomic base for each neighbour, forwards and back. */
const PER_COMPONENT = 10;

/** Different products of components, and different pairs of them that the terms of some functions end in. */
function countProducts(functions: readonly AceFunction[]): { products: number; pairs: number } {
  const products = new Set<string>();
  const pairs = new Set<string>();
  for (const { order, mus, ns, ls, ms, coefficients } of functions) {
    if (order === 1) continue;
    const half = Math.ceil(order / 2);
    for (let k = 0; k < coefficients.length; k++) {
      const factors = ns.map((n, t) => `${mus[t]!}.${n}.${ls[t]!}.${ms[k * order + t]!}`).sort();
      for (const [from, to] of [
        [0, half],
        [half, order],
      ] as const) {
        for (let end = from + 2; end <= to; end++) products.add(factors.slice(from, end).join());
      }
      pairs.add(factors.join());
    }
  }
  return { products: products.size, pairs: pairs.size };
}

/**
 * Estimate of the arithmetic of one energy and its forces for an atom, in multiply-adds. Products of components that
 * several functions share are computed once and the coefficients of functions with equal products are summed
 * beforehand, so this grows far more slowly than the number of functions.
 *
 * @param neighbours mean number of neighbours within the cutoff
 */
export function evaluationCost(basis: AceBasis, neighbours: number): number {
  const { perElement } = componentLayout(basis.specification.elements.length, basis.functions);
  // Every central element has the same functions.
  const { products, pairs } = countProducts(basis.functions[0]!);
  return PER_PRODUCT * products + PER_PAIR * pairs + PER_COMPONENT * neighbours * perElement;
}
