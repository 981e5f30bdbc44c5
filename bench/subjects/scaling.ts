/** Time and memory against size, each size in a process of its own, so that its peak memory is its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ScalingPoint, Workbench } from '../workbench.ts';

const CHILD = fileURLToPath(new URL('./scaling-child.ts', import.meta.url));
/** Conventional cells of diamond along each edge: 64 to 97 336 atoms. */
const EDGES = [2, 5, 11, 23];
const STRUCTURES = [10, 100, 1000, 10_000];

/** What `scaling-child.ts` is asked. */
export type ScalingRequest =
  | { readonly what: 'energy' | 'list'; readonly edge: number }
  | { readonly what: 'fit'; readonly structures: number };

function measure(request: ScalingRequest): Promise<ScalingPoint> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, JSON.stringify(request)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as ScalingPoint);
      else reject(new Error(`measuring ${JSON.stringify(request)} ended with ${code}`));
    });
  });
}

async function series(requests: readonly ScalingRequest[]): Promise<ScalingPoint[]> {
  const points: ScalingPoint[] = [];
  for (const request of requests) points.push(await measure(request));
  return points;
}

/** Measures scaling. */
export async function scaling(bench: Workbench): Promise<void> {
  const of = 'silicon, medium, 391 functions';
  bench.reporter.scaling({
    subject: 'scaling',
    title: `energy and forces, ${of}`,
    sizeUnit: 'atoms',
    points: await series(EDGES.map((edge) => ({ what: 'energy', edge }))),
  });
  bench.reporter.scaling({
    subject: 'scaling',
    title: 'neighbour lists of 6 Å, silicon',
    sizeUnit: 'atoms',
    points: await series(EDGES.map((edge) => ({ what: 'list', edge }))),
  });
  bench.reporter.scaling({
    subject: 'scaling',
    title: 'rows and factors of a fit, silicon cells of 8 atoms, small, 122 functions',
    sizeUnit: 'structures',
    points: await series(STRUCTURES.map((structures) => ({ what: 'fit', structures }))),
  });
}
