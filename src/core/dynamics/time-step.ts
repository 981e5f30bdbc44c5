import { InputError } from '../errors.ts';
import { ACCELERATION } from '../units.ts';

/** Constants of the time-step rule. */
export interface TimeStepRule {
  /** The step asked for, never exceeded, fs. */
  readonly longest: number;
  /** Shortest step as a share of the longest. */
  readonly shortestShare: number;
  /** Displacement that an uncertain force may cause in one step, Å. */
  readonly uncertainDisplacement: number;
  /** How many standard deviations of the force that displacement allows for. */
  readonly sigmas: number;
  /** Distance that the fastest atom may go in one step, Å. */
  readonly displacement: number;
  /** Share η of the time to the next limit that one step may use. */
  readonly approach: number;
  /** Largest growth of the step from one to the next. */
  readonly growth: number;
  /** Number of quiet steps after which a step shrunk by a rollback may grow back to `longest`. */
  readonly quietWindow: number;
}

/** The rule with its default constants around the step `longest`, fs. @throws InputError `TIME_STEP_RANGE` unless it is positive */
export function timeStepRule(longest: number): TimeStepRule {
  if (!(longest > 0 && longest < Number.POSITIVE_INFINITY)) {
    throw new InputError('TIME_STEP_RANGE', `time step must be positive and finite, got ${longest} fs`, { longest });
  }
  return {
    longest,
    shortestShare: 0.1,
    uncertainDisplacement: 0.01,
    sigmas: 2,
    displacement: 0.1,
    approach: 0.5,
    growth: 1.1,
    quietWindow: 50,
  };
}

/** What a walker knows of its time step; plain data, replaced at every step. */
export interface TimeStepState {
  /** The step to take, fs. */
  readonly dt: number;
  /** What `dt` may grow to at present, fs: `longest`, or less after a rollback. */
  readonly ceiling: number;
  /** Number of steps in a row at the shortest step because the rule asked for less. */
  readonly clamped: number;
  /** Number of quiet steps (trusted, at the ceiling) in a row. */
  readonly quiet: number;
}

/** The state at the start of a walker. */
export function initialTimeStep(rule: TimeStepRule): TimeStepState {
  return { dt: rule.longest, ceiling: rule.longest, clamped: 0, quiet: 0 };
}

/**
 * Step in which an error of `sigmas` standard deviations of the force displaces an atom by `displacement`, fs:
 * √(2·δx·m/(c·σ_F·K)); infinite where the force is certain, NaN where σ is.
 *
 * @param mass  u
 * @param sigma calibrated standard deviation of a force component, eV/Å
 */
export function forceTimeStep(mass: number, sigma: number, displacement = 0.01, sigmas = 2): number {
  return Math.sqrt((2 * displacement * mass) / (sigmas * sigma * ACCELERATION));
}

/** Step in which the fastest atom goes `displacement` Å, fs. @param speed Å/fs */
export function velocityTimeStep(speed: number, displacement = 0.1): number {
  return displacement / speed;
}

/**
 * Step that uses the share η of the time in which a rising signal reaches its limit, fs: η·(limit − u)/u̇;
 * infinite while it does not rise.
 *
 * @param rate u̇, units of u per fs
 */
export function approachTimeStep(value: number, limit: number, rate: number, approach = 0.5): number {
  return rate <= 0 ? Number.POSITIVE_INFINITY : (approach * (limit - value)) / rate;
}

/** What the rule looks at; a NaN anywhere gives the shortest step. */
export interface TimeStepSignals {
  /** Mass of the lightest atom, u: with the largest sigma it bounds the rule over all atoms from below. */
  readonly mass: number;
  /** Largest calibrated force sigma, eV/Å; 0 where there is none yet. */
  readonly forceSigma: number;
  /** Change of `forceSigma` per fs, eV/Å/fs. */
  readonly forceSigmaRate: number;
  /** The next limit above `forceSigma`, eV/Å; Infinity where there is none. */
  readonly forceSigmaLimit: number;
  /** Speed of the fastest atom, Å/fs. */
  readonly speed: number;
  /** Whether the walker is inside its trust region. */
  readonly trusted: boolean;
}

/** The shortest of the three bounds, fs; not clamped. */
export function timeStepBound(signals: TimeStepSignals, rule: TimeStepRule): number {
  const { forceSigma, forceSigmaRate, forceSigmaLimit } = signals;
  return Math.min(
    forceTimeStep(signals.mass, forceSigma, rule.uncertainDisplacement, rule.sigmas),
    velocityTimeStep(signals.speed, rule.displacement),
    approachTimeStep(forceSigma, forceSigmaLimit, forceSigmaRate, rule.approach),
  );
}

/**
 * The next step: clamped to [shortest, ceiling], shortened at once, lengthened by at most `growth`. A ceiling lowered by
 * a rollback is lifted again after a quiet window.
 */
export function nextTimeStep(state: TimeStepState, signals: TimeStepSignals, rule: TimeStepRule): TimeStepState {
  const shortest = rule.longest * rule.shortestShare;
  const bound = timeStepBound(signals, rule);
  const clamped = bound >= shortest ? 0 : state.clamped + 1;
  const wanted = bound >= shortest ? Math.min(bound, state.ceiling) : shortest;
  const dt = Math.min(wanted, rule.growth * state.dt);
  const isQuiet = signals.trusted && bound >= state.ceiling;
  const quiet = isQuiet ? state.quiet + 1 : 0;
  if (state.ceiling < rule.longest && quiet >= rule.quietWindow)
    return { dt, ceiling: rule.longest, clamped, quiet: 0 };
  return { dt, ceiling: state.ceiling, clamped, quiet };
}

/** The state after a rollback: half the ceiling (not below the shortest step), no longer step than before, counters at zero. */
export function shrinkTimeStep(state: TimeStepState, rule: TimeStepRule): TimeStepState {
  const ceiling = Math.max(0.5 * state.ceiling, rule.longest * rule.shortestShare);
  return { dt: Math.min(state.dt, ceiling), ceiling, clamped: 0, quiet: 0 };
}
