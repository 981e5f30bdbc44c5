import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../core/random.ts';
import { cellVolume, transformRows } from '../core/structure/cell.ts';
import type { Frame, Structure } from '../core/structure/structure.ts';
import { parseLammpsDump, parseLammpsDumpText } from './lammps-dump.ts';
import { writeLammpsSnapshot } from './lammps-writer.ts';

const ORTHOGONAL = `ITEM: TIMESTEP
100
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp ff
0 4
-1 4
0.5 6.5
ITEM: ATOMS id type element x y z fx fy fz c_pe
2 1 O 1 2 3 -0.1 0 nan -4.5
1 2 Si 0 0.5 0 0.1 0 0.25 -5
`;
const TILTED = `ITEM: UNITS
metal
ITEM: TIME
0.5
ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
1
ITEM: BOX BOUNDS xy xz yz pp pp pp
-1 6 2
0 5.5 -1
0 6 0.5
ITEM: ATOMS type xs ys zs vx vy vz ix iy iz q mol
3 0.5 0.5 0.5 1 2 3 0 -1 0 0.25 4
`;

const one = (text: string, elements?: string[]): Frame =>
  parseLammpsDumpText(text, 'md.dump', elements === undefined ? {} : { elements })[0]!.frame;

/** Some lengths within ±9 Å. */
const lengths = (count: number): fc.Arbitrary<number[]> =>
  fc.integer({ min: 0, max: 1e6 }).map((seed) => {
    const stream = new RandomStream(seed, 'lengths');
    return Array.from({ length: count }, () => 18 * stream.uniform() - 9);
  });

describe('parseLammpsDump', () => {
  it('reads unsorted atoms, elements, forces and other columns', () => {
    const { structure, labels, info, columns, source } = one(ORTHOGONAL);
    expect(structure).toEqual({
      positions: Float64Array.of(0, 0.5, 0, 1, 2, 3),
      cell: Float64Array.of(4, 0, 0, 0, 5, 0, 0, 0, 6),
      pbc: [true, true, false],
      species: Uint8Array.of(14, 8),
    });
    expect(labels).toEqual({ energy: null, forces: Float64Array.of(0.1, 0, 0.25, -0.1, 0, Number.NaN), virial: null });
    expect(info).toEqual({ timestep: 100 });
    expect(columns).toEqual({ c_pe: { kind: 'R', width: 1, values: [-5, -4.5] } });
    expect(source).toEqual({ file: 'md.dump', index: 0, line: 1 });
  });

  it('undoes the bounding box of tilted cells and scales positions', () => {
    // xlo = −1 − min(0, 2, −1, 1) = 0, xhi = 6 − max(0, 2, −1, 1) = 4; yhi = 5.5 − 0.5 = 5.
    const { structure, columns, info } = one(TILTED, ['H', 'C', 'N']);
    expect(Array.from(structure.cell!)).toEqual([4, 0, 0, 2, 5, 0, -1, 0.5, 6]);
    expect(Array.from(structure.positions)).toEqual([2.5, 2.75, 3]);
    expect(Array.from(structure.species)).toEqual([7]);
    expect(columns).toEqual({
      velocities: { kind: 'R', width: 3, values: [1e-3, 2e-3, 3e-3] },
      image: { kind: 'I', width: 3, values: [0, -1, 0] },
      charge: { kind: 'R', width: 1, values: [0.25] },
      molecule: { kind: 'I', width: 1, values: [4] },
    });
    expect(info).toEqual({ time: 0.5, timestep: 0 });
  });

  it('reads several snapshots in pieces cut anywhere, and CRLF', async () => {
    async function* pieces(text: string): AsyncGenerator<string> {
      for (let k = 0; k < text.length; k += 7) yield text.slice(k, k + 7);
    }
    const text = (
      ORTHOGONAL + TILTED.replace('ITEM: ATOMS type', 'ITEM: ATOMS element').replace('\n3 0.5', '\nN 0.5')
    ).repeat(3);
    for (const given of [text, text.replaceAll('\n', '\r\n'), text.trimEnd()]) {
      const frames: Frame[] = [];
      for await (const { frame } of parseLammpsDump(pieces(given), 'a')) frames.push(frame);
      expect(frames.map(({ structure }) => structure.species.length)).toEqual([2, 1, 2, 1, 2, 1]);
      expect(frames.map(({ source }) => source.line)).toEqual([1, 12, 26, 37, 51, 62]);
    }
  });

  it('reads general boxes, masses, type labels, unwrapped positions and units real', () => {
    const general = `ITEM: UNITS\nreal\nITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS abc origin pp pp pp\n1 2 3 0.5\n-2 1 0 0\n0 0 4 0\nITEM: ATOMS id mass xsu ysu zsu fx fy fz\n9 55.85 1 0 0 23.06054783 0 0\n`;
    const { structure, labels, columns } = one(general);
    expect(Array.from(structure.cell!)).toEqual([1, 2, 3, -2, 1, 0, 0, 0, 4]);
    expect(Array.from(structure.positions)).toEqual([1.5, 2, 3]);
    expect(Array.from(structure.species)).toEqual([26]);
    expect(labels.forces).toAgree([1, 0, 0], { rtol: 1e-8, why: '1 eV is 23.0605 kcal/mol' });
    expect(columns.id!.values).toEqual([9]);
    const labelled = ORTHOGONAL.replace('element x y z', 'name xu yu zu')
      .replace('2 1 O', '2 O w')
      .replace('1 2 Si', '1 Si b');
    expect(Array.from(one(labelled).structure.species)).toEqual([14, 8]);
    expect(one(labelled).columns.name).toEqual({ kind: 'S', width: 1, values: ['b', 'w'] });
  });

  const edit = (from: string | RegExp, to: string): string => ORTHOGONAL.replace(from, to);
  it.each<[string, string, string]>([
    [
      'UNKNOWN_ELEMENT',
      edit('element', 'what'),
      'a:11:3: atom type 2 must be of a known element, but the dump has no column element',
    ],
    ['UNKNOWN_ELEMENT', edit('1 O', '1 Oo'), 'a:10:5: species must be a chemical symbol, got "Oo"'],
    [
      'UNKNOWN_ELEMENT',
      edit('id type element', 'id tpe elem'),
      'a:11:1: columns must hold an element, a type or a mass',
    ],
    [
      'BAD_ITEM',
      edit('ITEM: TIMESTEP', 'ITEM: STEP'),
      'a:1: line must be ITEM: TIMESTEP, NUMBER OF ATOMS, BOX BOUNDS or ATOMS, got "ITEM: STEP"',
    ],
    ['BAD_ITEM', edit('ITEM: NUMBER OF ATOMS\n2\n', ''), 'a:7: ITEM: ATOMS must stand after'],
    ['BAD_ITEM', edit('x y z', 'x x z'), 'a:9: ITEM: ATOMS must name each column once, got "x" twice'],
    ['NOT_AN_INTEGER', edit('100', 'many'), 'a:2:1: timestep must be an integer ≥ 0, got "many"'],
    ['BAD_ATOM_COUNT', edit('\n2\n', '\n0\n'), 'a:4: number of atoms must be positive, got 0'],
    [
      'TRUNCATED_FRAME',
      edit('\n2\n', '\n1000000000000\n'),
      'a:11: snapshot 0 (from line 1) must have 1000000000000 atoms, got 2 when the file ended',
    ],
    ['TRUNCATED_FRAME', ORTHOGONAL.slice(0, -12), 'a:10: snapshot 0 (from line 1) must have 2 atoms, got 1 when'],
    ['TRUNCATED_FRAME', ORTHOGONAL.slice(0, 60), 'its header is not complete'],
    ['BAD_BOX', edit('pp pp ff', 'pp pp'), 'a:5: boundaries must be three like pp or ff'],
    ['BAD_BOX', edit('0 4\n', '4 0\n'), 'box must have positive edges, got -4 5 6 Å'],
    ['BAD_BOX', edit('0 4\n', '0 4 1\n'), 'a:6: line of the box must have 2 numbers, got "0 4 1"'],
    ['BAD_BOX', edit('0 4\n', '0 inf\n'), 'a:6:3: bound of the box must be a finite number, got "inf"'],
    [
      'WRONG_COLUMN_COUNT',
      edit('0.25 -5', '0.25'),
      'a:11:26: line of atom 1 must have 10 columns (id type element x y z fx fy fz c_pe), got 9',
    ],
    ['DUPLICATE_ATOM', edit('\n1 2 Si', '\n2 2 Si'), 'a:11:1: id of an atom must be its own, got 2 again'],
    ['NOT_AN_INTEGER', edit('\n1 2 Si', '\n-1 2 Si'), 'a:11:1: id of an atom must be a positive integer, got "-1"'],
    [
      'MISSING_POSITIONS',
      edit('x y z', 'xa ya za'),
      'a:9: columns must hold positions (x y z, xu yu zu, xs ys zs or xsu ysu zsu)',
    ],
    ['NOT_FINITE', edit('1 2 3', '1 nan 3'), 'a:10:9: position of atom 0 must be finite'],
    ['NOT_A_NUMBER', edit('1 2 3', '1 two 3'), 'a:10:9: y of atom 0 must be a number, got "two"'],
    [
      'UNSUPPORTED_UNITS',
      `ITEM: UNITS\nlj\n${ORTHOGONAL}`,
      'a:2: units must be metal or real (lengths in Å), got "lj"',
    ],
    ['NO_FRAMES', '\n\n', 'a: file must hold at least one snapshot, got none'],
    ['BINARY_FILE', 'ITEM: TIMESTEP\0', 'a:1: file must be a text dump (UTF-8), got binary data'],
  ])('refuses %s', (code, text, message) => {
    expect(() => parseLammpsDumpText(text, 'a')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it('refuses types beyond the given elements', () => {
    expect(() => one(TILTED, ['H', 'C'])).toThrow(
      'md.dump:14:1: atom type must be 1 to 2, the number of elements given, got "3"',
    );
  });
});

describe('writeLammpsSnapshot', () => {
  const structure: Structure = {
    positions: Float64Array.of(0, 0.5, 0, 1, 2, 3),
    cell: Float64Array.of(4, 0, 0, 0, 5, 0, 0, 0, 6),
    pbc: [true, true, false],
    species: Uint8Array.of(14, 8),
  };
  const frame: Frame = {
    structure,
    labels: { energy: -1, forces: Float64Array.of(1, 2, 3, -1, -2, Number.NaN), virial: null },
    group: '',
    info: { timestep: 7 },
    columns: {
      image: { kind: 'I', width: 3, values: [0, 0, 0, 1, 0, -1] },
      charge: { kind: 'R', width: 1, values: [1, -1] },
    },
    source: { file: 'a', index: 0, line: 1 },
  };

  it('writes what there is', () => {
    expect(writeLammpsSnapshot(frame, 3, { elements: ['Si', 'O'] }).text).toBe(
      'ITEM: TIMESTEP\n7\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp ff\n0 4\n0 5\n0 6\nITEM: ATOMS id type element x y z ix iy iz q fx fy fz\n1 1 Si 0 0.5 0 0 0 0 1 1 2 3\n2 2 O 1 2 3 1 0 -1 -1 -1 -2 nan\n',
    );
    expect(writeLammpsSnapshot({ ...frame, info: {} }, 3).text).toMatch(/^ITEM: TIMESTEP\n3\n/);
  });

  it('reads back what it wrote, forces turned with the cell', () => {
    fc.assert(
      fc.property(lengths(21), (numbers) => {
        const cell = Float64Array.from(numbers.slice(0, 9));
        fc.pre(cellVolume(cell) > 5);
        const given: Frame = {
          ...frame,
          structure: {
            ...structure,
            cell,
            pbc: [true, true, true],
            positions: Float64Array.from(numbers.slice(9, 15)),
          },
          labels: { energy: null, forces: Float64Array.from(numbers.slice(15)), virial: null },
        };
        const { text, boxed } = writeLammpsSnapshot(given, 0);
        const again = one(text);
        const why = 'one rotation of a few Å, a bounding box there and back';
        expect(again.structure.cell!).toAgree(boxed.structure.cell, { atol: 1e-12, why });
        expect(again.structure.positions).toAgree(transformRows(given.structure.positions, boxed.rotation), {
          atol: 1e-12,
          why,
        });
        expect(again.labels.forces!).toAgree(transformRows(given.labels.forces!, boxed.rotation), { atol: 1e-12, why });
        expect(Object.keys(again.columns).sort()).toEqual(boxed.inverted ? ['charge'] : ['charge', 'image']);
      }),
      { numRuns: 60 },
    );
  });
});
