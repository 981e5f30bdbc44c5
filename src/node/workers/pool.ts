import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { EnvironmentError } from '../../core/errors.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import type { CarriedError } from '../../protocol/carried-error.ts';
import { uncarried } from '../../protocol/carried-error.ts';
import { nodeKernels } from '../kernels.ts';
import type { TaskArguments, TaskName, TaskResult } from './tasks.ts';
import { createTasks } from './tasks.ts';
import { workerUrl } from './worker-url.ts';

/** Runs named tasks of `tasks.ts`, each a pure function of its arguments, on some number of threads. */
export interface TaskPool {
  readonly threads: number;
  /** Kernels of this thread, of the same variant as those of the workers. */
  readonly kernels: Kernels;
  /** Result of one task. */
  run<N extends TaskName>(name: N, argument: TaskArguments<N>): Promise<TaskResult<N>>;
  /**
   * Results in the order of the arguments, whatever the order of their completion. When tasks fail, the error is that of
   * the first of them in the order of the arguments, on any number of threads; later ones are then not begun.
   */
  map<N extends TaskName>(
    name: N,
    list: readonly TaskArguments<N>[],
    onDone?: (done: number) => void,
  ): Promise<TaskResult<N>[]>;
  /** As `map`, but hands each result over when it comes, in any order, and keeps none; `done` counts them. */
  each<N extends TaskName>(
    name: N,
    list: readonly TaskArguments<N>[],
    onResult: (result: TaskResult<N>, index: number, done: number) => void,
  ): Promise<void>;
  dispose(): Promise<void>;
}

/** `map` on top of `each`. */
function collecting(each: TaskPool['each']): TaskPool['map'] {
  return async (name, list, onDone) => {
    const results = new Array(list.length);
    await each(name, list, (result, index, done) => {
      results[index] = result;
      onDone?.(done);
    });
    return results;
  };
}

/** Processors this process may use: cgroup quota, Slurm's allotment and affinity, whichever is least. */
export function allowedThreads(): number {
  let threads = availableParallelism();
  const slurm = Number(process.env.SLURM_CPUS_PER_TASK);
  if (Number.isInteger(slurm) && slurm > 0) threads = Math.min(threads, slurm);
  const quotaFile = '/sys/fs/cgroup/cpu.max';
  if (existsSync(quotaFile)) {
    const [quota, period] = readFileSync(quotaFile, 'utf8').trim().split(' ').map(Number);
    if (Number.isFinite(quota) && quota! > 0 && period! > 0)
      threads = Math.min(threads, Math.max(1, Math.ceil(quota! / period!)));
  }
  return threads;
}

/** What a worker thread answers. */
type Outcome = { readonly value: unknown } | { readonly error: CarriedError };

/**
 * A pool of worker threads, or this thread alone when `threads` is 1.
 * @throws EnvironmentError `WORKER_FAILED` when a worker dies
 */
export function createPool(threads: number, kernel: string | null): TaskPool {
  let open = true;
  const requireOpen = (): void => {
    if (!open) throw new EnvironmentError('POOL_CLOSED', 'pool must be open to run tasks, but was disposed of');
  };
  if (threads <= 1) {
    const tasks = createTasks(kernel);
    const run: TaskPool['run'] = async (name, argument) => {
      requireOpen();
      return tasks.run(name, argument);
    };
    const each: TaskPool['each'] = async (name, list, onResult) => {
      for (const [index, argument] of list.entries()) {
        onResult(await run(name, argument), index, index + 1);
        // Lets signals, timers and progress lines through between tasks.
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return {
      threads: 1,
      kernels: tasks.kernels,
      run,
      map: collecting(each),
      each,
      async dispose() {
        open = false;
        tasks.dispose();
      },
    };
  }
  const piscina = new Piscina({
    filename: workerUrl('worker').href,
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: 60_000,
    workerData: { kernel },
    recordTiming: false,
  });
  const run: TaskPool['run'] = async (name, argument) => {
    requireOpen();
    let outcome: Outcome;
    try {
      outcome = await piscina.run({ name, argument }, { name: 'work' });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new EnvironmentError(
        'WORKER_FAILED',
        `worker thread must not end, but did: ${message}`,
        { task: name },
        error,
      );
    }
    if ('error' in outcome) throw uncarried(outcome.error);
    return outcome.value as never;
  };
  const each: TaskPool['each'] = async (name, list, onResult) => {
    const failures = new Map<number, unknown>();
    let next = 0;
    let done = 0;
    // Tasks begin in order, so the first that fails has begun, and is waited for, whichever fails first in time.
    const lane = async (): Promise<void> => {
      while (next < list.length && failures.size === 0) {
        const index = next++;
        try {
          onResult(await run(name, list[index]!), index, ++done);
        } catch (error) {
          failures.set(index, error);
        }
      }
    };
    await Promise.all(Array.from({ length: threads }, lane));
    if (failures.size > 0) throw failures.get(Math.min(...failures.keys()));
  };
  let kernels: Kernels | null = null;
  return {
    threads,
    get kernels() {
      kernels ??= nodeKernels(kernel);
      return kernels;
    },
    run,
    map: collecting(each),
    each,
    async dispose() {
      open = false;
      kernels?.dispose();
      await piscina.destroy();
    },
  };
}
