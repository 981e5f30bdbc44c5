/** Every reader of files with good files to begin from: what the fuzzing damages. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fitSettingsOf } from '../../src/cli/fit-settings.ts';
import { FormatError, QuerentError } from '../../src/core/errors.ts';
import { RandomStream } from '../../src/core/random.ts';
import { checkStructure } from '../../src/core/structure/checks.ts';
import type { Frame } from '../../src/core/structure/structure.ts';
import { readAsi, writeAsi } from '../../src/formats/asi.ts';
import { readBBasis } from '../../src/formats/bbasis-reader.ts';
import { parseCif } from '../../src/formats/cif.ts';
import { parseExtxyzText } from '../../src/formats/extxyz.ts';
import { parseLammpsData } from '../../src/formats/lammps-data.ts';
import { parseLammpsDumpText } from '../../src/formats/lammps-dump.ts';
import { readModel, writeModel } from '../../src/formats/model-file.ts';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import { parsePoscar } from '../../src/formats/poscar.ts';
import { readYace } from '../../src/formats/yace-reader.ts';
import { readZip, writeZip } from '../../src/formats/zip.ts';
import { openFrames } from '../../src/node/frames.ts';
import { resolveRunFile } from '../../src/protocol/run-file-resolve.ts';
import { golden } from './golden.ts';
import { fitOn, siliconFrames } from './models.ts';
import { mutated } from './mutations.ts';

/** A reader to be fuzzed. */
export interface FuzzedReader {
  readonly name: string;
  /** Good files, made when they are needed. */
  seeds(): Promise<readonly (string | Uint8Array)[]>;
  /** Reads damaged bytes; throws what the reader throws, or an error of another class where the result makes no sense. */
  read(bytes: Uint8Array): unknown;
}

const text = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new FormatError('BINARY_FILE', { file: 'a' }, 'file must be text (UTF-8), got other bytes', {}, error);
  }
};

/** Frames that any other part of the program may be given. */
function sound(frames: readonly Frame[]): void {
  for (const { structure, labels, columns } of frames) {
    checkStructure(structure);
    const n = structure.species.length;
    const real = (values: Float64Array | null, count: number): boolean =>
      values === null || (values.length === count && values.every((x) => Number.isNaN(x) || Number.isFinite(x)));
    if (labels.energy !== null && !Number.isFinite(labels.energy)) throw new Error(`energy ${labels.energy}`);
    if (!real(labels.forces, 3 * n)) throw new Error('forces are no 3n numbers');
    if (!real(labels.virial, 6)) throw new Error('virial is no 6 numbers');
    for (const [name, column] of Object.entries(columns))
      if (column.values.length !== n * column.width) throw new Error(`column ${name} has the wrong length`);
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
const POSCAR = [
  'quartz\n1.0\n4 0 0\n0 5 0\n1 0 6\nSi O\n1 2\nSelective dynamics\nDirect\n0 0 0 T T F\n0.5 0.5 0 T T T\n0 0 0.5 F F F\n',
  'by volume\n-80\n1 0 0\n0 1 0\n0 0 1\nCu_pv\n2\nCartesian\n0 0 0\n.5 .5 .5\n\n0 0 0\n1 1 1\n',
];
const CIF = [
  `#\\#CIF_1.1
data_silicon
_publ_section_comment
;a text field with loop_ and _tags
;
_cell_length_a   5.4310(2)
_cell_length_b   5.4310(2)
_cell_length_c   5.4310(2)
_cell_angle_alpha 90
_cell_angle_beta  90.00
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F d -3 m'
loop_
_symmetry_equiv_pos_as_xyz
'x,y,z' 'x,y+1/2,z+1/2' 'x+1/2,y,z+1/2' 'x+1/2,y+1/2,z'
'-x+1/4,-y+1/4,-z+1/4' '-x+1/4,-y+3/4,-z+3/4' '-x+3/4,-y+1/4,-z+3/4' '-x+3/4,-y+3/4,-z+1/4'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Si1 Si0+ 0.0000 0 0.0000(1) 1.000(3)
`,
  `data_p1
_cell.length_a 3
_cell.length_b 4
_cell.length_c 5
_cell.angle_alpha 80
_cell.angle_beta 100
_cell.angle_gamma 120
loop_
_atom_site_fract_x _atom_site_fract_y _atom_site_fract_z _atom_site_label
0 0 0 Na1
.5 1e-1 -0.25 Cl2A
data_two
_cell_length_a 3 _cell_length_b 3 _cell_length_c 3 _cell_angle_alpha 90 _cell_angle_beta 90 _cell_angle_gamma 90
loop_ _atom_site_type_symbol _atom_site_fract_x _atom_site_fract_y _atom_site_fract_z
Fe3+ 0 0 0
`,
];
const LAMMPS_DATA = [
  `LAMMPS data file via write_data, version 2 Aug 2023, timestep = 0, units = metal

3 atoms # all of them
2 atom types
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

3 7 2 -0.5 1d0 2 3 0 -1 2
1 7 1 1.0 0 0 0 0 0 0
2 8 2 -0.5 .5 .25 1e-1 1 0 0

Velocities

1 1 2 3
2 0 0 0
3 -4 0 0.5
`,
  'general\n\n2 atoms\n1 atom types\n1 2 3 avec\n-2 1 0 bvec\n0 0 4 cvec\n0.5 0 0 abc origin\n\nAtom Type Labels\n\n1 Cu\n\nAtoms\n\n12 Cu 0 0 0\n7 1 1 1 1\n',
];
const LAMMPS_DUMP = [
  `ITEM: TIMESTEP
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
ITEM: TIMESTEP
200
ITEM: NUMBER OF ATOMS
1
ITEM: BOX BOUNDS xy xz yz pp pp pp
-1 6 2
0 5.5 -1
0 6 0.5
ITEM: ATOMS mass xs ys zs vx vy vz ix iy iz q mol
28.086 0.5 0.5 0.5 1 2 3 0 -1 0 0.25 4
`,
];
const WEIGHTS = 'bulk: {energy: 2, forces: 1}\nliquid:\n  energy: 0.5\n  virial: 0\n"a b": {forces: 1e-3}\n';

const ROOT = new URL('../../', import.meta.url);
const runFiles = (): string[] =>
  ['silicon', 'silicon-qe', 'toy'].map((name) => readFileSync(new URL(`examples/${name}/run.yaml`, ROOT), 'utf8'));

/** A folder of this process for readers that take paths. */
let folder: string | null = null;
function scratch(): string {
  if (folder === null) {
    const made = mkdtempSync(join(tmpdir(), 'querent-fuzz-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}

/** A potential file with two functions of each block: the first, and the one in the middle. */
function withFewFunctions(file: string): string {
  const isFunction = (line: string | undefined): boolean => line !== undefined && /^\s+- \{/.test(line);
  const lines = file.split('\n');
  return lines
    .filter((line, at) => {
      if (!isFunction(line)) return true;
      let [from, to] = [at, at + 1];
      while (isFunction(lines[from - 1])) from--;
      while (isFunction(lines[to])) to++;
      return at === from || at === (from + to) >> 1;
    })
    .join('\n');
}

/** Small ones many times, which are read in a moment, and a whole one. */
const mostlySmall = (files: readonly [string, string]): string[] => [
  ...Array.from({ length: 15 }, (_, k) => withFewFunctions(files[k % 5 === 0 ? 1 : 0])),
  files[0],
];

async function modelBytes(): Promise<Uint8Array> {
  const fit = await fitOn(1, siliconFrames(6));
  return writeModel(fit.model, fit.basis);
}

/** All readers. */
export const READERS: readonly FuzzedReader[] = [
  {
    name: 'extxyz',
    seeds: async () => EXTXYZ,
    read: (bytes) => sound(parseExtxyzText(text(bytes), 'a.xyz').map(({ frame }) => frame)),
  },
  { name: 'poscar', seeds: async () => POSCAR, read: (bytes) => sound([parsePoscar(text(bytes), 'POSCAR')]) },
  { name: 'cif', seeds: async () => CIF, read: (bytes) => sound(parseCif(text(bytes), 'a.cif')) },
  {
    name: 'lammps-data',
    seeds: async () => LAMMPS_DATA,
    read: (bytes) => sound([parseLammpsData(text(bytes), 'a.data')]),
  },
  {
    name: 'lammps-dump',
    seeds: async () => LAMMPS_DUMP,
    read: (bytes) => sound(parseLammpsDumpText(text(bytes), 'a.dump').map(({ frame }) => frame)),
  },
  {
    name: 'stream',
    seeds: async () => [gzipSync(EXTXYZ.join('')), ...EXTXYZ, ...CIF, ...LAMMPS_DUMP, ...LAMMPS_DATA],
    read: async (bytes) => {
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let k = 0; k < bytes.length; k += 100) yield bytes.subarray(k, k + 100);
      }
      const frames: Frame[] = [];
      for await (const frame of openFrames('-', { stdin: pieces() })) frames.push(frame);
      sound(frames);
    },
  },
  {
    name: 'yace',
    seeds: async () => {
      const { A5_P1, A5_P2 } = golden<{ A: Record<'A5_P1' | 'A5_P2', { yace: string }> }>('reference-values').A;
      return mostlySmall([A5_P1.yace, A5_P2.yace]);
    },
    read: (bytes) => readYace(text(bytes), 'a.yace'),
  },
  {
    name: 'bbasis',
    seeds: async () => {
      const { A5_P1, A5_P2 } = golden<{ A: Record<'A5_P1' | 'A5_P2', { bbasis_yaml: string }> }>('reference-values').A;
      return mostlySmall([A5_P1.bbasis_yaml, A5_P2.bbasis_yaml]);
    },
    read: (bytes) => readBBasis(text(bytes), 'a.yaml'),
  },
  {
    name: 'asi',
    seeds: async () => [
      writeAsi([
        { element: 'Al', size: 2, inverse: Float64Array.of(1, 0.5, -0.5, 2) },
        { element: 'Ni', size: 1, inverse: Float64Array.of(0.25) },
      ]),
    ],
    read: (bytes) => {
      for (const inverse of readAsi(bytes, 'a.asi', ['Al', 'Ni'], [2, 1]))
        if (!inverse.every(Number.isFinite)) throw new Error('an inverse is not finite');
    },
  },
  {
    name: 'zip',
    seeds: async () => [
      writeZip([
        { name: 'model.json', bytes: new TextEncoder().encode('{"a": 1}') },
        { name: 'w.npy', bytes: writeNpy({ shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, Number.NaN) }) },
      ]),
    ],
    read: (bytes) => {
      for (const part of readZip(bytes, 'a').values())
        if (part.length > bytes.length) throw new Error('a member is larger than its archive');
    },
  },
  {
    name: 'npy',
    seeds: async () => [writeNpy({ shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, Number.NaN) })],
    read: (bytes) => {
      const { shape, data } = readNpy(bytes, 'a.npy');
      if (shape.reduce((product, n) => product * n, 1) !== data.length) throw new Error('shape and data disagree');
    },
  },
  { name: 'model', seeds: async () => [await modelBytes()], read: (bytes) => readModel(bytes, 'a.model') },
  {
    // What the checksums of the archive guard, damaged behind their back.
    name: 'model-json',
    seeds: async () => {
      const header = readZip(await modelBytes(), 'a').get('model.json')!;
      return [new TextDecoder().decode(header)];
    },
    read: (bytes) => readModel(modelWith(bytes), 'a.model'),
  },
  {
    name: 'run-file',
    seeds: async () => runFiles(),
    read: (bytes) =>
      resolveRunFile(text(bytes), 'run.yaml', [], { HOME: '/home/me' }, () => {
        throw new FormatError('RUN_FILE', { file: 'run.yaml' }, 'nothing is extended here', { issues: [] });
      }),
  },
  {
    name: 'weights',
    seeds: async () => [WEIGHTS],
    read: async (bytes) => {
      writeFileSync(join(scratch(), 'weights.yaml'), bytes);
      await fitSettingsOf({ weights: 'weights.yaml' }, scratch());
    },
  },
];

let members: Map<string, Uint8Array> | null = null;

/** Remembers the members of a good model for `modelWith`. */
export async function prepareModelMembers(): Promise<void> {
  members ??= readZip(await modelBytes(), 'a');
}

function modelWith(header: Uint8Array): Uint8Array {
  if (members === null) throw new Error('prepareModelMembers must have run');
  return writeZip([...members].map(([name, bytes]) => ({ name, bytes: name === 'model.json' ? header : bytes })));
}

/** What one damaged file led to. */
export interface FuzzOutcome {
  readonly read: boolean;
  /** Code of the refusal, or '' . */
  readonly code: string;
  /** Processor time of this thread, which a busy machine does not change, ms. */
  readonly time: number;
}

/** Damaged file number `run` of a seed. */
export function damagedFile(
  seeds: readonly (string | Uint8Array)[],
  reader: string,
  seed: number,
  run: number,
): Uint8Array {
  return mutated(seeds[run % seeds.length]!, new RandomStream(seed, `fuzz ${reader}`, run));
}

/** Reads one damaged file; what is no error of this project is thrown on. */
export async function fuzzOnce(reader: FuzzedReader, bytes: Uint8Array): Promise<FuzzOutcome> {
  const started = process.threadCpuUsage();
  const time = (): number => {
    const { user, system } = process.threadCpuUsage(started);
    return (user + system) / 1000;
  };
  try {
    await reader.read(bytes);
    return { read: true, code: '', time: time() };
  } catch (error) {
    if (!(error instanceof QuerentError)) throw error;
    if (error.message.trim() === '' || /\[object |: undefined/.test(error.message))
      throw new Error(`message says nothing: ${error.message}`, { cause: error });
    return { read: false, code: error.code, time: time() };
  }
}
