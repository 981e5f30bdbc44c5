import { accessSync, constants, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { constants as system } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { EnvironmentError } from '../../core/errors.ts';
import { type EngineCommand, type EngineOutcome, STDERR_FILE, STDOUT_FILE } from '../../reference/reference.ts';
import { ATTEMPT_VARIABLE, type ProcessIdentity, endProcesses, isRunning, parseProcessStat } from './processes.ts';

/** How an engine is run on this machine. */
export interface LocalRunOptions {
  /** Absolute directory with the prepared files; the engine's working directory. */
  readonly directory: string;
  /** Time limit, s; null for none. */
  readonly timeout: number | null;
  /** Threads that the engine may use (OMP_NUM_THREADS and its kin). */
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Seconds between SIGTERM and SIGKILL; 2 when absent. */
  readonly grace?: number;
}

/** File that holds /proc/<pid>/stat of the engine's leader, written before the engine starts. */
export const PROCESS_FILE = 'process';
/** File that holds the exit code, renamed into place when the engine has ended by itself. */
export const EXIT_FILE = 'exit-code';

// The engine runs under a shell that outlives this program if it must: it notes who it is before and the exit code after,
// so that a later run can tell a finished calculation from a killed one. Output goes to files directly, not through us.
const WRAPPER = `
{ cat "/proc/$$/stat" 2>/dev/null || echo "$$"; } > ${PROCESS_FILE}.part && mv ${PROCESS_FILE}.part ${PROCESS_FILE} || exit 126
"$@" > ${STDOUT_FILE} 2> ${STDERR_FILE} < /dev/null
code=$?
echo "$code" > ${EXIT_FILE}.part && mv ${EXIT_FILE}.part ${EXIT_FILE}
exit "$code"
`;

/** Absolute path of a program on PATH (or of a path with a slash, relative to `directory`), or null. */
export function findExecutable(command: string, directory: string = process.cwd()): string | null {
  const folders = command.includes('/')
    ? [directory]
    : (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    const path = resolve(folder, command);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // not here
    }
  }
  return null;
}

/** Environment of an engine: threads pinned, Open MPI allowed as root only where this is root, the attempt's mark. */
export function engineEnvironment(run: EngineCommand, options: LocalRunOptions): Record<string, string> {
  const threads = String(options.threads);
  const root: Record<string, string> =
    process.getuid?.() === 0 ? { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' } : {};
  return {
    OMP_NUM_THREADS: threads,
    MKL_NUM_THREADS: threads,
    OPENBLAS_NUM_THREADS: threads,
    ...root,
    ...run.environment,
    [ATTEMPT_VARIABLE]: options.directory,
  };
}

/** The leader of an attempt's processes as the attempt itself noted it, or null before it has. */
export function attemptLeader(directory: string): ProcessIdentity | null {
  try {
    return parseProcessStat(readFileSync(join(directory, PROCESS_FILE), 'utf8'));
  } catch {
    return null;
  }
}

/** Exit code that an attempt left behind (128 + n became signal n), or null when the engine has not ended by itself. */
export function attemptExit(directory: string): Pick<EngineOutcome, 'exitCode' | 'signal'> | null {
  const path = join(directory, EXIT_FILE);
  if (!existsSync(path)) return null;
  const code = Number.parseInt(readFileSync(path, 'utf8'), 10);
  const signal = Object.entries(system.signals).find(([, number]) => code === 128 + number)?.[0];
  return signal === undefined ? { exitCode: code, signal: null } : { exitCode: null, signal };
}

/**
 * Runs a prepared calculation in its own session and process group, output to files, and waits for it. At the time limit
 * everything it started is ended and the outcome says so.
 * @throws EnvironmentError `ENGINE_MISSING` when the program is not on this machine
 * @throws the reason of `signal` after an abort, when nothing of the engine is left
 */
export async function runEngine(run: EngineCommand, options: LocalRunOptions): Promise<EngineOutcome> {
  const { directory, signal, grace = 2 } = options;
  signal.throwIfAborted();
  if (findExecutable(run.command, directory) === null) {
    throw new EnvironmentError('ENGINE_MISSING', `program "${run.command}" must be on PATH, got none there`, {
      command: run.command,
    });
  }
  const start = performance.now();
  const child = execa('/bin/sh', ['-c', WRAPPER, 'sh', run.command, ...run.args], {
    cwd: directory,
    env: engineEnvironment(run, options),
    detached: true,
    cleanup: false,
    stdio: 'ignore',
    reject: false,
    buffer: false,
  });
  const ended = child.then((result) => ({ exitCode: result.exitCode ?? null, signal: result.signal ?? null }));
  const interrupted = await interruption(ended, options.timeout, signal);
  if (interrupted !== null) {
    await endProcesses(
      attemptLeader(directory) ?? (child.pid ? { pid: child.pid, startTime: '' } : null),
      directory,
      grace,
    );
  }
  const shell = await ended;
  const seconds = (performance.now() - start) / 1000;
  if (interrupted === 'aborted') throw signal.reason;
  const timedOut = interrupted === 'timeout';
  // What the engine started and left running would hold its files open for the next attempt.
  if (interrupted === null) await endProcesses(null, directory, grace);
  return { ...(attemptExit(directory) ?? shell), timedOut, seconds };
}

/**
 * Waits for an engine that an earlier, killed run of this program left running, or reads what it left if it has ended.
 * Null when it was cut: nothing runs and no exit code was written.
 * @param startedAt when the attempt was started, ms since the epoch
 */
export async function adoptEngine(options: LocalRunOptions, startedAt: number): Promise<EngineOutcome | null> {
  const { directory, timeout, signal, grace = 2 } = options;
  const leader = attemptLeader(directory);
  let timedOut = false;
  while (leader !== null && isRunning(leader)) {
    timedOut = timeout !== null && Date.now() - startedAt > 1000 * timeout;
    if (timedOut || signal.aborted) await endProcesses(leader, directory, grace);
    signal.throwIfAborted();
    if (timedOut) break;
    await sleep(100);
  }
  await endProcesses(null, directory, grace);
  const exit = attemptExit(directory);
  if (exit === null && !timedOut) return null;
  const end = exit === null ? Date.now() : statSync(join(directory, EXIT_FILE)).mtimeMs;
  return { ...(exit ?? { exitCode: null, signal: 'SIGTERM' }), timedOut, seconds: Math.max(0, end - startedAt) / 1000 };
}

/** Why we have to end the engine before it ends by itself; null when it did. */
async function interruption(
  ended: Promise<unknown>,
  timeout: number | null,
  signal: AbortSignal,
): Promise<'timeout' | 'aborted' | null> {
  const finished = new AbortController();
  let onAbort = (): void => {};
  const aborted = new Promise<'aborted'>((settle) => {
    onAbort = () => settle('aborted');
    signal.addEventListener('abort', onAbort, { once: true });
  });
  const races: Promise<'timeout' | 'aborted' | null>[] = [ended.then(() => null), aborted];
  if (timeout !== null) {
    // setTimeout counts milliseconds in 32 bits; a longer limit is as good as none.
    const limit = Math.min(1000 * timeout, 2 ** 31 - 1);
    races.push(sleep(limit, 'timeout' as const, { signal: finished.signal }).catch(() => null));
  }
  try {
    return await Promise.race(races);
  } finally {
    finished.abort();
    signal.removeEventListener('abort', onAbort);
  }
}

/** Removes large scratch files of a finished attempt. */
export function removeScratch(run: EngineCommand, directory: string): void {
  for (const name of run.scratch) rmSync(join(directory, name), { recursive: true, force: true });
}
