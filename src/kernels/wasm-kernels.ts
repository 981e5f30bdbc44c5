import type { AceProgram } from '../core/descriptors/descriptors.ts';
import { basisEnergies } from '../core/descriptors/ace/basis-energies.ts';
import { createTwoDensityProgram } from '../core/descriptors/ace/two-density-program.ts';
import { createFactor } from '../core/regression/factor.ts';
import type { Kernels } from './kernels.ts';
import { typescriptKernels } from './typescript-kernels.ts';
import { wasmLinear } from './wasm-linear.ts';
import type { WasmModule } from './wasm-module.ts';
import { compileWasmPotential, MAX_DENSITIES } from './wasm-potential.ts';
import { wasmRows } from './wasm-rows.ts';

/**
 * Kernels in WebAssembly with 128-bit SIMD; what the module does not hold comes from the TypeScript twin: exact radial
 * functions, and potentials of more than two densities.
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
    compile: (potential, radial = 'tabulated') => {
      const densities = potential.embeddings[0]!.densities.length;
      if (radial === 'exact' || densities > MAX_DENSITIES) return twin.compile(potential, radial);
      return compileWasmPotential(module, potential);
    },
    prepare: (basis) => {
      const energies = basisEnergies(basis, (potential) => compileWasmPotential(module, potential));
      const rows = wasmRows(module, basis);
      const linear: AceProgram = {
        basis,
        size: basis.offsets.at(-1)!,
        evaluate: energies.evaluate,
        rows: rows.rows,
        descriptors: rows.descriptors,
        dispose: () => {
          energies.dispose();
          rows.dispose();
        },
      };
      return basis.second === undefined ? linear : createTwoDensityProgram(basis, linear, energies);
    },
    factor: (columns) => createFactor(columns, linear.eliminate),
  };
}
