import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellVolume } from '../core/structure/cell.ts';
import type { Structure } from '../core/structure/structure.ts';
import { parsePoscar, writePoscar } from './poscar.ts';

const CELL = '4 0 0\n0 5 0\n1 0 6';
const poscar = (scale: string, rest: string): string => `quartz\n${scale}\n${CELL}\n${rest}\n`;
const read = (text: string): Structure => parsePoscar(text, 'POSCAR').structure;

describe('parsePoscar', () => {
  it('reads direct positions and keeps the comment', () => {
    const frame = parsePoscar(poscar('1.0', 'Si O\n1 2\nDirect\n0 0 0\n0.5 0.5 0\n0 0 0.5'), 'POSCAR');
    expect(Array.from(frame.structure.species)).toEqual([14, 8, 8]);
    expect(Array.from(frame.structure.positions)).toEqual([0, 0, 0, 2, 2.5, 0, 0.5, 0, 3]);
    expect(frame).toMatchObject({
      info: { comment: 'quartz' },
      group: '',
      labels: { energy: null },
      source: { file: 'POSCAR', index: 0, line: 1 },
    });
    expect(frame.structure.pbc).toEqual([true, true, true]);
  });

  it('scales cell and Cartesian positions, also per axis and by volume', () => {
    const cartesian = 'Si\n1\nCartesian\n1 2 3';
    expect(read(poscar('2', cartesian))).toMatchObject({
      positions: Float64Array.of(2, 4, 6),
      cell: Float64Array.of(8, 0, 0, 0, 10, 0, 2, 0, 12),
    });
    expect(read(poscar('1 2 3', cartesian))).toMatchObject({
      positions: Float64Array.of(1, 4, 9),
      cell: Float64Array.of(4, 0, 0, 0, 10, 0, 1, 0, 18),
    });
    const byVolume = read(poscar('-960', cartesian));
    expect(cellVolume(byVolume.cell!)).toAgree(960, { rtol: 1e-14, why: 'a cube root' });
    expect(byVolume.positions).toAgree([2, 4, 6], { rtol: 1e-14, why: 'a cube root: 960 = 2³ · 120' });
  });

  it('reads selective dynamics, names of potentials, comments and CRLF, and leaves velocities out', () => {
    const text = poscar(
      '1.0 ! scale',
      'Si_pv O/1a2b Si\n1 1 1\nSelective dynamics\nDirect\n0 0 0 T T F\n.5 0 0 T T T ! note\n0 5d-1 0 F F F O\n\n1 2 3\n4 5 6',
    );
    for (const given of [text, text.replaceAll('\n', '\r\n')]) {
      expect(Array.from(read(given).species)).toEqual([14, 8, 14]);
      expect(Array.from(read(given).positions)).toEqual([0, 0, 0, 2, 0, 0, 0, 2.5, 0]);
    }
  });

  it.each<[string, string, string]>([
    [
      'VASP4_POSCAR',
      poscar('1', '2 4\nDirect\n0 0 0'),
      'POSCAR:6:1: line 6 must name the species (VASP 5), got only counts "2 4"',
    ],
    [
      'UNKNOWN_ELEMENT',
      poscar('1', 'Si Oo\n1 1\nDirect'),
      'POSCAR:6:4: species must be a chemical symbol, got "Oo"; did you mean ',
    ],
    [
      'BAD_ATOM_COUNT',
      poscar('1', 'Si O\n1\nDirect'),
      'POSCAR:7: line of counts must have one number per species, got 1 for 2 species',
    ],
    ['BAD_ATOM_COUNT', poscar('1', 'Si O\n1 x\nDirect'), 'POSCAR:7:3: number of atoms must be an integer, got "x"'],
    ['BAD_ATOM_COUNT', poscar('1', 'Si\n0\nDirect'), 'POSCAR:7:1: number of atoms must be positive, got "0"'],
    [
      'BAD_COORDINATES',
      poscar('1', 'Si\n1\nFractional\n0 0 0'),
      'POSCAR:8:1: positions must be Direct or Cartesian, got "Fractional"',
    ],
    [
      'TRUNCATED_FILE',
      poscar('1', 'Si\n2\nDirect\n0 0 0'),
      'POSCAR:10: position of atom 1 must follow, got the end of the file',
    ],
    ['WRONG_COLUMN_COUNT', poscar('1', 'Si\n1\nDirect\n0 0'), 'POSCAR:9: position of atom 0 must be 3 numbers, got 2'],
    ['NOT_A_NUMBER', poscar('1', 'Si\n1\nDirect\n0 0 x'), 'POSCAR:9:5: position of atom 0 must be a number, got "x"'],
    ['NOT_FINITE', poscar('1', 'Si\n1\nDirect\n0 nan 0'), 'POSCAR:9:3: position of atom 0 must be finite, got "nan"'],
    ['BAD_SCALE', poscar('0', 'Si\n1\nDirect\n0 0 0'), 'POSCAR:2:1: scale factor must not be zero'],
    [
      'BAD_SCALE',
      poscar('1 -1 1', 'Si\n1\nDirect\n0 0 0'),
      'POSCAR:2:3: scale factor must not be zero (nor negative for one axis), got -1',
    ],
    [
      'SINGULAR_CELL',
      'x\n1\n1 0 0\n2 0 0\n0 0 1\nSi\n1\nDirect\n0 0 0\n',
      'POSCAR:5: cell must have independent vectors',
    ],
    [
      'TRUNCATED_FILE',
      poscar('1', 'Si O\n1 99999999999\nDirect\n0 0 0'),
      'POSCAR:7:3: 99999999999 atoms must have a line each, got 3 lines to the end',
    ],
    [
      'NOT_FINITE_POSITION',
      poscar('1e200', 'Si\n1\nCartesian\n1e200 0 0'),
      'POSCAR:2: position of atom 0 of file must be finite, got Infinity Å',
    ],
    ['BAD_SCALE', poscar('1e308', 'Si\n1\nDirect\n0 0 0'), 'POSCAR:2: scaled cell must be finite, got Infinity 0 0'],
    ['TRUNCATED_FILE', '', 'POSCAR:1: comment line must follow, got the end of the file'],
    ['BINARY_FILE', 'a\0b', 'POSCAR: file must be text'],
  ])('refuses %s of %j', (code, text, message) => {
    expect(() => parsePoscar(text, 'POSCAR')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});

describe('writePoscar', () => {
  const structure: Structure = {
    positions: Float64Array.of(0, 0, 0, 2, 2.5, 0, 0.5, 0, 3),
    cell: Float64Array.of(4, 0, 0, 0, 5, 0, 1, 0, 6),
    pbc: [true, true, true],
    species: Uint8Array.of(14, 8, 14),
  };

  it('keeps the order of atoms', () => {
    expect(writePoscar(structure, { comment: 'two\nlines' })).toBe(
      'two lines\n1.0\n  4 0 0\n  0 5 0\n  1 0 6\nSi O Si\n1 1 1\nDirect\n  0 0 0\n  0.5 0.5 0\n  0 0 0.5\n',
    );
  });

  it('reads back what it wrote', () => {
    const real = fc.double({ noNaN: true, min: -20, max: 20 });
    fc.assert(
      fc.property(fc.array(real, { minLength: 9, maxLength: 9 }), (positions) => {
        const moved = { ...structure, positions: Float64Array.from(positions, (x) => x + 0) };
        expect(read(writePoscar(moved, { coordinates: 'Cartesian' }))).toEqual(moved);
        const direct = read(writePoscar(moved));
        expect(direct.positions).toAgree(moved.positions, { atol: 1e-13, why: 'to fractional coordinates and back' });
      }),
    );
  });

  it('needs a cell', () => {
    expect(() => writePoscar({ ...structure, cell: null, pbc: [false, false, false] })).toThrow(
      'cell of a POSCAR must have three independent vectors, got no cell',
    );
    expect(() => writePoscar({ ...structure, cell: new Float64Array(9) })).toThrow('got 0 0 0');
  });
});
