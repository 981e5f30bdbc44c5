import { InputError } from '../core/errors.ts';
import type { Kernels } from './kernels.ts';
import { typescriptKernels } from './typescript-kernels.ts';
import { wasmKernels } from './wasm-kernels.ts';
import { canRunWasm, compileWasm, type KernelBinaries } from './wasm-module.ts';

/** Names of the variants, fastest first; a run stores the one it began with. */
export const KERNEL_VARIANTS = ['wasm-fma', 'wasm-simd', 'typescript'] as const;

/**
 * The fastest kernels that this engine can run, or exactly the variant of that name.
 *
 * @param binaries  the builds of the WebAssembly module, null where there is none
 * @param name      variant that a resumed run began with; null: the fastest
 * @throws          InputError `UNKNOWN_KERNELS`; `KERNELS_UNSUPPORTED` when that variant cannot run here
 */
export function loadKernels(binaries: KernelBinaries, name: string | null = null): Kernels {
  const wanted = KERNEL_VARIANTS.filter((variant) => name === null || variant === name);
  if (wanted.length === 0) {
    throw new InputError('UNKNOWN_KERNELS', `kernels must be one of ${KERNEL_VARIANTS.join(', ')}, got "${name}"`, {
      name,
    });
  }
  for (const variant of wanted) {
    if (variant === 'typescript') return typescriptKernels();
    const bytes = variant === 'wasm-fma' ? binaries.fma : binaries.simd;
    if (bytes !== null && canRunWasm(bytes)) return wasmKernels(compileWasm(bytes), variant);
    if (name !== null) {
      const reason = bytes === null ? 'no WebAssembly module' : 'a module that this engine cannot run';
      throw new InputError('KERNELS_UNSUPPORTED', `kernels must be "${name}" as the run began, got ${reason}`, {
        name,
      });
    }
  }
  return typescriptKernels();
}
