import { ProductEvaluator } from '../core/descriptors/ace/product-evaluator.ts';
import type { Potential, PotentialResult } from '../core/potentials/potential.ts';
import type { Structure } from '../core/structure/structure.ts';
import type { YaceDocument } from './yace.ts';

/**
 * The potential that a `.yace` file describes, evaluated from its products with exact radial functions: what a simulation
 * program computes, up to its tables.
 */
export function createYacePotential(document: YaceDocument, name = 'yace'): Potential {
  const evaluator = new ProductEvaluator(document.potential);
  return {
    name,
    evaluate: (structure: Structure): PotentialResult => evaluator.evaluate(structure),
  };
}
