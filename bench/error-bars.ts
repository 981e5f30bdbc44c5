/**
 * Estimators of error bars side by side on public DFT data, the tables of docs/error-bars.md:
 * node bench/error-bars.ts [set…] [--splits 5] [--output DIR]. Fits that are in the output directory are not made again.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { PoolRows } from '../src/core/backtest/pool-rows.ts';
import { backtestSplit } from '../src/core/backtest/split.ts';
import type { AceBasis } from '../src/core/descriptors/ace/basis.ts';
import { environmentClasses, environmentStandard } from '../src/core/dataset/environment-classes.ts';
import { atomicNumberOf } from '../src/core/elements.ts';
import { RandomStream } from '../src/core/random.ts';
import type { Structure } from '../src/core/structure/structure.ts';
import { fitNovelty, noveltyDistances } from '../src/core/uncertainty/novelty.ts';
import { backtestFrames } from '../src/node/backtest/frames.ts';
import { poolRows } from '../src/node/backtest/rows.ts';
import { readFrames } from '../src/node/frames.ts';
import { nodeKernels } from '../src/node/kernels.ts';
import { bodyOrderBoundaries } from '../src/node/training/error-bars.ts';
import { createPool } from '../src/node/workers/pool.ts';
import { dataFile } from '../test/support/data.ts';
import type { ErrorBarCase } from './error-bars/cases.ts';
import { ERROR_BAR_CASES } from './error-bars/cases.ts';
import { ESTIMATORS } from './error-bars/estimators.ts';
import type { Figures, RankingFigures } from './error-bars/figures.ts';
import { errorList, figuresOf, rankingOf } from './error-bars/figures.ts';
import { judgedFit } from './error-bars/samples.ts';
import { tableOf } from './error-bars/tables.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    splits: { type: 'string', default: '5' },
    output: { type: 'string', default: join(tmpdir(), 'querent-error-bars') },
    table: { type: 'boolean', default: false },
  },
});

/** |ΔF| above which an error is large, eV/Å, and |ΔE| eV/atom. */
const LARGE = { forces: 0.3, energy: 0.01 } as const;
const FEW = 50;
const SEED = 31415;

/** One fit: what it learned from and what it is judged on. */
interface Task {
  readonly key: string;
  readonly regime: 'ID' | 'OOD';
  readonly few: boolean;
  readonly group: string;
  readonly train: readonly number[];
  readonly test: readonly number[];
  /** Unseen frames of known groups, pooled with the test for ranking. */
  readonly beside: readonly number[];
}

/** One line of results. */
export interface TaskResult extends Omit<Task, 'train' | 'test' | 'beside'> {
  readonly set: string;
  readonly structures: number;
  readonly seconds: { readonly fit: number; readonly errorBars: number };
  readonly estimators: Readonly<
    Record<string, Readonly<Record<'energy' | 'forces', Figures & { readonly ranking: RankingFigures }>>>
  >;
}

const some = (frames: readonly number[], count: number, ...key: number[]): number[] => {
  const order = new RandomStream(SEED, 'few structures', ...key).permutation(frames.length);
  return [...order.subarray(0, count)].map((k) => frames[k]!).sort((a, b) => a - b);
};

function tasksOf(pool: PoolRows, one: ErrorBarCase): Task[] {
  const options = { testShare: 0.25, seed: SEED };
  const tasks: Task[] = [];
  for (let split = 0; split < Number(values.splits); split++) {
    const { pool: train, test } = backtestSplit(pool.groups, pool.originals, { ...options, heldOut: [] }, split);
    const common = { regime: 'ID', group: '', test, beside: [] } as const;
    tasks.push({ ...common, key: `ID ${split}`, few: false, train });
    if (train.length > 1.5 * FEW)
      tasks.push({ ...common, key: `ID ${FEW} ${split}`, few: true, train: some(train, FEW, split) });
  }
  const sizes = new Map<string, number>();
  for (const group of pool.groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const felt = new Set(pool.groups.filter((_, f) => pool.forces[f]! > 0));
  const groups = [...sizes].filter(([group, n]) => n >= one.leastGroup && felt.has(group)).map(([group]) => group);
  if (groups.length < 2) return tasks;
  for (const [k, group] of groups.entries()) {
    const split = backtestSplit(pool.groups, pool.originals, { ...options, heldOut: [group] }, 0);
    const common = { regime: 'OOD', group, test: split.heldOut, beside: split.test } as const;
    tasks.push({ ...common, key: `OOD ${group}`, few: false, train: split.pool });
    if (split.pool.length > 1.5 * FEW) {
      tasks.push({ ...common, key: `OOD ${group} ${FEW}`, few: true, train: some(split.pool, FEW, 1000 + k) });
    }
  }
  return tasks;
}

/** Invariants of the atoms of every frame by element. */
interface Invariants {
  readonly blocks: readonly (readonly number[])[];
  readonly sizes: readonly number[];
  /** [frames][elements] rows, and the atom of each. */
  readonly rows: readonly (readonly { readonly values: Float64Array; readonly atoms: readonly number[] }[])[];
  readonly atoms: readonly number[];
}

function invariantsOf(structures: readonly Structure[], basis: AceBasis): Invariants {
  const program = nodeKernels(null).prepare(basis);
  const species = basis.specification.elements.map(atomicNumberOf);
  const sizes = species.map((_, e) => basis.offsets[e + 1]! - basis.offsets[e]!);
  const rows = structures.map((structure) => {
    const found = program.descriptors([structure])[0]!;
    const block = found.length / structure.species.length;
    return species.map((z, e) => {
      const atoms = [...structure.species.keys()].filter((i) => structure.species[i] === z);
      const own = new Float64Array(atoms.length * sizes[e]!);
      for (const [k, i] of atoms.entries()) own.set(found.subarray(i * block, i * block + sizes[e]!), k * sizes[e]!);
      return { values: own, atoms };
    });
  });
  program.dispose();
  const atoms = structures.map((structure) => structure.species.length);
  return { blocks: species.map((_, e) => bodyOrderBoundaries(basis, e)), sizes, rows, atoms };
}

/** Squared novelty of the atoms of some frames by the environments of others. */
function noveltiesBy(
  { blocks, sizes, rows, atoms }: Invariants,
  train: readonly number[],
  judged: readonly number[],
  into: (Float64Array | null)[],
): void {
  const kernels = nodeKernels(null);
  for (const f of judged) into[f] = new Float64Array(atoms[f]!).fill(Number.NaN);
  for (const [e, size] of sizes.entries()) {
    const own = train.flatMap((f) => (rows[f]![e]!.atoms.length > 0 ? [f] : []));
    const count = own.reduce((sum, f) => sum + rows[f]![e]!.atoms.length, 0);
    const all = new Float64Array(count * size);
    const owners = new Int32Array(count);
    let at = 0;
    for (const f of own) {
      const { values: found, atoms: indices } = rows[f]![e]!;
      all.set(found, at * size);
      owners.fill(f, at, at + indices.length);
      at += indices.length;
    }
    const model = fitNovelty(all, count, size, blocks[e]!, { groups: owners, kernels });
    if (model === null) continue;
    for (const f of judged) {
      const { values: found, atoms: indices } = rows[f]![e]!;
      noveltyDistances(model, found, indices.length).forEach((distance, k) => {
        into[f]![indices[k]!] = distance * distance;
      });
    }
  }
}

/** Squared novelty of training frames without their fold, and of others by all training frames. */
function novelties(invariants: Invariants, train: readonly number[], judged: readonly number[]) {
  const out: (Float64Array | null)[] = new Array(invariants.atoms.length).fill(null);
  const folds = 4;
  for (let fold = 0; fold < folds; fold++) {
    const own = train.filter((_, k) => k % folds === fold);
    const others = train.filter((_, k) => k % folds !== fold);
    noveltiesBy(invariants, others, own, out);
  }
  noveltiesBy(invariants, train, judged, out);
  return out;
}

function judgedTask(
  set: string,
  pool: PoolRows,
  structures: readonly Structure[],
  invariants: Invariants,
  task: Task,
): TaskResult {
  const kernels = nodeKernels(null);
  const { train, test, beside, ...rest } = task;
  const novelty = novelties(invariants, train, [...test, ...beside]);
  const standard = environmentStandard(
    train.map((f) => structures[f]!),
    [...new Set(structures.flatMap(({ species }) => [...species]))].sort((a, b) => a - b),
  );
  const classes = structures.map((structure) => environmentClasses(structure, standard));
  const { calibration, predict, seconds } = judgedFit(pool, train, SEED, kernels, novelty, classes);
  const samples = { test: predict(test, novelty), beside: predict(beside, novelty) };
  const estimators: Record<string, Record<string, unknown>> = {};
  for (const estimator of ESTIMATORS) {
    const kinds: Record<string, unknown> = {};
    for (const kind of ['energy', 'forces'] as const) {
      const lists = [samples.test, samples.beside].map((sample) =>
        errorList(sample[kind], estimator.variances(calibration[kind], sample[kind], kind)),
      );
      if (lists[0]!.errors.length === 0) continue;
      kinds[kind] = { ...figuresOf(lists[0]!), ranking: rankingOf(lists, LARGE[kind]) };
    }
    estimators[estimator.name] = kinds;
  }
  return { ...rest, set, structures: train.length, seconds, estimators } as unknown as TaskResult;
}

async function judge(one: ErrorBarCase): Promise<TaskResult[]> {
  const file = join(values.output, `${one.name}.jsonl`);
  const known = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as TaskResult)
    : [];
  if (values.table) return known;
  const files = one.files.map((name) => dataFile(name));
  if (files.includes(null)) {
    console.error(`${one.name}: data not here`);
    return known;
  }
  const { frames } = await readFrames(files as string[]);
  const data = backtestFrames(frames, one.settings.data, SEED);
  const workers = createPool(1, null);
  const { rows: pool, basis } = await poolRows(data, one.settings.model, workers);
  await workers.dispose();
  const structures = data.frames.map(({ structure }) => structure);
  const invariants = invariantsOf(structures, basis);
  const tasks = tasksOf(pool, one);
  const begin = performance.now();
  const results = [...known];
  for (const [k, task] of tasks.entries()) {
    if (known.some(({ key }) => key === task.key)) continue;
    const result = judgedTask(one.name, pool, structures, invariants, task);
    results.push(result);
    appendFileSync(file, `${JSON.stringify(result)}\n`);
    const spent = Math.round((performance.now() - begin) / 1000);
    console.error(
      `${one.name}: ${task.key}, ${task.train.length} structures; ${k + 1} of ${tasks.length} after ${spent} s`,
    );
  }
  return results;
}

mkdirSync(values.output, { recursive: true });
const results: TaskResult[] = [];
const chosen = ERROR_BAR_CASES.filter(
  ({ name }) => positionals.length === 0 || positionals.some((start) => name.toLowerCase() === start.toLowerCase()),
);
for (const one of chosen) results.push(...(await judge(one)));
console.log(tableOf(results, chosen));
