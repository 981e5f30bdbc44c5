/**
 * Readers against damaged files. Whatever is done to a text, reading it ends at once, and gives either an error that names
 * the place or frames that make sense and survive being written.
 */
import { describe, expect, it } from 'vitest';
import { golden } from '../../test/support/golden.ts';
import { FormatError, InputError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import { checkStructure } from '../core/structure/checks.ts';
import type { Frame, Structure } from '../core/structure/structure.ts';
import { parseExtxyzText } from './extxyz.ts';
import { writeExtxyz } from './extxyz-writer.ts';
import { readNpy, writeNpy } from './npy.ts';
import { parsePoscar, writePoscar } from './poscar.ts';
import { createYacePotential } from './yace-potential.ts';
import { readYace } from './yace-reader.ts';
import { readZip, writeZip } from './zip.ts';

/** Pieces that have broken readers before. */
const NASTY = [
  ...['nan', 'inf', '-inf', '1e999', '-1e999', '1e300', '1e-320', '-0', '0x10', '1_000', '1d5', '.', '-', '+', ''],
  ...['99999999999', '-1', '0', '1e9', '2147483648', '9007199254740993', '3.0', '007'],
  ...['"', "'", '{', '}', '[', ']', '[[[[[[[[', '\\', '=', ':', ',', '|', '#', '!', '&', '*', '%', '@', '`', '~'],
  ...['\n', '\r', '\r\n', '\t', ' ', '\0', '\ufeff', '\u2028', '\u00a0', '🜛', 'é'],
  ...[
    'T',
    'F',
    'true',
    'null',
    '_JSON ',
    '_JSON {"a": [1, {"b": null}]}',
    '_JSON "\\u0000"',
    '[nan]',
    '[inf, 1]',
    '[T]',
    '[[1, nan], [2, 3]]',
    '__proto__',
    'constructor',
    'Si',
    'Xx',
    'X',
  ],
  ...['energy=', 'energy=1 energy=2', 'pbc="T T T"', 'Lattice="0 0 0 0 0 0 0 0 0"', 'stress="1 2 3 4 5 6 7 8 9"'],
  ...[
    'species:S:1:pos:R:3',
    ':R:3',
    'Z:I:1',
    'Direct',
    'Cartesian',
    'Selective',
    '- ',
    ': ',
    '? ',
    '<<: ',
    '!!binary ',
  ],
];

/** A text with one to four random edits: letters, lines and words changed, lost, doubled, moved or made nasty. */
function damaged(text: string, stream: RandomStream): string {
  let out = text;
  for (let edits = 1 + stream.integer(4); edits > 0; edits--) {
    const at = stream.integer(out.length + 1);
    const lines = out.split('\n');
    const k = stream.integer(lines.length);
    const nasty = NASTY[stream.integer(NASTY.length)]!;
    switch (stream.integer(9)) {
      case 0:
        out = out.slice(0, at) + String.fromCharCode(stream.integer(0x250)) + out.slice(at + 1);
        break;
      case 1:
        out = out.slice(0, at) + out.slice(at + 1 + stream.integer(3));
        break;
      case 2:
        out = out.slice(0, at) + nasty + out.slice(at);
        break;
      case 3:
        out = out.slice(0, at);
        break;
      case 4:
        lines.splice(k, 1 + stream.integer(2));
        out = lines.join('\n');
        break;
      case 5:
        lines.splice(stream.integer(lines.length + 1), 0, lines[k]!);
        out = lines.join('\n');
        break;
      default: {
        // A whole word, which is where meaning sits.
        const words = out.split(/(\s+|[=,:"[\]{}])/);
        const word = 2 * stream.integer(Math.ceil(words.length / 2));
        words[word] = stream.integer(3) === 0 ? (words[2 * stream.integer(Math.ceil(words.length / 2))] ?? '') : nasty;
        out = words.join('');
      }
    }
  }
  return out;
}

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
    const text = damaged(texts[run % texts.length]!, stream);
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
        parseExtxyzText(damaged(EXTXYZ[0]!, new RandomStream(run, 'places')), 'dir/a.xyz');
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

describe('archives and arrays, damaged', () => {
  const member = writeNpy({ shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, Number.NaN) });
  const archive = writeZip([
    { name: 'model.json', bytes: new TextEncoder().encode('{"a": 1}') },
    { name: 'w.npy', bytes: member },
  ]);

  it.each([
    ['zip', archive, (bytes: Uint8Array) => [...readZip(bytes, 'model').values()]],
    ['npy', member, (bytes: Uint8Array) => [readNpy(bytes, 'w.npy').data]],
  ])('%s: bytes changed, lost or added end in an error or in what fits', (name, good, read) => {
    for (let run = 0; run < 3000; run++) {
      const stream = new RandomStream(run, 'bytes', name.length);
      let bytes = Uint8Array.from(good);
      for (let edits = 1 + stream.integer(3); edits > 0 && bytes.length > 0; edits--) {
        const at = stream.integer(bytes.length);
        const kind = stream.integer(4);
        if (kind === 0) bytes = bytes.slice(0, at);
        else if (kind === 1)
          bytes = Uint8Array.from([...bytes.subarray(0, at), stream.integer(256), ...bytes.subarray(at)]);
        else bytes[at] = kind === 2 ? stream.integer(256) : 255;
      }
      try {
        for (const part of read(bytes)) expect(part.length).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        if (!(error instanceof FormatError)) throw new Error(`${name} ${run}: ${String(error)}`, { cause: error });
      }
    }
  });
});

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
    ['YAML of nested lists', () => readYace(`elements: ${deep}`, 'a')],
    [
      'YAML of nested maps',
      () => readYace(Array.from({ length: 2000 }, (_, k) => `${' '.repeat(k)}a:`).join('\n'), 'a'),
    ],
    [
      'YAML of aliases of aliases',
      () => readYace('a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nelements: [*b,*b,*b]', 'a'),
    ],
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
