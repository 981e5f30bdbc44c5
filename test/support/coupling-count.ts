/** Numbers of ways by Σ m and parity of Σ l, under the key 2 Σ m + parity. */
type Weights = ReadonlyMap<number, number>;

function combined(a: Weights, b: Weights): Weights {
  const out = new Map<number, number>();
  for (const [x, waysOfX] of a) {
    for (const [y, waysOfY] of b) {
      const key = 2 * ((x >> 1) + (y >> 1)) + ((x ^ y) & 1);
      out.set(key, (out.get(key) ?? 0) + waysOfX * waysOfY);
    }
  }
  return out;
}

/** Multisets of `size` pairs (l, m) with l ≤ lmax. */
function multisets(size: number, lmax: number): Weights {
  const bySize: Weights[] = Array.from({ length: size + 1 }, (_, k) => new Map(k === 0 ? [[0, 1]] : []));
  for (let l = 0; l <= lmax; l++) {
    for (let m = -l; m <= l; m++) {
      for (let k = 1; k <= size; k++) {
        const more = new Map(bySize[k]);
        for (const [key, ways] of combined(bySize[k - 1]!, new Map([[2 * m + (l & 1), 1]]))) {
          more.set(key, (more.get(key) ?? 0) + ways);
        }
        bySize[k] = more;
      }
    }
  }
  return bySize[size]!;
}

/**
 * Number of independent functions, over all l ≤ lmax, of a product whose slots (element, n) repeat with the given
 * multiplicities ([4] is four equal slots, [1, 1, 1] three different ones): even Σ l and Σ m = 0 less Σ m = 1.
 */
export function countCouplings(multiplicities: readonly number[], lmax: number): number {
  const all = multiplicities.map((k) => multisets(k, lmax)).reduce(combined);
  return (all.get(0) ?? 0) - (all.get(2) ?? 0);
}
