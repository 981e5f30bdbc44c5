import type { CandidatePool, Excluded, FeatureRows } from './acquisition.ts';

/** Displacement of every coordinate, Å, that makes no other structure. */
export const SAME_WITHIN = 1e-3;
/** Without displacement norms: structures closer than this part of the spread of the pool are the same. */
const SAME_SPREAD = 3e-3;
/** Descriptors this close, as a share of their norm, differ by rounding. */
const ROUNDING = 1e-9;

interface Described {
  readonly rows: Float64Array | Float32Array;
  readonly at: number;
  readonly norm: number;
  readonly name: string;
  /** Index of the candidate; −1 for a labelled structure. */
  readonly index: number;
}

function within(a: Described, b: Described, columns: number, limit: number): boolean {
  let left = limit * limit;
  for (let v = 0; v < columns; v++) {
    const difference = a.rows[a.at + v]! - b.rows[b.at + v]!;
    left -= difference * difference;
    if (!(left >= 0)) return false;
  }
  return true;
}

function described(features: FeatureRows, name: (i: number) => string, index: (i: number) => number): Described[] {
  const { rows, count, columns } = features;
  return Array.from({ length: count }, (_, i) => {
    let sum = 0;
    for (let v = 0; v < columns; v++) sum += rows[i * columns + v]! * rows[i * columns + v]!;
    return { rows, at: i * columns, norm: Math.sqrt(sum), name: name(i), index: index(i) };
  });
}

/** Root mean square distance of descriptors from their mean. */
function spreadOf(features: FeatureRows): number {
  const { rows, count, columns } = features;
  let total = 0;
  for (let v = 0; v < columns; v++) {
    let mean = 0;
    for (let i = 0; i < count; i++) mean += rows[i * columns + v]! / count;
    for (let i = 0; i < count; i++) {
      const difference = rows[i * columns + v]! - mean;
      total += (difference * difference) / count;
    }
  }
  return Math.sqrt(total);
}

/**
 * Candidates that are the same as a labelled structure or as another candidate, of which the one with the smallest id
 * stays. Two structures i and j are the same when their mean descriptors differ by no more than displacements of `δ` of
 * every coordinate would make them differ to first order: ‖x_i − x_j‖ ≤ δ max(η_i, η_j), η the displacement norms of the
 * pool (3·10⁻³ of the pool's spread where it has none), or by rounding.
 *
 * @param sameWithin δ, Å
 * @cost             pairs of nearly equal norm · columns
 */
export function findTwins(pool: CandidatePool, sameWithin: number = SAME_WITHIN): Excluded[] {
  const { descriptors, displacementNorms: norms, learner, candidates } = pool;
  if (descriptors === null) return [];
  const { columns } = descriptors;
  const own = described(
    descriptors,
    (i) => candidates[i]!.id,
    (i) => i,
  );
  const known =
    learner.labelled === null
      ? []
      : described(
          learner.labelled,
          (i) => `labelled structure ${i}`,
          () => -1,
        );
  const all = [...known, ...own].sort((a, b) => a.norm - b.norm);
  const place = new Map(all.map((one, k) => [one, k]));
  const floor = norms === null ? SAME_SPREAD * spreadOf(descriptors) : 0;
  const limitOf = ({ index, norm }: Described): number =>
    Math.max(floor, index < 0 || norms === null ? 0 : sameWithin * norms[index]!, ROUNDING * norm);
  const limits = all.map(limitOf);
  const widest = limits.reduce((largest, limit) => Math.max(largest, limit), 0);
  const stays = new Uint8Array(all.length);
  all.forEach(({ index }, k) => {
    if (index < 0) stays[k] = 1;
  });
  const twinOf = (k: number): Described | null => {
    for (const step of [-1, 1]) {
      for (let j = k + step; j >= 0 && j < all.length && Math.abs(all[j]!.norm - all[k]!.norm) <= widest; j += step) {
        if (stays[j] === 1 && within(all[j]!, all[k]!, columns, Math.max(limits[j]!, limits[k]!))) return all[j]!;
      }
    }
    return null;
  };
  const dropped: Excluded[] = [];
  for (const one of own.slice().sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (candidates[one.index]!.excluded !== null) continue;
    const k = place.get(one)!;
    const twin = twinOf(k);
    if (twin === null) stays[k] = 1;
    else dropped.push({ index: one.index, reason: `the same structure as ${twin.name}` });
  }
  return dropped.sort((a, b) => a.index - b.index);
}
