import { QuerentError } from '../core/errors.ts';
import type { RunFile } from '../protocol/run-file.ts';
import type { LabelResult } from '../reference/reference.ts';
import { decide } from './decide.ts';
import type { FrameReader } from './frames.ts';
import type { Labeller } from './ports.ts';
import type { Session } from './session.ts';
import { settle } from './settle.ts';
import type { LabelRecord } from './state.ts';

/** What labelling needs. */
export interface LabellingOptions {
  readonly session: Session;
  readonly reader: FrameReader;
  readonly labeller: Labeller;
  readonly runFile: RunFile;
  /** This process, recorded with each label it starts. */
  readonly process: { readonly pid: number; readonly startTime: string | null };
  readonly signal: AbortSignal;
}

/** Stages what a result means for its label. */
function stageResult(
  { session, reader }: LabellingOptions,
  id: string,
  result: LabelResult,
  directory: string | null,
  source: 'computed' | 'adopted',
): void {
  const { labels, fingerprint } = session.preview();
  const label = labels[id]!;
  const atoms = reader.structure(label).species.length;
  session.stage(settle(label, result, directory, source, atoms, fingerprint));
}

/** Stages that a label was cut by the end of the run, not by a fault of its own. */
function stageInterrupted({ session }: LabellingOptions, id: string, message = ''): void {
  const data = { id, reason: 'interrupted' as const, message, cost: 0 };
  session.stage({ events: [{ type: 'label-queued', data }], blobs: [] });
}

/** Labels that were running when the run last ended: a finished result is adopted, the others are queued again. */
export async function recoverLabels(options: LabellingOptions): Promise<void> {
  const { session, reader, labeller } = options;
  for (const label of Object.values(session.state.labels).filter(({ status }) => status === 'running')) {
    const structure = reader.structure(label);
    const found = await labeller.adopt({ id: label.id, structure, attempt: label.attempt });
    if (found !== null) stageResult(options, label.id, found.result, found.directory, 'adopted');
    else stageInterrupted(options, label.id, 'its calculation ended with the run');
    session.append([]);
  }
}

/** Runs one request and stages its outcome; throws what is the machine's fault. */
async function attend(options: LabellingOptions, label: LabelRecord, signal: AbortSignal): Promise<void> {
  const { reader, labeller } = options;
  const { id, attempt } = label;
  try {
    const { result, directory } = await labeller.label({ id, structure: reader.structure(label), attempt }, signal);
    // An engine that was told to stop has not failed.
    if (signal.aborted && result.status === 'failed') stageInterrupted(options, id);
    else stageResult(options, id, result, directory, 'computed');
  } catch (error) {
    if (signal.aborted) stageInterrupted(options, id);
    else if (error instanceof QuerentError) {
      // The machine's fault, not this label's: every other one would meet it too.
      stageInterrupted(options, id);
      throw error;
    } else {
      const message = error instanceof Error ? error.message : String(error);
      stageResult(options, id, { status: 'failed', reason: 'crash', message, cost: 0 }, null, 'computed');
    }
  }
}

/**
 * Runs requests side by side, as many as the labeller takes, until the decision is no longer to label; each result is
 * stored as it comes, with the start of the next. When the signal is aborted or the machine fails, running ones are told to
 * stop and waited for.
 * @throws the first fault of the machine
 */
export async function labelBatch(options: LabellingOptions): Promise<void> {
  const { session, labeller, runFile, signal, process } = options;
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  const running = new Map<string, Promise<void>>();
  const faults: unknown[] = [];
  try {
    for (;;) {
      const view = session.preview();
      const command = all.aborted ? null : decide(view, runFile);
      const queued = command?.kind === 'label' ? command.ids.filter((id) => view.labels[id]!.status === 'queued') : [];
      const starting = queued.filter((id) => !running.has(id)).slice(0, labeller.concurrency - running.size);
      const { pid, startTime } = process;
      session.append(
        starting.map((id) => {
          return { type: 'label-running', data: { id, attempt: view.labels[id]!.attempt, pid, startTime } };
        }),
      );
      for (const id of starting) {
        const attended = attend(options, session.state.labels[id]!, all)
          .catch((error: unknown) => {
            faults.push(error);
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
  if (faults.length > 0) throw faults[0];
}
