import type { AceBasis } from '../core/descriptors/ace/basis.ts';
import type { ProductPotential } from '../core/descriptors/ace/product-basis.ts';
import type { AceProgram, PotentialProgram } from '../core/descriptors/descriptors.ts';
import type { LinearKernels } from '../core/numerics/kernels.ts';
import type { Factor } from '../core/regression/regression.ts';

/**
 * `tabulated`: piecewise polynomials that agree with the exact functions to 1e-12 of the largest value and 1e-10 of the
 * largest slope; `exact`: the functions themselves, evaluated pair by pair in plain TypeScript.
 */
export type RadialEvaluation = 'tabulated' | 'exact';

/**
 * The kernel contract: everything hot goes through one of these. The plain TypeScript implementation is the readable
 * twin; others must pass the same conformance suite (`testing/`) and agree with it to 1e-12 relative.
 */
export interface Kernels extends LinearKernels {
  /** Name of the variant, stored in a run and used again when it resumes. */
  readonly name: string;
  /** A potential made ready to run, with the radial functions of `radial` (default `tabulated`). */
  compile(potential: ProductPotential, radial?: RadialEvaluation): PotentialProgram;
  /** A basis made ready to run. */
  prepare(basis: AceBasis): AceProgram;
  /** An empty factor of `columns` columns. */
  factor(columns: number): Factor;
}
