import { describe, expect, it } from 'vitest';
import type { EventType, OriginData, RunEvent, StoredEvent } from '../protocol/events.ts';
import type { RunFile } from '../protocol/run-file.ts';
import { runFileSchema } from '../protocol/run-file.ts';
import { decide } from './decide.ts';
import { reduce } from './reduce.ts';
import type { LoopState } from './state.ts';
import { EMPTY_STATE, stateHash } from './state.ts';

const BLOB = 'a'.repeat(64);
const ORIGIN: OriginData = {
  ...{ kind: 'seed', round: 0, walker: 0, step: 0, reason: '', temperature: 0, signals: {}, censored: false },
};
const FINGERPRINT = { code: 'x', settings: '{}', files: {} };

function runFile(change: object = {}): RunFile {
  return runFileSchema.parse({
    name: 'a',
    structures: [{ file: 'a.xyz' }],
    conditions: { temperatures: [300, 900] },
    reference: { kind: 'sw-si' },
    start: { count: 2 },
    budget: { labels: 10, rounds: 5 },
    ...change,
  });
}

let clock = 0;
/** The state after some events, one second apart. */
function following(state: LoopState, ...events: readonly RunEvent[]): LoopState {
  return events.reduce((before, event) => {
    const stored = { ...event, seq: before.seq + 1, time: new Date(1e12 + 1000 * clock++).toISOString(), hash: '' };
    return reduce(before, stored as StoredEvent);
  }, state);
}

const event = <T extends EventType>(type: T, data: object): RunEvent => ({ type, data }) as unknown as RunEvent;
const started = event('run-started', {
  name: 'a',
  seed: 1,
  runFile: BLOB,
  inputs: {},
  kernel: 'k',
  querent: '0',
  pid: 1,
  host: 'h',
});
const request = (id: string): object => ({ id, structure: BLOB, origin: ORIGIN });
const selected = (round: number, ...ids: string[]): RunEvent =>
  event('batch-selected', {
    ...{ round, strategy: 's', certificate: null, poolSize: 9 },
    selected: ids.map((id) => ({ ...request(id), gain: 1, reason: '' })),
  });
const done = (id: string, cost = 1): RunEvent =>
  event('label-done', {
    ...{
      id,
      result: BLOB,
      fingerprint: FINGERPRINT,
      energy: 0,
      maxForce: 0,
      cost,
      directory: null,
      source: 'computed',
    },
  });
const failed = (id: string): RunEvent => event('label-failed', { id, reason: 'crash', message: 'm', cost: 1 });
const fitted = (round: number): RunEvent =>
  event('model-fitted', { round, model: BLOB, data: 'd', structures: 2, summary: {} });
const drawn = (round: number, ...ids: string[]): RunEvent =>
  event('assessment-drawn', { round, frames: ids.map(request), censored: 0 });
const assessed = (round: number, met: boolean, converged = false): RunEvent =>
  event('assessed', {
    ...{ round, assessment: BLOB, frames: 1, criteria: [], preconditions: [], met, converged, reason: 'r' },
    history: { looks: 1, consecutive: met ? 1 : 0 },
  });
const pool = event('pool-built', { round: 0, pool: BLOB, size: 2 });
const explored = (round: number): RunEvent => event('explored', { round, pool: BLOB, size: 9, walkers: [] });

describe('the next command', () => {
  it('walks through a round in the order of the theory', () => {
    const file = runFile();
    const kinds: string[] = [];
    let state = following(EMPTY_STATE, started);
    const step = (...events: readonly RunEvent[]): void => {
      kinds.push(decide(state, file).kind);
      state = following(state, ...events);
    };
    step(pool, selected(0, 'a', 'b'));
    step(done('a'));
    step(done('b'));
    step(fitted(0));
    step(drawn(0, 'x'));
    step(done('x'));
    step(assessed(0, false));
    step(explored(1));
    step(selected(1, 'c'));
    step(done('c'));
    step(fitted(1));
    step(drawn(1, 'y'));
    step(done('y'));
    step(assessed(1, true, true));
    step(event('stopped', { outcome: 'converged', limit: 'criteria', message: 'm' }));
    step();
    expect(kinds).toEqual([
      ...['cold-start', 'label', 'label', 'fit', 'assess', 'label', 'evaluate', 'explore'],
      ...['select', 'label', 'fit', 'assess', 'label', 'evaluate', 'stop', 'rest'],
    ]);
  });

  const judged = (met: boolean): LoopState =>
    following(
      EMPTY_STATE,
      started,
      pool,
      selected(0, 'a', 'b'),
      done('a'),
      done('b'),
      fitted(0),
      drawn(0, 'x'),
      done('x'),
      assessed(0, met),
    );

  it('asks for no more labels than the budget leaves', () => {
    expect(decide(following(EMPTY_STATE, started), runFile({ start: { count: 8 }, budget: { labels: 3 } }))).toEqual({
      kind: 'cold-start',
      count: 3,
    });
    const state = following(judged(false), explored(1));
    expect(decide(state, runFile({ budget: { labels: 5 } }))).toEqual({ kind: 'select', round: 1, batch: 3 });
    expect(decide(state, runFile({ acquisition: { batch: 2 } }))).toMatchObject({ batch: 2 });
  });

  it('is to stop when the labels are spent, unless the model met everything', () => {
    const file = runFile({ budget: { labels: 2 } });
    expect(decide(judged(false), file)).toMatchObject({ kind: 'stop', outcome: 'budget', limit: 'labels' });
    expect(decide(judged(true), file)).toEqual({ kind: 'explore', round: 1 });
    expect(decide(judged(true), runFile({ budget: { rounds: 1 } }))).toMatchObject({ kind: 'stop', limit: 'rounds' });
  });

  it('is to stop when time is up, also within a batch', () => {
    const state = following(EMPTY_STATE, started, pool, selected(0, 'a', 'b'), done('a', 100));
    expect(decide(state, runFile({ budget: { cost: 100 } }))).toMatchObject({ kind: 'stop', limit: 'cost' });
    expect(decide(state, runFile({ budget: { cost: 101 } })).kind).toBe('label');
    expect(decide(state, runFile({ budget: { wallTime: 3 } }))).toMatchObject({ kind: 'stop', limit: 'wallTime' });
    expect(decide(state, runFile({ budget: { wallTime: 4 } })).kind).toBe('label');
  });

  it('counts the time of all sessions, not the time between them', () => {
    let state = following(EMPTY_STATE, started, pool);
    clock += 10_000;
    state = following(state, event('run-resumed', { pid: 1, host: 'h', querent: '0' }), selected(0, 'a'));
    expect(decide(state, runFile({ budget: { wallTime: 2 } })).kind).toBe('stop');
    expect(decide(state, runFile({ budget: { wallTime: 2.5 } })).kind).toBe('label');
  });

  it('is to pause at the fifth failure of the last twenty, and to go on after a resume', () => {
    const ids = Array.from({ length: 30 }, (_, k) => `label ${k}`);
    const begun = following(EMPTY_STATE, started, pool, selected(0, ...ids));
    const four = following(begun, ...ids.slice(0, 4).map(failed), done(ids[4]!));
    expect(decide(four, runFile()).kind).toBe('label');
    const five = following(four, failed(ids[5]!));
    expect(decide(five, runFile())).toEqual({
      kind: 'pause',
      cause: 'failures',
      message: '5 of the last 6 reference calculations failed: crash 5; for instance: m',
    });
    const resumed = following(five, event('run-resumed', { pid: 1, host: 'h', querent: '0' }));
    expect(decide(resumed, runFile()).kind).toBe('label');
    // Old failures leave the window: four, then twenty successes, then four more.
    const later = following(four, ...ids.slice(5, 25).map((id) => done(id)), ...ids.slice(25, 29).map(failed));
    expect(decide(later, runFile()).kind).toBe('label');
  });

  it('is to wait where a person labels', () => {
    const file = runFile({ reference: { kind: 'manual' } });
    const state = following(EMPTY_STATE, started, pool, selected(0, 'a', 'b'));
    expect(decide(state, file)).toEqual({
      kind: 'pause',
      cause: 'waiting',
      message: '2 structures wait for your labels',
    });
    const paused = following(state, event('paused', { cause: 'waiting', message: 'm' }));
    expect(decide(paused, file)).toEqual({ kind: 'rest' });
  });

  it('leaves out labels that were withdrawn', () => {
    const state = following(
      EMPTY_STATE,
      started,
      pool,
      selected(0, 'a', 'b'),
      done('a'),
      event('label-withdrawn', { id: 'b', reason: '' }),
    );
    expect(decide(state, runFile()).kind).toBe('fit');
  });
});

describe('events out of order', () => {
  it.each([
    ['a label that was never asked for', [done('a')]],
    ['a label asked for twice', [pool, selected(0, 'a'), explored(1), selected(1, 'a')]],
    ['a model of another round', [pool, fitted(1)]],
    ['a round that does not follow', [pool, explored(3)]],
  ])('are refused: %s', (_, events) => {
    expect(() => following(EMPTY_STATE, started, ...events)).toThrow(/must/);
  });
});

describe('the hash of a state', () => {
  const base = following(EMPTY_STATE, started, pool, selected(0, 'a', 'b'));

  it('knows nothing of times, costs, attempts, processes and the order of arrival', () => {
    const one = following(base, done('a', 1), done('b', 2));
    const two = following(
      base,
      event('label-running', { id: 'b', attempt: 0, pid: 7, startTime: 's' }),
      event('label-queued', { id: 'b', reason: 'lost', message: '', cost: 9 }),
      done('b', 20),
      event('run-resumed', { pid: 2, host: 'other', querent: '9' }),
      done('a', 10),
    );
    expect(stateHash(two)).toBe(stateHash(one));
  });

  it('knows labels, decisions and settings of the stop', () => {
    const hashes = new Set([
      stateHash(EMPTY_STATE),
      stateHash(base),
      stateHash(following(base, done('a'))),
      stateHash(following(base, failed('a'))),
      stateHash(following(base, event('label-withdrawn', { id: 'a', reason: '' }))),
      stateHash(following(EMPTY_STATE, started, pool, selected(0, 'b', 'a'))),
    ]);
    expect(hashes.size).toBe(6);
  });
});
