import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import type { RunFile } from '../protocol/run-file.ts';
import type { ReadExtends } from '../protocol/run-file-resolve.ts';
import { resolveRunFile } from '../protocol/run-file-resolve.ts';
import { readError } from '../node/files.ts';
import type { VerbContext } from './verb.ts';

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw readError(error, path);
  }
}

/** Name of a file as a person would write it: relative to the working folder where that is shorter. */
function shown(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === '' || short.startsWith('../..') || isAbsolute(short) ? path : short;
}

function extendsReader(cwd: string): ReadExtends {
  return (reference, file) => {
    const from = dirname(resolve(cwd, file));
    const path = resolve(from, reference);
    const rebase = (name: string): string => (isAbsolute(name) ? name : relative(from, resolve(dirname(path), name)));
    return { text: readText(path), file: shown(path, cwd), rebase };
  };
}

/**
 * The run file at an absolute path, complete.
 * @throws FormatError `RUN_FILE` with everything that is wrong with it; InputError `FILE_NOT_FOUND`
 */
export function readRunFile(path: string, sets: readonly string[], context: Pick<VerbContext, 'cwd' | 'env'>): RunFile {
  const { cwd, env } = context;
  return resolveRunFile(readText(path), shown(path, cwd), sets, env, extendsReader(cwd));
}
