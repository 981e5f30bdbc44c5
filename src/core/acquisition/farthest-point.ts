import type { CandidatePool, Chosen, FeatureRows, Selection, SelectionContext } from './acquisition.ts';
import { featureDistance } from './coverage.ts';
import { requiredDescriptors } from './pool.ts';
import { standardizedTogether } from './strata.ts';

/** Rows taken one after another, each the farthest from all before it. */
interface FarthestRows {
  readonly order: number[];
  readonly distances: number[];
  /** [n] distance of each candidate to the nearest taken or labelled row. */
  readonly nearest: Float64Array;
}

/**
 * Each the candidate farthest from all labelled and chosen rows; the first one nearest to the mean where nothing is
 * labelled. The first `n` rows are the candidates, those after them are labelled. Ties go to the smaller id.
 */
function farthestFirst(features: FeatureRows, ids: readonly string[], k: number): FarthestRows {
  const n = ids.length;
  const nearest = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  const approach = (to: number): void => {
    for (let i = 0; i < n; i++) nearest[i] = Math.min(nearest[i]!, featureDistance(features, i, features, to));
  };
  for (let l = n; l < features.count; l++) approach(l);
  const order: number[] = [];
  const distances: number[] = [];
  const score = features.count > n ? nearest : centrality(features);
  while (order.length < Math.min(k, n)) {
    const scores = order.length === 0 ? score : nearest;
    let best = -1;
    for (let i = 0; i < n; i++) {
      if (order.includes(i)) continue;
      if (best < 0 || scores[i]! > scores[best]! || (scores[i] === scores[best] && ids[i]! < ids[best]!)) best = i;
    }
    order.push(best);
    distances.push(nearest[best]!);
    approach(best);
  }
  return { order, distances, nearest };
}

/** Minus the distance of each row to the mean of all. */
function centrality(features: FeatureRows): Float64Array {
  const { rows, count, columns } = features;
  const mean = new Float64Array(columns);
  for (let i = 0; i < count; i++) for (let v = 0; v < columns; v++) mean[v] = mean[v]! + rows[i * columns + v]! / count;
  const centre = { rows: mean, count: 1, columns };
  return Float64Array.from({ length: count }, (_, i) => -featureDistance(features, i, centre, 0));
}

function chosen(pool: CandidatePool, index: number, distance: number, what: string): Chosen {
  const reason = Number.isFinite(distance)
    ? `${what}, ${distance.toPrecision(3)} from the nearest labelled or chosen one (standardised descriptors)`
    : 'nearest to the mean of the pool, as nothing is labelled';
  return { id: pool.candidates[index]!.id, index, gain: distance, reason };
}

/**
 * Farthest points: each pick is the structure farthest from all labelled and chosen ones, by standardised mean
 * descriptors. The covering radius is at most twice the smallest that a batch of that size can reach.
 * @see Gonzalez, Theor. Comput. Sci. 38, 293 (1985)
 */
export function selectFarthest(pool: CandidatePool, batchSize: number, _context: SelectionContext = {}): Selection {
  const features = standardizedTogether(requiredDescriptors(pool), pool.learner.labelled);
  const ids = pool.candidates.map(({ id }) => id);
  const { order, distances } = farthestFirst(features, ids, batchSize);
  const selected = order.map((index, k) => chosen(pool, index, distances[k]!, 'farthest structure'));
  return { selected, certificate: null };
}

/** Largest and second largest distance of candidates to the nearest of some rows. */
function radiusOf(features: FeatureRows, n: number, centres: readonly number[]): number {
  let radius = 0;
  for (let i = 0; i < n; i++) {
    let least = Number.POSITIVE_INFINITY;
    for (const c of centres) {
      least = Math.min(least, featureDistance(features, i, features, c));
      if (least <= radius) break;
    }
    radius = Math.max(radius, least);
  }
  return radius;
}

/**
 * k-centre: farthest points, each then moved to the member of its cell (the structures nearest to it) that covers the cell
 * best, as long as the covering radius falls. Never worse than farthest points, and less drawn to the rim.
 */
export function selectCentres(pool: CandidatePool, batchSize: number, _context: SelectionContext = {}): Selection {
  const features = standardizedTogether(requiredDescriptors(pool), pool.learner.labelled);
  const n = pool.candidates.length;
  const ids = pool.candidates.map(({ id }) => id);
  const known = Array.from({ length: features.count - n }, (_, l) => n + l);
  let centres = farthestFirst(features, ids, batchSize).order;
  let radius = radiusOf(features, n, [...known, ...centres]);
  for (;;) {
    const all = [...known, ...centres];
    const cells = new Map<number, number[]>(all.map((c) => [c, []]));
    for (let i = 0; i < n; i++) {
      let best = all[0]!;
      for (const c of all)
        if (featureDistance(features, i, features, c) < featureDistance(features, i, features, best)) best = c;
      cells.get(best)!.push(i);
    }
    const moved = centres.map((c) => {
      const cell = cells.get(c)!;
      const reach = (i: number): number =>
        cell.reduce((r, j) => Math.max(r, featureDistance(features, i, features, j)), 0);
      return cell.reduce((best, i) => (reach(i) < reach(best) ? i : best), c);
    });
    const next = radiusOf(features, n, [...known, ...moved]);
    if (!(next < radius)) break;
    [centres, radius] = [moved, next];
  }
  const selected = centres.map((index) => {
    const others = [...known, ...centres.filter((c) => c !== index)];
    const distance = others.reduce(
      (least, c) => Math.min(least, featureDistance(features, index, features, c)),
      Number.POSITIVE_INFINITY,
    );
    return chosen(pool, index, distance, `centre of a cell of covering radius ${radius.toPrecision(3)}`);
  });
  return { selected, certificate: null };
}
