/** VASP 5 POSCAR and CONTCAR files. */
import { symbolOf } from '../core/elements.ts';
import { FormatError, InputError } from '../core/errors.ts';
import { cartesianPositions, cellVolume, fractionalPositions, isSingularCell } from '../core/structure/cell.ts';
import type { Frame, Structure } from '../core/structure/structure.ts';
import { checkedStructure } from './checked-structure.ts';
import { columnOfToken, formatNumber, requireNumber, requireSpecies } from './extxyz-tokens.ts';

/** Walks the lines of a file and reports where it is. */
class LineReader {
  private readonly lines: readonly string[];
  private readonly file: string;
  private at = 0;

  constructor(text: string, file: string) {
    this.lines = text.split(/\r?\n/);
    this.file = file;
  }

  /** The next line. @throws FormatError `TRUNCATED_FILE` */
  next(what: string): string {
    const line = this.lines[this.at];
    if (line === undefined || (this.at === this.lines.length - 1 && line === '')) {
      throw new FormatError(
        'TRUNCATED_FILE',
        { file: this.file, line: this.lines.length },
        `${what} must follow, got the end of the file`,
      );
    }
    this.at++;
    return line;
  }

  /** Number of lines that were not read yet. */
  get left(): number {
    return this.lines.length - this.at;
  }

  /** An error at token `token` of the line read last. */
  error(code: string, message: string, token?: number): FormatError {
    const column = token === undefined ? undefined : columnOfToken(this.lines[this.at - 1]!, token);
    return new FormatError(
      code,
      { file: this.file, line: this.at, ...(column === undefined ? {} : { column }) },
      message,
    );
  }

  /** Tokens of the next line without what follows ! or #. */
  tokens(what: string): string[] {
    const line = this.next(what)
      .replace(/[!#].*$/, '')
      .trim();
    return line === '' ? [] : line.split(/\s+/);
  }

  /** The first `count` tokens of the next line as numbers, or `more` of them where there are as many; others may follow. */
  numbers(count: number, what: string, more: number = count): number[] {
    const tokens = this.tokens(what);
    if (tokens.length < count)
      throw this.error('WRONG_COLUMN_COUNT', `${what} must be ${count} numbers, got ${tokens.length}`);
    return tokens.slice(0, tokens.length >= more ? more : count).map((token, k) => {
      const column = columnOfToken(this.lines[this.at - 1]!, k);
      const value = requireNumber(token, what, { file: this.file, line: this.at, column });
      if (Number.isNaN(value)) throw this.error('NOT_FINITE', `${what} must be finite, got "${token}"`, k);
      return value;
    });
  }

  /** Atomic number of token `k` of the line read last; suffixes as in Si_pv or Si/1a2b belong to the potential. */
  species(token: string, k: number): number {
    const column = columnOfToken(this.lines[this.at - 1]!, k);
    return requireSpecies(token.replace(/[_/].*$/, ''), { file: this.file, line: this.at, column });
  }
}

/**
 * The structure of a VASP 5 POSCAR or CONTCAR: scale factor (negative: volume; three: one per axis), selective dynamics,
 * Direct or Cartesian positions; velocities and what follows are left out. The first line is kept as info `comment`.
 * @throws FormatError with file, line and column; `VASP4_POSCAR` where the line of species is missing
 */
export function parsePoscar(text: string, source: string): Frame {
  if (text.includes('\0'))
    throw new FormatError('BINARY_FILE', { file: source }, 'file must be text (UTF-8), got binary data');
  const reader = new LineReader(text.replace(/^\ufeff/, ''), source);
  const comment = reader.next('comment line').trim();
  const scales = reader.numbers(1, 'scale factor', 3);
  const zero = scales.findIndex((x) => x === 0 || (x < 0 && scales.length === 3));
  if (zero >= 0)
    throw reader.error(
      'BAD_SCALE',
      `scale factor must not be zero (nor negative for one axis), got ${scales[zero]}`,
      zero,
    );

  const cell = new Float64Array(9);
  for (let d = 0; d < 3; d++) cell.set(reader.numbers(3, `lattice vector ${'abc'[d]}`), 3 * d);
  if (isSingularCell(cell))
    throw reader.error('SINGULAR_CELL', `cell must have independent vectors, got ${Array.from(cell).join(' ')}`);
  const uniform = scales[0]! < 0 ? Math.cbrt(-scales[0]! / cellVolume(cell)) : scales[0]!;
  const scale = scales.length === 3 ? scales : [uniform, uniform, uniform];
  for (let k = 0; k < 9; k++) cell[k] = cell[k]! * scale[k % 3]!;
  if (!cell.every(Number.isFinite)) {
    throw new FormatError(
      'BAD_SCALE',
      { file: source, line: 2 },
      `scaled cell must be finite, got ${cell.join(' ')} Å`,
    );
  }

  const symbols = reader.tokens('line of species');
  if (symbols.length > 0 && symbols.every((token) => /^\d+$/.test(token))) {
    const message = `line 6 must name the species (VASP 5), got only counts "${symbols.join(' ')}"; add a line of chemical symbols above it`;
    throw reader.error('VASP4_POSCAR', message, 0);
  }
  const numbers = symbols.map((token, k) => reader.species(token, k));
  const counts = reader.tokens('line of counts');
  const species: number[] = [];
  if (counts.length !== numbers.length || counts.length === 0) {
    throw reader.error(
      'BAD_ATOM_COUNT',
      `line of counts must have one number per species, got ${counts.length} for ${numbers.length} species`,
    );
  }
  counts.forEach((token, k) => {
    if (!/^\d+$/.test(token))
      throw reader.error('BAD_ATOM_COUNT', `number of atoms must be an integer, got "${token}"`, k);
    // Counts are believed only as far as there are lines for their atoms.
    if (species.length + Number(token) > reader.left) {
      throw reader.error(
        'TRUNCATED_FILE',
        `${token} atoms must have a line each, got ${reader.left} lines to the end`,
        k,
      );
    }
    for (let i = 0; i < Number(token); i++) species.push(numbers[k]!);
  });
  if (species.length === 0)
    throw reader.error('BAD_ATOM_COUNT', `number of atoms must be positive, got "${counts.join(' ')}"`, 0);

  let mode = reader.next('Direct or Cartesian').trim();
  if (/^s/i.test(mode)) mode = reader.next('Direct or Cartesian').trim();
  if (!/^[dck]/i.test(mode))
    throw reader.error('BAD_COORDINATES', `positions must be Direct or Cartesian, got "${mode}"`, 0);
  const given = new Float64Array(3 * species.length);
  for (let i = 0; i < species.length; i++) given.set(reader.numbers(3, `position of atom ${i}`), 3 * i);
  const positions = /^d/i.test(mode) ? cartesianPositions(given, cell) : given.map((x, k) => x * scale[k % 3]!);
  const structure: Structure = { positions, cell, pbc: [true, true, true], species: Uint8Array.from(species) };
  return {
    structure: checkedStructure(structure, 'file', { file: source, line: 2 }),
    labels: { energy: null, forces: null, virial: null },
    group: '',
    info: comment === '' ? {} : { comment },
    columns: {},
    source: { file: source, index: 0, line: 1 },
  };
}

/** How a POSCAR is written. */
export interface PoscarWriteOptions {
  /** First line. */
  readonly comment?: string;
  /** Direct (default) or Cartesian positions. */
  readonly coordinates?: 'Direct' | 'Cartesian';
}

/**
 * A VASP 5 POSCAR. Atoms keep their order: each run of equal species becomes one entry of the line of species, so the
 * POTCAR must follow the same order. @throws InputError `SINGULAR_CELL` without three independent lattice vectors
 */
export function writePoscar(structure: Structure, options: PoscarWriteOptions = {}): string {
  const { cell, species } = structure;
  const { comment = 'structure', coordinates = 'Direct' } = options;
  if (cell === null || isSingularCell(cell)) {
    const got = cell === null ? 'no cell' : `${Array.from(cell).join(' ')} Å`;
    throw new InputError('SINGULAR_CELL', `cell of a POSCAR must have three independent vectors, got ${got}`);
  }
  const symbols: string[] = [];
  const counts: number[] = [];
  species.forEach((z, i) => {
    if (i === 0 || z !== species[i - 1]) {
      symbols.push(symbolOf(z));
      counts.push(0);
    }
    counts[counts.length - 1] = counts.at(-1)! + 1;
  });
  const rows = (values: Float64Array): string[] =>
    Array.from(
      { length: values.length / 3 },
      (_, i) => `  ${Array.from(values.subarray(3 * i, 3 * i + 3), formatNumber).join(' ')}`,
    );
  const positions = coordinates === 'Direct' ? fractionalPositions(structure.positions, cell) : structure.positions;
  const head = [comment.replace(/\s+/g, ' '), '1.0', ...rows(cell), symbols.join(' '), counts.join(' '), coordinates];
  return `${[...head, ...rows(positions)].join('\n')}\n`;
}
