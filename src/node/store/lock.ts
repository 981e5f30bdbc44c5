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

/** Bit of SIGKILL in the masks of pending signals. */
const SIGKILL = 1n << 8n;
/** The kernel's flag of a task that is exiting. */
const EXITING = 4;

/** Fields of /proc/<pid>/stat after the name, from the state on; null when there is no such process or no /proc. */
function statFields(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/**
 * Start time of a process as the kernel tells it, distinguishing it from a later process of the same number; null when
 * there is no such process or no /proc.
 */
export function processStartTime(pid: number): string | null {
  const fields = statFields(pid);
  try {
    return fields && `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}`;
  } catch {
    return null;
  }
}

/**
 * Whether a process does nothing any more although its number is still in use: it was killed and is not gone yet, or
 * nobody has asked for its exit code. Such a process writes no more.
 */
export function isEnding(pid: number): boolean {
  const fields = statFields(pid);
  if (fields === null) return false;
  if (fields[0] === 'Z' || fields[0] === 'X' || (Number(fields[6]) & EXITING) !== 0) return true;
  try {
    const masks = readFileSync(`/proc/${pid}/status`, 'utf8').matchAll(/^(?:Sig|Shd)Pnd:\s*([0-9a-f]+)$/gm);
    return [...masks].some(([, mask]) => (BigInt(`0x${mask}`) & SIGKILL) !== 0n);
  } catch {
    return true;
  }
}

/**
 * Whether the holder still runs: its number is in use and, where that can be told, by the same process, which is not about
 * to end. A process of another machine counts as alive, since it cannot be seen from here.
 */
export function isAlive(holder: LockHolder): boolean {
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const startTime = processStartTime(holder.pid);
  if (startTime === null || holder.startTime === null) return true;
  return startTime === holder.startTime && !isEnding(holder.pid);
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
