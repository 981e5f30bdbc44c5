import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { EnvironmentError } from '../../core/errors.ts';

/** A process that holds a store for writing. */
export interface LockHolder {
  readonly pid: number;
  /** Start of the process, in clock ticks since boot with the boot's id; null where the system does not tell. */
  readonly startTime: string | null;
  readonly host: string;
}

/**
 * Start time of a process as the kernel tells it, distinguishing it from a later process of the same number; null when
 * there is no such process or no /proc.
 */
export function processStartTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${ticks}`;
  } catch {
    return null;
  }
}

/**
 * Whether the holder still runs: its number is in use and, where that can be told, by the same process. A process of another
 * machine counts as alive, since it cannot be seen from here.
 */
export function isAlive(holder: LockHolder): boolean {
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const startTime = processStartTime(holder.pid);
  return startTime === null || holder.startTime === null || startTime === holder.startTime;
}

/** This process as a holder. */
export function thisProcess(): LockHolder {
  return { pid: process.pid, startTime: processStartTime(process.pid), host: hostname() };
}

/** The error that tells who holds a store. */
export function heldBy(file: string, holder: LockHolder): EnvironmentError {
  const elsewhere = holder.host !== hostname();
  const where = elsewhere ? ` on ${holder.host}` : '';
  const advice = elsewhere ? '; if that machine no longer runs it, run again with --break-lock' : '';
  return new EnvironmentError(
    'RUN_LOCKED',
    `${file}: must not be used by two runs at once, but process ${holder.pid}${where} holds it${advice}`,
    { file, ...holder },
  );
}
