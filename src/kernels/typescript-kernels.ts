import { createPotentialProgram } from '../core/descriptors/ace/potential-program.ts';
import { createAceProgram } from '../core/descriptors/ace/program.ts';
import { plainKernels } from '../core/numerics/plain-kernels.ts';
import { createFactor } from '../core/regression/factor.ts';
import type { Kernels } from './kernels.ts';

/** The plain TypeScript kernels: the readable twin of every faster variant, and what runs where there is no SIMD. */
export function typescriptKernels(): Kernels {
  return {
    ...plainKernels,
    name: 'typescript',
    compile: createPotentialProgram,
    prepare: createAceProgram,
    factor: (columns) => createFactor(columns),
  };
}
