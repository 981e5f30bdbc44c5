import type { AceBasis } from './basis.ts';
import { compileProducts, componentLayout } from './products.ts';

/** Multiply-adds of a product node, forwards and back, and of a pair of nodes that the coefficients weigh. */
const PER_PRODUCT = 12;
const PER_PAIR = 8;
/** Multiply-adds of a component of the atomic base for each neighbour, forwards and back. */
const PER_COMPONENT = 10;

/**
 * Estimate of the arithmetic of one energy and its forces for an atom, in multiply-adds. Products of components that
 * several functions share are computed once and the coefficients of functions with equal products are summed
 * beforehand, so this grows far more slowly than the number of functions.
 *
 * @param neighbours mean number of neighbours within the cutoff
 */
export function evaluationCost(basis: AceBasis, neighbours: number): number {
  const layout = componentLayout(basis.specification.elements.length, basis.functions);
  // Every central element has the same functions.
  const functions = basis.functions[0]!;
  const program = compileProducts(functions, layout);
  const momenta = new Map<string, number>();
  for (const fn of functions) {
    fn.ns.forEach((n, t) => {
      momenta.set(`${n},${fn.ls[t]!}`, fn.ls[t]!);
    });
  }
  const components = [...momenta.values()].reduce((sum, l) => sum + l + 1, 0);
  return (
    PER_PRODUCT * (program.nLeafNodes - program.nComponents - 1) +
    PER_PAIR * program.pairLeft.length +
    PER_COMPONENT * neighbours * components
  );
}
