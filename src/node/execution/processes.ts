import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that no other can be mistaken for on the same boot: its number and the clock ticks at which it started. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat; '' where there is no /proc. */
  readonly startTime: string;
}

/** Environment variable that marks every process of an engine with the directory of its attempt. */
export const ATTEMPT_VARIABLE = 'QUERENT_ATTEMPT';

/** Identity and state letter from the text of /proc/<pid>/stat (a bare number is accepted), or null. */
export function parseProcessStat(text: string): (ProcessIdentity & { readonly state: string }) | null {
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0)) return null;
  // The name in brackets may hold blanks and brackets itself: fields are counted after the last one.
  const fields = text
    .slice(text.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  return { pid, startTime: text.includes(')') ? (fields[19] ?? '') : '', state: fields[0] ?? '' };
}

/** Identifier of the current boot of this machine, '' where the system has none: start times compare within one boot. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** Whether that very process still runs (a zombie does not). */
export function isRunning(identity: ProcessIdentity): boolean {
  if (identity.startTime !== '') {
    try {
      const now = parseProcessStat(readFileSync(`/proc/${identity.pid}/stat`, 'utf8'));
      return now !== null && now.startTime === identity.startTime && now.state !== 'Z' && now.state !== 'X';
    } catch {
      return false;
    }
  }
  return signalProcess(identity.pid, 0);
}

/** Sends a signal (0: only asks); false when there is no such process or group (negative number). */
function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Numbers of all processes that carry the mark of an attempt's directory, wherever they were moved to. */
export function markedProcesses(directory: string): number[] {
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  const mark = `\0${ATTEMPT_VARIABLE}=${directory}\0`;
  return names.map(Number).filter((pid) => {
    try {
      return (
        pid !== process.pid &&
        `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`.includes(Buffer.from(mark).toString('latin1'))
      );
    } catch {
      return false;
    }
  });
}

/**
 * Ends every process of an attempt: SIGTERM to its group and to all that carry its mark (launchers such as mpirun put
 * their children into other groups), SIGKILL to what is left after `grace` seconds. Resolves when none is left.
 * @param leader the process that leads the group, or null when it is not known or not ours any more
 */
export async function endProcesses(leader: ProcessIdentity | null, directory: string, grace: number): Promise<void> {
  const living = (): boolean => (leader !== null && isRunning(leader)) || markedProcesses(directory).length > 0;
  const send = (signal: NodeJS.Signals): void => {
    if (leader !== null && isRunning(leader)) signalProcess(-leader.pid, signal);
    for (const pid of markedProcesses(directory)) signalProcess(pid, signal);
  };
  send('SIGTERM');
  for (const start = performance.now(); living() && performance.now() - start < 1000 * grace; ) await sleep(20);
  while (living()) {
    send('SIGKILL');
    await sleep(20);
  }
}
