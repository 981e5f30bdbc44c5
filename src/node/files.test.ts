import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../core/hash.ts';
import { readBytes, readError, sha256File, writeError, writeFileAtomic } from './files.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'querent-files-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('writeFileAtomic', () => {
  it('writes text and bytes, replaces whole files and leaves nothing beside them', async () => {
    const path = join(folder, 'data.txt');
    await writeFileAtomic(path, 'a longer first version, Å');
    expect(await readFile(path, 'utf8')).toBe('a longer first version, Å');
    await writeFileAtomic(path, Uint8Array.of(1, 2, 255));
    expect(Array.from(await readBytes(path))).toEqual([1, 2, 255]);
    expect(await readdir(folder)).toEqual(['data.txt']);
  });

  it('leaves the old file and no temporary one when it fails', async () => {
    const target = join(folder, 'occupied');
    await mkdir(join(target, 'inside'), { recursive: true });
    await expect(writeFileAtomic(target, 'x')).rejects.toThrow(expect.objectContaining({ code: 'WRITE_FAILED' }));
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await rm(target, { recursive: true });
    await expect(writeFileAtomic(join(folder, 'absent', 'x'), 'x')).rejects.toThrow(
      expect.objectContaining({ code: 'FOLDER_NOT_FOUND' }),
    );
  });

  it('removes what a killed process left of the same file, and nothing of a living one', async () => {
    const path = join(folder, 'killed.txt');
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const names = [`.killed.txt.${dead}.1.tmp`, `.killed.txt.${process.ppid}.1.tmp`, `.other.txt.${dead}.1.tmp`];
    for (const name of names) await writeFile(join(folder, name), 'half a fi');
    await writeFileAtomic(path, 'a whole file');
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp')).sort()).toEqual(names.slice(1).sort());
    for (const name of names.slice(1)) await rm(join(folder, name));
  });

  it('lets many writers of one name each write a whole file', async () => {
    const path = join(folder, 'shared.txt');
    const texts = Array.from({ length: 20 }, (_, k) => String(k).repeat(1000));
    await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
    expect(texts).toContain(await readFile(path, 'utf8'));
  });
});

describe('system errors in our words', () => {
  const system = (code: string): Error => Object.assign(new Error(`${code}: something`), { code });

  it.each([
    ['ENOSPC', 'DISK_FULL', 'the disk or quota is full (ENOSPC); free space and repeat'],
    ['EDQUOT', 'DISK_FULL', 'the disk or quota is full (EDQUOT)'],
    ['EFBIG', 'DISK_FULL', 'exceed the size limit (EFBIG)'],
    ['EACCES', 'NOT_WRITABLE', 'this user may not (EACCES)'],
    ['EROFS', 'NOT_WRITABLE', 'this user may not (EROFS)'],
    ['ENOENT', 'FOLDER_NOT_FOUND', 'folder must exist, got "/a"'],
    ['EIO', 'WRITE_FAILED', 'cannot write "/a/b": EIO: something'],
  ])('writing: %s', (code, name, message) => {
    const error = writeError(system(code), '/a/b');
    expect([error.code, error.message]).toEqual([name, expect.stringContaining(message)]);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it.each([
    ['ENOENT', 'FILE_NOT_FOUND', 'InputError', 'file must exist, got "/a/b"'],
    ['EISDIR', 'NOT_A_FILE', 'InputError', 'path must be a file, got the folder "/a/b"'],
    ['EACCES', 'NOT_READABLE', 'EnvironmentError', 'file "/a/b" must be readable by this user (EACCES)'],
    ['EIO', 'READ_FAILED', 'EnvironmentError', 'cannot read "/a/b": EIO: something'],
  ])('reading: %s', (code, name, kind, message) => {
    const error = readError(system(code), '/a/b');
    expect([error.code, error.name, error.message]).toEqual([name, kind, message]);
  });
});

describe('readBytes and sha256File', () => {
  it('agree with the hash of the core', async () => {
    const path = join(folder, 'large.bin');
    const bytes = Uint8Array.from({ length: 300_000 }, (_, k) => k % 251);
    await writeFile(path, bytes);
    expect(await sha256File(path)).toBe(sha256Hex(bytes));
    await chmod(path, 0o644);
  });

  it('name the file that is missing', async () => {
    const path = join(folder, 'absent.xyz');
    await expect(readBytes(path)).rejects.toThrow(`file must exist, got "${path}"`);
    await expect(sha256File(path)).rejects.toThrow(`file must exist, got "${path}"`);
    await expect(readBytes(folder)).rejects.toThrow('path must be a file');
  });
});
