import type { Document, LineCounter as LineCounterType, Node } from 'yaml';
import { isMap, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { SourcePosition } from '../core/errors.ts';
import { nestsTooDeep } from '../core/nesting.ts';

/** One thing that is wrong with a run file, where, and in which key. */
export interface RunFileIssue {
  readonly position: SourcePosition;
  /** Key path, `basis.cutoff`; '' for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** A key path as zod and yaml count it. */
export type KeyPath = readonly (string | number)[];

/** A source of settings that knows where each of them stands. Later layers yield to earlier ones. */
export interface Layer {
  readonly value: unknown;
  /** Position of the value at a path, or of its key; null when this layer does not say it. */
  locate(path: KeyPath, key: boolean): SourcePosition | null;
}

const VARIABLE = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** A text whose `${NAME}` are not taken for variables when it is read. */
export function escapeVariables(text: string): string {
  return text.replace(VARIABLE, (whole) => `$${whole}`);
}

/** Parses one YAML file, replaces `${NAME}` and `${NAME:-default}` in its values (`$${` stands for `${`), and reports what is wrong. */
export function yamlLayer(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  issues: RunFileIssue[],
): Layer {
  if (nestsTooDeep(text)) {
    issues.push({
      position: { file, line: 1, column: 1 },
      path: '',
      message: 'Run file must not nest deeper than 200 levels',
    });
    return { value: {}, locate: () => null };
  }
  const lines: LineCounterType = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const at = (offset: number): SourcePosition => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  for (const error of [...document.errors, ...document.warnings]) {
    issues.push({ position: at(error.pos[0]), path: '', message: `${error.code}: ${error.message}` });
  }
  if (document.errors.length === 0 && !isMap(document.contents)) {
    issues.push({
      position: { file, line: 1, column: 1 },
      path: '',
      message: 'Run file must be a mapping of keys to values',
    });
  }
  substitute(document, env, (offset, message) => issues.push({ position: at(offset), path: '', message }));
  const value = document.errors.length === 0 ? plain(document) : { error: null };
  if (value.error !== null) {
    issues.push({ position: { file, line: 1, column: 1 }, path: '', message: `BAD_ALIAS: ${value.error}` });
  }
  return {
    value: value.data ?? {},
    locate(path, key) {
      const offset = offsetOf(document, path, key);
      return offset === null ? null : at(offset);
    },
  };
}

/** The data of a document, or why there are none: an alias (`*a`) without its anchor (`&a`), one inside of it, or far too many. */
function plain(document: Document): { readonly data?: unknown; readonly error: string | null } {
  try {
    const data: unknown = document.toJS();
    // Data that contain themselves are no tree, which shows when they are written.
    JSON.stringify(data);
    return { data, error: null };
  } catch (error) {
    return {
      error: error instanceof TypeError ? 'an alias must not stand inside of its own anchor' : (error as Error).message,
    };
  }
}

function substitute(
  document: Document,
  env: Readonly<Record<string, string | undefined>>,
  refuse: (offset: number, message: string) => void,
): void {
  visit(document, {
    Scalar(role, node) {
      if (role === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      let missing = false;
      const text = node.value.replace(VARIABLE, (whole, escaped: string, name: string, fallback?: string) => {
        if (escaped !== '') return whole.slice(1);
        // As in a shell, a default also stands for an empty variable.
        const value = fallback === undefined ? env[name] : env[name] || fallback;
        if (value === undefined) {
          refuse(
            node.range?.[0] ?? 0,
            `Environment variable ${name} must be set, or given a default as \${${name}:-…}`,
          );
          missing = true;
        }
        return value ?? '';
      });
      // A plain scalar is read again, so that ${CUTOFF} may be a number; a quoted one stays a string.
      const parsed = node.type === 'PLAIN' && !missing ? parseDocument(text).contents : null;
      node.value = isScalar(parsed) ? parsed.value : text;
    },
  });
}

function offsetOf(document: Document, path: KeyPath, key: boolean): number | null {
  if (path.length === 0) return isNode(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
  if (key) {
    const parent =
      path.length === 1 ? document.contents : (document.getIn(path.slice(0, -1), true) as Node | undefined);
    if (isMap(parent)) {
      const wanted = String(path.at(-1));
      const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === wanted);
      if (pair !== undefined && isNode(pair.key)) return pair.key.range?.[0] ?? null;
    }
    return null;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}

/** Whether a value is a mapping. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A setting of the command line, `--set path=value`, the value in YAML; null (with an issue) when it is not one. */
export function setLayer(
  argument: string,
  issues: RunFileIssue[],
): { readonly layer: Layer; readonly path: KeyPath; readonly value: unknown } | null {
  const position: SourcePosition = { file: `--set ${argument}` };
  const match = /^([A-Za-z][\w.-]*(?:\.[\w-]+)*)=(.*)$/s.exec(argument);
  if (match === null) {
    issues.push({
      position,
      path: '',
      message: 'must have the form path=value, for instance seed=3 or stopping.forceRmse=0.08',
    });
    return null;
  }
  const document = parseDocument(match[2]!, { prettyErrors: false, logLevel: 'error' });
  const given = plain(document);
  const fault = document.errors[0]?.message ?? given.error;
  if (fault !== null) {
    issues.push({ position, path: '', message: `value is not YAML: ${fault}` });
    return null;
  }
  const path = match[1]!.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const within = (other: KeyPath): boolean =>
    path.every((part, i) => other[i] === undefined || String(other[i]) === String(part));
  const layer: Layer = {
    value: undefined,
    locate: (other) => (other.length >= path.length && within(other) ? position : null),
  };
  return { layer, path, value: given.data };
}

/**
 * Settings of `child` over those of `parent`: mappings are merged key by key, everything else is replaced. A mapping whose
 * `kind` changes is replaced as a whole, since the keys of one kind mean nothing to another.
 */
export function mergeSettings(parent: unknown, child: unknown): unknown {
  if (!isRecord(parent) || !isRecord(child)) return child === undefined ? parent : child;
  if (child.kind !== undefined && parent.kind !== undefined && child.kind !== parent.kind) return child;
  const merged: Record<string, unknown> = { ...parent };
  for (const [key, value] of Object.entries(child)) merged[key] = mergeSettings(parent[key], value);
  return merged;
}

/** The settings with the value at `path` replaced; missing mappings on the way are made. */
export function withSetting(settings: unknown, path: KeyPath, value: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  if (Array.isArray(settings) && typeof first === 'number') {
    const copy = [...settings];
    copy[first] = withSetting(copy[first], rest, value);
    return copy;
  }
  const record = isRecord(settings) ? settings : {};
  return { ...record, [first]: withSetting(record[String(first)], rest, value) };
}
