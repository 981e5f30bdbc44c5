import type { RunEvent, StoredEvent } from '../protocol/events.ts';
import type { RunFile } from '../protocol/run-file.ts';
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
import type { LabellingOptions } from './labelling.ts';
import { labelBatch, recoverLabels } from './labelling.ts';
import type { Candidate, Compute, Labeller, WalkerDecision } from './ports.ts';
import { allowedChanges, requireSameInputs } from './resume.ts';
import { Session } from './session.ts';
import type { LoopState } from './state.ts';
import { assessmentLabels, trainingHash, usableLabels } from './state.ts';
import type { RunStore } from './store.ts';
import { judge } from './verdict.ts';

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

/** A decision as telemetry: JSON has no NaN and no infinity. */
function storable(decision: WalkerDecision): Record<string, number | string> {
  const entries = Object.entries(decision) as [string, number | string][];
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'number' && !Number.isFinite(value) ? String(value) : value]),
  );
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
  private readonly session: Session;
  private readonly reader: FrameReader;
  private readonly labelling: LabellingOptions;

  constructor(options: DriverOptions) {
    const { store, labeller, runFile, process, signal } = options;
    this.options = options;
    this.session = new Session(store, options.onEvent?.bind(options));
    this.reader = new FrameReader(store);
    this.labelling = { session: this.session, reader: this.reader, labeller, runFile, process, signal };
  }

  async run(): Promise<LoopOutcome> {
    const outcome = await this.loop();
    this.session.saveSnapshot();
    return outcome;
  }

  private async loop(): Promise<LoopOutcome> {
    if (!this.open()) return { state: this.session.state, ended: 'stopped' };
    const { runFile, signal, onCommand } = this.options;
    try {
      await recoverLabels(this.labelling);
      for (;;) {
        if (signal.aborted) return { state: this.session.state, ended: 'interrupted' };
        const command = decide(this.session.state, runFile);
        if (command.kind === 'rest')
          return { state: this.session.state, ended: this.session.state.stopped ? 'stopped' : 'paused' };
        onCommand?.(command, this.session.state);
        await this.timed(command);
      }
    } catch (error) {
      if (error instanceof Interrupted) return { state: this.session.state, ended: 'interrupted' };
      throw error;
    }
  }

  /** Starts or resumes the run; false when it has ended and nothing about it changed. */
  private open(): boolean {
    const { store, runFile, inputs, kernel, querent, process } = this.options;
    const file = jsonBlob(runFile);
    const { pid, host } = process;
    if (this.session.state.started === null) {
      const { name, seed } = runFile;
      const data = { name, seed, runFile: file.id, inputs: { ...inputs }, kernel, querent, pid, host };
      this.session.append([{ type: 'run-started', data }], [file]);
      return true;
    }
    requireSameInputs(this.session.state.started.inputs, inputs);
    const changes = allowedChanges(parseBlob<RunFile>(store.blob(this.session.state.runFile!)), runFile);
    if (changes.length === 0 && this.session.state.stopped !== null) return false;
    const events: RunEvent[] = [{ type: 'run-resumed', data: { pid, host, querent } }];
    if (changes.length > 0)
      events.push({ type: 'settings-changed', data: { runFile: file.id, changes: [...changes] } });
    if (this.session.state.paused?.cause === 'failures') events.push(...this.requeueFailed());
    this.session.append(events, changes.length > 0 ? [file] : []);
    return this.session.state.stopped === null;
  }

  /** After a pause for failures the labels of the current round that failed as a calculation are tried again. */
  private requeueFailed(): RunEvent[] {
    const round = this.session.state.rounds.length - 1;
    return Object.values(this.session.state.labels)
      .filter((label) => label.round === round && label.status === 'failed' && label.reason !== 'scf')
      .map(({ id }): RunEvent => ({ type: 'label-queued', data: { id, reason: 'resumed', message: '', cost: 0 } }));
  }

  private async timed(command: Command): Promise<void> {
    const { now, store } = this.options;
    const round = this.session.state.rounds.length - 1;
    const start = now();
    await this.execute(command);
    store.appendTelemetry([{ kind: 'phase', round, data: { phase: command.kind, seconds: (now() - start) / 1000 } }]);
  }

  private async execute(command: Command): Promise<void> {
    switch (command.kind) {
      case 'cold-start':
        return this.coldStart(command.count);
      case 'label':
        await labelBatch(this.labelling);
        if (this.options.signal.aborted) throw new Interrupted();
        return;
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
        return this.session.append([{ type: 'paused', data: { cause: command.cause, message: command.message } }]);
      case 'stop': {
        const { outcome, limit, message } = command;
        return this.session.append([{ type: 'stopped', data: { outcome, limit, message } }]);
      }
      case 'rest':
    }
  }

  /** Candidates that the run has not asked for, each once. */
  private unseen(candidates: readonly Candidate[]): readonly Candidate[] {
    const seen = new Set(Object.keys(this.session.state.labels));
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
    this.session.append(
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

  /** The model of the latest fit and the frames it may know. */
  private currentModel(): Uint8Array {
    const round = this.session.state.rounds.findLast(({ model }) => model !== null)!;
    return this.options.store.blob(round.model!.model);
  }

  private async fit(round: number): Promise<void> {
    const { compute, signal } = this.options;
    const labels = usableLabels(this.session.state, 'training');
    const data = trainingHash(labels);
    const before = this.session.state.rounds.findLast(({ model }) => model !== null)?.model;
    if (before?.data === data) {
      return this.session.append([
        { type: 'model-fitted', data: { ...before, round, summary: { ...before.summary } } },
      ]);
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
    this.session.append(
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
    this.session.append([{ type: 'assessment-drawn', data: { round, frames, censored } }], structures);
  }

  private async evaluate(round: number): Promise<void> {
    const { compute, signal, runFile } = this.options;
    const labels = assessmentLabels(this.session.state, runFile.assessment.size);
    const frames = labels.map((label) => this.reader.frame(label));
    const errors =
      frames.length === 0 ? [] : await interruptible(compute.evaluate(this.currentModel(), frames), signal);
    const walkers = this.session.state.rounds.findLast(({ explored }) => explored !== null)?.explored?.walkers ?? null;
    const verdict = judge(errors, walkers, this.session.state.history, runFile);
    const blob = assessmentBlob(errors);
    const data = { round, assessment: blob.id, frames: frames.length, ...verdict };
    this.session.append([{ type: 'assessed', data }], [blob]);
  }

  private async explore(round: number): Promise<void> {
    const { compute, signal, store } = this.options;
    const training = this.reader.usable(this.session.state, 'training');
    const outcome = await interruptible(compute.explore(this.currentModel(), round, training), signal);
    const { candidates, walkers, decisions = [] } = outcome;
    const fresh = this.unseen(candidates);
    const pool = poolBlob(fresh);
    const reports = walkers.map((report) => ({
      ...report,
      maxForceSigma: Number.isFinite(report.maxForceSigma) ? report.maxForceSigma : null,
    }));
    const data = { round, pool: pool.id, size: fresh.length, walkers: reports };
    this.session.append([{ type: 'explored', data }], [pool]);
    store.appendTelemetry(decisions.map((decision) => ({ kind: 'decision', round, data: storable(decision) })));
  }

  private async select(round: number, batch: number): Promise<void> {
    const { compute, signal, store, runFile } = this.options;
    const candidates = readPool(store.blob(this.session.state.rounds.at(-1)!.pool!));
    const nothing = { selected: [], certificate: null, poolSize: candidates.length };
    const training = this.reader.usable(this.session.state, 'training');
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
    this.session.append(
      [{ type: 'batch-selected', data: { round, strategy, selected, certificate, poolSize } }],
      structures,
    );
  }
}

/**
 * Runs or resumes a run until it stops, pauses or is interrupted. All effects go through the ports; every step is decided
 * by `decide` from the state and recorded as an event before the next one, so the run may be killed at any instant.
 * @throws InputError `RUN_SETTINGS`, `RUN_INPUTS` when it is resumed with other physics; whatever the ports throw
 */
export async function runLoop(options: DriverOptions): Promise<LoopOutcome> {
  return new Driver(options).run();
}
