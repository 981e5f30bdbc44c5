import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../core/random.ts';
import { cellVolume } from '../core/structure/cell.ts';
import { minimumDistance } from '../core/structure/checks.ts';
import type { Frame, Structure } from '../core/structure/structure.ts';
import { parseCif, writeCif } from './cif.ts';
import { parseOperation } from './cif-symmetry.ts';
import { parseCifBlocks } from './cif-tokens.ts';

/** The diamond structure in P4_3 n m-like shorthand: face centring and inversion of one site. */
const FCC = ['x,y,z', 'x,y+1/2,z+1/2', 'x+1/2,y,z+1/2', 'x+1/2,y+1/2,z'];
const DIAMOND = `#\\#CIF_1.1
data_silicon
_chemical_name_common 'the element''s crystal'
_publ_section_comment
;a text field with loop_ and _tags
 and 'quotes
;
_cell_length_a   5.4310(2)
_cell_length_b   5.4310(2)
_cell_length_c   5.4310(2)
_cell_angle_alpha 90
_cell_angle_beta  90.00
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F d -3 m'
_symmetry_Int_Tables_number 227
loop_
_symmetry_equiv_pos_site_id
_symmetry_equiv_pos_as_xyz
${[...FCC, ...FCC.map((op) => op.replace(/x/, '-x+1/4').replace(/y/, '-y+1/4').replace(/z/, '-z+1/4'))].map((op, k) => `${k + 1} '${op}'`).join('\n')}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Si1 Si0+ 0.0000 0 0.0000(1) 1.000(3)
`;

const edit = (from: string | RegExp, to: string): string => DIAMOND.replace(from, to);

/** Some lengths within ±9 Å. */
const lengths = (count: number): fc.Arbitrary<number[]> =>
  fc.integer({ min: 0, max: 1e6 }).map((seed) => {
    const stream = new RandomStream(seed, 'lengths');
    return Array.from({ length: count }, () => 18 * stream.uniform() - 9);
  });

describe('parseCif', () => {
  it('applies the operations, keeps special positions once', () => {
    const [frame, ...others] = parseCif(DIAMOND, 'si.cif');
    const { structure, info } = frame!;
    expect(others).toEqual([]);
    expect(structure.species).toEqual(new Uint8Array(8).fill(14));
    expect(Array.from(structure.cell!)).toEqual([5.431, 0, 0, 0, 5.431, 0, 0, 0, 5.431]);
    expect(minimumDistance(structure, 3)!.distance).toAgree((5.431 * Math.sqrt(3)) / 4, {
      rtol: 1e-12,
      why: 'the bond of diamond',
    });
    expect(info).toEqual({ name: 'silicon' });
  });

  it('takes sites near a special position for those on it', () => {
    // A mirror at x = 1/3 printed with four digits: the two images are 0.0004 Å apart.
    const text = edit(
      /loop_\n_symmetry_equiv_pos_site_id[\s\S]*?loop_/,
      "loop_\n_space_group_symop.operation_xyz\n'x, y, z'\n'0.66667-x, y, z'\nloop_",
    );
    const [frame] = parseCif(text.replace('0.0000 0', '0.3333 0.1'), 'a');
    expect(frame!.structure.species).toHaveLength(1);
    const [two] = parseCif(text.replace('0.0000 0', '0.30 0.1'), 'a');
    expect(two!.structure.species).toHaveLength(2);
  });

  it('builds skewed cells and reads several blocks, symbols with charges, labels, P1', () => {
    const text = `data_global
_publ_contact 'someone'
DATA_first
_cell.length_a 3
_cell.length_b 4
_cell.length_c 5
_cell.angle_alpha 80
_cell.angle_beta 100
_cell.angle_gamma 120
_space_group.name_H-M_alt "P 1"
LOOP_
_atom_site_fract_x _atom_site_fract_y _atom_site_fract_z _atom_site_label
0 0 0 Na1
.5 1e-1 -0.25 CL2A
0.25 0.25 0.25 O3-
data_second
_cell_length_a 3 _cell_length_b 3 _cell_length_c 3 _cell_angle_alpha 90 _cell_angle_beta 90 _cell_angle_gamma 90
loop_ _atom_site_type_symbol _atom_site_fract_x _atom_site_fract_y _atom_site_fract_z _atom_site_occupancy
FE3+ 0 0 0 .
D 0.5 0.5 0.5 ?
`;
    const [first, second] = parseCif(text, 'a');
    expect(Array.from(first!.structure.species)).toEqual([11, 6, 8]);
    const { cell } = first!.structure;
    const dot = (i: number, j: number): number =>
      cell![i]! * cell![j]! + cell![i + 1]! * cell![j + 1]! + cell![i + 2]! * cell![j + 2]!;
    const cosine = (degrees: number): number => Math.cos((degrees * Math.PI) / 180);
    expect([dot(0, 0), dot(3, 3), dot(6, 6), dot(3, 6), dot(0, 6), dot(0, 3)]).toAgree(
      [9, 16, 25, 20 * cosine(80), 15 * cosine(100), 12 * cosine(120)],
      { atol: 1e-12, why: 'the metric of the cell parameters' },
    );
    expect(Array.from(second!.structure.species)).toEqual([26, 1]);
    expect(second!.source).toEqual({ file: 'a', index: 1, line: 16 });
  });

  it.each<[string, string, string]>([
    [
      'PARTIAL_OCCUPANCY',
      edit('1.000(3)', '0.5'),
      'a:34:29: occupancy of site Si1 must be 1, got 0.5: a disordered crystal',
    ],
    [
      'MISSING_SYMMETRY',
      edit(/loop_\n_symmetry_equiv_pos_site_id[\s\S]*?loop_/, 'loop_'),
      'a:15:29: symmetry operations of the space group "227" must be listed',
    ],
    [
      'MISSING_SYMMETRY',
      edit(/_symmetry_Int.*\nloop_\n_symmetry_equiv_pos_site_id[\s\S]*?loop_/, 'loop_'),
      'the space group "F d -3 m" must be listed',
    ],
    ['BAD_SYMMETRY', edit("'x,y,z'", "'x,x,z'"), 'a:19:3: symmetry operation must keep volumes, got "x,x,z"'],
    ['BAD_SYMMETRY', edit("'x,y,z'", "'x,y'"), 'symmetry operation must be like -x+1/2,y,z, got "x,y"'],
    ['BAD_SYMMETRY', edit("'x,y,z'", "'x+1/0,y,z'"), 'must have finite translations'],
    ['BAD_SYMMETRY', edit("'x,y,z'", "'-x,y,z'"), 'symmetry operations must hold the identity x,y,z'],
    ['MISSING_VALUE', edit(/_cell_length_b.*\n/, ''), 'a:2: _cell_length_b must be given'],
    ['NOT_A_NUMBER', edit('90.00', 'ninety'), 'a:12:19: _cell_angle_beta must be a finite number, got "ninety"'],
    ['BAD_CELL', edit('90.00', '180'), 'a:8:18: cell must have positive edges and angles that span a volume'],
    ['MISSING_VALUE', edit('0.0000 0', '? 0'), 'a:34:10: fract_x of Si1 must be given'],
    ['UNKNOWN_ELEMENT', edit('Si0+', 'Qq'), 'a:34:5: site must name an element, got "Qq"'],
    ['BAD_LOOP', edit('Si1 Si0+', 'Si1'), 'a:27:1: loop_ must have a multiple of 6 values'],
    ['UNBALANCED_QUOTE', edit("'F d -3 m'", "'F d -3 m"), "a:14:32: quote ' must be closed on its line"],
    [
      'UNBALANCED_QUOTE',
      edit('quotes\n;', 'quotes\n '),
      'a:5:1: text field must be closed by a line that begins with ;',
    ],
    ['DUPLICATE_KEY', edit('_cell_length_b', '_cell_length_a'), 'a:9:1: _cell_length_a must be given once in a block'],
    ['BAD_CIF', edit('data_silicon\n', ''), 'a:2:1: file must begin with data_NAME'],
    ['BAD_CIF', edit('5.4310(2)', '5.4310 (2)'), 'a:8:25: value "(2)" must follow a name'],
    ['UNSUPPORTED_CIF', `${DIAMOND}save_x\n`, 'a:35:1: "save_x" must not be in a structure file'],
    ['NO_FRAMES', 'data_x\n_a 1\n', 'a: file must hold at least one data block with atom sites, got none'],
    [
      'DUPLICATE_ATOM',
      `${DIAMOND}Si2 Si 0.25 0.25 0.25 1\n`,
      'a:35:8: site 1 must be apart from the images of site 0, got 0.0000 Å: are atoms listed that the symmetry makes already?',
    ],
    ['BINARY_FILE', 'data_\0', 'a: file must be text'],
  ])('refuses %s', (code, text, message) => {
    let thrown: unknown;
    try {
      parseCif(text, 'a');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

describe('parseOperation', () => {
  const read = (text: string) => parseOperation({ text, quoted: true, line: 1, column: 1 }, 'a');
  it('reads signs, fractions and decimals in any order, rounding thirds', () => {
    expect(read(' -Y + x, 1/2 -Z ,.3333+x')).toEqual({
      rotation: Int8Array.of(1, -1, 0, 0, 0, -1, 1, 0, 0),
      translation: Float64Array.of(0, 0.5, 1 / 3),
    });
    expect(read('x-1/4,y+1,z-0.99999').translation).toEqual(Float64Array.of(0.75, 0, 0));
    expect(read('x+1/7,y,z').translation[0]).toBe(1 / 7);
    for (const bad of ['x,y,z,x', 'x+y+x,y,z', 'a,y,z', 'x+,y,z', '2x,y,z', 'x*y,y,z', ',,'])
      expect(() => read(bad), bad).toThrow('symmetry operation must');
  });
});

describe('parseCifBlocks', () => {
  it('keeps quotes within words, strings and fields apart', () => {
    const [block] = parseCifBlocks("data_a _x a'b'c _y 'd'e f' _z \"g 'h'\" # i\n_t\n;j\n ;k ;\n;\n_u .", 'a');
    const texts = [...block!.items].map(([name, { text, quoted }]) => [name, text, quoted]);
    expect(texts).toEqual([
      ['_x', "a'b'c", false],
      ['_y', "d'e f", true],
      ['_z', "g 'h'", true],
      ['_t', 'j\n ;k ;', true],
      ['_u', '.', false],
    ]);
  });
});

describe('writeCif', () => {
  it('reads back what it wrote, up to the orientation', () => {
    fc.assert(
      fc.property(lengths(18), (numbers) => {
        const cell = Float64Array.from(numbers.slice(0, 9));
        fc.pre(cellVolume(cell) > 5);
        const structure: Structure = {
          positions: Float64Array.from(numbers.slice(9)),
          cell,
          pbc: [true, true, true],
          species: Uint8Array.of(14, 8, 14),
        };
        const close = minimumDistance(structure, 30)!;
        fc.pre(close.distance > 0.2);
        const frame: Frame = {
          structure,
          labels: { energy: null, forces: null, virial: null },
          group: '',
          info: { name: 'a b' },
          columns: {},
          source: { file: '', index: 0, line: 1 },
        };
        const { text } = writeCif(frame, 3);
        const [again] = parseCif(text, 'a');
        expect(again!.info).toEqual({ name: 'a_b' });
        expect(again!.structure.species).toEqual(structure.species);
        expect(cellVolume(again!.structure.cell!)).toAgree(cellVolume(cell), {
          rtol: 1e-7,
          why: 'angles of sharp cells by their cosines',
        });
        expect(minimumDistance(again!.structure, 30)!.distance).toAgree(close.distance, {
          atol: 1e-7,
          why: 'as the cell',
        });
      }),
      { numRuns: 60 },
    );
  });

  it('numbers the atoms of each element and writes molecules into a box', () => {
    const frame: Frame = {
      structure: {
        positions: Float64Array.of(0, 0, 0, 0, 0, 1),
        cell: null,
        pbc: [false, false, false],
        species: Uint8Array.of(8, 8),
      },
      labels: { energy: null, forces: null, virial: null },
      group: '',
      info: {},
      columns: {},
      source: { file: '', index: 0, line: 1 },
    };
    const { text } = writeCif(frame, 2);
    expect(text).toMatch(/^data_structure_2\n_cell_length_a 10\n_cell_length_b 10\n_cell_length_c 11\n/);
    expect(text).toContain('O1 O 0.5 0.5');
    expect(text).toContain('O2 O 0.5 0.5');
    expect(minimumDistance(parseCif(text, 'a')[0]!.structure, 3)!.distance).toAgree(1, {
      atol: 1e-12,
      why: 'the bond',
    });
  });
});
