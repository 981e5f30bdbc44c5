import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Frame, Structure } from '../../core/structure/structure.ts';
import { potentialFormat } from '../../formats/potential-file.ts';
import { readFrames } from '../../node/frames.ts';
import { chunksOf } from '../../node/training/chunks.ts';
import { stressVolume } from '../../node/training/evaluate.ts';
import { evaluateWithFile } from '../../node/training/file-potential.ts';
import { readModelFile } from '../../node/training/open-model.ts';
import type { StructurePrediction } from '../../node/training/predict.ts';
import { gigapascal } from '../../node/training/tables.ts';
import type { TaskPool } from '../../node/workers/pool.ts';
import {
  addLabelKeyOptions,
  addRegimeOption,
  addThreadsOption,
  elementEnergies,
  finiteOrNull,
  labelKeys,
  regimeOption,
  threadsOption,
  withPool,
} from '../data-options.ts';
import { uncalibratedWarning } from '../calibration-table.ts';
import { EXIT } from '../errors.ts';
import { addActiveSetOption, type OpenedPotential, openPotential } from '../potential-argument.ts';
import { cell, renderTable } from '../table.ts';
import type { Verb } from '../verb.ts';

/** Predictions of a potential file: means, and grades with an active set, since such files hold no posterior. */
async function predictWithFile(
  { potential, activeSet }: OpenedPotential,
  frames: readonly Frame[],
  pool: TaskPool,
): Promise<Partial<StructurePrediction>[]> {
  const results = await evaluateWithFile(potential, frames, pool);
  const grades =
    activeSet === null
      ? null
      : (
          await pool.map(
            'fileGrades',
            chunksOf(frames).map((chunk) => ({ potential, activeSet, frames: chunk })),
          )
        ).flat();
  return results.map(({ energy, forces, virial }, f) => {
    const { structure } = frames[f]!;
    const volume = stressVolume(structure);
    return {
      energy,
      forces: Array.from(structure.species, (_, i) => [...forces.subarray(3 * i, 3 * i + 3)]),
      stress: volume === null ? null : Array.from(virial, (w) => -w / volume),
      grade: grades === null ? null : [...grades[f]!],
    };
  });
}

function row(prediction: Partial<StructurePrediction>, structure: Structure, index: number): string[] {
  const n = structure.species.length;
  const largest = (values: readonly number[] | undefined): number | undefined =>
    values === undefined ? undefined : Math.max(...values);
  const pressure = prediction.stress
    ? -gigapascal((prediction.stress[0]! + prediction.stress[1]! + prediction.stress[2]!) / 3)
    : undefined;
  return [
    String(index),
    String(n),
    prediction.energy!.toFixed(4),
    cell(prediction.energyStd === undefined ? undefined : (1000 * prediction.energyStd) / n),
    cell(largest(prediction.forces!.map((f) => Math.hypot(...f)))),
    cell(largest(prediction.forcesStd)),
    cell(pressure),
    cell(largest(prediction.leverage)),
    cell(largest(prediction.novelty)),
    cell(prediction.grade === null ? undefined : largest(prediction.grade)),
    prediction.trust === undefined
      ? '-'
      : prediction.trust.state === 'trusted'
        ? 'trusted'
        : `${prediction.trust.state}: ${prediction.trust.reason}`,
  ];
}

/** Per structure: energy of the cell, largest force, pressure, the largest signals over atoms; ± are standard deviations. */
const COLUMNS = [
  { header: '#' },
  { header: 'atoms' },
  { header: 'E eV' },
  { header: '± meV/atom' },
  { header: 'max |F| eV/Å' },
  { header: '± eV/Å' },
  { header: 'P GPa' },
  { header: 'leverage' },
  { header: 'novelty' },
  { header: 'grade' },
  { header: 'trust', align: 'left' as const },
];

/** `querent predict MODEL STRUCTURES…` */
export const verb: Verb = {
  name: 'predict',
  summary: 'energies, forces and stresses with their standard deviations and trust',
  configure(command: Command): void {
    command
      .argument('<model>', 'model file; or a .yace or .yaml potential (means, and grades with an .asi)')
      .argument('<structures...>', 'structures: extended XYZ, POSCAR, file@start:stop:step, - for standard input')
      .option('--json', 'print one object per structure as JSON: eV, eV/Å, eV/Å³');
    addActiveSetOption(addRegimeOption(addThreadsOption(addLabelKeyOptions(command)))).addHelpText(
      'after',
      '\nExample:\n  querent predict si.model POSCAR',
    );
  },
  async run(args, options, context): Promise<number> {
    const path = args[0] as string;
    const threads = threadsOption(options);
    const file = potentialFormat(path) === null ? null : await openPotential(path, options, context);
    const opened = file === null ? await readModelFile(resolve(context.cwd, path), path, regimeOption(options)) : null;
    if (opened !== null && options.json !== true) context.stderr(uncalibratedWarning(opened.model));
    const { frames } = await readFrames(args[1] as string[], labelKeys(options));
    const predictions: Partial<StructurePrediction>[] = await withPool(threads, context, async (pool) => {
      if (opened === null) return predictWithFile(file!, frames, pool);
      const chunks = chunksOf(frames).map((chunk) => ({ model: opened.handle, frames: chunk }));
      return (await pool.map('predict', chunks)).flat();
    });
    if (options.json === true) {
      context.stdout(`${JSON.stringify(predictions, finiteOrNull, 1)}\n`);
      return EXIT.done;
    }
    context.stdout(
      renderTable(
        COLUMNS,
        predictions.map((prediction, i) => row(prediction, frames[i]!.structure, i)),
      ),
    );
    if (opened !== null) context.stderr(`isolated atoms: ${elementEnergies(opened.model)}\n`);
    return EXIT.done;
  },
};
