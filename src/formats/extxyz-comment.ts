/** The comment line of extended XYZ: key=value pairs in the dialects of ASE and libAtoms. */
import { FormatError } from '../core/errors.ts';
import type { InfoValue } from '../core/structure/structure.ts';
import { excerpt, formatNumber, readBoolean, readNumber } from './extxyz-tokens.ts';

/** One key of a comment line. */
export interface CommentEntry {
  readonly key: string;
  /** Text of the value, without quotes and escapes; T for a bare key. */
  readonly text: string;
  /** What the text stands for. */
  readonly value: InfoValue;
  /** 1-based column of the value (of the key, where there is no value). */
  readonly column: number;
}

/** Where in a file a comment line stands. */
export interface CommentPosition {
  readonly file: string;
  readonly line: number;
}

const CLOSING: Readonly<Record<string, string>> = { '"': '"', "'": "'", '{': '}', '[': ']' };

/** A number as an info value may spell it; integers that a double or a reader would change stay text. */
function readInfoNumber(token: string): number | undefined {
  if (/^[+-]?\d+$/.test(token)) {
    const value = Number(token);
    return /^[+-]?(?:0|[1-9]\d*)$/.test(token) && Number.isSafeInteger(value) ? value : undefined;
  }
  // 12d3 may as well be part of a hash: a Fortran exponent needs a decimal point or a sign.
  if (/^[+-]?\d+[dD]\d+$/.test(token)) return undefined;
  return readNumber(token);
}

/** All tokens as booleans, all as numbers, or undefined. */
function readUniform(tokens: readonly string[]): (number | boolean)[] | undefined {
  if (tokens.length === 0) return undefined;
  const booleans = tokens.map(readBoolean);
  if (booleans.every((x) => x !== undefined)) return booleans;
  const numbers = tokens.map(readInfoNumber);
  return numbers.every((x) => x !== undefined) ? numbers : undefined;
}

/** Lists nested deeper than this stay text: no reader of theirs need fear for its stack. */
const DEEPEST = 64;

/** Whether brackets nest deeper than that; those inside of strings count too, which does no harm. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let k = 0; k < text.length; k++) {
    const letter = text[k];
    if (letter === '[' || letter === '{') depth++;
    else if (letter === ']' || letter === '}') depth--;
    if (depth > DEEPEST) return true;
  }
  return false;
}

function parseJson(text: string): InfoValue | undefined {
  if (isTooDeep(text)) return undefined;
  try {
    return JSON.parse(text) as InfoValue;
  } catch {
    return undefined;
  }
}

/**
 * What the text of a value stands for: `_JSON …` is decoded; words that are all booleans or all numbers, set apart by
 * blanks or commas, become one value or a list; anything else stays a string.
 * @param delimiter opening bracket or quote the text stood in, '' for none: `[…]` and `{…}` also make lists of strings
 */
export function interpretText(text: string, delimiter: string = ''): InfoValue {
  if (text.startsWith('_JSON ')) return parseJson(text.slice(6)) ?? text;
  const tokens = text.split(/[\s,]+/).filter((token) => token !== '');
  const uniform = readUniform(tokens);
  if (delimiter === '[') {
    if (text.includes('['))
      return parseJson(`[${text.replace(/\bT\b/g, 'true').replace(/\bF\b/g, 'false')}]`) ?? `[${text}]`;
    return uniform ?? tokens;
  }
  if (uniform !== undefined) return uniform.length === 1 ? uniform[0]! : uniform;
  return delimiter === '{' && tokens.length > 1 ? tokens : text;
}

/** Reads what begins with a quote or bracket at `start`; returns the text inside and where it ends, or null without an end. */
function readDelimited(line: string, start: number): { text: string; end: number } | null {
  const opening = line[start]!;
  const closing = CLOSING[opening]!;
  const quoted = opening === closing;
  let text = '';
  let depth = 1;
  for (let k = start + 1; k < line.length; k++) {
    const letter = line[k]!;
    if (letter === '\\' && k + 1 < line.length) {
      k++;
      text += line[k] === 'n' ? '\n' : line[k];
      continue;
    }
    if (!quoted && letter === opening) depth++;
    if (letter === closing && --depth === 0) return { text, end: k + 1 };
    text += letter;
  }
  return null;
}

/**
 * The keys of a comment line in order. A repeated key must repeat its value.
 * @throws FormatError `UNBALANCED_QUOTE`, `DUPLICATE_KEY`, `BAD_COMMENT`
 */
export function parseComment(line: string, position: CommentPosition): CommentEntry[] {
  const entries = new Map<string, CommentEntry>();
  const fail = (code: string, column: number, message: string): never => {
    throw new FormatError(code, { ...position, column }, message);
  };
  const skipBlanks = (at: number): number => {
    let k = at;
    while (k < line.length && /\s/.test(line[k]!)) k++;
    return k;
  };
  let at = skipBlanks(0);
  while (at < line.length) {
    const start = at;
    let key: string;
    if (line[at] === '"' || line[at] === "'") {
      const read = readDelimited(line, at) ?? fail('UNBALANCED_QUOTE', at + 1, `quote ${line[at]} must be closed`);
      key = read.text;
      at = read.end;
    } else {
      while (at < line.length && !/[\s=]/.test(line[at]!)) at++;
      key = line.slice(start, at);
    }
    if (key === '') fail('BAD_COMMENT', start + 1, 'comment line must have a key before "="');
    const equals = skipBlanks(at);
    let entry: CommentEntry = { key, text: 'T', value: true, column: start + 1 };
    if (line[equals] === '=') {
      at = skipBlanks(equals + 1);
      const column = at + 1;
      const opening = line[at] ?? '';
      if (opening in CLOSING) {
        const read =
          readDelimited(line, at) ??
          fail('UNBALANCED_QUOTE', column, `value of ${key} must be closed by ${CLOSING[opening]}`);
        entry = { key, text: read.text, value: interpretText(read.text, opening), column };
        at = read.end;
      } else {
        const from = at;
        while (at < line.length && !/\s/.test(line[at]!)) at++;
        const text = line.slice(from, at);
        entry = { key, text, value: interpretText(text), column };
      }
    }
    const earlier = entries.get(key);
    if (earlier !== undefined && earlier.text !== entry.text) {
      fail(
        'DUPLICATE_KEY',
        entry.column,
        `key ${key} must have one value, got "${excerpt(earlier.text)}" and "${excerpt(entry.text)}"`,
      );
    }
    if (earlier === undefined) entries.set(key, entry);
    at = skipBlanks(at);
  }
  return [...entries.values()];
}

const PLAIN = /^[^\s"'{}[\]=,\\]+$/;

/** Text as a token of a comment line: in double quotes, with escapes, unless it is a plain word. */
export function quoteText(text: string): string {
  if (PLAIN.test(text)) return text;
  return `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

/** Numbers or booleans with blanks between. */
function joinFlat(values: readonly InfoValue[]): string {
  return values.map((x) => (typeof x === 'boolean' ? (x ? 'T' : 'F') : formatNumber(x as number))).join(' ');
}

/** A value as `parseComment` reads it back: shortest decimals, T and F, quotes where needed, `_JSON` for what has no other form. */
export function formatInfoValue(value: InfoValue): string {
  if (typeof value === 'boolean') return value ? 'T' : 'F';
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'string' && interpretText(value) === value && !value.includes('\0')) return quoteText(value);
  // JSON knows neither NaN nor infinity.
  if (Array.isArray(value) && value.length === 1 && typeof value[0] === 'number' && !Number.isFinite(value[0])) {
    return `[${joinFlat(value)}]`;
  }
  if (Array.isArray(value) && value.length > 1) {
    const kind = typeof value[0];
    if ((kind === 'number' || kind === 'boolean') && value.every((x) => typeof x === kind))
      return quoteText(joinFlat(value));
  }
  return quoteText(`_JSON ${JSON.stringify(value)}`);
}
