import { resolve } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../../core/errors.ts';
import { inRegime } from '../../core/potentials/regimes.ts';
import { type EvaluationSummary, summarizeEvaluation } from '../../core/validation/summary.ts';
import { writeModel } from '../../formats/model-file.ts';
import { checkWritable, writeFileAtomic } from '../../node/files.ts';
import { readFrames } from '../../node/frames.ts';
import { calibrateModel } from '../../node/training/calibrate.ts';
import { evaluateModel } from '../../node/training/evaluate.ts';
import { openModel, readModelFile } from '../../node/training/open-model.ts';
import { calibrationTable } from '../calibration-table.ts';
import {
  addLabelKeyOptions,
  addThreadsOption,
  finiteOrNull,
  labelKeys,
  threadsOption,
  withPool,
} from '../data-options.ts';
import { EXIT } from '../errors.ts';
import { plural } from '../output.ts';
import type { Verb } from '../verb.ts';

/** `querent calibrate MODEL DATA… -o MODEL` */
export const verb: Verb = {
  name: 'calibrate',
  summary: 'error bars for a regime, from labelled structures of it, beside the general ones',
  configure(command: Command): void {
    command
      .argument('<model>', 'model file')
      .argument(
        '<data...>',
        'labelled structures of the regime that the model was not fitted to: extended XYZ, file@start:stop:step, - for standard input',
      )
      .requiredOption('-o, --output <file>', 'model file to write; may be the model itself')
      .option('--name <name>', 'name of the regime (default: the first config_type of the data)')
      .option('--json', 'print the outcome as JSON');
    addThreadsOption(addLabelKeyOptions(command)).addHelpText(
      'after',
      '\nThe error bars are right for that regime and no promise elsewhere; predict and evaluate use them with --regime.\n\nExample:\n  querent calibrate si.model surfaces.xyz --name surface -o si.model\n  querent predict si.model slab.xyz --regime surface',
    );
  },
  async run(args, options, context): Promise<number> {
    const path = args[0] as string;
    const output = resolve(context.cwd, options.output as string);
    await checkWritable(output);
    const { model, basis, handle } = await readModelFile(resolve(context.cwd, path), path);
    if (model.neural?.active === true)
      throw new InputError('NEURAL_REGIME', `model of a regime must be linear, got networks in force in "${path}"`);
    const { frames } = await readFrames(args[1] as string[], labelKeys(options));
    const name = (options.name as string | undefined) ?? frames.find(({ group }) => group !== '')?.group;
    if (name === undefined)
      throw new InputError('BAD_OPTION', '--name must name the regime where the data has no config_type, got nothing');
    const { regime, before, after, bytes } = await withPool(threadsOption(options), context, async (pool) => {
      const general = await evaluateModel(handle, frames, pool);
      const found = await calibrateModel(model, handle, frames, name, pool);
      const specific = inRegime(found.model, name);
      const own = await evaluateModel(openModel(writeModel(specific, basis)), frames, pool);
      return {
        regime: found.regime,
        before: summarizeEvaluation(general, model.uncertainty.conformal.forces),
        after: summarizeEvaluation(own, found.regime.conformal.forces),
        bytes: writeModel(found.model, basis),
      };
    });
    await writeFileAtomic(output, bytes);
    if (options.json === true) {
      const { structures, envelope, conformal } = regime;
      const calibration = { before: before.calibration, after: after.calibration };
      context.stdout(
        `${JSON.stringify({ model: output, name, structures, envelope, conformal, calibration }, finiteOrNull, 1)}\n`,
      );
      return EXIT.done;
    }
    context.stdout(report(name, regime.structures, before, after, output));
    const scales = [regime.envelope.energy, regime.envelope.forces].flat().map(({ scale }) => scale);
    const doubtful = scales.find(({ calibrated }) => !calibrated);
    if (doubtful !== undefined) context.stderr(`warning: not calibrated: ${doubtful.reason}\n`);
    return EXIT.done;
  },
};

function report(
  name: string,
  structures: number,
  before: EvaluationSummary,
  after: EvaluationSummary,
  output: string,
): string {
  return [
    `regime ${name}, ${plural(structures, 'structure')}`,
    '',
    'general error bars on it:',
    calibrationTable(before).trimEnd(),
    '',
    'its own, on the structures they were made from:',
    calibrationTable(after).trimEnd(),
    '',
    `written to ${output}; predict and evaluate use them with --regime ${name}`,
    '',
  ].join('\n');
}
