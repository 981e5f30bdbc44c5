import { hostname } from 'node:os';
import { join, relative } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EnvironmentError, InputError, NumericalError, QuerentError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';

import type { LabelRequest, Labeller } from '../loop/ports.ts';
import type {
  CodecReference,
  ComputeReference,
  EngineOutcome,
  LabelResult,
  Reference,
} from '../reference/reference.ts';
import { type Gates, checkLabel, checkRequest } from '../reference/verdict.ts';
import {
  type AttemptDirectory,
  createAttempt,
  isOfThisBoot,
  listAttempts,
  readOutputs,
  readResult,
  removeAttempt,
  writeResult,
} from './execution/attempts.ts';
import { adoptEngine, attemptExit, attemptLeader, removeScratch, runEngine } from './execution/local.ts';
import { isRunning } from './execution/processes.ts';

/** How labels are computed on this machine. */
export interface LabellerOptions {
  readonly reference: Reference;
  /** Directory of the run; attempts go to `labels/<id>/attempt-<n>/` under it. */
  readonly directory: string;
  /** How many labels may be computed at once. */
  readonly concurrency: number;
  /** Time limit of one calculation, s; null for none. */
  readonly timeout: number | null;
  /** Threads of one calculation; 1 when absent, since labels are better computed side by side. */
  readonly threads?: number;
  /** What a structure must satisfy before it is computed and a label before it is accepted. */
  readonly gates: Gates;
}

type Outcome = Awaited<ReturnType<Labeller['label']>>;

/** Failure of a calculation that threw instead of returning; errors of the machine are not the label's and go on. */
function failureOf(error: unknown, seconds: number): LabelResult {
  if (error instanceof InputError) return { status: 'failed', reason: 'input', message: error.message, cost: seconds };
  if (error instanceof NumericalError)
    return { status: 'failed', reason: 'crash', message: error.message, cost: seconds };
  throw error;
}

/** Labels computed in this process, one after the other; the event loop gets a turn between two. */
function computeLabeller(reference: ComputeReference, options: LabellerOptions): Labeller {
  return {
    concurrency: 1,
    async label(request, signal): Promise<Outcome> {
      await nextTurn();
      signal.throwIfAborted();
      const refused = checkRequest(request.structure, options.gates);
      if (refused) return { result: refused, directory: null };
      const start = performance.now();
      let result: LabelResult;
      try {
        result = reference.label(request.structure);
      } catch (error) {
        result = failureOf(error, 0);
      }
      // Embedded references have no clock of their own.
      result = { ...result, cost: (performance.now() - start) / 1000 };
      return { result: checkLabel(result, request.structure, options.gates), directory: null };
    },
    adopt: () => Promise.resolve(null),
    dispose: () => Promise.resolve(),
  };
}

/** Labels computed by a program, each attempt in a directory of its own that survives this process. */
class EngineLabeller implements Labeller {
  readonly concurrency: number;
  private readonly reference: CodecReference;
  private readonly options: LabellerOptions;
  private readonly identity: string;
  private readonly closing = new AbortController();
  private readonly pending = new Set<Promise<unknown>>();

  constructor(reference: CodecReference, options: LabellerOptions) {
    this.reference = reference;
    this.options = options;
    this.concurrency = options.concurrency;
    this.identity = sha256Hex(reference.identity ?? reference.name).slice(0, 32);
  }

  async label(request: LabelRequest, signal: AbortSignal): Promise<Outcome> {
    const running = this.compute(request, AbortSignal.any([signal, this.closing.signal]));
    this.pending.add(running);
    try {
      return await running;
    } finally {
      this.pending.delete(running);
    }
  }

  /** Only labels and rejections are adopted: a failure may be the machine's, and is computed again. */
  async adopt(request: LabelRequest): Promise<Outcome | null> {
    for (const attempt of this.attemptsOf(request)) {
      const result = readResult(attempt, request.structure);
      if (result && result.status !== 'failed') return this.outcome(attempt, result);
      const leader = attemptLeader(attempt.path);
      const running = leader !== null && isOfThisBoot(attempt.record) && isRunning(leader);
      if (result || running || attemptExit(attempt.path) === null) continue;
      const finished = await this.continueAttempt(attempt, request, this.closing.signal);
      if (finished && finished.status !== 'failed') return this.outcome(attempt, finished);
    }
    return null;
  }

  /** Ends what still runs and waits until nothing of it is left. */
  async dispose(): Promise<void> {
    this.closing.abort(
      new EnvironmentError('LABELLER_CLOSED', 'labeller must be open to label, got one that was disposed of'),
    );
    await Promise.allSettled(this.pending);
  }

  private async compute(request: LabelRequest, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const refused = checkRequest(request.structure, this.options.gates);
    if (refused) return { result: refused, directory: null };
    for (const attempt of this.attemptsOf(request)) {
      const known = readResult(attempt, request.structure);
      if (known?.status === 'done') return this.outcome(attempt, known);
      // Asked for again although it failed: computed again, in a new directory.
      if (known) continue;
      const result = await this.continueAttempt(attempt, request, signal);
      if (result) return this.outcome(attempt, result);
      // Cut: nothing of it runs any more, unless on another machine, whose folder is then left alone.
      if (attempt.record.host === hostname()) removeAttempt(attempt);
    }
    return await this.startAttempt(request, signal);
  }

  private attemptsOf(request: LabelRequest): AttemptDirectory[] {
    const all = listAttempts(join(this.options.directory, 'labels', request.id));
    return all
      .filter(({ record }) => record.attempt === request.attempt && record.identity === this.identity)
      .reverse();
  }

  private outcome(attempt: AttemptDirectory, result: LabelResult): Outcome {
    return { result, directory: relative(this.options.directory, attempt.path) };
  }

  private runOptions(attempt: AttemptDirectory, signal: AbortSignal) {
    return { directory: attempt.path, timeout: this.options.timeout, threads: this.options.threads ?? 1, signal };
  }

  /** Waits for or reads an attempt of an earlier run; null when it was cut and has to be done again. */
  private async continueAttempt(
    attempt: AttemptDirectory,
    request: LabelRequest,
    signal: AbortSignal,
  ): Promise<LabelResult | null> {
    // Process numbers of another machine or boot mean nothing here; only an exit code on disk does.
    if (!isOfThisBoot(attempt.record) && attemptExit(attempt.path) === null) return null;
    const outcome = await adoptEngine(this.runOptions(attempt, signal), attempt.record.startedAt);
    return outcome && (await this.commit(attempt, request, outcome));
  }

  private async startAttempt(request: LabelRequest, signal: AbortSignal): Promise<Outcome> {
    const { id, structure, attempt: number } = request;
    let prepared: ReturnType<CodecReference['prepare']>;
    try {
      prepared = this.reference.prepare(structure, number);
    } catch (error) {
      return { result: failureOf(error, 0), directory: null };
    }
    const folder = join(this.options.directory, 'labels', id);
    const attempt = await createAttempt(folder, { id, attempt: number, identity: this.identity }, prepared.files);
    let outcome: EngineOutcome;
    try {
      outcome = await runEngine(prepared.run, this.runOptions(attempt, signal));
    } catch (error) {
      // Nothing of the engine is left: an abort or a missing program is no attempt.
      removeAttempt(attempt);
      throw error;
    }
    return this.outcome(attempt, await this.commit(attempt, request, outcome));
  }

  /** Judges what the engine left, writes the result down for good and only then clears the scratch files. */
  private async commit(attempt: AttemptDirectory, request: LabelRequest, outcome: EngineOutcome): Promise<LabelResult> {
    const { structure } = request;
    const { run } = this.reference.prepare(structure, request.attempt);
    let result: LabelResult;
    try {
      result = this.reference.parse(readOutputs(attempt, run.outputs), structure, outcome);
    } catch (error) {
      if (!(error instanceof QuerentError)) throw error;
      result = {
        status: 'failed',
        reason: 'crash',
        message: `unreadable output: ${error.message}`,
        cost: outcome.seconds,
      };
    }
    result = checkLabel(result, structure, this.options.gates);
    await writeResult(attempt, result);
    removeScratch(run, attempt.path);
    return result;
  }
}

/**
 * A labeller for references that compute (embedded ones and programs). Structures with overlapping atoms are rejected
 * before anything is computed, labels with absurd forces after. Results are committed to `labels/<id>/attempt-<n>/` by
 * rename before they are returned; a repeated request returns the committed result, waits for an engine that a killed run
 * left behind, or clears what was cut and computes afresh.
 * @throws InputError `REFERENCE_MANUAL` for a manual reference, which a person computes
 */
export function createLabeller(options: LabellerOptions): Labeller {
  const { reference, concurrency, timeout } = options;
  if (!(Number.isInteger(concurrency) && concurrency >= 1)) {
    throw new InputError('LABELLER', `concurrency must be a positive integer, got ${concurrency}`, { concurrency });
  }
  if (timeout !== null && !(timeout > 0))
    throw new InputError('LABELLER', `timeout must be positive, got ${timeout} s`, { timeout });
  switch (reference.kind) {
    case 'compute':
      return computeLabeller(reference, options);
    case 'codec':
      return new EngineLabeller(reference, options);
    case 'manual':
      throw new InputError(
        'REFERENCE_MANUAL',
        'a manual reference must be labelled by hand: its structures are written out and imported',
      );
  }
}
