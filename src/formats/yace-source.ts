import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { FormatError, type SourcePosition } from '../core/errors.ts';
import { nestsTooDeep } from '../core/nesting.ts';

/** A map of the file: its values by key, and what it is, for messages. */
export interface YaceSection {
  readonly name: string;
  readonly node: Node;
  readonly entries: ReadonlyMap<string, Node>;
}

/** A parsed file whose values are asked for by kind; every error says where. */
export class YaceSource {
  private readonly file: string;
  private readonly lines = new LineCounter();
  readonly root: Node | null;

  constructor(text: string, file: string) {
    this.file = file;
    if (nestsTooDeep(text))
      throw new FormatError('INVALID_YAML', { file }, 'file must not nest deeper than 200 levels');
    // A list as key of a block map after the first is more than the YAML reader takes; [0, 1] becomes "0, 1" in place.
    const quoted = text.replace(/^([ \t]*)\[([\d ,]*)\](\s*:)/gm, '$1"$2"$3');
    const document = parseDocument(quoted, { lineCounter: this.lines, prettyErrors: false, logLevel: 'error' });
    const error = document.errors[0];
    if (error) throw new FormatError('INVALID_YAML', this.at(error.pos[0]), error.message);
    this.root = document.contents;
  }

  private at(offset: number | undefined): SourcePosition {
    if (offset === undefined) return { file: this.file };
    const { line, col } = this.lines.linePos(offset);
    return { file: this.file, line, column: col };
  }

  /** @throws FormatError at the node */
  fail(node: Node | null, code: string, message: string): never {
    throw new FormatError(code, this.at(node?.range?.[0]), message);
  }

  /** A map whose keys are all known and, but for the optional ones, all there. */
  section(node: Node | null, name: string, required: readonly string[], optional: readonly string[] = []): YaceSection {
    if (!isMap(node)) this.fail(node, 'INVALID_YACE', `${name} must be a map`);
    const entries = this.entries(node, name);
    for (const key of required) {
      if (!entries.has(key)) this.fail(node, 'MISSING_KEY', `${name} must have the key "${key}"`);
    }
    for (const [key, value] of entries) {
      if (!required.includes(key) && !optional.includes(key)) {
        this.fail(value, 'UNKNOWN_KEY', `${name} must hold known keys only, got "${key}"`);
      }
    }
    return { name, node, entries };
  }

  /** Values by key; the key of a pair, [0, 1] or "0, 1", becomes "0,1". */
  entries(map: YAMLMap, name: string): Map<string, Node> {
    const entries = new Map<string, Node>();
    for (const { key, value } of map.items) {
      const text = isSeq(key) ? this.integers(key, `key of ${name}`).join() : isScalar(key) ? String(key.value) : '';
      const plain = text.replace(/[[\]\s]/g, '');
      if (entries.has(plain)) this.fail(key as Node, 'DUPLICATE_KEY', `${name} must not repeat the key ${plain}`);
      entries.set(plain, value as Node);
    }
    return entries;
  }

  /** The values of the keys 0 … count−1, in order. */
  byElement(node: Node, name: string, count: number): Node[] {
    const keys = Array.from({ length: count }, (_, mu) => String(mu));
    const { entries } = this.section(node, name, keys);
    return keys.map((key) => entries.get(key)!);
  }

  /** Entries of a list. */
  items(node: Node | undefined, name: string): Node[] {
    if (!isSeq(node)) this.fail(node ?? null, 'INVALID_YACE', `${name} must be a list`);
    return (node as YAMLSeq).items as Node[];
  }

  /** A finite number. */
  number(node: Node | undefined, name: string): number {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      this.fail(
        node ?? null,
        'INVALID_NUMBER',
        `${name} must be a finite number, got ${isScalar(node) ? String(value) : 'none'}`,
      );
    }
    return value;
  }

  /** A whole number within limits. */
  integer(node: Node | undefined, name: string, least: number, most: number): number {
    const value = this.number(node, name);
    if (!Number.isInteger(value) || value < least || value > most) {
      this.fail(node!, 'OUT_OF_RANGE', `${name} must be an integer from ${least} to ${most}, got ${value}`);
    }
    return value;
  }

  /** A list of finite numbers, `count` of them if given. */
  numbers(node: Node | undefined, name: string, count?: number): number[] {
    const values = this.items(node, name).map((item) => this.number(item, name));
    if (count !== undefined && values.length !== count) {
      this.fail(node!, 'WRONG_LENGTH', `${name} must have ${count} entries, got ${values.length}`);
    }
    return values;
  }

  /** The texts of a map of scalars, by key. */
  texts(node: Node, name: string): Map<string, { readonly node: Node; readonly text: string }> {
    if (!isMap(node)) this.fail(node, 'INVALID_YACE', `${name} must be a map`);
    const texts = new Map<string, { node: Node; text: string }>();
    for (const { key, value } of node.items) {
      if (!isScalar(key) || !isScalar(value)) this.fail(key as Node, 'INVALID_YACE', `${name} must hold texts only`);
      const word = String(key.value);
      if (texts.has(word)) this.fail(key, 'DUPLICATE_KEY', `${name} must not repeat the key ${word}`);
      texts.set(word, { node: value, text: String(value.value) });
    }
    return texts;
  }

  private integers(node: Node, name: string): number[] {
    return this.items(node, name).map((item) => this.integer(item, name, 0, 1000));
  }

  /** A text. */
  word(node: Node | undefined, name: string): string {
    if (!isScalar(node) || typeof node.value !== 'string') {
      this.fail(node ?? null, 'INVALID_YACE', `${name} must be a word`);
    }
    return (node as { value: string }).value;
  }
}
