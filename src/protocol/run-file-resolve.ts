import { z } from 'zod';
import { Document, isScalar, visit } from 'yaml';
import { FormatError } from '../core/errors.ts';
import type { RunFile } from './run-file.ts';
import { runFileSchema } from './run-file.ts';
import { brokenRules } from './run-file-checks.ts';
import { describeIssues, formatIssue } from './run-file-diagnostics.ts';
import type { KeyPath, Layer, RunFileIssue } from './run-file-layers.ts';
import { escapeVariables, isRecord, mergeSettings, setLayer, withSetting, yamlLayer } from './run-file-layers.ts';
import { referenceSchema } from './run-file-reference.ts';
import type { ReferenceSettings } from './run-file-reference.ts';

/** A run file that another one extends. */
export interface ExtendedFile {
  readonly text: string;
  /** Name of it, for messages and to find what it extends itself. */
  readonly file: string;
  /** Turns a path relative to it into one relative to the file that extends it. */
  readonly rebase: (path: string) => string;
}

/** Reads the file that `file` extends by the name `reference`. @throws EnvironmentError when it cannot be read */
export type ReadExtends = (reference: string, file: string) => ExtendedFile;

/** Settings with every path in them moved by `rebase`. */
function rebased(settings: unknown, rebase: (path: string) => string): unknown {
  if (!isRecord(settings)) return settings;
  const moved: Record<string, unknown> = { ...settings };
  if (Array.isArray(settings.structures)) {
    moved.structures = settings.structures.map((entry) =>
      isRecord(entry) && typeof entry.file === 'string' ? { ...entry, file: rebase(entry.file) } : entry,
    );
  }
  const reference = settings.reference;
  if (isRecord(reference)) {
    const copy: Record<string, unknown> = { ...reference };
    if (typeof reference.pseudoDir === 'string') copy.pseudoDir = rebase(reference.pseudoDir);
    else if (isRecord(reference.pseudopotentials)) {
      copy.pseudopotentials = Object.fromEntries(
        Object.entries(reference.pseudopotentials).map(([symbol, path]) => [
          symbol,
          typeof path === 'string' ? rebase(path) : path,
        ]),
      );
    }
    moved.reference = copy;
  }
  return moved;
}

/** Settings of a file over those of the file it extends, and so on; layers in order of precedence. */
function gather(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  readExtends: ReadExtends,
  seen: readonly string[],
  issues: RunFileIssue[],
): { readonly settings: unknown; readonly layers: readonly Layer[] } {
  const layer = yamlLayer(text, file, env, issues);
  if (!isRecord(layer.value) || layer.value.extends === undefined) return { settings: layer.value, layers: [layer] };
  const { extends: parent, ...own } = layer.value;
  const position = layer.locate(['extends'], false) ?? { file };
  if (typeof parent !== 'string' || parent === '') {
    issues.push({ position, path: 'extends', message: 'must be the name of a run file' });
    return { settings: own, layers: [layer] };
  }
  const extended = readExtends(parent, file);
  if (extended.file === file || seen.includes(extended.file)) {
    issues.push({ position, path: 'extends', message: `must not lead back to ${extended.file}` });
    return { settings: own, layers: [layer] };
  }
  const above = gather(extended.text, extended.file, env, readExtends, [...seen, file], issues);
  return { settings: mergeSettings(rebased(above.settings, extended.rebase), own), layers: [layer, ...above.layers] };
}

function refuse(found: readonly RunFileIssue[]): never {
  const place = ({ position }: RunFileIssue): number => (position.line ?? 0) * 10_000 + (position.column ?? 0);
  const issues = [...found].sort((a, b) => place(a) - place(b));
  const [first, ...rest] = issues;
  const message = [first!.path, first!.message].filter((part) => part !== '').join(': ');
  throw new FormatError('RUN_FILE', first!.position, [message, ...rest.map(formatIssue)].join('\n'), { issues });
}

function resolve<T>(
  schema: z.ZodType<T>,
  text: string,
  file: string,
  sets: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readExtends: ReadExtends,
): { readonly value: T; readonly layers: readonly Layer[] } {
  const issues: RunFileIssue[] = [];
  const gathered = gather(text, file, env, readExtends, [], issues);
  let settings = gathered.settings;
  const overrides: Layer[] = [];
  for (const argument of sets) {
    const set = setLayer(argument, issues);
    if (set === null) continue;
    overrides.unshift(set.layer);
    settings = withSetting(settings, set.path, set.value);
  }
  const layers = [...overrides, ...gathered.layers];
  const result = schema.safeParse(settings);
  if (!result.success && (issues.length === 0 || isRecord(settings))) {
    // After a syntax error the keys are not known: what is missing then says nothing.
    const syntax = issues.some(
      (issue) => issue.path === '' && issue.position.line !== undefined && /^[A-Z_]+:/.test(issue.message),
    );
    if (!syntax) issues.push(...describeIssues(result.error.issues, settings, layers, file, schema));
  }
  if (issues.length > 0 || !result.success) refuse(issues);
  return { value: result.data, layers };
}

/**
 * The complete run file of a text: `extends` followed, `${NAME}` replaced, `--set path=value` applied, every default
 * filled in and every rule checked. Pure: what it extends is read by `readExtends`.
 *
 * @param sets  arguments of `--set`, later ones win
 * @throws FormatError `RUN_FILE` with all issues at once, one per line as `file:line:column: key: message`;
 *         `details.issues` holds them as {@link RunFileIssue}
 */
export function resolveRunFile(
  text: string,
  file: string,
  sets: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readExtends: ReadExtends,
): RunFile {
  const { value, layers } = resolve(runFileSchema, text, file, sets, env, readExtends);
  const broken = brokenRules(value);
  if (broken.length > 0) {
    const locate = (path: KeyPath) => {
      for (let length = path.length; length >= 0; length--) {
        for (const layer of layers) {
          const position = layer.locate(path.slice(0, length), false);
          if (position !== null) return position;
        }
      }
      return { file };
    };
    refuse(broken.map(({ path, message }) => ({ position: locate(path), path: path.join('.'), message })));
  }
  return { ...value, reference: withMesh(value.reference) };
}

/** Tight binding without a word about k-points samples a 2 × 2 × 2 mesh. */
function withMesh(reference: ReferenceSettings): ReferenceSettings {
  if (reference.kind !== 'tb-si' || reference.mesh !== undefined || reference.spacing !== undefined) return reference;
  return { ...reference, mesh: [2, 2, 2] };
}

/**
 * The `reference:` settings of a text that is either a run file or a file with a `reference:` section alone.
 * @throws FormatError `RUN_FILE` as {@link resolveRunFile}
 */
export function resolveReferenceFile(
  text: string,
  file: string,
  sets: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readExtends: ReadExtends,
): ReferenceSettings {
  return withMesh(
    resolve(z.looseObject({ reference: referenceSchema }), text, file, sets, env, readExtends).value.reference,
  );
}

/** The run file as YAML with every default written out: what is stored in the run directory. */
export function formatRunFile(file: RunFile): string {
  const document = new Document(JSON.parse(JSON.stringify(file)));
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string') node.value = escapeVariables(node.value);
    },
    Seq(_, node) {
      if (node.items.every((item) => isScalar(item))) node.flow = true;
    },
  });
  return document.toString({ flowCollectionPadding: false, lineWidth: 110 });
}

/** JSON Schema (2020-12) of the run file as a person writes it, for editors. */
export function runFileJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(runFileSchema, { io: 'input' }) as Record<string, unknown>;
  const properties = schema.properties as Record<string, unknown>;
  return {
    ...schema,
    title: 'Querent run file',
    properties: {
      extends: { type: 'string', description: 'A run file whose settings this one changes, relative to it.' },
      ...properties,
    },
  };
}
