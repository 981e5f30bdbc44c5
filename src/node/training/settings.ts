import type { EnergyNoise } from '../../core/dataset/dataset.ts';
import type { PerKind } from '../../core/regression/regression.ts';
import type { EvaluationBudget } from './candidates.ts';

/** Everything a person may say of a fit; the defaults are those of `DEFAULT_FIT`. Plain data, stored in the model. */
export interface FitSettings {
  /** `auto`: chosen from the data among bases within the budget. */
  readonly preset: 'auto' | 'small' | 'medium' | 'large' | 'xlarge';
  /** Most that a chosen basis may cost; null: `DEFAULT_BUDGET`. */
  readonly budget: EvaluationBudget | null;
  /** Override the preset's sizes by order. */
  readonly nmax: readonly number[] | null;
  readonly lmax: readonly number[] | null;
  /** Å; null: 2.6 × the typical bond length of the data. */
  readonly cutoff: number | null;
  /** Å; null: from covalent radii and the shortest distance of each pair. */
  readonly innerCutoff: number | null;
  /** `auto`: chosen along with the basis, otherwise fixed. */
  readonly balance: 'auto' | 'fixed' | 'cv' | 'evidence';
  /** σ_E/σ_F of the fixed balance, Å. */
  readonly ratio: number;
  readonly prior: 'smoothness' | 'isotropic';
  readonly exponent: number;
  /** Prior precision relative to that of largest evidence; null: chosen along with the basis, otherwise 1. */
  readonly strength: number | null;
  /** Whether virial labels enter the fit. */
  readonly stress: boolean;
  readonly energyNoise: EnergyNoise;
  /** Weights by config_type and kind. */
  readonly weights: Readonly<Record<string, Partial<PerKind<number>>>>;
  /** Info key whose values have energy offsets of their own (all but the most frequent), or null. */
  readonly offsetKey: string | null;
  /** Isolated-atom energies by symbol, eV; others are found. */
  readonly isolatedAtoms: Readonly<Record<string, number>>;
  /** `two-density`: E_i = ρ₁ + F(ρ₂), kept where it beats one density on held-out frames. */
  readonly embedding: 'linear' | 'two-density';
  /** `huber`: labels that the fit misses by far count less, by iterated reweighting. */
  readonly loss: 'squares' | 'huber';
  /** Misfit, in robust standard deviations, beyond which they do. */
  readonly huberThreshold: number;
  /** Known noise of the labels: energies eV/√atom, force components eV/Å, virials eV/√atom; what is left out is not known. */
  readonly labelNoise: Partial<PerKind<number>>;
  /** Whether cores are made stronger or wider where a fit attracts at distances that its data do not have. */
  readonly mendCores: boolean;
  /** Folds of cross-validation. */
  readonly folds: number;
  readonly seed: number;
  /** Miscoverage of the conformal intervals. */
  readonly miscoverage: number;
}

/** Defaults of a fit from data. */
export const DEFAULT_FIT: FitSettings = {
  preset: 'auto',
  budget: null,
  nmax: null,
  lmax: null,
  cutoff: null,
  innerCutoff: null,
  balance: 'auto',
  ratio: 0.05,
  prior: 'smoothness',
  exponent: 4,
  strength: null,
  stress: true,
  energyNoise: 'sqrt',
  weights: {},
  offsetKey: null,
  isolatedAtoms: {},
  embedding: 'linear',
  loss: 'squares',
  huberThreshold: 2,
  labelNoise: {},
  mendCores: true,
  folds: 5,
  seed: 1,
  miscoverage: 0.05,
};
