import { largestNorm, type Motion, startMotion } from '../dynamics/dynamics.ts';
import { langevinStep, type Thermostat } from '../dynamics/langevin.ts';
import { maxwellBoltzmann } from '../dynamics/velocities.ts';
import {
  classifyTrust,
  type HardLimits,
  hardVerdict,
  type TrustLimits,
  type TrustVerdict,
  worstVerdict,
} from '../dynamics/verdict.ts';
import { QuerentError } from '../errors.ts';
import type { TrustedPotential, TrustSignals } from '../potentials/potential.ts';
import { RandomStream } from '../random.ts';
import { strained } from '../structure/cell.ts';
import type { Purpose, WalkerPlan } from './plans.ts';

/**
 * Sets a walker in motion: the plan's structure under its strain, with velocities of exactly `heat` times the temperature
 * (2 for a crystal, which gives half of its kinetic energy to the lattice within a vibration).
 * Errors of the potential at this structure pass through: it is the caller's.
 */
export function launch(
  plan: WalkerPlan,
  potential: TrustedPotential,
  purpose: Purpose,
  seed: number,
  heat: number,
): Motion {
  const motion = startMotion(strained(plan.structure, plan.strain), null, potential);
  const stream = new RandomStream(seed, `${purpose}-velocities`, plan.round, plan.walker);
  motion.velocities.set(maxwellBoltzmann(motion.masses, heat * plan.temperature, stream, { exact: true }));
  return motion;
}

/** The noise of a walker; every rollback begins a new stream, `attempt` counts them. */
export function noiseOf(plan: WalkerPlan, purpose: Purpose, seed: number, attempt: number): RandomStream {
  return new RandomStream(seed, `${purpose}-noise`, plan.round, plan.walker, attempt);
}

/** A frame as its walker sees it. */
export interface Observation {
  readonly verdict: TrustVerdict | null;
  /** null when they were not asked for or could not be had. */
  readonly signals: TrustSignals | null;
}

/** The message of an error that a potential threw for a frame; anything that is no error of this project is thrown again. */
function failureOf(error: unknown): string {
  if (error instanceof QuerentError) return error.message;
  throw error;
}

/** Trust signals of the present frame, or the verdict of broken when the potential cannot give them. */
function signalsOf(motion: Motion, potential: TrustedPotential): TrustSignals | TrustVerdict {
  const { positions, cell, pbc, species } = motion;
  try {
    return potential.trust({ positions: positions.slice(), cell, pbc, species });
  } catch (error) {
    return { state: 'broken', reason: `no trust signals: ${failureOf(error)}`, value: Number.NaN, limit: 0 };
  }
}

/**
 * Looks at a frame before it is integrated: the hard limits always, the trust signals when `isDue` or when something is
 * wrong already. The worst verdict counts; null when nothing was due and nothing is wrong.
 *
 * @param dt the step about to be taken, fs
 */
export function observe(
  motion: Motion,
  dt: number,
  temperature: number,
  isDue: boolean,
  potential: TrustedPotential,
  trust: TrustLimits,
  hard: HardLimits,
): Observation {
  const wrong = hardVerdict(motion, dt, temperature, hard);
  const isSound = Number.isFinite(motion.energy) && Number.isFinite(largestNorm(motion.positions));
  if (!isSound || !(isDue || wrong !== null)) return { verdict: wrong, signals: null };
  const signals = signalsOf(motion, potential);
  if ('state' in signals) return { verdict: worstVerdict(wrong, signals), signals: null };
  return { verdict: worstVerdict(wrong, classifyTrust(signals, trust)), signals };
}

/**
 * A Langevin step that survives a potential that cannot evaluate the new frame: its energy and forces become NaN, which
 * the guard takes for broken. @returns the message of the potential, or null
 */
export function tryLangevinStep(
  motion: Motion,
  potential: TrustedPotential,
  thermostat: Thermostat,
  dt: number,
  stream: RandomStream,
): string | null {
  const { step, time } = motion;
  try {
    langevinStep(motion, potential, thermostat, dt, stream);
    return null;
  } catch (error) {
    const failure = failureOf(error);
    motion.energy = Number.NaN;
    motion.forces.fill(Number.NaN);
    motion.step = step + 1;
    motion.time = time + dt;
    return failure;
  }
}

/** The verdict with the potential's own words where it failed on the frame. */
export function explained(verdict: TrustVerdict | null, failure: string | null): TrustVerdict | null {
  if (failure === null || verdict === null) return verdict;
  return { ...verdict, reason: `the potential failed: ${failure}` };
}

/** The finite signals by name. */
export function namedSignals(signals: TrustSignals | null): Record<string, number> {
  if (signals === null) return {};
  const { forceSigma, leverage, novelty, distance } = signals;
  return Object.fromEntries(
    Object.entries({ forceSigma, leverage, novelty, distance }).filter(([, value]) => Number.isFinite(value)),
  );
}
