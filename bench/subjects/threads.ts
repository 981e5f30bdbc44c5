/** What more threads give, by the clock on the wall: a whole fit. Busy machines show less than they could. */
import { fitModel } from '../../src/node/training/fit.ts';
import { allowedThreads, createPool } from '../../src/node/workers/pool.ts';
import type { Contender } from '../contest.ts';
import { siliconFit, siliconTask } from '../silicon.ts';
import type { Workbench } from '../workbench.ts';

const MOST_THREADS = 16;

/** Measures threads. */
export async function threads(bench: Workbench): Promise<void> {
  const kernels = bench.kernels[0]!;
  const { frames } = siliconTask('medium', 60, [2, 1, 1], kernels);
  const most = Math.min(allowedThreads(), MOST_THREADS);
  const counts: number[] = [1];
  while (counts.at(-1)! < most) counts.push(Math.min(most, 2 * counts.at(-1)!));
  if (most === 1) bench.reporter.note('threads: this machine allows one');
  const pools = counts.map((count) => createPool(count, kernels.name));
  const contenders: Contender[] = pools.map((pool) => ({
    name: `${pool.threads} threads`,
    units: 1,
    async turn(calls) {
      const start = performance.now();
      for (let call = 0; call < calls; call++) await fitModel(frames, siliconFit('medium'), pool);
      return (performance.now() - start) / 1000;
    },
  }));
  await bench.hold({
    subject: 'threads',
    title: `whole fit of ${frames.length} structures of 16 atoms by ${kernels.name}, medium, by the wall clock`,
    unit: 'fit',
    contenders,
    ratios: counts.slice(1).map((count) => ({ name: `${count} threads`, over: '1 threads' })),
  });
  for (const pool of pools) await pool.dispose();
}
