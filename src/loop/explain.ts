import { InputError } from '../core/errors.ts';
import type { Structure } from '../core/structure/structure.ts';
import type { CriterionData, FingerprintData, OriginData, PreconditionData } from '../protocol/events.ts';
import type { RunFile } from '../protocol/run-file.ts';
import type { LabelValues } from './blobs.ts';
import { readLabel, readStructure } from './blobs.ts';
import { decide } from './decide.ts';
import { forecastSentence, forecastsOf } from './forecast.ts';
import type { LabelRecord, LoopState } from './state.ts';
import { spentLabels, wallTime } from './state.ts';
import { lastAssessed } from './status.ts';
import type { RunStore } from './store.ts';

/** Everything the run knows of one structure. */
export interface LabelExplanation {
  readonly id: string;
  readonly role: 'training' | 'assessment';
  readonly round: number;
  readonly status: string;
  /** Where it came from and with which trust signals. */
  readonly origin: OriginData;
  /** Why it was chosen; nats of gain for log-det strategies. */
  readonly chosen: {
    readonly reason: string;
    readonly gain: number | null;
    readonly rank: number;
    readonly of: number;
    readonly poolSize: number;
  };
  readonly energy: number | null;
  readonly maxForce: number | null;
  readonly cost: number;
  readonly retries: number;
  readonly message: string;
  readonly directory: string | null;
  /** First round whose model knew it; null for assessment labels and unusable ones. */
  readonly taughtSince: number | null;
}

/** What the reference was given for one label and what it gave back. */
export interface LabelExchange {
  readonly input: Structure;
  /** Null while there is none. */
  readonly output: LabelValues | null;
  /** Code, settings and files that this very label was computed with. */
  readonly fingerprint: FingerprintData | null;
}

/** Why a run has not stopped, or why it has. */
export interface RunExplanation {
  readonly stopped: boolean;
  /** Round that was judged last, and the names of the criteria and preconditions that it does not meet. */
  readonly round: number | null;
  readonly missing: readonly string[];
  readonly sentences: readonly string[];
  readonly criteria: readonly CriterionData[];
  readonly preconditions: readonly PreconditionData[];
  /** Criterion furthest from its tolerance, as upper/tolerance. */
  readonly binding: { readonly name: string; readonly ratio: number } | null;
}

/**
 * The label that an id or the beginning of one names.
 * @throws InputError `LABEL_UNKNOWN` when none or several begin so
 */
export function findLabel(state: LoopState, prefix: string): LabelRecord {
  const exact = state.labels[prefix];
  if (exact !== undefined) return exact;
  const found = Object.values(state.labels).filter(({ id }) => id.startsWith(prefix));
  if (found.length === 1 && prefix !== '') return found[0]!;
  throw new InputError(
    'LABEL_UNKNOWN',
    `Label id must name one label, got "${prefix}", which ${found.length === 0 ? 'names none' : `begins ${found.length} ids`}`,
    { prefix },
  );
}

/** Why the label was asked for and what became of it. */
export function explainLabel(state: LoopState, label: LabelRecord): LabelExplanation {
  const round = state.rounds[label.round];
  const { id, role, status, origin, energy, maxForce, cost, directory, message } = label;
  const usable = status === 'done' && !label.withdrawn && role === 'training';
  const taught = usable ? state.rounds.find(({ round: r, model }) => r >= label.round && model !== null) : undefined;
  const list = role === 'training' ? round?.batch?.ids : round?.drawn?.ids;
  return {
    ...{ id, role, origin, energy, maxForce, cost, directory, message },
    round: label.round,
    status: label.withdrawn
      ? 'withdrawn'
      : status === 'failed' || status === 'rejected'
        ? `${status} (${label.reason})`
        : status,
    chosen: {
      reason:
        role === 'assessment'
          ? 'drawn from the conditions without looking at uncertainty; it judges and never teaches'
          : label.selectionReason,
      gain: label.gain,
      rank: label.index + 1,
      of: list?.length ?? 0,
      poolSize: round?.batch?.poolSize ?? 0,
    },
    retries: label.attempt + label.lost,
    taughtSince: taught?.round ?? null,
  };
}

/** Input, output and fingerprint of a label, out of the store. */
export function labelExchange(store: RunStore, label: LabelRecord): LabelExchange {
  let fingerprint: FingerprintData | null = null;
  for (const { type, data } of label.result === null ? [] : store.events()) {
    if (type === 'label-done' && data.id === label.id) fingerprint = data.fingerprint;
    if (type === 'labels-imported') {
      fingerprint = data.labels.find(({ id }) => id === label.id)?.fingerprint ?? fingerprint;
    }
  }
  const output = label.result === null ? null : readLabel(store.blob(label.result));
  return { input: readStructure(store.blob(label.structure)), output, fingerprint };
}

/** upper/tolerance of a criterion; ∞ where nothing was found. */
function ratioOf({ upper, tolerance }: CriterionData): number {
  return upper === null ? Number.POSITIVE_INFINITY : upper / tolerance;
}

/** Why the run has not stopped, or why it has: criterion by criterion, then budgets. */
export function explainRun(state: LoopState, runFile: RunFile): RunExplanation {
  const judged = lastAssessed(state);
  const criteria = judged?.assessed?.criteria ?? [];
  const preconditions = judged?.assessed?.preconditions ?? [];
  const binding =
    criteria
      .map((criterion) => ({ name: criterion.name, ratio: ratioOf(criterion) }))
      .sort((a, b) => b.ratio - a.ratio)[0] ?? null;
  const sentences: string[] = [];
  if (state.stopped !== null) sentences.push(`It stopped: ${state.stopped.message}.`);
  if (state.paused !== null) sentences.push(`It is paused: ${state.paused.message}.`);
  if (judged === null) sentences.push('No model has been judged yet.');
  else if (judged.assessed!.met && state.stopped?.outcome !== 'converged') {
    const { patience } = runFile.stopping;
    sentences.push(
      `Everything was met in round ${judged.round}; it must be met in ${patience} rounds in a row (now ${state.history.consecutive ?? 0}).`,
    );
  }
  if (state.stopped === null) sentences.push(...forecastsOf(state, runFile).map((one) => `${forecastSentence(one)}.`));
  const { budget } = runFile;
  const spent = [
    `${spentLabels(state)} of ${budget.labels} training labels`,
    `${state.rounds.length} of ${budget.rounds} rounds`,
  ];
  if (budget.cost !== undefined) spent.push(`${Math.round(state.cost)} of ${budget.cost} s of reference calculations`);
  if (budget.wallTime !== undefined) spent.push(`${Math.round(wallTime(state))} of ${budget.wallTime} s`);
  sentences.push(`Spent: ${spent.join(', ')}.`);
  if (state.stopped?.outcome === 'budget') {
    sentences.push(
      `To go on: the same command with a larger budget, for instance --set budget.${state.stopped.limit}=…`,
    );
  } else if (state.stopped?.limit === 'tolerance' || state.stopped?.limit === 'improvement') {
    sentences.push('To go on all the same: the same command with --set stopping.giveUp=false.');
  } else if (state.stopped === null && decide(state, runFile).kind === 'stop')
    sentences.push('It will stop when it is run again.');
  const missing = [...criteria, ...preconditions].filter(({ met }) => !met).map(({ name }) => name);
  return {
    stopped: state.stopped !== null,
    round: judged?.round ?? null,
    missing,
    binding,
    sentences,
    criteria,
    preconditions,
  };
}
