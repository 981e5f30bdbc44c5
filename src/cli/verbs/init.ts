import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { EnvironmentError, InputError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../node/files.ts';
import type { Verb } from '../verb.ts';

/** Folder of the examples, in a clone and in the published package alike. */
const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url));

/** Names of the templates: the folders of examples that hold a run file. */
export function templates(): readonly string[] {
  return readdirSync(EXAMPLES)
    .filter((name) => existsSync(join(EXAMPLES, name, 'run.yaml')))
    .sort();
}

/** `querent init` */
export const verb: Verb = {
  name: 'init',
  summary: 'a commented run file from a template',
  configure(command: Command): void {
    command
      .argument('[file]', 'run file to write; <template>.yaml when absent, - for standard output')
      .option('--template <name>', `one of ${templates().join(', ')}`, 'silicon')
      .option('--force', 'replace a file that is there')
      .addHelpText('after', '\nExample:\n  querent init --template silicon-qe silicon.yaml');
  },
  async run(args, options, context): Promise<number> {
    const template = options.template as string;
    if (!templates().includes(template)) {
      throw new InputError(
        'UNKNOWN_TEMPLATE',
        `--template must be one of ${templates().join(', ')}, got "${template}"`,
        { template },
      );
    }
    const text = readFileSync(join(EXAMPLES, template, 'run.yaml'), 'utf8');
    const file = (args[0] as string | undefined) ?? `${template}.yaml`;
    const shown = file === '-' ? file : relative(context.cwd, resolve(context.cwd, file)) || file;
    // The examples say how to run themselves; a copy says how to run the copy.
    const named = text.replace(
      /(querent (?:run|doctor --reference)) run\.yaml/g,
      (_, command) => `${command} ${shown}`,
    );
    if (file === '-') {
      context.stdout(named);
      return 0;
    }
    const path = resolve(context.cwd, file);
    if (existsSync(path) && options.force !== true) {
      throw new EnvironmentError('FILE_EXISTS', `${shown}: is there already; --force replaces it`, { path });
    }
    await writeFileAtomic(path, named);
    context.stderr(`${shown} written; next: querent run ${shown}\n`);
    return 0;
  },
};
