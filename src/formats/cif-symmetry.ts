/** Symmetry operations as CIF writes them: `-x+1/2, y, z`. */
import { FormatError } from '../core/errors.ts';
import { type CifBlock, type CifValue, isAbsent, positionOf } from './cif-tokens.ts';
import { excerpt } from './extxyz-tokens.ts';

/** f' = f·Wᵀ + t on fractional column (x, y, z). */
export interface SymmetryOperation {
  /** [9] row-major, entries −1, 0 or 1: new x = rotation[0] x + rotation[1] y + rotation[2] z + … */
  readonly rotation: Int8Array;
  /** [3] within 0 ≤ t < 1. */
  readonly translation: Float64Array;
}

/** No space group has more operations in its largest conventional cell. */
const MOST_OPERATIONS = 192;

const OPERATION_NAMES = [
  '_space_group_symop_operation_xyz',
  '_symmetry_equiv_pos_as_xyz',
  '_space_group_symop_operation_xyz_',
] as const;
const NAME_KEYS = [
  '_space_group_name_h-m_alt',
  '_space_group_name_h-m_full',
  '_symmetry_space_group_name_h-m',
  '_space_group_name_hall',
  '_symmetry_space_group_name_hall',
] as const;
const NUMBER_KEYS = ['_space_group_it_number', '_symmetry_int_tables_number'] as const;

function parseNumber(text: string): number {
  const [numerator, denominator] = text.split('/');
  const value = Number(numerator) / (denominator === undefined ? 1 : Number(denominator));
  return /^(?:\d+\.?\d*|\.\d+)(?:\/\d+)?$/.test(text) ? value : Number.NaN;
}

/**
 * Reads one operation. @throws FormatError `BAD_SYMMETRY`
 */
export function parseOperation(value: CifValue, file: string): SymmetryOperation {
  const fail = (rule: string): FormatError =>
    new FormatError(
      'BAD_SYMMETRY',
      positionOf(value, file),
      `symmetry operation must ${rule}, got "${excerpt(value.text)}"`,
    );
  const parts = value.text.replace(/\s+/g, '').toLowerCase().split(',');
  if (parts.length !== 3) throw fail('be like -x+1/2,y,z');
  const rotation = new Int8Array(9);
  const translation = new Float64Array(3);
  parts.forEach((part, row) => {
    const terms = part.match(/[+-]?(?:[xyz]|[\d./]+)/g) ?? [];
    if (!/^[+-]?(?:[xyz]|[\d./]+)(?:[+-](?:[xyz]|[\d./]+))*$/.test(part)) throw fail('be like -x+1/2,y,z');
    for (const term of terms) {
      const sign = term.startsWith('-') ? -1 : 1;
      const body = term.replace(/^[+-]/, '');
      const axis = 'xyz'.indexOf(body);
      if (axis >= 0) {
        if (rotation[3 * row + axis] !== 0) throw fail('name each coordinate once');
        rotation[3 * row + axis] = sign;
      } else {
        const number = parseNumber(body);
        if (!Number.isFinite(number)) throw fail('have finite translations');
        translation[row] = translation[row]! + sign * number;
      }
    }
  });
  const [a, b, c, d, e, f, g, h, i] = rotation as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  if (Math.abs(determinant) !== 1) throw fail('keep volumes');
  for (let k = 0; k < 3; k++) {
    const fraction = translation[k]! - Math.floor(translation[k]!);
    // A third written with few digits, or 1 − 1e-17, is what it stands for.
    const twelfths = Math.round(24 * fraction) / 24;
    translation[k] = (Math.abs(fraction - twelfths) < 1e-3 ? twelfths : fraction) % 1;
  }
  return { rotation, translation };
}

const isIdentity = ({ rotation, translation }: SymmetryOperation): boolean =>
  rotation.join() === '1,0,0,0,1,0,0,0,1' && translation.every((x) => x === 0);

/** The space group that a block names and that is not P1, with the value that says so. */
function namedGroup(block: CifBlock): CifValue | null {
  for (const key of NUMBER_KEYS) {
    const value = block.items.get(key);
    if (!isAbsent(value) && value!.text.trim() !== '1') return value!;
  }
  for (const key of NAME_KEYS) {
    const value = block.items.get(key);
    if (!isAbsent(value) && value!.text.replace(/\s+/g, '').toUpperCase() !== 'P1') return value!;
  }
  return null;
}

/**
 * Distinct operations of a block, the identity first. A block that names no operation and no space group is P1.
 * @throws FormatError `MISSING_SYMMETRY` where a space group is named without its operations, `BAD_SYMMETRY`
 */
export function symmetryOperations(block: CifBlock, file: string): SymmetryOperation[] {
  const given: CifValue[] = [];
  for (const name of OPERATION_NAMES) {
    const single = block.items.get(name);
    const column = block.loops.find((loop) => loop.columns.has(name))?.columns.get(name) ?? (single ? [single] : []);
    for (const value of column) if (!isAbsent(value)) given.push(value);
    if (given.length > 0) break;
  }
  const operations = new Map<string, SymmetryOperation>();
  for (const value of given) {
    const operation = parseOperation(value, file);
    operations.set(`${operation.rotation.join()};${operation.translation.join()}`, operation);
    if (operations.size > MOST_OPERATIONS)
      throw new FormatError(
        'BAD_SYMMETRY',
        positionOf(value, file),
        `symmetry operations must be ${MOST_OPERATIONS} different ones at most`,
      );
  }
  const list = [...operations.values()];
  const group = namedGroup(block);
  if (list.length <= 1 && group !== null) {
    throw new FormatError(
      'MISSING_SYMMETRY',
      positionOf(group, file),
      `symmetry operations of the space group "${excerpt(group.text.trim())}" must be listed (_space_group_symop_operation_xyz), got ${list.length}; write the file with them, or all atoms in P1`,
    );
  }
  if (list.length === 0)
    return [{ rotation: Int8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), translation: new Float64Array(3) }];
  const first = list.findIndex(isIdentity);
  if (first < 0)
    throw new FormatError(
      'BAD_SYMMETRY',
      positionOf(given[0]!, file),
      'symmetry operations must hold the identity x,y,z',
    );
  return [list[first]!, ...list.filter((_, k) => k !== first)];
}
