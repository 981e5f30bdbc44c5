import { InputError } from '../errors.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { evaluateEvidence, evidenceProblem } from './evidence.ts';
import { fitPosterior } from './posterior.ts';
import type { FactorState, Hyperparameters, PerKind, Prior } from './regression.ts';

/** A prior whose blocks of columns have strengths of their own. */
export interface BlockPrior {
  readonly prior: Prior;
  /** Precision of each block over what it was, by the index of the block. */
  readonly strengths: readonly number[];
  /** Nats gained over the prior that was given. */
  readonly gain: number;
  readonly converged: boolean;
}

/** Largest change of ln strength that counts as none. */
const SETTLED = 1e-3;
/** A block that the data do not determine, or that they want to be zero, stops here: strengths within a factor of 10⁶. */
const LARGEST_LOG = Math.log(1e6);

/**
 * Strength of the prior of each block of columns (a body order) by the evidence at fixed noise, by MacKay's fixed point
 *
 *   s_b ← g_b / (α Σ_{v∈b} γ_v² m_v²),  g_b = Σ_{v∈b} (1 − α s_b γ_v² S_vv)
 *
 * @param blocks [d] block of each column, −1 for columns that keep their prior
 * @throws       InputError `BAD_BLOCKS`
 * @cost         3 d³ flops a step, some ten steps
 */
export function blockPrior(
  factors: PerKind<FactorState>,
  prior: Prior,
  hyperparameters: Hyperparameters,
  blocks: ArrayLike<number>,
  kernels: LinearKernels = plainKernels,
  steps = 60,
): BlockPrior {
  const d = prior.gamma.length;
  if (blocks.length !== d)
    throw new InputError('BAD_BLOCKS', `blocks must be one for each of ${d} columns, got ${blocks.length}`);
  const count = Array.from(blocks).reduce((most, block) => Math.max(most, block), -1) + 1;
  const strengths = new Array<number>(count).fill(1);
  const free = (v: number): boolean => blocks[v]! >= 0 && Number.isNaN(prior.fixed[v]!);
  const scaled = (): Prior => ({
    fixed: prior.fixed,
    gamma: prior.gamma.map((gamma, v) => (free(v) ? gamma * Math.sqrt(strengths[blocks[v]!]!) : gamma)),
  });
  const { alpha } = hyperparameters;
  let converged = false;
  for (let step = 0; step < steps && !converged; step++) {
    const own = scaled();
    const { mean, r } = fitPosterior(factors, own, hyperparameters, kernels);
    const s = kernels.covarianceOf(r, d);
    const determined = new Float64Array(count);
    const squares = new Float64Array(count);
    for (let v = 0; v < d; v++) {
      if (!free(v)) continue;
      const gamma = own.gamma[v]!;
      determined[blocks[v]!]! += 1 - alpha * gamma * gamma * s[v * d + v]!;
      squares[blocks[v]!]! += alpha * prior.gamma[v]! * prior.gamma[v]! * mean[v]! * mean[v]!;
    }
    let change = 0;
    for (let b = 0; b < count; b++) {
      if (!(squares[b]! > 0 && determined[b]! > 0)) continue;
      const wanted = Math.log(determined[b]! / squares[b]!);
      const next = Math.min(LARGEST_LOG, Math.max(-LARGEST_LOG, wanted));
      change = Math.max(change, Math.abs(next - Math.log(strengths[b]!)));
      strengths[b] = Math.exp(next);
    }
    converged = change < SETTLED;
  }
  const found = scaled();
  const evidenceOf = (of: Prior): number =>
    evaluateEvidence(evidenceProblem(factors, of, kernels), hyperparameters).logEvidence;
  return { prior: found, strengths, gain: evidenceOf(found) - evidenceOf(prior), converged };
}
