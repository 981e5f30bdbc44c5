import type { EvidenceClimb, EvidenceOptimum, EvidenceOptions } from '../../core/regression/maximize-evidence.ts';
import { bestOfClimbs, climbEvidence, EVIDENCE_STARTS } from '../../core/regression/maximize-evidence.ts';
import type { FactorState, PerKind, Prior } from '../../core/regression/regression.ts';
import type { Machine } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { sharedCopy } from '../workers/shared.ts';

/** One start of a search for the largest evidence. */
export interface ClimbArgument {
  readonly factors: PerKind<FactorState>;
  readonly prior: Prior;
  readonly options: EvidenceOptions;
  readonly index: number;
}

/** The search from one start. */
export function climbTask(machine: Machine, { factors, prior, options, index }: ClimbArgument): EvidenceClimb {
  return climbEvidence(factors, prior, options, index, machine.kernels);
}

/** The factors in memory that workers share. */
export function sharedFactors(factors: PerKind<FactorState>): PerKind<FactorState> {
  const shared = (state: FactorState): FactorState => ({ ...state, r: sharedCopy(state.r) });
  return { energy: shared(factors.energy), forces: shared(factors.forces), virial: shared(factors.virial) };
}

/** Hyperparameters of largest evidence: what `maximizeEvidence` finds, every start on a thread of its own. */
export async function searchEvidence(
  pool: TaskPool,
  factors: PerKind<FactorState>,
  prior: Prior,
  options: EvidenceOptions = {},
): Promise<EvidenceOptimum> {
  const starts = Array.from({ length: EVIDENCE_STARTS }, (_, index) => ({ factors, prior, options, index }));
  return bestOfClimbs(await pool.map('climb', starts));
}
