import { requireTemperature } from '../dynamics/velocities.ts';
import { InputError } from '../errors.ts';
import { RandomStream } from '../random.ts';
import type { Structure } from '../structure/structure.ts';
import { requireCount, requireStructures } from './sampling.ts';
import { randomStrain, requireStrainRange, type StrainRange } from './strain.ts';

/** Temperatures, K: all between two, or some. */
export type Temperatures = { readonly low: number; readonly high: number } | { readonly values: readonly number[] };

/** What a potential shall be good for. */
export interface Conditions {
  readonly temperatures: Temperatures;
  readonly strain: StrainRange;
}

/** Throws InputError `TEMPERATURE_RANGE` or `STRAIN_RANGE` unless the conditions make sense; temperatures are above 0 K. */
export function requireConditions(conditions: Conditions): void {
  const { temperatures, strain } = conditions;
  const values = 'values' in temperatures ? temperatures.values : [temperatures.low, temperatures.high];
  for (const temperature of values) requireTemperature(temperature);
  const rises = 'values' in temperatures || temperatures.high >= temperatures.low;
  if (values.length === 0 || !values.every((temperature) => temperature > 0) || !rises) {
    const message = `temperatures must be above 0 K and rise from low to high, got ${values.join(', ') || 'none'}`;
    throw new InputError('TEMPERATURE_RANGE', message, { values });
  }
  requireStrainRange(strain);
}

/**
 * Conditions a little beyond those asked for, so that exploration surrounds the target: the highest temperature and all
 * strains times `factor`. A list of temperatures keeps its values except the highest.
 */
export function widenConditions({ temperatures, strain }: Conditions, factor: number): Conditions {
  const top = 'values' in temperatures ? Math.max(...temperatures.values) : temperatures.high;
  const { diagonal, shear, volume } = strain;
  return {
    temperatures:
      'values' in temperatures
        ? { values: temperatures.values.map((value) => (value === top ? factor * value : value)) }
        : { low: temperatures.low, high: factor * top },
    strain: {
      diagonal: factor * diagonal,
      shear: factor * shear,
      ...(volume === undefined ? {} : { volume: [factor * volume[0], factor * volume[1]] as const }),
    },
  };
}

/** All that one walker needs besides a potential; plain data that may be sent to any thread. */
export interface WalkerPlan {
  readonly round: number;
  /** Index of the walker in its round. */
  readonly walker: number;
  /** Index of `structure` in the list of starting structures. */
  readonly start: number;
  readonly structure: Structure;
  /** [9] strain put on the structure at the start, row-major. */
  readonly strain: Float64Array;
  /** Temperature of the bath, K. */
  readonly temperature: number;
  readonly steps: number;
  /** Longest time step, fs. */
  readonly timeStep: number;
}

/** A walker of the assessment: its frame is the one of step `frameStep`, where it ends. */
export interface AssessmentPlan extends WalkerPlan {
  readonly frameStep: number;
}

/** How long walkers walk. */
export interface PlanLength {
  readonly steps: number;
  /** fs */
  readonly timeStep: number;
}

/** What the streams of plans are keyed by: walkers of different purposes never share noise. */
export type Purpose = 'exploration' | 'assessment';

function requireLength({ steps, timeStep }: PlanLength): void {
  requireCount('number of steps', steps, 1);
  if (!(timeStep > 0 && timeStep < Number.POSITIVE_INFINITY)) {
    throw new InputError('TIME_STEP_RANGE', `time step must be positive and finite, got ${timeStep} fs`, { timeStep });
  }
}

/** Temperature of stratum s of `count`: one uniform draw per equal slice of the range, or the values in turn. */
function temperatureOf(temperatures: Temperatures, s: number, count: number, stream: RandomStream): number {
  const u = stream.uniform();
  if ('values' in temperatures) return temperatures.values[s % temperatures.values.length]!;
  return temperatures.low + ((s + u) / count) * (temperatures.high - temperatures.low);
}

/** Structure of stratum s: a Latin square of temperatures × structures, shifted at random. */
function startOf(temperatures: Temperatures, s: number, structures: number, shift: number): number {
  if (!('values' in temperatures)) return (s + shift) % structures;
  const values = temperatures.values.length;
  return ((s % values) + Math.floor(s / values) + shift) % structures;
}

function planWalkers(
  purpose: Purpose,
  structures: readonly Structure[],
  conditions: Conditions,
  count: number,
  round: number,
  seed: number,
  length: PlanLength,
): WalkerPlan[] {
  requireStructures(structures);
  requireConditions(conditions);
  requireLength(length);
  requireCount('number of walkers', count, 0);
  const { temperatures, strain } = conditions;
  const shared = new RandomStream(seed, `${purpose}-plans`, round);
  const shift = shared.integer(structures.length);
  const strata = shared.permutation(count);
  return Array.from({ length: count }, (_, walker) => {
    const own = new RandomStream(seed, `${purpose}-plan`, round, walker);
    const s = strata[walker]!;
    const start = startOf(temperatures, s, structures.length, shift);
    return {
      round,
      walker,
      start,
      structure: structures[start]!,
      temperature: temperatureOf(temperatures, s, count, own),
      strain: randomStrain(strain, own),
      steps: length.steps,
      timeStep: length.timeStep,
    };
  });
}

/**
 * Plans of the exploration walkers of a round: temperatures are stratified (one walker per slice of the range, or the
 * values in turn), starting structures take turns over the strata, strains are random. A plan depends on the seed, the
 * round and the number of walkers, never on the number of threads.
 *
 * @param structures starting structures
 * @throws InputError for conditions, lengths or counts out of range, or without a structure
 */
export function explorationPlans(
  structures: readonly Structure[],
  conditions: Conditions,
  count: number,
  round: number,
  seed: number,
  length: PlanLength,
): WalkerPlan[] {
  return planWalkers('exploration', structures, conditions, count, round, seed, length);
}

/**
 * Plans of the assessment walkers of a round: as `explorationPlans`, and the time of the one frame that each gives is
 * stratified too, uniform over the last part of the trajectory and independent of the temperature.
 *
 * @param firstShare where the last part begins, as a share of `length.steps`: 0.5 = second half
 */
export function assessmentPlans(
  structures: readonly Structure[],
  conditions: Conditions,
  count: number,
  round: number,
  seed: number,
  length: PlanLength & { readonly firstShare?: number },
): AssessmentPlan[] {
  const { firstShare = 0.5, steps } = length;
  if (!(firstShare >= 0 && firstShare < 1)) {
    throw new InputError(
      'SHARE_RANGE',
      `share of the trajectory before its frame must be in [0, 1), got ${firstShare}`,
      {
        firstShare,
      },
    );
  }
  const plans = planWalkers('assessment', structures, conditions, count, round, seed, length);
  const times = new RandomStream(seed, 'assessment-times', round);
  const strata = times.permutation(count);
  return plans.map((plan, walker) => {
    const share = firstShare + ((strata[walker]! + times.uniform()) / count) * (1 - firstShare);
    return { ...plan, frameStep: Math.min(steps, 1 + Math.floor(share * steps)) };
  });
}
