/** What still works for a run: the processes of its engines. */
import { readdirSync, readFileSync } from 'node:fs';
import { ATTEMPT_VARIABLE } from '../../src/node/execution/processes.ts';

/** Processes that work for any attempt below a directory: number and command line. */
export function enginesOf(directory: string): { pid: number; command: string }[] {
  const mark = `\0${ATTEMPT_VARIABLE}=${directory}/`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (!`\0${readFileSync(`/proc/${name}/environ`, 'utf8')}`.includes(mark)) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        // A zombie has no command line: it has ended.
        return command === '' ? [] : [{ pid: Number(name), command }];
      } catch {
        return [];
      }
    });
}

/** Ends them, and says which there were. */
export function endEngines(directory: string): { pid: number; command: string }[] {
  const engines = enginesOf(directory);
  for (const { pid } of engines) process.kill(pid, 'SIGKILL');
  return engines;
}
