import { readFileSync } from 'node:fs';

/** A JSON file of reference numbers in test/golden. */
export function golden<T = Record<string, never>>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8')) as T;
}
