import { workerData } from 'node:worker_threads';
import { carried } from '../../protocol/carried-error.ts';
import type { TaskArguments, TaskName } from './tasks.ts';
import { createTasks } from './tasks.ts';

// Piscina hands its own data first and the user's second.
const data = (Array.isArray(workerData) ? workerData[1] : workerData) as { kernel: string | null };
const tasks = createTasks(data.kernel);

/** Entry point of a worker thread: runs one task; errors travel as data. */
export function work(message: { name: TaskName; argument: TaskArguments<TaskName> }): unknown {
  try {
    return { value: tasks.run(message.name, message.argument) };
  } catch (error) {
    return { error: carried(error) };
  }
}
