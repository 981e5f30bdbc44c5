import { kMeans } from '../uncertainty/clusters.ts';
import type { CandidatePool, FeatureRows, SelectionContext } from './acquisition.ts';
import { requiredDescriptors } from './pool.ts';

/** Most strata that a pool is cut into unless the user says otherwise. */
const MOST_STRATA = 12;
/** Structures of a stratum on average, at least. */
const STRUCTURES_PER_STRATUM = 6;
/** A spread below this share of the mean is rounding. */
const ROUNDING = 1e-12;

/** Parts of a pool with the labelled structures that belong to them. */
export interface Strata {
  readonly count: number;
  /** [n] stratum of each candidate. */
  readonly ofCandidate: Int32Array;
  /** [count] labelled structures in each. */
  readonly labelled: Int32Array;
  /** [count] candidates in each. */
  readonly sizes: Int32Array;
  /** [count] what to call each. */
  readonly names: readonly string[];
}

/** Candidates and labelled structures in one matrix, every column over its standard deviation (0 where it has none). */
export function standardizedTogether(pool: FeatureRows, labelled: FeatureRows | null): FeatureRows {
  const { columns } = pool;
  const count = pool.count + (labelled?.count ?? 0);
  const rows = new Float64Array(count * columns);
  rows.set(pool.rows.subarray(0, pool.count * columns));
  if (labelled !== null) rows.set(labelled.rows.subarray(0, labelled.count * columns), pool.count * columns);
  for (let v = 0; v < columns; v++) {
    let mean = 0;
    for (let i = 0; i < count; i++) mean += rows[i * columns + v]! / count;
    let variance = 0;
    for (let i = 0; i < count; i++) {
      const difference = rows[i * columns + v]! - mean;
      variance += (difference * difference) / count;
    }
    const spread = Math.sqrt(variance);
    const scale = spread > ROUNDING * Math.abs(mean) ? 1 / spread : 0;
    for (let i = 0; i < count; i++) rows[i * columns + v] = scale === 0 ? 0 : (rows[i * columns + v]! - mean) * scale;
  }
  return { rows, count, columns };
}

function strataOf(stratum: Int32Array, candidates: number, names: readonly string[]): Strata {
  const sizes = new Int32Array(names.length);
  const labelled = new Int32Array(names.length);
  stratum.forEach((s, i) => {
    const into = i < candidates ? sizes : labelled;
    into[s] = into[s]! + 1;
  });
  return { count: names.length, ofCandidate: stratum.slice(0, candidates), labelled, sizes, names };
}

/**
 * Strata of a pool: its groups where every candidate has one, otherwise clusters (k-means) of the standardised mean
 * descriptors of candidates and labelled structures, min(12, n/6) of them.
 * @throws InputError `NO_DESCRIPTORS` where there are neither groups nor descriptors
 */
export function stratify(pool: CandidatePool, context: SelectionContext = {}): Strata {
  const { candidates, learner } = pool;
  const groups = candidates.map(({ group }) => group);
  if (groups.every((group) => group !== null)) {
    const known = learner.labelledGroups ?? [];
    const names = [...new Set([...groups, ...known].map((group) => group ?? ''))].sort();
    const stratum = Int32Array.from([...groups, ...known], (group) => names.indexOf(group ?? ''));
    return strataOf(stratum, candidates.length, names);
  }
  const { rows, count, columns } = standardizedTogether(requiredDescriptors(pool), learner.labelled);
  const wanted = context.clusters ?? Math.max(1, Math.min(MOST_STRATA, Math.floor(count / STRUCTURES_PER_STRATUM)));
  const clustering = kMeans(rows as Float64Array, count, columns, Math.min(wanted, count));
  const names = Array.from({ length: clustering.count }, (_, c) => `cluster ${c + 1} of ${clustering.count}`);
  return strataOf(clustering.assignment, candidates.length, names);
}

/**
 * Which stratum each pick of a batch goes to: the one that lacks most of its quota, the share √size of all labels once
 * the batch is labelled (size: candidates and labelled structures). Square roots stand between equal numbers of all kinds
 * of structures and the frequencies of the pool.
 *
 * @returns [≤ batchSize] stratum of each pick; fewer where the pool is smaller
 */
export function squareRootQuota(strata: Strata, batchSize: number): Int32Array {
  const { count, sizes, labelled } = strata;
  // What is labelled outside the strata of the pool does not matter for how the pool is shared out.
  const roots = Float64Array.from(sizes, (size, c) => (size > 0 ? Math.sqrt(size + labelled[c]!) : 0));
  const sum = roots.reduce((total, root) => total + root, 0);
  const total = labelled.reduce((all, n, c) => all + (sizes[c]! > 0 ? n : 0), 0) + batchSize;
  const left = sizes.slice();
  const have = labelled.slice();
  const order: number[] = [];
  while (order.length < batchSize) {
    let best = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < count; c++) {
      const lacks = (total * roots[c]!) / sum - have[c]!;
      if (left[c]! > 0 && lacks > most) [best, most] = [c, lacks];
    }
    if (best < 0) break;
    left[best] = left[best]! - 1;
    have[best] = have[best]! + 1;
    order.push(best);
  }
  return Int32Array.from(order);
}
