import { symbolOf } from '../../core/elements.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import { type PartSigmas, type PredictiveSigmas, predictiveSigmas } from '../../core/potentials/predictive.ts';
import { cellVolume } from '../../core/structure/cell.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import type { FrameParts } from '../../core/validation/parts.ts';
import type { EvaluatedFrame } from '../../core/validation/summary.ts';
import type { Machine, ModelHandle } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { judgedFrames, onFrame } from './check-frames.ts';
import { chunksOf } from './chunks.ts';

/** Volume by which virials become stresses, Å³; null where the structure is not periodic in all directions. */
export function stressVolume(frame: Frame['structure']): number | null {
  return frame.cell !== null && frame.pbc.every(Boolean) ? cellVolume(frame.cell) : null;
}

/** Errors (model − label) and predictive sigmas of labelled frames; absent labels are NaN or null. What is thrown names the frame. */
export function evaluateFrames(
  machine: Machine,
  argument: { model: ModelHandle; frames: readonly Frame[] },
): EvaluatedFrame[] {
  const potential = machine.potential(argument.model);
  return argument.frames.map((frame) =>
    onFrame(frame, () => evaluated(potential.model, frame, potential.predict(frame.structure))),
  );
}

function evaluated(
  model: LinearModel,
  frame: Frame,
  prediction: ReturnType<ReturnType<Machine['potential']>['predict']>,
): EvaluatedFrame {
  const { structure, labels } = frame;
  const n = atomCount(structure);
  const sigmas = predictiveSigmas(model, prediction);
  const volume = stressVolume(structure);
  const hasStress = labels.virial !== null && volume !== null;
  const hasForces = labels.forces !== null;
  return {
    atoms: n,
    group: frame.group,
    symbols: Array.from(structure.species, symbolOf),
    energyError: labels.energy === null ? Number.NaN : prediction.energy - labels.energy,
    energySigma: labels.energy === null ? Number.NaN : sigmas.energy,
    forceErrors: hasForces ? prediction.forces.map((f, k) => f - labels.forces![k]!) : new Float64Array(0),
    forceSigmas: hasForces
      ? Float64Array.from({ length: 3 * n }, (_, k) =>
          prediction.fixedComponents[k] === 1 || Number.isNaN(labels.forces![k]!)
            ? Number.NaN
            : sigmas.forces[Math.floor(k / 3)]!,
        )
      : new Float64Array(0),
    stressErrors: hasStress ? prediction.virial.map((w, c) => -(w - labels.virial![c]!) / volume) : null,
    stressSigmas: hasStress ? sigmas.virial.map((s) => s / volume) : null,
    parts: partsOf(sigmas, prediction.fixedComponents, volume),
  };
}

/** Parts of the intervals of every value that has one: atoms whose forces symmetry fixes altogether have none. */
function partsOf({ parts }: PredictiveSigmas, fixed: Uint8Array, volume: number | null): FrameParts {
  const at = ({ label, modelForm, epistemic }: PartSigmas<Float64Array>, i: number, divisor: number) => ({
    label: label[i]! / divisor,
    modelForm: modelForm[i]! / divisor,
    epistemic: epistemic[i]! / divisor,
  });
  const free = [...parts.forces.label.keys()].filter((i) => [0, 1, 2].some((c) => fixed[3 * i + c] === 0));
  return {
    energy: parts.energy,
    forces: free.map((i) => at(parts.forces, i, 1)),
    stress: volume === null ? null : [0, 1, 2, 3, 4, 5].map((c) => at(parts.virial, c, volume)),
  };
}

/** Evaluates labelled frames in parallel, isolated atoms left out; results in the order of `judgedFrames`. */
export async function evaluateModel(
  model: ModelHandle,
  frames: readonly Frame[],
  pool: TaskPool,
): Promise<EvaluatedFrame[]> {
  const results = await pool.map(
    'evaluate',
    chunksOf(judgedFrames(frames)).map((chunk) => ({ model, frames: chunk })),
  );
  return results.flat();
}
