import { QuerentError } from '../core/errors.ts';
import type { RunEvent, StoredEvent } from '../protocol/events.ts';
import type { RunFile } from '../protocol/run-file.ts';
import type { NamedBlob } from './blobs.ts';
import {
  assessmentBlob,
  jsonBlob,
  namedBlob,
  originData,
  parseBlob,
  poolBlob,
  readPool,
  structureBlob,
} from './blobs.ts';
import type { Command } from './decide.ts';
import { decide } from './decide.ts';
import { FrameReader } from './frames.ts';
import type { Candidate, Compute, Labeller } from './ports.ts';
import { REDUCER_VERSION, reduce } from './reduce.ts';
import { openState } from './replay.ts';
import { allowedChanges, requireSameInputs } from './resume.ts';
import type { Settlement } from './settle.ts';
import { settle } from './settle.ts';
import type { LabelRecord, LoopState } from './state.ts';
import { assessmentLabels, trainingHash, usableLabels } from './state.ts';
import type { RunStore } from './store.ts';
import { judge } from './verdict.ts';

/** Events between two snapshots. */
const SNAPSHOT_INTERVAL = 200;

/** What the driver of a run needs of the world. */
export interface DriverOptions {
  readonly store: RunStore;
  readonly compute: Compute;
  readonly labeller: Labeller;
  readonly runFile: RunFile;
  /** sha256 of the files the run reads, by path relative to its directory. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Variant of the kernels, `wasm-simd`; a resumed run must use the one it began with. */
  readonly kernel: string;
  /** Version of this program. */
  readonly querent: string;
  /** This process: number, start time as the operating system tells it, machine. */
  readonly process: { readonly pid: number; readonly startTime: string | null; readonly host: string };
  /** Aborted to make the run stop soon and safely. */
  readonly signal: AbortSignal;
  /** Clock for telemetry, ms. */
  now(): number;
  /** Called after each event is stored. */
  onEvent?(event: StoredEvent, state: LoopState): void;
  /** Called before each command is carried out. */
  onCommand?(command: Command, state: LoopState): void;
}

/** How a call of {@link runLoop} ended. */
export interface LoopOutcome {
  readonly state: LoopState;
  readonly ended: 'stopped' | 'paused' | 'interrupted';
}

class Interrupted extends Error {}

/** The promise, or an `Interrupted` as soon as the signal is aborted. */
async function interruptible<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw new Interrupted();
  let listener = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    listener = () => reject(new Interrupted());
    signal.addEventListener('abort', listener, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', listener);
  }
}

class Driver {
  private readonly options: DriverOptions;
  private readonly reader: FrameReader;
  private state: LoopState;
  private staged: Settlement = { events: [], blobs: [] };
  private lastSnapshot: number;

  constructor(options: DriverOptions) {
    this.options = options;
    this.reader = new FrameReader(options.store);
    this.state = openState(options.store);
    this.lastSnapshot = this.state.seq;
  }

  /** Stores events, those staged before them first, and lets the state follow. */
  private append(events: readonly RunEvent[], blobs: readonly NamedBlob[] = []): void {
    const { store, onEvent } = this.options;
    const all = [...this.staged.events, ...events];
    const bytes = [...this.staged.blobs, ...blobs].map((blob) => blob.bytes);
    this.staged = { events: [], blobs: [] };
    if (all.length === 0) return;
    for (const event of store.append(all, bytes)) {
      this.state = reduce(this.state, event);
      onEvent?.(event, this.state);
    }
    if (this.state.seq - this.lastSnapshot >= SNAPSHOT_INTERVAL) {
      store.saveSnapshot({ seq: this.state.seq, version: REDUCER_VERSION, state: this.state });
      this.lastSnapshot = this.state.seq;
    }
  }

  /** Keeps events for the next `append`: a finished label and the start of the next one share a transaction. */
  private stage({ events, blobs }: Settlement): void {
    this.staged = { events: [...this.staged.events, ...events], blobs: [...this.staged.blobs, ...blobs] };
  }

  /** The state as it will be once the staged events are stored. */
  private preview(): LoopState {
    const { seq, clock } = this.state;
    const time = new Date(clock.last).toISOString();
    return this.staged.events.reduce<LoopState>(
      (state, event, index) => reduce(state, { ...event, seq: seq + index + 1, time, hash: '' }),
      this.state,
    );
  }

  async run(): Promise<LoopOutcome> {
    if (!this.open()) return { state: this.state, ended: 'stopped' };
    const { runFile, signal, onCommand } = this.options;
    try {
      await this.recover();
      for (;;) {
        if (signal.aborted) return { state: this.state, ended: 'interrupted' };
        const command = decide(this.state, runFile);
        if (command.kind === 'rest') return { state: this.state, ended: this.state.stopped ? 'stopped' : 'paused' };
        onCommand?.(command, this.state);
        await this.timed(command);
      }
    } catch (error) {
      if (error instanceof Interrupted) return { state: this.state, ended: 'interrupted' };
      throw error;
    }
  }

  /** Starts or resumes the run; false when it has ended and nothing about it changed. */
  private open(): boolean {
    const { store, runFile, inputs, kernel, querent, process } = this.options;
    const file = jsonBlob(runFile);
    const { pid, host } = process;
    if (this.state.started === null) {
      const { name, seed } = runFile;
      const data = { name, seed, runFile: file.id, inputs: { ...inputs }, kernel, querent, pid, host };
      this.append([{ type: 'run-started', data }], [file]);
      return true;
    }
    requireSameInputs(this.state.started.inputs, inputs);
    const changes = allowedChanges(parseBlob<RunFile>(store.blob(this.state.runFile!)), runFile);
    if (changes.length === 0 && this.state.stopped !== null) return false;
    const events: RunEvent[] = [{ type: 'run-resumed', data: { pid, host, querent } }];
    if (changes.length > 0)
      events.push({ type: 'settings-changed', data: { runFile: file.id, changes: [...changes] } });
    if (this.state.paused?.cause === 'failures') events.push(...this.requeueFailed());
    this.append(events, changes.length > 0 ? [file] : []);
    return this.state.stopped === null;
  }

  /** After a pause for failures the labels of the current round that failed as a calculation are tried again. */
  private requeueFailed(): RunEvent[] {
    const round = this.state.rounds.length - 1;
    return Object.values(this.state.labels)
      .filter((label) => label.round === round && label.status === 'failed' && label.reason !== 'scf')
      .map(({ id }): RunEvent => ({ type: 'label-queued', data: { id, reason: 'resumed', message: '', cost: 0 } }));
  }

  /** Labels that were running when the run last ended: a finished result is adopted, the others are queued again. */
  private async recover(): Promise<void> {
    for (const label of Object.values(this.state.labels).filter(({ status }) => status === 'running')) {
      const structure = this.reader.structure(label);
      const found = await this.options.labeller.adopt({ id: label.id, structure, attempt: label.attempt });
      if (found !== null) this.settle(label.id, found.result, found.directory, 'adopted');
      else this.requeue(label.id, 'its calculation ended with the run');
      this.append([]);
    }
  }

  private async timed(command: Command): Promise<void> {
    const { now, store } = this.options;
    const round = this.state.rounds.length - 1;
    const start = now();
    await this.execute(command);
    store.appendTelemetry([{ kind: 'phase', round, data: { phase: command.kind, seconds: (now() - start) / 1000 } }]);
  }

  private async execute(command: Command): Promise<void> {
    switch (command.kind) {
      case 'cold-start':
        return this.coldStart(command.count);
      case 'label':
        return this.label();
      case 'fit':
        return this.fit(command.round);
      case 'assess':
        return this.assess(command.round, command.count);
      case 'evaluate':
        return this.evaluate(command.round);
      case 'explore':
        return this.explore(command.round);
      case 'select':
        return this.select(command.round, command.batch);
      case 'pause':
        return this.append([{ type: 'paused', data: { cause: command.cause, message: command.message } }]);
      case 'stop': {
        const { outcome, limit, message } = command;
        return this.append([{ type: 'stopped', data: { outcome, limit, message } }]);
      }
      case 'rest':
    }
  }

  /** Candidates that the run has not asked for, each once. */
  private unseen(candidates: readonly Candidate[]): readonly Candidate[] {
    const seen = new Set(Object.keys(this.state.labels));
    return candidates.filter(({ id }) => !seen.has(id) && seen.add(id));
  }

  private async coldStart(count: number): Promise<void> {
    const { compute, signal } = this.options;
    const candidates = count === 0 ? [] : this.unseen(await interruptible(compute.coldStart(count), signal));
    const pool = poolBlob(candidates);
    const structures = candidates.map(({ structure }) => structureBlob(structure));
    const selected = candidates.map(({ id, origin }, index) => ({
      ...{ id, structure: structures[index]!.id, origin: originData(origin), gain: null, reason: origin.reason },
    }));
    const size = candidates.length;
    this.append(
      [
        { type: 'pool-built', data: { round: 0, pool: pool.id, size } },
        {
          type: 'batch-selected',
          data: { round: 0, strategy: 'cold start', selected, certificate: null, poolSize: size },
        },
      ],
      [pool, ...structures],
    );
  }

  /** Runs requests side by side until the decision is something else; commits each result as it comes. */
  private async label(): Promise<void> {
    const { labeller, runFile, signal, process } = this.options;
    const stop = new AbortController();
    const all = AbortSignal.any([signal, stop.signal]);
    const running = new Map<string, Promise<void>>();
    let fatal: { readonly error: unknown } | null = null;

    const attend = async (label: LabelRecord): Promise<void> => {
      const request = { id: label.id, structure: this.reader.structure(label), attempt: label.attempt };
      try {
        const { result, directory } = await labeller.label(request, all);
        // An engine that was told to stop has not failed.
        if (all.aborted && result.status === 'failed') this.requeue(label.id);
        else this.settle(label.id, result, directory, 'computed');
      } catch (error) {
        if (all.aborted) this.requeue(label.id);
        else if (error instanceof QuerentError) {
          // The machine's fault, not this label's: every other one would meet it too.
          this.requeue(label.id);
          throw error;
        } else {
          const message = error instanceof Error ? error.message : String(error);
          this.settle(label.id, { status: 'failed', reason: 'crash', message, cost: 0 }, null, 'computed');
        }
      }
    };

    try {
      for (;;) {
        const view = this.preview();
        const command = fatal === null && !all.aborted ? decide(view, runFile) : null;
        const free = labeller.concurrency - running.size;
        const queued =
          command?.kind === 'label' ? command.ids.filter((id) => view.labels[id]!.status === 'queued') : [];
        const starting = queued.filter((id) => !running.has(id)).slice(0, free);
        const { pid, startTime } = process;
        this.append(
          starting.map((id) => {
            return { type: 'label-running', data: { id, attempt: view.labels[id]!.attempt, pid, startTime } };
          }),
        );
        for (const id of starting) {
          const attended = attend(this.state.labels[id]!)
            .catch((error: unknown) => {
              fatal ??= { error };
              stop.abort();
            })
            .finally(() => running.delete(id));
          running.set(id, attended);
        }
        if (running.size === 0) break;
        await Promise.race(running.values());
      }
    } catch (error) {
      // The store failed: no engine may be left running behind the back of the run.
      stop.abort();
      await Promise.allSettled(running.values());
      throw error;
    }
    if (fatal !== null) throw (fatal as { readonly error: unknown }).error;
    if (signal.aborted) throw new Interrupted();
  }

  private requeue(id: string, message = ''): void {
    const data = { id, reason: 'interrupted' as const, message, cost: 0 };
    this.stage({ events: [{ type: 'label-queued', data }], blobs: [] });
  }

  private settle(
    id: string,
    result: Parameters<typeof settle>[1],
    directory: string | null,
    source: 'computed' | 'adopted',
  ): void {
    const { labels, fingerprint } = this.preview();
    const label = labels[id]!;
    const atoms = this.reader.structure(label).species.length;
    this.stage(settle(label, result, directory, source, atoms, fingerprint));
  }

  /** The model of the latest fit and the frames it may know. */
  private currentModel(): Uint8Array {
    const round = this.state.rounds.findLast(({ model }) => model !== null)!;
    return this.options.store.blob(round.model!.model);
  }

  private async fit(round: number): Promise<void> {
    const { compute, signal } = this.options;
    const labels = usableLabels(this.state, 'training');
    const data = trainingHash(labels);
    const before = this.state.rounds.findLast(({ model }) => model !== null)?.model;
    if (before?.data === data) {
      return this.append([{ type: 'model-fitted', data: { ...before, round, summary: { ...before.summary } } }]);
    }
    const frames = labels.map((label) => this.reader.frame(label));
    const { model, summary } = await interruptible(compute.fit(frames, round), signal);
    const blob = namedBlob(model);
    const figures = Object.fromEntries(
      Object.entries(summary).map(([key, value]) => [
        key,
        typeof value === 'number' && !Number.isFinite(value) ? null : value,
      ]),
    );
    const structures = labels.length;
    this.append(
      [{ type: 'model-fitted', data: { round, model: blob.id, data, structures, summary: figures } }],
      [blob],
    );
  }

  private async assess(round: number, count: number): Promise<void> {
    const { compute, signal } = this.options;
    const drawn = await interruptible(compute.assess(this.currentModel(), round, count), signal);
    const candidates = this.unseen(drawn);
    const structures = candidates.map(({ structure }) => structureBlob(structure));
    const frames = candidates.map(({ id, origin }, index) => ({
      ...{ id, structure: structures[index]!.id, origin: originData(origin) },
    }));
    const censored = candidates.filter(({ origin }) => origin.censored).length;
    this.append([{ type: 'assessment-drawn', data: { round, frames, censored } }], structures);
  }

  private async evaluate(round: number): Promise<void> {
    const { compute, signal, runFile } = this.options;
    const labels = assessmentLabels(this.state, runFile.assessment.size);
    const frames = labels.map((label) => this.reader.frame(label));
    const errors =
      frames.length === 0 ? [] : await interruptible(compute.evaluate(this.currentModel(), frames), signal);
    const walkers = this.state.rounds.findLast(({ explored }) => explored !== null)?.explored?.walkers ?? null;
    const verdict = judge(errors, walkers, this.state.history, runFile);
    const blob = assessmentBlob(errors);
    const data = { round, assessment: blob.id, frames: frames.length, ...verdict };
    this.append([{ type: 'assessed', data }], [blob]);
  }

  private async explore(round: number): Promise<void> {
    const { compute, signal } = this.options;
    const training = this.reader.usable(this.state, 'training');
    const { candidates, walkers } = await interruptible(compute.explore(this.currentModel(), round, training), signal);
    const fresh = this.unseen(candidates);
    const pool = poolBlob(fresh);
    const reports = walkers.map((report) => ({
      ...report,
      maxForceSigma: Number.isFinite(report.maxForceSigma) ? report.maxForceSigma : null,
    }));
    const data = { round, pool: pool.id, size: fresh.length, walkers: reports };
    this.append([{ type: 'explored', data }], [pool]);
  }

  private async select(round: number, batch: number): Promise<void> {
    const { compute, signal, store, runFile } = this.options;
    const candidates = readPool(store.blob(this.state.rounds.at(-1)!.pool!));
    const nothing = { selected: [], certificate: null, poolSize: candidates.length };
    const training = this.reader.usable(this.state, 'training');
    const choice =
      batch === 0 || candidates.length === 0
        ? nothing
        : await interruptible(compute.select(this.currentModel(), candidates, batch, round, training), signal);
    const byId = new Map(candidates.map((candidate) => [candidate.id, candidate]));
    const structures = choice.selected.map(({ id }) => structureBlob(byId.get(id)!.structure));
    const selected = choice.selected.map(({ id, gain, reason }, index) => ({
      ...{ id, structure: structures[index]!.id, origin: originData(byId.get(id)!.origin), reason },
      gain: Number.isFinite(gain) ? gain : null,
    }));
    const { certificate, poolSize } = choice;
    const { strategy } = runFile.acquisition;
    this.append([{ type: 'batch-selected', data: { round, strategy, selected, certificate, poolSize } }], structures);
  }

  /** Saves a snapshot, so that the next opening is quick. */
  rest(): void {
    if (this.state.seq === this.lastSnapshot) return;
    this.options.store.saveSnapshot({ seq: this.state.seq, version: REDUCER_VERSION, state: this.state });
  }
}

/**
 * Runs or resumes a run until it stops, pauses or is interrupted. All effects go through the ports; every step is decided
 * by `decide` from the state and recorded as an event before the next one, so the run may be killed at any instant.
 * @throws InputError `RUN_SETTINGS`, `RUN_INPUTS` when it is resumed with other physics; whatever the ports throw
 */
export async function runLoop(options: DriverOptions): Promise<LoopOutcome> {
  const driver = new Driver(options);
  const outcome = await driver.run();
  driver.rest();
  return outcome;
}
