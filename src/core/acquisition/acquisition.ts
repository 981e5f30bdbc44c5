/** Whitened rows of one candidate structure (energy, force and virial rows over their noise): [m, d], row-major. */
export interface CandidateRows {
  readonly id: string;
  readonly rows: Float64Array;
  readonly count: number;
}

/** One structure chosen for labelling. */
export interface Chosen {
  readonly id: string;
  /** Position in the pool. */
  readonly index: number;
  /** Gain when it was chosen, given those before it: nats (information gain), variance over noise variance (max-variance), NaN (random). */
  readonly gain: number;
  /** A sentence: what made it the choice. */
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
}
