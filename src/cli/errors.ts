import { FormatError, InputError, QuerentError } from '../core/errors.ts';

/** Exit codes of the command line. */
export const EXIT = {
  done: 0,
  error: 1,
  usage: 2,
  budget: 3,
  failures: 4,
  interrupted: 130,
  terminated: 143,
} as const;

/** Codes of errors that are the command line's or the run file's fault. */
const USAGE = new Set([
  'RUN_FILE',
  'RUN_SETTINGS',
  'RUN_INPUTS',
  'BAD_OPTION',
  'STRATEGY',
  'HELD_OUT_GROUP',
  'TARGET_GROUP',
  'OTHER_BACKTEST',
  'BAD_SELECTION',
  'BAD_WEIGHTS',
  'INVALID_BASIS',
  'INVALID_CUTOFF',
  'BASIS_TOO_LARGE',
  'UNREACHABLE_TOLERANCE',
  'UNKNOWN_REGIME',
  'UNKNOWN_TEMPLATE',
]);

/** Exit code of an error: 2 for usage and configuration, 1 for everything else. */
export function exitCodeOf(error: unknown): number {
  return (error instanceof InputError || error instanceof FormatError) && USAGE.has(error.code)
    ? EXIT.usage
    : EXIT.error;
}

/**
 * What a person reads about an error: the message of one that this project throws, as it is; for any other, that it is a
 * fault of the program. The stack is added when `QUERENT_DEBUG` is set.
 */
export function errorMessage(error: unknown, env: Readonly<Record<string, string | undefined>>): string {
  const message = error instanceof Error ? error.message : String(error);
  const known = error instanceof QuerentError;
  const lines = [known ? `error: ${message}` : `error: ${message} (a fault of the program itself)`];
  if (env.QUERENT_DEBUG) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      lines.push(cause.stack ?? cause.message);
  } else if (!known) lines.push('Set QUERENT_DEBUG=1 to see where it happened.');
  return `${lines.join('\n')}\n`;
}
