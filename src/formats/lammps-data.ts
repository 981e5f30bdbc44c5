/** LAMMPS data files: one structure, no labels. */
import { FormatError, InputError } from '../core/errors.ts';
import type { Column, Frame, Structure } from '../core/structure/structure.ts';
import { checkedStructure } from './checked-structure.ts';
import { columnOfToken, excerpt, readNumber } from './extxyz-tokens.ts';
import { type ElementOptions, elementOfMass, elementOfText, givenElements, unknownType } from './lammps-elements.ts';

export { writeLammpsData, type WrittenLammpsData } from './lammps-writer.ts';

/** What the columns of `Atoms` are before x y z, by atom style. */
const STYLES: Readonly<Record<string, readonly ('molecule' | 'type' | 'charge')[]>> = {
  atomic: ['type'],
  charge: ['type', 'charge'],
  bond: ['molecule', 'type'],
  angle: ['molecule', 'type'],
  molecular: ['molecule', 'type'],
  full: ['molecule', 'type', 'charge'],
};

const SECTION =
  /^(?:Atoms|Velocities|Masses|(?:Atom|Bond|Angle|Dihedral|Improper) Type Labels|Bonds|Angles|Dihedrals|Impropers|Ellipsoids|Lines|Triangles|Bodies|(?:Pair|PairIJ|Bond|Angle|Dihedral|Improper|BondBond|BondAngle|MiddleBondTorsion|EndBondTorsion|AngleTorsion|AngleAngleTorsion|BondBond13|AngleAngle) Coeffs)$/;
const COUNT =
  /^(?:atoms|bonds|angles|dihedrals|impropers|ellipsoids|lines|triangles|bodies|(?:atom|bond|angle|dihedral|improper) types|extra (?:bond|angle|dihedral|improper|special) per atom)$/;

/** A line of a file with its number and its comment taken off. */
interface Line {
  readonly number: number;
  readonly raw: string;
  readonly tokens: readonly string[];
  /** What follows the first #, or ''. */
  readonly comment: string;
}

class Source {
  readonly file: string;
  constructor(file: string) {
    this.file = file;
  }

  line(raw: string, number: number): Line {
    const hash = raw.indexOf('#');
    const text = (hash < 0 ? raw : raw.slice(0, hash)).trim();
    return {
      number,
      raw,
      tokens: text === '' ? [] : text.split(/\s+/),
      comment: hash < 0 ? '' : raw.slice(hash + 1).trim(),
    };
  }

  fail(line: Line, code: string, message: string, token?: number): FormatError {
    const column = token === undefined ? undefined : columnOfToken(line.raw, token);
    return new FormatError(
      code,
      { file: this.file, line: line.number, ...(column === undefined ? {} : { column }) },
      message,
    );
  }

  number(line: Line, token: number, what: string): number {
    const text = line.tokens[token] ?? '';
    const value = readNumber(text);
    if (value === undefined)
      throw this.fail(line, 'NOT_A_NUMBER', `${what} must be a number, got "${excerpt(text)}"`, token);
    if (!Number.isFinite(value))
      throw this.fail(line, 'NOT_FINITE', `${what} must be finite, got "${excerpt(text)}"`, token);
    return value;
  }

  integer(line: Line, token: number, what: string, least = Number.MIN_SAFE_INTEGER): number {
    const text = line.tokens[token] ?? '';
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < least) {
      const rule = least === 1 ? 'a positive integer' : least === 0 ? 'an integer ≥ 0' : 'an integer';
      throw this.fail(line, 'NOT_AN_INTEGER', `${what} must be ${rule}, got "${excerpt(text)}"`, token);
    }
    return value;
  }
}

/** What stands above the sections. */
interface Header {
  atoms: number;
  types: number;
  readonly bounds: Map<string, readonly [number, number]>;
  tilt: readonly [number, number, number] | null;
  readonly vectors: Map<string, readonly [number, number, number]>;
  readonly seen: Set<string>;
}

const numbersOf = (source: Source, line: Line, count: number, what: string): number[] =>
  Array.from({ length: count }, (_, k) => source.number(line, k, what));

/** Takes one line of the header. */
function readHeaderLine(source: Source, line: Line, header: Header): void {
  const words = line.tokens.filter((token) => readNumber(token) === undefined);
  const name = words.join(' ');
  const values = line.tokens.length - words.length;
  const once = (count: number): void => {
    if (values !== count || line.tokens.slice(0, count).some((token) => readNumber(token) === undefined))
      throw source.fail(line, 'BAD_HEADER', `"${excerpt(name)}" must follow ${count} numbers, got ${values}`);
    if (header.seen.has(name)) throw source.fail(line, 'BAD_HEADER', `"${name}" must be given once`);
    header.seen.add(name);
  };
  if (COUNT.test(name)) {
    once(1);
    const count = source.integer(line, 0, `number of ${name}`, 0);
    if (name === 'atoms') header.atoms = count;
    if (name === 'atom types') header.types = count;
  } else if (/^([xyz])lo \1hi$/.test(name)) {
    once(2);
    const [low, high] = numbersOf(source, line, 2, name) as [number, number];
    if (!(low < high))
      throw source.fail(line, 'BAD_BOX', `${name} must be in increasing order, got ${low} and ${high} Å`, 0);
    header.bounds.set(name[0]!, [low, high]);
  } else if (name === 'xy xz yz') {
    once(3);
    header.tilt = numbersOf(source, line, 3, name) as [number, number, number];
  } else if (/^(?:[abc]vec|abc origin)$/.test(name)) {
    once(3);
    header.vectors.set(
      name[0] === 'a' && name !== 'avec' ? 'origin' : name[0]!,
      numbersOf(source, line, 3, name) as [number, number, number],
    );
  } else {
    throw source.fail(
      line,
      'BAD_HEADER',
      `line of the header must be a count, a bound of the box, a tilt or a section, got "${excerpt(line.raw.trim())}"`,
    );
  }
}

/** Lattice vectors of the header. @throws FormatError `MISSING_BOX` */
function cellOf(header: Header, source: Source): Float64Array {
  const { bounds, tilt, vectors } = header;
  if (vectors.size > 0) {
    const [a, b, c] = [vectors.get('a'), vectors.get('b'), vectors.get('c')];
    if (a === undefined || b === undefined || c === undefined || bounds.size > 0 || tilt !== null)
      throw new FormatError(
        'MISSING_BOX',
        { file: source.file },
        'box must be given by avec, bvec and cvec, or by xlo xhi, ylo yhi and zlo zhi, not by a mixture',
      );
    return Float64Array.of(...a, ...b, ...c);
  }
  const [x, y, z] = [bounds.get('x'), bounds.get('y'), bounds.get('z')];
  if (x === undefined || y === undefined || z === undefined) {
    const missing = ['x', 'y', 'z'].filter((axis) => !bounds.has(axis)).map((axis) => `${axis}lo ${axis}hi`);
    throw new FormatError('MISSING_BOX', { file: source.file }, `header must give ${missing.join(', ')}`);
  }
  const [xy, xz, yz] = tilt ?? [0, 0, 0];
  return Float64Array.of(x[1] - x[0], 0, 0, xy, y[1] - y[0], 0, xz, yz, z[1] - z[0]);
}

/** Atom style by the word beside `Atoms`, or by the number of columns. @throws FormatError `UNKNOWN_ATOM_STYLE` */
function styleOf(source: Source, heading: Line, lines: readonly Line[]): readonly ('molecule' | 'type' | 'charge')[] {
  const named = heading.comment.split(/\s+/)[0] ?? '';
  const known = Object.keys(STYLES).join(', ');
  if (named !== '') {
    const style = STYLES[named];
    if (style === undefined || !Object.hasOwn(STYLES, named))
      throw source.fail(heading, 'UNKNOWN_ATOM_STYLE', `atom style must be one of ${known}, got "${excerpt(named)}"`);
    return style;
  }
  const width = lines[0]?.tokens.length ?? 0;
  if (width === 5 || width === 8) return STYLES.atomic!;
  if (width === 7 || width === 10) return STYLES.full!;
  // Charges have decimals, types have none.
  if ((width === 6 || width === 9) && lines.some(({ tokens }) => /[.eE]/.test(tokens[2] ?? ''))) return STYLES.charge!;
  throw source.fail(
    heading,
    'UNKNOWN_ATOM_STYLE',
    `atom style must be named beside "Atoms" (as Atoms # charge; known: ${known}), as it cannot be told from ${width} columns`,
  );
}

/** Velocities in Å/fs per unit of the file; the first line of `write_data` names the units. */
function velocityUnit(source: Source, title: Line): number {
  const units = /\bunits = (\w+)/.exec(title.raw)?.[1] ?? 'metal';
  if (units === 'metal') return 1e-3;
  if (units === 'real') return 1;
  throw source.fail(title, 'UNSUPPORTED_UNITS', `units must be metal or real (lengths in Å), got "${units}"`);
}

/** Lines of each section, in file order. */
type Sections = ReadonlyMap<string, { readonly heading: Line; readonly lines: Line[] }>;

/** Splits a file into its title, its header and its sections. */
function splitSections(text: string, source: Source): { title: Line; header: Header; sections: Sections } {
  const header: Header = { atoms: -1, types: -1, bounds: new Map(), tilt: null, vectors: new Map(), seen: new Set() };
  const sections = new Map<string, { heading: Line; lines: Line[] }>();
  let current: { heading: Line; lines: Line[] } | null = null;
  const raws = text.split(/\r?\n/);
  for (let k = 1; k < raws.length; k++) {
    const line = source.line(raws[k]!, k + 1);
    if (line.tokens.length === 0) continue;
    const name = line.tokens.join(' ');
    if (SECTION.test(name)) {
      if (sections.has(name)) throw source.fail(line, 'DUPLICATE_SECTION', `section ${name} must be given once`);
      current = { heading: line, lines: [] };
      sections.set(name, current);
    } else if (current !== null) {
      if (/^[A-Z]/.test(name) && !/Labels|Coeffs|Bodies/.test(current.heading.raw))
        throw source.fail(line, 'UNKNOWN_SECTION', `section must be one that LAMMPS knows, got "${excerpt(name)}"`);
      current.lines.push(line);
    } else readHeaderLine(source, line, header);
  }
  return { title: source.line(raws[0]!, 1), header, sections };
}

/** What each atom type is: its number by label, and its element. */
class TypeTable {
  private readonly source: Source;
  private readonly count: number;
  private readonly labels = new Map<string, number>();
  private readonly elements = new Map<number, number>();
  private readonly reasons = new Map<number, string>();

  constructor(source: Source, count: number, sections: Sections, options: ElementOptions) {
    this.source = source;
    this.count = count;
    for (const line of sections.get('Atom Type Labels')?.lines ?? []) {
      const type = this.type(line, 0);
      const label = line.tokens[1] ?? '';
      if (label === '' || this.labels.has(label))
        throw source.fail(
          line,
          'BAD_LABEL',
          `label of atom type ${type} must be a word of its own, got "${excerpt(label)}"`,
          1,
        );
      this.labels.set(label, type);
      const element = elementOfText(label);
      if (element !== undefined) this.elements.set(type, element);
    }
    for (const line of sections.get('Masses')?.lines ?? []) {
      const type = this.type(line, 0);
      const mass = source.number(line, 1, `mass of atom type ${type}`);
      const element = this.elements.get(type) ?? elementOfText(line.comment) ?? elementOfMass(mass);
      if (element === undefined) this.reasons.set(type, `its mass ${mass} u is that of no element for certain`);
      else this.elements.set(type, element);
    }
    const given = givenElements(options);
    if (given !== null && given.length < count) {
      const message = `elements must be given for all ${count} atom types of ${source.file}, got ${given.length}`;
      throw new InputError('BAD_ELEMENTS', message, { count });
    }
    given?.forEach((z, k) => {
      this.elements.set(k + 1, z);
    });
  }

  /** Number of the type that a token names. */
  type(line: Line, token: number): number {
    const labelled = this.labels.get(line.tokens[token] ?? '');
    const type = labelled ?? this.source.integer(line, token, 'atom type', 1);
    if (type > this.count)
      throw this.source.fail(line, 'BAD_TYPE', `atom type must be 1 to ${this.count}, got ${type}`, token);
    return type;
  }

  /** Atomic number of the type that a token names. */
  element(line: Line, token: number): number {
    const type = this.type(line, token);
    const element = this.elements.get(type);
    if (element === undefined) {
      const why = this.reasons.get(type) ?? 'the file has no mass or label for it';
      throw unknownType(type, why, {
        file: this.source.file,
        line: line.number,
        column: columnOfToken(line.raw, token),
      });
    }
    return element;
  }
}

/** How a data file is read. */
export type LammpsDataOptions = ElementOptions;

/**
 * The structure of a LAMMPS data file (styles atomic, charge, bond, angle, molecular, full; orthogonal, triclinic and
 * general boxes), atoms in the order of their ids, periodic in all directions. Elements come from `options`, type labels,
 * comments beside the masses, or the masses. Charges, molecules, image flags and velocities (Å/fs) become columns `charge`,
 * `molecule`, `image` and `velocities`; positions stay as they stand. Bonds and coefficients are left out.
 * @throws FormatError with file, line and column; InputError `BAD_ELEMENTS`
 */
export function parseLammpsData(text: string, file: string, options: LammpsDataOptions = {}): Frame {
  if (text.includes('\0')) throw new FormatError('BINARY_FILE', { file }, 'file must be text (UTF-8), got binary data');
  const source = new Source(file);
  const { title, header, sections } = splitSections(text.replace(/^\ufeff/, ''), source);
  if (header.atoms < 1 || header.types < 1) {
    const missing = header.atoms < 1 ? 'atoms' : 'atom types';
    throw new FormatError('BAD_ATOM_COUNT', { file }, `header must give a positive number of ${missing}`);
  }
  const cell = cellOf(header, source);
  const types = new TypeTable(source, header.types, sections, options);
  const section = sections.get('Atoms');
  if (section === undefined) throw new FormatError('TRUNCATED_FILE', { file }, 'file must have a section Atoms');
  const { heading, lines } = section;
  if (lines.length !== header.atoms) {
    const code = lines.length < header.atoms ? 'TRUNCATED_FILE' : 'BAD_ATOM_COUNT';
    throw source.fail(heading, code, `section Atoms must have ${header.atoms} lines, got ${lines.length}`);
  }
  const style = styleOf(source, heading, lines);
  const width = 4 + style.length;
  const flagged = lines[0]!.tokens.length === width + 3;
  const ids = new Map<number, number>();
  const rows = lines.map((line) => {
    if (line.tokens.length !== (flagged ? width + 3 : width)) {
      const message = `line of an atom must have ${width} columns, or ${width + 3} with image flags, as the first has, got ${line.tokens.length}`;
      throw source.fail(line, 'WRONG_COLUMN_COUNT', message);
    }
    const id = source.integer(line, 0, 'id of an atom', 1);
    if (ids.has(id)) throw source.fail(line, 'DUPLICATE_ATOM', `id of an atom must be its own, got ${id} again`, 0);
    ids.set(id, 0);
    const row = { id, z: 0, molecule: 0, charge: 0, at: [0, 0, 0], image: [0, 0, 0] };
    style.forEach((what, k) => {
      if (what === 'type') row.z = types.element(line, k + 1);
      else if (what === 'molecule') row.molecule = source.integer(line, k + 1, 'molecule');
      else row.charge = source.number(line, k + 1, 'charge');
    });
    row.at = [0, 1, 2].map((d) => source.number(line, width - 3 + d, `position of atom ${id}`));
    if (flagged) row.image = [0, 1, 2].map((d) => source.integer(line, width + d, `image flag of atom ${id}`));
    return row;
  });
  rows.sort((a, b) => a.id - b.id);
  rows.forEach((row, i) => {
    ids.set(row.id, i);
  });
  const columns: Record<string, Column> = {};
  if (rows.some((row, i) => row.id !== i + 1)) columns.id = { kind: 'I', width: 1, values: rows.map(({ id }) => id) };
  if (style.includes('molecule')) columns.molecule = { kind: 'I', width: 1, values: rows.map((row) => row.molecule) };
  if (style.includes('charge')) columns.charge = { kind: 'R', width: 1, values: rows.map((row) => row.charge) };
  if (flagged) columns.image = { kind: 'I', width: 3, values: rows.flatMap((row) => row.image) };
  const velocities = readVelocities(source, sections, ids, velocityUnit(source, title));
  if (velocities !== null) columns.velocities = { kind: 'R', width: 3, values: velocities };
  const structure: Structure = {
    positions: Float64Array.from(rows.flatMap((row) => row.at)),
    cell,
    pbc: [true, true, true],
    species: Uint8Array.from(rows, (row) => row.z),
  };
  const comment = title.raw.trim();
  return {
    structure: checkedStructure(structure, 'file', { file }),
    labels: { energy: null, forces: null, virial: null },
    group: '',
    info: comment === '' ? {} : { comment },
    columns,
    source: { file, index: 0, line: 1 },
  };
}

/** [3n] velocities in Å/fs, in the order of `ids`, or null without such a section. */
function readVelocities(
  source: Source,
  sections: Sections,
  ids: ReadonlyMap<number, number>,
  unit: number,
): number[] | null {
  const section = sections.get('Velocities');
  if (section === undefined) return null;
  const values: number[] = new Array<number>(3 * ids.size).fill(Number.NaN);
  for (const line of section.lines) {
    const id = source.integer(line, 0, 'id of an atom', 1);
    const i = ids.get(id);
    if (i === undefined || line.tokens.length !== 4 || !Number.isNaN(values[3 * i]!))
      throw source.fail(
        line,
        'BAD_VELOCITY',
        `line of a velocity must be the id of an atom, once, and 3 numbers, got "${excerpt(line.raw.trim())}"`,
        0,
      );
    for (let d = 0; d < 3; d++) values[3 * i + d] = source.number(line, d + 1, `velocity of atom ${id}`) * unit;
  }
  if (section.lines.length !== ids.size)
    throw source.fail(
      section.heading,
      'TRUNCATED_FILE',
      `section Velocities must have ${ids.size} lines, got ${section.lines.length}`,
    );
  return values;
}
