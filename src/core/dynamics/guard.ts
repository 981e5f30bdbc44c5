import type { Motion } from './dynamics.ts';
import type { HardLimits, TrustState, TrustVerdict } from './verdict.ts';

/** What the guard did at a step. */
export type GuardAction = 'continue' | 'buffer' | 'shrink' | 'rollback' | 'stop';

/** Record of one decision; plain data. */
export interface Decision {
  readonly step: number;
  /** fs */
  readonly time: number;
  readonly state: TrustState;
  readonly reason: string;
  readonly value: number;
  readonly limit: number;
  readonly action: GuardAction;
}

/** Constants of the guard. */
export interface GuardRule extends HardLimits {
  /** Number of steps between checkpoints. */
  readonly checkpointInterval: number;
  /** A rollback goes at least this many steps behind the crossing. */
  readonly rollbackMargin: number;
  /** A frame that failed this often is given up, and its trajectory with it. */
  readonly maxFailures: number;
  /** Number of steps between buffered frames while trusted. */
  readonly bufferInterval: number;
  /** Shortest time between a buffered frame and an extrapolating one, fs. */
  readonly decorrelationTime: number;
  /** Number of steps at the shortest time step after which a walker counts as extrapolating. */
  readonly maxClampedSteps: number;
  /** What follows a break. */
  readonly afterBreak: 'stop' | 'rollback';
}

/** The constants by default. */
export const DEFAULT_GUARD_RULE: GuardRule = {
  checkpointInterval: 20,
  rollbackMargin: 10,
  maxFailures: 3,
  bufferInterval: 20,
  decorrelationTime: 40,
  maxForce: 100,
  maxDisplacement: 0.2,
  maxTemperatureRatio: 3,
  maxClampedSteps: 20,
  afterBreak: 'stop',
};

/** A trusted instant of a trajectory, a copy: all that is needed to go on from it with new noise. */
export interface Checkpoint {
  readonly step: number;
  /** fs */
  readonly time: number;
  /** [3n] Å */
  readonly positions: Float64Array;
  /** [3n] Å/fs */
  readonly velocities: Float64Array;
  /** [3n] eV/Å */
  readonly forces: Float64Array;
  /** eV */
  readonly energy: number;
}

/** What the guard remembers; plain data, replaced at every check. */
export interface GuardState {
  readonly state: TrustState;
  /** Step of the first check that was not trusted since the last that was; null while trusted. */
  readonly crossing: number | null;
  /** Trusted frames, oldest first; the youngest few, enough for several rollbacks in a row. */
  readonly checkpoints: readonly Checkpoint[];
  /** How often a rollback has returned to the frame of a step. */
  readonly failures: ReadonlyMap<number, number>;
  /** Step of the last buffered frame, 0 before the first. */
  readonly bufferedStep: number;
  /** Time of the last buffered frame, fs; null before the first. */
  readonly bufferedTime: number | null;
}

/** The guard at the start of a trajectory. */
export function initialGuard(): GuardState {
  return {
    state: 'trusted',
    crossing: null,
    checkpoints: [],
    failures: new Map(),
    bufferedStep: 0,
    bufferedTime: null,
  };
}

/** What the guard wants done with the frame it has seen. */
export interface GuardOutcome {
  readonly guard: GuardState;
  readonly decision: Decision;
  /** Where to go on after a rollback, otherwise null. */
  readonly target: Checkpoint | null;
}

/** A copy of this instant. */
function checkpointOf(motion: Motion): Checkpoint {
  return {
    step: motion.step,
    time: motion.time,
    positions: motion.positions.slice(),
    velocities: motion.velocities.slice(),
    forces: motion.forces.slice(),
    energy: motion.energy,
  };
}

/** Puts a motion back to a checkpoint, bit for bit. */
export function restore(motion: Motion, checkpoint: Checkpoint): void {
  motion.positions.set(checkpoint.positions);
  motion.velocities.set(checkpoint.velocities);
  motion.forces.set(checkpoint.forces);
  motion.energy = checkpoint.energy;
  motion.step = checkpoint.step;
  motion.time = checkpoint.time;
}

// A rollback gives up the younger checkpoints and may be followed at once by another: spares to fall back on.
const SPARE_CHECKPOINTS = 6;

/** Checkpoints with this trusted instant appended when it is due. */
function withCheckpoint(guard: GuardState, motion: Motion, rule: GuardRule): readonly Checkpoint[] {
  const last = guard.checkpoints.at(-1);
  if (last !== undefined && motion.step - last.step < rule.checkpointInterval) return guard.checkpoints;
  const needed = Math.ceil(rule.rollbackMargin / rule.checkpointInterval) + SPARE_CHECKPOINTS;
  return [...guard.checkpoints.slice(-needed), checkpointOf(motion)];
}

/**
 * The state machine: trusted → extrapolating (frames are buffered, one per decorrelation time) → broken (back to the last
 * trusted frame at least `rollbackMargin` steps before the crossing, or stop). Call it once for every frame with a verdict.
 * Pure: the same guard, frame and verdict give the same outcome.
 */
export function advanceGuard(guard: GuardState, motion: Motion, verdict: TrustVerdict, rule: GuardRule): GuardOutcome {
  const { step, time } = motion;
  const { state, reason, value, limit } = verdict;
  const record = (action: GuardAction, text = reason): Decision => ({
    step,
    time,
    state,
    reason: text,
    value,
    limit,
    action,
  });

  if (state !== 'broken') {
    const isTrusted = state === 'trusted';
    const isDue = isTrusted
      ? step - guard.bufferedStep >= rule.bufferInterval
      : guard.bufferedTime === null || time - guard.bufferedTime >= rule.decorrelationTime * (1 - 1e-9);
    const next: GuardState = {
      state,
      crossing: isTrusted ? null : (guard.crossing ?? step),
      checkpoints: isTrusted ? withCheckpoint(guard, motion, rule) : guard.checkpoints,
      failures: guard.failures,
      bufferedStep: isDue ? step : guard.bufferedStep,
      bufferedTime: isDue ? time : guard.bufferedTime,
    };
    return { guard: next, decision: record(isDue ? 'buffer' : 'continue'), target: null };
  }

  const crossing = guard.crossing ?? step;
  const stopped: GuardState = { ...guard, state, crossing };
  if (rule.afterBreak === 'stop') return { guard: stopped, decision: record('stop'), target: null };
  const target = guard.checkpoints.findLast((checkpoint) => checkpoint.step <= crossing - rule.rollbackMargin);
  if (target === undefined) {
    const text = `${reason}; no trusted frame ${rule.rollbackMargin} steps before it left the trust region at step ${crossing}`;
    return { guard: stopped, decision: record('stop', text), target: null };
  }
  const failures = new Map(guard.failures).set(target.step, (guard.failures.get(target.step) ?? 0) + 1);
  if (failures.get(target.step)! >= rule.maxFailures) {
    const text = `${reason}; the frame of step ${target.step} failed ${rule.maxFailures} times`;
    return { guard: { ...stopped, failures }, decision: record('stop', text), target: null };
  }
  const next: GuardState = {
    state: 'trusted',
    crossing: null,
    checkpoints: guard.checkpoints.filter((checkpoint) => checkpoint.step <= target.step),
    failures,
    bufferedStep: Math.min(guard.bufferedStep, target.step),
    bufferedTime: guard.bufferedTime === null ? null : Math.min(guard.bufferedTime, target.time),
  };
  return { guard: next, decision: record('rollback', `${reason}; back to step ${target.step}`), target };
}
