import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../core/errors.ts';
import { ColumnReader, parseProperties, PLAIN_PROPERTIES } from './extxyz-columns.ts';

const AT = { file: 'a.xyz', line: 2, column: 5 };
const layoutOf = (properties: string) => parseProperties(properties, AT);
const reader = (properties: string): ColumnReader => new ColumnReader(layoutOf(properties));

describe('parseProperties', () => {
  it('places columns one after the other and finds species and positions by their usual names', () => {
    const layout = layoutOf('species:S:1:pos:R:3:magmom:R:1:fixed:L:3:tag:I:1');
    expect(layout.width).toBe(9);
    expect(layout.plans.map(({ name, start }) => [name, start])).toEqual([
      ['species', 0],
      ['pos', 1],
      ['magmom', 4],
      ['fixed', 5],
      ['tag', 8],
    ]);
    expect(layout.species.name).toBe('species');
    expect(layout.positions.name).toBe('pos');
    for (const name of ['element', 'elements', 'symbols'])
      expect(layoutOf(`pos:R:3:${name}:S:1`).species.name).toBe(name);
    for (const name of ['Z', 'z', 'numbers', 'atomic_numbers', 'species']) {
      expect(layoutOf(`positions:R:3:${name}:I:1`).species).toMatchObject({ name, start: 3 });
    }
    // A symbol is preferred to a number.
    expect(layoutOf('Z:I:1:pos:R:3:species:S:1').species.start).toBe(4);
    expect(layoutOf(PLAIN_PROPERTIES).width).toBe(4);
  });

  it.each([
    ['', 'be name:kind:width triples, got ""'],
    ['species:S', 'be name:kind:width triples'],
    ['species:S:1:pos:R:3:', 'be name:kind:width triples'],
    ['species:S:1:pos:X:3', 'have kinds R, I, L or S, got "X" for pos'],
    ['species:S:1:pos:RR:3', 'have kinds R, I, L or S, got "RR" for pos'],
    ['species:S:1:pos:R:0', 'have positive widths, got "0" for pos'],
    ['species:S:1:pos:R:1.5', 'have positive widths, got "1.5" for pos'],
    ['species:S:1:pos:R:', 'have positive widths, got "" for pos'],
    ['species:S:1:pos:R:3:pos:R:3', 'name each column once, got "pos"'],
    [':S:1:pos:R:3', 'name each column once, got ""'],
    ['pos:R:3', 'name the species'],
    ['species:S:2:pos:R:3', 'name the species'],
    ['species:R:1:pos:R:3', 'name the species'],
    ['species:S:1', 'name the positions'],
    ['species:S:1:pos:R:2', 'name the positions'],
    ['species:S:1:pos:I:3', 'name the positions'],
  ])('refuses "%s"', (properties, message) => {
    expect(() => layoutOf(properties)).toThrow(`a.xyz:2:5: Properties must ${message}`);
    expect(() => layoutOf(properties)).toThrow(expect.objectContaining({ code: 'BAD_PROPERTIES' }));
  });

  it('shortens what it shows of a long list, so that a message stays one', () => {
    const long = Array.from({ length: 500 }, (_, k) => `column_${k}:R:1`).join(':');
    expect(() => layoutOf(long)).toThrow(expect.objectContaining({ message: expect.stringMatching(/^.{0,220}$/) }));
  });
});

describe('ColumnReader', () => {
  const properties = 'species:S:1:pos:R:3:fixed:L:1:tag:I:1:name:S:1';

  it('reads each kind, whatever blanks stand between', () => {
    const lines = reader(properties);
    lines.read('Si 0 0.5 -1e-3 T 7 a', 'a.xyz', 3);
    lines.read('  8\t1.0   +2. .5 False -2 b ', 'a.xyz', 4);
    expect(lines.species).toEqual([14, 8]);
    expect([...lines.numbers(lines.layout.positions)]).toEqual([0, 0.5, -1e-3, 1, 2, 0.5]);
    expect(lines.others([])).toEqual({
      fixed: { kind: 'L', width: 1, values: [true, false] },
      tag: { kind: 'I', width: 1, values: [7, -2] },
      name: { kind: 'S', width: 1, values: ['a', 'b'] },
    });
    expect(Object.keys(lines.others([lines.layout.plans[2]!]))).toEqual(['tag', 'name']);
  });

  it.each([
    ['Si 0 0 0 T 7', 'WRONG_COLUMN_COUNT', 'a.xyz:9:13: line of atom 0 must have 7 columns'],
    ['Si 0 0 0 T 7 a b', 'WRONG_COLUMN_COUNT', 'got 8'],
    ['', 'WRONG_COLUMN_COUNT', 'got 0'],
    ['12', 'WRONG_COLUMN_COUNT', 'got 1; does the frame have fewer atoms than it says?'],
    ['Xx 0 0 0 T 7 a', 'UNKNOWN_ELEMENT', 'a.xyz:9:1: species must be a chemical symbol, got "Xx"'],
    ['si 0 0 0 T 7 a', 'UNKNOWN_ELEMENT', 'did you mean Si?'],
    ['Si 0 x 0 T 7 a', 'NOT_A_NUMBER', 'a.xyz:9:6: pos of atom 0 must be a number, got "x"'],
    ['Si 0 0 inf T 7 a', 'NOT_FINITE', 'a.xyz:9:8: pos of atom 0 must be finite, got "inf"'],
    ['Si 0 0 1e999 T 7 a', 'NOT_FINITE', 'got "1e999"'],
    ['Si nan 0 0 T 7 a', 'NOT_FINITE', 'a.xyz:9:4: pos of atom 0 must be finite, got "nan"'],
    ['Si 0 0 0 yes 7 a', 'NOT_A_BOOLEAN', 'a.xyz:9:10: fixed of atom 0 must be T or F, got "yes"'],
    ['Si 0 0 0 T 7.5 a', 'NOT_AN_INTEGER', 'a.xyz:9:12: tag of atom 0 must be an integer, got "7.5"'],
    ['Si 0 0 0 T 1e20 a', 'NOT_AN_INTEGER', 'got "1e20"'],
    ['Si 0 0 0 T nan a', 'NOT_AN_INTEGER', 'got "nan"'],
    ['Si 0 0x10 0 T 7 a', 'NOT_A_NUMBER', 'got "0x10"'],
  ])('refuses "%s"', (line, code, message) => {
    const lines = reader(properties);
    expect(() => lines.read(line, 'a.xyz', 9)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
    expect(() => lines.read(line, 'a.xyz', 9)).toThrow(FormatError);
  });

  it('reads numbers as the language itself does, exponents of Fortran too', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        const lines = reader('species:S:1:pos:R:3:value:R:3');
        const fortran = x.toExponential(16).replace('e', 'd');
        lines.read(`H 0 0 0 ${x} ${x.toExponential()} ${fortran}`, 'a', 1);
        const [plain, exponential, old] = lines.numbers(lines.layout.plans[2]!);
        expect([plain, exponential, old]).toEqual([x + 0, x + 0, x + 0].map((value) => (Object.is(x, -0) ? 0 : value)));
      }),
    );
  });

  it('lets labels be absent: NaN is a number of a column that is no position', () => {
    const lines = reader('species:S:1:pos:R:3:forces:R:3');
    lines.read('H 0 0 0 nan NaN 1', 'a', 1);
    expect([...lines.numbers(lines.layout.plans[2]!)]).toEqual([Number.NaN, Number.NaN, 1]);
  });
});
