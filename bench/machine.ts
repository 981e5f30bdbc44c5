/** The machine that a benchmark ran on, for the reader of its figures. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { CLOCK } from './clock.ts';

/** What stands above every table. */
export interface MachineDescription {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  readonly clock: string;
  /** Kernels' variant that runs by default. */
  readonly kernels: string;
  /** Commit of this repository, with `+` when files differ from it; empty outside one. */
  readonly commit: string;
  /** Processes that wanted to run when it began, this one aside (one-minute average): what threads had to share. */
  readonly load: number;
  /** ISO date. */
  readonly date: string;
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['--no-optional-locks', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', 'src', 'assembly') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return '';
  }
}

/** Describes this machine. @param kernels variant that runs by default @param date of the run */
export function describeMachine(kernels: string, date: Date): MachineDescription {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    v8: process.versions.v8,
    clock: CLOCK,
    kernels,
    commit: commit(),
    load: Math.round(10 * loadavg()[0]!) / 10,
    date: date.toISOString().slice(0, 10),
  };
}
