import { atomicNumberOf, isElement, MAX_ATOMIC_NUMBER, symbolOf } from '../core/elements.ts';
import { FormatError, type SourcePosition } from '../core/errors.ts';

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?$/;
const NOT_A_NUMBER = /^[+-]?nan$/i;
const INFINITE = /^[+-]?inf(?:inity)?$/i;

/** The number a token stands for; exponents may be written with d as in Fortran, `nan` is NaN, `inf` infinite; undefined for other text. */
export function readNumber(token: string): number | undefined {
  if (NUMBER.test(token)) return Number(/[dD]/.test(token) ? token.replace(/[dD]/, 'e') : token);
  if (NOT_A_NUMBER.test(token)) return Number.NaN;
  if (INFINITE.test(token)) return token.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return undefined;
}

/** The truth value of T, F, true, false (any of the usual capitals), undefined for other text. */
export function readBoolean(token: string): boolean | undefined {
  if (/^(?:T|true|True|TRUE)$/.test(token)) return true;
  return /^(?:F|false|False|FALSE)$/.test(token) ? false : undefined;
}

/** The beginning of a long text, for messages. */
export function excerpt(text: string, most: number = 40): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/**
 * A finite number, or NaN for an absent one. @param what names the value in the message
 * @throws FormatError `NOT_A_NUMBER`, `NOT_FINITE`
 */
export function requireNumber(token: string, what: string, position: SourcePosition): number {
  const value = readNumber(token);
  if (value === undefined)
    throw new FormatError('NOT_A_NUMBER', position, `${what} must be a number, got "${excerpt(token)}"`, { token });
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    throw new FormatError('NOT_FINITE', position, `${what} must be finite, got "${token}"`, { token });
  }
  return value;
}

/** Number of single-letter edits between two short words (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, k) => k);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let k = 1; k <= b.length; k++) {
      next.push(Math.min(next[k - 1]! + 1, row[k]! + 1, row[k - 1]! + (a[i - 1] === b[k - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The chemical symbol that was probably meant: other capitals, a label such as Si1 or O_w, or one letter off. */
export function nearestSymbol(text: string): string | undefined {
  const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
  const letters = /^[A-Za-z]+/.exec(text)?.[0] ?? '';
  for (const word of [capital(text), capital(letters)]) if (isElement(word)) return word;
  if (letters === '') return undefined;
  const symbols = Array.from({ length: MAX_ATOMIC_NUMBER }, (_, z) => symbolOf(z + 1));
  const scored = symbols.map((symbol) => ({ symbol, distance: editDistance(capital(letters), symbol) }));
  // Of equals, the longest shares the most letters.
  scored.sort((a, b) => a.distance - b.distance || b.symbol.length - a.symbol.length);
  return scored[0]!.distance < Math.max(letters.length, 2) ? scored[0]!.symbol : undefined;
}

/** Atomic number of a chemical symbol or of the number itself. @throws FormatError `UNKNOWN_ELEMENT` with a suggestion */
export function requireSpecies(token: string, position: SourcePosition): number {
  if (isElement(token)) return atomicNumberOf(token);
  const number = /^\d+$/.test(token) ? Number(token) : 0;
  if (number >= 1 && number <= MAX_ATOMIC_NUMBER) return number;
  const suggestion = nearestSymbol(token);
  const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
  throw new FormatError(
    'UNKNOWN_ELEMENT',
    position,
    `species must be a chemical symbol, got "${excerpt(token)}"${hint}`,
    {
      token,
      suggestion,
    },
  );
}

/** 1-based column at which token `index` of a line begins. */
export function columnOfToken(line: string, index: number): number {
  let seen = 0;
  for (const match of line.matchAll(/\S+/g)) if (seen++ === index) return match.index + 1;
  return line.length + 1;
}

/**
 * Shortest decimal that reads back as the same number (with an exponent where plain digits would be an integer too large to
 * be exact); `nan` and `inf` as Python writes them.
 */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
}
