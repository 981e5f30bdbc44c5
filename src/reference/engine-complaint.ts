import type { EngineOutcome, FailureReason } from './reference.ts';

/** Why a calculation has no result. */
export interface EngineComplaint {
  readonly reason: FailureReason;
  readonly message: string;
}

/** What the operating system says went wrong, with the last line of standard error; null when it ended with exit code 0. */
export function outcomeComplaint(outcome: EngineOutcome, stderr: string): EngineComplaint | null {
  const { exitCode, signal, timedOut, seconds } = outcome;
  if (timedOut) return { reason: 'timeout', message: `stopped after ${seconds.toFixed(1)} s, the time limit` };
  if (signal !== null) return { reason: 'crash', message: `ended by ${signal}` };
  if (exitCode === 0) return null;
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/^-+$/.test(line));
  const last = lines.at(-1)?.trim() ?? '';
  const code = exitCode === null ? 'without an exit code' : `with exit code ${exitCode}`;
  return { reason: 'crash', message: `ended ${code}${last === '' ? '' : `: ${last.slice(0, 200)}`}` };
}
