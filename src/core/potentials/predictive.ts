import { observationNoise } from '../dataset/dataset.ts';
import { epistemicVariance, predictiveVariance } from '../uncertainty/calibration.ts';
import type { Prediction } from './ace-potential.ts';
import type { LinearModel } from './linear-model.ts';

/** Calibrated standard deviations of one prediction. Forces: per component, the same for the three of an atom. */
export interface PredictiveSigmas {
  /** Of the interval: noise and epistemic part. Energy of the whole cell, eV. */
  readonly energy: number;
  /** [n] eV/Å. */
  readonly forces: Float64Array;
  /** [6] of the virial, eV. */
  readonly virial: Float64Array;
  /** Epistemic part alone: for triggers and rankings. */
  readonly epistemic: { readonly energy: number; readonly forces: Float64Array; readonly virial: Float64Array };
}

/** √(a σ² + b v) and √(b v) of a prediction's energy, forces and virial with the scales of its model. */
export function predictiveSigmas(model: LinearModel, prediction: Prediction): PredictiveSigmas {
  const { scales } = model.uncertainty;
  const n = prediction.forceVariances.length;
  const noise = (kind: 'energy' | 'forces' | 'virial'): number => {
    const sigma = observationNoise(kind, model.posterior.hyperparameters.noise[kind], n, model.energyNoise);
    return sigma * sigma;
  };
  const noises = { energy: noise('energy'), forces: noise('forces'), virial: noise('virial') };
  return {
    energy: Math.sqrt(predictiveVariance(scales.energy, noises.energy, prediction.energyVariance)),
    forces: prediction.forceVariances.map((v) => Math.sqrt(predictiveVariance(scales.forces, noises.forces, v))),
    virial: prediction.virialVariances.map((v) => Math.sqrt(predictiveVariance(scales.virial, noises.virial, v))),
    epistemic: {
      energy: Math.sqrt(epistemicVariance(scales.energy, prediction.energyVariance)),
      forces: prediction.forceVariances.map((v) => Math.sqrt(epistemicVariance(scales.forces, v))),
      virial: prediction.virialVariances.map((v) => Math.sqrt(epistemicVariance(scales.virial, v))),
    },
  };
}
