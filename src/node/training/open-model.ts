import { sha256Hex } from '../../core/hash.ts';
import { readModel } from '../../formats/model-file.ts';
import { readBytes } from '../files.ts';
import type { ModelHandle } from '../workers/machine.ts';

/** The bytes of a model and the hash that names them. */
export function openModel(bytes: Uint8Array): ModelHandle {
  return { id: sha256Hex(bytes), bytes };
}

/** Reads a model file, checked whole, so that a damaged one is refused before any work. @throws as `readModel` */
export async function readModelFile(
  path: string,
  shown: string,
): Promise<{ handle: ModelHandle } & ReturnType<typeof readModel>> {
  const bytes = await readBytes(path);
  return { handle: openModel(bytes), ...readModel(bytes, shown) };
}
