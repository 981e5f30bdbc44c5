import { styleText } from 'node:util';
import type { Command } from '../loop/decide.ts';
import type { LoopState } from '../loop/state.ts';
import { currentRound, spentLabels } from '../loop/state.ts';
import { countLabels, lastAssessed, longestTimeLeft, phaseOf } from '../loop/status.ts';
import type { TelemetryRow } from '../loop/store.ts';
import type { StoredEvent } from '../protocol/events.ts';
import type { RunFile } from '../protocol/run-file.ts';
import { criteriaLine, criteriaTable, formatCounts, formatSeconds, plural } from './output.ts';

/** Time between two drawings of the live block, ms. */
const REFRESH = 250;

/** Where progress goes. */
export interface ProgressStream {
  stderr(text: string): void;
  readonly isTTY: boolean;
  readonly columns?: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Ids are shown by their beginning; `explain` takes that much. */
export const SHORT_ID = 10;

/**
 * What a person reads while a run goes on: one plain line per event that matters and, on a terminal, a block below them
 * that is redrawn in place: phase, labels, criteria against their tolerances, and the longest time left.
 */
export class Progress {
  private readonly stream: ProgressStream;
  private readonly runFile: RunFile;
  private readonly telemetry: () => readonly TelemetryRow[];
  private readonly now: () => number;
  private state: LoopState;
  private phase = 'starting';
  private phaseSince: number;
  private drawn = 0;
  private lastDrawing = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    stream: ProgressStream,
    runFile: RunFile,
    state: LoopState,
    telemetry: () => readonly TelemetryRow[],
    now: () => number = () => performance.now(),
  ) {
    this.stream = stream;
    this.runFile = runFile;
    this.state = state;
    this.telemetry = telemetry;
    this.now = now;
    this.phaseSince = now();
  }

  /** Starts the live block, on a terminal. */
  start(): void {
    if (!this.stream.isTTY || this.stream.env.TERM === 'dumb') return;
    this.timer = setInterval(() => this.draw(true), 4 * REFRESH);
    this.timer.unref();
    this.draw(true);
  }

  onCommand(command: Command, state: LoopState): void {
    this.state = state;
    const phase = phaseOf(command);
    if (phase !== this.phase) {
      this.phase = phase;
      this.phaseSince = this.now();
    }
    this.draw(true);
  }

  onEvent(event: StoredEvent, state: LoopState): void {
    this.state = state;
    const line = eventLine(event, state, this.runFile);
    if (line !== null) this.line(line);
    this.draw(line !== null);
  }

  /** A line that stays. */
  line(text: string): void {
    this.erase();
    this.stream.stderr(`${text}\n`);
  }

  /** Removes the live block. */
  finish(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.erase();
  }

  private erase(): void {
    if (this.drawn > 0) this.stream.stderr(`\u001b[${this.drawn}A\u001b[J`);
    this.drawn = 0;
  }

  private draw(force: boolean): void {
    if (this.timer === null) return;
    const now = this.now();
    if (!force && now - this.lastDrawing < REFRESH) return;
    this.lastDrawing = now;
    this.erase();
    const lines = this.block(now);
    this.stream.stderr(`${lines.join('\n')}\n`);
    this.drawn = lines.length;
  }

  private block(now: number): string[] {
    const { state, runFile } = this;
    const { name, budget } = runFile;
    const since = formatSeconds((now - this.phaseSince) / 1000);
    const round = Math.max(0, state.rounds.length - 1);
    const left = longestTimeLeft(state, runFile, this.telemetry());
    const lines = [
      '',
      `${name}  round ${round}: ${this.phase} ${since}${left === null ? '' : `, at most ${formatSeconds(left)} left`}`,
      `training    ${formatCounts(countLabels(state, 'training'))}  (${spentLabels(state)} of ${budget.labels})`,
      `assessment  ${formatCounts(countLabels(state, 'assessment'))}`,
    ];
    const judged = lastAssessed(state)?.assessed;
    if (judged) lines.push(...criteriaTable(judged.criteria, judged.preconditions).trimEnd().split('\n'));
    // A line that wraps would be two when the block is erased.
    const width = (this.stream.columns ?? 80) - 1;
    const plain = lines.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
    if (this.stream.env.NO_COLOR === undefined) plain[1] = styleText('bold', plain[1]!, { validateStream: false });
    return plain;
  }
}

function basisName({ basis }: RunFile): string {
  return basis.nmax === undefined ? basis.preset : `nmax ${basis.nmax.join(',')} lmax ${basis.lmax!.join(',')}`;
}

/** The line that an event deserves, or null. */
export function eventLine(event: StoredEvent, state: LoopState, runFile: RunFile): string | null {
  const short = (id: string): string => id.slice(0, SHORT_ID);
  switch (event.type) {
    case 'run-started':
      return `${event.data.name}: seed ${event.data.seed}, reference ${runFile.reference.kind}, basis ${basisName(runFile)}, kernels ${event.data.kernel}`;
    case 'run-resumed':
      return `resumed at round ${Math.max(0, state.rounds.length - 1)}`;
    case 'settings-changed':
      return event.data.changes
        .map(({ path, from, to }) => `setting ${path}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`)
        .join('\n');
    case 'labels-imported':
      return `${plural(event.data.labels.length, 'label')} taken over from ${event.data.from}`;
    case 'explored': {
      const { walkers, size, round } = event.data;
      const broken = walkers.filter(({ outcome }) => outcome === 'broken').length;
      return `round ${round}: ${plural(walkers.length, 'walker')} explored, ${broken} left the trust region, ${plural(size, 'candidate')}`;
    }
    case 'batch-selected': {
      const { round, selected, certificate, poolSize, strategy } = event.data;
      const proof = certificate === null ? '' : `, at least ${Math.round(100 * certificate)} % of the best batch`;
      return round === 0
        ? `round 0: ${plural(selected.length, 'structure')} to begin with`
        : `round ${round}: ${selected.length} of ${plural(poolSize, 'candidate')} chosen by ${strategy}${proof}`;
    }
    case 'label-queued': {
      const { id, reason, message } = event.data;
      if (reason === 'interrupted') return null;
      return `label ${short(id)} is tried again (${reason})${message === '' ? '' : `: ${message}`}`;
    }
    case 'label-failed':
      return `label ${short(event.data.id)} failed (${event.data.reason}): ${event.data.message}`;
    case 'label-rejected':
      return `label ${short(event.data.id)} rejected (${event.data.reason}): ${event.data.message}`;
    case 'label-withdrawn':
      return `label ${short(event.data.id)} withdrawn: ${event.data.reason}`;
    case 'label-readmitted':
      return `label ${short(event.data.id)} admitted again: ${event.data.reason}`;
    case 'model-fitted':
      return `round ${event.data.round}: model fitted to ${plural(event.data.structures, 'structure')}`;
    case 'assessed': {
      const { round, criteria, converged, reason } = event.data;
      const missing = currentRound(state)?.assessed?.preconditions.filter(({ met }) => !met) ?? [];
      const also = missing.length === 0 ? '' : `; ${missing.map(({ detail }) => detail).join('; ')}`;
      return `round ${round}: ${criteria.length === 0 ? reason : criteriaLine(criteria)}${converged ? '; done' : also}`;
    }
    case 'paused':
      return event.data.cause === 'waiting' ? event.data.message : `paused: ${event.data.message}`;
    case 'stopped':
      return `stopped (${event.data.outcome}): ${event.data.message}`;
    default:
      return null;
  }
}
