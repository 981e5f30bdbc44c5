import { InputError } from '../errors.ts';
import { threeDigits } from '../numerics/digits.ts';

/** How far a frame is trusted; the worst signal decides. */
export type TrustState = 'trusted' | 'extrapolating' | 'broken';

/** What says how far a frame can be trusted (see the signals of a trusted potential). */
export interface FrameSignals {
  /** Largest calibrated epistemic force sigma of an atom, eV/Å. */
  readonly forceSigma: number;
  /** Largest leverage over the median of the training set. */
  readonly leverage: number;
  /** Largest novelty over its threshold. */
  readonly novelty: number;
  /** Smallest distance over the hard gate of its pair: below 1 is broken. */
  readonly distance: number;
}

/** Limits of the signals: beyond `…Select` a frame extrapolates and is worth a label, beyond `…Break` it is broken. */
export interface TrustLimits {
  /** Calibrated standard deviation of a force component, eV/Å. */
  readonly forceSigmaSelect: number;
  readonly forceSigmaBreak: number;
  /** Novelty over its threshold; 1 is the edge of the training set. */
  readonly noveltySelect: number;
  readonly noveltyBreak: number;
  /** Leverage over the median of the training set. */
  readonly leverageSelect: number;
  readonly leverageBreak: number;
}

/** What a frame is and the signal that decided: `value` against `limit`. */
export interface TrustVerdict {
  readonly state: TrustState;
  /** A clause: force sigma 0.41 eV/Å above 0.2. */
  readonly reason: string;
  readonly value: number;
  readonly limit: number;
}

/** The force sigma limit is never asked to be below this, eV/Å: labels and thermal noise allow no less. */
export const SMALLEST_FORCE_LIMIT = 0.05;
/** A broken signal is this many times an extrapolating one. */
export const BREAK_FACTOR = 5;

/** What limits are made from. */
export interface LimitOptions {
  /** Force RMSE of predictions without the structure (leave-one-structure-out), eV/Å; NaN when unknown. */
  readonly forceRmse: number;
  /** Largest leverage of a training atom over the median; leverage then selects above twice that (default: no limit). */
  readonly trainingLeverage?: number;
  /** Overrides of single limits. */
  readonly overrides?: Partial<TrustLimits>;
}

/**
 * Default limits: force sigma selects above max(2 × force RMSE, 0.05 eV/Å), novelty above 1, leverage above twice that of
 * the training set; each breaks at five times that.
 *
 * @throws InputError `TRUST_LIMITS` unless every limit is positive and no break limit lies below its select limit
 */
export function trustLimits(options: LimitOptions): TrustLimits {
  const { forceRmse, trainingLeverage = Number.POSITIVE_INFINITY, overrides = {} } = options;
  const forceSigmaSelect = overrides.forceSigmaSelect ?? Math.max(2 * (forceRmse || 0), SMALLEST_FORCE_LIMIT);
  const noveltySelect = overrides.noveltySelect ?? 1;
  const leverageSelect = overrides.leverageSelect ?? 2 * trainingLeverage;
  const limits: TrustLimits = {
    forceSigmaSelect,
    forceSigmaBreak: overrides.forceSigmaBreak ?? BREAK_FACTOR * forceSigmaSelect,
    noveltySelect,
    noveltyBreak: overrides.noveltyBreak ?? BREAK_FACTOR * noveltySelect,
    leverageSelect,
    leverageBreak: overrides.leverageBreak ?? BREAK_FACTOR * leverageSelect,
  };
  for (const name of ['forceSigma', 'novelty', 'leverage'] as const) {
    const select = limits[`${name}Select`];
    const breaking = limits[`${name}Break`];
    if (!(select > 0 && breaking >= select)) {
      throw new InputError(
        'TRUST_LIMITS',
        `${name}Break must be at least ${name}Select and both positive, got ${breaking} and ${select}`,
        { select, break: breaking },
      );
    }
  }
  return limits;
}

/** How many trusted steps `automaticForceLimit` looks back on. */
export const AUTOMATIC_WINDOW = 200;

/**
 * Force sigma limit that follows the model: the 0.9 quantile of the force sigmas of the last 200 trusted steps, within
 * half and twice the previous limit; the previous limit without such steps.
 *
 * @param sigmas force sigmas of trusted steps, oldest first, eV/Å
 * @throws InputError `TRUST_LIMITS` unless the previous limit is positive
 */
export function automaticForceLimit(previous: number, sigmas: ArrayLike<number>, quantile = 0.9): number {
  if (!(previous > 0)) {
    throw new InputError('TRUST_LIMITS', `force sigma limit must be positive, got ${previous} eV/Å`, { previous });
  }
  const window = Float64Array.from(
    { length: Math.min(AUTOMATIC_WINDOW, sigmas.length) },
    (_, k) => sigmas[sigmas.length - 1 - k]!,
  )
    .filter((value) => Number.isFinite(value))
    .sort();
  if (window.length === 0) return previous;
  const found = window[Math.min(window.length - 1, Math.ceil(quantile * window.length) - 1)]!;
  return Math.min(2 * previous, Math.max(0.5 * previous, found));
}

/** One signal against its limits; `excess` orders signals of the same state. */
interface Judged extends TrustVerdict {
  readonly excess: number;
}

function judge(name: string, unit: string, value: number, select: number, breaking: number): Judged {
  if (Number.isNaN(value)) {
    return {
      state: 'broken',
      reason: `${name} is not a number`,
      value,
      limit: breaking,
      excess: Number.POSITIVE_INFINITY,
    };
  }
  const state = !(value <= breaking) ? 'broken' : !(value <= select) ? 'extrapolating' : 'trusted';
  const limit = state === 'broken' ? breaking : select;
  const reason = `${name} ${threeDigits(value)}${unit} ${state === 'trusted' ? 'within' : 'above'} ${threeDigits(limit)}`;
  // ∞/∞ is no excess: a signal without a limit never decides.
  return { state, reason, value, limit, excess: limit === Number.POSITIVE_INFINITY ? 0 : value / limit };
}

const RANK: Readonly<Record<TrustState, number>> = { trusted: 0, extrapolating: 1, broken: 2 };

/**
 * Sorts a frame by its worst signal. Every comparison is written so that NaN is broken. The verdict carries the signal
 * that exceeds its limit most (for a trusted frame, the one closest to it).
 */
export function classifyTrust(signals: FrameSignals, limits: TrustLimits): TrustVerdict {
  const { distance } = signals;
  const judged = [
    judge('force sigma', ' eV/Å', signals.forceSigma, limits.forceSigmaSelect, limits.forceSigmaBreak),
    judge('novelty', '', signals.novelty, limits.noveltySelect, limits.noveltyBreak),
    judge('leverage', '', signals.leverage, limits.leverageSelect, limits.leverageBreak),
  ];
  if (!(distance >= 1)) {
    const reason = Number.isNaN(distance)
      ? 'shortest distance is not a number'
      : `shortest distance ${threeDigits(distance)} of its gate below 1`;
    judged.unshift({ state: 'broken', reason, value: distance, limit: 1, excess: Number.POSITIVE_INFINITY });
  }
  let worst = judged[0]!;
  for (const verdict of judged) {
    const higher = RANK[verdict.state] - RANK[worst.state];
    if (higher > 0 || (higher === 0 && verdict.excess > worst.excess)) worst = verdict;
  }
  const { state, reason, value, limit } = worst;
  return { state, reason, value, limit };
}
