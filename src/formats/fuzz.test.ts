/**
 * Readers against damaged files. Whatever is done to a text, reading it ends at once, and gives either an error that names
 * the place or frames that make sense and survive being written.
 */
import { describe, expect, it } from 'vitest';
import { golden } from '../../test/support/golden.ts';
import { mutatedText } from '../../test/support/mutations.ts';
import { damagedFile, fuzzOnce, prepareModelMembers, READERS } from '../../test/support/readers.ts';
import { FormatError, InputError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import { checkStructure } from '../core/structure/checks.ts';
import type { Frame, Structure } from '../core/structure/structure.ts';
import { parseExtxyzText } from './extxyz.ts';
import { writeExtxyz } from './extxyz-writer.ts';
import { parseCif } from './cif.ts';
import { parseLammpsData } from './lammps-data.ts';
import { parseLammpsDumpText } from './lammps-dump.ts';
import { parsePoscar, writePoscar } from './poscar.ts';
import { createYacePotential } from './yace-potential.ts';
import { readYace } from './yace-reader.ts';

/** What a reader did with damaged texts: every other exception than its own fails the test, naming the text. */
function survive<T>(
  texts: readonly string[],
  runs: number,
  name: string,
  read: (text: string) => T,
  check: (value: T, text: string) => void,
) {
  const tally = { read: 0, refused: 0, codes: new Set<string>() };
  for (let run = 0; run < runs; run++) {
    const stream = new RandomStream(run, name);
    const text = mutatedText(texts[run % texts.length]!, stream);
    let value: T;
    try {
      value = read(text);
    } catch (error) {
      if (!(error instanceof FormatError)) {
        throw new Error(`${name} ${run} threw ${String(error)} for\n${JSON.stringify(text)}`, { cause: error });
      }
      tally.refused++;
      tally.codes.add(error.code);
      continue;
    }
    tally.read++;
    check(value, text);
  }
  return tally;
}

/** A structure that any other part of the program may be given. */
function requireSound(structure: Structure, labels: Frame['labels'] | null = null): void {
  checkStructure(structure);
  if (labels?.energy != null) expect(Number.isFinite(labels.energy)).toBe(true);
  if (labels?.forces) {
    expect(labels.forces).toHaveLength(3 * structure.species.length);
    expect(labels.forces.every((f) => Number.isNaN(f) || Number.isFinite(f))).toBe(true);
  }
  if (labels?.virial) {
    expect(labels.virial).toHaveLength(6);
    expect(labels.virial.every((w) => Number.isNaN(w) || Number.isFinite(w))).toBe(true);
  }
}

const EXTXYZ = [
  `2
Lattice="4.0 0 0 0 4.0 0 0.5 0 4.5" Properties=species:S:1:pos:R:3:forces:R:3:magmom:R:1:fixed:L:1 energy=-10.25 free_energy=-10.5 stress="1 2 3 2 4 5 3 5 6" pbc="T T T" config_type=bulk note="two words" list=[1, 2, 3]
Si 0.0 0.0 0.0 0.1 0.0 -0.1 0.5 T
O 1.5 1.25 1.0 -0.1 0.0 0.1 -0.5 F
1
Properties=species:S:1:pos:R:3 virial="1 0 0 0 2 0 0 0 3" pbc="F F F" nested="_JSON {\\"a\\": [1, 2.5]}"
H 1e-3 2.5E+1 -3d0
`,
  `3
plain text of an old file
C 0 0 0
C 1.4 0 0
H -0.9 0.3 0.1
`,
];

describe('extended XYZ, damaged', () => {
  it('is refused with a place or read as frames that are sound, and read again as written', () => {
    // −0 and 0 are one number in files.
    const plain = (values: Float64Array | null): Float64Array | null => values?.map((x) => x + 0) ?? null;
    const unsigned = (value: unknown): unknown =>
      typeof value === 'number' ? value + 0 : Array.isArray(value) ? value.map(unsigned) : value;
    const numbers = ({ structure, labels }: Frame): unknown => ({
      ...structure,
      ...{ positions: plain(structure.positions), cell: plain(structure.cell) },
      ...{ energy: labels.energy === null ? null : labels.energy + 0, forces: plain(labels.forces) },
    });
    const tally = survive(
      EXTXYZ,
      2500,
      'extxyz fuzz',
      (text) => parseExtxyzText(text, 'a.xyz'),
      (frames, text) => {
        for (const { frame } of frames) {
          requireSound(frame.structure, frame.labels);
          let written: string;
          try {
            written = writeExtxyz(frame);
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
            continue;
          }
          const [again] = parseExtxyzText(written, 'b.xyz');
          expect(again, JSON.stringify(text)).toBeDefined();
          expect(numbers(again!.frame), JSON.stringify(text)).toEqual(numbers(frame));
          expect(Object.keys(again!.frame.columns)).toHaveLength(Object.keys(frame.columns).length);
          // Kept keys that share their name with a label stand aside; all others come back as they were.
          for (const [key, value] of Object.entries(frame.info)) {
            if (!/energy|virial|stress|group|config_type|^other_/i.test(key)) {
              expect(unsigned(again!.frame.info[key]), JSON.stringify([key, text])).toEqual(unsigned(value));
            }
          }
        }
      },
    );
    expect(tally.read).toBeGreaterThan(200);
    expect(tally.refused).toBeGreaterThan(800);
    expect(tally.codes.size).toBeGreaterThan(10);
  });

  it('names the file and a line in every refusal', () => {
    for (let run = 0; run < 500; run++) {
      try {
        parseExtxyzText(mutatedText(EXTXYZ[0]!, new RandomStream(run, 'places')), 'dir/a.xyz');
      } catch (error) {
        expect((error as Error).message).toMatch(/^dir\/a\.xyz(:\d+(:\d+)?)?: /);
      }
    }
  });
});

const POSCARS = [
  'quartz\n1.0\n4 0 0\n0 5 0\n1 0 6\nSi O\n1 2\nSelective dynamics\nDirect\n0 0 0 T T F\n0.5 0.5 0 T T T\n0 0 0.5 F F F\n',
  'by volume\n-80\n1 0 0\n0 1 0\n0 0 1\nCu_pv\n2\nCartesian\n0 0 0\n.5 .5 .5\n\n0 0 0\n1 1 1\n',
];

describe('POSCAR, damaged', () => {
  it('is refused with a place or read as a structure that is sound, and read again as written', () => {
    const tally = survive(
      POSCARS,
      2500,
      'poscar fuzz',
      (text) => parsePoscar(text, 'POSCAR').structure,
      (structure, text) => {
        requireSound(structure);
        const again = parsePoscar(writePoscar(structure), 'POSCAR').structure;
        expect(again.species, JSON.stringify(text)).toEqual(structure.species);
        const size = Math.max(...structure.positions.map(Math.abs), ...structure.cell!.map(Math.abs));
        expect(again.positions).toAgree(structure.positions, {
          atol: 1e-6 * size,
          why: 'fractional and back, in cells that may be flat',
        });
      },
    );
    expect(tally.read).toBeGreaterThan(200);
    expect(tally.refused).toBeGreaterThan(800);
    expect(tally.codes.size).toBeGreaterThan(7);
  });
});

describe('.yace, damaged', () => {
  const { A5_P1, A5_P2 } = golden<{ A: Record<'A5_P1' | 'A5_P2', { yace: string }> }>('reference-values').A;

  it('is refused with a place or read as a potential with energies that are numbers', () => {
    // Two atoms of each element, so that every bond and function is used.
    const structures = [
      [14, 14, 14],
      [13, 28, 13],
    ].map(
      (z): Structure => ({
        positions: Float64Array.of(0, 0, 0, 2.1, 0.3, 0, 0.2, 1.9, 1.1),
        cell: null,
        pbc: [false, false, false],
        species: Uint8Array.from(z),
      }),
    );
    let finite = 0;
    const tally = survive(
      [A5_P1.yace, A5_P2.yace],
      200,
      'yace fuzz',
      (text) => readYace(text, 'pot.yace'),
      (document, text) => {
        const potential = createYacePotential(document);
        for (const structure of structures) {
          try {
            const { energy, forces, virial } = potential.evaluate(structure);
            expect([energy, ...forces, ...virial].every(Number.isFinite), JSON.stringify(text)).toBe(true);
            finite++;
          } catch (error) {
            if (!(error instanceof InputError)) throw error;
          }
        }
      },
    );
    expect(tally.refused).toBeGreaterThan(100);
    expect(finite).toBeGreaterThan(10);
  });
});

describe('every reader, damaged files', () => {
  // As many as fit in a moment; `npm run fuzz` reads a hundred thousand of each.
  const MOMENT = 700;
  const FILES = 1500;

  it.each(READERS.map((reader) => [reader.name, reader] as const))(
    '%s gives a sound result or an error of this project, soon',
    async (name, reader) => {
      if (name === 'model-json') await prepareModelMembers();
      const seeds = await reader.seeds();
      const tally = { read: 0, codes: new Set<string>() };
      const started = performance.now();
      let run = 0;
      for (; run < FILES && (run < 20 || performance.now() - started < MOMENT); run++) {
        const bytes = damagedFile(seeds, name, 1, run);
        const outcome = await fuzzOnce(reader, bytes).catch((error: unknown) => {
          throw new Error(`${name} ${run}: ${String(error)}`, { cause: error });
        });
        expect(outcome.time, `${name} ${run}`).toBeLessThan(5000);
        if (outcome.read) tally.read++;
        else tally.codes.add(outcome.code);
      }
      // Damage is mostly noticed.
      expect(tally.read).toBeLessThan(run);
      expect(tally.codes.size).toBeGreaterThan(0);
    },
  );

  it.each(READERS.map((reader) => [reader.name, reader] as const))(
    '%s reads the good files themselves',
    async (name, reader) => {
      if (name === 'model-json') await prepareModelMembers();
      for (const seed of await reader.seeds()) {
        const bytes = typeof seed === 'string' ? new TextEncoder().encode(seed) : seed;
        expect((await fuzzOnce(reader, bytes)).code).toBe('');
      }
    },
  );
});

/** A CIF whose symmetry operations go on and on. */
function manyOperations(count: number): string {
  const operations = Array.from({ length: count }, (_, k) => `'x+${k}/${count},y,z'`).join('\n');
  return `data_a\nloop_ _space_group_symop_operation_xyz\n${operations}\n_cell_length_a 3 _cell_length_b 3 _cell_length_c 3 _cell_angle_alpha 90 _cell_angle_beta 90 _cell_angle_gamma 90\nloop_ _atom_site_label _atom_site_fract_x _atom_site_fract_y _atom_site_fract_z\nH1 0 0 0\n`;
}

describe('texts made to exhaust a reader', () => {
  const deep = '['.repeat(50_000) + ']'.repeat(50_000);
  const frame = (keys: string): string => `1\nProperties=species:S:1:pos:R:3 ${keys}\nH 0 0 0\n`;

  it.each<[string, () => unknown]>([
    ['a stress of nested lists', () => parseExtxyzText(frame(`stress=${deep}`), 'a')],
    ['a stress of nested JSON', () => parseExtxyzText(frame(`stress="_JSON ${deep}"`), 'a')],
    ['a lattice of nested lists', () => parseExtxyzText(frame(`Lattice=${deep}`), 'a')],
    ['a periodicity of nested lists', () => parseExtxyzText(frame(`pbc=${deep}`), 'a')],
    ['a count of atoms beyond any file', () => parseExtxyzText('999999999999999\n\nH 0 0 0\n', 'a')],
    [
      'a column of a billion numbers',
      () => parseExtxyzText('1\nProperties=species:S:1:pos:R:3:x:R:1000000000\nH 0 0 0\n', 'a'),
    ],
    [
      'a POSCAR of a billion atoms',
      () => parsePoscar('x\n1\n1 0 0\n0 1 0\n0 0 1\nH\n1000000000\nDirect\n0 0 0\n', 'a'),
    ],
    [
      'a dump of 10¹² atoms',
      () =>
        parseLammpsDumpText(
          'ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1000000000000\nITEM: BOX BOUNDS pp pp pp\n0 1\n0 1\n0 1\nITEM: ATOMS element x y z\nH 0 0 0\n',
          'a',
        ),
    ],
    [
      'a data file of 10¹² atoms',
      () =>
        parseLammpsData(
          '\n1000000000000 atoms\n1 atom types\n0 1 xlo xhi\n0 1 ylo yhi\n0 1 zlo zhi\n\nMasses\n\n1 1.008\n\nAtoms\n\n1 1 0 0 0\n',
          'a',
        ),
    ],
    [
      'a CIF of a loop of nothing but names',
      () => parseCif(`data_a loop_ ${Array.from({ length: 50_000 }, (_, k) => `_x${k}`).join(' ')}`, 'a'),
    ],
    ['a CIF of 50 000 operations', () => parseCif(manyOperations(50_000), 'a')],
    ['a CIF of odd white space', () => parseCif('data_a\u00a0_cell_length_a\u20281', 'a')],
    ['YAML of nested lists', () => readYace(`elements: ${deep}`, 'a')],
    [
      'YAML of nested maps',
      () => readYace(Array.from({ length: 2000 }, (_, k) => `${' '.repeat(k)}a:`).join('\n'), 'a'),
    ],
    [
      'YAML of aliases of aliases',
      () => readYace('a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nelements: [*b,*b,*b]', 'a'),
    ],
    ['YAML of lists in a line', () => readYace(`elements: 1${'- '.repeat(10_000)}`, 'a')],
    ['YAML of blank lines', () => readYace('\n'.repeat(100_000), 'a')],
  ])('%s is refused at once, in few words', (_, read) => {
    const refusal = (() => {
      try {
        read();
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toBeInstanceOf(FormatError);
    expect((refusal as Error).message.length).toBeLessThan(300);
  });

  it('a kept value of nested lists stays the text it is, and is written again', () => {
    const [parsed] = parseExtxyzText(frame(`note=${deep} other=1`), 'a');
    expect(parsed!.frame.info).toEqual({ note: deep, other: 1 });
    expect(parseExtxyzText(writeExtxyz(parsed!.frame), 'b')[0]!.frame.info).toEqual({ note: deep, other: 1 });
  });
});
