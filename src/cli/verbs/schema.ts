import type { Command } from 'commander';
import { runFileJsonSchema } from '../../protocol/run-file-resolve.ts';
import type { Verb } from '../verb.ts';

/** `querent schema` */
export const verb: Verb = {
  name: 'schema',
  summary: 'JSON Schema of the run file, for editors',
  configure(command: Command): void {
    command.addHelpText(
      'after',
      `
Example:
  querent schema > querent.schema.json
and as the first line of a run file, for editors with a YAML language server:
  # yaml-language-server: $schema=./querent.schema.json`,
    );
  },
  async run(_args, _options, context): Promise<number> {
    context.stdout(`${JSON.stringify(runFileJsonSchema(), null, 2)}\n`);
    return 0;
  },
};
