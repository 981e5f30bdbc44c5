import { symbolOf } from '../core/elements.ts';
import { InputError } from '../core/errors.ts';
import { cellVolume } from '../core/structure/cell.ts';
import type { Column, Frame, InfoValue } from '../core/structure/structure.ts';
import { formatInfoValue, quoteText } from './extxyz-comment.ts';
import { formatNumber } from './extxyz-tokens.ts';

/** How a frame is written. */
export interface ExtxyzWriteOptions {
  /** Put before the names of the labels: `REF_` gives REF_energy, REF_forces, REF_stress. */
  readonly labelPrefix?: string;
}

/** Numbers with blanks between, as many digits as it takes to read back the same. */
function join(values: ArrayLike<number>): string {
  return Array.from(values, (x) => formatNumber(x)).join(' ');
}

/** The row-major 3×3 matrix of a symmetric tensor in the order xx yy zz yz xz xy. */
function matrixOf(tensor: ArrayLike<number>): number[] {
  const [xx, yy, zz, yz, xz, xy] = tensor as unknown as [number, number, number, number, number, number];
  return [xx, xy, xz, xy, yy, yz, xz, yz, zz];
}

/** A name that no label has taken: kept data step aside for labels as `other_NAME`. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  while (taken.has(free)) free = `other_${free}`;
  return free;
}

/** Checks a column against the number of atoms and gives its token k. */
function columnToken(name: string, column: Column, k: number): string {
  const value = column.values[k]!;
  if (typeof value === 'boolean') return value ? 'T' : 'F';
  if (typeof value === 'number') return formatNumber(value);
  if (!/^\S+$/.test(value)) {
    throw new InputError('BAD_COLUMN_VALUE', `column ${name} must hold words without blanks, got "${value}"`, {
      name,
      value,
    });
  }
  return value;
}

/**
 * One frame as extended XYZ with shortest round-trip decimals: labels under `energy`, `forces` and `stress` (= −W/V where
 * a direction is periodic, otherwise `virial` W), then `config_type` and whatever else the frame carries, in order. A
 * kept key of the name of a label is written as `other_NAME`; only a kept `energy` beside a free energy stays, and the
 * label is written as `free_energy`.
 * @throws InputError `BAD_COLUMN` or `BAD_COLUMN_VALUE` for columns that no file can hold
 */
export function writeExtxyz(frame: Frame, options: ExtxyzWriteOptions = {}): string {
  const { structure, labels, info, columns, group } = frame;
  const { labelPrefix = '' } = options;
  const n = structure.species.length;
  const taken = new Set(['Lattice', 'Properties', 'pbc']);
  const pairs: string[] = [];
  const put = (key: string, text: string): void => {
    taken.add(key);
    pairs.push(`${quoteText(key)}=${text}`);
  };

  if (structure.cell !== null) put('Lattice', `"${join(structure.cell)}"`);
  const properties = ['species:S:1:pos:R:3'];
  const forcesName = `${labelPrefix}forces`;
  const columnNames = new Set(['species', 'pos']);
  if (labels.forces !== null) {
    columnNames.add(forcesName);
    properties.push(`${forcesName}:R:3`);
  }
  const others = Object.entries(columns).map(([name, column]): [string, Column] => {
    if (column.values.length !== n * column.width || /[\s:"]/.test(name) || name === '') {
      const message = `column "${name}" must have a plain name and ${column.width} values per atom, got ${column.values.length} for ${n} atoms`;
      throw new InputError('BAD_COLUMN', message, { name });
    }
    const free = freeName(name, columnNames);
    columnNames.add(free);
    properties.push(`${free}:${column.kind}:${column.width}`);
    return [free, column];
  });
  put('Properties', properties.join(':'));

  const energyName = `${labelPrefix}energy`;
  if (labels.energy !== null) {
    const freeEnergy = `${labelPrefix}free_energy`;
    put(energyName in info && !(freeEnergy in info) ? freeEnergy : energyName, formatNumber(labels.energy));
  }
  if (labels.virial !== null) {
    const volume = structure.cell === null ? 0 : cellVolume(structure.cell);
    if (volume > 0 && structure.pbc.includes(true)) {
      const stress = Array.from(labels.virial, (x) => -x / volume + 0);
      put(`${labelPrefix}stress`, `"${join(matrixOf(stress))}"`);
    } else {
      put(`${labelPrefix}virial`, `"${join(matrixOf(labels.virial))}"`);
    }
  }
  put('pbc', `"${structure.pbc.map((periodic) => (periodic ? 'T' : 'F')).join(' ')}"`);
  if (group !== '' && !('config_type' in info) && info.group !== group) put('config_type', formatInfoValue(group));
  for (const [key, value] of Object.entries(info)) {
    const kept: InfoValue = key === 'config_type' && group !== '' && String(value) !== group ? group : value;
    put(freeName(key, taken), formatInfoValue(kept));
  }

  const lines = [String(n), pairs.join(' ')];
  const { positions, species } = structure;
  for (let i = 0; i < n; i++) {
    const tokens = [symbolOf(species[i]!)];
    for (let k = 3 * i; k < 3 * i + 3; k++) tokens.push(formatNumber(positions[k]!));
    if (labels.forces !== null) for (let k = 3 * i; k < 3 * i + 3; k++) tokens.push(formatNumber(labels.forces[k]!));
    for (const [name, column] of others) {
      for (let k = column.width * i; k < column.width * (i + 1); k++) tokens.push(columnToken(name, column, k));
    }
    lines.push(tokens.join(' '));
  }
  return `${lines.join('\n')}\n`;
}
