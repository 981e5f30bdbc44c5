import { constants, createReadStream } from 'node:fs';
import { access, type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { EnvironmentError, InputError, type QuerentError } from '../core/errors.ts';

/** The `code` of a system error, or ''. */
function systemCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** What to tell about a failed read of `path`: a missing file or a folder is the caller's fault, the rest the machine's. */
export function readError(error: unknown, path: string): QuerentError {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new InputError('FILE_NOT_FOUND', `file must exist, got "${path}"`, { path }, error);
  if (code === 'EISDIR')
    return new InputError('NOT_A_FILE', `path must be a file, got the folder "${path}"`, { path }, error);
  if (code === 'EACCES' || code === 'EPERM') {
    return new EnvironmentError(
      'NOT_READABLE',
      `file "${path}" must be readable by this user (${code})`,
      { path, code },
      error,
    );
  }
  return new EnvironmentError(
    'READ_FAILED',
    `cannot read "${path}": ${error instanceof Error ? error.message : String(error)}`,
    { path, code },
    error,
  );
}

/** What to tell about a failed write of `path`. */
export function writeError(error: unknown, path: string): QuerentError {
  const code = systemCode(error);
  const fail = (name: string, message: string): EnvironmentError =>
    new EnvironmentError(name, message, { path, code }, error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return fail('DISK_FULL', `cannot write "${path}": the disk or quota is full (${code}); free space and repeat`);
  if (code === 'EFBIG')
    return fail(
      'DISK_FULL',
      `cannot write "${path}": the file would exceed the size limit (${code}); raise it (ulimit -f) and repeat`,
    );
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new InputError('FOLDER_NOT_FOUND', `folder must exist, got "${dirname(path)}"`, { path }, error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return fail('NOT_WRITABLE', `cannot write "${path}": this user may not (${code})`);
  }
  return fail('WRITE_FAILED', `cannot write "${path}": ${error instanceof Error ? error.message : String(error)}`);
}

/** Makes a rename in a folder last through a power cut, where the file system can. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch (error) {
    // Some file systems and Windows cannot sync a folder; the data itself is safe by now.
    if (!['EISDIR', 'EPERM', 'EINVAL', 'EACCES', 'ENOTSUP'].includes(systemCode(error))) throw error;
  } finally {
    await handle?.close();
  }
}

/**
 * Refuses before any work what a later write of `path` would be refused: a folder that is not there or may not be
 * written, or a folder of that name.
 * @throws InputError `FOLDER_NOT_FOUND`, `NOT_A_FILE`; EnvironmentError `NOT_WRITABLE`
 */
export async function checkWritable(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK);
    await access(join(dirname(path), '.'));
  } catch (error) {
    throw writeError(error, path);
  }
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory())
    throw new InputError('NOT_A_FILE', `path must be a file, got the folder "${path}"`, { path });
}

let serial = 0;

/** A name beside `path` under which this process may prepare what is to take the name `path` by a rename. */
export function temporaryPath(path: string): string {
  serial++;
  return join(dirname(path), `.${basename(path)}.${process.pid}.${serial}.tmp`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** Removes what processes that were killed left under names of {@link temporaryPath} for the same `path`. */
export async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(path);
  const start = `.${basename(path)}.`;
  for (const name of await readdir(folder)) {
    const match = name.startsWith(start) ? /^(\d+)\.\d+\.tmp$/.exec(name.slice(start.length)) : null;
    if (match !== null && Number(match[1]) !== process.pid && !isAlive(Number(match[1])))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Replaces a file in one step: the data go to a temporary file in the same folder, reach the disk (fsync) and take the
 * name by a rename, so that whoever reads sees the old file or the new one, and a crash leaves one of them whole (and the
 * temporary file, which the next write removes).
 * @throws EnvironmentError `DISK_FULL`, `NOT_WRITABLE`, `WRITE_FAILED`; InputError `FOLDER_NOT_FOUND`
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(error, path);
  }
  // The file is there: leftovers that cannot be removed are no reason to fail.
  await removeAbandoned(path).catch(() => undefined);
}

/** All bytes of a file. @throws InputError `FILE_NOT_FOUND`, `NOT_A_FILE`; EnvironmentError `NOT_READABLE`, `READ_FAILED` */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw readError(error, path);
  }
}

/** sha256 of a file as 64 hex digits, read piece by piece. @throws as `readBytes` */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (error) {
    throw readError(error, path);
  }
  return hash.digest('hex');
}
