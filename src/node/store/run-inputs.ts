import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { InputError } from '../../core/errors.ts';
import { sha256Hex } from '../../core/hash.ts';
import { parseFrameArgument } from '../../formats/frames.ts';
import type { RunFile } from '../../protocol/run-file.ts';
import { readBytes, sha256File, writeFileAtomic } from '../files.ts';

/** A run file whose paths start from the run directory, and the sha256 of the files it names there. */
export interface RunInputs {
  readonly runFile: RunFile;
  readonly inputs: Readonly<Record<string, string>>;
}

/** Copies files into `inputs/` of a run directory, each once. */
class InputFolder {
  readonly hashes: Record<string, string> = {};
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Path of the copy relative to the run directory. @throws InputError `RUN_INPUTS` when another file took its place */
  async take(path: string): Promise<string> {
    const bytes = await readBytes(path);
    const hash = sha256Hex(bytes);
    let name = `inputs/${basename(path)}`;
    // Two files of one name: the second carries the beginning of its hash.
    if (this.hashes[name] !== undefined && this.hashes[name] !== hash)
      name = `inputs/${hash.slice(0, 8)}-${basename(path)}`;
    const target = join(this.directory, name);
    if (existsSync(target)) {
      if ((await sha256File(target)) !== hash) {
        throw new InputError(
          'RUN_INPUTS',
          `Input file ${path} must be the one the run began with (${target}); start a new run in another directory`,
          { path, target },
        );
      }
    } else {
      await mkdir(join(this.directory, 'inputs'), { recursive: true });
      await writeFileAtomic(target, bytes);
    }
    this.hashes[name] = hash;
    return name;
  }
}

/**
 * Makes a run directory self-contained: structure files and pseudopotentials of the run file are copied to `inputs/`, and
 * the run file names the copies. Programs of a `command` reference stay where they are, named relative to the directory.
 * Doing it again, from the original run file or from the copy in the directory, gives the same.
 *
 * @param base  folder of the run file, from which its paths start
 * @throws InputError `FILE_NOT_FOUND`, `RUN_INPUTS` when a file changed since the run began
 */
export async function takeInputs(runFile: RunFile, base: string, directory: string): Promise<RunInputs> {
  const folder = new InputFolder(directory);
  const structures: RunFile['structures'] = [];
  for (const source of runFile.structures) {
    if (!('file' in source)) {
      structures.push(source);
      continue;
    }
    const { file } = parseFrameArgument(source.file);
    const slice = source.file.slice(file.length);
    structures.push({ file: `${await folder.take(resolve(base, file))}${slice}` });
  }
  let reference = runFile.reference;
  if (reference.kind === 'quantum-espresso') {
    const pseudopotentials: Record<string, string> = {};
    const from = reference.pseudoDir === undefined ? base : resolve(base, reference.pseudoDir);
    let taken = 0;
    for (const [symbol, name] of Object.entries(reference.pseudopotentials)) {
      const path = resolve(from, name);
      // Those that are not there may be in a folder of the system, which is searched later.
      if (existsSync(path)) {
        pseudopotentials[symbol] = (await folder.take(path)).slice('inputs/'.length);
        taken++;
      } else pseudopotentials[symbol] = name;
    }
    if (taken > 0) reference = { ...reference, pseudopotentials, pseudoDir: 'inputs' };
  }
  if (reference.kind === 'quantum-espresso' || reference.kind === 'command') {
    const command = reference.command.map((word) => moved(word, base, directory));
    reference = { ...reference, command };
  }
  return { runFile: { ...runFile, structures, reference }, inputs: folder.hashes };
}

/** A word of a command that names a file beside the run file, relative to the run directory; others as they are. */
function moved(word: string, base: string, directory: string): string {
  if (word.startsWith('-') || isAbsolute(word) || !existsSync(resolve(base, word))) return word;
  const path = relative(directory, resolve(base, word));
  return path.startsWith('.') ? path : `./${path}`;
}
