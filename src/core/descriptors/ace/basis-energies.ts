import { InputError } from '../../errors.ts';
import type { AceProgram, PotentialProgram } from '../descriptors.ts';
import type { AceBasis } from './basis.ts';
import { type ProductPotential, productPotential } from './product-basis.ts';
import { basisColumns } from './two-density.ts';

/** A program that may take over the coefficients of a potential whose functions have the same indices. */
type Reusable = PotentialProgram & { setCoefficients?(potential: ProductPotential): void };

function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
}

/**
 * Energies and forces of a basis: its functions as a potential, made when first asked for; weights that differ from those
 * of the last call replace its coefficients, or the potential where it cannot take them over.
 *
 * @param compile makes a potential ready to run
 */
export function basisEnergies(
  basis: AceBasis,
  compile: (potential: ProductPotential) => Reusable,
): Pick<AceProgram, 'evaluate' | 'dispose'> {
  const size = basisColumns(basis);
  const e0 = basis.specification.elements.map(() => 0);
  let program: Reusable | null = null;
  let current = new Float64Array(0);
  let disposed = false;

  function withWeights(weights: Float64Array): Reusable {
    if (weights.length !== size) {
      throw new InputError('WRONG_LENGTH', `weights must have length ${size}, got ${weights.length}`, {
        expected: size,
        got: weights.length,
      });
    }
    if (program !== null && sameNumbers(current, weights)) return program;
    const potential = productPotential(basis, weights, e0);
    if (program?.setCoefficients !== undefined) program.setCoefficients(potential);
    else {
      program?.dispose();
      program = compile(potential);
    }
    current = weights.slice();
    return program;
  }

  return {
    evaluate(batch, weights, options) {
      if (disposed) {
        throw new InputError('KERNEL_DISPOSED', 'program must be open to be evaluated, but was disposed of');
      }
      return withWeights(weights).evaluate(batch, options);
    },
    dispose() {
      disposed = true;
      program?.dispose();
      program = null;
    },
  };
}
