import type { Command } from 'commander';
import { InputError } from '../../core/errors.ts';
import { modelJsonSchema } from '../../formats/model-schema.ts';
import { runFileJsonSchema } from '../../protocol/run-file-resolve.ts';
import type { Verb } from '../verb.ts';

/** What there are schemas of. */
const SCHEMAS: Readonly<Record<string, () => Record<string, unknown>>> = {
  'run-file': runFileJsonSchema,
  model: modelJsonSchema,
};

/** `querent schema [WHAT]` */
export const verb: Verb = {
  name: 'schema',
  summary: 'JSON Schema of the run file, for editors; or of the header of a model file',
  configure(command: Command): void {
    command.argument('[what]', `${Object.keys(SCHEMAS).join(' or ')}; by default run-file`).addHelpText(
      'after',
      `
Examples:
  querent schema > querent.schema.json
  querent schema model > model.schema.json
and as the first line of a run file, for editors with a YAML language server:
  # yaml-language-server: $schema=./querent.schema.json`,
    );
  },
  async run(args, _options, context): Promise<number> {
    const what = (args[0] as string | undefined) ?? 'run-file';
    const schema = SCHEMAS[what];
    if (schema === undefined)
      throw new InputError('BAD_OPTION', `schema must be of ${Object.keys(SCHEMAS).join(' or ')}, got "${what}"`);
    context.stdout(`${JSON.stringify(schema(), null, 2)}\n`);
    return 0;
  },
};
