import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { uncarried } from './carried-error.ts';
import type { TaskArguments, TaskName, TaskResult } from './tasks.ts';
import { createTasks } from './tasks.ts';
import { workerUrl } from './worker-url.ts';

/** Runs named tasks of `tasks.ts`, each a pure function of its arguments, on some number of threads. */
export interface TaskPool {
  readonly threads: number;
  /** Result of one task. */
  run<N extends TaskName>(name: N, argument: TaskArguments<N>): Promise<TaskResult<N>>;
  /** Results in the order of the arguments, whatever the order of their completion. */
  map<N extends TaskName>(
    name: N,
    list: readonly TaskArguments<N>[],
    onDone?: (done: number) => void,
  ): Promise<TaskResult<N>[]>;
  dispose(): Promise<void>;
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

/**
 * A pool of worker threads, or this thread alone when `threads` is 1.
 * @throws EnvironmentError `WORKER_FAILED` when a worker dies
 */
export function createPool(threads: number, kernel: string | null): TaskPool {
  if (threads <= 1) {
    const tasks = createTasks(kernel);
    const run: TaskPool['run'] = async (name, argument) => tasks.run(name, argument);
    return {
      threads: 1,
      run,
      async map(name, list, onDone) {
        const results = [];
        for (const argument of list) {
          results.push(await run(name, argument));
          onDone?.(results.length);
          // Lets signals, timers and progress lines through between tasks.
          await new Promise((resolve) => setImmediate(resolve));
        }
        return results;
      },
      async dispose() {
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
    const outcome = await piscina.run({ name, argument }, { name: 'work' });
    if (outcome.error !== undefined) throw uncarried(outcome.error);
    return outcome.value;
  };
  return {
    threads,
    run,
    map(name, list, onDone) {
      let done = 0;
      return Promise.all(
        list.map(async (argument) => {
          const result = await run(name, argument);
          onDone?.(++done);
          return result;
        }),
      );
    },
    dispose: () => piscina.destroy(),
  };
}
