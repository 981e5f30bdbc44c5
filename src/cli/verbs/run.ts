import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { EnvironmentError } from '../../core/errors.ts';
import { gradeLines, type LammpsPotential, potentialLines } from '../../formats/lammps-input.ts';
import { parseBlob } from '../../loop/blobs.ts';
import type { LoopOutcome } from '../../loop/driver.ts';
import { runLoop } from '../../loop/driver.ts';
import { FrameReader } from '../../loop/frames.ts';
import { importRun } from '../../loop/import-labels.ts';
import { openState } from '../../loop/replay.ts';
import { allowedChanges, requireSameInputs } from '../../loop/resume.ts';
import type { LoopState } from '../../loop/state.ts';
import { openLabels } from '../../loop/state.ts';
import { statusOf } from '../../loop/status.ts';
import { writeFileAtomic } from '../../node/files.ts';
import { createRuntime } from '../../node/runtime.ts';
import { thisProcess } from '../../node/store/lock.ts';
import { latestModelFile, RUN_FILES, RunDirectory } from '../../node/store/run-directory.ts';
import { takeInputs } from '../../node/store/run-inputs.ts';
import type { FileStore } from '../../node/store/store.ts';
import { openStore } from '../../node/store/store.ts';
import type { RunFile } from '../../protocol/run-file.ts';
import { MANUAL_STRUCTURES, manualInputs } from '../../reference/manual.ts';
import { packageVersion } from '../command-line.ts';
import { EXIT } from '../errors.ts';
import { criteriaTable, formatCounts, plural } from '../output.ts';
import { Progress } from '../progress.ts';
import { readRunFile } from '../run-file.ts';
import { openRun } from '../run-store.ts';
import type { Verb, VerbContext, VerbOptions } from '../verb.ts';

/** Folder of a run directory that holds what a person is to compute. */
const TO_LABEL = 'to-label';

/** Where the run lives: as told, where the run file already has its store, or runs/<name>. */
function directoryOf(path: string, runFile: RunFile, options: VerbOptions, context: VerbContext): string {
  if (typeof options.directory === 'string') return resolve(context.cwd, options.directory);
  if (existsSync(join(dirname(path), RUN_FILES.store))) return dirname(path);
  return resolve(context.cwd, 'runs', runFile.name);
}

/** A run whose store is held by this process. */
interface HeldRun {
  readonly directory: string;
  readonly store: FileStore;
  readonly runFile: RunFile;
  readonly inputs: Readonly<Record<string, string>>;
}

async function holdRun(path: string, options: VerbOptions, context: VerbContext): Promise<HeldRun> {
  const given = readRunFile(path, (options.set as string[] | undefined) ?? [], context);
  const directory = directoryOf(path, given, options, context);
  mkdirSync(directory, { recursive: true });
  const store = openStore(join(directory, RUN_FILES.store));
  try {
    if (store.damage !== null) throw new EnvironmentError('STORE_DAMAGED', store.damage.message, { directory });
    store.hold(options.breakLock === true);
    const { runFile, inputs } = await takeInputs(given, dirname(path), directory);
    return { directory, store, runFile, inputs };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** What an earlier session left: refused at once where the settings do not allow to go on with it. */
function checkResume({ store, runFile, inputs }: HeldRun): LoopState {
  const state = openState(store);
  if (state.started !== null) {
    requireSameInputs(state.started.inputs, inputs);
    allowedChanges(parseBlob<RunFile>(store.blob(state.runFile!)), runFile);
  }
  return state;
}

async function learn(
  run: HeldRun,
  before: LoopState,
  options: VerbOptions,
  context: VerbContext,
): Promise<LoopOutcome & { readonly exported?: LammpsPotential | null }> {
  const { directory, store, runFile, inputs } = run;
  const stored = before.runFile === null ? null : parseBlob<RunFile>(store.blob(before.runFile));
  if (before.stopped !== null && stored !== null && allowedChanges(stored, runFile).length === 0) {
    return { state: before, ended: 'stopped' };
  }
  const kernel = before.started?.kernel ?? null;
  const runtime = await createRuntime({ runFile, directory, base: directory, kernel });
  const files = new RunDirectory(directory, store);
  const progress = new Progress(context, runFile, before, () => store.telemetry('phase'));
  try {
    await files.writeRunFile(runFile);
    const fresh = before.started === null && Object.keys(before.labels).length === 0;
    if (typeof options.importLabels === 'string' && fresh) {
      takeOver(store, options.importLabels, runFile, context);
    }
    progress.start();
    const outcome = await runLoop({
      ...{ store, runFile, inputs },
      compute: runtime.compute,
      labeller: runtime.labeller,
      kernel: runtime.kernel,
      querent: packageVersion(),
      process: thisProcess(),
      signal: context.signal,
      now: () => performance.now(),
      onEvent(event, state) {
        files.onEvent(event, state);
        progress.onEvent(event, state);
      },
      onCommand: (command, state) => progress.onCommand(command, state),
    });
    await files.finish(outcome.state);
    return { ...outcome, exported: files.exported };
  } finally {
    progress.finish();
    await runtime.dispose();
  }
}

/** Training labels of another run with the same reference. */
function takeOver(store: FileStore, from: string, runFile: RunFile, context: VerbContext): void {
  const other = openRun(from, context.cwd);
  try {
    allowedChanges({ ...runFile, reference: other.runFile.reference }, runFile);
    const taken = importRun(store, other.store, from);
    context.stderr(`${plural(taken, 'label')} taken over from ${from}\n`);
  } finally {
    other.store.close();
  }
}

/** Lays out the structures that a person is to compute. */
async function writeManualInputs({ directory, store, runFile }: HeldRun, state: LoopState): Promise<void> {
  if (runFile.reference.kind !== 'manual') return;
  const reader = new FrameReader(store);
  const open = [...openLabels(state, 'training'), ...openLabels(state, 'assessment')];
  const requests = open.map((label) => ({ id: label.id, structure: reader.structure(label) }));
  for (const [name, text] of manualInputs(requests, runFile.reference.format)) {
    const path = join(directory, TO_LABEL, name);
    mkdirSync(dirname(path), { recursive: true });
    await writeFileAtomic(path, text);
  }
}

/** The lines for LAMMPS of a potential with extrapolation grades, as `export` prints them; none for one without. */
function gradedLines(exported: LammpsPotential | null, here: string): string[] {
  if (exported === null || exported.activeSet === null) return [];
  const lines = [...potentialLines(exported), ...gradeLines(exported.elements)];
  return [
    `        ${join(here, exported.file)}, which knows where it extrapolates:`,
    ...lines.map((line) => `          ${line}`),
  ];
}

/** What was learned, where it is and what to do next. */
function conclusion(
  outcome: Awaited<ReturnType<typeof learn>>,
  run: HeldRun,
  path: string,
  context: VerbContext,
): string {
  const { state, ended } = outcome;
  const { runFile } = run;
  const status = statusOf(state, runFile);
  const here = relative(context.cwd, run.directory) || '.';
  const again = `querent run ${relative(context.cwd, path) || path} --directory ${here}`;
  const model = latestModelFile(state);
  const lines: string[] = [];
  if (status.criteria.length > 0) {
    lines.push(`round ${status.assessedRound}:`, criteriaTable(status.criteria, status.preconditions).trimEnd(), '');
  }
  lines.push(
    `labels: training ${formatCounts(status.labels.training)}; assessment ${formatCounts(status.labels.assessment)}`,
  );
  if (model !== null) lines.push(`model:  ${join(here, model)}`, `labels: ${join(here, RUN_FILES.labelled)}`);
  lines.push('');
  if (ended === 'interrupted') lines.push(`Interrupted; everything is safe. To go on: ${again}`);
  else if (state.paused?.cause === 'waiting') {
    lines.push(
      `${state.paused.message}: ${join(here, TO_LABEL, MANUAL_STRUCTURES)}`,
      `Compute them, then: querent label --import LABELLED.extxyz --directory ${here}`,
      `and go on with:     ${again}`,
    );
  } else if (state.paused !== null) {
    lines.push(`Paused: ${state.paused.message}`, `Once the cause is gone: ${again}`);
  } else if (state.stopped?.outcome === 'converged') {
    lines.push(
      `Done: ${state.stopped.message}.`,
      `LAMMPS: ${join(here, RUN_FILES.potential)} (units metal; pair_style pace; pair_coeff * * ${RUN_FILES.potential} …)`,
      ...gradedLines(outcome.exported ?? null, here),
      `next:   querent predict ${join(here, model!)} STRUCTURES          energies and forces with error bars`,
      `        querent explain ${here}     which labels it asked for, and why it stopped`,
    );
  } else if (state.stopped !== null) {
    const { message, limit, outcome: cause } = state.stopped;
    lines.push(`Not converged: ${message}.`);
    if (cause === 'budget') lines.push(`To go on: ${again} --set budget.${limit}=…`);
    if (limit === 'tolerance' || limit === 'improvement')
      lines.push(`To go on all the same: ${again} --set stopping.giveUp=false`);
  }
  return `${lines.filter((line, i) => line !== '' || lines[i - 1] !== '').join('\n')}\n`;
}

function exitCode({ state, ended }: LoopOutcome): number {
  if (ended === 'interrupted') return EXIT.interrupted;
  if (state.stopped !== null) return state.stopped.outcome === 'converged' ? EXIT.done : EXIT.budget;
  return state.paused?.cause === 'failures' ? EXIT.failures : EXIT.done;
}

/** `querent run RUN.yaml` */
export const verb: Verb = {
  name: 'run',
  summary: 'the active-learning loop; the same command resumes it',
  configure(command: Command): void {
    const collect = (value: string, list: string[] = []): string[] => [...list, value];
    command
      .argument('<run-file>', 'run file (querent init writes one)')
      .option('--directory <dir>', 'run directory; runs/<name> when absent')
      .option('--set <path=value>', 'change a setting: seed=3, budget.labels=80 (repeatable)', collect)
      .option('--import-labels <dir>', 'begin with the training labels of another run with the same reference')
      .option('--break-lock', 'go on although another machine seems to hold the run')
      .option('--json', 'print the final status as JSON')
      .addHelpText(
        'after',
        `
Example:
  querent run silicon.yaml --directory runs/silicon

Ctrl-C is safe at any time, and the same command goes on. Exit codes: 0 criteria met (or, with a manual
reference, structures written and waiting for labels) · 3 stopped by the budget · 4 too many failed labels.`,
      );
  },
  async run(args, options, context): Promise<number> {
    const path = resolve(context.cwd, args[0] as string);
    const run = await holdRun(path, options, context);
    try {
      const before = checkResume(run);
      const outcome = await learn(run, before, options, context);
      if (outcome.state.paused?.cause === 'waiting') await writeManualInputs(run, outcome.state);
      if (options.json === true) {
        context.stdout(`${JSON.stringify(statusOf(outcome.state, run.runFile), null, 1)}\n`);
      } else context.stdout(conclusion(outcome, run, path, context));
      return exitCode(outcome);
    } finally {
      run.store.close();
    }
  },
};
