import { predictiveSigmas } from '../../core/potentials/predictive.ts';
import type { TrustSignals } from '../../core/potentials/potential.ts';
import type { AcePotential } from '../../core/potentials/ace-potential.ts';
import type { Frame, Structure } from '../../core/structure/structure.ts';
import type { TrustVerdict } from '../../core/uncertainty/trust-region.ts';
import { classifyTrust } from '../../core/uncertainty/trust-region.ts';
import type { Machine, ModelHandle } from '../workers/machine.ts';
import { onFrame } from './check-frames.ts';
import { stressVolume } from './evaluate.ts';

/** What the model says of one structure, with calibrated standard deviations. */
export interface StructurePrediction {
  /** Total energy, its interval sigma and the epistemic part of that, eV. */
  readonly energy: number;
  readonly energyStd: number;
  readonly energyEpistemicStd: number;
  /** [n][3] eV/Å. */
  readonly forces: number[][];
  /** [n] interval sigma of each component, eV/Å, and the epistemic part of it. */
  readonly forcesStd: number[];
  readonly forcesEpistemicStd: number[];
  /** [6] eV/Å³, Voigt, tension positive; null without a periodic cell. */
  readonly stress: number[] | null;
  readonly stressStd: number[] | null;
  /** Extrapolation grade per atom; null without an active set. */
  readonly grade: number[] | null;
  /** [n] over the training median. */
  readonly leverage: number[];
  /** [n] over the edge of the training set. */
  readonly novelty: number[];
  readonly trust: TrustVerdict;
  readonly signals: TrustSignals;
}

/** Predictions of the structures of some frames. What is thrown names the frame. */
export function predictStructures(
  machine: Machine,
  argument: { model: ModelHandle; frames: readonly Frame[] },
): StructurePrediction[] {
  const potential = machine.potential(argument.model);
  return argument.frames.map((frame) => onFrame(frame, () => predicted(potential, frame.structure)));
}

function predicted(potential: AcePotential, structure: Structure): StructurePrediction {
  const prediction = potential.predict(structure);
  const sigmas = predictiveSigmas(potential.model, prediction);
  const volume = stressVolume(structure);
  const signals = potential.signals(structure, prediction);
  return {
    energy: prediction.energy,
    energyStd: sigmas.energy,
    energyEpistemicStd: sigmas.epistemic.energy,
    forces: Array.from(structure.species, (_, i) => [...prediction.forces.subarray(3 * i, 3 * i + 3)]),
    forcesStd: [...sigmas.forces],
    forcesEpistemicStd: [...sigmas.epistemic.forces],
    stress: volume === null ? null : Array.from(prediction.virial, (w) => -w / volume),
    stressStd: volume === null ? null : Array.from(sigmas.virial, (s) => s / volume),
    grade: arrayOrNull(potential.grades(structure)),
    leverage: [...prediction.leverage],
    novelty: [...prediction.novelty],
    trust: classifyTrust(signals, potential.model.uncertainty.limits),
    signals,
  };
}

function arrayOrNull(values: Float64Array | null): number[] | null {
  return values === null ? null : [...values];
}
