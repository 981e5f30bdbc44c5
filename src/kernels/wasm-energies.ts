import type { AceBasis } from '../core/descriptors/ace/basis.ts';
import { productPotential } from '../core/descriptors/ace/product-basis.ts';
import type { AceProgram } from '../core/descriptors/descriptors.ts';
import { InputError } from '../core/errors.ts';
import type { WasmModule } from './wasm-module.ts';
import { compileWasmPotential, type WasmPotential } from './wasm-potential.ts';

function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
}

/**
 * Energies and forces of a basis: its functions as a potential, made when first asked for; weights that differ from those
 * of the last call replace its coefficients.
 */
export function wasmEnergies(module: WasmModule, basis: AceBasis): Pick<AceProgram, 'evaluate' | 'dispose'> {
  const size = basis.offsets.at(-1)!;
  const e0 = basis.specification.elements.map(() => 0);
  let potential: WasmPotential | null = null;
  let current = new Float64Array(0);
  let disposed = false;

  function withWeights(weights: Float64Array): WasmPotential {
    if (weights.length !== size) {
      throw new InputError('WRONG_LENGTH', `weights must have length ${size}, got ${weights.length}`, {
        expected: size,
        got: weights.length,
      });
    }
    if (potential !== null && sameNumbers(current, weights)) return potential;
    const product = productPotential(basis, weights, e0);
    if (potential === null) potential = compileWasmPotential(module, product);
    else potential.setCoefficients(product);
    current = weights.slice();
    return potential;
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
      potential?.dispose();
      potential = null;
    },
  };
}
