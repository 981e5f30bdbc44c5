import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import { readAsi } from '../formats/asi.ts';
import { potentialFormat, readBBasisFile, readPotentialFile } from '../formats/potential-file.ts';
import { readBytes } from '../node/files.ts';
import type { ActiveSetFile, PotentialFile } from '../node/workers/machine.ts';
import type { VerbContext, VerbOptions } from './verb.ts';

/** A potential file, checked, and its active set if there is one. */
export interface OpenedPotential {
  readonly potential: PotentialFile;
  readonly activeSet: ActiveSetFile | null;
}

/** Adds `--active-set`. */
export function addActiveSetOption(command: Command): Command {
  return command.option(
    '--active-set <file>',
    'active set (.asi) of a .yaml potential, for extrapolation grades; by default the .asi of the same name',
  );
}

/**
 * Opens a potential file of the PACE family with its active set: the one that is asked for, or the `.asi` beside a
 * `.yaml`. Both are read whole here: what is wrong with a file is no fault of a structure.
 *
 * @throws InputError `BAD_OPTION`; FormatError as of the readers
 */
export async function openPotential(
  path: string,
  options: VerbOptions,
  context: VerbContext,
): Promise<OpenedPotential> {
  const full = (name: string): string => resolve(context.cwd, name);
  const text = new TextDecoder().decode(await readBytes(full(path)));
  const potential = { id: sha256Hex(path, '\n', text), name: path, text };
  const asked = options.activeSet as string | undefined;
  if (potentialFormat(path) === 'yace') {
    if (asked !== undefined)
      throw new InputError(
        'BAD_OPTION',
        `--active-set must come with a .yaml potential (a .yace holds no descriptors), got "${path}"`,
      );
    readPotentialFile(text, path);
    return { potential, activeSet: null };
  }
  const beside = path.replace(/\.ya?ml$/i, '.asi');
  const name = asked ?? (existsSync(full(beside)) ? beside : null);
  const { elements, functions } = readBBasisFile(text, path);
  if (name === null) return { potential, activeSet: null };
  const bytes = await readBytes(full(name));
  readAsi(
    bytes,
    name,
    elements,
    functions.map((own) => own.length),
  );
  return { potential, activeSet: { id: sha256Hex(bytes), name, bytes } };
}
