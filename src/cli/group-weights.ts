import { resolve } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { frameWeights } from '../core/dataset/weights.ts';
import { FormatError, InputError } from '../core/errors.ts';
import { median } from '../core/numerics/median.ts';
import type { ObservationKind } from '../core/regression/regression.ts';
import { OBSERVATION_KINDS } from '../core/regression/regression.ts';
import type { Frame } from '../core/structure/structure.ts';
import { readBytes } from '../node/files.ts';
import type { FitSettings } from '../node/training/settings.ts';
import { closestWord } from '../protocol/closest-word.ts';
import { nestsTooDeep } from '../core/nesting.ts';

type Weights = FitSettings['weights'];

/** Other names of the kinds. */
const SYNONYMS: Readonly<Record<string, ObservationKind>> = { force: 'forces', stress: 'virial' };
/** Column of a FitSNAP table for each kind. */
const COLUMNS: Readonly<Record<ObservationKind, string>> = { energy: 'eweight', forces: 'fweight', virial: 'vweight' };
/** Weights of a table below this share of the largest of their kind are meant as none. */
const NEGLIGIBLE = 1e-6;

interface GroupTable {
  readonly columns: readonly string[];
  readonly groups: Readonly<Record<string, readonly number[]>>;
}

function isGroupTable(value: unknown): value is GroupTable {
  const { columns, groups } = value as Partial<Record<keyof GroupTable, unknown>>;
  return Array.isArray(columns) && groups !== null && typeof groups === 'object';
}

/**
 * Weights of a FitSNAP table `{columns, groups}`. FitSNAP multiplies rows, so the precision by the square; only the
 * proportions within a kind count here, since noises are found by the fit: the median weight becomes 1, negligible ones 0.
 */
function weightsOfTable({ columns, groups }: GroupTable, fail: (message: string) => FormatError): Weights {
  const entries = Object.entries(groups);
  const scaled = OBSERVATION_KINDS.map((kind) => {
    const column = columns.indexOf(COLUMNS[kind]);
    if (column < 0) throw fail(`columns must hold "${COLUMNS[kind]}", got ${columns.join(', ')}`);
    const values = entries.map(([group, row]) => {
      const value = Array.isArray(row) ? row[column] : undefined;
      if (typeof value !== 'number' || !(value >= 0) || !Number.isFinite(value))
        throw fail(`${COLUMNS[kind]} of group "${group}" must be a finite number ≥ 0, got ${JSON.stringify(value)}`);
      return value;
    });
    const least = NEGLIGIBLE * Math.max(...values);
    const meant = values.filter((value) => value > least);
    const typical = meant.length > 0 ? median(meant) : 1;
    return values.map((value) => (value > least ? (value / typical) * (value / typical) : 0));
  });
  return Object.fromEntries(
    entries.map(([group], g) => [group, { energy: scaled[0]![g]!, forces: scaled[1]![g]!, virial: scaled[2]![g]! }]),
  );
}

/**
 * Weights from a YAML or JSON file: a map of each config_type to {energy, forces, virial} (or force, stress), which
 * multiply the precision, or a table of FitSNAP. @throws FormatError `BAD_WEIGHTS` with line and column
 */
export async function groupWeights(path: string | undefined, cwd: string): Promise<Weights> {
  if (path === undefined) return {};
  const text = new TextDecoder().decode(await readBytes(resolve(cwd, path)));
  const lines = new LineCounter();
  if (nestsTooDeep(text))
    throw new FormatError('BAD_WEIGHTS', { file: path }, 'weights must not nest deeper than 200 levels');
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const fail = (message: string, offset: number | undefined): FormatError => {
    if (offset === undefined) return new FormatError('BAD_WEIGHTS', { file: path }, message);
    const { line, col } = lines.linePos(offset);
    return new FormatError('BAD_WEIGHTS', { file: path, line, column: col }, message);
  };
  const [wrong] = document.errors;
  if (wrong !== undefined) throw fail(`weights must be YAML: ${wrong.message}`, wrong.pos[0]);
  const { contents } = document;
  if (!isMap(contents)) throw fail('weights must map each config_type to {energy, forces, virial}', 0);
  let table: unknown;
  try {
    table = document.toJS();
  } catch (error) {
    // An alias without its anchor, inside of it, or far too many of them.
    throw fail(`weights must be YAML: ${(error as Error).message}`, 0);
  }
  if (isGroupTable(table)) return weightsOfTable(table, (message) => fail(message, undefined));
  const weights: Record<string, Partial<Record<ObservationKind, number>>> = {};
  for (const { key, value } of contents.items) {
    const offset = isScalar(key) ? key.range?.[0] : undefined;
    if (!isMap(value)) throw fail(`weights of "${String(key)}" must be a map like {energy: 2, forces: 1}`, offset);
    const own: Partial<Record<ObservationKind, number>> = {};
    for (const entry of value.items) {
      const name = String(entry.key);
      const synonym = Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name] : undefined;
      const kind = OBSERVATION_KINDS.find((known) => known === name) ?? synonym;
      const place = isScalar(entry.key) ? entry.key.range?.[0] : offset;
      if (kind === undefined) throw fail(`weights must be of ${OBSERVATION_KINDS.join(', ')}, got "${name}"`, place);
      own[kind] = (isScalar(entry.value) ? entry.value.value : entry.value) as number;
    }
    weights[String(key)] = own;
  }
  frameWeights(weights);
  return weights;
}

/** Refuses weights of groups that are not in the data: a misspelt name would be without effect. */
export function checkWeightGroups(weights: FitSettings['weights'], frames: readonly Frame[]): void {
  const groups = [...new Set(frames.map((frame) => frame.group))];
  const wrong = Object.keys(weights).find((group) => !groups.includes(group));
  if (wrong === undefined) return;
  const near = closestWord(wrong, groups);
  throw new InputError(
    'BAD_WEIGHTS',
    `weights must be of groups of the data (${groups.map((group) => group || '""').join(', ')}), got "${wrong}"${near === null ? '' : `; did you mean ${near}?`}`,
  );
}
