/** Events of a small run, and the states they lead to. */
import type { EventType, FingerprintData, OriginData, RunEvent, StoredEvent } from '../../src/protocol/events.ts';
import { reduce } from '../../src/loop/reduce.ts';
import type { LoopState } from '../../src/loop/state.ts';
import { EMPTY_STATE } from '../../src/loop/state.ts';

/** The name of some blob. */
export const BLOB = 'a'.repeat(64);

/** Where a structure of the first round came from. */
export const ORIGIN: OriginData = {
  ...{ kind: 'seed', round: 0, walker: 0, step: 0, reason: 'rattled', temperature: 0, signals: {}, censored: false },
};

/** An event, its payload unchecked. */
export const event = <T extends EventType>(type: T, data: object): RunEvent => ({ type, data }) as unknown as RunEvent;

/** The state after some events, so many seconds apart. */
export function following(state: LoopState, events: readonly RunEvent[], seconds = 1): LoopState {
  return events.reduce((before, next) => {
    const time = new Date(1e12 + 1000 * seconds * (before.seq + 1)).toISOString();
    return reduce(before, { ...next, seq: before.seq + 1, time, hash: '' } as StoredEvent);
  }, state);
}

/** A run begins. */
export const started = event('run-started', {
  ...{ name: 'a', seed: 1, runFile: BLOB, inputs: {}, kernel: 'k', querent: '0', pid: 1, host: 'h' },
});

/** The first round's pool. */
export const pool = event('pool-built', { round: 0, pool: BLOB, size: 3 });

/** A batch of training labels. */
export const selected = (round: number, ...ids: string[]): RunEvent =>
  event('batch-selected', {
    ...{ round, strategy: 's', certificate: null, poolSize: 9 },
    selected: ids.map((id) => ({ id, structure: BLOB, origin: ORIGIN, gain: 1, reason: 'novel' })),
  });

/** A label is being computed. */
export const running = (id: string, pid = 7): RunEvent =>
  event('label-running', { id, attempt: 0, pid, startTime: String(pid) });

/** What was computed, with these files. */
export const print = (files: Record<string, string>): FingerprintData => ({ code: 'x', settings: '{}', files });

/** A label is there. */
export const done = (id: string, change: object = {}): RunEvent =>
  event('label-done', {
    ...{ id, result: BLOB, fingerprint: print({}), energy: -1, maxForce: 2, cost: 3, directory: `labels/${id}` },
    ...{ source: 'computed', ...change },
  });

/** A label failed. */
export const failed = (id: string, change: object = {}): RunEvent =>
  event('label-failed', { id, reason: 'crash', message: 'it broke', cost: 3, ...change });

/** A label is tried again. */
export const again = (id: string, reason: string, cost = 0): RunEvent =>
  event('label-queued', { id, reason, message: 'once more', cost });

/** A run that has asked for three labels, `b`, `a` and `c`. */
export const BATCH = following(EMPTY_STATE, [started, pool, selected(0, 'b', 'a', 'c')]);
