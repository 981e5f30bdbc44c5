/**
 * Ratios that decide a design, measured side by side in one process: the two sides take turns, so that whatever else the
 * machine does meets both. Printed are the median of the ratio of neighbouring turns and its quartiles.
 */
import { buildAceBasis } from '../src/core/descriptors/ace/enumerate.ts';
import { presetLimits, presetSpecification } from '../src/core/descriptors/ace/presets.ts';
import { RandomStream } from '../src/core/random.ts';
import { rattle } from '../src/core/sampling/rattle.ts';
import { prototypeStructure } from '../src/core/structure/prototypes.ts';
import type { Kernels } from '../src/kernels/kernels.ts';
import { typescriptKernels } from '../src/kernels/typescript-kernels.ts';
import { nodeKernels } from '../src/node/kernels.ts';

/** Turns that are counted, after two that are not. */
const TURNS = 15;

function seconds(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const next = sorted[Math.min(low + 1, sorted.length - 1)]!;
  return sorted[low]! + (place - low) * (next - sorted[low]!);
}

/** How many times longer `first` takes than `second`. */
function compare(name: string, first: () => void, second: () => void): void {
  const pairs: { first: number; second: number }[] = [];
  for (let turn = -2; turn < TURNS; turn++) {
    // Who begins changes, so that neither profits from what the other left in the caches.
    const inOrder = turn % 2 === 0;
    const a = inOrder ? seconds(first) : 0;
    const b = seconds(second);
    const pair = { first: inOrder ? a : seconds(first), second: b };
    if (turn >= 0) pairs.push(pair);
  }
  const ratios = pairs.map((pair) => pair.first / pair.second).sort((x, y) => x - y);
  const [lower, median, upper] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(2));
  const fastest = (side: 'first' | 'second'): string =>
    `${(1000 * Math.min(...pairs.map((pair) => pair[side]))).toFixed(1)} ms`;
  const line = [name.padEnd(70), `${median} [${lower}, ${upper}]`.padStart(20), fastest('first'), fastest('second')];
  process.stdout.write(`${line.join('  ')}\n`);
}

const normals = (length: number): Float64Array => {
  const stream = new RandomStream(1, 'bench', length);
  return Float64Array.from({ length }, () => stream.normal());
};

const fast = nodeKernels(null);
const twin = typescriptKernels();
process.stdout.write(
  `Node ${process.versions.node}, kernels ${fast.name}; ratio of times: median [quartiles] of ${TURNS} alternating turns, then the fastest of each\n`,
);

if (fast.name === 'typescript') process.stdout.write('No WebAssembly kernels here: nothing to compare them with.\n');
else {
  for (const columns of [122, 391]) {
    const m = 1024;
    const [rows, targets] = [normals(m * columns), normals(m)];
    const gram = (kernels: Kernels) => () => void kernels.gram(rows, m, columns);
    const factor = (kernels: Kernels) => () => kernels.factor(columns).append(rows, targets, m);
    compare(`Gram matrix of ${m} × ${columns}: TypeScript / ${fast.name}`, gram(twin), gram(fast));
    compare(`triangular factor of ${m} × ${columns}: TypeScript / ${fast.name}`, factor(twin), factor(fast));
  }
}

const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [2, 2, 2] });
const { structure } = rattle(crystal, [0.05, 0.05], new RandomStream(1, 'bench'));
for (const preset of ['small', 'medium'] as const) {
  const specification = presetSpecification(preset, ['Si'], 6, () => 2.2);
  const program = fast.prepare(buildAceBasis(specification, presetLimits(preset)));
  const weights = normals(program.size);
  compare(
    `${structure.species.length} atoms of Si, ${program.size} functions: design rows / energy and forces`,
    () => program.rows([structure], () => {}),
    () => void program.evaluate([structure], weights),
  );
  program.dispose();
}
