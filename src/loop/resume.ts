import { InputError } from '../core/errors.ts';
import { canonicalJson } from '../protocol/canonical-json.ts';
import type { RunFile } from '../protocol/run-file.ts';

/** One setting that differs between the stored run file and the one given now. */
export interface SettingChange {
  /** `budget.labels`. */
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** Sections that may change while a run is under way: they decide when it ends and where it runs, not what it computes. */
const CHANGEABLE = ['stopping', 'budget', 'execution'];

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Settings that differ, leaf by leaf, in alphabetical order. */
export function differences(from: unknown, to: unknown, path = ''): readonly SettingChange[] {
  if (isRecord(from) && isRecord(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
    return keys.flatMap((key) => differences(from[key], to[key], path === '' ? key : `${path}.${key}`));
  }
  return canonicalJson(from) === canonicalJson(to) ? [] : [{ path, from: from ?? null, to: to ?? null }];
}

function mayChange(path: string, runFile: RunFile): boolean {
  // Where pw.x is and how it is started says nothing of what it computes; its version is in the fingerprint.
  if (path === 'reference.command' && runFile.reference.kind === 'quantum-espresso') return true;
  return CHANGEABLE.some((section) => path === section || path.startsWith(`${section}.`));
}

const shown = (value: unknown): string => (value === null ? 'nothing' : canonicalJson(value));

/**
 * What changed between the run file that a run was started with and the one it is resumed with.
 * @throws InputError `RUN_SETTINGS` when something changed that its labels, models or decisions depend on
 */
export function allowedChanges(stored: RunFile, given: RunFile): readonly SettingChange[] {
  const changes = differences(stored, given);
  const refused = changes.filter(({ path }) => !mayChange(path, given));
  if (refused.length === 0) return changes;
  const list = refused.map(({ path, from, to }) => `  ${path}: ${shown(from)} → ${shown(to)}`).join('\n');
  const sameReference = refused.every(({ path }) => !path.startsWith('reference.'));
  const way = sameReference
    ? 'Start a new run in another directory that takes over the labels: querent run RUN.yaml --directory NEW --import-labels OLD'
    : 'Start a new run in another directory; the labels of another reference cannot be taken over';
  throw new InputError(
    'RUN_SETTINGS',
    `The settings of a run must stay as they were except stopping, budget and execution, got\n${list}\n${way}`,
    { refused },
  );
}

/**
 * Checks that the files a run reads have not changed since it began.
 * @throws InputError `RUN_INPUTS` naming the file that did
 */
export function requireSameInputs(
  stored: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
): void {
  for (const path of [...new Set([...Object.keys(stored), ...Object.keys(given)])].sort()) {
    if (stored[path] !== given[path]) {
      throw new InputError(
        'RUN_INPUTS',
        `Input file ${path} must be the one the run began with; start a new run in another directory`,
        {
          path,
          stored: stored[path],
          given: given[path],
        },
      );
    }
  }
}
