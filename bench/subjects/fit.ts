/** A fit and its parts: rows and factors, the search for the largest evidence, the whole with its error bars. */
import { maximizeEvidence } from '../../src/core/regression/maximize-evidence.ts';
import { fitModel } from '../../src/node/training/fit.ts';
import { createPool } from '../../src/node/workers/pool.ts';
import { threadSeconds } from '../clock.ts';
import type { Contender, RatioRequest } from '../contest.ts';
import { firstPassOf, priorOf, siliconFit, siliconTask } from '../silicon.ts';
import { byVariant, type Workbench } from '../workbench.ts';

const overTwin = (bench: Workbench): RatioRequest[] =>
  bench.kernels.filter(({ name }) => name !== 'typescript').map(({ name }) => ({ name, over: 'typescript' }));

/** Measures rows with factors, and the evidence. */
async function parts(bench: Workbench): Promise<void> {
  const task = siliconTask('medium', 40, [2, 1, 1], bench.kernels[0]!);
  const few = task.frames.slice(0, 8);
  const columns = task.basis.offsets.at(-1)!;
  const programs = bench.kernels.map((kernels) => kernels.prepare(task.basis));
  let next = 0;
  const contenders = byVariant(bench, few.length, (kernels) => {
    const program = programs[next++]!;
    return () => firstPassOf(task, few, program, kernels);
  });
  await bench.hold({
    subject: 'fit',
    title: `rows and factors of ${few.length} structures of 16 atoms, ${columns} functions`,
    unit: 'structure',
    contenders,
    ratios: overTwin(bench),
  });
  const factors = firstPassOf(task, task.frames, programs[0]!, bench.kernels[0]!);
  const prior = priorOf(task, factors);
  await bench.hold({
    subject: 'evidence',
    title: `search for the largest evidence, ${columns} functions`,
    unit: 'search',
    contenders: byVariant(bench, 1, (kernels) => () => maximizeEvidence(factors, prior, {}, kernels)),
    ratios: overTwin(bench),
  });
  for (const program of programs) program.dispose();
}

/** Measures whole fits on one thread. */
async function whole(bench: Workbench): Promise<void> {
  const { frames } = siliconTask('medium', 40, [2, 1, 1], bench.kernels[0]!);
  const pools = bench.kernels.map(({ name }) => createPool(1, name));
  const contenders: Contender[] = pools.map((pool) => ({
    name: pool.kernels.name,
    units: 1,
    async turn(calls) {
      const start = threadSeconds();
      for (let call = 0; call < calls; call++) await fitModel(frames, siliconFit('medium'), pool);
      return threadSeconds() - start;
    },
  }));
  await bench.hold({
    subject: 'fit',
    title: `whole fit of ${frames.length} structures of 16 atoms, medium, error bars included, one thread`,
    unit: 'fit',
    contenders,
    ratios: overTwin(bench),
  });
  for (const pool of pools) await pool.dispose();
}

/** Measures fits. */
export async function fit(bench: Workbench): Promise<void> {
  await parts(bench);
  await whole(bench);
}
