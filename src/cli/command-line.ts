import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { EXIT, errorMessage, exitCodeOf } from './errors.ts';
import type { VerbContext, VerbOptions } from './verb.ts';
import type { VerbEntry } from './verb-table.ts';
import { VERBS } from './verb-table.ts';

/** Version of the package. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

const EXAMPLES = `
Examples:
  querent init --template silicon        a run file to start from
  querent run silicon.yaml               learns a potential; the same command resumes
  querent status runs/silicon            where it stands

Exit codes: 0 done · 1 error · 2 usage or configuration · 3 budget spent without convergence ·
            4 too many reference failures · 130 and 143 interrupted (safe to resume)`;

/** Positional arguments and options of the subcommand that commander recognised. */
interface Parsed {
  readonly args: readonly unknown[];
  readonly options: VerbOptions;
}

function createProgram(context: VerbContext): Command {
  const program = new Command('querent');
  program
    .description('Learns interatomic potentials by asking a costly reference as few questions as possible.')
    .version(packageVersion(), '-V, --version', 'the version')
    .helpOption('-h, --help', 'this help')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(add --help for what there is)')
    .configureHelp({ sortOptions: false })
    .configureOutput({ writeOut: (text) => context.stdout(text), writeErr: (text) => context.stderr(text) })
    .exitOverride();
  return program;
}

/**
 * Runs one command line and resolves with its exit code. Only the verb that is named is loaded. Everything that is thrown
 * ends here, as a message on standard error without a stack (unless `QUERENT_DEBUG` is set).
 *
 * @param argv  arguments after the program's name
 */
export async function runCommandLine(
  argv: readonly string[],
  context: VerbContext,
  verbs: readonly VerbEntry[] = VERBS,
): Promise<number> {
  // `querent help fit` is `querent fit --help`.
  const words = argv[0] === 'help' && argv[1] !== undefined ? [argv[1], '--help'] : argv;
  const program = createProgram(context);
  const named = words.find((word) => !word.startsWith('-'));
  let parsed: Parsed | null = null;
  try {
    const entry = verbs.find(({ name }) => name === named);
    const verb = entry === undefined ? null : await entry.load();
    for (const { name, summary } of verbs) {
      const command = program.command(name).description(summary).exitOverride();
      if (name !== verb?.name) continue;
      verb.configure(command);
      command.action((...passed: unknown[]) => {
        parsed = { args: passed.slice(0, -2), options: passed.at(-2) as VerbOptions };
      });
    }
    if (words.length === 0) {
      program.outputHelp();
      return EXIT.usage;
    }
    await program.parseAsync([...words], { from: 'user' });
    if (parsed === null || verb === null) return EXIT.usage;
    const { args, options } = parsed as Parsed;
    return await verb.run(args, options, context);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    context.stderr(errorMessage(error, context.env));
    return exitCodeOf(error);
  }
}
