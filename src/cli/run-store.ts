import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EnvironmentError, InputError } from '../core/errors.ts';
import { parseBlob } from '../loop/blobs.ts';
import { openState } from '../loop/replay.ts';
import type { LoopState } from '../loop/state.ts';
import { RUN_FILES } from '../node/store/run-directory.ts';
import type { FileStore } from '../node/store/store.ts';
import { openStore } from '../node/store/store.ts';
import type { RunFile } from '../protocol/run-file.ts';

/** A run opened for reading. */
export interface OpenedRun {
  readonly directory: string;
  readonly store: FileStore;
  readonly state: LoopState;
  readonly runFile: RunFile;
}

/**
 * Opens the run in a directory for reading, also while it goes on.
 * @throws EnvironmentError `STORE_MISSING` when there is none; InputError `RUN_EMPTY` when nothing has happened in it
 */
export function openRun(directory: string, cwd: string): OpenedRun {
  const folder = resolve(cwd, directory);
  if (!existsSync(folder)) {
    throw new EnvironmentError('STORE_MISSING', `run directory must exist, got "${directory}"`, { directory });
  }
  const store = openStore(join(folder, RUN_FILES.store), { readOnly: true });
  try {
    const state = openState(store);
    if (state.runFile === null)
      throw new InputError('RUN_EMPTY', `${directory}: the run must have begun`, { directory });
    return { directory: folder, store, state, runFile: parseBlob<RunFile>(store.blob(state.runFile)) };
  } catch (error) {
    store.close();
    throw error;
  }
}
