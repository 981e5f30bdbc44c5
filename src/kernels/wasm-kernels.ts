import { createFactor } from '../core/regression/factor.ts';
import type { Kernels } from './kernels.ts';
import { typescriptKernels } from './typescript-kernels.ts';
import { wasmLinear } from './wasm-linear.ts';
import { wasmRows } from './wasm-rows.ts';
import type { WasmModule } from './wasm-module.ts';

/**
 * Kernels in WebAssembly with 128-bit SIMD; what the module does not hold comes from the TypeScript twin.
 *
 * @param name  of the variant, as a run stores it
 */
export function wasmKernels(module: WasmModule, name: string): Kernels {
  const twin = typescriptKernels();
  const linear = wasmLinear(module);
  return {
    ...twin,
    ...linear,
    name,
    prepare: (basis) => {
      const plain = twin.prepare(basis);
      const { rows, descriptors } = wasmRows(module, basis);
      return {
        basis,
        size: plain.size,
        evaluate: (batch, weights, options) => plain.evaluate(batch, weights, options),
        rows,
        descriptors,
        dispose: () => plain.dispose(),
      };
    },
    factor: (columns) => createFactor(columns, linear.eliminate),
  };
}
