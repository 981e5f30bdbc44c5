import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Calibration, EvaluationSummary } from '../../core/validation/summary.ts';
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
  addThreadsOption,
  finiteOrNull,
  labelKeys,
  threadsOption,
  withPool,
} from '../data-options.ts';
import { errorTable } from '../error-table.ts';
import { EXIT } from '../errors.ts';
import { openPotential } from '../potential-argument.ts';
import { plural } from '../output.ts';
import { cell, percent, renderTable } from '../table.ts';
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
    addThreadsOption(addLabelKeyOptions(command)).addHelpText(
      'after',
      '\nExample:\n  querent evaluate si.model test.xyz --json',
    );
  },
  async run(args, options, context): Promise<number> {
    const path = args[0] as string;
    const threads = threadsOption(options);
    const file = potentialFormat(path) === null ? null : await openPotential(path, {}, context);
    const opened = file === null ? await readModelFile(resolve(context.cwd, path), path) : null;
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
        groups: summarizeGroups(evaluated, conformal),
        elements: forceErrorsByElement(evaluated),
      };
      context.stdout(`${JSON.stringify(result, finiteOrNull, 1)}\n`);
      return EXIT.done;
    }
    const { columns, rows } = evaluationTable(evaluated);
    const { n } = summary;
    context.stdout(
      `${plural(n.structures, 'structure')}, ${plural(n.atoms, 'atom')}\n\n${errorTable(columns, rows)}${opened === null ? '' : `\n${calibrationTable(summary)}`}`,
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

/** How honest the error bars are, and what share of structures the conformal intervals cover. */
function calibrationTable({ calibration, worstResidual }: EvaluationSummary): string {
  const line = (name: string, c: Calibration | null, unit: string, share: string, worst: number): string[] =>
    c === null
      ? [name, '-', '-', '-', '-', '-', '-']
      : [name, cell(c.ece, 2), cell(c.ence, 2), cell(c.nll), `${cell(1000 * c.crps)} ${unit}`, share, cell(worst)];
  const { energy, forces, stress } = calibration;
  const table = renderTable(
    [
      { header: 'error bars', align: 'left' },
      { header: 'ECE' },
      { header: 'ENCE' },
      { header: 'NLL' },
      { header: 'CRPS' },
      { header: 'in 95 % interval' },
      { header: 'worst |z|' },
    ],
    [
      line('energy', energy, 'meV/cell', percent(energy?.coverage95), worstResidual.energy),
      line('forces', forces, 'meV/Å', percent(forces?.coverage95), worstResidual.forces),
      line('stress', stress, 'meV/Å³', percent(stress?.coverage95), worstResidual.stress),
    ],
  );
  const lines: string[] = [];
  if (energy !== null) {
    const [low, high] = energy.coverage95Interval;
    lines.push(
      `energies: the true share inside is ${percent(low)} to ${percent(high)} at 95 % confidence, by the number of structures\n`,
    );
  }
  if (forces !== null && !Number.isNaN(forces.coverage95Structure))
    lines.push(
      `forces: ${percent(forces.coverage95Structure)} of the structures lie wholly inside the conformal interval (nominal 95 %)\n`,
    );
  return table + lines.join('');
}
