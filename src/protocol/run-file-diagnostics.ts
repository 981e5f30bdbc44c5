import { z } from 'zod';
import type { SourcePosition } from '../core/errors.ts';
import { formatPosition } from '../core/errors.ts';
import { closestWord } from './closest-word.ts';
import type { KeyPath, Layer, RunFileIssue } from './run-file-layers.ts';
import { isRecord } from './run-file-layers.ts';

type Issue = z.core.$ZodIssue;
interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema | false;
  readonly prefixItems?: readonly JsonSchema[];
  readonly const?: unknown;
}

/** Value of plain data at a path; undefined when the path leads nowhere. */
export function valueAt(data: unknown, path: KeyPath): unknown {
  let value = data;
  for (const part of path) {
    if (Array.isArray(value)) value = value[Number(part)];
    else if (isRecord(value)) value = value[String(part)];
    else return undefined;
  }
  return value;
}

/** Branches of a union that the data may have meant: those whose `kind` is the data's, or all of them. */
function branchesOf(schema: JsonSchema, data: unknown): readonly JsonSchema[] {
  const branches = schema.oneOf ?? schema.anyOf;
  if (branches === undefined) return [schema];
  const kind = isRecord(data) ? data.kind : undefined;
  const matching = branches.filter((branch) => kind !== undefined && branch.properties?.kind?.const === kind);
  return (matching.length > 0 ? matching : branches).flatMap((branch) => branchesOf(branch, data));
}

/** Keys that the schema knows at a path of the data. */
export function knownKeys(schema: JsonSchema, data: unknown, path: KeyPath): readonly string[] {
  let at: readonly JsonSchema[] = branchesOf(schema, data);
  let value = data;
  for (const part of path) {
    value = valueAt(value, [part]);
    const next = at.map((branch) =>
      typeof part === 'number'
        ? (branch.prefixItems?.[part] ?? (branch.items || undefined))
        : branch.properties?.[part],
    );
    at = next.filter((branch) => branch !== undefined).flatMap((branch) => branchesOf(branch, value));
  }
  return [...new Set(at.flatMap((branch) => Object.keys(branch.properties ?? {})))];
}

/** How far a branch of a union is from fitting; a wrong type at the top is further than one missing key. */
function misfit(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => {
    if (issue.code === 'unrecognized_keys') return sum + issue.keys.length;
    return sum + (issue.path.length === 0 ? 10 : 1);
  }, 0);
}

/** Issues with every union replaced by the issues of its nearest branch. */
function flatten(issues: readonly Issue[], prefix: KeyPath): Issue[] {
  return issues.flatMap((issue): Issue[] => {
    const path = [...prefix, ...(issue.path as KeyPath)];
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      const nearest = [...issue.errors].sort((a, b) => misfit(a) - misfit(b))[0]!;
      return flatten(nearest, path);
    }
    return [{ ...issue, path }];
  });
}

const quoted = (value: unknown): string =>
  (typeof value === 'string' ? `"${value}"` : JSON.stringify(value)) ?? 'nothing';

function choice(value: unknown, options: readonly unknown[]): string {
  const words = options.map(String);
  const near = typeof value === 'string' ? closestWord(value, words) : null;
  const hint = near === null ? '' : ` — did you mean "${near}"?`;
  const rule = options.length === 1 ? `must be ${quoted(options[0])}` : `must be one of ${words.join(', ')}`;
  return value === undefined ? `is missing: it ${rule}` : `${rule}, got ${quoted(value)}${hint}`;
}

const NOUNS: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'text',
  boolean: 'true or false',
  object: 'a mapping of keys to values',
  record: 'a mapping of keys to values',
  array: 'a list',
  tuple: 'a list',
};

/** One sentence without the key: what the value must be, and what it was. */
function sentence(issue: Issue, value: unknown): string {
  if (issue.code === 'invalid_type') {
    const noun = NOUNS[issue.expected] ?? issue.expected;
    return value === undefined || value === null
      ? `is missing: it must be ${noun}`
      : `must be ${noun}, got ${quoted(value)}`;
  }
  if (issue.code === 'invalid_value') return choice(value, issue.values);
  if (issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options))
    return choice(value, issue.options);
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const [bound, word] =
      issue.code === 'too_small'
        ? [issue.minimum, issue.inclusive ? 'at least' : 'above']
        : [issue.maximum, issue.inclusive ? 'at most' : 'below'];
    if (issue.origin === 'array')
      return `must have ${issue.exact === true ? 'exactly' : word} ${bound} entries, got ${quoted(value)}`;
    if (issue.origin === 'string') return 'must not be empty';
    return `must be ${word} ${bound}, got ${quoted(value)}`;
  }
  if (issue.code === 'invalid_format') return `${issue.message}, got ${quoted(value)}`;
  return issue.message;
}

/** Position of a path in the first layer that says it, or of the nearest enclosing value. */
function locate(layers: readonly Layer[], path: KeyPath, key: boolean, file: string): SourcePosition {
  for (let length = path.length; length >= 0; length--) {
    for (const layer of layers) {
      const position = layer.locate(path.slice(0, length), key && length === path.length);
      if (position !== null) return position;
    }
  }
  return { file };
}

/** What zod found wrong, each with its position and a suggestion where a word is misspelt. */
export function describeIssues(
  issues: readonly Issue[],
  data: unknown,
  layers: readonly Layer[],
  file: string,
  schema: z.ZodType,
): RunFileIssue[] {
  const json = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
  return flatten(issues, []).flatMap((issue): RunFileIssue[] => {
    const path = issue.path as KeyPath;
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => {
        const near = closestWord(key, knownKeys(json, data, path));
        const message = `Unrecognized key "${key}"${near === null ? '' : ` — did you mean "${near}"?`}`;
        return { position: locate(layers, [...path, key], true, file), path: path.join('.'), message };
      });
    }
    const message = sentence(issue, valueAt(data, path));
    return [{ position: locate(layers, path, false, file), path: path.join('.'), message }];
  });
}

/** One line per issue: `file:line:column: path: message`. */
export function formatIssue(issue: RunFileIssue): string {
  return [formatPosition(issue.position), issue.path, issue.message].filter((part) => part !== '').join(': ');
}
