/** Frames written in any of the structure formats, with an account of what a format cannot hold. */
import { symbolOf } from '../core/elements.ts';
import { InputError } from '../core/errors.ts';
import { transformRows } from '../core/structure/cell.ts';
import type { Frame } from '../core/structure/structure.ts';
import { writeCif } from './cif.ts';
import { writeExtxyz } from './extxyz-writer.ts';
import type { StructureFormat } from './frames.ts';
import { type BoxedStructure, largeTilts } from './lammps-box.ts';
import { type ElementOptions, typeOrder } from './lammps-elements.ts';
import {
  CHARGE_COLUMNS,
  IMAGE_COLUMNS,
  MOLECULE_COLUMNS,
  VELOCITY_COLUMNS,
  writeLammpsData,
  writeLammpsSnapshot,
} from './lammps-writer.ts';
import { writePoscar } from './poscar.ts';

/** Formats that hold one structure per file. */
export const SINGLE_STRUCTURE_FORMATS: readonly StructureFormat[] = ['poscar', 'lammps-data'];

/** What a format could not hold, and of how many structures. */
export interface DroppedData {
  readonly what: string;
  readonly structures: number;
}

/** A text and what became of the frames in it. */
export interface WrittenFrames {
  /** The text in pieces, one per frame. */
  readonly pieces: readonly string[];
  /** What a reader of the text must find: the frames as they stand in it. */
  readonly expected: readonly Frame[];
  readonly dropped: readonly DroppedData[];
  /** How structures stand in the file otherwise than they were given, in words. */
  readonly notes: readonly string[];
}

/** What each format keeps beyond species, positions and cell. */
const KEPT: Readonly<
  Record<
    StructureFormat,
    {
      readonly labels: readonly (keyof Frame['labels'])[];
      readonly columns: readonly string[] | 'all';
      readonly info: readonly string[] | 'all';
      readonly pbc: boolean;
    }
  >
> = {
  extxyz: { labels: ['energy', 'forces', 'virial'], columns: 'all', info: 'all', pbc: true },
  poscar: { labels: [], columns: [], info: ['comment'], pbc: false },
  'lammps-data': {
    labels: [],
    columns: [...CHARGE_COLUMNS, ...MOLECULE_COLUMNS, ...IMAGE_COLUMNS, ...VELOCITY_COLUMNS],
    info: ['comment'],
    pbc: false,
  },
  'lammps-dump': {
    labels: ['forces'],
    columns: [...CHARGE_COLUMNS, ...MOLECULE_COLUMNS, ...IMAGE_COLUMNS, ...VELOCITY_COLUMNS],
    info: ['timestep'],
    pbc: true,
  },
  cif: { labels: [], columns: [], info: ['name'], pbc: false },
};

const LABEL_NAMES = { energy: 'energy', forces: 'forces', virial: 'stress' } as const;

/** Counts what the format leaves out of the frames. */
function droppedBy(format: StructureFormat, frames: readonly Frame[]): DroppedData[] {
  const kept = KEPT[format];
  const counts = new Map<string, number>();
  const drop = (what: string): void => {
    counts.set(what, (counts.get(what) ?? 0) + 1);
  };
  for (const { labels, columns, info, group, structure } of frames) {
    for (const kind of ['energy', 'forces', 'virial'] as const)
      if (labels[kind] !== null && !kept.labels.includes(kind)) drop(LABEL_NAMES[kind]);
    if (kept.columns !== 'all')
      for (const name of Object.keys(columns)) if (!kept.columns.includes(name)) drop(`column ${name}`);
    if (kept.info !== 'all') {
      for (const key of Object.keys(info)) if (!kept.info.includes(key)) drop(`key ${key}`);
      if (group !== '' && !('config_type' in info) && !('group' in info)) drop('group');
    }
    if (!kept.pbc && structure.pbc.includes(false)) drop('open directions (pbc F)');
  }
  return [...counts].map(([what, structures]) => ({ what, structures }));
}

/** `3 structures were`, `1 structure was`. */
const were = (count: number): string => `${count} ${count === 1 ? 'structure was' : 'structures were'}`;

function notesOf(format: StructureFormat, boxes: readonly BoxedStructure[]): string[] {
  const notes: string[] = [];
  const turned = boxes.filter((box) => box.turned);
  if (turned.length > 0) {
    const rows = Array.from(turned[0]!.rotation, (x) => Number(x.toFixed(6)) + 0);
    const matrix = [0, 3, 6].map((k) => rows.slice(k, k + 3).join(' ')).join(' / ');
    notes.push(
      `${were(turned.length)} turned so that a lies along x and b in the xy plane: r_file = r R${turned.length === 1 ? ',' : '; for the first'} R = ${matrix}`,
    );
  }
  const inverted = boxes.filter((box) => box.inverted);
  if (inverted.length > 0)
    notes.push(
      `${were(inverted.length)} left-handed: the lattice vectors stand with the opposite sign (the same lattice)`,
    );
  const invented = boxes.filter((box) => box.invented.length > 0);
  if (invented.length > 0)
    notes.push(`${were(invented.length)} without a full cell: a box with 5 Å of space around the atoms was made up`);
  const tilted = boxes.filter((box) => largeTilts(box.structure.cell).length > 0);
  if (tilted.length > 0 && format === 'lammps-data')
    notes.push(
      `tilt of ${largeTilts(tilted[0]!.structure.cell).join(', ')} is more than half of an edge: LAMMPS before 2022 needs "box tilt large"`,
    );
  return notes;
}

/** The frame as it stands in a file that holds a box. */
function inBox(frame: Frame, box: BoxedStructure, pbc: boolean): Frame {
  const { forces } = frame.labels;
  return {
    ...frame,
    structure: { ...box.structure, pbc: pbc ? box.structure.pbc : [true, true, true] },
    labels: { ...frame.labels, forces: forces === null ? null : transformRows(forces, box.rotation) },
  };
}

/**
 * Writes frames in a format.
 * @param onFrame runs the work of each frame, so that an error may say which it was
 * @throws InputError `TOO_MANY_FRAMES` for a format of one structure, and those of the writers
 */
export function writeFrames(
  frames: readonly Frame[],
  format: StructureFormat,
  options: ElementOptions = {},
  onFrame: <T>(frame: Frame, work: () => T) => T = (_, work) => work(),
): WrittenFrames {
  if (SINGLE_STRUCTURE_FORMATS.includes(format) && frames.length !== 1) {
    throw new InputError(
      'TOO_MANY_FRAMES',
      `a file of format ${format} must hold one structure, got ${frames.length}; choose one with file@index`,
      { frames: frames.length },
    );
  }
  // One numbering of types for all snapshots of a file.
  const elements =
    format === 'lammps-dump' && options.elements === undefined ? typeOrder(speciesIn(frames), options) : null;
  const types = elements === null ? options : { elements: elements.map(symbolOf) };
  const boxes: BoxedStructure[] = [];
  const expected: Frame[] = [];
  const pieces = frames.map((frame, place) =>
    onFrame(frame, () => {
      if (format === 'extxyz') {
        expected.push(frame);
        return writeExtxyz(frame);
      }
      if (format === 'poscar') {
        expected.push({ ...frame, structure: { ...frame.structure, pbc: [true, true, true] } });
        const { comment } = frame.info;
        return writePoscar(frame.structure, typeof comment === 'string' ? { comment } : {});
      }
      const { text, boxed } =
        format === 'cif'
          ? writeCif(frame, place)
          : format === 'lammps-data'
            ? writeLammpsData(frame, types)
            : writeLammpsSnapshot(frame, place, types);
      boxes.push(boxed);
      const written = inBox(frame, boxed, format === 'lammps-dump');
      if (format === 'cif' && boxed.invented.length > 0) {
        const positions = written.structure.positions.map((x, k) => x - boxed.origin[k % 3]!);
        expected.push({ ...written, structure: { ...written.structure, positions } });
      } else expected.push(written);
      return text;
    }),
  );
  return { pieces, expected, dropped: droppedBy(format, frames), notes: notesOf(format, boxes) };
}

function speciesIn(frames: readonly Frame[]): Set<number> {
  const species = new Set<number>();
  for (const { structure } of frames) for (const z of structure.species) species.add(z);
  return species;
}

/** Largest relative deviation of numbers read back, by format: extended XYZ keeps every digit, CIF cells go through angles. */
const TOLERANCE: Readonly<Record<StructureFormat, number>> = {
  extxyz: 0,
  poscar: 1e-9,
  'lammps-data': 1e-12,
  'lammps-dump': 1e-12,
  cif: 1e-6,
};

/** Largest |a − b|; infinite where lengths differ. */
function deviation(a: ArrayLike<number> | null, b: ArrayLike<number> | null): number {
  if (a === null || b === null) return a === b ? 0 : Number.POSITIVE_INFINITY;
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let k = 0; k < a.length; k++) {
    if (Number.isNaN(a[k]!) && Number.isNaN(b[k]!)) continue;
    const difference = Math.abs(a[k]! - b[k]!);
    largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
  }
  return largest;
}

const size = (values: ArrayLike<number> | null): number => {
  let largest = 1;
  for (let k = 0; k < (values?.length ?? 0); k++) if (Math.abs(values![k]!) > largest) largest = Math.abs(values![k]!);
  return largest;
};

/**
 * What differs between a frame as it was to be written and as it was read back: the name of the first quantity that is
 * beyond the format's digits, or null.
 */
export function differenceOf(expected: Frame, found: Frame, format: StructureFormat): string | null {
  const tolerance = TOLERANCE[format];
  const { structure, labels } = expected;
  if (deviation(structure.species, found.structure.species) !== 0) return 'species';
  if (structure.pbc.some((periodic, d) => periodic !== found.structure.pbc[d])) return 'pbc';
  const scale = tolerance * Math.max(size(structure.cell), size(structure.positions));
  if (deviation(structure.cell, found.structure.cell) > scale) return 'cell';
  if (deviation(structure.positions, found.structure.positions) > scale) return 'positions';
  const kept = KEPT[format].labels;
  if (kept.includes('energy') && !Object.is(labels.energy === null ? null : labels.energy + 0, found.labels.energy))
    return 'energy';
  if (kept.includes('forces') && deviation(labels.forces, found.labels.forces) > tolerance * size(labels.forces))
    return 'forces';
  // A virial goes through a stress and its volume.
  if (kept.includes('virial') && deviation(labels.virial, found.labels.virial) > 1e-13 * size(labels.virial))
    return 'stress';
  return null;
}
