/**
 * How many labels the quickstart's task needs when structures are chosen actively, at random from the same exploration,
 * and without any dynamics (rattled cells alone): five seeds, judged on tight-binding dynamics that no arm has seen.
 * Prints Markdown. Run with `npm run bench:labels` (about ten minutes on two cores); `--seeds 1,2` for fewer.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Frame } from '../src/core/structure/structure.ts';
import { summarizeEvaluation } from '../src/core/validation/summary.ts';
import type { Candidate } from '../src/loop/ports.ts';
import { LearningCompute } from '../src/node/learning/compute.ts';
import { startingStructures } from '../src/node/learning/structures.ts';
import { evaluateModel } from '../src/node/training/evaluate.ts';
import { openModel } from '../src/node/training/open-model.ts';
import { allowedThreads, createPool } from '../src/node/workers/pool.ts';
import { resolveRunFile } from '../src/protocol/run-file-resolve.ts';
import type { RunFile } from '../src/protocol/run-file.ts';
import { labelledBySilicon, tightBindingFrames } from '../test/support/silicon.ts';

const TARGET = 0.075;
const SIZES = [8, 16, 24, 32, 40, 48, 56];
const HOLD_OUT = 120;

type Arm = 'active' | 'random' | 'rattled';
interface Point {
  readonly labels: number;
  readonly energy: number;
  readonly forces: number;
}

const path = fileURLToPath(new URL('../examples/silicon/run.yaml', import.meta.url));
const runFileOf = (seed: number, strategy: string): RunFile =>
  resolveRunFile(readFileSync(path, 'utf8'), path, [`seed=${seed}`, `acquisition.strategy=${strategy}`], {}, () => {
    throw new Error('the example extends nothing');
  });
const pool = createPool(allowedThreads(), null);
const holdOut = tightBindingFrames(HOLD_OUT, 2024);
const labelled = (candidates: readonly Candidate[], runFile: RunFile): Frame[] =>
  candidates
    .map((candidate) => labelledBySilicon(candidate.structure, candidate.origin.kind))
    .filter((frame) => frame.labels.forces!.every((f) => Math.abs(f) <= runFile.reference.gates.maximumForce));

async function judged(model: Uint8Array, labels: number): Promise<Point> {
  const { energy, forces } = summarizeEvaluation(await evaluateModel(openModel(model), holdOut, pool), 1);
  return { labels, energy: energy!.mae, forces: forces!.rmse };
}

async function curve(arm: Arm, seed: number): Promise<Point[]> {
  const runFile = runFileOf(seed, arm === 'random' ? 'random' : 'd-optimality');
  const compute = new LearningCompute(runFile, await startingStructures(runFile, '.'), pool);
  const points: Point[] = [];
  if (arm === 'rattled') {
    const all = labelled(await compute.coldStart(SIZES.at(-1)!), runFile);
    for (const size of SIZES) points.push(await judged((await compute.fit(all.slice(0, size), 0)).model, size));
    return points;
  }
  let training = labelled(await compute.coldStart(SIZES[0]!), runFile);
  for (let round = 0; training.length <= SIZES.at(-1)! && round < SIZES.length; round++) {
    const { model } = await compute.fit(training, round);
    points.push(await judged(model, training.length));
    const { candidates } = await compute.explore(model, round + 1, training);
    const { selected } = await compute.select(model, candidates, runFile.acquisition.batch, round + 1, training);
    const byId = new Map(candidates.map((candidate) => [candidate.id, candidate]));
    training = [
      ...training,
      ...labelled(
        selected.map(({ id }) => byId.get(id)!),
        runFile,
      ),
    ];
  }
  return points;
}

/** Labels from which the force RMSE is below the target and stays there; ∞ when it never is. */
function labelsToTarget(points: readonly Point[]): number {
  let found = Number.POSITIVE_INFINITY;
  for (const point of [...points].reverse()) {
    if (point.forces > TARGET) break;
    found = point.labels;
  }
  return found;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const shown = (labels: number): string => (Number.isFinite(labels) ? String(labels) : `> ${SIZES.at(-1)}`);

const option = process.argv.indexOf('--seeds');
const seeds = option < 0 ? [1, 2, 3, 4, 5] : process.argv[option + 1]!.split(',').map(Number);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const rows: string[] = [];
const curves = new Map<Arm, Point[][]>();
for (const arm of ['active', 'random', 'rattled'] as const) {
  const list: Point[][] = [];
  for (const seed of seeds) list.push(await curve(arm, seed));
  curves.set(arm, list);
  const needed = list.map(labelsToTarget);
  rows.push(`| ${arm} | ${needed.map(shown).join(', ')} | ${shown(median(needed))} |`);
}
say(
  `Labels until the force RMSE is at most ${TARGET} eV/Å and stays there, seeds ${seeds.join(', ')}; ${HOLD_OUT} hold-out frames:\n`,
);
say('| structures | each seed | median |\n|---|---|---|');
for (const row of rows) say(row);
say('\nMedian over seeds of energy MAE (meV/atom) and force RMSE (eV/Å) after about so many labels:\n');
say(`| labels | ${[...curves.keys()].join(' | ')} |\n|---|${[...curves.keys()].map(() => '---').join('|')}|`);
for (const size of SIZES) {
  const cells = [...curves.values()].map((list) => {
    const points = list.flatMap((points) =>
      points.filter((point) => point.labels > size - 4 && point.labels <= size + 4).slice(-1),
    );
    if (points.length < list.length) return '-';
    return `${(1000 * median(points.map((point) => point.energy))).toFixed(2)} / ${median(points.map((point) => point.forces)).toFixed(3)}`;
  });
  say(`| ${size} | ${cells.join(' | ')} |`);
}
await pool.dispose();
