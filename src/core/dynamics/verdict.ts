import { threeDigits } from '../numerics/digits.ts';
import type { TrustState, TrustVerdict } from '../uncertainty/trust-region.ts';
import { largestNorm, type Motion } from './dynamics.ts';
import { kineticTemperature } from './velocities.ts';

/** The sorting of trust signals that the guard uses, and its types. */
export { classifyTrust, type TrustLimits, type TrustState, type TrustVerdict } from '../uncertainty/trust-region.ts';

/** Limits that need no model. */
export interface HardLimits {
  /** Longest force, eV/Å. */
  readonly maxForce: number;
  /** Longest displacement of an atom in one step, Å. */
  readonly maxDisplacement: number;
  /** Highest kinetic temperature over that of the bath. */
  readonly maxTemperatureRatio: number;
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
    return broken(`force ${threeDigits(force)} eV/Å above ${threeDigits(limits.maxForce)}`, force, limits.maxForce);
  }
  const displacement = largestNorm(motion.velocities) * dt;
  if (!(displacement <= limits.maxDisplacement)) {
    const reason = `displacement ${threeDigits(displacement)} Å per step above ${threeDigits(limits.maxDisplacement)}`;
    return broken(reason, displacement, limits.maxDisplacement);
  }
  const kinetic = kineticTemperature(motion.velocities, motion.masses);
  const hottest = limits.maxTemperatureRatio * temperature;
  if (!(kinetic <= hottest))
    return broken(`temperature ${threeDigits(kinetic)} K above ${threeDigits(hottest)}`, kinetic, hottest);
  return null;
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

/** Whether state `a` is worse than state `b`. */
export function isWorse(a: TrustState, b: TrustState): boolean {
  return RANK[a] > RANK[b];
}

/** The worst of some verdicts, the first of equals; null when there is none. */
export function worstVerdict(...verdicts: readonly (TrustVerdict | null)[]): TrustVerdict | null {
  let worst: TrustVerdict | null = null;
  for (const verdict of verdicts) {
    if (verdict !== null && (worst === null || isWorse(verdict.state, worst.state))) worst = verdict;
  }
  return worst;
}
