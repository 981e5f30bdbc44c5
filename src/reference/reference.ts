import type { Structure } from '../core/structure/structure.ts';

/** Why a label failed. `scf` is retried once with gentler settings, `lost` is resubmitted, the others are final. */
export type FailureReason = 'input' | 'scf' | 'crash' | 'timeout' | 'lost';
/** Why a finished calculation was not accepted. */
export type RejectionReason = 'overlap' | 'force' | 'net-force' | 'inconsistent' | 'outlier';

/** What was computed, exactly: labels of different fingerprints are never mixed silently. */
export interface Fingerprint {
  /** Code and version, `quantum-espresso 6.7`, `querent tb-si 1`. */
  readonly code: string;
  /** Canonical JSON of the settings that change the numbers. */
  readonly settings: string;
  /** sha256 of files that change the numbers (pseudopotentials), by name. */
  readonly files: Readonly<Record<string, string>>;
}

/** A finished reference calculation in canonical units. */
export interface LabelSuccess {
  readonly status: 'done';
  /** Total energy extrapolated or internal, eV, when the code gives one beside the free energy. */
  readonly internalEnergy: number | null;
  /** The energy that the forces are derivatives of (the free energy with smearing), eV. */
  readonly energy: number;
  /** [3n] forces, eV/Å. */
  readonly forces: Float64Array;
  /** [6] W = −V·stress, Voigt, eV; null when the code gives none. */
  readonly virial: Float64Array | null;
  /** |Σ F|, eV/Å: a free estimate of the label's noise. */
  readonly netForce: number;
  /** Seconds of computing. */
  readonly cost: number;
  readonly fingerprint: Fingerprint;
}

/** A calculation without a usable result. */
export interface LabelFailure {
  readonly status: 'failed';
  readonly reason: FailureReason;
  readonly message: string;
  readonly cost: number;
}

/** A calculation that finished but must not enter the training set. */
export interface LabelRejection {
  readonly status: 'rejected';
  readonly reason: RejectionReason;
  readonly message: string;
  readonly cost: number;
}

/** What became of one request. */
export type LabelResult = LabelSuccess | LabelFailure | LabelRejection;

/** Files by name relative to the calculation's directory. */
export type FileSet = ReadonlyMap<string, string>;

/** What an engine's run left behind, as far as the operating system knows. */
export interface EngineOutcome {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly seconds: number;
}

/** Command to start, in the directory that holds the prepared files. */
export interface EngineCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Names of the files that `parse` wants to see (missing ones are simply absent). */
  readonly outputs: readonly string[];
  /** Glob-free names of large scratch files or folders to remove afterwards. */
  readonly scratch: readonly string[];
}

/** Name under which the standard output of an engine is kept and shown to `parse`. */
export const STDOUT_FILE = 'stdout.txt';
/** Name under which the standard error of an engine is kept and shown to `parse`. */
export const STDERR_FILE = 'stderr.txt';

/** A code that is run as a process: pure text in, pure text out. Only node/execution starts it. */
export interface CodecReference {
  readonly kind: 'codec';
  readonly name: string;
  /** What is computed, as canonical JSON (settings, sha256 of files): a stored result of another identity is not reused. */
  readonly identity?: string;
  /** `attempt` counts from 0; a later attempt after `scf` uses gentler settings. */
  prepare(structure: Structure, attempt: number): { readonly files: FileSet; readonly run: EngineCommand };
  parse(files: FileSet, structure: Structure, outcome: EngineOutcome): LabelResult;
}

/** A reference computed in this process (embedded). */
export interface ComputeReference {
  readonly kind: 'compute';
  readonly name: string;
  label(structure: Structure): LabelResult;
}

/** A reference that a person computes elsewhere: inputs are written, labels are imported later. */
export interface ManualReference {
  readonly kind: 'manual';
  readonly name: string;
}

/** Any of the kinds. */
export type Reference = CodecReference | ComputeReference | ManualReference;

/** Σ F over the atoms, [3], eV/Å. @param forces [3n] */
export function sumOfForces(forces: Float64Array): [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0];
  for (let k = 0; k < forces.length; k += 3) {
    sum[0] += forces[k]!;
    sum[1] += forces[k + 1]!;
    sum[2] += forces[k + 2]!;
  }
  return sum;
}
