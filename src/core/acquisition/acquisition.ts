import type { LinearKernels } from '../numerics/kernels.ts';
import type { ObservationKind, PerKind } from '../regression/regression.ts';

/** Rows over their noise: [count, d], row-major. */
export interface Rows {
  readonly rows: Float64Array;
  readonly count: number;
}

/** Whitened rows of one candidate structure (energy, force and virial rows over their noise): [m, d], row-major. */
export interface CandidateRows extends Rows {
  readonly id: string;
  /** How many of the rows are of each kind, stacked energy, forces, virial; without it all count as one kind. */
  readonly kinds?: PerKind<number>;
}

/** Kinds of rows that a pool can be asked for. */
export type RowKind = ObservationKind | 'all';

/** A matrix of features: [count, columns], row-major. */
export interface FeatureRows {
  readonly rows: Float64Array | Float32Array;
  readonly count: number;
  readonly columns: number;
}

/** What a strategy may know of a candidate beside its numbers. */
export interface PoolCandidate {
  readonly id: string;
  readonly atoms: number;
  /** Group that the user put it into; null: strata are found by clustering. */
  readonly group: string | null;
  /** What its label costs, in any unit that all candidates share; positive. */
  readonly cost: number;
  /** Why it may not be chosen; null when it may. */
  readonly excluded: string | null;
}

/** Predictions of a committee for one candidate over the noise of each output: [outputs, members], row-major. */
export interface CommitteeOutputs {
  readonly predictions: Float64Array;
  readonly outputs: number;
  readonly members: number;
}

/** What is known already: the posterior, and the structures that it was learnt from. */
export interface Learner {
  /** [d, d] upper-triangular factor R of the posterior precision RᵀR, row-major. */
  readonly r: Float64Array;
  /** Mean descriptors of the labelled structures, in the columns of the pool's; null when they are not known. */
  readonly labelled: FeatureRows | null;
  /** What the noise of a total energy grows by: √N (default) or N. */
  readonly energyNoise?: 'sqrt' | 'atom';
  /** Group of each labelled structure, where groups are given. */
  readonly labelledGroups?: readonly (string | null)[];
}

/** Candidates that compete for labels. Indices are positions in `candidates`. */
export interface CandidatePool {
  readonly candidates: readonly PoolCandidate[];
  readonly learner: Learner;
  /** Mean descriptor of each candidate; null where there is none, and strategies of coverage are refused. */
  readonly descriptors: FeatureRows | null;
  /**
   * [n] How far a candidate's mean descriptor moves, in the norm of `descriptors` as they are, when each coordinate of its
   * atoms moves at random by 1 Å (to first order): the scale on which structures count as the same. Null when not known.
   */
  readonly displacementNorms: Float64Array | null;
  /**
   * Rows of a candidate over their noise: all of them, or fewer that teach the same but for a small share
   * (`leadingRows`).
   * @throws InputError `ROW_KIND` where the pool does not tell kinds apart
   */
  rows(index: number, kind?: RowKind): Rows;
  /** Predictions of a committee; null without one. */
  committee(index: number): CommitteeOutputs | null;
}

/** Quantities whose uncertainty is to fall: gradients with respect to the weights, in one unit or weighted to be one. */
export interface Targets extends Rows {
  /** [count] weight of each variance in the sum; 1 each by default. */
  readonly weights?: Float64Array;
}

/** Settings of a selection. */
export interface SelectionContext {
  /** Seed and round of what is drawn at random. */
  readonly seed?: number;
  readonly round?: number;
  /** Dense products; plain ones by default. */
  readonly kernels?: LinearKernels;
  /** Least information per atom that is worth a label, nats; strategies of information gain stop below it. */
  readonly minNatsPerAtom?: number;
  /** Least gain as a share of the first one. */
  readonly minShare?: number;
  /** Number of strata; min(12, n/6) of n structures by default. */
  readonly clusters?: number;
  /** What `target-variance` is to make certain. */
  readonly targets?: Targets;
  /** Gain counts per square root of cost, where that is the better bargain. */
  readonly costAware?: boolean;
  /** Most that the batch may cost together; only for strategies of a gain. */
  readonly budget?: number;
  /** Structures that displacements of this size (Å, of every coordinate) could turn into each other are the same. */
  readonly sameWithin?: number;
}

/** One structure chosen for labelling. */
export interface Chosen {
  readonly id: string;
  /** Position in the pool. */
  readonly index: number;
  /** Gain when it was chosen, given those before it, in the measure of the strategy (see `STRATEGIES`); NaN at random. */
  readonly gain: number;
  /** A sentence: what made it the choice. */
  readonly reason: string;
}

/** A candidate that could not compete, and why. */
export interface Excluded {
  readonly index: number;
  readonly reason: string;
}

/** A batch and how good it provably is. */
export interface Selection {
  readonly selected: readonly Chosen[];
  /**
   * Lower bound of F(batch)/F(best batch of that size), from F(OPT) ≤ F(A) + Σ of the k largest current gains;
   * null for strategies without one.
   */
  readonly certificate: number | null;
  /** Largest gains of candidates that were left, given the batch, falling, as many as the batch has; where gains are submodular. */
  readonly leftGains?: readonly number[];
  /** Candidates that did not compete: masked, or the same as another or as a labelled one. */
  readonly excluded?: readonly Excluded[];
}

/** A strategy: chooses at most `batchSize` of a pool in which nothing is masked and no two are the same. */
export type Choose = (pool: CandidatePool, batchSize: number, context: SelectionContext) => Selection;
