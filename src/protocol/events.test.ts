import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import { closestWord, editDistance } from './closest-word.ts';
import type { EventType, Upcasters } from './events.ts';
import { eventSchemas, eventVersion, readEvent, upcasters } from './events.ts';

describe('events', () => {
  it('are read back in their current version', () => {
    const data = { id: 'a', reason: 'noisy' };
    expect(readEvent('label-withdrawn', 1, data)).toEqual({ type: 'label-withdrawn', data });
  });

  it('of a newer version or an unknown kind are refused with the way out', () => {
    expect(() => readEvent('label-withdrawn', 2, {})).toThrow(/got label-withdrawn 2: .*newer Querent; update it/);
    expect(() => readEvent('label-teleported', 1, {})).toThrow(/got label-teleported 1/);
    expect(() => readEvent('toString', 1, {})).toThrow(/got toString 1/);
  });

  it('that break their schema are refused, naming the key', () => {
    expect(() => readEvent('label-withdrawn', 1, { id: 3, reason: '' })).toThrow(
      /label-withdrawn must follow its schema: id/,
    );
  });

  it('of an older version are brought up to date step by step', () => {
    // Version 1 had no reason, version 2 called it `why`.
    const table: Upcasters = {
      'label-withdrawn': [
        (data) => ({ ...(data as object), why: 'unknown' }),
        (data) => {
          const { why, ...rest } = data as { why: string };
          return { ...rest, reason: why };
        },
      ],
    };
    expect(eventVersion('label-withdrawn', table)).toBe(3);
    const read = (version: number, data: unknown) => readEvent('label-withdrawn', version, data, table).data;
    expect(read(1, { id: 'a' })).toEqual({ id: 'a', reason: 'unknown' });
    expect(read(2, { id: 'a', why: 'noisy' })).toEqual({ id: 'a', reason: 'noisy' });
    expect(read(3, { id: 'a', reason: 'noisy' })).toEqual({ id: 'a', reason: 'noisy' });
  });

  it('have upcasters only for kinds that exist', () => {
    expect(Object.keys(upcasters).filter((type) => !Object.hasOwn(eventSchemas, type))).toEqual([]);
  });
});

const BLOB = 'a'.repeat(64);
const ORIGIN = {
  ...{ kind: 'exploration', round: 2, walker: 1, step: 40, reason: 'left its trust region', temperature: 600 },
  ...{ signals: { forceSigma: 0.3, novelty: null }, censored: false },
};
const FINGERPRINT = { code: 'pw.x 6.7', settings: '{}', files: { 'Si.UPF': BLOB } };
const WALKER = {
  ...{ walker: 0, temperature: 600, steps: 40, plannedSteps: 200, outcome: 'broken', reason: 'σ', maxForceSigma: null },
};

/** A payload of every kind, as it is stored. */
const PAYLOADS: Readonly<Record<EventType, object>> = {
  'run-started': { name: 'a', seed: 1, runFile: BLOB, inputs: {}, kernel: 'k', querent: '0', pid: 1, host: 'h' },
  'run-resumed': { pid: 1, host: 'h', querent: '0' },
  'settings-changed': { runFile: BLOB, changes: [{ path: 'budget.labels', from: 1, to: 2 }] },
  'labels-imported': {
    from: 'old',
    labels: [{ id: 'x', structure: BLOB, origin: ORIGIN, result: BLOB, fingerprint: FINGERPRINT }],
  },
  'pool-built': { round: 0, pool: BLOB, size: 3 },
  'batch-selected': {
    ...{ round: 1, strategy: 'd-optimality', certificate: null, poolSize: 9 },
    selected: [{ id: 'x', structure: BLOB, origin: ORIGIN, gain: 3.2, reason: 'novel' }],
  },
  'assessment-drawn': { round: 1, frames: [{ id: 'y', structure: BLOB, origin: ORIGIN }], censored: 1 },
  'label-queued': { id: 'x', reason: 'scf', message: '', cost: 2 },
  'label-running': { id: 'x', attempt: 0, pid: 4, startTime: null },
  'label-done': {
    ...{ id: 'x', result: BLOB, fingerprint: FINGERPRINT, energy: -9.5, maxForce: 2, cost: 3, directory: null },
    source: 'adopted',
  },
  'label-failed': { id: 'x', reason: 'timeout', message: 'too long', cost: 60 },
  'label-rejected': { id: 'x', reason: 'overlap', message: 'too close', cost: 0 },
  'label-withdrawn': { id: 'x', reason: 'odd' },
  'label-readmitted': { id: 'x', reason: 'not odd' },
  'model-fitted': { round: 1, model: BLOB, data: 'd', structures: 8, summary: { a: 1, b: true, c: 'x', d: null } },
  explored: { round: 2, pool: BLOB, size: 40, walkers: [WALKER] },
  assessed: {
    ...{ round: 2, assessment: BLOB, frames: 12, met: true, converged: false, history: { looks: 1 }, reason: '' },
    criteria: [{ name: 'energyMae', value: 0.001, upper: null, tolerance: 0.002, met: true }],
    preconditions: [{ name: 'coverage95', met: true, detail: '12 of 12' }],
  },
  paused: { cause: 'failures', message: 'crash 5' },
  stopped: { outcome: 'converged', limit: 'criteria', message: 'all met' },
};

describe.each(Object.entries(PAYLOADS) as [EventType, object][])('an event %s', (type, data) => {
  it('survives its way through the store', () => {
    const stored = JSON.parse(canonicalJson(data)) as unknown;
    expect(readEvent(type, eventVersion(type), stored)).toEqual({ type, data });
  });

  it('must be whole and of the right types', () => {
    for (const key of Object.keys(data)) {
      const without = Object.fromEntries(Object.entries(data).filter(([name]) => name !== key));
      expect(() => readEvent(type, 1, without), `without ${key}`).toThrow(
        `Event ${type} must follow its schema: ${key}`,
      );
      expect(() => readEvent(type, 1, { ...data, [key]: () => 0 }), `with another ${key}`).toThrow(/must follow/);
    }
    expect(() => readEvent(type, 1, null)).toThrow(/must follow/);
  });
});

describe('canonicalJson', () => {
  it('sorts keys, leaves out undefined and writes what is not finite as null', () => {
    expect(canonicalJson({ b: 1, a: [Number.NaN, -0, 1e-7], c: undefined })).toBe('{"a":[null,0,1e-7],"b":1}');
    expect(canonicalJson(Float64Array.of(1.5, -2))).toBe('[1.5,-2]');
    expect(canonicalJson([undefined, null, 'ä"'])).toBe('[null,null,"ä\\""]');
  });

  it('is JSON that reads back the same data', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (record) => {
        const reversed = Object.fromEntries(Object.entries(record).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(record));
      }),
    );
  });
});

describe('closestWord', () => {
  it('finds misspelt keys and nothing far away', () => {
    const words = ['cutoff', 'innerCutoff', 'preset', 'nmax', 'lmax'];
    expect(closestWord('cutof', words)).toBe('cutoff');
    expect(closestWord('CutOff', words)).toBe('cutoff');
    expect(closestWord('prseet', words)).toBe('preset');
    expect(closestWord('mmax', words)).toBe('nmax');
    expect(closestWord('temperature', words)).toBeNull();
    expect(closestWord('a', [])).toBeNull();
  });

  it('measures edits: a metric but for swaps', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('ab', 'ba')).toBe(1);
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, a)).toBe(0);
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
