import { resolve } from 'node:path';
import type { Command } from 'commander';
import { isolatedAtomEnergies } from '../../core/potentials/linear-model.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { createYacePotential } from '../../formats/yace-potential.ts';
import { readYace } from '../../formats/yace-reader.ts';
import { readBytes } from '../../node/files.ts';
import { readFrames } from '../../node/frames.ts';
import { chunksOf } from '../../node/training/chunks.ts';
import { stressVolume } from '../../node/training/evaluate.ts';
import { readModelFile } from '../../node/training/open-model.ts';
import type { StructurePrediction } from '../../node/training/predict.ts';
import { createPool } from '../../node/workers/pool.ts';
import { addLabelKeyOptions, addThreadsOption, labelKeys, threadsOption } from '../data-options.ts';
import { cell, renderTable } from '../table.ts';
import type { Verb } from '../verb.ts';

/** Predictions of a `.yace` potential: means only, since the file holds no posterior. */
function predictYace(text: string, path: string, structures: readonly Structure[]): Partial<StructurePrediction>[] {
  const potential = createYacePotential(readYace(text, path));
  return structures.map((structure) => {
    const { energy, forces, virial } = potential.evaluate(structure);
    const volume = stressVolume(structure);
    return {
      energy,
      forces: Array.from(structure.species, (_, i) => [...forces.subarray(3 * i, 3 * i + 3)]),
      stress: volume === null ? null : Array.from(virial, (w) => -w / volume),
      grade: null,
    };
  });
}

function row(prediction: Partial<StructurePrediction>, structure: Structure, index: number): string[] {
  const n = structure.species.length;
  const largest = (values: readonly number[] | undefined): number | undefined =>
    values === undefined ? undefined : Math.max(...values);
  const pressure = prediction.stress
    ? -160.21766208 * ((prediction.stress[0]! + prediction.stress[1]! + prediction.stress[2]!) / 3)
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
    prediction.trust === undefined
      ? '-'
      : prediction.trust.state === 'trusted'
        ? 'trusted'
        : `${prediction.trust.state}: ${prediction.trust.reason}`,
  ];
}

/** `querent predict MODEL STRUCTURES…` */
export const verb: Verb = {
  name: 'predict',
  summary: 'energies, forces and stresses with their standard deviations and trust',
  configure(command: Command): void {
    command
      .argument('<model>', 'model file, or a .yace potential (means only)')
      .argument('<structures...>', 'structures: extended XYZ, POSCAR, file@start:stop:step, - for standard input')
      .option('--json', 'print one object per structure as JSON: eV, eV/Å, eV/Å³');
    addThreadsOption(addLabelKeyOptions(command)).addHelpText('after', '\nExample:\n  querent predict si.model POSCAR');
  },
  async run(args, options, context): Promise<number> {
    const path = args[0] as string;
    const isYace = /\.yace$/i.test(path);
    const opened = isYace ? null : await readModelFile(resolve(context.cwd, path), path);
    const text = isYace ? new TextDecoder().decode(await readBytes(resolve(context.cwd, path))) : '';
    const { frames } = await readFrames(args[1] as string[], labelKeys(options));
    const structures = frames.map((frame) => frame.structure);
    let predictions: Partial<StructurePrediction>[];
    if (opened === null) {
      predictions = predictYace(text, path, structures);
    } else {
      const pool = createPool(threadsOption(options), null);
      try {
        const chunks = chunksOf(frames).map((chunk) => ({
          model: opened.handle,
          structures: chunk.map((frame) => frame.structure),
        }));
        predictions = (await pool.map('predict', chunks)).flat();
      } finally {
        await pool.dispose();
      }
    }
    if (options.json === true) {
      const finite = (_: string, value: unknown): unknown =>
        typeof value === 'number' && !Number.isFinite(value) ? null : value;
      context.stdout(`${JSON.stringify(predictions, finite, 1)}\n`);
      return 0;
    }
    const columns = ['', 'atoms', 'E eV', '± meV/atom', 'max |F| eV/Å', '± eV/Å', 'P GPa', 'leverage', 'novelty'].map(
      (header) => ({ header }),
    );
    context.stdout(
      renderTable(
        [...columns, { header: 'trust', align: 'left' }],
        predictions.map((prediction, i) => row(prediction, structures[i]!, i)),
      ),
    );
    if (opened !== null)
      context.stderr(
        `isolated atoms: ${opened.model.specification.elements.map((symbol, e) => `${symbol} ${cell(isolatedAtomEnergies(opened.model)[e], 6)} eV`).join(', ')}\n`,
      );
    return 0;
  },
};
