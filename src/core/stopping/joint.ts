import { InputError } from '../errors.ts';
import { threeDigits } from '../numerics/digits.ts';
import type { AssessmentFrame } from '../validation/errors.ts';
import {
  assessFrames,
  type Criterion,
  type CriterionName,
  coveragePrecondition,
  type ExplorationSummary,
  explorationPrecondition,
  judgeCriteria,
  type Precondition,
  type Tolerances,
} from './criteria.ts';

/** What earlier rounds leave behind. */
export interface StoppingHistory {
  /** Looks at the upper bounds that were spent: rounds in which all point values passed. */
  readonly looks: number;
  /** Rounds in a row, up to the last one, in which everything was met. */
  readonly consecutive: number;
}

/** The history before the first round. */
export const NO_HISTORY: StoppingHistory = { looks: 0, consecutive: 0 };

/** Settings of the joint rule. */
export interface StoppingOptions {
  readonly tolerances: Tolerances;
  /** Probability that a bound of any look fails, spent over the looks. */
  readonly alpha?: number;
  /** Rounds in a row that must pass. */
  readonly patience?: number;
  /** Share of walkers that may break in the last exploration. */
  readonly maxBrokenShare?: number;
  /** Seed of the bootstrap. */
  readonly seed: number;
  readonly resamples?: number;
}

/** The decision of one round and what it rests on. */
export interface StoppingDecision {
  readonly stop: boolean;
  readonly criteria: readonly Criterion[];
  readonly preconditions: readonly Precondition[];
  /** Number of this look, from 1, and the level of its upper bounds. */
  readonly look: number;
  readonly level: number;
  /** Whether all point values passed, so that the look counts. */
  readonly counted: boolean;
  /** Whether the bounds come from the bootstrap or the χ² factor. */
  readonly method: 'bootstrap' | 'chi-square';
  /** The criterion closest to or furthest beyond its tolerance, and upper/tolerance. */
  readonly binding: { readonly name: CriterionName; readonly ratio: number };
  /** A sentence: why it stops or what is missing. */
  readonly reason: string;
  /** To be handed to the next round. */
  readonly history: StoppingHistory;
}

/** Level of look k = 1, 2, …: 6α/(π²k²), which sums to α over all looks. @throws InputError unless k is a positive integer */
export function lookLevel(look: number, alpha = 0.05): number {
  if (!(Number.isInteger(look) && look >= 1)) {
    throw new InputError('LOOK_NUMBER', `look must be a positive integer, got ${look}`, { look });
  }
  if (!(alpha > 0 && alpha < 1)) {
    throw new InputError('STOPPING_LEVEL', `alpha must lie between 0 and 1, got ${alpha}`, { alpha });
  }
  return (6 * alpha) / (Math.PI * Math.PI * look * look);
}

/** upper/tolerance, ∞ where that is no number. */
function ratioOf(criterion: Criterion): number {
  const ratio = criterion.upper / criterion.tolerance;
  return Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio;
}

/** One criterion in words. */
function describe({ name, value, upper, tolerance }: Criterion): string {
  const bound = upper === value ? threeDigits(value) : `${threeDigits(value)} (upper bound ${threeDigits(upper)})`;
  return `${name} ${bound} above ${threeDigits(tolerance)}`;
}

/**
 * Joint stopping rule. Learning is done when, for `patience` rounds in a row, every criterion holds on the assessment
 * set, the 95 % intervals of its energies cover 0.95, and the last exploration stayed inside the trust region. Errors are
 * judged by upper bounds at the level of the look; a look is spent only when all point values pass, so that rounds that
 * are far from done cost nothing. (All criteria must hold at once, so one level serves them all.) No criterion stands
 * alone: a model that predicts no force at all passes calibration and worst residual with an honest sigma.
 *
 * @throws InputError for frames that contradict themselves or settings out of range
 */
export function decideStopping(
  frames: readonly AssessmentFrame[],
  exploration: ExplorationSummary | null,
  options: StoppingOptions,
  history: StoppingHistory = NO_HISTORY,
): StoppingDecision {
  const { tolerances, alpha = 0.05, patience = 2, maxBrokenShare = 0, seed, resamples } = options;
  if (!(Number.isInteger(patience) && patience >= 1)) {
    throw new InputError('STOPPING_PATIENCE', `patience must be a positive integer, got ${patience}`, { patience });
  }
  const look = history.looks + 1;
  const level = lookLevel(look, alpha);
  const figures = assessFrames(frames, level, resamples === undefined ? { seed } : { seed, resamples });
  const criteria = judgeCriteria(figures, tolerances);
  const preconditions = [coveragePrecondition(figures, level), explorationPrecondition(exploration, maxBrokenShare)];
  const counted = criteria.every(({ value, tolerance }) => value <= tolerance);
  const missing = [
    ...criteria.filter((criterion) => !criterion.met).map(describe),
    ...preconditions.filter((precondition) => !precondition.met).map((precondition) => precondition.detail),
  ];
  const consecutive = missing.length === 0 ? history.consecutive + 1 : 0;
  const stop = consecutive >= patience;
  const binding = criteria
    .map((criterion) => ({ name: criterion.name, ratio: ratioOf(criterion) }))
    .reduce((worst, candidate) => (candidate.ratio > worst.ratio ? candidate : worst));
  const reason = stop
    ? `all criteria met in ${consecutive} consecutive round${consecutive === 1 ? '' : 's'}`
    : missing.length === 0
      ? `all criteria met in ${consecutive} of ${patience} consecutive rounds`
      : missing.join('; ');
  return {
    stop,
    criteria,
    preconditions,
    look,
    level,
    counted,
    method: figures.bounds.method,
    binding,
    reason,
    history: { looks: history.looks + (counted ? 1 : 0), consecutive },
  };
}
