import { InputError } from '../core/errors.ts';
import type { EventData, FingerprintData, StoredEvent } from '../protocol/events.ts';
import type { LabelRecord, LabelRole, LoopState, RoundRecord } from './state.ts';
import { currentRound } from './state.ts';

/** Version of the reducer: a snapshot of another version is not used, the events are replayed instead. */
export const REDUCER_VERSION = 2;

/** How many of the latest reference calculations decide about a pause. */
export const FAILURE_WINDOW = 20;

type Request = EventData<'assessment-drawn'>['frames'][number];

function queued(
  request: Request,
  role: LabelRole,
  round: number,
  index: number,
  gain: number | null,
  selectionReason: string,
): LabelRecord {
  const { id, structure, origin } = request;
  return {
    ...{ id, role, round, index, structure, origin, gain, selectionReason },
    status: 'queued',
    attempt: 0,
    lost: 0,
    reason: '',
    message: '',
    result: null,
    energy: null,
    maxForce: null,
    cost: 0,
    directory: null,
    imported: false,
    withdrawn: false,
    process: null,
  };
}

/**
 * What the labels were computed with, after one more: structures of other elements bring other files, and the result must
 * not depend on which label came first.
 */
function withFiles(known: FingerprintData | null, added: FingerprintData): FingerprintData {
  return known === null ? added : { ...known, files: { ...added.files, ...known.files } };
}

function withLabels(state: LoopState, added: readonly LabelRecord[]): LoopState {
  const labels = { ...state.labels };
  for (const label of added) {
    if (labels[label.id] !== undefined) {
      throw new InputError('EVENT_ORDER', `Label must be asked for once, got ${label.id} again`, { id: label.id });
    }
    labels[label.id] = label;
  }
  return { ...state, labels };
}

function withLabel(state: LoopState, id: string, change: (label: LabelRecord) => Partial<LabelRecord>): LoopState {
  const label = state.labels[id];
  if (label === undefined) throw new InputError('EVENT_ORDER', `Label must exist before its events, got ${id}`, { id });
  return { ...state, labels: { ...state.labels, [id]: { ...label, ...change(label) } } };
}

function withRound(state: LoopState, round: number, change: Partial<RoundRecord>): LoopState {
  const current = currentRound(state);
  if (current === null || current.round !== round) {
    throw new InputError('EVENT_ORDER', `Event must belong to round ${current?.round ?? 'none'}, got ${round}`, {
      round,
    });
  }
  return { ...state, rounds: [...state.rounds.slice(0, -1), { ...current, ...change }] };
}

function opened(state: LoopState, round: number, change: Partial<RoundRecord>): LoopState {
  const next = state.rounds.length;
  if (round !== next) throw new InputError('EVENT_ORDER', `Round must be ${next}, got ${round}`, { round });
  const empty = { explored: null, pool: null, batch: null, model: null, drawn: null, assessed: null };
  return { ...state, rounds: [...state.rounds, { round, ...empty, ...change }] };
}

/** A reference calculation that ended: its cost, and whether it failed as the machine's or settings' fault. */
function ended(state: LoopState, failed: boolean, cost: number): LoopState {
  const recentFailures = [...state.recentFailures, failed].slice(-FAILURE_WINDOW);
  return { ...state, recentFailures, cost: state.cost + cost };
}

function reduceLabel(state: LoopState, event: StoredEvent): LoopState {
  switch (event.type) {
    case 'label-queued': {
      const { id, reason, message, cost } = event.data;
      const next = withLabel(state, id, (label) => ({
        status: 'queued',
        process: null,
        message,
        reason: '',
        attempt: label.attempt + (reason === 'scf' ? 1 : 0),
        lost: reason === 'lost' ? label.lost + 1 : reason === 'resumed' ? 0 : label.lost,
        cost: label.cost + cost,
      }));
      return { ...next, cost: next.cost + cost };
    }
    case 'label-running': {
      const { id, pid, startTime } = event.data;
      return withLabel(state, id, () => ({ status: 'running', process: { pid, startTime, since: event.time } }));
    }
    case 'label-done': {
      const { id, result, energy, maxForce, cost, directory, source, fingerprint } = event.data;
      const next = withLabel(state, id, (label) => ({
        ...{ status: 'done' as const, result, energy, maxForce, directory },
        cost: label.cost + cost,
        reason: '',
        message: '',
        process: null,
      }));
      const known = { ...next, fingerprint: withFiles(next.fingerprint, fingerprint) };
      return source === 'imported' ? { ...known, cost: known.cost + cost } : ended(known, false, cost);
    }
    case 'label-failed': {
      const { id, reason, message, cost } = event.data;
      const next = withLabel(state, id, (label) => ({
        ...{ status: 'failed' as const, reason, message, process: null },
        cost: label.cost + cost,
      }));
      return ended(next, true, cost);
    }
    case 'label-rejected': {
      const { id, reason, message, cost } = event.data;
      const next = withLabel(state, id, (label) => ({
        ...{ status: 'rejected' as const, reason, message, process: null },
        cost: label.cost + cost,
      }));
      // A label that contradicts itself or the others points at the reference; other rejections at the structure.
      return ended(next, reason === 'inconsistent', cost);
    }
    case 'label-withdrawn':
      return withLabel(state, event.data.id, () => ({ withdrawn: true }));
    case 'label-readmitted':
      return withLabel(state, event.data.id, () => ({ withdrawn: false }));
    default:
      return state;
  }
}

function reduceRound(state: LoopState, event: StoredEvent): LoopState {
  switch (event.type) {
    case 'pool-built':
      return opened(state, event.data.round, { pool: event.data.pool });
    case 'explored': {
      const { round, pool, size, walkers } = event.data;
      return opened(state, round, { pool, explored: { pool, size, walkers } });
    }
    case 'batch-selected': {
      const { round, selected, certificate, poolSize, strategy } = event.data;
      const ids = selected.map(({ id }) => id);
      const next = withRound(state, round, { batch: { ids, certificate, poolSize, strategy } });
      return withLabels(
        next,
        selected.map((choice, index) => queued(choice, 'training', round, index, choice.gain, choice.reason)),
      );
    }
    case 'model-fitted': {
      const { round, model, data, structures, summary } = event.data;
      return withRound(state, round, { model: { model, data, structures, summary } });
    }
    case 'assessment-drawn': {
      const { round, frames, censored } = event.data;
      const next = withRound(state, round, { drawn: { ids: frames.map(({ id }) => id), censored } });
      return withLabels(
        next,
        frames.map((frame, index) => queued(frame, 'assessment', round, index, null, '')),
      );
    }
    case 'assessed': {
      const { round, history, ...record } = event.data;
      const training = currentRound(state)?.model?.structures ?? 0;
      return { ...withRound(state, round, { assessed: { ...record, training } }), history };
    }
    default:
      return state;
  }
}

function reduceRun(state: LoopState, event: StoredEvent): LoopState {
  const now = Date.parse(event.time);
  switch (event.type) {
    case 'run-started': {
      const { name, seed, inputs, kernel, querent, runFile } = event.data;
      const started = { name, seed, inputs, kernel, querent, time: event.time };
      return { ...state, started, runFile, clock: { sessionStart: now, last: now, before: 0 } };
    }
    case 'run-resumed': {
      const before = state.clock.before + (state.clock.last - state.clock.sessionStart) / 1000;
      return { ...state, paused: null, recentFailures: [], clock: { sessionStart: now, last: now, before } };
    }
    case 'settings-changed': {
      const { runFile, changes } = event.data;
      const settingsChanges = [...state.settingsChanges, ...changes];
      // New tolerances judge the current model again; a new budget lets a run go on that had spent the old one.
      const judged = changes.some(({ path }) => path.startsWith('stopping.'));
      const current = currentRound(state);
      const next = { ...state, runFile, settingsChanges };
      if (judged && current?.assessed) {
        return { ...withRound(next, current.round, { assessed: null }), stopped: null };
      }
      return next.stopped?.outcome === 'converged' ? next : { ...next, stopped: null };
    }
    case 'labels-imported': {
      const fingerprint = event.data.labels.reduce(
        (known, label) => withFiles(known, label.fingerprint),
        state.fingerprint,
      );
      const next = { ...state, fingerprint };
      return withLabels(
        next,
        event.data.labels.map((label, index) => ({
          ...queued(label, 'training', 0, -event.data.labels.length + index, null, `imported from ${event.data.from}`),
          status: 'done',
          result: label.result,
          imported: true,
        })),
      );
    }
    case 'paused':
      return { ...state, paused: event.data };
    case 'stopped':
      return { ...state, stopped: event.data };
    default:
      return state;
  }
}

/**
 * The state after one more event. Pure: the whole memory of a run is the fold of its events over `EMPTY_STATE`.
 * @throws InputError `EVENT_ORDER` when the event cannot follow what came before
 */
export function reduce(state: LoopState, event: StoredEvent): LoopState {
  const next = reduceRun(reduceRound(reduceLabel(state, event), event), event);
  return { ...next, seq: event.seq, clock: { ...next.clock, last: Date.parse(event.time) } };
}
