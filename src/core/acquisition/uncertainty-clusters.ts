import { plainKernels } from '../numerics/plain-kernels.ts';
import { kMeans } from '../uncertainty/clusters.ts';
import type { CandidatePool, Selection, SelectionContext } from './acquisition.ts';
import { byScore } from './gain.ts';
import { columnsOf, requiredDescriptors } from './pool.ts';
import { standardizedTogether } from './strata.ts';
import { energyShare, totalVariance } from './variance-reduction.ts';

/**
 * √ of the mean force variance and √ of the energy variance (over √N) of each candidate, each over its mean in the pool,
 * added: neither forces nor energies alone may rule. @returns [n]
 */
export function relativeUncertainties(pool: CandidatePool, context: SelectionContext = {}): Float64Array {
  const { r } = pool.learner;
  const d = columnsOf(r);
  const { kernels = plainKernels } = context;
  const of = (kind: 'energy' | 'forces', share: (atoms: number) => number): number[] =>
    pool.candidates.map(({ atoms }, i) => Math.sqrt(totalVariance(r, d, pool.rows(i, kind), kernels) / share(atoms)));
  const forces = of('forces', (atoms) => 3 * atoms);
  const energy = of('energy', (atoms) => energyShare(pool, atoms));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [f, e] = [mean(forces), mean(energy)];
  return Float64Array.from(forces, (value, i) => (f > 0 ? value / f : 0) + (e > 0 ? energy[i]! / e : 0));
}

/**
 * Uncertainty and clustering: as many clusters (k-means of standardised mean descriptors) as picks, and the most uncertain
 * structure of each; the largest clusters' next ones where clusters are too few.
 */
export function selectUncertainClusters(
  pool: CandidatePool,
  batchSize: number,
  context: SelectionContext = {},
): Selection {
  const { candidates } = pool;
  const n = candidates.length;
  const { rows, columns } = standardizedTogether(requiredDescriptors(pool), null);
  const { assignment, count } = kMeans(rows as Float64Array, n, columns, Math.min(batchSize, n));
  const scores = relativeUncertainties(pool, context);
  const ranked = [...candidates.keys()].sort(byScore(scores, candidates));
  const queues: number[][] = Array.from({ length: count }, () => []);
  for (const index of ranked) queues[assignment[index]!]!.push(index);
  const picks: number[] = [];
  while (picks.length < Math.min(batchSize, n)) {
    const layer = queues.flatMap((queue) => queue.splice(0, 1)).sort(byScore(scores, candidates));
    picks.push(...layer.slice(0, batchSize - picks.length));
  }
  const selected = picks.map((index) => {
    const of = `cluster ${assignment[index]! + 1} of ${count}`;
    const gain = scores[index]!;
    const reason = `most uncertain structure of ${of}, ${(gain / 2).toPrecision(3)} times the mean of the pool`;
    return { id: candidates[index]!.id, index, gain, reason };
  });
  return { selected, certificate: null };
}
