import { structureOf } from '../dynamics/dynamics.ts';
import { DEFAULT_GUARD_RULE, type Decision } from '../dynamics/guard.ts';
import { DEFAULT_FRICTION, requireThermostat, type Thermostat } from '../dynamics/langevin.ts';
import { timeStepRule } from '../dynamics/time-step.ts';
import { type HardLimits, type TrustLimits, type TrustState, worstVerdict } from '../dynamics/verdict.ts';
import type { TrustedPotential } from '../potentials/potential.ts';
import type { Structure } from '../structure/structure.ts';
import { Lookout, type MotionWatch } from './lookout.ts';
import type { AssessmentPlan } from './plans.ts';
import { type Candidate, candidateOf, requireCount, type WalkerReport } from './sampling.ts';
import { explained, launch, namedSignals, noiseOf, observe, tryLangevinStep } from './trajectory.ts';

/** How an assessment walker is run. */
export interface AssessmentOptions {
  /** Number of steps between two looks at the trust signals, default 10. */
  readonly trustInterval?: number;
  /** Velocities start at this multiple of the temperature, default 2. */
  readonly heat?: number;
  /** 1/fs */
  readonly friction?: number;
  /** Departures from the guard's hard limits. */
  readonly hard?: Partial<HardLimits>;
}

/** The one frame of an assessment walker, and how it fared. */
export interface AssessmentResult {
  readonly candidate: Candidate;
  readonly report: WalkerReport;
  readonly decisions: readonly Decision[];
}

/** A frame to fall back on. */
interface Frame {
  readonly structure: Structure;
  readonly step: number;
  readonly signals: Readonly<Record<string, number>>;
}

/**
 * One assessment walker: an independent trajectory with a fixed time step, whose frame of step `frameStep` is taken
 * whatever its uncertainty. Only where the walker breaks before or at that step is the frame replaced, by the last
 * trusted one (else the last that was not broken, else the starting structure), and marked as censored.
 *
 * @param watch estimates that spare exact signals (`Lookout`); restarted here
 * @throws InputError when the plan is out of range, and what the potential throws at the starting structure
 */
export function assessmentWalker(
  plan: AssessmentPlan,
  potential: TrustedPotential,
  limits: TrustLimits,
  seed: number,
  options: AssessmentOptions = {},
  watch: MotionWatch | null = null,
): AssessmentResult {
  const { trustInterval = 10, heat = 2, friction = DEFAULT_FRICTION } = options;
  const hard: HardLimits = { ...DEFAULT_GUARD_RULE, ...options.hard };
  const thermostat: Thermostat = { temperature: plan.temperature, friction };
  requireThermostat(thermostat);
  requireCount('step of the frame', plan.frameStep, 0);
  requireCount('trust interval', trustInterval, 1);
  const dt = timeStepRule(plan.timeStep).longest;

  const motion = launch(plan, potential, 'assessment', seed, heat);
  const noise = noiseOf(plan, 'assessment', seed, 0);
  const decisions: Decision[] = [];
  const lookout = new Lookout(watch, limits, trustInterval);
  let fallback: Frame = { structure: structureOf(motion), step: 0, signals: {} };
  let fallbackState: TrustState = 'broken';
  let maxForceSigma = 0;
  let outcome: WalkerReport['outcome'] = 'finished';
  let reason = `trusted for ${plan.frameStep} steps`;
  let failure: string | null = null;
  let frame: Frame | null = null;

  for (;;) {
    const isLast = motion.step >= plan.frameStep;
    const { isDue, spared } = lookout.glance(motion, isLast);
    const seen = observe(motion, dt, plan.temperature, isDue, potential, limits, hard);
    const verdict = worstVerdict(explained(seen.verdict, failure), spared?.verdict ?? null);
    if (seen.verdict !== null) lookout.learn(seen.verdict.state);
    if (seen.signals !== null && seen.signals.forceSigma > maxForceSigma) maxForceSigma = seen.signals.forceSigma;
    if (verdict !== null) {
      const { step, time } = motion;
      const action = verdict.state === 'broken' ? 'stop' : 'continue';
      decisions.push({ step, time, ...verdict, action });
      if (verdict.state === 'broken') {
        [outcome, reason] = ['broken', verdict.reason];
        break;
      }
      if (verdict.state === 'extrapolating' && outcome === 'finished')
        [outcome, reason] = ['extrapolating', verdict.reason];
      const current: Frame = {
        structure: structureOf(motion),
        step,
        signals: namedSignals(seen.signals ?? spared?.signals ?? null),
      };
      if (verdict.state === 'trusted' || fallbackState !== 'trusted')
        [fallback, fallbackState] = [current, verdict.state];
      if (isLast) {
        frame = current;
        break;
      }
    }
    failure = tryLangevinStep(motion, potential, thermostat, dt, noise);
  }

  const taken = frame ?? fallback;
  const walker = `${Math.round(plan.temperature)} K walker`;
  const last = { trusted: 'last trusted frame', extrapolating: 'last unbroken frame', broken: 'start' }[fallbackState];
  return {
    candidate: candidateOf(taken.structure, {
      kind: 'assessment',
      round: plan.round,
      walker: plan.walker,
      step: taken.step,
      reason:
        frame === null
          ? `${last} of a ${walker} that broke before step ${plan.frameStep}: ${reason}`
          : `step ${plan.frameStep} of a ${walker}, drawn without looking at uncertainty`,
      temperature: plan.temperature,
      signals: taken.signals,
      censored: frame === null,
    }),
    report: {
      walker: plan.walker,
      temperature: plan.temperature,
      steps: motion.step,
      plannedSteps: plan.frameStep,
      outcome,
      reason,
      maxForceSigma,
    },
    decisions,
  };
}
