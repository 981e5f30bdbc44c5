import { type PartSigmas, predictiveSigmas, uncalibrated } from '../../core/potentials/predictive.ts';
import type { TrustSignals } from '../../core/potentials/potential.ts';
import type { AcePotential, FormVariances } from '../../core/potentials/ace-potential.ts';
import type { ObservationKind } from '../../core/regression/regression.ts';
import type { Frame, Structure } from '../../core/structure/structure.ts';
import type { TrustVerdict } from '../../core/uncertainty/trust-region.ts';
import type { VarianceFormName } from '../../core/uncertainty/variance-forms.ts';
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
  /** What the interval of the energy is made of, standard deviations, eV. */
  readonly energyParts: PartSigmas<number>;
  /** [n][3] eV/Å. */
  readonly forces: number[][];
  /** [n] interval sigma of each component, eV/Å, and the epistemic part of it. */
  readonly forcesStd: number[];
  readonly forcesEpistemicStd: number[];
  /** [n] what it is made of, eV/Å. */
  readonly forcesParts: PartSigmas<number[]>;
  /** [6] eV/Å³, Voigt, tension positive; null without a periodic cell. */
  readonly stress: number[] | null;
  readonly stressStd: number[] | null;
  readonly stressParts: PartSigmas<number[]> | null;
  /** Raw variances by each form of the epistemic covariance, eV², (eV/Å)², (eV/Å³)²; null where the model has it not. */
  readonly forms: Readonly<Record<VarianceFormName, FormPrediction | null>>;
  /** Whether the noise of labels of each kind is known to the model; where not, its part is 0 and counts to the model form. */
  readonly labelNoiseKnown: { readonly energy: boolean; readonly forces: boolean; readonly stress: boolean };
  /** Whether the intervals of each kind are calibrated on left-out structures. */
  readonly calibrated: { readonly energy: boolean; readonly forces: boolean; readonly stress: boolean };
  /** Extrapolation grade per atom; null without an active set. */
  readonly grade: number[] | null;
  /** [n] over the training median. */
  readonly leverage: number[];
  /** [n] over the edge of the training set. */
  readonly novelty: number[];
  readonly trust: TrustVerdict;
  readonly signals: TrustSignals;
}

/** Raw variances of one structure by one form. */
export interface FormPrediction {
  readonly energy: number;
  /** [n] */
  readonly forces: number[];
  /** [6]; null without a periodic cell. */
  readonly stress: number[] | null;
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
  const { labelNoise } = potential.model.uncertainty;
  const reasons = uncalibrated(potential.model);
  const known = (kind: ObservationKind): boolean => (labelNoise?.[kind] ?? 0) > 0;
  return {
    energy: prediction.energy,
    energyStd: sigmas.energy,
    energyEpistemicStd: sigmas.epistemic.energy,
    energyParts: sigmas.parts.energy,
    forces: Array.from(structure.species, (_, i) => [...prediction.forces.subarray(3 * i, 3 * i + 3)]),
    forcesStd: [...sigmas.forces],
    forcesEpistemicStd: [...sigmas.epistemic.forces],
    forcesParts: listed(sigmas.parts.forces, 1),
    stress: volume === null ? null : Array.from(prediction.virial, (w) => -w / volume),
    stressStd: volume === null ? null : Array.from(sigmas.virial, (s) => s / volume),
    stressParts: volume === null ? null : listed(sigmas.parts.virial, volume),
    forms: {
      posterior: formOf(prediction.forms.posterior, volume),
      jackknife: formOf(prediction.forms.jackknife, volume),
      pops: formOf(prediction.forms.pops, volume),
    },
    labelNoiseKnown: { energy: known('energy'), forces: known('forces'), stress: known('virial') },
    calibrated: { energy: reasons.energy === null, forces: reasons.forces === null, stress: reasons.virial === null },
    grade: arrayOrNull(potential.grades(structure)),
    leverage: [...prediction.leverage],
    novelty: [...prediction.novelty],
    trust: classifyTrust(signals, potential.model.uncertainty.limits),
    signals,
  };
}

function listed({ label, modelForm, epistemic }: PartSigmas<Float64Array>, divisor: number): PartSigmas<number[]> {
  const over = (values: Float64Array): number[] => Array.from(values, (value) => value / divisor);
  return { label: over(label), modelForm: over(modelForm), epistemic: over(epistemic) };
}

function formOf(form: FormVariances | undefined, volume: number | null): FormPrediction | null {
  if (form === undefined) return null;
  return {
    energy: form.energy,
    forces: [...form.forces],
    stress: volume === null ? null : Array.from(form.virial, (v) => v / (volume * volume)),
  };
}

function arrayOrNull(values: Float64Array | null): number[] | null {
  return values === null ? null : [...values];
}
