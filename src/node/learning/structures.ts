import { resolve } from 'node:path';
import { prototypeStructure } from '../../core/structure/prototypes.ts';
import { checkStructure } from '../../core/structure/checks.ts';
import type { Structure } from '../../core/structure/structure.ts';
import type { RunFile } from '../../protocol/run-file.ts';
import { readFrames } from '../frames.ts';

/**
 * The structures a run starts from, in the order of its file; paths are relative to `directory`.
 * @throws InputError, FormatError as the readers and `checkStructure`
 */
export async function startingStructures(runFile: RunFile, directory: string): Promise<Structure[]> {
  const structures: Structure[] = [];
  for (const [index, source] of runFile.structures.entries()) {
    if ('file' in source) {
      const [path, ...slice] = source.file.split('@');
      const { frames } = await readFrames([[resolve(directory, path!), ...slice].join('@')]);
      structures.push(...frames.map((frame) => frame.structure));
    } else {
      const { c, ...rest } = source;
      structures.push(prototypeStructure(c === undefined ? rest : { ...rest, c }));
    }
    checkStructure(structures.at(-1)!, `structures.${index}`);
  }
  return structures;
}
