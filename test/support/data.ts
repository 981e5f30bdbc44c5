import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Folder of labelled DFT sets that are not part of this repository (QUERENT_DATA, or a sibling folder). */
export const DATA = process.env.QUERENT_DATA ?? resolve(ROOT, '../shared/data');

/**
 * Absolute path of a data file, or null when the set is not on this machine. Use as
 * `it.skipIf(!path)`; the reason is printed by `skipReason`.
 */
export function dataFile(name: string): string | null {
  const path = resolve(DATA, name);
  return existsSync(path) ? path : null;
}

/** Title suffix of a test that needs `name`, saying why it is skipped where it is. */
export function skipReason(name: string): string {
  return dataFile(name) ? '' : ` (skipped: ${name} is not in ${DATA}; set QUERENT_DATA)`;
}
