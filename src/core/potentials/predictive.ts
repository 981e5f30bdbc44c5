import { observationNoise } from '../dataset/dataset.ts';
import { OBSERVATION_KINDS } from '../regression/regression.ts';
import type { ObservationKind, PerKind } from '../regression/regression.ts';
import { epistemicVariance } from '../uncertainty/calibration.ts';
import { type EnvelopeTerm, envelopeParts, type VarianceParts } from '../uncertainty/envelope.ts';
import type { VarianceFormName } from '../uncertainty/variance-forms.ts';
import type { FormVariances, Prediction } from './ace-potential.ts';
import type { LinearModel } from './linear-model.ts';
import { envelopeOf } from './regimes.ts';

/** Standard deviations of what an interval is made of; their squares add up to its own. */
export interface PartSigmas<T> {
  /** Of the labels; 0 where it is not known (`ModelUncertainty.labelNoise`). */
  readonly label: T;
  /** What the form of the model leaves, whatever the labels. */
  readonly modelForm: T;
  /** What more labels would remove. */
  readonly epistemic: T;
}

/** Calibrated standard deviations of one prediction. Forces: per component, the same for the three of an atom. */
export interface PredictiveSigmas {
  /** Of the interval: the largest of the calibrated variance forms. Energy of the whole cell, eV. */
  readonly energy: number;
  /** [n] eV/Å. */
  readonly forces: Float64Array;
  /** [6] of the virial, eV. */
  readonly virial: Float64Array;
  /** √(b v) of the posterior alone: for triggers and rankings. */
  readonly epistemic: { readonly energy: number; readonly forces: Float64Array; readonly virial: Float64Array };
  /** What the intervals are made of. */
  readonly parts: {
    readonly energy: PartSigmas<number>;
    readonly forces: PartSigmas<Float64Array>;
    readonly virial: PartSigmas<Float64Array>;
  };
}

/** Why the error bars of each kind are not calibrated; null where they are. */
export function uncalibrated({ uncertainty }: LinearModel): PerKind<string | null> {
  const of = (kind: ObservationKind): string | null => {
    const { calibrated, reason } = envelopeOf(uncertainty, kind)[0]!.scale;
    return calibrated ? null : reason;
  };
  return { energy: of('energy'), forces: of('forces'), virial: of('virial') };
}

/** √ of the largest calibrated variance of a prediction's energy, forces and virial, its parts, and √(b v) of the posterior. */
export function predictiveSigmas(model: LinearModel, prediction: Prediction): PredictiveSigmas {
  const { uncertainty } = model;
  const { scales } = uncertainty;
  const n = prediction.forceVariances.length;
  const square = (sigma: number): number => sigma * sigma;
  const [terms, noises, labels] = [
    (kind: ObservationKind) => envelopeOf(uncertainty, kind),
    (kind: ObservationKind) =>
      square(observationNoise(kind, model.posterior.hyperparameters.noise[kind], n, model.energyNoise)),
    (kind: ObservationKind) => square(observationNoise(kind, uncertainty.labelNoise?.[kind] ?? 0, n, 'sqrt')),
  ].map((of) => Object.fromEntries(OBSERVATION_KINDS.map((kind) => [kind, of(kind)]))) as [
    PerKind<readonly EnvelopeTerm[]>,
    PerKind<number>,
    PerKind<number>,
  ];
  const partsOf = (kind: ObservationKind, variance: (form: FormVariances) => number): VarianceParts =>
    envelopeParts(
      terms[kind],
      noises[kind],
      (form: VarianceFormName) => {
        const known = prediction.forms[form];
        return known === undefined ? Number.NaN : variance(known);
      },
      labels[kind],
    );
  const energy = partsOf('energy', (form) => form.energy);
  const forces = Array.from({ length: n }, (_, i) => partsOf('forces', (form) => form.forces[i]!));
  const virial = Array.from({ length: 6 }, (_, c) => partsOf('virial', (form) => form.virial[c]!));
  const roots = (list: readonly VarianceParts[], of: (parts: VarianceParts) => number): Float64Array =>
    Float64Array.from(list, (parts) => Math.sqrt(of(parts)));
  const listed = (list: readonly VarianceParts[]): PartSigmas<Float64Array> => ({
    label: roots(list, ({ label }) => label),
    modelForm: roots(list, ({ modelForm }) => modelForm),
    epistemic: roots(list, ({ epistemic }) => epistemic),
  });
  return {
    energy: Math.sqrt(energy.total),
    forces: roots(forces, ({ total }) => total),
    virial: roots(virial, ({ total }) => total),
    epistemic: {
      energy: Math.sqrt(epistemicVariance(scales.energy, prediction.energyVariance)),
      forces: prediction.forceVariances.map((v) => Math.sqrt(epistemicVariance(scales.forces, v))),
      virial: prediction.virialVariances.map((v) => Math.sqrt(epistemicVariance(scales.virial, v))),
    },
    parts: {
      energy: {
        label: Math.sqrt(energy.label),
        modelForm: Math.sqrt(energy.modelForm),
        epistemic: Math.sqrt(energy.epistemic),
      },
      forces: listed(forces),
      virial: listed(virial),
    },
  };
}
