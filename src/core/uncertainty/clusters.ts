/** Squared Euclidean distance of a row to a center. */
function squaredDistance(rows: Float64Array, i: number, centers: Float64Array, c: number, q: number): number {
  let sum = 0;
  for (let v = 0; v < q; v++) {
    const difference = rows[i * q + v]! - centers[c * q + v]!;
    sum += difference * difference;
  }
  return sum;
}

/** Centers of clusters and the cluster of each row. */
export interface Clustering {
  /** [count, q] row-major. */
  readonly centers: Float64Array;
  readonly count: number;
  /** [n] index of the nearest center. */
  readonly assignment: Int32Array;
}

/**
 * k-means of rows, deterministic: the first center is the mean, the next ones the rows farthest from all centers so far
 * (lowest index on ties), then at most 25 rounds of Lloyd's algorithm. Empty clusters are dropped.
 *
 * @param rows  [n, q] row-major, in units in which Euclidean distances make sense
 */
export function kMeans(rows: Float64Array, n: number, q: number, count: number): Clustering {
  let centers: Float64Array = new Float64Array(count * q);
  for (let i = 0; i < n; i++) for (let v = 0; v < q; v++) centers[v]! += rows[i * q + v]! / n;
  const nearest = Float64Array.from({ length: n }, (_, i) => squaredDistance(rows, i, centers, 0, q));
  for (let c = 1; c < count; c++) {
    let farthest = 0;
    for (let i = 1; i < n; i++) if (nearest[i]! > nearest[farthest]!) farthest = i;
    centers.set(rows.subarray(farthest * q, farthest * q + q), c * q);
    for (let i = 0; i < n; i++) nearest[i] = Math.min(nearest[i]!, squaredDistance(rows, i, centers, c, q));
  }
  const assignment = new Int32Array(n).fill(-1);
  let kept = count;
  for (let round = 0; round < 25; round++) {
    let moved = false;
    const sums = new Float64Array(kept * q);
    const sizes = new Int32Array(kept);
    for (let i = 0; i < n; i++) {
      let best = 0;
      let least = Number.POSITIVE_INFINITY;
      for (let c = 0; c < kept; c++) {
        const distance = squaredDistance(rows, i, centers, c, q);
        if (distance < least) {
          least = distance;
          best = c;
        }
      }
      if (assignment[i] !== best) moved = true;
      assignment[i] = best;
      sizes[best]!++;
      for (let v = 0; v < q; v++) sums[best * q + v]! += rows[i * q + v]!;
    }
    const filled = [...sizes.keys()].filter((c) => sizes[c]! > 0);
    if (!moved && filled.length === kept) break;
    const next = new Float64Array(filled.length * q);
    filled.forEach((c, k) => {
      for (let v = 0; v < q; v++) next[k * q + v] = sums[c * q + v]! / sizes[c]!;
    });
    for (let i = 0; i < n; i++) assignment[i] = filled.indexOf(assignment[i]!);
    centers = next;
    kept = filled.length;
  }
  return { centers, count: kept, assignment };
}
