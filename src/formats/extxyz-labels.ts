/** Which keys of a frame are its labels, and their conversion to canonical units and order. */
import { FormatError, type SourcePosition } from '../core/errors.ts';
import { cellVolume } from '../core/structure/cell.ts';
import type { InfoValue, Labels } from '../core/structure/structure.ts';
import type { ColumnPlan, ColumnReader } from './extxyz-columns.ts';
import type { CommentEntry } from './extxyz-comment.ts';
import { requireNumber } from './extxyz-tokens.ts';

/** Keys to take labels from, where the usual names do not fit. A key that is given is the only one looked at. */
export interface LabelKeyOptions {
  readonly energyKey?: string;
  readonly forcesKey?: string;
  readonly stressKey?: string;
  readonly virialKey?: string;
}

/** Keys the labels of a frame came from; null where it has none. */
export interface LabelKeys {
  readonly energy: string | null;
  readonly forces: string | null;
  /** Key of the stress or virial. */
  readonly virial: string | null;
}

/** Keys of a comment line that hold a total energy, in the order of preference: forces belong to the free energy. */
export const ENERGY_KEYS = [
  'free_energy',
  'energy',
  'REF_free_energy',
  'REF_energy',
  'ref_energy',
  'dft_free_energy',
  'dft_energy',
  'DFT_energy',
  'Energy',
  'total_energy',
] as const;
/** Columns that hold forces, in the order of preference. */
export const FORCES_KEYS = [
  'forces',
  'force',
  'REF_forces',
  'REF_force',
  'ref_forces',
  'ref_force',
  'dft_forces',
  'dft_force',
  'DFT_forces',
  'Forces',
] as const;
/** Keys that hold a stress, in the order of preference. */
export const STRESS_KEYS = ['stress', 'REF_stress', 'ref_stress', 'dft_stress', 'DFT_stress'] as const;
/** Keys that hold a virial −V·stress, in the order of preference; a stress is preferred to any. */
export const VIRIAL_KEYS = [
  'virial',
  'virials',
  'REF_virial',
  'REF_virials',
  'ref_virial',
  'dft_virial',
  'DFT_virial',
] as const;

/** Places of xx yy zz yz xz xy in a row-major 3×3 matrix, and their mirror images. */
const VOIGT = [0, 4, 8, 5, 2, 1] as const;
const MIRRORED = [0, 4, 8, 7, 6, 3] as const;

/** Name without `free_`: keys that differ in no more are the two energies of one calculation. */
const family = (key: string): string => key.replace('free_', '');

/**
 * The first of the candidates; any other that is present must hold the same, unless it is the internal energy beside a
 * free energy. @throws FormatError `AMBIGUOUS_LABEL`
 */
function choose<T>(
  candidates: readonly { key: string; found: T }[],
  same: (a: T, b: T) => boolean,
  option: string,
  at: SourcePosition,
): { key: string; found: T } | null {
  const [first, ...others] = candidates;
  if (first === undefined) return null;
  for (const other of others) {
    if (family(other.key) === family(first.key) || same(first.found, other.found)) continue;
    const message = `${first.key} and ${other.key} must agree where both are given; say which to use with ${option}`;
    throw new FormatError('AMBIGUOUS_LABEL', at, message, { keys: [first.key, other.key] });
  }
  return first;
}

/** Numbers of a value in any of its forms: a list in a string, brackets, nested JSON. */
function flatNumbers(entry: CommentEntry, at: SourcePosition): number[] {
  const out: number[] = [];
  const walk = (value: InfoValue): void => {
    if (Array.isArray(value)) for (const x of value) walk(x);
    else if (typeof value === 'number' && Math.abs(value) !== Number.POSITIVE_INFINITY) out.push(value);
    else
      for (const token of String(value).split(/[\s,]+/))
        if (token !== '') out.push(requireNumber(token, entry.key, at));
  };
  walk(entry.value);
  return out;
}

/** A tensor of 9 numbers (row-major, symmetric) or 6 (xx yy zz yz xz xy) as the latter. @throws FormatError `BAD_TENSOR` */
function readTensor(entry: CommentEntry, at: SourcePosition): Float64Array {
  const numbers = flatNumbers(entry, at);
  if (numbers.length === 6) return Float64Array.from(numbers);
  if (numbers.length !== 9) {
    throw new FormatError(
      'BAD_TENSOR',
      at,
      `${entry.key} must be 9 numbers (3×3) or 6 (xx yy zz yz xz xy), got ${numbers.length}`,
      {
        count: numbers.length,
      },
    );
  }
  const largest = numbers.reduce((size, x) => Math.max(size, Number.isNaN(x) ? 0 : Math.abs(x)), 0);
  return Float64Array.from(VOIGT, (place, k) => {
    const [upper, lower] = [numbers[place]!, numbers[MIRRORED[k]!]!];
    if (Math.abs(upper - lower) > 1e-2 * largest + 1e-6) {
      throw new FormatError(
        'BAD_TENSOR',
        at,
        `${entry.key} must be symmetric, got ${upper} and ${lower} across its diagonal`,
        { upper, lower },
      );
    }
    return upper === lower ? upper : (upper + lower) / 2;
  });
}

/** A frame's labels, the keys they came from, and what of the file they used up. */
export interface FoundLabels {
  readonly labels: Labels;
  readonly keys: LabelKeys;
  readonly entries: readonly CommentEntry[];
  readonly plans: readonly ColumnPlan[];
}

const sameNumbers = (a: ArrayLike<number>, b: ArrayLike<number>): boolean => {
  for (let k = 0; k < a.length; k++) if (!Object.is(a[k]! + 0, b[k]! + 0)) return false;
  return a.length === b.length;
};
const allAbsent = (values: Float64Array | null): boolean => values === null || values.every((x) => Number.isNaN(x));

/**
 * Finds the labels of a frame. NaN marks absent components; a label of nothing but NaN is absent.
 * @param cell of the frame: a stress becomes the virial −V·stress with its volume
 * @throws FormatError `AMBIGUOUS_LABEL`, `BAD_LABEL_COLUMN`, `BAD_TENSOR`, `STRESS_WITHOUT_CELL`, `NOT_A_NUMBER`, `NOT_FINITE`
 */
export function findLabels(
  entries: readonly CommentEntry[],
  columns: ColumnReader,
  cell: Float64Array | null,
  options: LabelKeyOptions,
  position: { readonly file: string; readonly line: number },
): FoundLabels {
  const at = (entry: CommentEntry): SourcePosition => ({
    file: position.file,
    line: position.line,
    column: entry.column,
  });
  const among = <T>(
    names: readonly string[],
    read: (entry: CommentEntry) => T,
  ): { key: string; found: { entry: CommentEntry; read: T } }[] =>
    names.flatMap((name) => {
      const entry = entries.find((candidate) => candidate.key === name);
      return entry === undefined ? [] : [{ key: name, found: { entry, read: read(entry) } }];
    });

  const energyNames = options.energyKey === undefined ? ENERGY_KEYS : [options.energyKey];
  const energies = among(energyNames, (entry) => requireNumber(entry.text.trim(), entry.key, at(entry))).filter(
    ({ found }) => !Number.isNaN(found.read),
  );
  const energy = choose(energies, (a, b) => Object.is(a.read, b.read), '--energy-key', position);

  const forcesNames: readonly string[] = options.forcesKey === undefined ? FORCES_KEYS : [options.forcesKey];
  const forceColumns = forcesNames.flatMap((name) => {
    const plan = columns.layout.plans.find((candidate) => candidate.name === name);
    if (plan === undefined) return [];
    if (plan.width !== 3 || (plan.kind !== 'R' && plan.kind !== 'I')) {
      throw new FormatError(
        'BAD_LABEL_COLUMN',
        position,
        `column ${name} must be ${name}:R:3, got ${name}:${plan.kind}:${plan.width}`,
        { name },
      );
    }
    return [{ key: name, found: { plan, read: columns.numbers(plan) } }];
  });
  const forces = choose(
    forceColumns.filter(({ found }) => !allAbsent(found.read)),
    (a, b) => sameNumbers(a.read, b.read),
    '--forces-key',
    position,
  );

  const stressNames =
    options.stressKey !== undefined ? [options.stressKey] : options.virialKey !== undefined ? [] : STRESS_KEYS;
  const virialNames =
    options.virialKey !== undefined ? [options.virialKey] : options.stressKey !== undefined ? [] : VIRIAL_KEYS;
  const tensors = (names: readonly string[]) =>
    choose(
      among(names, (entry) => readTensor(entry, at(entry))).filter(({ found }) => !allAbsent(found.read)),
      (a, b) => sameNumbers(a.read, b.read),
      '--stress-key',
      position,
    );
  const stress = tensors(stressNames);
  const tensor = stress ?? tensors(virialNames);
  let virial: Float64Array | null = tensor?.found.read ?? null;
  let virialKey = tensor?.key ?? null;
  if (stress !== null) {
    const volume = cell === null ? 0 : cellVolume(cell);
    const values = stress.found.read;
    if (volume > 0) virial = values.map((x) => -volume * x + 0);
    else if (values.every((x) => x === 0)) [virial, virialKey] = [null, null];
    else
      throw new FormatError(
        'STRESS_WITHOUT_CELL',
        at(stress.found.entry),
        `${stress.key} must come with a Lattice: a stress needs a volume`,
      );
  }
  return {
    labels: { energy: energy?.found.read ?? null, forces: forces?.found.read ?? null, virial },
    keys: { energy: energy?.key ?? null, forces: forces?.key ?? null, virial: virialKey },
    entries: [energy, virialKey === null ? null : tensor].flatMap((x) => (x === null ? [] : [x.found.entry])),
    plans: forces === null ? [] : [forces.found.plan],
  };
}
