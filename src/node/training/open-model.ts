import { sha256Hex } from '../../core/hash.ts';
import { inRegime } from '../../core/potentials/regimes.ts';
import { readModel, writeModel } from '../../formats/model-file.ts';
import { readBytes } from '../files.ts';
import type { ModelHandle } from '../workers/machine.ts';

/** The bytes of a model and the hash that names them. */
export function openModel(bytes: Uint8Array): ModelHandle {
  return { id: sha256Hex(bytes), bytes };
}

/**
 * Reads a model file, checked whole, so that a damaged one is refused before any work.
 * @param regime name of the regime whose error bars are wanted; null for the general ones
 * @throws as `readModel`, `inRegime`
 */
export async function readModelFile(
  path: string,
  shown: string,
  regime: string | null = null,
): Promise<{ handle: ModelHandle } & ReturnType<typeof readModel>> {
  const bytes = await readBytes(path);
  const opened = readModel(bytes, shown);
  if (regime === null) return { handle: openModel(bytes), ...opened };
  const model = inRegime(opened.model, regime);
  return { handle: openModel(writeModel(model, opened.basis)), model, basis: opened.basis };
}
