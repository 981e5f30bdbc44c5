import { resolve } from 'node:path';
import type { Command } from 'commander';
import { forceErrorsByElement, summarizeEvaluation, summarizeGroups } from '../../core/validation/summary.ts';
import { readFrames } from '../../node/frames.ts';
import { evaluateModel } from '../../node/training/evaluate.ts';
import { readModelFile } from '../../node/training/open-model.ts';
import { evaluationTable } from '../../node/training/tables.ts';
import { createPool } from '../../node/workers/pool.ts';
import { addLabelKeyOptions, addThreadsOption, labelKeys, threadsOption } from '../data-options.ts';
import { errorTable } from '../error-table.ts';
import { cell, percent, renderTable } from '../table.ts';
import type { Verb } from '../verb.ts';

/** `querent evaluate MODEL DATA…` */
export const verb: Verb = {
  name: 'evaluate',
  summary: 'errors and calibration of a model on labelled structures',
  configure(command: Command): void {
    command
      .argument('<model>', 'model file')
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
    const { handle, model } = await readModelFile(resolve(context.cwd, path), path);
    const { frames } = await readFrames(args[1] as string[], labelKeys(options));
    const pool = createPool(threadsOption(options), null);
    try {
      const evaluated = await evaluateModel(handle, frames, pool);
      const conformal = model.uncertainty.conformal.forces;
      const summary = summarizeEvaluation(evaluated, conformal);
      if (options.json === true) {
        const result = {
          ...summary,
          groups: summarizeGroups(evaluated, conformal),
          elements: forceErrorsByElement(evaluated),
        };
        context.stdout(
          `${JSON.stringify(result, (_, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? null : value), 1)}\n`,
        );
        return 0;
      }
      const { columns, rows } = evaluationTable(evaluated);
      const { calibration, worstResidual } = summary;
      const line = (
        name: string,
        c: { ece: number; ence: number; nll: number; crps: number; coverage95: number } | null,
        unit: string,
        worst: number,
      ): string[] =>
        c === null
          ? [name, '-', '-', '-', '-', '-', '-']
          : [
              name,
              cell(c.ece, 2),
              cell(c.ence, 2),
              cell(c.nll),
              `${cell(1000 * c.crps)} ${unit}`,
              percent(c.coverage95),
              cell(worst),
            ];
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
          line('energy', calibration.energy, 'meV', worstResidual.energy),
          line('forces', calibration.forces, 'meV/Å', worstResidual.forces),
          line('stress', calibration.stress, 'meV/Å³', worstResidual.stress),
        ],
      );
      const structures =
        calibration.forces === null
          ? ''
          : `${percent(calibration.forces.coverage95Structure)} of the structures lie wholly inside the conformal force interval (nominal 95 %)\n`;
      context.stdout(
        `${summary.n.structures} structures, ${summary.n.atoms} atoms\n\n${errorTable(columns, rows)}\n${table}${structures}`,
      );
      return 0;
    } finally {
      await pool.dispose();
    }
  },
};
