import { plainKernels } from '../numerics/plain-kernels.ts';
import { activeSet, extrapolationGrades } from '../uncertainty/maxvol.ts';
import type { CandidatePool, Selection, SelectionContext } from './acquisition.ts';
import { byScore } from './gain.ts';
import { requiredDescriptors } from './pool.ts';

/**
 * Structures of the largest volume: those that come to stand in the active set of all mean descriptors, labelled and not,
 * by the grade γ that the labelled ones alone give them; then the others by γ.
 * @cost that of `activeSet` of all structures
 */
export function selectMaxvol(pool: CandidatePool, batchSize: number, context: SelectionContext = {}): Selection {
  const { candidates, learner } = pool;
  const { kernels = plainKernels } = context;
  const n = candidates.length;
  const { rows: own, columns } = requiredDescriptors(pool);
  const labelled = learner.labelled?.count ?? 0;
  const rows = new Float64Array((labelled + n) * columns);
  if (learner.labelled !== null) rows.set(learner.labelled.rows.subarray(0, labelled * columns));
  rows.set(own.subarray(0, n * columns), labelled * columns);
  const before = labelled === 0 ? null : activeSet(rows.slice(0, labelled * columns), labelled, columns, { kernels });
  const grades =
    before === null
      ? new Float64Array(n).fill(Number.POSITIVE_INFINITY)
      : extrapolationGrades(before.inverse, columns, rows.slice(labelled * columns), n, kernels);
  const after = activeSet(rows, labelled + n, columns, before === null ? { kernels } : { kernels, start: before });
  const entered = new Set([...after.rows].filter((row) => row >= labelled).map((row) => row - labelled));
  const rank = byScore(grades, candidates);
  const tie = (a: number, b: number): number =>
    grades[a] === grades[b] ? (candidates[a]!.id < candidates[b]!.id ? -1 : 1) : rank(a, b);
  const order = [...candidates.keys()].sort((a, b) => Number(entered.has(b)) - Number(entered.has(a)) || tie(a, b));
  const selected = order.slice(0, batchSize).map((index) => {
    const gain = grades[index]!;
    const grade = Number.isFinite(gain)
      ? `, grade ${gain.toPrecision(3)} by what is labelled`
      : `, of ${columns} columns`;
    const reason = `${entered.has(index) ? 'in the active set' : 'not in the active set, next by grade'}${grade}`;
    return { id: candidates[index]!.id, index, gain, reason };
  });
  return { selected, certificate: null };
}
