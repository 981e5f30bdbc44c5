import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Arm, RunResult } from '../../core/backtest/play.ts';
import { EnvironmentError, InputError } from '../../core/errors.ts';
import { readError, writeError, writeFileAtomic } from '../files.ts';

/** Where finished runs are kept. */
export interface RunStore {
  /** Prepares the store for runs of this fingerprint. @throws InputError `OTHER_BACKTEST` when it holds runs of another */
  open(fingerprint: string): Promise<void>;
  /** The run of an arm, or null. */
  find(arm: Arm): Promise<RunResult | null>;
  save(result: RunResult): Promise<void>;
}

/** Keeps nothing. */
export const NO_STORE: RunStore = {
  open: async () => undefined,
  find: async () => null,
  save: async () => undefined,
};

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw readError(error, path);
  }
}

/**
 * Runs as one JSON file each in the folder `runs` of a directory; each file appears whole or not at all, so a back-test
 * that was killed goes on where it was.
 */
export function directoryStore(directory: string): RunStore {
  const folder = join(directory, 'runs');
  const pathOf = ({ strategy, split, run }: Arm): string => join(folder, `${strategy}-${split}-${run}.json`);
  return {
    async open(fingerprint) {
      await mkdir(folder, { recursive: true }).catch((error: unknown) => {
        throw writeError(error, folder);
      });
      const path = join(folder, 'fingerprint');
      const known = await textOf(path);
      if (known !== null && known.trim() !== fingerprint)
        throw new InputError(
          'OTHER_BACKTEST',
          `output directory must be new or hold runs of the same data and settings, got others in "${directory}"; name another with --output`,
        );
      if (known === null) await writeFileAtomic(path, `${fingerprint}\n`);
    },
    async find(arm) {
      const path = pathOf(arm);
      const text = await textOf(path);
      if (text === null) return null;
      try {
        return JSON.parse(text, nanOfNull) as RunResult;
      } catch (error) {
        throw new EnvironmentError(
          'BAD_RUN',
          `run "${path}" must be JSON; remove the file and repeat`,
          { path },
          error,
        );
      }
    },
    async save(result) {
      await writeFileAtomic(pathOf(result), `${JSON.stringify(result)}\n`);
    },
  };
}

/** Errors that do not exist are NaN, which JSON writes as null; objects that do not exist are null themselves. */
function nanOfNull(key: string, value: unknown): unknown {
  return value === null && key !== 'heldOut' && key !== 'target' ? Number.NaN : value;
}
