import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../core/random.ts';
import { cellDeterminant, cellVolume, inverseCell, transformRows } from '../core/structure/cell.ts';
import { minimumDistance } from '../core/structure/checks.ts';
import type { Frame, Structure } from '../core/structure/structure.ts';
import { boundingBox, boxedStructure, boxFromBounds, largeTilts, turnedCell } from './lammps-box.ts';
import { parseLammpsData } from './lammps-data.ts';
import { writeLammpsData } from './lammps-writer.ts';
import { elementOfMass } from './lammps-elements.ts';

const plainFrame = (structure: Structure, columns: Frame['columns'] = {}): Frame => ({
  structure,
  labels: { energy: null, forces: null, virial: null },
  group: '',
  info: {},
  columns,
  source: { file: 'a', index: 0, line: 1 },
});

const QUARTZ = `LAMMPS data file via write_data, version 2 Aug 2023, timestep = 0, units = metal

3 atoms # all of them
2 atom types
0 bonds
2 extra bond per atom

0 4 xlo xhi
-1 4 ylo yhi
0.5 6.5 zlo zhi
1 0 -0.5 xy xz yz

Masses

1 28.0855
2 15.999 # O

Pair Coeffs # lj/cut

1 0.1 2.0
2 0.1 3.0

Atoms # full

3 7 2 -0.5 1d0 2 3 0 -1 2 # the last first
1 7 1 1.0 0 0 0 0 0 0
2 8 2 -0.5 .5 .25 1e-1 1 0 0

Velocities

1 1 2 3
2 0 0 0
3 -4 0 0.5
`;

/** Some lengths within ±9 Å. */
const lengths = (count: number): fc.Arbitrary<number[]> =>
  fc.integer({ min: 0, max: 1e6 }).map((seed) => {
    const stream = new RandomStream(seed, 'lengths');
    return Array.from({ length: count }, () => 18 * stream.uniform() - 9);
  });

describe('turnedCell', () => {
  it('turns any cell by a proper rotation and keeps its metric', () => {
    fc.assert(
      fc.property(lengths(9), (numbers) => {
        const given = Float64Array.from(numbers);
        fc.pre(cellVolume(given) > 1);
        const { cell, rotation, inverted } = turnedCell(given);
        expect([cell[1], cell[2], cell[5]]).toEqual([0, 0, 0]);
        expect(Math.min(cell[0]!, cell[4]!, cell[8]!)).toBeGreaterThan(0);
        expect(cellDeterminant(rotation)).toAgree(1, { atol: 1e-12, why: 'a rotation' });
        expect(inverted).toBe(cellDeterminant(given) < 0);
        const back = transformRows(cell, inverseCell(rotation)).map((x) => (inverted ? -x : x));
        expect(back).toAgree(given, { atol: 1e-11, why: 'cells of some Å, rotated there and back' });
      }),
    );
  });

  it('leaves what stands as it must exactly as it is', () => {
    const given = Float64Array.of(4, 0, 0, -3, 5, 0, 1, 2, 6);
    expect(turnedCell(given)).toEqual({
      cell: given,
      rotation: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
      turned: false,
      inverted: false,
    });
    expect(() => turnedCell(new Float64Array(9))).toThrow('cell must have three independent vectors, got 0 0 0');
  });

  it('names tilts beyond one half', () => {
    expect(largeTilts(Float64Array.of(4, 0, 0, -3, 5, 0, 2, 2.6, 6))).toEqual(['xy', 'yz']);
  });
});

describe('bounding boxes', () => {
  it('contain all corners, and give the cell back', () => {
    const tilt = fc.double({ noNaN: true, min: -9, max: 9 });
    fc.assert(
      fc.property(tilt, tilt, tilt, (xy, xz, yz) => {
        const cell = Float64Array.of(4, 0, 0, xy, 5, 0, xz, yz, 6);
        const bounds = boundingBox(cell, [1, -2, 3]);
        for (let corner = 0; corner < 8; corner++) {
          const at = transformRows([corner & 1, (corner >> 1) & 1, corner >> 2], cell);
          [1, -2, 3].forEach((origin, d) => {
            expect(at[d]! + origin).toBeGreaterThanOrEqual(bounds[2 * d]! - 1e-12);
            expect(at[d]! + origin).toBeLessThanOrEqual(bounds[2 * d + 1]! + 1e-12);
          });
        }
        const box = boxFromBounds(bounds, [xy, xz, yz]);
        expect(box.cell).toAgree(cell, { atol: 1e-13, why: 'sums of a few numbers' });
        expect(box.origin).toAgree([1, -2, 3], { atol: 1e-13, why: 'sums of a few numbers' });
      }),
    );
  });
});

describe('boxedStructure', () => {
  it('makes a box around atoms where there is none', () => {
    const molecule: Structure = {
      positions: Float64Array.of(0, 0, 0, 1, 2, 3),
      cell: null,
      pbc: [false, false, false],
      species: Uint8Array.of(6, 8),
    };
    const { structure, origin, invented } = boxedStructure(molecule);
    expect(structure.cell).toEqual(Float64Array.of(11, 0, 0, 0, 12, 0, 0, 0, 13));
    expect(origin).toEqual([-5, -5, -5]);
    expect(invented).toEqual([0, 1, 2]);
  });

  it('fills up a slab, also a left-handed one', () => {
    for (const sign of [1, -1]) {
      const slab: Structure = {
        positions: Float64Array.of(0.5, 0.5, 7, 0.5, 0.5, 10),
        cell: Float64Array.of(0, 3, 0, 3 * sign, 0, 0, 0, 0, 0),
        pbc: [true, true, false],
        species: Uint8Array.of(29, 29),
      };
      const { structure, origin, invented } = boxedStructure(slab);
      expect(invented).toEqual([2]);
      expect(cellVolume(structure.cell)).toAgree(9 * 13, { rtol: 1e-12, why: '3 Å of atoms and 5 Å on either side' });
      const inside = transformRows(
        structure.positions.map((x, k) => x - origin[k % 3]!),
        inverseCell(structure.cell),
      );
      expect(Math.min(inside[2]!, inside[5]!)).toAgree(5 / 13, { atol: 1e-12, why: 'the margin' });
      expect(Math.max(inside[2]!, inside[5]!)).toAgree(8 / 13, { atol: 1e-12, why: 'the margin' });
    }
  });
});

describe('parseLammpsData', () => {
  it('reads box, types, charges, molecules, image flags and velocities in the order of the ids', () => {
    const { structure, columns, info } = parseLammpsData(QUARTZ, 'si.data');
    expect(Array.from(structure.cell!)).toEqual([4, 0, 0, 1, 5, 0, 0, -0.5, 6]);
    expect(Array.from(structure.species)).toEqual([14, 8, 8]);
    expect(Array.from(structure.positions)).toEqual([0, 0, 0, 0.5, 0.25, 0.1, 1, 2, 3]);
    expect(columns).toEqual({
      molecule: { kind: 'I', width: 1, values: [7, 8, 7] },
      charge: { kind: 'R', width: 1, values: [1, -0.5, -0.5] },
      image: { kind: 'I', width: 3, values: [0, 0, 0, 1, 0, 0, 0, -1, 2] },
      velocities: { kind: 'R', width: 3, values: [1e-3, 2e-3, 3e-3, 0, 0, 0, -4e-3, 0, 5e-4] },
    });
    expect(info.comment).toContain('write_data');
    expect(structure.pbc).toEqual([true, true, true]);
  });

  it('reads general boxes, type labels, ids with gaps, CRLF and styles told by their columns', () => {
    const text =
      '\n2 atoms\n1 atom types\n1 2 3 avec\n-2 1 0 bvec\n0 0 4 cvec\n0.5 0 0 abc origin\n\nAtom Type Labels\n\n1 Cu\n\nAtoms\n\n12 Cu 0 0 0\n7 1 1 1 1\n';
    for (const given of [text, text.replaceAll('\n', '\r\n')]) {
      const { structure, columns } = parseLammpsData(given, 'a');
      expect(Array.from(structure.cell!)).toEqual([1, 2, 3, -2, 1, 0, 0, 0, 4]);
      expect(Array.from(structure.positions)).toEqual([1, 1, 1, 0, 0, 0]);
      expect(Array.from(structure.species)).toEqual([29, 29]);
      expect(columns).toEqual({ id: { kind: 'I', width: 1, values: [7, 12] } });
    }
  });

  it('takes given elements before masses', () => {
    const { structure } = parseLammpsData(QUARTZ, 'a', { elements: ['Ge', 'S'] });
    expect(Array.from(structure.species)).toEqual([32, 16, 16]);
    expect(() => parseLammpsData(QUARTZ, 'a', { elements: ['Ge'] })).toThrow(
      'elements must be given for all 2 atom types of a, got 1',
    );
    expect(() => parseLammpsData(QUARTZ, 'a', { elements: ['Ge', 'Q'] })).toThrow('got "Q"');
  });

  it('knows elements by mass where it is clear', () => {
    expect([1, 12, 28.085, 28.086, 55.85, 58.69, 58.93, 180.95, 183.85, 208.98].map(elementOfMass)).toEqual([
      1, 6, 14, 14, 26, 28, 27, 73, 74, 83,
    ]);
    expect([2.014, 40, 0, 1e9, Number.NaN].map(elementOfMass)).toEqual(Array(5).fill(undefined));
  });

  const edit = (from: string | RegExp, to: string): string => QUARTZ.replace(from, to);
  it.each<[string, string, string]>([
    ['BAD_HEADER', edit('3 atoms', '3 atom'), 'a:3: line of the header must be a count, a bound'],
    ['BAD_HEADER', edit('3 atoms', '3 2 atoms'), 'a:3: "atoms" must follow 1 numbers, got 2'],
    ['BAD_HEADER', edit('0 bonds', '4 atoms'), 'a:5: "atoms" must be given once'],
    ['NOT_AN_INTEGER', edit('3 atoms', '3.5 atoms'), 'a:3:1: number of atoms must be an integer ≥ 0, got "3.5"'],
    ['BAD_ATOM_COUNT', edit('3 atoms', '0 atoms'), 'a: header must give a positive number of atoms'],
    ['BAD_ATOM_COUNT', edit('3 atoms', '2 atoms'), 'a:23: section Atoms must have 2 lines, got 3'],
    [
      'TRUNCATED_FILE',
      edit('3 atoms', '1000000000000 atoms'),
      'a:23: section Atoms must have 1000000000000 lines, got 3',
    ],
    ['BAD_BOX', edit('0 4 xlo', '4 0 xlo'), 'a:8:1: xlo xhi must be in increasing order, got 4 and 0 Å'],
    ['MISSING_BOX', edit('0 4 xlo xhi', ''), 'a: header must give xlo xhi'],
    ['MISSING_BOX', edit('0 4 xlo xhi', '0 0 1 avec'), 'not by a mixture'],
    ['NOT_FINITE', edit('1 0 -0.5 xy', '1 0 inf xy'), 'a:11:5: xy xz yz must be finite, got "inf"'],
    [
      'UNKNOWN_ATOM_STYLE',
      edit('# full', '# sphere'),
      'a:23: atom style must be one of atomic, charge, bond, angle, molecular, full, got "sphere"',
    ],
    ['UNKNOWN_ATOM_STYLE', edit('# full', '# constructor'), 'got "constructor"'],
    [
      'WRONG_COLUMN_COUNT',
      edit('.5 .25 1e-1 1 0 0', '.5 .25 1e-1'),
      'a:27: line of an atom must have 7 columns, or 10 with image flags, as the first has, got 7',
    ],
    ['DUPLICATE_ATOM', edit('2 8 2', '1 8 2'), 'a:27:1: id of an atom must be its own, got 1 again'],
    ['BAD_TYPE', edit('2 8 2', '2 8 3'), 'a:27:5: atom type must be 1 to 2, got 3'],
    ['NOT_A_NUMBER', edit('.5 .25', '.5 x'), 'a:27:15: position of atom 2 must be a number, got "x"'],
    ['NOT_AN_INTEGER', edit('1e-1 1 0 0', '1e-1 1 0 .5'), 'a:27:28: image flag of atom 2 must be an integer, got ".5"'],
    [
      'UNKNOWN_ELEMENT',
      edit('28.0855', '40'),
      'a:26:5: atom type 1 must be of a known element, but its mass 40 u is that of no element for certain',
    ],
    [
      'BAD_VELOCITY',
      edit('2 0 0 0', '1 0 0 0'),
      'a:32:1: line of a velocity must be the id of an atom, once, and 3 numbers',
    ],
    ['TRUNCATED_FILE', edit('2 0 0 0\n', ''), 'a:29: section Velocities must have 3 lines, got 2'],
    [
      'UNSUPPORTED_UNITS',
      edit('units = metal', 'units = lj'),
      'a:1: units must be metal or real (lengths in Å), got "lj"',
    ],
    ['DUPLICATE_SECTION', edit('Velocities', 'Masses'), 'a:29: section Masses must be given once'],
    ['UNKNOWN_SECTION', edit('Velocities', 'Speeds'), 'a:29: section must be one that LAMMPS knows, got "Speeds"'],
    ['TRUNCATED_FILE', QUARTZ.slice(0, QUARTZ.indexOf('Atoms # ')), 'a: file must have a section Atoms'],
    ['BAD_ATOM_COUNT', '', 'a: header must give a positive number of atoms'],
    ['BINARY_FILE', 'a\0b', 'a: file must be text'],
  ])('refuses %s', (code, text, message) => {
    expect(() => parseLammpsData(text, 'a')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});

describe('writeLammpsData', () => {
  it('writes types in alphabetical order with their masses, and styles by the columns', () => {
    const structure: Structure = {
      positions: Float64Array.of(0, 0, 0, 1, 2, 3),
      cell: Float64Array.of(4, 0, 0, 1, 5, 0, 0, 0, 6),
      pbc: [true, true, true],
      species: Uint8Array.of(14, 8),
    };
    expect(writeLammpsData(plainFrame(structure)).text).toBe(
      'LAMMPS data file, units = metal\n\n2 atoms\n2 atom types\n\n0 4 xlo xhi\n0 5 ylo yhi\n0 6 zlo zhi\n1 0 0 xy xz yz\n\nMasses\n\n1 15.999 # O\n2 28.085 # Si\n\nAtoms # atomic\n\n1 2 0 0 0\n2 1 1 2 3\n',
    );
    const charged = plainFrame(structure, { charges: { kind: 'R', width: 1, values: [1.5, -1.5] } });
    expect(writeLammpsData(charged, { elements: ['Si', 'O', 'Al'] }).text).toContain(
      '1 28.085 # Si\n2 15.999 # O\n3 26.9815385 # Al\n\nAtoms # charge\n\n1 1 1.5 0 0 0\n2 2 -1.5 1 2 3\n',
    );
    expect(() => writeLammpsData(charged, { elements: ['Si'] })).toThrow('elements must have O, got Si');
  });

  it('reads back what it wrote, turned by the rotation that it states', () => {
    fc.assert(
      fc.property(lengths(18), (numbers) => {
        const cell = Float64Array.from(numbers.slice(0, 9));
        fc.pre(cellVolume(cell) > 5);
        const structure: Structure = {
          positions: Float64Array.from(numbers.slice(9, 18)),
          cell,
          pbc: [true, true, true],
          species: Uint8Array.of(14, 8, 14),
        };
        const columns: Frame['columns'] = {
          velocities: { kind: 'R', width: 3, values: numbers.slice(0, 9).map((x) => x / 1e3) },
        };
        const { text, boxed } = writeLammpsData(plainFrame(structure, columns));
        const again = parseLammpsData(text, 'a');
        expect(again.structure.species).toEqual(structure.species);
        expect(again.structure.positions).toAgree(transformRows(structure.positions, boxed.rotation), {
          atol: 1e-12,
          why: 'one rotation of a few Å',
        });
        expect(cellVolume(again.structure.cell!)).toAgree(cellVolume(cell), {
          rtol: 1e-10,
          why: 'rotations keep volumes',
        });
        expect(minimumDistance(again.structure, 20)!.distance).toAgree(minimumDistance(structure, 20)!.distance, {
          atol: 1e-11,
          why: 'rotations keep distances, lattice images included',
        });
        expect(again.columns.velocities!.values as number[]).toAgree(
          transformRows(columns.velocities!.values as number[], boxed.rotation),
          { atol: 1e-14, why: 'Å/fs there and back' },
        );
        expect(text.startsWith('LAMMPS data file, units = metal; ') || !boxed.turned).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
