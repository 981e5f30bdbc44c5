/** One size of `scaling.ts`: prints its time and the peak memory of this process as JSON. */
import { existsSync, readFileSync } from 'node:fs';
import { neighborList } from '../../src/core/structure/neighbor-list.ts';
import { nodeKernels } from '../../src/node/kernels.ts';
import { madeCase } from '../cases.ts';
import { threadSeconds } from '../clock.ts';
import { firstPassOf, siliconTask } from '../silicon.ts';
import type { ScalingPoint } from '../workbench.ts';
import type { ScalingRequest } from './scaling.ts';

/** Work is repeated for this long, s, after a call that warms up. */
const LONG_ENOUGH = 0.5;

/** Fastest of some calls, s: sizes are compared with each other, and nothing takes turns here. */
function fastest(work: () => unknown, again: number): number {
  let best = Number.POSITIVE_INFINITY;
  let spent = 0;
  for (let call = 0; call < again || spent < LONG_ENOUGH; call++) {
    const start = threadSeconds();
    work();
    const seconds = threadSeconds() - start;
    spent += seconds;
    best = Math.min(best, seconds);
  }
  return best;
}

const diamond = (edge: number) =>
  ({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [edge, edge, edge] }) as const;

function answer(request: ScalingRequest): Omit<ScalingPoint, 'peakMegabytes'> {
  const kernels = nodeKernels(null);
  if (request.what === 'fit') {
    const warm = siliconTask('small', 10, [1, 1, 1], kernels);
    const program = kernels.prepare(warm.basis);
    fastest(() => firstPassOf(warm, warm.frames, program, kernels), 3);
    const task = siliconTask('small', request.structures, [1, 1, 1], kernels);
    const seconds = fastest(() => firstPassOf(task, task.frames, program, kernels), 1);
    return { size: request.structures, microseconds: (1e6 * seconds) / request.structures };
  }
  const { structure, potential } = madeCase('medium', ['Si'], 6, diamond(request.edge));
  const size = structure.species.length;
  if (request.what === 'list') {
    const seconds = fastest(() => neighborList(structure, 6), 2);
    return { size, microseconds: (1e6 * seconds) / size };
  }
  const program = kernels.compile(potential);
  const small = madeCase('medium', ['Si'], 6, diamond(2)).structure;
  const smallLists = [neighborList(small, program.cutoff)];
  fastest(() => program.evaluate([small], { lists: smallLists }), 3);
  const lists = [neighborList(structure, program.cutoff)];
  const seconds = fastest(() => program.evaluate([structure], { lists }), 1);
  return { size, microseconds: (1e6 * seconds) / size };
}

/** Peak of resident memory. Linux carries `maxRSS` over from the parent, so its own count of this program is read there. */
function peakBytes(): number {
  const own = '/proc/self/status';
  const peak = existsSync(own) ? /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(own, 'utf8'))?.[1] : undefined;
  return 1024 * (peak === undefined ? process.resourceUsage().maxRSS : Number(peak));
}

const point = answer(JSON.parse(process.argv[2]!) as ScalingRequest);
const peakMegabytes = Math.round(peakBytes() / 2 ** 20);
process.stdout.write(JSON.stringify({ ...point, peakMegabytes } satisfies ScalingPoint));
