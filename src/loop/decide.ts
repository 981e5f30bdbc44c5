import type { RunFile } from '../protocol/run-file.ts';
import { givingUp } from './forecast.ts';
import type { LabelRole, LoopState } from './state.ts';
import { assessmentLabels, currentRound, openLabels, spentLabels, usableLabels, wallTime } from './state.ts';

/** How many failures among the last 20 reference calculations are tolerated: 20 %. */
export const TOLERATED_FAILURES = 4;
/** Rounds in a row without a candidate worth a label after which there is nothing left to ask. */
const EMPTY_ROUNDS = 2;

/** What to do next. */
export type Command =
  | { readonly kind: 'cold-start'; readonly count: number }
  | { readonly kind: 'label'; readonly role: LabelRole; readonly ids: readonly string[] }
  | { readonly kind: 'fit'; readonly round: number }
  | { readonly kind: 'assess'; readonly round: number; readonly count: number }
  | { readonly kind: 'evaluate'; readonly round: number }
  | { readonly kind: 'explore'; readonly round: number }
  | { readonly kind: 'select'; readonly round: number; readonly batch: number }
  | { readonly kind: 'pause'; readonly cause: 'failures' | 'waiting'; readonly message: string }
  | {
      readonly kind: 'stop';
      readonly outcome: 'converged' | 'budget' | 'exhausted';
      readonly limit: string;
      readonly message: string;
    }
  | { readonly kind: 'rest' };

type Stop = Extract<Command, { kind: 'stop' }>;

const seconds = (value: number): string => (value < 600 ? `${Math.round(value)} s` : `${(value / 3600).toFixed(1)} h`);

/** The limit on time that is reached, if any: computing time of labels, or wall time. */
function timeSpent(state: LoopState, budget: RunFile['budget']): Stop | null {
  const stop = (limit: string, message: string): Stop => ({ kind: 'stop', outcome: 'budget', limit, message });
  if (budget.cost !== undefined && state.cost >= budget.cost) {
    return stop('cost', `reference calculations took ${seconds(state.cost)} of ${seconds(budget.cost)}`);
  }
  const wall = wallTime(state);
  if (budget.wallTime !== undefined && wall >= budget.wallTime) {
    return stop('wallTime', `the run took ${seconds(wall)} of ${seconds(budget.wallTime)}`);
  }
  return null;
}

/** Why the last reference calculations failed, most frequent first: `scf 3, crash 2`. */
function failureReasons(state: LoopState): string {
  const counts = new Map<string, number>();
  for (const { status, reason } of Object.values(state.labels)) {
    if (status === 'failed' || (status === 'rejected' && reason === 'inconsistent')) {
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const latest = Object.values(state.labels).findLast((label) => label.status === 'failed')?.message ?? '';
  return `${sorted.map(([reason, count]) => `${reason} ${count}`).join(', ')}${latest === '' ? '' : `; for instance: ${latest}`}`;
}

/** After a look that did not end the run: which limit forbids another round, if any. */
function roundsSpent(state: LoopState, runFile: RunFile): Stop | null {
  const { budget, assessment } = runFile;
  const round = currentRound(state)!;
  const stop = (outcome: 'budget' | 'exhausted', limit: string, message: string): Stop => ({
    ...{ kind: 'stop', outcome, limit, message },
  });
  if (state.rounds.length >= budget.rounds) return stop('budget', 'rounds', `all ${budget.rounds} rounds are done`);
  const spent = spentLabels(state);
  // A model that met everything once may confirm it: that costs assessment labels only.
  if (spent >= budget.labels && !round.assessed!.met) {
    return stop('budget', 'labels', `all ${budget.labels} training labels are spent`);
  }
  const latest = state.rounds.slice(-EMPTY_ROUNDS);
  const idle = latest.length === EMPTY_ROUNDS && latest.every(({ batch }) => batch!.ids.length === 0);
  const complete = assessmentLabels(state, assessment.size).length === assessment.size;
  if (idle && complete && !round.assessed!.met) {
    return stop('exhausted', 'pool', `no candidate of the last ${EMPTY_ROUNDS} rounds was worth a label`);
  }
  if (runFile.stopping.giveUp) {
    const hopeless = givingUp(state, runFile);
    if (hopeless !== null) return stop('exhausted', hopeless.limit, hopeless.message);
  }
  return null;
}

/**
 * The next command of a run. Pure: the same state and run file give the same command, so that a resumed run goes on as if
 * nothing had happened.
 *
 *   cold start → label → fit → assess → label → evaluate → stop? → explore → select → label → fit → …
 */
export function decide(state: LoopState, runFile: RunFile): Command {
  if (state.stopped !== null || state.paused !== null) return { kind: 'rest' };
  const failures = state.recentFailures.filter((failed) => failed).length;
  if (failures > TOLERATED_FAILURES) {
    const message = `${failures} of the last ${state.recentFailures.length} reference calculations failed: ${failureReasons(state)}`;
    return { kind: 'pause', cause: 'failures', message };
  }
  const round = currentRound(state);
  if (round?.assessed?.converged) {
    return { kind: 'stop', outcome: 'converged', limit: 'criteria', message: round.assessed.reason };
  }
  const late = timeSpent(state, runFile.budget);
  if (late !== null) return late;

  const { start, budget, acquisition, assessment, reference } = runFile;
  if (round === null) {
    const imported = usableLabels(state, 'training').length;
    return { kind: 'cold-start', count: Math.max(0, Math.min(start.count, budget.labels) - imported) };
  }
  if (round.batch === null) {
    const batch = Math.max(0, Math.min(acquisition.batch, budget.labels - spentLabels(state)));
    return { kind: 'select', round: round.round, batch };
  }
  for (const role of ['training', 'assessment'] as const) {
    const ids = openLabels(state, role).map(({ id }) => id);
    if (ids.length === 0) continue;
    if (reference.kind === 'manual') {
      return { kind: 'pause', cause: 'waiting', message: `${ids.length} structures wait for your labels` };
    }
    return { kind: 'label', role, ids };
  }
  if (round.model === null) {
    if (usableLabels(state, 'training').length === 0) {
      return { kind: 'pause', cause: 'failures', message: `no label to learn from: ${failureReasons(state)}` };
    }
    return { kind: 'fit', round: round.round };
  }
  if (round.drawn === null) return { kind: 'assess', round: round.round, count: assessment.perRound };
  if (round.assessed === null) return { kind: 'evaluate', round: round.round };
  return roundsSpent(state, runFile) ?? { kind: 'explore', round: round.round + 1 };
}
