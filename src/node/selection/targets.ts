import type { Targets } from '../../core/acquisition/acquisition.ts';
import { columnCount, observationNoise } from '../../core/dataset/dataset.ts';
import { InputError } from '../../core/errors.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import { chunksOf } from '../training/chunks.ts';
import { checkSpecies, frameName } from '../training/check-frames.ts';
import type { ModelHandle } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';

/** Key of the comment line that makes the frames of a file one target: Σ coefficient · energy. */
export const COEFFICIENT = 'coefficient';

function coefficientOf(frame: Frame): number | null {
  const value = frame.info[COEFFICIENT];
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new InputError('BAD_COEFFICIENT', `${frameName(frame)}: coefficient must be a number, got ${String(value)}`);
}

/**
 * Targets from structures. A file whose frames carry `coefficient` is one target, the sum of coefficient times energy of
 * its frames (a vacancy energy: 1 and −(N−1)/N; a barrier: 1 and −1); a file without is one target for each frame, its
 * energy per atom. Unit eV, all of weight 1.
 *
 * @param files frames of each file
 * @throws InputError `BAD_COEFFICIENT`, `SPECIES_NOT_IN_BASIS` naming the frame
 */
export async function targetsOf(
  handle: ModelHandle,
  model: LinearModel,
  files: readonly (readonly Frame[])[],
  tasks: TaskPool,
): Promise<Targets> {
  const d = columnCount(model.layout);
  const sigma = model.posterior.hyperparameters.noise.energy;
  const rows: Float64Array[] = [];
  for (const frames of files) {
    checkSpecies(frames, model.layout.species);
    const chunks = chunksOf(frames);
    const parts = await tasks.map(
      'energyRows',
      chunks.map((chunk) => ({ model: handle, structures: chunk.map(({ structure }) => structure) })),
    );
    const energies = parts.flatMap((part) =>
      Array.from({ length: part.length / d }, (_, k) => part.subarray(k * d, (k + 1) * d)),
    );
    const coefficients = frames.map(coefficientOf);
    const isSum = coefficients.some((value) => value !== null);
    const sum = new Float64Array(d);
    frames.forEach((frame, f) => {
      const atoms = atomCount(frame.structure);
      const noise = observationNoise('energy', sigma, atoms, model.energyNoise);
      const factor = isSum ? (coefficients[f] ?? missing(frame)) * noise : noise / atoms;
      const row = energies[f]!.map((value) => factor * value);
      if (!isSum) rows.push(row);
      else for (let v = 0; v < d; v++) sum[v] = sum[v]! + row[v]!;
    });
    if (isSum) rows.push(sum);
  }
  const all = new Float64Array(rows.length * d);
  rows.forEach((row, t) => {
    all.set(row, t * d);
  });
  return { rows: all, count: rows.length };
}

function missing(frame: Frame): never {
  throw new InputError(
    'BAD_COEFFICIENT',
    `${frameName(frame)}: coefficient must be given, as other frames of the file have one, got none`,
  );
}
