/** Text dumps of LAMMPS: one frame per snapshot, held one at a time. */
import { atomicNumberOf, isElement } from '../core/elements.ts';
import { FormatError, type SourcePosition } from '../core/errors.ts';
import { cartesianPositions } from '../core/structure/cell.ts';
import type { Column, Frame, InfoValue, Structure } from '../core/structure/structure.ts';
import { checkedStructure } from './checked-structure.ts';
import type { ParsedFrame } from './extxyz.ts';
import { columnOfToken, excerpt, readNumber, requireNumber, requireSpecies } from './extxyz-tokens.ts';
import { boxFromBounds } from './lammps-box.ts';
import { type ElementOptions, elementOfMass, givenElements, unknownType } from './lammps-elements.ts';
import { LineAssembler } from './line-assembler.ts';

/** Names of position columns in the order of preference, and whether they are scaled by the box. */
const POSITIONS = [
  { names: ['x', 'y', 'z'], scaled: false },
  { names: ['xu', 'yu', 'zu'], scaled: false },
  { names: ['xs', 'ys', 'zs'], scaled: true },
  { names: ['xsu', 'ysu', 'zsu'], scaled: true },
] as const;

/** kcal/mol in eV (the thermochemical calorie, as LAMMPS has it). */
const KCAL_PER_MOL = 4184 / 96485.33212331;

/** The box of a snapshot. */
interface Box {
  readonly cell: Float64Array;
  readonly origin: readonly [number, number, number];
  readonly pbc: readonly [boolean, boolean, boolean];
}

type State = 'item' | 'timestep' | 'time' | 'units' | 'count' | 'box' | 'atoms';

/** Puts snapshots together line by line. */
class DumpAssembler extends LineAssembler<ParsedFrame> {
  private readonly given: readonly number[] | null;
  private state: State = 'item';
  private frames = 0;
  private first = 0;
  private started = false;
  private info: Record<string, InfoValue> = {};
  private units = 'metal';
  private count = -1;
  private bounds: {
    readonly style: 'orthogonal' | 'tilted' | 'general';
    readonly rows: number[][];
    boundary: string[];
  } | null = null;
  private names: string[] = [];
  private rows: string[][] = [];
  private rowLines: string[] = [];

  constructor(file: string, options: ElementOptions) {
    super(file, 'a text dump');
    this.given = givenElements(options);
  }

  protected take(line: string): ParsedFrame | null {
    switch (this.state) {
      case 'atoms':
        return this.takeAtom(line);
      case 'box':
        this.takeBounds(line);
        return null;
      case 'timestep':
        this.info.timestep = this.integer(line, 'timestep');
        this.state = 'item';
        return null;
      case 'time':
        this.info.time = this.finite(line, 'time');
        this.state = 'item';
        return null;
      case 'units':
        this.units = line.trim();
        if (this.units !== 'metal' && this.units !== 'real')
          throw this.fail(
            'UNSUPPORTED_UNITS',
            `units must be metal or real (lengths in Å), got "${excerpt(this.units)}"`,
          );
        this.state = 'item';
        return null;
      case 'count':
        this.count = this.integer(line, 'number of atoms');
        if (this.count < 1) throw this.fail('BAD_ATOM_COUNT', `number of atoms must be positive, got ${this.count}`);
        this.state = 'item';
        return null;
      default:
        if (line.trim() !== '') this.takeItem(line);
        return null;
    }
  }

  protected takeLast(rest: string): ParsedFrame | null {
    const last = this.state === 'atoms' && rest.trim().split(/\s+/).length < this.names.length;
    if (last) this.end();
    return this.push(rest);
  }

  /** @throws FormatError `TRUNCATED_FRAME`, `NO_FRAMES` */
  protected end(): void {
    if (this.started) {
      const got = this.state === 'atoms' ? `got ${this.rows.length}` : 'its header is not complete';
      const message = `snapshot ${this.frames} (from line ${this.first}) must have ${this.count < 0 ? 'its' : this.count} atoms, ${got} when the file ended`;
      throw this.fail('TRUNCATED_FRAME', message);
    }
    if (this.frames === 0)
      throw new FormatError('NO_FRAMES', { file: this.file }, 'file must hold at least one snapshot, got none');
  }

  private fail(code: string, message: string, token?: number, raw?: string): FormatError {
    const column = token === undefined || raw === undefined ? undefined : columnOfToken(raw, token);
    return new FormatError(
      code,
      { file: this.file, line: Math.max(1, this.line), ...(column === undefined ? {} : { column }) },
      message,
    );
  }

  private integer(line: string, what: string): number {
    const text = line.trim();
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value))
      throw this.fail('NOT_AN_INTEGER', `${what} must be an integer ≥ 0, got "${excerpt(text)}"`, 0, line);
    return value;
  }

  private finite(line: string, what: string): number {
    const value = readNumber(line.trim());
    if (value === undefined || !Number.isFinite(value))
      throw this.fail('NOT_A_NUMBER', `${what} must be a number, got "${excerpt(line.trim())}"`, 0, line);
    return value;
  }

  private takeItem(line: string): void {
    const text = line.trim();
    if (!this.started) {
      this.started = true;
      this.first = this.line;
      this.info = {};
      this.count = -1;
      this.bounds = null;
    }
    if (text === 'ITEM: TIMESTEP') this.state = 'timestep';
    else if (text === 'ITEM: TIME') this.state = 'time';
    else if (text === 'ITEM: UNITS') this.state = 'units';
    else if (text === 'ITEM: NUMBER OF ATOMS') this.state = 'count';
    else if (text.startsWith('ITEM: BOX BOUNDS')) this.startBox(text.split(/\s+/).slice(3));
    else if (text.startsWith('ITEM: ATOMS')) this.startAtoms(text.split(/\s+/).slice(2));
    else
      throw this.fail(
        'BAD_ITEM',
        `line must be ITEM: TIMESTEP, NUMBER OF ATOMS, BOX BOUNDS or ATOMS, got "${excerpt(text)}"`,
      );
  }

  private startBox(words: readonly string[]): void {
    const style = words[0] === 'xy' ? 'tilted' : words[0] === 'abc' ? 'general' : 'orthogonal';
    const boundary = style === 'tilted' ? words.slice(3) : style === 'general' ? words.slice(2) : [...words];
    const head = words.slice(0, words.length - boundary.length).join(' ');
    const known =
      (style === 'tilted' && head === 'xy xz yz') || (style === 'general' && head === 'abc origin') || head === '';
    if (
      !known ||
      (boundary.length !== 0 && boundary.length !== 3) ||
      !boundary.every((word) => /^[pfsm]{2}$/.test(word))
    )
      throw this.fail(
        'BAD_BOX',
        `boundaries must be three like pp or ff, after xy xz yz or abc origin, got "${excerpt(words.join(' '))}"`,
      );
    this.bounds = { style, rows: [], boundary };
    this.state = 'box';
  }

  private takeBounds(line: string): void {
    const { style, rows } = this.bounds!;
    const tokens = line.trim().split(/\s+/);
    const width = style === 'orthogonal' ? 2 : style === 'tilted' ? 3 : 4;
    if (tokens.length !== width)
      throw this.fail('BAD_BOX', `line of the box must have ${width} numbers, got "${excerpt(line.trim())}"`);
    rows.push(
      tokens.map((token, k) => {
        const value = readNumber(token);
        if (value === undefined || !Number.isFinite(value))
          throw this.fail('BAD_BOX', `bound of the box must be a finite number, got "${excerpt(token)}"`, k, line);
        return value;
      }),
    );
    if (rows.length === 3) this.state = 'item';
  }

  private startAtoms(names: string[]): void {
    if (this.count < 0 || this.bounds === null)
      throw this.fail('BAD_ITEM', 'ITEM: ATOMS must stand after ITEM: NUMBER OF ATOMS and ITEM: BOX BOUNDS');
    const twice = names.find((name, k) => names.indexOf(name) < k);
    if (names.length === 0 || twice !== undefined)
      throw this.fail(
        'BAD_ITEM',
        `ITEM: ATOMS must name each column once, got ${twice === undefined ? 'none' : `"${excerpt(twice)}" twice`}`,
      );
    this.names = names;
    this.rows = [];
    this.rowLines = [];
    this.state = 'atoms';
  }

  private takeAtom(line: string): ParsedFrame | null {
    const tokens = line.trim().split(/\s+/);
    if (tokens.length !== this.names.length) {
      const got = tokens[0] === '' ? 0 : tokens.length;
      const message = `line of atom ${this.rows.length} must have ${this.names.length} columns (${excerpt(this.names.join(' '), 80)}), got ${got}`;
      throw this.fail('WRONG_COLUMN_COUNT', message, Math.min(got, this.names.length), line);
    }
    this.rows.push(tokens);
    this.rowLines.push(line);
    return this.rows.length === this.count ? this.finish() : null;
  }

  private box(): Box {
    const { style, rows, boundary } = this.bounds!;
    const pbc = [0, 1, 2].map((d) => (boundary[d] ?? 'pp') === 'pp') as [boolean, boolean, boolean];
    if (style === 'general') {
      return {
        cell: Float64Array.from(rows.flatMap((row) => row.slice(0, 3))),
        origin: [rows[0]![3]!, rows[1]![3]!, rows[2]![3]!],
        pbc,
      };
    }
    const tilt: [number, number, number] = style === 'tilted' ? [rows[0]![2]!, rows[1]![2]!, rows[2]![2]!] : [0, 0, 0];
    const { cell, origin } = boxFromBounds(
      rows.flatMap((row) => row.slice(0, 2)),
      tilt,
    );
    if (!(cell[0]! > 0 && cell[4]! > 0 && cell[8]! > 0))
      throw this.fail('BAD_BOX', `box must have positive edges, got ${[cell[0], cell[4], cell[8]].join(' ')} Å`);
    return { cell, origin, pbc };
  }

  private finish(): ParsedFrame {
    const start = this.line - this.rows.length;
    const at = (row: number, column: number): SourcePosition => ({
      file: this.file,
      line: start + 1 + row,
      column: columnOfToken(this.rowLines[row]!, column),
    });
    const { names, rows } = this;
    const place = (name: string): number => names.indexOf(name);
    const order = this.order(at);
    const number = (name: string): ((row: number) => number) => {
      const k = place(name);
      return (row) => requireNumber(rows[row]![k]!, `${name} of atom ${row}`, at(row, k));
    };
    const three = (wanted: readonly string[]): Float64Array | null => {
      if (!wanted.every((name) => names.includes(name))) return null;
      const readers = wanted.map(number);
      return Float64Array.from(order.flatMap((row) => readers.map((read) => read(row))));
    };
    const box = this.box();
    const used = new Set(['id', 'type', 'element']);
    const use = (wanted: readonly string[]): void => {
      for (const name of wanted) used.add(name);
    };

    const kind = POSITIONS.find((candidate) => candidate.names.every((name) => names.includes(name)));
    if (kind === undefined)
      throw new FormatError(
        'MISSING_POSITIONS',
        { file: this.file, line: start },
        `columns must hold positions (x y z, xu yu zu, xs ys zs or xsu ysu zsu), got ${excerpt(names.join(' '), 80)}`,
      );
    use(kind.names);
    const given = three(kind.names)!;
    const positions = kind.scaled ? cartesianPositions(given, box.cell).map((x, k) => x + box.origin[k % 3]!) : given;
    const bad = positions.findIndex((x) => !Number.isFinite(x));
    if (bad >= 0) {
      const row = order[Math.floor(bad / 3)]!;
      throw new FormatError(
        'NOT_FINITE',
        at(row, place(kind.names[bad % 3]!)),
        `position of atom ${row} must be finite`,
      );
    }
    const species = this.species(order, at);

    const forces = three(['fx', 'fy', 'fz']);
    if (forces !== null) use(['fx', 'fy', 'fz']);
    const velocities = three(['vx', 'vy', 'vz']);
    const columns = new Map<string, Column>();
    const ids = place('id');
    if (ids >= 0 && order.some((row, i) => Number(rows[row]![ids]) !== i + 1))
      columns.set('id', { kind: 'I', width: 1, values: order.map((row) => Number(rows[row]![ids])) });
    if (velocities !== null) {
      use(['vx', 'vy', 'vz']);
      const unit = this.units === 'metal' ? 1e-3 : 1;
      columns.set('velocities', { kind: 'R', width: 3, values: Array.from(velocities, (v) => v * unit) });
    }
    if (['ix', 'iy', 'iz'].every((name) => names.includes(name))) {
      use(['ix', 'iy', 'iz']);
      columns.set('image', { kind: 'I', width: 3, values: [...three(['ix', 'iy', 'iz'])!] });
    }
    for (const [name, target] of [
      ['q', 'charge'],
      ['mol', 'molecule'],
    ] as const) {
      if (!names.includes(name)) continue;
      use([name]);
      columns.set(target, { kind: name === 'q' ? 'R' : 'I', width: 1, values: order.map(number(name)) });
    }
    for (const [k, name] of names.entries()) {
      if (used.has(name)) continue;
      const tokens = order.map((row) => rows[row]![k]!);
      const numbers = tokens.map(readNumber);
      const free = columns.has(name) ? `dump_${name}` : name;
      columns.set(
        free,
        numbers.every((x) => x !== undefined)
          ? { kind: 'R', width: 1, values: numbers }
          : { kind: 'S', width: 1, values: tokens },
      );
    }
    const structure: Structure = { positions, cell: box.cell, pbc: box.pbc, species };
    const absent = forces === null || forces.every((f) => Number.isNaN(f));
    const frame: Frame = {
      structure: checkedStructure(structure, `snapshot ${this.frames}`, { file: this.file, line: this.first }),
      labels: {
        energy: null,
        forces: absent ? null : this.units === 'metal' ? forces : forces.map((f) => f * KCAL_PER_MOL),
        virial: null,
      },
      group: '',
      info: this.info,
      columns: Object.fromEntries(columns),
      source: { file: this.file, index: this.frames, line: this.first },
    };
    this.frames++;
    this.started = false;
    this.state = 'item';
    this.rows = [];
    this.rowLines = [];
    return { frame, keys: { energy: null, forces: absent ? null : 'fx fy fz', virial: null } };
  }

  /** Rows in the order of the ids; as they stand without ids. */
  private order(at: (row: number, column: number) => SourcePosition): number[] {
    const k = this.names.indexOf('id');
    const order = Array.from(this.rows, (_, row) => row);
    if (k < 0) return order;
    const seen = new Set<number>();
    const ids = this.rows.map((tokens, row) => {
      const id = /^\d+$/.test(tokens[k]!) ? Number(tokens[k]) : Number.NaN;
      if (!Number.isSafeInteger(id) || id < 1)
        throw new FormatError(
          'NOT_AN_INTEGER',
          at(row, k),
          `id of an atom must be a positive integer, got "${excerpt(tokens[k]!)}"`,
        );
      if (seen.has(id))
        throw new FormatError('DUPLICATE_ATOM', at(row, k), `id of an atom must be its own, got ${id} again`);
      seen.add(id);
      return id;
    });
    return order.sort((a, b) => ids[a]! - ids[b]!);
  }

  /** Atomic numbers: of the column element, else of the given elements by type, else of the column mass. */
  private species(order: readonly number[], at: (row: number, column: number) => SourcePosition): Uint8Array {
    const { names, rows } = this;
    const [element, type, mass] = ['element', 'type', 'mass'].map((name) => names.indexOf(name)) as [
      number,
      number,
      number,
    ];
    return Uint8Array.from(order, (row) => {
      const token = rows[row]![type] ?? '';
      if (type >= 0 && this.given !== null) {
        const number = /^\d+$/.test(token) ? Number(token) : 0;
        const z = this.given[number - 1];
        if (z === undefined)
          throw new FormatError(
            'BAD_TYPE',
            at(row, type),
            `atom type must be 1 to ${this.given.length}, the number of elements given, got "${excerpt(token)}"`,
          );
        return z;
      }
      if (element >= 0) return requireSpecies(rows[row]![element]!, at(row, element));
      if (mass >= 0) {
        const z = elementOfMass(requireNumber(rows[row]![mass]!, 'mass', at(row, mass)));
        if (z !== undefined) return z;
      }
      // Type labels are often symbols.
      if (isElement(token)) return atomicNumberOf(token);
      if (type < 0)
        throw new FormatError(
          'UNKNOWN_ELEMENT',
          at(row, 0),
          'columns must hold an element, a type or a mass, got none of them',
        );
      throw unknownType(Number(token), 'the dump has no column element', at(row, type));
    });
  }
}

/**
 * Snapshots of a text dump, one at a time: only the one being read is held. Atoms come in the order of their ids; forces
 * (`fx fy fz`) are labels in eV/Å, velocities a column `velocities` in Å/fs; units are metal unless the file says real.
 * @throws FormatError with file, line and column; InputError `BAD_ELEMENTS`
 */
export function parseLammpsDump(
  chunks: AsyncIterable<string>,
  file: string,
  options: ElementOptions = {},
): AsyncGenerator<ParsedFrame> {
  return new DumpAssembler(file, options).stream(chunks);
}

/** All snapshots of a text. @throws as `parseLammpsDump` */
export function parseLammpsDumpText(text: string, file: string, options: ElementOptions = {}): ParsedFrame[] {
  return new DumpAssembler(file, options).whole(text);
}
