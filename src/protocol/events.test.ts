import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import { closestWord, editDistance } from './closest-word.ts';
import type { Upcasters } from './events.ts';
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
