import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DriverOptions, LoopOutcome } from '../../src/loop/driver.ts';
import { runLoop } from '../../src/loop/driver.ts';
import type { RunStore } from '../../src/loop/store.ts';
import { openStore } from '../../src/node/store/store.ts';
import type { RunFile } from '../../src/protocol/run-file.ts';
import type { LabelResult } from '../../src/reference/reference.ts';
import type { ToyLabellerOptions } from './toy.ts';
import { ToyLabeller, toyCompute, toyRunFile } from './toy.ts';

/** What `withFolder` hands over: a folder that is removed afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'querent-loop-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The crash that tests throw: nothing after it is executed by the driver. */
export class Crash extends Error {}

/** A store whose process dies right after (or right before) its n-th transaction. */
export function crashing(store: RunStore, transaction: number, when: 'before' | 'after'): RunStore {
  let count = 0;
  const guarded = <A extends unknown[], R>(write: (...args: A) => R) => {
    return (...args: A): R => {
      count++;
      if (count > transaction || (count === transaction && when === 'before'))
        throw new Crash(`transaction ${transaction}`);
      const result = write(...args);
      if (count === transaction) throw new Crash(`transaction ${transaction}`);
      return result;
    };
  };
  return {
    damage: store.damage,
    append: guarded(store.append.bind(store)),
    saveSnapshot: guarded(store.saveSnapshot.bind(store)),
    appendTelemetry: store.appendTelemetry.bind(store),
    events: store.events.bind(store),
    blob: store.blob.bind(store),
    snapshot: store.snapshot.bind(store),
    telemetry: store.telemetry.bind(store),
    close: store.close.bind(store),
  };
}

/** How one session of a toy run is set up. */
export interface ToyRun {
  readonly file: string;
  readonly runFile?: RunFile;
  readonly disk?: Map<string, LabelResult>;
  readonly labeller?: ToyLabellerOptions;
  readonly crash?: { readonly transaction: number; readonly when: 'before' | 'after' };
  readonly signal?: AbortSignal;
  readonly driver?: Partial<DriverOptions>;
  readonly maxPages?: number;
}

/** Runs one session of a toy run on the store in `file`. */
export async function session(run: ToyRun): Promise<{ outcome: LoopOutcome; labeller: ToyLabeller }> {
  const runFile = run.runFile ?? toyRunFile();
  const labeller = new ToyLabeller(run.disk, run.labeller);
  const store = openStore(run.file, run.maxPages === undefined ? {} : { maxPages: run.maxPages });
  try {
    const outcome = await runLoop({
      store: run.crash === undefined ? store : crashing(store, run.crash.transaction, run.crash.when),
      compute: toyCompute(runFile),
      labeller,
      runFile,
      inputs: { 'toy.xyz': 'a'.repeat(64) },
      kernel: 'plain',
      querent: '0.0.0',
      process: { pid: 1, startTime: null, host: 'here' },
      signal: run.signal ?? new AbortController().signal,
      now: () => 0,
      ...run.driver,
    });
    return { outcome, labeller };
  } finally {
    store.close();
  }
}
