/** Structure arguments of the command line: `file@start:stop:step` as in ASE, and the format of a file by name or content. */
import { InputError } from '../core/errors.ts';

/** Which frames of a file are meant: one by its index, or a slice; negative numbers count from the end as in Python. */
export type FrameSelection =
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'slice'; readonly start: number | null; readonly stop: number | null; readonly step: number };

/** A structure argument taken apart. */
export interface FrameArgument {
  /** File name, or `-` for standard input. */
  readonly file: string;
  readonly selection: FrameSelection;
}

/** Every frame. */
export const ALL_FRAMES: FrameSelection = { kind: 'slice', start: null, stop: null, step: 1 };

/**
 * Takes a structure argument apart: what follows the last `@` is a selection where it looks like one, otherwise part of
 * the name. @throws InputError `BAD_SELECTION` for a step of 0
 */
export function parseFrameArgument(argument: string): FrameArgument {
  const match = /^(.+)@(-?\d+|-?\d*:-?\d*(?::-?\d*)?)$/.exec(argument);
  if (match === null) return { file: argument, selection: ALL_FRAMES };
  const [file, text] = [match[1]!, match[2]!];
  if (!text.includes(':')) return { file, selection: { kind: 'index', index: Number(text) } };
  const [start, stop, step] = text.split(':').map((part) => {
    if (part === '-')
      throw new InputError('BAD_SELECTION', `selection must be start:stop:step, got "${text}"`, { argument });
    return part === '' ? null : Number(part);
  });
  if (step === 0)
    throw new InputError('BAD_SELECTION', `step of a selection must not be 0, got "${text}"`, { argument });
  return { file, selection: { kind: 'slice', start: start ?? null, stop: stop ?? null, step: step ?? 1 } };
}

/** Items of a complete list that a slice selects, as Python does it. */
function sliceList<T>(items: readonly T[], start: number | null, stop: number | null, step: number): T[] {
  const n = items.length;
  const clip = (x: number, low: number, high: number): number => Math.min(Math.max(x < 0 ? x + n : x, low), high);
  const out: T[] = [];
  if (step > 0) {
    const end = stop === null ? n : clip(stop, 0, n);
    for (let k = start === null ? 0 : clip(start, 0, n); k < end; k += step) out.push(items[k]!);
  } else {
    const end = stop === null ? -1 : clip(stop, -1, n - 1);
    for (let k = start === null ? n - 1 : clip(start, -1, n - 1); k > end; k += step) out.push(items[k]!);
  }
  return out;
}

/**
 * The selected items of a stream, in order. Nothing is held where the selection counts from the beginning, only the
 * last |k| items for `@-k` and `@-k::step`, and all of them for other selections that count from the end.
 * @throws InputError `NO_SUCH_FRAME` for an index beyond the end
 */
export async function* selectFrames<T>(items: AsyncIterable<T>, selection: FrameSelection): AsyncGenerator<T> {
  const missing = (index: number, count: number): InputError =>
    new InputError('NO_SUCH_FRAME', `frame index must be within ${count} frames, got ${index}`, { index, count });
  if (selection.kind === 'slice' && selection.step > 0 && (selection.start ?? 0) >= 0 && (selection.stop ?? 0) >= 0) {
    const { start, stop, step } = selection;
    const [from, end] = [start ?? 0, stop ?? Number.POSITIVE_INFINITY];
    if (end <= from) return;
    let k = 0;
    for await (const item of items) {
      if (k >= from && (k - from) % step === 0) yield item;
      // Nothing beyond the last selected item is read.
      k++;
      if (k >= end) return;
    }
    return;
  }
  if (selection.kind === 'index' && selection.index >= 0) {
    let k = 0;
    for await (const item of items) {
      if (k++ === selection.index) {
        yield item;
        return;
      }
    }
    throw missing(selection.index, k);
  }
  const tail =
    selection.kind === 'index'
      ? -selection.index
      : selection.step > 0 && selection.stop === null
        ? -selection.start!
        : Number.POSITIVE_INFINITY;
  const held: T[] = [];
  let count = 0;
  for await (const item of items) {
    held.push(item);
    count++;
    if (held.length > tail) held.shift();
  }
  if (selection.kind === 'index') {
    if (count < tail) throw missing(selection.index, count);
    yield held[0]!;
    return;
  }
  const start = Number.isFinite(tail) ? null : selection.start;
  yield* sliceList(held, start, selection.stop, selection.step);
}

/** Formats that structures are read from and written to. */
export type StructureFormat = 'extxyz' | 'poscar' | 'lammps-data' | 'lammps-dump' | 'cif';

/** All of them, by the names that `--format` takes. */
export const STRUCTURE_FORMATS: readonly StructureFormat[] = ['extxyz', 'poscar', 'lammps-data', 'lammps-dump', 'cif'];

/** Names of files (without folder and .gz) that say their format. */
const BY_NAME: readonly (readonly [StructureFormat, RegExp])[] = [
  ['extxyz', /\.(?:ext)?xyz$/i],
  ['cif', /\.cif$/i],
  ['lammps-dump', /\.(?:lammpstrj|dump)$|^dump\./i],
  ['lammps-data', /\.(?:lmp|lammps|lammps-data|data)$|^data\./i],
  ['poscar', /^(?:POSCAR|CONTCAR)|\.(?:vasp|poscar|contcar)$/i],
];

/** Format of a structure file by its name (a trailing .gz does not count), or null where the name does not say. */
export function structureFormat(file: string): StructureFormat | null {
  const name = file.replace(/^.*[\\/]/, '').replace(/\.gz$/i, '');
  return BY_NAME.find(([, pattern]) => pattern.test(name))?.[0] ?? null;
}

/** Number of characters from the beginning of a file that tell its format. */
export const CONTENT_HEAD = 4096;

/** Format of a structure file by how it begins: what is no other is taken as (extended) XYZ. */
export function formatOfContent(head: string): StructureFormat {
  const lines = head.replace(/^\ufeff/, '').split(/\r?\n/);
  const first = lines.find((line) => line.trim() !== '') ?? '';
  if (/^ITEM: (?:TIMESTEP|UNITS|TIME)\b/.test(first)) return 'lammps-dump';
  const plain = lines.find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  if (/^data_\S*/i.test(plain)) return 'cif';
  // A count of atoms has its word beside it in a data file and stands alone in XYZ.
  if (!/^\s*\d+\s*$/.test(lines[0] ?? '') && lines.slice(1, 20).some((line) => /^\s*\d+\s+atoms\b/.test(line)))
    return 'lammps-data';
  return 'extxyz';
}
