import type { CriterionName, Tolerances } from '../core/stopping/criteria.ts';
import { CRITERION_NAMES } from '../core/stopping/criteria.ts';
import type { StoppingHistory as RuleHistory, StoppingDecision } from '../core/stopping/joint.ts';
import { decideStopping, NO_HISTORY } from '../core/stopping/joint.ts';
import type { CriterionData, EventData, PreconditionData, WalkerData } from '../protocol/events.ts';
import type { RunFile } from '../protocol/run-file.ts';
import type { FrameAssessment } from './ports.ts';
import type { StoppingHistory } from './state.ts';

/** The part of an `assessed` event that the stopping rule decides. */
export type Verdict = Omit<EventData<'assessed'>, 'round' | 'assessment' | 'frames'>;

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** The tolerances of a run file as the stopping rule knows them. */
export function tolerancesOf({ stopping }: RunFile): Tolerances {
  const { energyMae, forceRmse, forceEce, energyEce, forceWorst, energyWorst } = stopping;
  return { energyMae, forceRmse, forceEce, energyEce, forceWorst, energyWorst };
}

function nothingAssessed(tolerances: Tolerances): CriterionData[] {
  return CRITERION_NAMES.map((name: CriterionName) => ({
    ...{ name, value: null, upper: null, tolerance: tolerances[name], met: false },
  }));
}

/**
 * Judges a model by its errors on the assessment set: the joint rule of `core/stopping`, and on top of it that the set is
 * complete. A look at an incomplete set counts neither as a success nor as one of the looks that the level is spread over.
 *
 * @param errors   errors of the model on the freshest assessment frames
 * @param walkers  how the walkers of the last exploration fared, null before the first
 * @param history  what the rule returned at the previous look
 */
export function judge(
  errors: readonly FrameAssessment[],
  walkers: readonly WalkerData[] | null,
  history: StoppingHistory,
  runFile: RunFile,
): Verdict {
  const { stopping, assessment, seed } = runFile;
  const tolerances = tolerancesOf(runFile);
  const before: RuleHistory = {
    looks: history.looks ?? NO_HISTORY.looks,
    consecutive: history.consecutive ?? NO_HISTORY.consecutive,
  };
  const complete = errors.length >= assessment.size;
  const size: PreconditionData = {
    name: 'assessment',
    met: complete,
    detail: `${errors.length} of ${assessment.size} assessment labels`,
  };
  if (errors.length === 0) {
    return {
      criteria: nothingAssessed(tolerances),
      preconditions: [size],
      met: false,
      converged: false,
      history: { looks: before.looks, consecutive: 0 },
      reason: 'nothing to judge by: no assessment label',
    };
  }
  const broken = walkers?.filter(({ outcome }) => outcome === 'broken').length ?? 0;
  const decision: StoppingDecision = decideStopping(
    errors,
    walkers === null ? null : { walkers: walkers.length, broken },
    { tolerances, alpha: stopping.alpha, patience: stopping.patience, maxBrokenShare: stopping.brokenWalkers, seed },
    before,
  );
  const criteria = decision.criteria.map(({ name, value, upper, tolerance, met }) => ({
    ...{ name, value: finite(value), upper: finite(upper), tolerance, met },
  }));
  const preconditions = [...decision.preconditions, size];
  if (!complete) {
    const reason = [size.detail, decision.history.consecutive > 0 ? '' : decision.reason]
      .filter((part) => part !== '')
      .join('; ');
    return {
      criteria,
      preconditions,
      met: false,
      converged: false,
      history: { looks: before.looks, consecutive: 0 },
      reason,
    };
  }
  const met = criteria.every((criterion) => criterion.met) && preconditions.every((precondition) => precondition.met);
  return {
    criteria,
    preconditions,
    met,
    converged: decision.stop,
    history: { ...decision.history },
    reason: decision.reason,
  };
}
