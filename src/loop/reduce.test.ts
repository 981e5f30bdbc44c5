import { describe, expect, it } from 'vitest';
import {
  again,
  BATCH,
  BLOB,
  done,
  event,
  failed,
  following,
  ORIGIN,
  pool,
  print,
  running,
  selected,
  started,
} from '../../test/support/events.ts';
import type { RunEvent } from '../protocol/events.ts';
import type { LoopState } from './state.ts';
import { EMPTY_STATE, spentLabels, stateHash, trainingHash, usableLabels, wallTime } from './state.ts';

describe('a label', () => {
  it('goes from queued through running to done, and is the place of its figures', () => {
    expect(BATCH.labels.a).toMatchObject({ status: 'queued', round: 0, index: 1, gain: 1, selectionReason: 'novel' });
    const at = following(BATCH, [running('a')]);
    expect(at.labels.a).toMatchObject({ status: 'running', process: { pid: 7, startTime: '7' } });
    const end = following(at, [done('a')]);
    expect(end.labels.a).toMatchObject({ status: 'done', energy: -1, maxForce: 2, cost: 3, process: null });
    expect(end.labels.b).toBe(at.labels.b);
    expect(end.cost).toBe(3);
  });

  it('keeps the cost of every attempt, and only scf raises the attempt, only lost the losses', () => {
    const tried = following(BATCH, [running('a'), again('a', 'scf', 5), running('a'), again('a', 'lost', 2)]);
    expect(tried.labels.a).toMatchObject({ status: 'queued', attempt: 1, lost: 1, cost: 7, process: null });
    const interrupted = following(tried, [running('a'), again('a', 'interrupted')]);
    expect(interrupted.labels.a).toMatchObject({ attempt: 1, lost: 1, cost: 7, message: 'once more' });
    const resumed = following(interrupted, [again('a', 'resumed')]);
    expect(resumed.labels.a).toMatchObject({ attempt: 1, lost: 0 });
    const end = following(resumed, [running('a'), done('a')]);
    expect(end.labels.a).toMatchObject({ cost: 10, message: '', reason: '' });
    expect(end.cost).toBe(10);
  });

  it('that failed or was rejected says why, and is used by nobody', () => {
    const state = following(BATCH, [
      ...[running('a'), failed('a'), running('b'), done('b'), running('c')],
      event('label-rejected', { id: 'c', reason: 'force', message: '99 eV/Å', cost: 1 }),
    ]);
    expect(state.labels.a).toMatchObject({ status: 'failed', reason: 'crash', message: 'it broke' });
    expect(state.labels.c).toMatchObject({ status: 'rejected', reason: 'force', cost: 1 });
    expect(usableLabels(state, 'training').map(({ id }) => id)).toEqual(['b']);
    // All three were asked for and count against the budget.
    expect(spentLabels(state)).toBe(3);
  });

  it('must have been asked for, and only once', () => {
    expect(() => following(BATCH, [done('z')])).toThrow('Label must exist before its events, got z');
    expect(() =>
      following(BATCH, [event('assessment-drawn', { round: 0, frames: [{ id: 'a' }], censored: 0 })]),
    ).toThrow('Label must be asked for once, got a again');
  });
});

describe('recent outcomes', () => {
  const outcomes = (count: number, fails: (k: number) => boolean): RunEvent[] =>
    Array.from({ length: count }, (_, k) => (fails(k) ? failed('a') : done('a')));

  it('are those of the last twenty calculations', () => {
    const state = following(
      BATCH,
      outcomes(30, (k) => k < 12),
    );
    expect(state.recentFailures).toHaveLength(20);
    expect(state.recentFailures.filter((flag) => flag)).toHaveLength(2);
  });

  it('count a label that contradicts the others, not one with an absurd structure', () => {
    const rejected = (reason: string): RunEvent => event('label-rejected', { id: 'a', reason, message: '', cost: 0 });
    const state = following(BATCH, ['overlap', 'force', 'net-force', 'outlier', 'inconsistent'].map(rejected));
    expect(state.recentFailures).toEqual([false, false, false, false, true]);
  });

  it('neither count what a person imports nor survive a resumption', () => {
    const state = following(BATCH, [failed('a'), done('b', { source: 'imported' })]);
    expect(state.recentFailures).toEqual([true]);
    expect(following(state, [event('run-resumed', { pid: 2, host: 'h', querent: '0' })]).recentFailures).toEqual([]);
  });
});

describe('the fingerprint', () => {
  const ga = done('a', { fingerprint: print({ 'Ga.UPF': '1' }) });
  const as = done('b', { fingerprint: print({ 'As.UPF': '2' }) });

  it('holds the files of all labels, whichever came first', () => {
    const one = following(BATCH, [ga, as]);
    const other = following(BATCH, [as, ga]);
    expect(one.fingerprint).toEqual(print({ 'Ga.UPF': '1', 'As.UPF': '2' }));
    expect(stateHash(one)).toBe(stateHash(other));
  });

  it('holds those of labels taken over from another run', () => {
    const labels = ['x', 'y'].map((id) => ({
      ...{ id, structure: BLOB, origin: ORIGIN, result: BLOB, fingerprint: print({ [`${id}.UPF`]: id }) },
    }));
    const state = following(EMPTY_STATE, [event('labels-imported', { from: 'old', labels }), started]);
    expect(state.fingerprint?.files).toEqual({ 'x.UPF': 'x', 'y.UPF': 'y' });
    expect(state.labels.x).toMatchObject({ status: 'done', imported: true, selectionReason: 'imported from old' });
    expect(usableLabels(state, 'training').map(({ id }) => id)).toEqual(['x', 'y']);
    expect(spentLabels(state)).toBe(0);
  });
});

describe('rounds', () => {
  it('are opened in order, and events of another round are refused', () => {
    expect(() => following(BATCH, [pool])).toThrow('Round must be 1, got 0');
    expect(() => following(BATCH, [selected(1, 'd')])).toThrow('Event must belong to round 0, got 1');
    expect(() => following(EMPTY_STATE, [selected(0, 'd')])).toThrow('Event must belong to round none, got 0');
    const next = following(BATCH, [
      event('explored', { round: 1, pool: BLOB, size: 2, walkers: [] }),
      selected(1, 'd'),
    ]);
    expect(next.rounds.map(({ batch }) => batch?.ids)).toEqual([['b', 'a', 'c'], ['d']]);
    expect(next.labels.d).toMatchObject({ round: 1, index: 0 });
  });

  it('remember with how many labels their judged model was fitted', () => {
    const assessed = event('assessed', {
      ...{ round: 0, assessment: BLOB, frames: 1, criteria: [], preconditions: [], met: false, converged: false },
      ...{ history: { looks: 1 }, reason: 'far off' },
    });
    const fitted = event('model-fitted', { round: 0, model: BLOB, data: 'd', structures: 3, summary: {} });
    const state = following(BATCH, [fitted, assessed]);
    expect(state.rounds[0]!.assessed).toMatchObject({ training: 3, reason: 'far off' });
    expect(state.history).toEqual({ looks: 1 });
    expect(state.rounds[0]!.assessed).not.toHaveProperty('history');
  });
});

describe('settings', () => {
  const changed = (path: string): RunEvent =>
    event('settings-changed', { runFile: 'b'.repeat(64), changes: [{ path, from: 1, to: 2 }] });
  const stopped = (outcome: string): LoopState =>
    following(BATCH, [event('stopped', { outcome, limit: 'labels', message: '' })]);

  it('of budgets let a run go on that had spent one, and not one that had converged', () => {
    expect(following(stopped('budget'), [changed('budget.labels')]).stopped).toBeNull();
    expect(following(stopped('converged'), [changed('budget.labels')]).stopped?.outcome).toBe('converged');
    expect(following(stopped('budget'), [changed('budget.labels')])).toMatchObject({
      runFile: 'b'.repeat(64),
      settingsChanges: [{ path: 'budget.labels', from: 1, to: 2 }],
    });
  });
});

describe('hashes', () => {
  const straight = following(BATCH, [running('a'), done('a'), running('b'), done('b')]);

  it('forget times, costs, processes, attempts and the order of arrival', () => {
    const crooked = following(
      BATCH,
      [
        ...[running('b', 11), again('b', 'lost', 9), running('b', 12), done('b', { cost: 50, source: 'adopted' })],
        ...[event('run-resumed', { pid: 4, host: 'elsewhere', querent: '0' }), running('a', 13), done('a')],
      ],
      77,
    );
    expect(crooked.cost).not.toBe(straight.cost);
    expect(stateHash(crooked)).toBe(stateHash(straight));
    // A label that is being computed has not been computed.
    expect(stateHash(following(BATCH, [running('c')]))).toBe(stateHash(BATCH));
  });

  it('remember results, failures and what was withdrawn', () => {
    const others = [
      following(BATCH, [done('a'), done('b', { result: 'c'.repeat(64) })]),
      following(BATCH, [done('a'), failed('b')]),
      following(straight, [event('label-withdrawn', { id: 'a', reason: '' })]),
      following(straight, [event('stopped', { outcome: 'budget', limit: 'rounds', message: '' })]),
    ];
    expect(new Set([straight, ...others].map(stateHash)).size).toBe(5);
    expect(stateHash(following(others[2]!, [event('label-readmitted', { id: 'a', reason: '' })]))).toBe(
      stateHash(straight),
    );
  });

  it('of training data depend on the results and their order, and on nothing else', () => {
    const [b, a] = usableLabels(straight, 'training');
    expect(trainingHash([b!, a!])).not.toBe(trainingHash([a!, b!]));
    expect(trainingHash([{ ...a!, cost: 99, status: 'running' }])).toBe(trainingHash([a!]));
    expect(trainingHash([{ ...a!, result: 'c'.repeat(64) }])).not.toBe(trainingHash([a!]));
  });
});

describe('wall time', () => {
  it('is that of all sessions, without the time between them', () => {
    const first = following(EMPTY_STATE, [started, pool, selected(0, 'a')], 10);
    expect(wallTime(first)).toBe(20);
    // The next event comes 10 s later, in a new session.
    const second = following(first, [event('run-resumed', { pid: 2, host: 'h', querent: '0' }), running('a')], 10);
    expect(wallTime(second)).toBe(30);
  });
});
