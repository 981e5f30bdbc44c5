import type { PotentialProgram } from '../descriptors.ts';
import type { ProductPotential } from './product-basis.ts';
import { ProductEvaluator } from './product-evaluator.ts';

/**
 * A potential made ready to run in plain TypeScript.
 *
 * @param radial  `exact` radial functions, or `tabulated` as piecewise polynomials
 */
export function createPotentialProgram(
  potential: ProductPotential,
  _radial: 'tabulated' | 'exact' = 'tabulated',
): PotentialProgram {
  const evaluator = new ProductEvaluator(potential);
  return {
    potential,
    cutoff: evaluator.cutoff,
    evaluate: (batch, options) => batch.map((structure, index) => evaluator.evaluate(structure, options, index)),
    dispose: () => {},
  };
}
