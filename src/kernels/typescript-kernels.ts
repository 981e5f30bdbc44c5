import { createAceProgram } from '../core/descriptors/ace/program.ts';
import { gram } from '../core/numerics/dense.ts';
import { createFactor } from '../core/regression/factor.ts';
import type { Kernels } from './kernels.ts';

/** The plain TypeScript kernels: the readable twin of every faster variant, and what runs where there is no SIMD. */
export function typescriptKernels(): Kernels {
  return {
    name: 'typescript',
    gram,
    prepare: createAceProgram,
    factor: (columns) => createFactor(columns),
    dispose: () => {},
  };
}
