/** Data files and dumps of LAMMPS, written in metal units. */
import { massOf, symbolOf } from '../core/elements.ts';
import { transformRows } from '../core/structure/cell.ts';
import type { Frame } from '../core/structure/structure.ts';
import { formatNumber } from './extxyz-tokens.ts';
import { type BoxedStructure, boundingBox, boxedStructure } from './lammps-box.ts';
import { type ElementOptions, typeOrder } from './lammps-elements.ts';

/** Values of a numeric column of this shape, under the first of the names that has them. */
export function numericColumn(frame: Frame, names: readonly string[], width: number): readonly number[] | null {
  for (const name of names) {
    const column = frame.columns[name];
    if (column !== undefined && column.width === width && (column.kind === 'R' || column.kind === 'I'))
      return column.values as readonly number[];
  }
  return null;
}

/** Names of columns that hold charges, molecules, image flags and velocities (Å/fs). */
export const CHARGE_COLUMNS = ['charge', 'charges', 'initial_charges', 'q'] as const;
/** See `CHARGE_COLUMNS`. */
export const MOLECULE_COLUMNS = ['molecule', 'mol'] as const;
/** See `CHARGE_COLUMNS`. */
export const IMAGE_COLUMNS = ['image'] as const;
/** See `CHARGE_COLUMNS`. */
export const VELOCITY_COLUMNS = ['velocities'] as const;

/** A written file and how the structure stands in it. */
export interface WrittenLammpsData {
  readonly text: string;
  readonly boxed: BoxedStructure;
}

/** `1 0 0 / 0 1 0 / 0 0 1`: a rotation for the title of a file. */
function rotationText(rotation: ArrayLike<number>): string {
  const row = (k: number): string => [0, 1, 2].map((d) => Number(rotation[k + d]!.toPrecision(10))).join(' ');
  return [0, 3, 6].map(row).join(' / ');
}

/**
 * A LAMMPS data file in metal units: turned where the cell is not lower triangular (the rotation R, r_file = r·R, stands
 * in the first line), style atomic, charge or full by the columns there are, masses with their elements as comments.
 * @throws InputError `BAD_ELEMENTS`, `SINGULAR_CELL`
 */
export function writeLammpsData(frame: Frame, options: ElementOptions = {}): WrittenLammpsData {
  const boxed = boxedStructure(frame.structure);
  const { structure, origin, rotation } = boxed;
  const { species, positions, cell } = structure;
  const order = typeOrder(species, options);
  const charges = numericColumn(frame, CHARGE_COLUMNS, 1);
  const molecules = numericColumn(frame, MOLECULE_COLUMNS, 1);
  const images = boxed.inverted ? null : numericColumn(frame, IMAGE_COLUMNS, 3);
  const velocities = numericColumn(frame, VELOCITY_COLUMNS, 3);
  const style = molecules !== null ? (charges === null ? 'molecular' : 'full') : charges === null ? 'atomic' : 'charge';
  const title =
    'LAMMPS data file, units = metal' +
    (boxed.inverted ? '; lattice vectors with opposite sign' : '') +
    (boxed.turned ? `; turned by R = ${rotationText(rotation)} (r_file = r R)` : '');
  const lines = [title, '', `${species.length} atoms`, `${order.length} atom types`, ''];
  ['x', 'y', 'z'].forEach((axis, d) => {
    lines.push(`${formatNumber(origin[d]!)} ${formatNumber(origin[d]! + cell[4 * d]!)} ${axis}lo ${axis}hi`);
  });
  const tilts = [cell[3]!, cell[6]!, cell[7]!];
  if (tilts.some((x) => x !== 0)) lines.push(`${tilts.map((x) => formatNumber(x)).join(' ')} xy xz yz`);
  lines.push('', 'Masses', '');
  order.forEach((z, k) => {
    lines.push(`${k + 1} ${formatNumber(massOf(z))} # ${symbolOf(z)}`);
  });
  lines.push('', `Atoms # ${style}`, '');
  const type = new Map(order.map((z, k) => [z, k + 1]));
  for (let i = 0; i < species.length; i++) {
    const tokens: (number | string)[] = [i + 1];
    if (molecules !== null) tokens.push(molecules[i]!);
    tokens.push(type.get(species[i]!)!);
    if (charges !== null) tokens.push(formatNumber(charges[i]!));
    for (let k = 3 * i; k < 3 * i + 3; k++) tokens.push(formatNumber(positions[k]!));
    if (images !== null) tokens.push(...images.slice(3 * i, 3 * i + 3));
    lines.push(tokens.join(' '));
  }
  if (velocities !== null) {
    lines.push('', 'Velocities', '');
    const turned = transformRows(velocities, rotation);
    for (let i = 0; i < species.length; i++)
      lines.push(`${i + 1} ${[0, 1, 2].map((d) => formatNumber(turned[3 * i + d]! * 1e3)).join(' ')}`);
  }
  return { text: `${lines.join('\n')}\n`, boxed };
}

/** A written snapshot and how the structure stands in it. */
export interface WrittenSnapshot {
  readonly text: string;
  readonly boxed: BoxedStructure;
}

/**
 * One snapshot of a dump in metal units: id, type, element, positions, then image flags, charges, velocities (Å/ps) and
 * forces where the frame has them, all turned with the cell. The timestep is that of the frame's info, else its place.
 * @param place index of the snapshot in the file
 * @param options elements in the order of their types, the same for all snapshots of a file
 * @throws InputError `BAD_ELEMENTS`, `SINGULAR_CELL`
 */
export function writeLammpsSnapshot(frame: Frame, place: number, options: ElementOptions = {}): WrittenSnapshot {
  const boxed = boxedStructure(frame.structure);
  const { structure, origin, rotation, turned } = boxed;
  const { species, positions, cell, pbc } = structure;
  const order = typeOrder(species, options);
  const type = new Map(order.map((z, k) => [z, k + 1]));
  const step = frame.info.timestep;
  const timestep = typeof step === 'number' && Number.isSafeInteger(step) && step >= 0 ? step : place;
  const names = ['id', 'type', 'element', 'x', 'y', 'z'];
  const parts: { width: number; values: ArrayLike<number> }[] = [{ width: 3, values: positions }];
  const add = (columns: readonly string[], values: ArrayLike<number> | null): void => {
    if (values === null) return;
    names.push(...columns);
    parts.push({ width: columns.length, values });
  };
  const vector = (values: ArrayLike<number> | null, scale: number): ArrayLike<number> | null =>
    values === null ? null : Float64Array.from(turned ? transformRows(values, rotation) : values, (x) => x * scale);
  add(['ix', 'iy', 'iz'], boxed.inverted ? null : numericColumn(frame, IMAGE_COLUMNS, 3));
  add(['q'], numericColumn(frame, CHARGE_COLUMNS, 1));
  add(['mol'], numericColumn(frame, MOLECULE_COLUMNS, 1));
  add(['vx', 'vy', 'vz'], vector(numericColumn(frame, VELOCITY_COLUMNS, 3), 1e3));
  add(['fx', 'fy', 'fz'], vector(frame.labels.forces, 1));

  const boundary = pbc.map((periodic) => (periodic ? 'pp' : 'ff')).join(' ');
  const tilts = [cell[3]!, cell[6]!, cell[7]!];
  const tilted = tilts.some((x) => x !== 0);
  const bounds = boundingBox(cell, origin);
  const lines = ['ITEM: TIMESTEP', String(timestep), 'ITEM: NUMBER OF ATOMS', String(species.length)];
  lines.push(`ITEM: BOX BOUNDS ${tilted ? 'xy xz yz ' : ''}${boundary}`);
  for (let d = 0; d < 3; d++)
    lines.push(
      [bounds[2 * d]!, bounds[2 * d + 1]!, ...(tilted ? [tilts[d]!] : [])].map((x) => formatNumber(x)).join(' '),
    );
  lines.push(`ITEM: ATOMS ${names.join(' ')}`);
  for (let i = 0; i < species.length; i++) {
    const tokens: (number | string)[] = [i + 1, type.get(species[i]!)!, symbolOf(species[i]!)];
    for (const { width, values } of parts)
      for (let k = width * i; k < width * (i + 1); k++) tokens.push(formatNumber(values[k]!));
    lines.push(tokens.join(' '));
  }
  return { text: `${lines.join('\n')}\n`, boxed };
}
