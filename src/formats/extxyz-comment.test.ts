import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InfoValue } from '../core/structure/structure.ts';
import { formatInfoValue, interpretText, parseComment, quoteText } from './extxyz-comment.ts';

const position = { file: 'a.xyz', line: 2 };
const read = (line: string): Record<string, InfoValue> =>
  Object.fromEntries(parseComment(line, position).map(({ key, value }) => [key, value]));

describe('parseComment', () => {
  it('reads bare words, quotes of both kinds and escapes', () => {
    expect(
      read(`a=1 b="two words" c='it is "so"' d="say \\"hi\\" and \\\\" e="line\\nbreak" "key with blank"=3`),
    ).toEqual({
      a: 1,
      b: 'two words',
      c: 'it is "so"',
      d: 'say "hi" and \\',
      e: 'line\nbreak',
      'key with blank': 3,
    });
  });

  it('reads types as ASE does: integer, float, truth value, else text', () => {
    expect(
      read('i=-5 f=1.5 e=1e-3 d=1.0D+02 t=T f2=False n=nan s=word x=1.2.3 h=12d3 id=0012 big=12345678901234567890'),
    ).toEqual({
      i: -5,
      f: 1.5,
      e: 0.001,
      d: 100,
      t: true,
      f2: false,
      n: Number.NaN,
      s: 'word',
      x: '1.2.3',
      h: '12d3',
      id: '0012',
      big: '12345678901234567890',
    });
  });

  it('reads lists in quotes, braces and brackets', () => {
    expect(
      read(
        'a="1 2 3" b={4 5 6} c=[7, 8, 9] d="T F T" e={one two} f=[[1,2],[3,4]] g=[1] h={1} i=[a, b] j=[[T,F],[F,T]]',
      ),
    ).toEqual({
      a: [1, 2, 3],
      b: [4, 5, 6],
      c: [7, 8, 9],
      d: [true, false, true],
      e: ['one', 'two'],
      f: [
        [1, 2],
        [3, 4],
      ],
      g: [1],
      h: 1,
      i: ['a', 'b'],
      j: [
        [true, false],
        [false, true],
      ],
    });
  });

  it('decodes _JSON and keeps what is not JSON as text', () => {
    expect(read('a="_JSON [[1, 2], [3]]" b="_JSON {\\"x\\": {\\"y\\": \\"z\\"}}" c="_JSON [NaN]"')).toEqual({
      a: [[1, 2], [3]],
      b: { x: { y: 'z' } },
      c: '_JSON [NaN]',
    });
  });

  it('takes a bare key as true, allows blanks around = and keeps order and columns', () => {
    const entries = parseComment('  done  energy = -1.5  z="1" a=2', position);
    expect(entries.map(({ key, text, column }) => [key, text, column])).toEqual([
      ['done', 'T', 3],
      ['energy', '-1.5', 18],
      ['z', '1', 26],
      ['a', '2', 32],
    ]);
  });

  it('keeps keys that mean something to JavaScript as data', () => {
    expect(Object.keys(read('__proto__=1 constructor=2'))).toEqual(['__proto__', 'constructor']);
  });

  it('refuses what it cannot read, saying where', () => {
    expect(() => read('a="open')).toThrow('a.xyz:2:3: value of a must be closed by "');
    expect(() => read('a={1 2')).toThrow('a.xyz:2:3: value of a must be closed by }');
    expect(() => read('"open')).toThrow('a.xyz:2:1: quote " must be closed');
    expect(() => read('a=1 =2')).toThrow('a.xyz:2:5: comment line must have a key before "="');
    expect(() => read('a=1 b=2 a=3')).toThrow('a.xyz:2:11: key a must have one value, got "1" and "3"');
    expect(read('a=1 b=2 a=1')).toEqual({ a: 1, b: 2 });
  });
});

describe('formatInfoValue', () => {
  it('is short where it can be', () => {
    expect([true, 1.5, 'word', [1, 2], [true, false]].map((value) => formatInfoValue(value))).toEqual([
      'T',
      '1.5',
      'word',
      '"1 2"',
      '"T F"',
    ]);
    expect(formatInfoValue('two words')).toBe('"two words"');
    expect(formatInfoValue(2 ** 53)).toBe('9.007199254740992e+15');
    expect(formatInfoValue('15')).toBe('"_JSON \\"15\\""');
    expect(formatInfoValue([[1], [2]])).toBe('"_JSON [[1],[2]]"');
    expect(quoteText('')).toBe('""');
  });

  it('reads back as the same value', () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('T', '1', ' ', '"', "'", '\\', '{', '[', ']', '=', '\n', 'n', ',', '_JSON ') }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
      fc.integer(),
      fc.boolean(),
    );
    const list = fc.oneof(
      fc.array(leaf),
      fc.array(fc.integer()),
      fc.array(fc.boolean()),
      fc.array(fc.array(leaf)),
      fc.dictionary(fc.string(), leaf),
    );
    const value = fc.oneof(leaf, list) as fc.Arbitrary<InfoValue>;
    fc.assert(
      fc.property(value, value, (first, second) => {
        const line = `first=${formatInfoValue(first)} second=${formatInfoValue(second)}`;
        expect(line).not.toContain('\n');
        expect(JSON.stringify(read(line))).toBe(JSON.stringify({ first, second }));
      }),
      { numRuns: 500 },
    );
  });

  it('interprets text that was never quoted', () => {
    expect(interpretText('1 2')).toEqual([1, 2]);
    expect(interpretText('')).toBe('');
    expect(interpretText('', '[')).toEqual([]);
  });
});
