import { InputError } from '../core/errors.ts';
import type { Kernels } from './kernels.ts';
import { typescriptKernels } from './typescript-kernels.ts';
import { canRunWasm, wasmKernels } from './wasm-kernels.ts';

/** Names of the variants, fastest first; a run stores the one it began with. */
export const KERNEL_VARIANTS: readonly string[] = ['wasm-simd', 'typescript'];

/**
 * The fastest kernels that this engine can run, or exactly the variant of that name.
 *
 * @param bytes  the WebAssembly module, or null where there is none
 * @param name   variant that a resumed run began with; null: the fastest
 * @throws       InputError `UNKNOWN_KERNELS`; `KERNELS_UNSUPPORTED` when that variant cannot run here
 */
export function loadKernels(bytes: Uint8Array | null, name: string | null = null): Kernels {
  if (name !== null && !KERNEL_VARIANTS.includes(name)) {
    throw new InputError('UNKNOWN_KERNELS', `kernels must be one of ${KERNEL_VARIANTS.join(', ')}, got "${name}"`, {
      name,
    });
  }
  const runnable = bytes !== null && canRunWasm(bytes);
  if (name === 'wasm-simd' && !runnable) {
    const reason = bytes === null ? 'no WebAssembly module' : 'a module that this engine cannot run';
    throw new InputError('KERNELS_UNSUPPORTED', `kernels must be "${name}" as the run began, got ${reason}`, { name });
  }
  return runnable && name !== 'typescript' ? wasmKernels(bytes) : typescriptKernels();
}
