import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { mergedCertificate, type Shard } from '../../core/acquisition/shards.ts';
import { STRATEGIES, STRATEGY_TABLE, type Strategy } from '../../core/acquisition/strategies.ts';
import { InputError } from '../../core/errors.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import { writeExtxyz } from '../../formats/extxyz-writer.ts';
import { checkWritable, readError, writeFileAtomic } from '../../node/files.ts';
import { openFrames, readFrames } from '../../node/frames.ts';
import { parseCostRule, parseMaskRule } from '../../node/selection/candidate-frames.ts';
import {
  type PoolSource,
  type SelectionSettings,
  selectStructures,
  type StructureSelection,
} from '../../node/selection/select-structures.ts';
import { targetsOf } from '../../node/selection/targets.ts';
import { readModelFile } from '../../node/training/open-model.ts';
import { closestWord } from '../../protocol/closest-word.ts';
import {
  addLabelKeyOptions,
  addThreadsOption,
  finiteOrNull,
  labelKeys,
  numberOption,
  threadsOption,
  withPool,
} from '../data-options.ts';
import { EXIT } from '../errors.ts';
import { plural } from '../output.ts';
import { cell, renderTable } from '../table.ts';
import type { Verb, VerbContext, VerbOptions } from '../verb.ts';

const DEFAULT_STRATEGY: Strategy = 'stratified-i-optimal';

/** The strategy that was asked for. @throws InputError `STRATEGY`, with the name that was probably meant */
function strategyOption(options: VerbOptions): Strategy {
  const name = (options.strategy as string | undefined) ?? DEFAULT_STRATEGY;
  if ((STRATEGIES as readonly string[]).includes(name)) return name as Strategy;
  const near = closestWord(name, STRATEGIES) ?? STRATEGIES.find((known) => name.length > 3 && known.includes(name));
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  throw new InputError(
    'STRATEGY',
    `--strategy must be one of ${STRATEGIES.filter(isUsable).join(', ')}, got "${name}"${hint}`,
    { name },
  );
}

/** Strategies of a committee need what no model file holds. */
function isUsable(name: Strategy): boolean {
  return !(STRATEGY_TABLE[name].needs as readonly string[]).includes('committee');
}

function wholePositive(options: VerbOptions, name: string, flag: string): number | null {
  return numberOption(options, name, flag, (n) => Number.isInteger(n) && n >= 1, 'a whole number ≥ 1', null);
}

/** Results of `querent select … --json` on parts of a pool. @throws InputError `BAD_SHARD` */
async function readShards(paths: readonly string[], cwd: string): Promise<Shard[]> {
  return Promise.all(
    paths.map(async (path) => {
      let text: string;
      try {
        text = await readFile(resolve(cwd, path), 'utf8');
      } catch (error) {
        throw readError(error, path);
      }
      const rule = `${path}: shard must be what select --strategy d-optimality --json printed, from a pool that was not screened`;
      let data: { strategy?: unknown; selected?: unknown; leftGains?: unknown };
      try {
        data = JSON.parse(text) as typeof data;
      } catch (error) {
        throw new InputError('BAD_SHARD', `${rule}, got something else`, { path }, error);
      }
      const { strategy, selected, leftGains } = data;
      if (strategy !== 'd-optimality' || !Array.isArray(selected) || !Array.isArray(leftGains))
        throw new InputError('BAD_SHARD', `${rule}, got strategy ${String(strategy)}`, { path });
      const picks = (selected as { id: string; gain: number }[]).map(({ id, gain }) => ({ id, gain }));
      return { picks, left: (leftGains as number[])[0] ?? 0 };
    }),
  );
}

/** The certificate of a batch from what several shards forwarded: that of the whole pool. */
function certificateOf(selection: StructureSelection, shards: readonly Shard[]): number | null {
  if (shards.length === 0) return selection.certificate;
  if (selection.leftGains === null) return null;
  const total = selection.selected.reduce((sum, { gain }) => sum + gain, 0);
  return mergedCertificate(total, new Set(selection.selected.map(({ id }) => id)), shards, selection.leftGains);
}

/** A frame with what made it the choice in its comment line. */
function annotated(
  { frame, index, gain, cost, reason }: StructureSelection['selected'][number],
  strategy: string,
): Frame {
  const info = {
    ...frame.info,
    selection_index: index,
    selection_strategy: strategy,
    ...(Number.isFinite(gain) ? { selection_gain: gain } : {}),
    selection_cost: cost,
    selection_reason: reason,
  };
  return { ...frame, info };
}

function report(selection: StructureSelection, strategy: Strategy, certificate: number | null, output: string): string {
  const { selected, excluded, poolSize, shortList, coverage } = selection;
  const rows = selected.map(({ index, frame, gain, cost, reason }) => [
    String(index),
    String(atomCount(frame.structure)),
    cell(gain),
    cell(cost),
    reason,
  ]);
  const table = renderTable(
    [
      { header: '#' },
      { header: 'atoms' },
      { header: 'gain' },
      { header: 'cost' },
      { header: 'why', align: 'left' as const },
    ],
    rows,
  );
  const lines = [table.trimEnd(), ''];
  const screened = shortList < poolSize ? `, of which ${shortList} were looked at with all their rows` : '';
  lines.push(
    `${output}: ${plural(selected.length, 'structure')} of ${poolSize} by ${strategy}${screened}; gain: ${STRATEGY_TABLE[strategy].gain}`,
  );
  const counts = new Map<string, number>();
  for (const { reason } of excluded) {
    const kind = /^the same structure/.test(reason)
      ? 'the same as another or a labelled one'
      : reason.split(',').at(-1)!;
    counts.set(kind.trim(), (counts.get(kind.trim()) ?? 0) + 1);
  }
  for (const [kind, count] of [...counts].slice(0, 8)) lines.push(`left out: ${count}, ${kind}`);
  if (certificate !== null)
    lines.push(`the batch gains at least ${(100 * certificate).toFixed(0)} % of what the best one would`);
  if (coverage !== null) {
    const { before, after } = coverage;
    const from = before.radius === null ? '' : `${cell(before.radius)} → `;
    lines.push(
      `covering radius of the pool ${from}${cell(after.radius)} (standardised descriptors), farthest structure ${after.farthest?.index ?? '-'}; closest two labelled ${cell(after.closest)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function settingsOf(options: VerbOptions, strategy: Strategy): Omit<SelectionSettings, 'targets'> {
  const batch = wholePositive(options, 'batch', '--batch');
  if (batch === null) throw new InputError('BAD_OPTION', '--batch must be given: how many structures to choose');
  const positive = (x: number): boolean => x > 0 && Number.isFinite(x);
  const cost = options.cost === undefined ? null : parseCostRule(options.cost as string);
  const budget = numberOption(options, 'budget', '--budget', positive, 'a positive number', null);
  return {
    strategy,
    batch,
    cost,
    budget,
    seed: numberOption(options, 'seed', '--seed', Number.isInteger, 'a whole number', 0),
    masks: ((options.mask as string[] | undefined) ?? []).map(parseMaskRule),
    groupKey: (options.groupKey as string | undefined) ?? null,
  };
}

/** The frames of all arguments, one after another. @throws InputError when a large pool comes from standard input */
function sourceOf(args: readonly string[], options: VerbOptions): PoolSource {
  let reads = 0;
  return async function* () {
    if (reads++ > 0 && args.includes('-'))
      throw new InputError('POOL_FROM_STDIN', 'pool must be in files where it is large, as it is read twice, got -');
    for (const arg of args) yield* openFrames(arg, labelKeys(options));
  };
}

async function checkOutput(output: string, force: boolean, context: VerbContext): Promise<string> {
  const path = resolve(context.cwd, output);
  await checkWritable(path);
  if (existsSync(path) && !force) {
    const message = `output must be a new file, got "${output}", which exists; replace it with --force`;
    throw new InputError('FILE_EXISTS', message, { path });
  }
  return path;
}

/** `querent select MODEL POOL… --batch N` */
export const verb: Verb = {
  name: 'select',
  summary: 'which structures of a pool to label next, and why',
  configure(command: Command): void {
    command
      .argument('<model>', 'model file')
      .argument('<pool...>', 'structures to choose from: extended XYZ, POSCAR, file@start:stop:step')
      .option('-n, --batch <n>', 'how many to choose')
      .option('--strategy <name>', `${STRATEGIES.filter(isUsable).join(', ')}`, DEFAULT_STRATEGY)
      .option('--labelled <files...>', 'structures that are labelled already: they count, and are not chosen again')
      .option('--group-key <key>', 'key of the comment line that says the stratum; by default strata are clusters')
      .option('--cost <rule>', 'gain per √cost: atoms, N^p, or a key of the comment line')
      .option('--budget <cost>', 'most that the batch may cost together, in the unit of --cost')
      .option('--mask <rules...>', 'leaves out structures with this key, or key=value, in the comment line')
      .option(
        '--target <files...>',
        'for target-variance: energies per atom of these structures, or of each file Σ coefficient · energy',
      )
      .option('--shards <files...>', 'JSON of d-optimality on each part of the pool, which is what they chose')
      .option('--seed <n>', 'for what is drawn at random', '0')
      .option('-o, --output <file>', 'extended XYZ of the chosen structures', 'chosen.xyz')
      .option('--force', 'replace a file that exists')
      .option('--json', 'print the result as JSON');
    addThreadsOption(addLabelKeyOptions(command)).addHelpText(
      'after',
      '\nExamples:\n  querent select si.model md.xyz -n 20 --labelled train.xyz\n  querent explain chosen.xyz',
    );
  },
  async run(args, options, context): Promise<number> {
    const strategy = strategyOption(options);
    const settings = settingsOf(options, strategy);
    if (settings.budget !== null && settings.cost === null)
      throw new InputError('BAD_OPTION', '--budget must come with --cost, which says its unit');
    const output = options.output as string;
    const path = await checkOutput(output, options.force === true, context);
    const modelPath = args[0] as string;
    const opened = await readModelFile(resolve(context.cwd, modelPath), modelPath);
    const labelled =
      options.labelled === undefined ? [] : (await readFrames(options.labelled as string[], labelKeys(options))).frames;
    const targetFiles = (options.target as string[] | undefined) ?? [];
    if ((strategy === 'target-variance') !== targetFiles.length > 0)
      throw new InputError('BAD_OPTION', '--target must be given with --strategy target-variance, and only with it');
    const shards = await readShards((options.shards as string[] | undefined) ?? [], context.cwd);
    if (shards.length > 0 && strategy !== 'd-optimality')
      throw new InputError('BAD_OPTION', `--shards must come with --strategy d-optimality, got ${strategy}`);
    const selection = await withPool(threadsOption(options), context, async (tasks) => {
      const files = await Promise.all(targetFiles.map(async (file) => (await readFrames([file])).frames));
      const targets = files.length === 0 ? {} : { targets: await targetsOf(opened.handle, opened.model, files, tasks) };
      return selectStructures(
        opened,
        sourceOf(args[1] as string[], options),
        labelled,
        { ...settings, ...targets },
        tasks,
      );
    });
    const text = selection.selected.map((one) => writeExtxyz(annotated(one, strategy))).join('');
    await writeFileAtomic(path, /\.gz$/i.test(output) ? gzipSync(text) : text);
    const certificate = certificateOf(selection, shards);
    if (options.json === true) {
      const { selected, excluded, leftGains, poolSize, shortList, coverage } = selection;
      const result = {
        strategy,
        output,
        poolSize,
        shortList,
        selected: selected.map(({ frame, ...one }) => ({
          ...one,
          file: frame.source.file,
          frame: frame.source.index,
          atoms: atomCount(frame.structure),
        })),
        certificate,
        leftGains,
        excluded,
        coverage,
      };
      context.stdout(`${JSON.stringify(result, finiteOrNull, 1)}\n`);
    } else context.stdout(report(selection, strategy, certificate, output));
    if (options.labelled === undefined && options.json !== true)
      context.stderr('note: without --labelled no structure counts as labelled already\n');
    if (selection.selected.length < settings.batch) {
      context.stderr(
        `note: ${selection.selected.length} of ${settings.batch} chosen, as nothing else was left that is different, affordable and teaches something\n`,
      );
    }
    return EXIT.done;
  },
};
