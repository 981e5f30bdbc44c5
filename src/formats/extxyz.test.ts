import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../core/errors.ts';
import type { Frame } from '../core/structure/structure.ts';
import { parseExtxyz, parseExtxyzText, writeExtxyz } from './extxyz.ts';

const one = (comment: string, atoms: string): Frame =>
  parseExtxyzText(`${atoms.split('\n').length}\n${comment}\n${atoms}\n`, 'a.xyz')[0]!.frame;
const CUBE = 'Lattice="4 0 0 0 4 0 0 0 4"';

async function* pieces(text: string, size: number): AsyncGenerator<string> {
  for (let k = 0; k < text.length; k += size) yield text.slice(k, k + size);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}

describe('parseExtxyzText', () => {
  it('reads a frame with everything', () => {
    const text = [
      '2',
      'Lattice="4 0 0 0 5 0 1 0 6" Properties=species:S:1:pos:R:3:forces:R:3:tag:I:1:frozen:L:2:name:S:1 energy=-10.5 config_type=bulk pbc="T T F" step=3',
      'Si 0 0 0 0.1 0.2 0.3 7 T F first',
      'O  1.0 2.0 3.0d0 -0.1 -0.2 -0.3 8 F F second',
    ].join('\r\n');
    const [{ frame, keys }] = parseExtxyzText(text, 'a.xyz') as [{ frame: Frame; keys: object }];
    expect(Array.from(frame.structure.species)).toEqual([14, 8]);
    expect(Array.from(frame.structure.positions)).toEqual([0, 0, 0, 1, 2, 3]);
    expect(Array.from(frame.structure.cell!)).toEqual([4, 0, 0, 0, 5, 0, 1, 0, 6]);
    expect(frame.structure.pbc).toEqual([true, true, false]);
    expect(frame.labels.energy).toBe(-10.5);
    expect(Array.from(frame.labels.forces!)).toEqual([0.1, 0.2, 0.3, -0.1, -0.2, -0.3]);
    expect(frame.labels.virial).toBeNull();
    expect(frame.group).toBe('bulk');
    expect(frame.info).toEqual({ config_type: 'bulk', step: 3 });
    expect(frame.columns).toEqual({
      tag: { kind: 'I', width: 1, values: [7, 8] },
      frozen: { kind: 'L', width: 2, values: [true, false, false, false] },
      name: { kind: 'S', width: 1, values: ['first', 'second'] },
    });
    expect(frame.source).toEqual({ file: 'a.xyz', index: 0, line: 1 });
    expect(keys).toEqual({ energy: 'energy', forces: 'forces', virial: null });
  });

  it('reads several frames, blank lines between them and none at the end', () => {
    const frames = parseExtxyzText("\ufeff1\n\nH 0 0 0\n\n  1  \nfree text: it's fine\nHe 0 0 1", 'a.xyz').map(
      (parsed) => parsed.frame,
    );
    expect(frames.map((frame) => frame.source)).toEqual([
      { file: 'a.xyz', index: 0, line: 1 },
      { file: 'a.xyz', index: 1, line: 5 },
    ]);
    expect(frames.map((frame) => frame.info)).toEqual([{}, { comment: "free text: it's fine" }]);
    expect(one('E = "1 it is fine', 'H 0 0 0').info).toEqual({ comment: 'E = "1 it is fine' });
  });

  it('follows the rule for a missing pbc, and takes boxes, zero lattices and one flag for all', () => {
    expect(one(CUBE, 'H 0 0 0').structure.pbc).toEqual([true, true, true]);
    expect(one('', 'H 0 0 0').structure).toMatchObject({ pbc: [false, false, false], cell: null });
    expect(Array.from(one('Lattice="4 5 6"', 'H 0 0 0').structure.cell!)).toEqual([4, 0, 0, 0, 5, 0, 0, 0, 6]);
    expect(one('Lattice="0 0 0 0 0 0 0 0 0"', 'H 0 0 0').structure).toMatchObject({
      pbc: [false, false, false],
      cell: null,
    });
    expect(one(`${CUBE} pbc=F`, 'H 0 0 0').structure.pbc).toEqual([false, false, false]);
    expect(one(`${CUBE} pbc="1 0 1"`, 'H 0 0 0').structure.pbc).toEqual([true, false, true]);
    expect(Array.from(one('Lattice=[[4,0,0],[0,5,0],[0,0,6]]', 'H 0 0 0').structure.cell!)).toEqual([
      4, 0, 0, 0, 5, 0, 0, 0, 6,
    ]);
  });

  it('takes species from symbols, numbers and number columns', () => {
    expect(Array.from(one('', '14 0 0 0\nO 0 0 1').structure.species)).toEqual([14, 8]);
    expect(Array.from(one('Properties=Z:I:1:pos:R:3', '74 0 0 0').structure.species)).toEqual([74]);
    const both = one('Properties=pos:R:3:Z:I:1:species:S:1', '0 0 0 14 Si');
    expect(both.columns).toEqual({ Z: { kind: 'I', width: 1, values: [14] } });
    expect(both.structure.species[0]).toBe(14);
  });
});

describe('errors of parseExtxyzText', () => {
  const P = 'Properties=species:S:1:pos:R:3';
  it.each<[string, string, string]>([
    ['BAD_ATOM_COUNT', 'two\n\n', 'a.xyz:1:1: number of atoms must be a positive integer, got "two"'],
    ['BAD_ATOM_COUNT', ' 1.5\n\n', 'a.xyz:1:2: number of atoms must be a positive integer, got "1.5"'],
    ['BAD_ATOM_COUNT', '0\n\n', 'a.xyz:1:1: number of atoms must be a positive integer, got "0"'],
    [
      'BAD_ATOM_COUNT',
      '1\n\nH 0 0 0\nH 0 0 1\n',
      'a.xyz:4:1: number of atoms must be a positive integer, got "H 0 0 1"',
    ],
    [
      'TRUNCATED_FRAME',
      '2\n\nH 0 0 0\n',
      'a.xyz:3: frame 0 (from line 1) must have 2 atoms, got 1 when the file ended',
    ],
    ['TRUNCATED_FRAME', '2\n', 'its comment line is missing'],
    [
      'WRONG_COLUMN_COUNT',
      '1\n\nH 0 0\n',
      'a.xyz:3:6: line of atom 0 must have 4 columns (species:S:1:pos:R:3), got 3',
    ],
    [
      'WRONG_COLUMN_COUNT',
      '1\n\nH 0 0 0 9\n',
      'a.xyz:3:9: line of atom 0 must have 4 columns (species:S:1:pos:R:3), got 5',
    ],
    [
      'WRONG_COLUMN_COUNT',
      '2\n\nH 0 0 0\n1\n',
      'a.xyz:4:2: line of atom 1 must have 4 columns (species:S:1:pos:R:3), got 1; does the frame have fewer atoms',
    ],
    ['WRONG_COLUMN_COUNT', '2\n\nH 0 0 0\n\n', 'got 0'],
    ['NOT_A_NUMBER', '1\n\nH 0 0x1 0\n', 'a.xyz:3:5: pos of atom 0 must be a number, got "0x1"'],
    ['NOT_FINITE', '1\n\nH 0 0 inf\n', 'a.xyz:3:7: pos of atom 0 must be finite, got "inf"'],
    ['NOT_FINITE', '1\n\nH 0 nan 0\n', 'a.xyz:3:5: pos of atom 0 must be finite, got "nan"'],
    [
      'NOT_FINITE',
      `1\n${P}:forces:R:3\nH 0 0 0 1 1e400 1\n`,
      'a.xyz:3:11: forces of atom 0 must be finite, got "1e400"',
    ],
    [
      'UNKNOWN_ELEMENT',
      '2\n\nSi 0 0 0\n Sj 0 0 0\n',
      'a.xyz:4:2: species must be a chemical symbol, got "Sj"; did you mean Si?',
    ],
    [
      'BAD_LATTICE',
      `1\n${P} Lattice="1 2 3 4"\nH 0 0 0\n`,
      'a.xyz:2:40: Lattice must be 9 numbers, or 3 for a box, got 4',
    ],
    ['NOT_A_NUMBER', '1\nLattice="1 0 0 0 1 0 0 0 x"\nH 0 0 0\n', 'a.xyz:2:9: Lattice must be a number, got "x"'],
    [
      'SINGULAR_CELL',
      '1\nLattice="1 0 0 1 0 0 0 0 1"\nH 0 0 0\n',
      'a.xyz:2:9: cell must have independent periodic vectors',
    ],
    [
      'MISSING_LATTICE_VECTOR',
      '1\npbc="T T T"\nH 0 0 0\n',
      'a.xyz:2:5: cell must have a vector along the periodic direction a',
    ],
    ['BAD_PBC', `1\n${CUBE} pbc="T T"\nH 0 0 0\n`, 'a.xyz:2:33: pbc must be three of T and F, got "T T"'],
    [
      'BAD_PROPERTIES',
      '1\nProperties=species:S:1:pos:R\nH 0 0 0\n',
      'a.xyz:2:12: Properties must be name:kind:width triples',
    ],
    ['BAD_PROPERTIES', '1\nProperties=species:S:1:pos:X:3\nH 0 0 0\n', 'kinds R, I, L or S, got "X" for pos'],
    ['BAD_PROPERTIES', '1\nProperties=species:S:1:pos:R:0\nH 0 0 0\n', 'positive widths, got "0" for pos'],
    ['BAD_PROPERTIES', `1\n${P}:pos:R:3\nH 0 0 0\n`, 'name each column once, got "pos"'],
    ['BAD_PROPERTIES', '1\nProperties=species:S:1\nH\n', 'name the positions (pos:R:3)'],
    ['BAD_PROPERTIES', '1\nProperties=pos:R:3\n0 0 0\n', 'name the species (species:S:1 or Z:I:1)'],
    ['NOT_AN_INTEGER', `1\n${P}:tag:I:1\nH 0 0 0 1.5\n`, 'a.xyz:3:9: tag of atom 0 must be an integer, got "1.5"'],
    ['NOT_A_BOOLEAN', `1\n${P}:fixed:L:1\nH 0 0 0 yes\n`, 'a.xyz:3:9: fixed of atom 0 must be T or F, got "yes"'],
    ['UNBALANCED_QUOTE', `1\n${P} note="open\nH 0 0 0\n`, 'a.xyz:2:37: value of note must be closed by "'],
    ['NO_FRAMES', '', 'a.xyz: file must hold at least one frame, got none'],
    ['NO_FRAMES', '\n \n', 'file must hold at least one frame'],
    ['BINARY_FILE', 'PK\u0003\u0004\0\0', 'a.xyz:1: file must be text (UTF-8), got binary data'],
  ])('%s of %j', (code, text, message) => {
    let error: unknown;
    try {
      parseExtxyzText(text, 'a.xyz');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).code).toBe(code);
    expect((error as FormatError).message).toContain(message);
  });
});

describe('parseExtxyz', () => {
  const text = Array.from({ length: 40 }, (_, k) => `2\n${CUBE} energy=${k}\nH 0 0 ${k}\nHe 1 1 1\n`).join('');

  it('gives the same frames wherever the text is cut', async () => {
    const expected = parseExtxyzText(text, 'a.xyz');
    for (const size of [1, 7, 64, 1e6])
      expect(await collect(parseExtxyz(pieces(text, size), 'a.xyz'))).toEqual(expected);
    expect(await collect(parseExtxyz(pieces(text.trimEnd(), 10), 'a.xyz'))).toEqual(expected);
    await expect(collect(parseExtxyz(pieces(text.slice(0, -12), 100), 'a.xyz'))).rejects.toThrow(
      'a.xyz:159: frame 39 (from line 157) must have 2 atoms, got 0',
    );
    await expect(collect(parseExtxyz(pieces('', 1), 'a.xyz'))).rejects.toThrow('at least one frame');
  });

  it('holds one frame at a time: a frame comes out before the next is asked for', async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<string> {
      for (;;) {
        given++;
        yield '1\n\nH 0 0 0\n';
      }
    }
    let taken = 0;
    for await (const { frame } of parseExtxyz(endless(), 'a.xyz')) {
      expect(frame.source.index).toBe(taken);
      expect(given).toBe(++taken);
      if (taken === 1000) break;
    }
  });

  it('gives up on a file without line ends', async () => {
    async function* blob(): AsyncGenerator<string> {
      for (;;) yield 'x'.repeat(1 << 20);
    }
    await expect(collect(parseExtxyz(blob(), 'a.xyz'))).rejects.toThrow('got binary data');
  });
});

describe('writeExtxyz', () => {
  it('writes what it read, in order, to the last bit', () => {
    const text = `2
Lattice="4 0 0 0 4 0 0.30000000000000004 0 4" Properties=species:S:1:pos:R:3:forces:R:3:q:R:1:fixed:L:1 energy=-1.1 pbc="T T T" zeta=1 config_type=a alpha="two words" list="1 2.5 3" nested="_JSON [[1],[2]]" flag=T
Si 0.1 0.2 0.30000000000000004 1e-17 0 -3 0.5 T
O 1 2 3 0 nan 0 -0.5 F
`;
    expect(writeExtxyz(parseExtxyzText(text, 'a.xyz')[0]!.frame)).toBe(text);
  });

  it('round-trips any frame', () => {
    const real = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e3, max: 1e3 }).map((x) => x + 0);
    const three = fc.tuple(real, real, real);
    const arbitrary = fc.record({
      atoms: fc.array(fc.tuple(fc.integer({ min: 1, max: 96 }), three, three, real), { minLength: 1, maxLength: 4 }),
      energy: real,
      note: fc.string(),
    });
    fc.assert(
      fc.property(arbitrary, ({ atoms, energy, note }) => {
        const frame: Frame = {
          structure: {
            positions: Float64Array.from(atoms.flatMap((atom) => atom[1])),
            cell: Float64Array.of(4, 0, 0, 0.1, 5, 0, 0, 0, 6),
            pbc: [true, false, true],
            species: Uint8Array.from(atoms, (atom) => atom[0]),
          },
          labels: { energy, forces: Float64Array.from(atoms.flatMap((atom) => atom[2])), virial: null },
          group: 'g 1',
          info: { note, config_type: 'g 1' },
          columns: { charge: { kind: 'R', width: 1, values: atoms.map((atom) => atom[3]) } },
          source: { file: 'a.xyz', index: 0, line: 1 },
        };
        expect(parseExtxyzText(writeExtxyz(frame), 'a.xyz')[0]!.frame).toEqual(frame);
      }),
    );
  });

  const base = one(
    `${CUBE} Properties=species:S:1:pos:R:3:forces:R:3 energy=-1 stress="-1 0 0 0 -2 0.5 0 0.5 -3"`,
    'H 0 0 0 1 2 3',
  );

  it('writes a stress where periodic, otherwise the virial', () => {
    expect(Array.from(base.labels.virial!)).toEqual([64, 128, 192, -32, 0, 0]);
    expect(writeExtxyz(base)).toContain(' stress="-1 0 0 0 -2 0.5 0 0.5 -3" pbc="T T T"\n');
    const molecule: Frame = { ...base, structure: { ...base.structure, cell: null, pbc: [false, false, false] } };
    expect(writeExtxyz(molecule)).toContain(' virial="64 0 0 0 128 -32 0 -32 192" pbc="F F F"\n');
    expect(parseExtxyzText(writeExtxyz(molecule), 'a.xyz')[0]!.frame.labels.virial).toAgree(base.labels.virial, {
      why: 'nothing is computed',
    });
  });

  it('puts a prefix before labels on request', () => {
    const text = writeExtxyz(base, { labelPrefix: 'REF_' });
    expect(text).toContain(':REF_forces:R:3 REF_energy=-1 REF_stress="');
    const { keys, frame } = parseExtxyzText(text, 'a.xyz')[0]!;
    expect(keys).toEqual({ energy: 'REF_energy', forces: 'REF_forces', virial: 'REF_stress' });
    expect(frame.labels).toEqual(base.labels);
  });

  it('keeps both energies, and lets kept data step aside for labels', () => {
    const smeared = one('energy=-1 free_energy=-1.5', 'H 0 0 0');
    expect(writeExtxyz(smeared)).toContain('free_energy=-1.5 pbc="F F F" energy=-1\n');
    const other = parseExtxyzText(
      '1\nProperties=species:S:1:pos:R:3:forces:R:3:forces_xtb:R:3\nH 0 0 0 1 2 3 4 5 6\n',
      'a.xyz',
      { forcesKey: 'forces_xtb' },
    )[0]!.frame;
    expect(writeExtxyz(other)).toContain('forces:R:3:other_forces:R:3');
    expect(writeExtxyz(other)).toContain('H 0 0 0 4 5 6 1 2 3');
  });

  it('writes the group, which wins over a stale config_type', () => {
    expect(writeExtxyz({ ...base, group: 'liquid' })).toContain(' config_type=liquid\n');
    expect(writeExtxyz({ ...base, group: 'liquid', info: { a: 1, config_type: 'old' } })).toContain(
      ' a=1 config_type=liquid\n',
    );
    expect(writeExtxyz({ ...base, group: 'x', info: { group: 'x' } })).not.toContain('config_type');
  });

  it('refuses columns that no file can hold', () => {
    const column = (values: (string | number)[], name = 'c'): Frame => ({
      ...base,
      columns: { [name]: { kind: 'S', width: 1, values } },
    });
    expect(() => writeExtxyz(column(['two words']))).toThrow(
      'column c must hold words without blanks, got "two words"',
    );
    expect(() => writeExtxyz(column([1, 2]))).toThrow('1 values per atom, got 2 for 1 atoms');
    expect(() => writeExtxyz(column([1], 'a:b'))).toThrow('must have a plain name');
  });
});
