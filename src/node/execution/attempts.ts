import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { FormatError } from '../../core/errors.ts';
import { type Structure, atomCount } from '../../core/structure/structure.ts';
import type { FileSet, LabelResult } from '../../reference/reference.ts';
import { removeAbandoned, temporaryPath, writeFileAtomic } from '../files.ts';
import { bootId } from './processes.ts';

/** Newest version of result.json and attempt.json that this program writes and reads. */
export const ATTEMPT_VERSION = 1;

/** What an attempt says of itself before its engine starts (attempt.json). */
export interface AttemptRecord {
  readonly version: number;
  /** Id of the structure. */
  readonly id: string;
  /** Number of the attempt as the caller counts: a later one after `scf` has gentler settings. */
  readonly attempt: number;
  /** What is computed; a result of another identity is not reused. */
  readonly identity: string;
  readonly host: string;
  readonly boot: string;
  /** ms since the epoch. */
  readonly startedAt: number;
}

/** A directory `attempt-<number>` of one structure. */
export interface AttemptDirectory {
  readonly path: string;
  readonly record: AttemptRecord;
}

const ATTEMPT_FILE = 'attempt.json';
const RESULT_FILE = 'result.json';

function readJson(path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new FormatError('ATTEMPT_FILE', { file: path }, `must be JSON, got ${(error as Error).message}`, {}, error);
  }
  const record = value as { version?: unknown } | null;
  if (typeof record !== 'object' || record === null || typeof record.version !== 'number') {
    throw new FormatError('ATTEMPT_FILE', { file: path }, 'must have a version, got none');
  }
  if (record.version > ATTEMPT_VERSION) {
    const message = `must be of version ${ATTEMPT_VERSION} or older, got ${record.version}; a newer program wrote it`;
    throw new FormatError('ATTEMPT_VERSION', { file: path }, message, { version: record.version });
  }
  return record as Record<string, unknown>;
}

/** Attempts under `folder` (`labels/<id>`) that have begun, oldest first. Folders without a record never started and are left out. */
export function listAttempts(folder: string): AttemptDirectory[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^attempt-\d+$/.test(name) && existsSync(join(folder, name, ATTEMPT_FILE)))
    .sort((a, b) => Number(a.slice(8)) - Number(b.slice(8)))
    .map((name) => ({
      path: join(folder, name),
      record: readJson(join(folder, name, ATTEMPT_FILE)) as unknown as AttemptRecord,
    }));
}

/** Gives a prepared directory the next free name `attempt-<number>`. */
function nameAttempt(prepared: string, folder: string): string {
  for (;;) {
    const taken = readdirSync(folder).map((name) => (/^attempt-\d+$/.test(name) ? Number(name.slice(8)) : -1));
    const path = join(folder, `attempt-${Math.max(-1, ...taken) + 1}`);
    try {
      renameSync(prepared, path);
      return path;
    } catch (error) {
      // Another process took the number in between.
      if (!['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
}

/** Makes the next attempt's directory with the prepared files and its record; it has all of them or is not there. */
export async function createAttempt(
  folder: string,
  request: Pick<AttemptRecord, 'id' | 'attempt' | 'identity'>,
  files: FileSet,
): Promise<AttemptDirectory> {
  mkdirSync(folder, { recursive: true });
  const name = join(folder, 'attempt');
  await removeAbandoned(name);
  const prepared = temporaryPath(name);
  const { id, attempt, identity } = request;
  const record = {
    version: ATTEMPT_VERSION,
    id,
    attempt,
    identity,
    host: hostname(),
    boot: bootId(),
    startedAt: Date.now(),
  };
  try {
    mkdirSync(prepared);
    for (const [file, text] of files) {
      mkdirSync(dirname(join(prepared, file)), { recursive: true });
      await writeFileAtomic(join(prepared, file), text);
    }
    await writeFileAtomic(join(prepared, ATTEMPT_FILE), `${JSON.stringify(record, null, 2)}\n`);
    return { path: nameAttempt(prepared, folder), record };
  } catch (error) {
    rmSync(prepared, { recursive: true, force: true });
    throw error;
  }
}

/** Removes an attempt's directory. */
export function removeAttempt(attempt: AttemptDirectory): void {
  rmSync(attempt.path, { recursive: true, force: true });
}

/** Whether the attempt was made on this machine since it was last started: only then do its process numbers mean anything. */
export function isOfThisBoot(record: AttemptRecord): boolean {
  return record.host === hostname() && record.boot === bootId();
}

/** Files of an attempt that exist, as text. */
export function readOutputs(attempt: AttemptDirectory, names: readonly string[]): Map<string, string> {
  const present = names.filter((name) => existsSync(join(attempt.path, name)));
  return new Map(present.map((name) => [name, readFileSync(join(attempt.path, name), 'utf8')]));
}

/** Commits a result: the file is complete on disk, or absent. */
export async function writeResult(attempt: AttemptDirectory, result: LabelResult): Promise<void> {
  const plain =
    result.status === 'done'
      ? { ...result, forces: [...result.forces], virial: result.virial && [...result.virial] }
      : result;
  const { id, attempt: number, identity } = attempt.record;
  const text = JSON.stringify({ version: ATTEMPT_VERSION, id, attempt: number, identity, result: plain });
  await writeFileAtomic(join(attempt.path, RESULT_FILE), `${text}\n`);
}

/** The committed result of an attempt, or null when there is none. @throws FormatError when it is damaged or not of `structure` */
export function readResult(attempt: AttemptDirectory, structure: Structure): LabelResult | null {
  const path = join(attempt.path, RESULT_FILE);
  if (!existsSync(path)) return null;
  const { id, result } = readJson(path) as { id: unknown; result: Record<string, unknown> | undefined };
  const refuse = (what: string): never => {
    throw new FormatError('RESULT_FILE', { file: path }, `must hold ${what}`);
  };
  if (id !== attempt.record.id) refuse(`the result of ${attempt.record.id}, got ${String(id)}`);
  if (typeof result !== 'object' || result === null) return refuse('a result, got none');
  const { status, cost } = result;
  if (typeof cost !== 'number') refuse('a cost, got none');
  if (status === 'failed' || status === 'rejected') {
    if (typeof result.reason !== 'string' || typeof result.message !== 'string') refuse('a reason and a message');
    return result as unknown as LabelResult;
  }
  if (status !== 'done') refuse(`a status done, failed or rejected, got ${String(status)}`);
  const numbers = (value: unknown, length: number, name: string): Float64Array => {
    if (!Array.isArray(value) || value.length !== length || !value.every(Number.isFinite))
      refuse(`${length} finite numbers as ${name}`);
    return Float64Array.from(value as number[]);
  };
  if (!Number.isFinite(result.energy)) refuse('a finite energy');
  return {
    ...(result as unknown as Extract<LabelResult, { status: 'done' }>),
    forces: numbers(result.forces, 3 * atomCount(structure), 'forces'),
    virial: result.virial === null ? null : numbers(result.virial, 6, 'virial'),
  };
}
