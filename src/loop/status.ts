import type { CriterionData, PreconditionData } from '../protocol/events.ts';
import type { RunFile } from '../protocol/run-file.ts';
import type { Command } from './decide.ts';
import { decide } from './decide.ts';
import type { CriterionForecast } from './forecast.ts';
import { forecastsOf } from './forecast.ts';
import type { LabelRole, LoopState } from './state.ts';
import { orderedLabels, spentLabels, stateHash } from './state.ts';
import type { TelemetryRow } from './store.ts';

/** What a run is doing. */
export type Phase =
  | 'cold start'
  | 'labelling'
  | 'fitting'
  | 'drawing assessment'
  | 'evaluating'
  | 'exploring'
  | 'selecting'
  | 'waiting for labels'
  | 'paused'
  | 'stopped';

const PHASES: Readonly<Record<Command['kind'], Phase>> = {
  'cold-start': 'cold start',
  label: 'labelling',
  fit: 'fitting',
  assess: 'drawing assessment',
  evaluate: 'evaluating',
  explore: 'exploring',
  select: 'selecting',
  pause: 'paused',
  stop: 'stopped',
  rest: 'paused',
};

/** Labels of one role by status. */
export interface LabelCounts {
  readonly done: number;
  readonly running: number;
  readonly queued: number;
  readonly failed: number;
  readonly rejected: number;
  readonly withdrawn: number;
}

/** One point of the learning curve: the model of a round on the assessment labels of that time. */
export interface CurvePoint {
  readonly round: number;
  /** Training labels the model knew. */
  readonly labels: number;
  /** Frames it was judged on. */
  readonly frames: number;
  /** Value and upper bound of each criterion by name. */
  readonly criteria: Readonly<Record<string, { readonly value: number | null; readonly upper: number | null }>>;
  /** Walkers that explored with the model before, and how many of them broke. */
  readonly walkers: number;
  readonly broken: number;
  /** Share of the newly drawn assessment frames that stand for a walker that had broken. */
  readonly censored: number;
}

/** `querent status --json`: energies eV (errors eV/atom), forces eV/Å, cost s. */
export interface StatusReport {
  readonly name: string;
  readonly phase: Phase;
  /** Round under way, from 0. */
  readonly iteration: number;
  readonly labels: { readonly training: LabelCounts; readonly assessment: LabelCounts };
  /** Failed and rejected labels of both roles by reason. */
  readonly failures: Readonly<Record<string, number>>;
  readonly rejections: Readonly<Record<string, number>>;
  /** Training labels that count against the budget, and the budget. */
  readonly budget: { readonly spent: number; readonly labels: number; readonly rounds: number };
  readonly criteria: readonly CriterionData[];
  readonly preconditions: readonly PreconditionData[];
  /** Seconds of reference calculations. */
  readonly cost: number;
  readonly stopped: 'converged' | 'budget' | 'exhausted' | null;
  /** Why it stopped or paused, or what is still missing. */
  readonly reason: string;
  /** Whether the criteria are those of the round under way or of an earlier one. */
  readonly assessedRound: number | null;
  /** The criterion farthest beyond its tolerance (or closest to it, when all are met), and upper/tolerance. */
  readonly binding: { readonly name: string; readonly ratio: number } | null;
  /** The learning curve, a point per judged round. */
  readonly curve: readonly CurvePoint[];
  /** How many more labels the errors beyond their tolerance take, once there are enough rounds to say. */
  readonly forecasts: readonly CriterionForecast[];
  readonly stateHash: string;
}

/** What a command is called for people. */
export function phaseOf(command: Command): Phase {
  if (command.kind === 'pause' && command.cause === 'waiting') return 'waiting for labels';
  return PHASES[command.kind];
}

/** Labels of a role by status; withdrawn ones count as that alone. */
export function countLabels(state: LoopState, role: LabelRole): LabelCounts {
  const counts = { done: 0, running: 0, queued: 0, failed: 0, rejected: 0, withdrawn: 0 };
  for (const label of orderedLabels(state, role)) counts[label.withdrawn ? 'withdrawn' : label.status]++;
  return counts;
}

/** Reasons why labels failed (or were rejected) for good, most frequent first. */
export function countReasons(state: LoopState, status: 'failed' | 'rejected'): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const label of Object.values(state.labels)) {
    if (label.status === status) counts.set(label.reason, (counts.get(label.reason) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
}

/** The latest round whose model was judged, or null. */
export function lastAssessed(state: LoopState): LoopState['rounds'][number] | null {
  return state.rounds.findLast(({ assessed }) => assessed !== null) ?? null;
}

/** The criterion with the largest upper/tolerance. */
function bindingOf(criteria: readonly CriterionData[]): StatusReport['binding'] {
  const ratios = criteria.map(({ name, upper, tolerance }) => ({
    name,
    ratio: upper === null ? Number.POSITIVE_INFINITY : upper / tolerance,
  }));
  return ratios.reduce<StatusReport['binding']>(
    (worst, next) => (worst === null || next.ratio > worst.ratio ? next : worst),
    null,
  );
}

/** The learning curve of a run. */
export function learningCurve(state: LoopState): readonly CurvePoint[] {
  return state.rounds.flatMap(({ round, assessed, explored, drawn }) => {
    if (assessed === null) return [];
    const walkers = explored?.walkers ?? [];
    return [
      {
        round,
        labels: assessed.training,
        frames: assessed.frames,
        criteria: Object.fromEntries(assessed.criteria.map(({ name, value, upper }) => [name, { value, upper }])),
        walkers: walkers.length,
        broken: walkers.filter(({ outcome }) => outcome === 'broken').length,
        censored: drawn === null || drawn.ids.length === 0 ? 0 : drawn.censored / drawn.ids.length,
      },
    ];
  });
}

/** Where a run stands. */
export function statusOf(state: LoopState, runFile: RunFile): StatusReport {
  const judged = lastAssessed(state);
  const { stopped, paused } = state;
  let phase: Phase = phaseOf(decide(state, runFile));
  if (stopped !== null) phase = 'stopped';
  else if (paused !== null) phase = paused.cause === 'waiting' ? 'waiting for labels' : 'paused';
  return {
    name: runFile.name,
    phase,
    iteration: Math.max(0, state.rounds.length - 1),
    labels: { training: countLabels(state, 'training'), assessment: countLabels(state, 'assessment') },
    failures: countReasons(state, 'failed'),
    rejections: countReasons(state, 'rejected'),
    budget: { spent: spentLabels(state), labels: runFile.budget.labels, rounds: runFile.budget.rounds },
    criteria: judged?.assessed?.criteria ?? [],
    preconditions: judged?.assessed?.preconditions ?? [],
    cost: state.cost,
    stopped: stopped?.outcome ?? null,
    reason: stopped?.message ?? paused?.message ?? judged?.assessed?.reason ?? 'nothing is judged yet',
    assessedRound: judged?.round ?? null,
    binding: bindingOf(judged?.assessed?.criteria ?? []),
    curve: learningCurve(state),
    forecasts: forecastsOf(state, runFile),
    stateHash: stateHash(state),
  };
}

/**
 * Longest time the run can still take, s: seconds of a finished round times the rounds that budget and batch allow; null
 * before a round is finished.
 */
export function longestTimeLeft(state: LoopState, runFile: RunFile, telemetry: readonly TelemetryRow[]): number | null {
  const finished = state.rounds.filter(({ assessed }) => assessed !== null).length;
  if (finished === 0 || state.stopped !== null) return null;
  const seconds = telemetry
    .filter(({ kind, round }) => kind === 'phase' && round < finished)
    .reduce((sum, { data }) => sum + Number(data.seconds), 0);
  const { budget, acquisition } = runFile;
  const byLabels = Math.ceil(Math.max(0, budget.labels - spentLabels(state)) / acquisition.batch);
  return (seconds / finished) * Math.max(0, Math.min(budget.rounds - finished, byLabels));
}
