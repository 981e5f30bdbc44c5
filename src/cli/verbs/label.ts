import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { LabelNoise } from '../../core/dataset/label-noise.ts';
import { InputError } from '../../core/errors.ts';
import { structureId } from '../../core/structure/identity.ts';
import { writeExtxyz } from '../../formats/extxyz-writer.ts';
import { importLabels } from '../../loop/import-labels.ts';
import { openState } from '../../loop/replay.ts';
import { writeFileAtomic } from '../../node/files.ts';
import { readFrames } from '../../node/frames.ts';
import { type BatchLabel, labelFrames, labelledFrame, writeManualInputs } from '../../node/labeller-batch.ts';
import { createReference, gatesOf, readReferenceFile } from '../../node/labeller-reference.ts';
import { createLabeller } from '../../node/labeller.ts';
import { RUN_FILES } from '../../node/store/run-directory.ts';
import { openStore } from '../../node/store/store.ts';
import type { RunFile } from '../../protocol/run-file.ts';
import { checkLabel } from '../../reference/verdict.ts';
import { addLabelKeyOptions, finiteOrNull, labelKeys, numberOption } from '../data-options.ts';
import { EXIT } from '../errors.ts';
import { noiseTable, repeatLabels } from '../repeat-labels.ts';
import type { Verb, VerbContext, VerbOptions } from '../verb.ts';

const DEFAULT_OUTPUT = 'labelled.extxyz';

/** One line of progress. */
function progress(label: BatchLabel, finished: number, total: number): string {
  const { frame, result, adopted } = label;
  const name = `${frame.source.file}@${frame.source.index}`;
  const what =
    result.status === 'done'
      ? `${result.energy.toFixed(6)} eV in ${result.cost.toFixed(1)} s${adopted ? ' (computed before)' : ''}`
      : `${result.status} (${result.reason}): ${result.message}`;
  return `${finished}/${total} ${name}: ${what}\n`;
}

/** `label STRUCTURES… --reference R.yaml` */
async function labelStructures(paths: readonly string[], options: VerbOptions, context: VerbContext): Promise<number> {
  if (typeof options.reference !== 'string') {
    throw new InputError(
      'BAD_OPTION',
      '--reference must name a run file or a file with a reference section, got nothing',
    );
  }
  const output = resolve(context.cwd, (options.output as string | undefined) ?? DEFAULT_OUTPUT);
  const directory = resolve(context.cwd, (options.directory as string | undefined) ?? `${output}.files`);
  const whole = (x: number): boolean => Number.isInteger(x) && x >= 1;
  const concurrency = numberOption(options, 'concurrency', '--concurrency', whole, 'a whole number ≥ 1', 1);
  const timeout = numberOption(options, 'timeout', '--timeout', (x) => x > 0, 'a positive number of seconds', null);
  const threads = numberOption(options, 'threads', '--threads', whole, 'a whole number ≥ 1', 1);
  const repeat = numberOption(options, 'repeat', '--repeat', whole, 'a whole number ≥ 1', null);
  const path = resolve(context.cwd, options.reference);
  const sets = (options.set as string[] | undefined) ?? [];
  const betterSets = (options.repeatSet as string[] | undefined) ?? [];
  if (betterSets.length > 0 && repeat === null)
    throw new InputError('BAD_OPTION', '--repeat-set needs --repeat, the number of structures, got none');
  const { settings, baseDirectory } = readReferenceFile(path, sets, context.env);
  const { frames } = await readFrames(paths);
  const reference = await createReference(settings, baseDirectory);

  if (reference.kind === 'manual') {
    const requests = new Map(frames.map(({ structure }) => [structureId(structure), structure]));
    const files = await writeManualInputs(
      directory,
      [...requests].map(([id, structure]) => ({ id, structure })),
      settings.kind === 'manual' ? settings.format : 'extxyz',
    );
    if (options.json === true) context.stdout(`${JSON.stringify({ requested: requests.size, directory, files })}\n`);
    else context.stdout(`${requests.size} structures and README.txt are in ${directory}\n`);
    return EXIT.done;
  }

  const machine = { directory, concurrency, timeout, threads, gates: gatesOf(settings.gates) };
  const labeller = createLabeller({ reference, ...machine });
  let labels: readonly BatchLabel[];
  let done: readonly BatchLabel[];
  let noise: LabelNoise | null = null;
  try {
    labels = await labelFrames(labeller, frames, context.signal, (label, finished) =>
      context.stderr(progress(label, finished, frames.length)),
    );
    done = labels.filter(({ result }) => result.status === 'done');
    if (done.length > 0) await writeFileAtomic(output, done.map((label) => writeExtxyz(labelledFrame(label))).join(''));
    if (repeat !== null && labels.length === frames.length) {
      const better =
        betterSets.length === 0
          ? null
          : createLabeller({
              reference: await createReference(
                readReferenceFile(path, [...sets, ...betterSets], context.env).settings,
                baseDirectory,
              ),
              ...machine,
              directory: join(directory, 'repeat-set'),
            });
      let finished = 0;
      const total = repeat * (better === null ? 2 : 3);
      try {
        noise = await repeatLabels(done, {
          count: repeat,
          labeller,
          better,
          signal: context.signal,
          onLabel: (label) => context.stderr(`again ${progress(label, ++finished, total)}`),
        });
      } finally {
        await better?.dispose();
      }
      await writeFileAtomic(`${output}.noise.json`, `${JSON.stringify(noise, finiteOrNull, 1)}\n`);
    }
  } finally {
    await labeller.dispose();
  }
  const unlabelled = labels.flatMap(({ frame, id, result, directory: place }) =>
    result.status === 'done'
      ? []
      : [
          {
            file: frame.source.file,
            index: frame.source.index,
            id,
            status: result.status,
            reason: result.reason,
            message: result.message,
            directory: place,
          },
        ],
  );
  const [example] = done;
  if (options.json === true) {
    const cost = labels.reduce((sum, { result }) => sum + result.cost, 0);
    const fingerprint = example?.result.status === 'done' ? example.result.fingerprint : null;
    const written = done.length > 0 ? output : null;
    context.stdout(
      `${JSON.stringify({ requested: frames.length, done: done.length, unlabelled, output: written, directory, fingerprint, cost, noise }, finiteOrNull, 1)}\n`,
    );
  } else {
    const written = done.length > 0 ? `, written to ${output}` : '';
    context.stdout(`${done.length} of ${frames.length} structures labelled${written}\n`);
    if (noise !== null) context.stdout(`\n${noiseTable(noise)}written to ${output}.noise.json\n`);
    if (labels.length < frames.length) context.stdout('stopped before the end; the same command goes on from here\n');
    if (unlabelled.length > 0) context.stdout('the same command computes failed ones again\n');
  }
  return done.length === frames.length ? EXIT.done : labels.length < frames.length ? EXIT.error : EXIT.failures;
}

/** `label --import FILES… --directory RUN` */
async function importIntoRun(paths: readonly string[], options: VerbOptions, context: VerbContext): Promise<number> {
  if (typeof options.directory !== 'string')
    throw new InputError('BAD_OPTION', '--import needs --directory, the directory of a run, got none');
  const file = join(resolve(context.cwd, options.directory), RUN_FILES.store);
  if (!existsSync(file))
    throw new InputError('BAD_OPTION', `--directory must be the directory of a run, got "${options.directory}"`);
  const { frames } = await readFrames(paths, labelKeys(options));
  const store = openStore(file);
  try {
    store.hold();
    const state = openState(store);
    const runFile = JSON.parse(new TextDecoder().decode(store.blob(state.runFile!))) as RunFile;
    const gates = gatesOf(runFile.reference.gates);
    const name = (options.fingerprint as string | undefined) ?? 'manual';
    const report = importLabels(store, frames, (result, structure) => checkLabel(result, structure, gates), name);
    if (options.json === true) context.stdout(`${JSON.stringify(report, null, 1)}\n`);
    else {
      for (const { id, message } of report.rejected) context.stderr(`rejected ${id}: ${message}\n`);
      for (const { frame, reason } of report.skipped) context.stderr(`left out ${frame}: ${reason}\n`);
      const rest =
        report.missing === 0 ? 'none is missing; querent run goes on' : `${report.missing} are still missing`;
      context.stdout(
        `${report.done.length} labels taken in, ${report.rejected.length} rejected, ${report.skipped.length} left out; ${rest}\n`,
      );
    }
    return EXIT.done;
  } finally {
    store.close();
  }
}

/** `querent label STRUCTURES…` */
export const verb: Verb = {
  name: 'label',
  summary: 'reference calculations of structures, resumable; or labels computed elsewhere, taken into a run',
  configure(command: Command): void {
    command
      .argument(
        '<structures...>',
        'structures to label: extended XYZ or POSCAR, file@start:stop:step, - for standard input',
      )
      .option('--reference <file>', 'run file, or a file with its reference section alone')
      .option(
        '--set <path=value>',
        'replaces a setting of that file, as in reference.ecutwfc=40; repeatable',
        (value: string, all: string[] = []) => [...all, value],
      )
      .option('-o, --output <file>', `labelled structures (default: ${DEFAULT_OUTPUT})`)
      .option(
        '--directory <dir>',
        "inputs and outputs of the engine (default: the output's name with .files); with --import the run",
      )
      .option('--concurrency <n>', 'calculations at once (default: 1)')
      .option('--timeout <seconds>', 'longest time of one calculation (default: none)')
      .option('--threads <n>', 'threads of one calculation (default: 1)')
      .option('--repeat <n>', 'computes so many of the labels again, shifted rigidly and turned, and tells their noise')
      .option(
        '--repeat-set <path=value>',
        'with --repeat: computes them with another setting as well, as in reference.kspacing=0.15; repeatable',
        (value: string, all: string[] = []) => [...all, value],
      )
      .option('--import', 'take the labels of these structures into the run in --directory')
      .option(
        '--fingerprint <name>',
        'with --import: your name of what computed them; labels of two names are never mixed',
      )
      .option('--json', 'print the outcome as JSON');
    addLabelKeyOptions(command).addHelpText(
      'after',
      '\nThe same command goes on where it stopped and computes failed structures again.\nExit code 0: all labelled; 4: some failed or were rejected.\n\nExamples:\n  querent label pool.xyz@:50 --reference run.yaml -o labelled.extxyz\n  querent label pool.xyz@:50 --reference run.yaml --repeat 5 --repeat-set reference.kspacing=0.15\n  querent label --import done.extxyz --directory runs/silicon',
    );
  },
  async run(args, options, context): Promise<number> {
    const paths = args[0] as string[];
    return options.import === true
      ? await importIntoRun(paths, options, context)
      : await labelStructures(paths, options, context);
  },
};
