/** Per-atom columns of extended XYZ: the `Properties` string and the lines of atoms. */
import { FormatError, type SourcePosition } from '../core/errors.ts';
import type { Column } from '../core/structure/structure.ts';
import { columnOfToken, excerpt, readBoolean, requireNumber, requireSpecies } from './extxyz-tokens.ts';

/** One entry `name:kind:width` of `Properties`, and the token at which it starts on a line. */
export interface ColumnPlan {
  readonly name: string;
  readonly kind: Column['kind'];
  readonly width: number;
  readonly start: number;
}

/** Columns without a `Properties` key: plain XYZ. */
export const PLAIN_PROPERTIES = 'species:S:1:pos:R:3';

const SPECIES_NAMES = ['species', 'element', 'elements', 'symbols'];
const NUMBER_NAMES = ['Z', 'z', 'numbers', 'atomic_numbers'];
const POSITION_NAMES = ['pos', 'positions'];

/** What the lines of a frame hold. */
export interface ColumnLayout {
  readonly plans: readonly ColumnPlan[];
  /** Tokens per line. */
  readonly width: number;
  readonly species: ColumnPlan;
  readonly positions: ColumnPlan;
  readonly properties: string;
}

/** The layout a `Properties` string describes. @throws FormatError `BAD_PROPERTIES` */
export function parseProperties(properties: string, position: SourcePosition): ColumnLayout {
  const fail = (message: string): never => {
    throw new FormatError('BAD_PROPERTIES', position, `Properties must ${message}`, { properties });
  };
  const parts = properties.trim().split(':');
  if (parts.length % 3 !== 0 || parts.length === 0)
    fail(`be name:kind:width triples, got "${excerpt(properties, 120)}"`);
  const plans: ColumnPlan[] = [];
  let start = 0;
  for (let k = 0; k < parts.length; k += 3) {
    const [name, kind, width] = [parts[k]!, parts[k + 1]!, Number(parts[k + 2])];
    if (!/^[RILS]$/.test(kind)) fail(`have kinds R, I, L or S, got "${kind}" for ${name}`);
    if (!Number.isInteger(width) || width < 1) fail(`have positive widths, got "${parts[k + 2]}" for ${name}`);
    if (name === '' || plans.some((plan) => plan.name === name)) fail(`name each column once, got "${name}"`);
    plans.push({ name, kind: kind as Column['kind'], width, start });
    start += width;
  }
  const find = (names: readonly string[], kinds: string, width: number): ColumnPlan | undefined =>
    plans.find((plan) => names.includes(plan.name) && kinds.includes(plan.kind) && plan.width === width);
  const species = find(SPECIES_NAMES, 'S', 1) ?? find([...NUMBER_NAMES, ...SPECIES_NAMES], 'I', 1);
  const positions = find(POSITION_NAMES, 'R', 3);
  if (species === undefined) return fail(`name the species (species:S:1 or Z:I:1), got "${excerpt(properties, 120)}"`);
  if (positions === undefined) return fail(`name the positions (pos:R:3), got "${excerpt(properties, 120)}"`);
  return { plans, width: start, species, positions, properties };
}

const known = new Map<string, number>();

/** Atomic number of a token; those met before are remembered. */
function speciesOf(token: string, at: (k: number) => SourcePosition, start: number): number {
  let z = known.get(token);
  if (z === undefined) {
    z = requireSpecies(token, at(start));
    known.set(token, z);
  }
  return z;
}

/** Reads the lines of atoms of one frame, column by column. */
export class ColumnReader {
  readonly layout: ColumnLayout;
  readonly species: number[] = [];
  /** Values of each plan, atom by atom; those of the species are the tokens themselves. */
  readonly values: (number | boolean | string)[][];

  constructor(layout: ColumnLayout) {
    this.layout = layout;
    this.values = layout.plans.map(() => []);
  }

  /**
   * Takes one line.
   * @throws FormatError `WRONG_COLUMN_COUNT`, `UNKNOWN_ELEMENT`, `NOT_A_NUMBER`, `NOT_FINITE`, `NOT_AN_INTEGER`, `NOT_A_BOOLEAN`
   */
  read(line: string, file: string, lineNumber: number): void {
    const { plans, width, species, positions, properties } = this.layout;
    const tokens = line.trim().split(/\s+/);
    if (tokens.length !== width || tokens[0] === '') {
      const got = tokens[0] === '' ? 0 : tokens.length;
      const column = columnOfToken(line, Math.min(got, width));
      const hint = got === 1 && /^\d+$/.test(tokens[0]!) ? '; does the frame have fewer atoms than it says?' : '';
      const message = `line of atom ${this.species.length} must have ${width} columns (${properties}), got ${got}${hint}`;
      throw new FormatError('WRONG_COLUMN_COUNT', { file, line: lineNumber, column }, message, {
        expected: width,
        got,
      });
    }
    const at = (k: number): SourcePosition => ({ file, line: lineNumber, column: columnOfToken(line, k) });
    const what = (plan: ColumnPlan): string => `${plan.name} of atom ${this.species.length}`;
    for (let p = 0; p < plans.length; p++) {
      const plan = plans[p]!;
      const values = this.values[p]!;
      for (let k = plan.start; k < plan.start + plan.width; k++) {
        const token = tokens[k]!;
        if (plan.kind === 'S' || plan === species) {
          values.push(token);
        } else if (plan.kind === 'L') {
          const value = readBoolean(token);
          if (value === undefined)
            throw new FormatError('NOT_A_BOOLEAN', at(k), `${what(plan)} must be T or F, got "${excerpt(token)}"`, {
              token,
            });
          values.push(value);
        } else {
          // Plain decimals, nearly all of a file, need no more than this.
          let value = Number(token);
          if (!Number.isFinite(value) || !/^[-+.\deE]+$/.test(token)) value = requireNumber(token, what(plan), at(k));
          if (plan.kind === 'I' && !Number.isSafeInteger(value)) {
            throw new FormatError(
              'NOT_AN_INTEGER',
              at(k),
              `${what(plan)} must be an integer, got "${excerpt(token)}"`,
              {
                token,
              },
            );
          }
          if (plan === positions && Number.isNaN(value)) {
            throw new FormatError('NOT_FINITE', at(k), `${what(plan)} must be finite, got "${excerpt(token)}"`, {
              token,
            });
          }
          values.push(value);
        }
      }
    }
    this.species.push(speciesOf(tokens[species.start]!, at, species.start));
  }

  /** Values of one plan as numbers. */
  numbers(plan: ColumnPlan): Float64Array {
    return Float64Array.from(this.values[this.layout.plans.indexOf(plan)] as number[]);
  }

  /** Columns other than species, positions and `taken`, in file order. */
  others(taken: readonly ColumnPlan[]): Record<string, Column> {
    const { plans, species, positions } = this.layout;
    const entries: [string, Column][] = [];
    plans.forEach((plan, p) => {
      if (plan === species || plan === positions || taken.includes(plan)) return;
      entries.push([plan.name, { kind: plan.kind, width: plan.width, values: this.values[p]! }]);
    });
    return Object.fromEntries(entries);
  }
}
