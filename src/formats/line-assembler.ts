import { FormatError } from '../core/errors.ts';

/** No line of a text is longer than this. */
const LONGEST_LINE = 1 << 22;

/** Puts items of several lines together, line by line: at most one item is held. */
export abstract class LineAssembler<T> {
  protected readonly file: string;
  /** Number of the line taken last. */
  protected line = 0;
  /** What the file must be, for messages: `text`. */
  private readonly kind: string;

  constructor(file: string, kind: string) {
    this.file = file;
    this.kind = kind;
  }

  /** Takes a line without its end; returns the item it completes, if any. */
  protected abstract take(line: string): T | null;

  /** Takes what follows the last line end, which may be a line cut short. */
  protected abstract takeLast(rest: string): T | null;

  /** The file has ended. @throws FormatError where an item is not complete, or there was none */
  protected abstract end(): void;

  /** Takes the next line as it stands between line feeds. */
  protected push(raw: string): T | null {
    this.line++;
    let line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (this.line === 1 && line.startsWith('\ufeff')) line = line.slice(1);
    if (line.includes('\0')) throw this.binary();
    return this.take(line);
  }

  private binary(): FormatError {
    const position = { file: this.file, line: Math.max(1, this.line) };
    return new FormatError('BINARY_FILE', position, `file must be ${this.kind} (UTF-8), got binary data`);
  }

  private *rest(rest: string): Generator<T> {
    const last = rest === '' ? null : this.takeLast(rest);
    if (last !== null) yield last;
    this.end();
  }

  /** The items of a text in pieces, cut anywhere. */
  async *stream(chunks: AsyncIterable<string>): AsyncGenerator<T> {
    let rest = '';
    for await (const chunk of chunks) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const item = this.push(line);
        if (item !== null) yield item;
      }
      if (rest.length > LONGEST_LINE) throw this.binary();
    }
    yield* this.rest(rest);
  }

  /** The items of a whole text. */
  whole(text: string): T[] {
    const lines = text.split('\n');
    const rest = lines.pop()!;
    const items: T[] = [];
    for (const line of lines) {
      const item = this.push(line);
      if (item !== null) items.push(item);
    }
    items.push(...this.rest(rest));
    return items;
  }
}
