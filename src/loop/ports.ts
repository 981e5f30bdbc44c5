import type { Decision } from '../core/dynamics/guard.ts';
import type { Candidate, Origin, WalkerReport } from '../core/sampling/sampling.ts';
import type { Frame, Structure } from '../core/structure/structure.ts';
import type { LabelResult } from '../reference/reference.ts';

export type { Candidate, Origin, WalkerReport };

/** One decision of a walker's guard: what it saw, against which limit, and what it did. */
export type WalkerDecision = Decision & { readonly walker: number };

/** Candidates of one exploration, how its walkers fared and what they decided on the way. */
export interface ExplorationOutcome {
  readonly candidates: readonly Candidate[];
  readonly walkers: readonly WalkerReport[];
  readonly decisions?: readonly WalkerDecision[];
}

/** One selected candidate. */
export interface SelectedCandidate {
  readonly id: string;
  readonly gain: number;
  readonly reason: string;
}

/** The batch of a round. */
export interface SelectionOutcome {
  readonly selected: readonly SelectedCandidate[];
  readonly certificate: number | null;
  readonly poolSize: number;
}

/** A fitted model, as the bytes of its file, and the figures a person sees. */
export interface FitOutcome {
  readonly model: Uint8Array;
  readonly summary: Readonly<Record<string, number | boolean | string>>;
}

/** Errors of the model on one assessment frame: everything the criteria need, one entry per frame. */
export interface FrameAssessment {
  readonly id: string;
  readonly atoms: number;
  /** Energy error (model − reference), eV, and its predictive standard deviation, eV. */
  readonly energyError: number;
  readonly energySigma: number;
  /** [3n] force errors, eV/Å, and predictive standard deviation per component, eV/Å (NaN: fixed by symmetry). */
  readonly forceErrors: readonly number[];
  readonly forceSigmas: readonly number[];
}

/**
 * The heavy, deterministic steps of a round. Each is a pure function of its arguments and the run's seed: the driver
 * may repeat one after a crash and get the same result.
 */
export interface Compute {
  /** Cold start: candidates from the run file's own structures (rattled, strained, short-distance), first batch chosen. */
  coldStart(count: number): Promise<readonly Candidate[]>;
  fit(training: readonly Frame[], round: number): Promise<FitOutcome>;
  explore(model: Uint8Array, round: number, training: readonly Frame[]): Promise<ExplorationOutcome>;
  /** `count` assessment frames of round `round` from their own walkers, drawn without looking at uncertainty. */
  assess(model: Uint8Array, round: number, count: number): Promise<readonly Candidate[]>;
  select(
    model: Uint8Array,
    candidates: readonly Candidate[],
    batch: number,
    round: number,
    training: readonly Frame[],
  ): Promise<SelectionOutcome>;
  evaluate(model: Uint8Array, frames: readonly Frame[]): Promise<readonly FrameAssessment[]>;
  dispose(): Promise<void>;
}

/** One label to be computed. */
export interface LabelRequest {
  readonly id: string;
  readonly structure: Structure;
  readonly attempt: number;
}

/** Computes labels. Results arrive in any order; the driver commits each as it comes. */
export interface Labeller {
  /** Runs one request; resolves with its result and, where files were written, the directory relative to the run. */
  label(
    request: LabelRequest,
    signal: AbortSignal,
  ): Promise<{ readonly result: LabelResult; readonly directory: string | null }>;
  /** A complete result of an earlier attempt that no event records, or null. */
  adopt(request: LabelRequest): Promise<{ readonly result: LabelResult; readonly directory: string | null } | null>;
  /** How many requests may run at once. */
  readonly concurrency: number;
  dispose(): Promise<void>;
}
