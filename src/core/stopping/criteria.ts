import { type BoundOptions, boundErrors, type ErrorBounds } from '../validation/bootstrap.ts';
import {
  type Coverage,
  coverage,
  expectedCalibrationError,
  standardizedResiduals,
  worstResidual,
} from '../validation/calibration.ts';
import { type AssessmentFrame, pooledEnergies, pooledForces, requireFrames } from '../validation/errors.ts';

/** Names of the criteria, in the order in which they are reported. */
export const CRITERION_NAMES = [
  'energyMae',
  'forceRmse',
  'forceEce',
  'energyEce',
  'forceWorst',
  'energyWorst',
] as const;
/** Name of a criterion. */
export type CriterionName = (typeof CRITERION_NAMES)[number];

/**
 * What is tolerated: energy MAE, eV/atom; force RMSE, eV/Å; interval ECE of forces and energies; largest standardized
 * residual |e|/σ of a force component and of an energy.
 */
export type Tolerances = Readonly<Record<CriterionName, number>>;

/** One criterion judged. */
export interface Criterion {
  readonly name: CriterionName;
  /** Point value on the assessment set. */
  readonly value: number;
  /** What is compared with the tolerance: the upper confidence bound of an error, the value itself otherwise. */
  readonly upper: number;
  readonly tolerance: number;
  readonly met: boolean;
}

/** Everything the criteria need of one assessment set. */
export interface AssessmentFigures {
  readonly bounds: ErrorBounds;
  /** Standardized residuals of all force components that symmetry leaves free, and of all energies. */
  readonly forceResiduals: Float64Array;
  readonly energyResiduals: Float64Array;
}

/**
 * Errors with upper bounds at level α, and standardized residuals.
 * @throws InputError for frames that contradict themselves or a negative sigma
 */
export function assessFrames(
  frames: readonly AssessmentFrame[],
  alpha: number,
  options: BoundOptions,
): AssessmentFigures {
  requireFrames(frames);
  const forces = pooledForces(frames);
  const energies = pooledEnergies(frames);
  return {
    bounds: boundErrors(frames, alpha, options),
    forceResiduals: standardizedResiduals(forces.errors, forces.sigmas),
    energyResiduals: standardizedResiduals(energies.errors, energies.sigmas),
  };
}

/** Written so that NaN (nothing assessed, a failed prediction) is never met. */
function judge(name: CriterionName, value: number, upper: number, tolerance: number): Criterion {
  return { name, value, upper, tolerance, met: upper <= tolerance };
}

/** Upper bound of the energy MAE per atom, eV, within tolerance. */
export function energyMaeCriterion({ bounds }: AssessmentFigures, tolerance: number): Criterion {
  return judge('energyMae', bounds.energyMae, bounds.energyMaeUpper, tolerance);
}

/** Upper bound of the force RMSE, eV/Å, within tolerance. */
export function forceRmseCriterion({ bounds }: AssessmentFigures, tolerance: number): Criterion {
  return judge('forceRmse', bounds.forceRmse, bounds.forceRmseUpper, tolerance);
}

/** Interval ECE of force components within tolerance. */
export function forceEceCriterion({ forceResiduals }: AssessmentFigures, tolerance: number): Criterion {
  const ece = expectedCalibrationError(forceResiduals);
  return judge('forceEce', ece, ece, tolerance);
}

/** Interval ECE of energies within tolerance. */
export function energyEceCriterion({ energyResiduals }: AssessmentFigures, tolerance: number): Criterion {
  const ece = expectedCalibrationError(energyResiduals);
  return judge('energyEce', ece, ece, tolerance);
}

/** Largest standardized residual of a force component within tolerance. */
export function forceWorstCriterion({ forceResiduals }: AssessmentFigures, tolerance: number): Criterion {
  const worst = worstResidual(forceResiduals);
  return judge('forceWorst', worst, worst, tolerance);
}

/** Largest standardized residual of an energy within tolerance. */
export function energyWorstCriterion({ energyResiduals }: AssessmentFigures, tolerance: number): Criterion {
  const worst = worstResidual(energyResiduals);
  return judge('energyWorst', worst, worst, tolerance);
}

const PREDICATES: Readonly<Record<CriterionName, (figures: AssessmentFigures, tolerance: number) => Criterion>> = {
  energyMae: energyMaeCriterion,
  forceRmse: forceRmseCriterion,
  forceEce: forceEceCriterion,
  energyEce: energyEceCriterion,
  forceWorst: forceWorstCriterion,
  energyWorst: energyWorstCriterion,
};

/** All criteria in the order of `CRITERION_NAMES`. */
export function judgeCriteria(figures: AssessmentFigures, tolerances: Tolerances): Criterion[] {
  return CRITERION_NAMES.map((name) => PREDICATES[name](figures, tolerances[name]));
}

/** A condition without a tolerance of its own. */
export interface Precondition {
  readonly name: 'coverage95' | 'exploration';
  readonly met: boolean;
  /** A clause with the numbers. */
  readonly detail: string;
}

/**
 * Share of energies inside their 95 % interval: what the Clopper–Pearson interval of that share says of 0.95. The
 * interval has the level of the look, 1 − α: looked at again and again, one of 0.95 would turn honest bars away.
 */
export function coveragePrecondition({ energyResiduals }: AssessmentFigures, alpha = 0.05): Precondition {
  const found: Coverage = coverage(energyResiduals, 0.95, 1 - alpha);
  const [lower, upper] = found.interval;
  const met = found.count > 0 && lower <= found.level && found.level <= upper;
  const interval = `[${lower.toFixed(3)}, ${upper.toFixed(3)}]`;
  const detail =
    found.count === 0
      ? 'no energies were assessed'
      : `${found.inside} of ${found.count} energies inside their 95 % interval, share within ${interval}`;
  return { name: 'coverage95', met, detail };
}

/** How the walkers of the last exploration fared. */
export interface ExplorationSummary {
  readonly walkers: number;
  /** How many of them left the trust region so far that they were stopped. */
  readonly broken: number;
}

/** No more than the allowed share of walkers broke in the last exploration. */
export function explorationPrecondition(exploration: ExplorationSummary | null, maxBrokenShare: number): Precondition {
  if (exploration === null || exploration.walkers === 0) {
    return { name: 'exploration', met: false, detail: 'nothing was explored' };
  }
  const allowed = Math.floor(maxBrokenShare * exploration.walkers + 1e-9);
  const detail = `${exploration.broken} of ${exploration.walkers} walkers left the trust region, ${allowed} allowed`;
  return { name: 'exploration', met: exploration.broken <= allowed, detail };
}
