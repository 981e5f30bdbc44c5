import { resolve } from 'node:path';
import type { Command } from 'commander';
import { forceErrorsByElement, summarizeEvaluation, summarizeGroups } from '../../core/validation/summary.ts';
import { potentialFormat } from '../../formats/potential-file.ts';
import { readFrames } from '../../node/frames.ts';
import { checkJudgeable, judgedFrames } from '../../node/training/check-frames.ts';
import { evaluateModel } from '../../node/training/evaluate.ts';
import { fileErrors } from '../../node/training/file-grades.ts';
import { readModelFile } from '../../node/training/open-model.ts';
import { allowingForOffset, meanOffsetStress } from '../../node/training/stress-offset.ts';
import { evaluationTable, gigapascal } from '../../node/training/tables.ts';
import {
  addLabelKeyOptions,
  addRegimeOption,
  addThreadsOption,
  finiteOrNull,
  labelKeys,
  regimeOption,
  threadsOption,
  withPool,
} from '../data-options.ts';
import { calibratedKinds, calibrationTable, groupCalibrationTable, uncalibratedWarning } from '../calibration-table.ts';
import { errorTable } from '../error-table.ts';
import { EXIT } from '../errors.ts';
import { openPotential } from '../potential-argument.ts';
import { plural } from '../output.ts';
import { cell } from '../table.ts';
import type { Verb } from '../verb.ts';

/** `querent evaluate MODEL DATA…` */
export const verb: Verb = {
  name: 'evaluate',
  summary: 'errors and calibration of a model on labelled structures',
  configure(command: Command): void {
    command
      .argument('<model>', 'model file; or a .yace or .yaml potential (errors only)')
      .argument(
        '<data...>',
        'labelled structures: extended XYZ or gzip of it, file@start:stop:step, - for standard input',
      )
      .option('--json', 'print the result as JSON');
    addRegimeOption(addThreadsOption(addLabelKeyOptions(command))).addHelpText(
      'after',
      '\nExample:\n  querent evaluate si.model test.xyz --json',
    );
  },
  async run(args, options, context): Promise<number> {
    const path = args[0] as string;
    const threads = threadsOption(options);
    const file = potentialFormat(path) === null ? null : await openPotential(path, {}, context);
    const opened = file === null ? await readModelFile(resolve(context.cwd, path), path, regimeOption(options)) : null;
    if (opened !== null && options.json !== true) context.stderr(uncalibratedWarning(opened.model));
    const { frames } = await readFrames(args[1] as string[], labelKeys(options));
    checkJudgeable(frames);
    const evaluated = await withPool(threads, context, (pool) =>
      opened === null ? fileErrors(file!.potential, frames, pool) : evaluateModel(opened.handle, frames, pool),
    );
    const conformal = opened?.model.uncertainty.conformal.forces ?? Number.NaN;
    const summary = summarizeEvaluation(evaluated, conformal);
    const stressOffset = opened?.model.training.stressOffset ?? 0;
    const withOffset =
      stressOffset === 0 || summary.stress === null
        ? null
        : summarizeEvaluation(allowingForOffset(judgedFrames(frames), evaluated, stressOffset), conformal).stress;
    if (options.json === true) {
      const result = {
        ...summary,
        stressWithOffset: withOffset,
        calibrated: opened === null ? null : calibratedKinds(opened.model),
        groups: summarizeGroups(evaluated, conformal),
        elements: forceErrorsByElement(evaluated),
      };
      context.stdout(`${JSON.stringify(result, finiteOrNull, 1)}\n`);
      return EXIT.done;
    }
    const { columns, rows } = evaluationTable(evaluated);
    const { n } = summary;
    context.stdout(
      `${plural(n.structures, 'structure')}, ${plural(n.atoms, 'atom')}\n\n${errorTable(columns, rows)}${opened === null ? '' : `\n${calibrationTable(summary)}${groupCalibrationTable(summarizeGroups(evaluated, conformal))}`}`,
    );
    if (withOffset !== null) {
      const structures = frames.map(({ structure }) => structure);
      const stress = cell(gigapascal(meanOffsetStress(structures, stressOffset)));
      context.stdout(
        `stress: the labels that the model was fitted to carry a constant offset, here about ${stress} GPa, which is no part of the potential; allowing for it the MAE is ${cell(gigapascal(withOffset.mae))} GPa\n`,
      );
    }
    return EXIT.done;
  },
};
