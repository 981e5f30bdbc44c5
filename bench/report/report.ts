/** Everything that a run of the benchmark found. Plain data, written as JSON. */
import type { Contest } from '../contest.ts';
import type { MachineDescription } from '../machine.ts';
import type { Reporter, Scaling } from '../workbench.ts';

/** A whole run. */
export interface BenchReport {
  readonly machine: MachineDescription;
  readonly rounds: number;
  readonly contests: readonly Contest[];
  readonly scalings: readonly Scaling[];
  /** What was left out, and why. */
  readonly notes: readonly string[];
}

/** Collects what is reported, and hands it on. */
export function collectingReporter(next: Reporter): Reporter & Pick<BenchReport, 'contests' | 'scalings' | 'notes'> {
  const contests: Contest[] = [];
  const scalings: Scaling[] = [];
  const notes: string[] = [];
  return {
    contests,
    scalings,
    notes,
    contest(contest) {
      contests.push(contest);
      next.contest(contest);
    },
    scaling(scaling) {
      scalings.push(scaling);
      next.scaling(scaling);
    },
    note(text) {
      notes.push(text);
      next.note(text);
    },
  };
}
