import { existsSync, readFileSync } from 'node:fs';
import type { Kernels } from '../kernels/kernels.ts';
import { loadKernels } from '../kernels/load.ts';

const BINARY = new URL('../kernels/generated/kernels.wasm', import.meta.url);

/**
 * The fastest kernels this machine can run, or the variant of that name (a run resumes on the one it began with).
 * @throws InputError when the named variant cannot run here
 */
export function nodeKernels(name: string | null): Kernels {
  const bytes = existsSync(BINARY) ? readFileSync(BINARY) : null;
  return loadKernels(bytes, name);
}
