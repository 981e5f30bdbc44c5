/**
 * Extended XYZ in the conventions of ASE: energies in eV, lengths in Å, stress (1/V) ∂E/∂ε in eV/Å³ with tension positive,
 * virial −V·stress in eV. One frame is held at a time.
 */
import { FormatError } from '../core/errors.ts';
import type { Frame, InfoValue, Structure } from '../core/structure/structure.ts';
import { checkedStructure } from './checked-structure.ts';
import { ColumnReader, parseProperties, PLAIN_PROPERTIES } from './extxyz-columns.ts';
import { type CommentEntry, parseComment } from './extxyz-comment.ts';
import { findLabels, type LabelKeyOptions, type LabelKeys } from './extxyz-labels.ts';
import { excerpt, readBoolean, requireNumber } from './extxyz-tokens.ts';
import { LineAssembler } from './line-assembler.ts';

export { writeExtxyz, type ExtxyzWriteOptions } from './extxyz-writer.ts';

/** A frame and the keys its labels came from. */
export interface ParsedFrame {
  readonly frame: Frame;
  readonly keys: LabelKeys;
}

/** Whether a comment line claims to be extended XYZ. */
const isExtended = (line: string): boolean => /(?:^|\s)(?:Properties|properties|Lattice|lattice)\s*=/.test(line);

/** Keys of a comment line; free text of plain XYZ becomes one key `comment`. */
function readComment(line: string, file: string, lineNumber: number): CommentEntry[] {
  const text = line.trim();
  const free = (): CommentEntry[] => (text === '' ? [] : [{ key: 'comment', text, value: text, column: 1 }]);
  if (isExtended(line)) return parseComment(line, { file, line: lineNumber });
  if (!line.includes('=')) return free();
  try {
    return parseComment(line, { file, line: lineNumber });
  } catch (error) {
    if (error instanceof FormatError) return free();
    throw error;
  }
}

/** Lattice vectors [9] of a `Lattice` value of 9 numbers, or 3 for a box; null when all are zero. */
function readLattice(entry: CommentEntry, file: string, line: number): Float64Array | null {
  const at = { file, line, column: entry.column };
  const tokens = (Array.isArray(entry.value) ? entry.value.flat(2).map(String) : entry.text.split(/[\s,]+/)).filter(
    (token) => token !== '',
  );
  const numbers = tokens.map((token) => requireNumber(token, 'Lattice', at));
  if ((numbers.length !== 9 && numbers.length !== 3) || numbers.some((x) => Number.isNaN(x))) {
    throw new FormatError('BAD_LATTICE', at, `Lattice must be 9 numbers, or 3 for a box, got ${numbers.length}`, {
      count: numbers.length,
    });
  }
  if (numbers.every((x) => x === 0)) return null;
  const [a, b, c] = numbers as [number, number, number];
  return numbers.length === 9 ? Float64Array.from(numbers) : Float64Array.of(a, 0, 0, 0, b, 0, 0, 0, c);
}

/** Periodicity of a `pbc` value: three truth values, or one for all. */
function readPbc(entry: CommentEntry, file: string, line: number): [boolean, boolean, boolean] {
  const tokens = (Array.isArray(entry.value) ? entry.value.map(String) : entry.text.split(/[\s,]+/)).filter(
    (token) => token !== '',
  );
  const flags = tokens.map((token) => (token === '1' ? true : token === '0' ? false : readBoolean(token)));
  const [a, b, c] = flags.length === 1 ? [flags[0], flags[0], flags[0]] : flags;
  if ((flags.length !== 1 && flags.length !== 3) || a === undefined || b === undefined || c === undefined) {
    throw new FormatError(
      'BAD_PBC',
      { file, line, column: entry.column },
      `pbc must be three of T and F, got "${excerpt(entry.text)}"`,
    );
  }
  return [a, b, c];
}

/** Puts frames together line by line. */
class FrameAssembler extends LineAssembler<ParsedFrame> {
  private readonly options: LabelKeyOptions;
  private frames = 0;
  private first = 0;
  private atoms = 0;
  private entries: CommentEntry[] = [];
  private columns: ColumnReader | null = null;

  constructor(file: string, options: LabelKeyOptions) {
    super(file, 'text');
    this.options = options;
  }

  protected take(line: string): ParsedFrame | null {
    if (this.columns !== null) {
      this.columns.read(line, this.file, this.line);
      return this.columns.species.length === this.atoms ? this.finish(this.columns) : null;
    }
    if (this.atoms > 0) {
      this.startColumns(line);
    } else if (line.trim() !== '') {
      this.startFrame(line);
    }
    return null;
  }

  /** @throws FormatError `TRUNCATED_FRAME` where it is a line of an atom cut short */
  protected takeLast(rest: string): ParsedFrame | null {
    try {
      return this.push(rest);
    } catch (error) {
      if (
        error instanceof FormatError &&
        error.code === 'WRONG_COLUMN_COUNT' &&
        Number(error.details.got) < Number(error.details.expected)
      )
        this.end();
      throw error;
    }
  }

  /** @throws FormatError `TRUNCATED_FRAME`, `NO_FRAMES` */
  protected end(): void {
    if (this.atoms > 0) {
      const got = this.columns === null ? 'its comment line is missing' : `got ${this.columns.species.length}`;
      const message = `frame ${this.frames} (from line ${this.first}) must have ${this.atoms} atoms, ${got} when the file ended`;
      throw new FormatError('TRUNCATED_FRAME', { file: this.file, line: this.line }, message, { atoms: this.atoms });
    }
    if (this.frames === 0)
      throw new FormatError('NO_FRAMES', { file: this.file }, 'file must hold at least one frame, got none');
  }

  private startFrame(line: string): void {
    const text = line.trim();
    const count = /^\d+$/.test(text) ? Number(text) : 0;
    if (count < 1 || !Number.isSafeInteger(count)) {
      const shown = excerpt(text);
      const column = line.length - line.trimStart().length + 1;
      const message = `number of atoms must be a positive integer, got "${shown}"`;
      throw new FormatError('BAD_ATOM_COUNT', { file: this.file, line: this.line, column }, message, { got: shown });
    }
    this.atoms = count;
    this.first = this.line;
  }

  private startColumns(line: string): void {
    this.entries = readComment(line, this.file, this.line);
    const properties = this.entries.find((entry) => /^properties$/i.test(entry.key));
    const at = { file: this.file, line: this.line, ...(properties === undefined ? {} : { column: properties.column }) };
    this.columns = new ColumnReader(parseProperties(properties?.text ?? PLAIN_PROPERTIES, at));
  }

  private finish(columns: ColumnReader): ParsedFrame {
    const at = { file: this.file, line: this.first + 1 };
    const lattice = this.entries.find((entry) => /^lattice$/i.test(entry.key));
    const periodicity = this.entries.find((entry) => /^pbc$/i.test(entry.key));
    const cell = lattice === undefined ? null : readLattice(lattice, at.file, at.line);
    const missing: [boolean, boolean, boolean] = [cell !== null, cell !== null, cell !== null];
    const structure: Structure = {
      positions: columns.numbers(columns.layout.positions),
      cell,
      pbc: periodicity === undefined ? missing : readPbc(periodicity, at.file, at.line),
      species: Uint8Array.from(columns.species),
    };
    const column = (lattice ?? periodicity)?.column;
    checkedStructure(structure, `frame ${this.frames}`, { ...at, ...(column === undefined ? {} : { column }) });
    const { labels, keys, entries: used, plans } = findLabels(this.entries, columns, cell, this.options, at);
    const kept = this.entries.filter(
      (entry) => !used.includes(entry) && !/^(?:lattice|properties|pbc)$/i.test(entry.key),
    );
    const group = kept.find((entry) => entry.key === 'config_type') ?? kept.find((entry) => entry.key === 'group');
    const frame: Frame = {
      structure,
      labels,
      group: group?.text ?? '',
      info: Object.fromEntries(kept.map((entry): [string, InfoValue] => [entry.key, entry.value])),
      columns: columns.others(plans),
      source: { file: this.file, index: this.frames, line: this.first },
    };
    this.frames++;
    this.atoms = 0;
    this.columns = null;
    return { frame, keys };
  }
}

/**
 * Frames of extended or plain XYZ, one at a time: only the frame being read is held.
 * @param chunks pieces of the text, cut anywhere
 * @param source name of the file for messages and `frame.source`
 * @throws FormatError with file, line and column
 */
export function parseExtxyz(
  chunks: AsyncIterable<string>,
  source: string,
  options: LabelKeyOptions = {},
): AsyncGenerator<ParsedFrame> {
  return new FrameAssembler(source, options).stream(chunks);
}

/** All frames of a text. @throws FormatError with file, line and column */
export function parseExtxyzText(text: string, source: string, options: LabelKeyOptions = {}): ParsedFrame[] {
  return new FrameAssembler(source, options).whole(text);
}
