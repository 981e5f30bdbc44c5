import type { Command } from 'commander';

/** What a verb may touch of the world outside: streams, surroundings and the signal that asks it to stop. */
export interface VerbContext {
  /** Writes to standard output as it is: data only (add the newline yourself). */
  stdout(text: string): void;
  /** Writes to standard error as it is: progress and hints. */
  stderr(text: string): void;
  /** Whether standard error is a terminal that can be redrawn. */
  readonly isTTY: boolean;
  /** Width of that terminal, characters. */
  readonly columns?: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted on SIGINT and SIGTERM: finish what is half written, then return. */
  readonly signal: AbortSignal;
  /** Folder that relative paths of the command line start from. */
  readonly cwd: string;
  /** Standard input as text, for `-` as a file name. */
  stdin(): Promise<string>;
}

/** Options as commander parsed them, by camel-cased name. */
export type VerbOptions = Readonly<Record<string, unknown>>;

/**
 * One subcommand of the command line. A verb neither prints by itself nor exits: it writes through its context and
 * resolves with the exit code (0 done or criteria met, 1 error, 2 usage or configuration, 3 budget spent without
 * convergence, 4 reference failures above the limit). What it throws is printed by `main.ts`.
 */
export interface Verb {
  readonly name: string;
  /** One line for `querent --help`. */
  readonly summary: string;
  /** Declares arguments, options and help text (with one real example). */
  configure(command: Command): void;
  /** `args` are the positional arguments in declared order; a variadic one is an array, an absent optional one undefined. */
  run(args: readonly unknown[], options: VerbOptions, context: VerbContext): Promise<number>;
}
