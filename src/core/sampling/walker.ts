import { largestNorm, type Motion, structureOf } from '../dynamics/dynamics.ts';
import {
  advanceGuard,
  DEFAULT_GUARD_RULE,
  type Decision,
  type GuardRule,
  type GuardState,
  initialGuard,
  restore,
} from '../dynamics/guard.ts';
import { DEFAULT_FRICTION, requireThermostat, type Thermostat } from '../dynamics/langevin.ts';
import { initialTimeStep, nextTimeStep, shrinkTimeStep, timeStepRule } from '../dynamics/time-step.ts';
import {
  clampVerdict,
  isWorse,
  type TrustLimits,
  type TrustState,
  type TrustVerdict,
  worstVerdict,
} from '../dynamics/verdict.ts';
import type { TrustedPotential, TrustSignals } from '../potentials/potential.ts';
import { Lookout, type MotionWatch } from './lookout.ts';
import type { WalkerPlan } from './plans.ts';
import { type Candidate, candidateOf, requireCount, type WalkerReport } from './sampling.ts';
import { explained, launch, namedSignals, noiseOf, observe, tryLangevinStep } from './trajectory.ts';

/** How an exploration walker is run. */
export interface WalkerOptions {
  /**
   * Number of steps between two looks at the trust signals, some of which a watch may spare; they are also taken when
   * forces exceed half their limit.
   */
  readonly trustInterval?: number;
  /** Candidates have no longer force than this, eV/Å. */
  readonly maxCandidateForce?: number;
  /** Number of candidates kept; beyond it the oldest that did not break goes. */
  readonly maxCandidates?: number;
  /** Velocities start at this multiple of the temperature. */
  readonly heat?: number;
  /** Whether the time step follows uncertainty and speed (`dynamics/time-step.ts`), or stays. */
  readonly isTimeStepVariable?: boolean;
  /** 1/fs */
  readonly friction?: number;
  /** Departures from the guard's rule: `afterBreak`, `maxForce`, `bufferInterval`, … */
  readonly guard?: Partial<GuardRule>;
}

/** The options by default. */
export const DEFAULT_WALKER_OPTIONS: Required<WalkerOptions> = {
  trustInterval: 10,
  maxCandidateForce: 30,
  maxCandidates: 200,
  heat: 2,
  isTimeStepVariable: true,
  friction: DEFAULT_FRICTION,
  guard: {},
};

/** What a walker brings home; plain data. */
export interface WalkerResult {
  readonly candidates: readonly Candidate[];
  readonly report: WalkerReport;
  /** One record per look at the trust signals and per change of the time step, in order. */
  readonly decisions: readonly Decision[];
  /** Force sigma of the last (at most 200) trusted looks, eV/Å, in order: what automatic thresholds are made of. */
  readonly trustedForceSigmas: readonly number[];
  /** Number of rollbacks. */
  readonly rollbacks: number;
  /** Number of steps taken in all, those given up by rollbacks included. */
  readonly evaluations: number;
}

const REMEMBERED = 200;

/** What a walker writes down on its way. */
interface Journal {
  candidates: Candidate[];
  readonly broken: Set<Candidate>;
  readonly decisions: Decision[];
  readonly sigmas: number[];
  maxForceSigma: number;
  worst: TrustState;
  /** Reason of the first frame in the worst state, the last one where it broke. */
  flag: string;
}

/** Keeps a copy of the frame if its geometry allows a label: all finite, outside the gates, forces below the cap. */
function propose(
  journal: Journal,
  motion: Motion,
  plan: WalkerPlan,
  verdict: TrustVerdict,
  signals: TrustSignals | null,
  options: Required<WalkerOptions>,
): void {
  const force = largestNorm(motion.forces);
  if (signals === null || !(signals.distance >= 1) || !(force <= options.maxCandidateForce)) return;
  const { state } = verdict;
  const what = { trusted: 'inside its trust region', extrapolating: 'left its trust region', broken: 'broke' }[state];
  const reason = `${Math.round(plan.temperature)} K walker ${what}${state === 'trusted' ? '' : `: ${verdict.reason}`}`;
  const candidate = candidateOf(structureOf(motion), {
    kind: 'exploration',
    round: plan.round,
    walker: plan.walker,
    step: motion.step,
    reason,
    temperature: plan.temperature,
    signals: namedSignals(signals),
    censored: false,
  });
  journal.candidates.push(candidate);
  if (state === 'broken') journal.broken.add(candidate);
  if (journal.candidates.length <= options.maxCandidates) return;
  const oldest = journal.candidates.findIndex((kept) => !journal.broken.has(kept));
  journal.candidates.splice(Math.max(oldest, 0), 1);
}

/** Writes down the state of a frame and its force sigma. */
function note(journal: Journal, verdict: TrustVerdict, signals: TrustSignals | null): void {
  const { state, reason } = verdict;
  if (isWorse(state, journal.worst) || state === 'broken') [journal.worst, journal.flag] = [state, reason];
  if (signals === null || Number.isNaN(signals.forceSigma)) return;
  journal.maxForceSigma = Math.max(journal.maxForceSigma, signals.forceSigma);
  if (state !== 'trusted') return;
  journal.sigmas.push(signals.forceSigma);
  if (journal.sigmas.length > REMEMBERED) journal.sigmas.shift();
}

/** The force sigma of the last look and how fast it has been changing. */
interface Trend {
  readonly sigma: number;
  readonly time: number;
  readonly rate: number;
}

const CALM: Trend = { sigma: 0, time: Number.NaN, rate: 0 };

function trendOf(last: Trend, signals: TrustSignals, time: number): Trend {
  const elapsed = time - last.time;
  return { sigma: signals.forceSigma, time, rate: elapsed > 0 ? (signals.forceSigma - last.sigma) / elapsed : 0 };
}

function reportOf(journal: Journal, plan: WalkerPlan, steps: number, rollbacks: number): WalkerReport {
  const again = rollbacks > 0 ? ` (${rollbacks} rollback${rollbacks > 1 ? 's' : ''})` : '';
  return {
    walker: plan.walker,
    temperature: plan.temperature,
    steps,
    plannedSteps: plan.steps,
    outcome: journal.worst === 'trusted' ? 'finished' : journal.worst,
    reason: journal.worst === 'trusted' ? `trusted for ${steps} steps` : `${journal.flag}${again}`,
    maxForceSigma: journal.maxForceSigma,
  };
}

/**
 * One exploration walker: Langevin dynamics from the plan's strained structure, under guard. Frames go to the candidates
 * every `bufferInterval` steps while trusted and once per decorrelation time while extrapolating; the first frame of a
 * break is a candidate if its geometry allows it, then the walker stops or goes back to its last trusted frame with new
 * noise and half the time step. All is a function of the arguments.
 *
 * @param limits limits of the trust signals, from `trustLimits` of `core/uncertainty/trust-region.ts`
 * @param watch  estimates that spare exact signals (`Lookout`); restarted here
 * @throws InputError when the plan is out of range, and what the potential throws at the starting structure
 * @cost one energy evaluation per step and one set of trust signals per `trustInterval` steps, fewer with a watch
 */
export function runWalker(
  plan: WalkerPlan,
  potential: TrustedPotential,
  limits: TrustLimits,
  seed: number,
  options: WalkerOptions = {},
  watch: MotionWatch | null = null,
): WalkerResult {
  const settings: Required<WalkerOptions> = { ...DEFAULT_WALKER_OPTIONS, ...options };
  const rule: GuardRule = { ...DEFAULT_GUARD_RULE, ...settings.guard };
  const pacing = timeStepRule(plan.timeStep);
  const thermostat: Thermostat = { temperature: plan.temperature, friction: settings.friction };
  requireThermostat(thermostat);
  requireCount('number of steps', plan.steps, 0);
  requireCount('trust interval', settings.trustInterval, 1);

  const motion = launch(plan, potential, 'exploration', seed, settings.heat);
  const lightest = motion.masses.reduce((least, mass) => Math.min(least, mass), Number.POSITIVE_INFINITY);
  const journal: Journal = {
    candidates: [],
    broken: new Set(),
    decisions: [],
    sigmas: [],
    maxForceSigma: 0,
    worst: 'trusted',
    flag: '',
  };
  const lookout = new Lookout(watch, limits, settings.trustInterval);
  let guard: GuardState = initialGuard();
  let pace = initialTimeStep(pacing);
  let noise = noiseOf(plan, 'exploration', seed, 0);
  let trend = CALM;
  let failure: string | null = null;
  let rollbacks = 0;
  let evaluations = 0;

  const record = (before: number): void => {
    if (!(pace.dt < before)) return;
    const reason = `time step shortened from ${before} to ${pace.dt} fs`;
    const { step, time } = motion;
    journal.decisions.push({ step, time, state: guard.state, reason, value: pace.dt, limit: before, action: 'shrink' });
  };
  const adapt = (): void => {
    if (!settings.isTimeStepVariable) return;
    const before = pace.dt;
    const { forceSigmaSelect, forceSigmaBreak } = limits;
    const signals = {
      mass: lightest,
      forceSigma: trend.sigma,
      forceSigmaRate: trend.rate,
      forceSigmaLimit: trend.sigma < forceSigmaSelect ? forceSigmaSelect : forceSigmaBreak,
      speed: largestNorm(motion.velocities),
      trusted: guard.state === 'trusted',
    };
    pace = nextTimeStep(pace, signals, pacing);
    record(before);
  };

  adapt();
  for (;;) {
    const mustLook =
      motion.step === plan.steps ||
      pace.clamped >= rule.maxClampedSteps ||
      largestNorm(motion.forces) > 0.5 * rule.maxForce;
    const { isDue, spared } = lookout.glance(motion, mustLook);
    const seen = observe(motion, pace.dt, plan.temperature, isDue, potential, limits, rule);
    const verdict = worstVerdict(
      explained(seen.verdict, failure),
      clampVerdict(pace.clamped, rule.maxClampedSteps),
      spared?.verdict ?? null,
    );
    const signals = seen.signals ?? spared?.signals ?? null;
    if (seen.signals !== null) trend = trendOf(trend, seen.signals, motion.time);
    else if (spared !== null) trend = { sigma: spared.verdict.value, time: motion.time, rate: 0 };
    if (seen.verdict !== null) lookout.learn(seen.verdict.state);
    if (verdict !== null) {
      const outcome = advanceGuard(guard, motion, verdict, rule);
      guard = outcome.guard;
      note(journal, verdict, signals);
      const { action } = outcome.decision;
      if (isDue || spared !== null || action !== 'continue') journal.decisions.push(outcome.decision);
      if (action === 'buffer' || verdict.state === 'broken') {
        propose(journal, motion, plan, verdict, signals, settings);
      }
      if (action === 'stop') {
        journal.flag = outcome.decision.reason;
        break;
      }
      if (outcome.target !== null) {
        restore(motion, outcome.target);
        rollbacks++;
        noise = noiseOf(plan, 'exploration', seed, rollbacks);
        lookout.restart();
        trend = CALM;
        failure = null;
        const before = pace.dt;
        pace = shrinkTimeStep(pace, pacing);
        record(before);
        continue;
      }
    }
    if (motion.step >= plan.steps) break;
    adapt();
    failure = tryLangevinStep(motion, potential, thermostat, pace.dt, noise);
    evaluations++;
  }
  return {
    candidates: journal.candidates,
    report: reportOf(journal, plan, motion.step, rollbacks),
    decisions: journal.decisions,
    trustedForceSigmas: journal.sigmas,
    rollbacks,
    evaluations,
  };
}
