import type { Frame } from '../../core/structure/structure.ts';
import type { EvaluatedFrame } from '../../core/validation/summary.ts';
import { symbolOf } from '../../core/elements.ts';
import type { ActiveSetFile, Machine, PotentialFile } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { judgedFrames, onFrame } from './check-frames.ts';
import { stressVolume } from './evaluate.ts';
import { evaluateWithFile } from './file-potential.ts';

/** Extrapolation grade of each atom of some frames by a B-basis file and its active set. What is thrown names the frame. */
export function gradeWithFile(
  machine: Machine,
  argument: {
    readonly potential: PotentialFile;
    readonly activeSet: ActiveSetFile;
    readonly frames: readonly Pick<Frame, 'structure' | 'source'>[];
  },
): Float64Array[] {
  const grades = machine.fileGrades(argument.potential, argument.activeSet);
  return argument.frames.map((frame) => onFrame(frame, () => grades(frame.structure)));
}

/**
 * Errors (potential − label) of labelled frames, isolated atoms left out, by a potential that came from a file. It has no
 * posterior, so all sigmas are NaN.
 */
export async function fileErrors(
  potential: PotentialFile,
  frames: readonly Frame[],
  pool: TaskPool,
): Promise<EvaluatedFrame[]> {
  const judged = judgedFrames(frames);
  const results = await evaluateWithFile(potential, judged, pool);
  return judged.map(({ structure, labels, group }, f) => {
    const { energy, forces, virial } = results[f]!;
    const volume = stressVolume(structure);
    return {
      atoms: structure.species.length,
      group,
      symbols: Array.from(structure.species, symbolOf),
      energyError: labels.energy === null ? Number.NaN : energy - labels.energy,
      energySigma: Number.NaN,
      forceErrors: labels.forces === null ? new Float64Array(0) : forces.map((x, k) => x - labels.forces![k]!),
      forceSigmas: new Float64Array(labels.forces?.length ?? 0).fill(Number.NaN),
      stressErrors:
        labels.virial === null || volume === null ? null : virial.map((w, c) => -(w - labels.virial![c]!) / volume),
      stressSigmas: null,
    };
  });
}
