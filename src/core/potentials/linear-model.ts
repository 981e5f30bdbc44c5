import type { ColumnLayout, EnergyNoise, ReferenceEnergies } from '../dataset/dataset.ts';
import { columnOffsets } from '../dataset/dataset.ts';
import type { AceSpecification } from '../descriptors/ace/basis.ts';
import type { NeuralEnsemble } from './neural/ensemble.ts';
import type { CalibratedRegime } from './regimes.ts';
import type { CoreMending } from './repulsive-cores.ts';
import { InputError } from '../errors.ts';
import type { PerKind, PosteriorState } from '../regression/regression.ts';
import type { TwoFactorScale } from '../uncertainty/calibration.ts';
import type { EnvelopeTerm } from '../uncertainty/envelope.ts';
import type { NoveltyModel } from '../uncertainty/novelty.ts';
import type { ShiftBox } from '../uncertainty/pops.ts';
import type { TrustLimits } from '../uncertainty/trust-region.ts';
import type { Structure } from '../structure/structure.ts';

/** Roots A of epistemic covariances A Aᵀ of the weights, beside the posterior's. */
export interface ModelForms {
  /** [columns, rank] of leaving out one cluster of structures at a time. */
  readonly jackknife: { readonly root: Float64Array; readonly rank: number };
  /** [columns, rank] of fitting rows exactly, along principal axes, and the box that holds those fits in standard deviations. */
  readonly pops: { readonly root: Float64Array; readonly rank: number } & ShiftBox;
}

/** How the error bars of a model are made and where it stops being trusted. */
export interface ModelUncertainty {
  /** Two-factor scales of a·σ² + b·v with the posterior's v, from left-out residuals: triggers use b·v. */
  readonly scales: PerKind<TwoFactorScale>;
  /** The variance of an interval is the largest over these terms; absent in files before version 3, where `scales` rule. */
  readonly envelope?: PerKind<readonly EnvelopeTerm[]>;
  /** Absent in files before version 3. */
  readonly forms?: ModelForms;
  /** Noise of the labels, eV/√atom, eV/Å, eV/√atom; 0 where it has not been measured. */
  readonly labelNoise?: PerKind<number>;
  /** Force score √(b v), eV/Å, that 99 % of left-out atoms stay below; absent in files before version 3. */
  readonly forceTrigger?: number;
  /** Root mean square of leave-one-structure-out residuals: eV/atom, eV/Å, eV/Å³ (NaN without such labels). */
  readonly leaveOneOut: PerKind<number>;
  /** Half-width multipliers that cover a whole structure with probability `level` (∞ when too few structures). */
  readonly conformal: { readonly level: number; readonly energy: number; readonly forces: number };
  /** [elements] median leverage of a training atom. */
  readonly leverageMedian: readonly number[];
  /** [elements] novelty of atomic environments; null for an element without training atoms. */
  readonly novelty: readonly (NoveltyModel | null)[];
  readonly limits: TrustLimits;
  /** Error bars calibrated on labelled structures of a regime, beside these general ones. */
  readonly regimes?: readonly CalibratedRegime[];
}

/** What the fit was made from and how; enough to rerun it. */
export interface ModelTraining {
  readonly structures: number;
  readonly atoms: number;
  readonly rows: PerKind<number>;
  /** sha256 over the labelled structures in order. */
  readonly dataHash: string;
  readonly groups: Readonly<Record<string, number>>;
  readonly logEvidence: number;
  readonly evidenceConverged: boolean;
  /** Energy-force balance: how σ_E/σ_F was chosen, and the curve it was chosen from (empty when fixed). */
  readonly balance: {
    readonly mode: 'fixed' | 'cv' | 'evidence';
    readonly ratio: number;
    readonly curve: readonly { readonly ratio: number; readonly energy: number; readonly forces: number }[];
  };
  /** Constant hydrostatic offset of the stress labels, eV per atom on the diagonal of the virial; 0 when none is fitted. */
  readonly stressOffset: number;
  /** Cores that were made stronger or wider after the fit; left out where none was. */
  readonly cores?: CoreMending;
  /** The resolved settings of the fit. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Environments of one element that span its training set, by which extrapolation is graded. */
export interface ElementActiveSet {
  /** [size, size] inverse of the matrix of active descriptors, row-major: γ(b) = max_k |Σ_v b_v inverse[v][k]|. */
  readonly inverse: Float64Array;
  /** Directions that no training atom covers; pseudo-rows stand for them. */
  readonly pseudoRows: number;
  /** Training atoms it was chosen from, and those left out since the fit does not describe them. */
  readonly atoms: number;
  readonly excluded: number;
}

/** A linear potential with the posterior it is the mean of. Plain data. */
export interface LinearModel {
  readonly specification: AceSpecification;
  readonly basisId: string;
  /**
   * `two-density`: E_i = ρ₁ + F(ρ₂), nonlinear, with twice the columns and the posterior of its linearisation at the mean;
   * left out: linear.
   */
  readonly embedding?: 'two-density';
  readonly layout: ColumnLayout;
  /** Before the corrections that the posterior adds. */
  readonly reference: ReferenceEnergies;
  readonly energyNoise: EnergyNoise;
  readonly posterior: PosteriorState;
  /** [basis] column scale of force rows, by which components fixed by symmetry are recognised. */
  readonly forceColumnScale: Float64Array;
  readonly uncertainty: ModelUncertainty;
  /** [elements] null for an element without training atoms; left out in files of version 1. */
  readonly activeSets?: readonly (ElementActiveSet | null)[];
  readonly training: ModelTraining;
  /** Networks that correct the mean, left out without any. */
  readonly neural?: NeuralEnsemble;
}

/** [basis] coefficients of the basis functions; those of a second density follow those of the first. */
export function coefficientsOf(model: LinearModel): Float64Array {
  return model.posterior.mean.slice(0, model.layout.basis);
}

/**
 * Refuses a model whose energies are not linear in its weights.
 *
 * @param what what needs one, for the message
 * @throws InputError `NONLINEAR_MODEL`
 */
export function requireLinear(model: Pick<LinearModel, 'embedding'>, what: string): void {
  if (model.embedding !== undefined)
    throw new InputError('NONLINEAR_MODEL', `model of ${what} must be linear, got one of two densities`);
}

/** [elements] energies of isolated atoms including the posterior's corrections, eV. */
export function isolatedAtomEnergies(model: LinearModel): number[] {
  const { layout, reference, posterior } = model;
  const offset = columnOffsets(layout).referenceEnergies;
  return reference.values.map((value, e) => value + (layout.referenceEnergies ? posterior.mean[offset + e]! : 0));
}

/** Smallest distance of each pair of elements that the model was made for, Å: below it every frame is broken. */
export function distanceGates(specification: AceSpecification): readonly (readonly number[])[] {
  return specification.pairs.map((row) => row.map((pair) => pair.innerCutoff));
}

/** Element index of each atom of a structure in a list of atomic numbers. */
export function elementIndices(structure: Structure, species: readonly number[]): Int32Array {
  return Int32Array.from(structure.species, (z) => species.indexOf(z));
}
