/** Tokens, data blocks, items and loops of CIF 1.1. */
import { FormatError, type SourcePosition } from '../core/errors.ts';
import { excerpt } from './extxyz-tokens.ts';

/** A value of a file and where it stands. */
export interface CifValue {
  readonly text: string;
  /** Whether it stood in quotes or a text field: `'.'` is a full stop, `.` stands for nothing. */
  readonly quoted: boolean;
  readonly line: number;
  readonly column: number;
}

/** Columns of a loop: each name has as many values as there are rows. */
export interface CifLoop {
  readonly columns: ReadonlyMap<string, readonly CifValue[]>;
  readonly rows: number;
  readonly line: number;
}

/** One data block. Names are lower case, with _ where a dictionary writes a full stop. */
export interface CifBlock {
  readonly name: string;
  readonly line: number;
  readonly items: ReadonlyMap<string, CifValue>;
  readonly loops: readonly CifLoop[];
}

interface Token extends CifValue {
  readonly kind: 'value' | 'tag' | 'data' | 'loop' | 'end';
}

/** Cuts a text into tokens, one at a time. */
class Scanner {
  private readonly text: string;
  private readonly file: string;
  private at = 0;
  private line = 1;
  private lineStart = 0;

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
  }

  fail(code: string, message: string, position: { readonly line: number; readonly column: number }): FormatError {
    return new FormatError(code, { file: this.file, line: position.line, column: position.column }, message);
  }

  private skip(): void {
    const { text } = this;
    while (this.at < text.length) {
      const letter = text[this.at]!;
      if (letter === '\n') {
        this.at++;
        this.line++;
        this.lineStart = this.at;
      } else if (/\s/.test(letter)) {
        this.at++;
      } else if (letter === '#') {
        const end = text.indexOf('\n', this.at);
        this.at = end < 0 ? text.length : end;
      } else return;
    }
  }

  next(): Token {
    this.skip();
    const { text } = this;
    const position = { line: this.line, column: this.at - this.lineStart + 1 };
    if (this.at >= text.length) return { kind: 'end', text: '', quoted: false, ...position };
    const first = text[this.at]!;
    if (first === ';' && position.column === 1) return this.textField(position);
    if (first === "'" || first === '"') return this.quotedString(first, position);
    let end = this.at;
    while (end < text.length && !/\s/.test(text[end]!)) end++;
    const word = text.slice(this.at, end);
    this.at = end;
    if (first === '_')
      return { kind: 'tag', text: word.toLowerCase().replaceAll('.', '_'), quoted: false, ...position };
    if (/^data_/i.test(word)) return { kind: 'data', text: word.slice(5), quoted: false, ...position };
    if (/^loop_$/i.test(word)) return { kind: 'loop', text: word, quoted: false, ...position };
    if (/^(?:save_.*|stop_|global_)$/i.test(word))
      throw this.fail('UNSUPPORTED_CIF', `"${excerpt(word)}" must not be in a structure file`, position);
    return { kind: 'value', text: word, quoted: false, ...position };
  }

  private textField(position: { line: number; column: number }): Token {
    const end = this.text.indexOf('\n;', this.at);
    if (end < 0)
      throw this.fail('UNBALANCED_QUOTE', 'text field must be closed by a line that begins with ;', position);
    const content = this.text.slice(this.at + 1, end);
    for (let k = this.at; k <= end; k++) {
      if (this.text[k] !== '\n') continue;
      this.line++;
      this.lineStart = k + 1;
    }
    this.at = end + 2;
    return { kind: 'value', text: content, quoted: true, ...position };
  }

  /** A quote ends a string only where white space follows, so that 'a dog's life' is one. */
  private quotedString(quote: string, position: { line: number; column: number }): Token {
    const { text } = this;
    for (let k = this.at + 1; k < text.length && text[k] !== '\n'; k++) {
      if (text[k] !== quote || (k + 1 < text.length && !/\s/.test(text[k + 1]!))) continue;
      const content = text.slice(this.at + 1, k);
      this.at = k + 1;
      return { kind: 'value', text: content, quoted: true, ...position };
    }
    throw this.fail('UNBALANCED_QUOTE', `quote ${quote} must be closed on its line`, position);
  }
}

interface OpenBlock {
  readonly name: string;
  readonly line: number;
  readonly items: Map<string, CifValue>;
  readonly loops: CifLoop[];
  readonly names: Set<string>;
}

/**
 * The data blocks of a file: items and loops, quoted strings, text fields and comments. A name stands once in a block.
 * @throws FormatError `UNBALANCED_QUOTE`, `BAD_CIF`, `DUPLICATE_KEY`, `BAD_LOOP`, `UNSUPPORTED_CIF`
 */
export function parseCifBlocks(text: string, file: string): CifBlock[] {
  const scanner = new Scanner(text, file);
  const blocks: OpenBlock[] = [];
  let token = scanner.next();
  const open = (): OpenBlock => {
    const block = blocks.at(-1);
    if (block === undefined)
      throw scanner.fail('BAD_CIF', `file must begin with data_NAME, got "${excerpt(token.text)}"`, token);
    return block;
  };
  const declare = (block: OpenBlock, tag: Token): void => {
    if (block.names.has(tag.text))
      throw scanner.fail('DUPLICATE_KEY', `${excerpt(tag.text)} must be given once in a block`, tag);
    block.names.add(tag.text);
  };
  while (token.kind !== 'end') {
    if (token.kind === 'data') {
      blocks.push({ name: token.text, line: token.line, items: new Map(), loops: [], names: new Set() });
      token = scanner.next();
    } else if (token.kind === 'tag') {
      const block = open();
      declare(block, token);
      const value = scanner.next();
      if (value.kind !== 'value') throw scanner.fail('BAD_CIF', `${excerpt(token.text)} must have a value`, token);
      block.items.set(token.text, value);
      token = scanner.next();
    } else if (token.kind === 'loop') {
      const block = open();
      const start = token;
      const tags: string[] = [];
      token = scanner.next();
      while (token.kind === 'tag') {
        declare(block, token);
        tags.push(token.text);
        token = scanner.next();
      }
      const values: CifValue[] = [];
      while (token.kind === 'value') {
        values.push(token);
        token = scanner.next();
      }
      if (tags.length === 0 || values.length === 0 || values.length % tags.length !== 0) {
        const message =
          tags.length === 0
            ? 'loop_ must name its columns'
            : `loop_ must have a multiple of ${tags.length} values (${excerpt(tags.join(' '), 80)}), got ${values.length}`;
        throw scanner.fail('BAD_LOOP', message, start);
      }
      const columns = new Map(tags.map((tag): [string, CifValue[]] => [tag, []]));
      const lists = [...columns.values()];
      values.forEach((value, v) => {
        lists[v % lists.length]!.push(value);
      });
      block.loops.push({ columns, rows: values.length / tags.length, line: start.line });
    } else {
      open();
      throw scanner.fail('BAD_CIF', `value "${excerpt(token.text)}" must follow a name`, token);
    }
  }
  return blocks;
}

/** Whether a value stands for nothing: a bare `.` or `?`. */
export function isAbsent(value: CifValue | undefined): boolean {
  return value === undefined || (!value.quoted && (value.text === '.' || value.text === '?'));
}

/** Position of a value for messages. */
export function positionOf(value: CifValue, file: string): SourcePosition {
  return { file, line: value.line, column: value.column };
}
