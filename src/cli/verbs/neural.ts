import { resolve } from 'node:path';
import type { Command } from 'commander';
import { summarizeEvaluation } from '../../core/validation/summary.ts';
import { writeModel } from '../../formats/model-file.ts';
import { checkWritable, writeFileAtomic } from '../../node/files.ts';
import { readFrames } from '../../node/frames.ts';
import { checkJudgeable, checkSpecies } from '../../node/training/check-frames.ts';
import { evaluateModel } from '../../node/training/evaluate.ts';
import { fitNeural, trainingKey } from '../../node/training/neural.ts';
import { Checkpoints } from '../../node/training/neural-checkpoints.ts';
import { DEFAULT_NEURAL } from '../../node/training/neural-settings.ts';
import { openModel, readModelFile } from '../../node/training/open-model.ts';
import { evaluationTable } from '../../node/training/tables.ts';
import {
  addLabelKeyOptions,
  addThreadsOption,
  finiteOrNull,
  labelKeys,
  threadsOption,
  withPool,
} from '../data-options.ts';
import { errorTable } from '../error-table.ts';
import { EXIT } from '../errors.ts';
import { neuralProgress, neuralReport } from '../neural-report.ts';
import { neuralSettingsOf } from '../neural-settings.ts';
import { formatSeconds } from '../output.ts';
import type { Verb } from '../verb.ts';

const { training } = DEFAULT_NEURAL;

/** `querent neural MODEL DATA… -o OUTPUT` */
export const verb: Verb = {
  name: 'neural',
  summary: 'an ensemble of small networks on top of a fitted model, in force where it is better and calibrated',
  configure(command: Command): void {
    command
      .argument('<model>', 'linear model of querent fit, whose mean the networks correct')
      .argument(
        '<data...>',
        'labelled structures, best those of the fit: extended XYZ or gzip of it, file@start:stop:step, - for standard input',
      )
      .requiredOption('-o, --output <model>', 'model file to write; checkpoints stand beside it until it is done')
      .option('--members <n>', 'networks', String(DEFAULT_NEURAL.members))
      .option(
        '--bootstrap',
        'each member learns from a bootstrap sample; otherwise from all but a fold of the structures',
      )
      .option(
        '--held-out <share>',
        'share of the structures that no member learns from',
        String(DEFAULT_NEURAL.heldOut),
      )
      .option('--hidden <list>', 'widths of the hidden layers', training.hidden.join(','))
      .option('--activation <kind>', 'silu or tanh', training.activation)
      .option('--inputs <n>', 'principal axes of the invariants', String(DEFAULT_NEURAL.inputs))
      .option('--nmax <list>', 'largest radial index of the invariants by order; by default those of the small preset')
      .option('--lmax <list>', 'largest angular momentum of the invariants by order')
      .option('--epochs <n>', 'most passes over the data', String(training.epochs))
      .option(
        '--patience <n>',
        'epochs without gain on the held-out structures after which a member stops',
        String(training.patience),
      )
      .option('--batch <n>', 'structures per step', String(training.batch))
      .option('--learning-rate <x>', 'largest step of AdamW', String(training.optimiser.learningRate))
      .option('--decay <x>', 'weight decay relative to the step', String(training.optimiser.decay))
      .option('--no-stress', 'leave the stress labels out')
      .option('--seed <n>', 'seed of weights, bootstrap and order', String(training.seed))
      .option(
        '--ence <x>',
        'largest calibration error with which the networks come into force',
        String(DEFAULT_NEURAL.largestEnce),
      )
      .option('--checkpoint-every <n>', 'epochs between checkpoints', String(DEFAULT_NEURAL.checkpointEvery))
      .option('--restart', 'begin anew where there are checkpoints')
      .option('--test <data...>', 'labelled structures to judge both models by')
      .option('--json', 'print the result as JSON');
    addThreadsOption(addLabelKeyOptions(command)).addHelpText(
      'after',
      '\nExample:\n  querent fit train.xyz -o si.model\n  querent neural si.model train.xyz -o si-neural.model --test test.xyz\nThe same command goes on where it was interrupted.',
    );
  },
  async run(args, options, context): Promise<number> {
    const started = performance.now();
    const settings = neuralSettingsOf(options);
    const threads = threadsOption(options);
    const output = options.output as string;
    const path = resolve(context.cwd, output);
    await checkWritable(path);
    const linear = await readModelFile(resolve(context.cwd, args[0] as string), args[0] as string);
    const { frames } = await readFrames(args[1] as string[], labelKeys(options));
    const test =
      options.test === undefined ? null : (await readFrames(options.test as string[], labelKeys(options))).frames;
    if (test !== null) {
      checkJudgeable(test);
      checkSpecies(test, linear.model.layout.species);
    }
    const checkpoints = new Checkpoints(`${path}.checkpoints`, trainingKey(frames, linear.handle, settings));
    if (options.restart === true) await checkpoints.remove();
    const { fit, judged } = await withPool(threads, context, async (pool) => {
      const fitted = await fitNeural(
        frames,
        linear,
        settings,
        pool,
        options.json === true ? { checkpoints } : { checkpoints, progress: neuralProgress(context) },
      );
      const bytes = writeModel(fitted.model, fitted.basis);
      await writeFileAtomic(path, bytes);
      await checkpoints.remove();
      const judge = test === null ? null : await evaluateModel(openModel(bytes), test, pool);
      return { fit: fitted, judged: judge };
    });
    const seconds = (performance.now() - started) / 1000;
    const { ensemble } = fit;
    if (options.json === true) {
      const result = {
        model: output,
        active: ensemble.active,
        verdict: ensemble.verdict,
        members: ensemble.training.members,
        parameters: ensemble.members[0]!.length,
        inputs: ensemble.shape.inputs,
        scales: ensemble.scales,
        rescaling: ensemble.rescaling,
        heldOut: ensemble.heldOut,
        warnings: fit.warnings,
        seconds,
        ...(judged === null ? {} : { test: summarizeEvaluation(judged, ensemble.conformal.forces) }),
      };
      context.stdout(`${JSON.stringify(result, finiteOrNull, 1)}\n`);
      return EXIT.done;
    }
    context.stdout(`${neuralReport(fit)}\n`);
    if (judged !== null) {
      const { columns, rows } = evaluationTable(judged);
      const { calibration } = summarizeEvaluation(judged, ensemble.conformal.forces);
      context.stdout(
        `test structures, by what is in force:\n\n${errorTable(columns, rows)}ENCE of forces ${calibration.forces?.ence.toFixed(3) ?? '-'}\n\n`,
      );
    }
    context.stdout(`written to ${output} in ${formatSeconds(seconds)}\nnext: querent evaluate ${output} TEST.xyz\n`);
    return EXIT.done;
  },
};
