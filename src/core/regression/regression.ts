/** Kinds of observation, in the order in which they are stacked. */
export const OBSERVATION_KINDS = ['energy', 'forces', 'virial'] as const;
/** A kind of observation. */
export type ObservationKind = (typeof OBSERVATION_KINDS)[number];

/** One number per kind of observation. */
export type PerKind<T> = Readonly<Record<ObservationKind, T>>;

/**
 * Upper-triangular factor of the whitened-by-scale rows [X/s | y/s] of one kind: RᵀR = XᵀX, z = Qᵀy, and the norm of
 * what the columns cannot explain. All of the fit and its evidence follow from these; no row is kept.
 */
export interface FactorState {
  /** Number of columns d. */
  readonly columns: number;
  /** [d, d] upper triangle, row-major. */
  readonly r: Float64Array;
  /** [d] Qᵀy. */
  readonly z: Float64Array;
  /** ‖y − X·w‖² of the unregularised least-squares solution of the rows seen so far. */
  readonly residual: number;
  /** Number of observations that count in the evidence. */
  readonly count: number;
  /** Σ of ln(u/s²) of the rows, so that the evidence is that of the unscaled observations. */
  readonly logScale: number;
}

/**
 * Independent zero-mean normal priors of the columns: precision α·gamma_v² where `fixed_v` is NaN, otherwise fixed_v
 * (reference energies, offsets of label groups; 0 = flat).
 */
export interface Prior {
  /** [d] relative stiffness Γ_v of each column, column scale included. */
  readonly gamma: Float64Array;
  /** [d] fixed precision, or NaN where α rules. */
  readonly fixed: Float64Array;
}

/** Hyperparameters: prior precision α and noise standard deviations σ of each kind (of the scaled rows). */
export interface Hyperparameters {
  readonly alpha: number;
  readonly noise: PerKind<number>;
}

/**
 * Gaussian posterior over the weights: precision P = RᵀR (R upper triangular), mean m.
 * Covariances are S = P⁻¹; variances of rows X are ‖R⁻ᵀ xᵀ‖².
 */
export interface PosteriorState {
  /** [d] m. */
  readonly mean: Float64Array;
  /** [d, d] upper-triangular R, row-major. */
  readonly r: Float64Array;
  readonly hyperparameters: Hyperparameters;
}

/** Builds a factor from streamed rows. */
export interface Factor {
  readonly columns: number;
  /**
   * Appends m rows, already divided by their scale s and multiplied by √u (weight u).
   * @param rows [m, d] row-major  @param targets [m]  @param logScale Σ ln(u/s²) of these rows (default 0)
   */
  append(rows: Float64Array, targets: Float64Array, m: number, logScale?: number): void;
  /** Adds all observations of another factor of the same columns. */
  merge(other: FactorState): void;
  /** A copy of what is known so far. */
  state(): FactorState;
}
