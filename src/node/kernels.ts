import { existsSync, readFileSync } from 'node:fs';
import type { Kernels } from '../kernels/kernels.ts';
import { loadKernels } from '../kernels/load.ts';

function build(name: string): Uint8Array | null {
  const file = new URL(`../kernels/generated/${name}`, import.meta.url);
  return existsSync(file) ? readFileSync(file) : null;
}

/**
 * The fastest kernels this machine can run, or the variant of that name (a run resumes on the one it began with).
 * @throws InputError when the named variant cannot run here
 */
export function nodeKernels(name: string | null): Kernels {
  return loadKernels({ simd: build('kernels.wasm'), fma: build('kernels-fma.wasm') }, name);
}
