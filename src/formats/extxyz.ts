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

export { writeExtxyz, type ExtxyzWriteOptions } from './extxyz-writer.ts';

/** A frame and the keys its labels came from. */
export interface ParsedFrame {
  readonly frame: Frame;
  readonly keys: LabelKeys;
}

/** No line of a text is longer than this. */
const LONGEST_LINE = 1 << 22;

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
class FrameAssembler {
  private readonly file: string;
  private readonly options: LabelKeyOptions;
  private line = 0;
  private frames = 0;
  private first = 0;
  private atoms = 0;
  private entries: CommentEntry[] = [];
  private columns: ColumnReader | null = null;

  constructor(file: string, options: LabelKeyOptions) {
    this.file = file;
    this.options = options;
  }

  /** Takes the next line; returns the frame it completes, if any. */
  push(raw: string): ParsedFrame | null {
    this.line++;
    let line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (this.line === 1 && line.startsWith('\ufeff')) line = line.slice(1);
    if (line.includes('\0')) throw this.binary();
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

  /**
   * Takes what follows the last line end. @throws FormatError `TRUNCATED_FRAME` where it is a line of an atom cut short
   */
  pushLast(rest: string): ParsedFrame | null {
    if (rest === '') return null;
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

  /** The file has ended. @throws FormatError `TRUNCATED_FRAME`, `NO_FRAMES` */
  end(): void {
    if (this.atoms > 0) {
      const got = this.columns === null ? 'its comment line is missing' : `got ${this.columns.species.length}`;
      const message = `frame ${this.frames} (from line ${this.first}) must have ${this.atoms} atoms, ${got} when the file ended`;
      throw new FormatError('TRUNCATED_FRAME', { file: this.file, line: this.line }, message, { atoms: this.atoms });
    }
    if (this.frames === 0)
      throw new FormatError('NO_FRAMES', { file: this.file }, 'file must hold at least one frame, got none');
  }

  /** The error for a file that is not text. */
  binary(): FormatError {
    return new FormatError(
      'BINARY_FILE',
      { file: this.file, line: Math.max(1, this.line) },
      'file must be text (UTF-8), got binary data',
    );
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
export async function* parseExtxyz(
  chunks: AsyncIterable<string>,
  source: string,
  options: LabelKeyOptions = {},
): AsyncGenerator<ParsedFrame> {
  const assembler = new FrameAssembler(source, options);
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const parsed = assembler.push(line);
      if (parsed !== null) yield parsed;
    }
    if (rest.length > LONGEST_LINE) throw assembler.binary();
  }
  const last = assembler.pushLast(rest);
  if (last !== null) yield last;
  assembler.end();
}

/** All frames of a text. @throws FormatError with file, line and column */
export function parseExtxyzText(text: string, source: string, options: LabelKeyOptions = {}): ParsedFrame[] {
  const assembler = new FrameAssembler(source, options);
  const lines = text.split('\n');
  const rest = lines.pop()!;
  const frames: ParsedFrame[] = [];
  for (const line of lines) {
    const parsed = assembler.push(line);
    if (parsed !== null) frames.push(parsed);
  }
  const last = assembler.pushLast(rest);
  if (last !== null) frames.push(last);
  assembler.end();
  return frames;
}
