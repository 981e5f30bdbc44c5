import { sha256Hex } from '../core/hash.ts';
import { canonicalJson } from '../protocol/canonical-json.ts';
import type { CriterionData, FingerprintData, OriginData, PreconditionData, WalkerData } from '../protocol/events.ts';

/** Where a label stands. */
export type LabelStatus = 'queued' | 'running' | 'done' | 'failed' | 'rejected';
/** What a label is for: teaching (chosen actively) or judging (drawn without looking at uncertainty). */
export type LabelRole = 'training' | 'assessment';

/** Everything the state knows of one label; structures and results are blobs. */
export interface LabelRecord {
  readonly id: string;
  readonly role: LabelRole;
  /** Round that asked for it, and its place in that round's list. */
  readonly round: number;
  readonly index: number;
  readonly structure: string;
  readonly origin: OriginData;
  /** Gain and reason of its selection; null for assessment, imported and first structures. */
  readonly gain: number | null;
  readonly selectionReason: string;
  readonly status: LabelStatus;
  /** Attempts that ended without self-consistency: the next one uses gentler settings. */
  readonly attempt: number;
  /** Times its process vanished. */
  readonly lost: number;
  /** Why it failed or was rejected, '' otherwise. */
  readonly reason: string;
  readonly message: string;
  readonly result: string | null;
  readonly energy: number | null;
  readonly maxForce: number | null;
  readonly cost: number;
  readonly directory: string | null;
  readonly imported: boolean;
  readonly withdrawn: boolean;
  /** Process that computes it: number and start time; null unless running. */
  readonly process: { readonly pid: number; readonly startTime: string | null; readonly since: string } | null;
}

/** The verdict on a model at one look. */
export interface AssessmentRecord {
  readonly assessment: string;
  readonly frames: number;
  readonly criteria: readonly CriterionData[];
  readonly preconditions: readonly PreconditionData[];
  readonly met: boolean;
  readonly converged: boolean;
  readonly reason: string;
  /** Training labels the judged model knew. */
  readonly training: number;
}

/** What happened in one round; null for what is still to come. */
export interface RoundRecord {
  readonly round: number;
  /** How the walkers that proposed this round's candidates fared; null for the cold start. */
  readonly explored: { readonly pool: string; readonly size: number; readonly walkers: readonly WalkerData[] } | null;
  readonly pool: string | null;
  readonly batch: {
    readonly ids: readonly string[];
    readonly certificate: number | null;
    readonly poolSize: number;
    readonly strategy: string;
  } | null;
  readonly model: {
    readonly model: string;
    readonly data: string;
    readonly structures: number;
    readonly summary: Readonly<Record<string, number | boolean | string | null>>;
  } | null;
  readonly drawn: { readonly ids: readonly string[]; readonly censored: number } | null;
  readonly assessed: AssessmentRecord | null;
}

/** Memory of the stopping rule: plain numbers that `core/stopping` reads and returns. */
export type StoppingHistory = Readonly<Record<string, number>>;

/** The whole memory of a run, as its events made it. Plain data. */
export interface LoopState {
  readonly seq: number;
  readonly started: {
    readonly name: string;
    readonly seed: number;
    readonly inputs: Readonly<Record<string, string>>;
    readonly kernel: string;
    readonly querent: string;
    readonly time: string;
  } | null;
  /** Blob of the run file in force. */
  readonly runFile: string | null;
  readonly labels: Readonly<Record<string, LabelRecord>>;
  readonly rounds: readonly RoundRecord[];
  /** What the labels were computed with: code and settings of the first, with which others must agree, and the files of all. */
  readonly fingerprint: FingerprintData | null;
  /** Outcome of the last 20 reference calculations since the run was last started: true = failed. */
  readonly recentFailures: readonly boolean[];
  readonly history: StoppingHistory;
  readonly paused: { readonly cause: 'failures' | 'waiting'; readonly message: string } | null;
  readonly stopped: {
    readonly outcome: 'converged' | 'budget' | 'exhausted';
    readonly limit: string;
    readonly message: string;
  } | null;
  /** Wall time, s, over all sessions; not part of the hash. */
  readonly clock: { readonly sessionStart: number; readonly last: number; readonly before: number };
  /** Seconds of computing of all labels. */
  readonly cost: number;
  readonly settingsChanges: readonly { readonly path: string; readonly from: unknown; readonly to: unknown }[];
}

/** The state before the first event. */
export const EMPTY_STATE: LoopState = {
  seq: 0,
  started: null,
  runFile: null,
  labels: {},
  rounds: [],
  fingerprint: null,
  recentFailures: [],
  history: {},
  paused: null,
  stopped: null,
  clock: { sessionStart: 0, last: 0, before: 0 },
  cost: 0,
  settingsChanges: [],
};

/** Wall time of the run over all its sessions, up to its last event, s. */
export function wallTime(state: LoopState): number {
  return state.clock.before + (state.clock.last - state.clock.sessionStart) / 1000;
}

/** The round that is under way, or null before the first. */
export function currentRound(state: LoopState): RoundRecord | null {
  return state.rounds.at(-1) ?? null;
}

/** Labels in the order in which they were asked for: by round, then by place in the list, never by arrival. */
export function orderedLabels(state: LoopState, role: LabelRole): readonly LabelRecord[] {
  return Object.values(state.labels)
    .filter((label) => label.role === role)
    .sort((a, b) => a.round - b.round || a.index - b.index || (a.id < b.id ? -1 : 1));
}

/** Labels that may be used: done and not withdrawn, in order. */
export function usableLabels(state: LoopState, role: LabelRole): readonly LabelRecord[] {
  return orderedLabels(state, role).filter((label) => label.status === 'done' && !label.withdrawn);
}

/** The freshest `size` assessment labels that may be used, oldest first. */
export function assessmentLabels(state: LoopState, size: number): readonly LabelRecord[] {
  return usableLabels(state, 'assessment').slice(-size);
}

/** Labels of a role that are still to come, in order. */
export function openLabels(state: LoopState, role: LabelRole): readonly LabelRecord[] {
  return orderedLabels(state, role).filter(
    (label) => !label.withdrawn && (label.status === 'queued' || label.status === 'running'),
  );
}

/** Training labels that count against the budget: every one that was asked for here, whatever became of it. */
export function spentLabels(state: LoopState): number {
  return Object.values(state.labels).filter((label) => label.role === 'training' && !label.imported).length;
}

/** sha256 of the ids and results of the labels a model is fitted to. */
export function trainingHash(labels: readonly LabelRecord[]): string {
  return sha256Hex(canonicalJson(labels.map(({ id, result }) => [id, result])));
}

/**
 * sha256 of decisions, labels and models. Times, costs, hosts, processes, attempts and the order in which labels arrived do
 * not enter, so that a run that was killed anywhere and resumed has the hash of one that was not.
 */
export function stateHash(state: LoopState): string {
  const labels = Object.values(state.labels)
    .map(({ id, role, round, index, structure, origin, gain, status, reason, result, imported, withdrawn }) => ({
      ...{ id, role, round, index, structure, origin, gain, reason, result, imported, withdrawn },
      status: status === 'running' ? 'queued' : status,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const rounds = state.rounds.map(({ round, explored, pool, batch, model, drawn, assessed }) => ({
    ...{ round, explored, pool, batch, drawn },
    model: model === null ? null : { model: model.model, data: model.data },
    assessed: assessed === null ? null : { ...assessed, reason: undefined },
  }));
  const { started, fingerprint, history, stopped } = state;
  return sha256Hex(
    canonicalJson({
      name: started?.name ?? null,
      seed: started?.seed ?? null,
      inputs: started?.inputs ?? null,
      kernel: started?.kernel ?? null,
      ...{ labels, rounds, fingerprint, history },
      stopped: stopped === null ? null : { outcome: stopped.outcome, limit: stopped.limit },
    }),
  );
}
