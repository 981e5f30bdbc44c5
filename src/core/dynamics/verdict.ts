import type { TrustSignals } from '../potentials/potential.ts';
import { largestNorm, type Motion } from './dynamics.ts';
import { kineticTemperature } from './velocities.ts';

/** How far a frame is trusted; the worst signal decides. */
export type TrustState = 'trusted' | 'extrapolating' | 'broken';

/** Limits of the trust signals: beyond `…Select` a frame extrapolates, beyond `…Break` it is broken. */
export interface TrustLimits {
  /** Calibrated standard deviation of a force component, eV/Å. */
  readonly forceSigmaSelect: number;
  readonly forceSigmaBreak: number;
  /** Novelty distance over its threshold; 1 is the edge of the training set. */
  readonly noveltySelect: number;
  readonly noveltyBreak: number;
  /** Leverage over the median of the training set. */
  readonly leverageSelect: number;
  readonly leverageBreak: number;
}

/** What a frame is and the signal that decided: `value` over `limit`. */
export interface TrustVerdict {
  readonly state: TrustState;
  /** A clause without the temperature: force sigma 0.41 eV/Å above 0.2. */
  readonly reason: string;
  readonly value: number;
  readonly limit: number;
}

/** Sorts signals into the three states; NaN must come out as broken. */
export type Classify = (signals: TrustSignals, limits: TrustLimits) => TrustVerdict;

/** Limits that need no model. */
export interface HardLimits {
  /** Longest force, eV/Å. */
  readonly maxForce: number;
  /** Longest displacement of an atom in one step, Å. */
  readonly maxDisplacement: number;
  /** Highest kinetic temperature over that of the bath. */
  readonly maxTemperatureRatio: number;
}

/** Three significant digits, without an exponent where that is short. */
function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function broken(reason: string, value: number, limit: number): TrustVerdict {
  return { state: 'broken', reason, value, limit };
}

/**
 * Signals that need no model: numbers that are not finite, forces, displacement per step, kinetic temperature.
 * Each comparison is written so that NaN is broken; null when nothing is wrong.
 *
 * @param dt          the step about to be taken, fs
 * @param temperature of the bath, K
 */
export function hardVerdict(motion: Motion, dt: number, temperature: number, limits: HardLimits): TrustVerdict | null {
  const force = largestNorm(motion.forces);
  if (!Number.isFinite(motion.energy) || !Number.isFinite(force)) {
    return broken(
      'energy or forces are not finite',
      Number.isFinite(motion.energy) ? force : motion.energy,
      limits.maxForce,
    );
  }
  if (!Number.isFinite(largestNorm(motion.positions))) return broken('positions are not finite', Number.NaN, 0);
  if (!(force <= limits.maxForce)) {
    return broken(`force ${digits(force)} eV/Å above ${digits(limits.maxForce)}`, force, limits.maxForce);
  }
  const displacement = largestNorm(motion.velocities) * dt;
  if (!(displacement <= limits.maxDisplacement)) {
    const reason = `displacement ${digits(displacement)} Å per step above ${digits(limits.maxDisplacement)}`;
    return broken(reason, displacement, limits.maxDisplacement);
  }
  const kinetic = kineticTemperature(motion.velocities, motion.masses);
  const hottest = limits.maxTemperatureRatio * temperature;
  if (!(kinetic <= hottest))
    return broken(`temperature ${digits(kinetic)} K above ${digits(hottest)}`, kinetic, hottest);
  return null;
}

/** The verdict of `classify`, after the hard distance gate and a check for NaN. */
export function signalVerdict(signals: TrustSignals, limits: TrustLimits, classify: Classify): TrustVerdict {
  if (!(signals.distance >= 1))
    return broken(`shortest distance ${digits(signals.distance)} of its gate`, signals.distance, 1);
  for (const [name, value] of [
    ['force sigma', signals.forceSigma],
    ['leverage', signals.leverage],
    ['novelty', signals.novelty],
  ] as const) {
    if (Number.isNaN(value)) return broken(`${name} is not a number`, value, 0);
  }
  return classify(signals, limits);
}

/** Extrapolating once the time step has been at its shortest for too long, otherwise null. */
export function clampVerdict(clamped: number, maxClampedSteps: number): TrustVerdict | null {
  if (clamped < maxClampedSteps) return null;
  return {
    state: 'extrapolating',
    reason: `time step at its shortest for ${clamped} steps`,
    value: clamped,
    limit: maxClampedSteps,
  };
}

const RANK: Readonly<Record<TrustState, number>> = { trusted: 0, extrapolating: 1, broken: 2 };

/** The worst of some verdicts, the first of equals; null when there is none. */
export function worstVerdict(...verdicts: readonly (TrustVerdict | null)[]): TrustVerdict | null {
  let worst: TrustVerdict | null = null;
  for (const verdict of verdicts) {
    if (verdict !== null && (worst === null || RANK[verdict.state] > RANK[worst.state])) worst = verdict;
  }
  return worst;
}
