import { InputError } from '../../errors.ts';
import { MAX_ORDER } from './coupling.ts';

/**
 * Number of invariants that are a product of `degree` factors drawn from `slots` kinds of slot (element, n), each with
 * every l ≤ lmax: multisets of (slot, l, m) with even Σ l and Σ m = 0 less those with Σ m = 1 (each irreducible
 * representation of momentum L ≥ 1 has both, that of L = 0 only the first).
 */
export function countOrder(slots: number, degree: number, lmax: number): number {
  const counts = new WeightCounts(degree, lmax);
  for (let s = 0; s < slots; s++) for (let l = 0; l <= lmax; l++) counts.multiply(l);
  return counts.invariants(degree);
}

/** Number of functions of one central element by order, without building any. */
export function countFunctions(nElements: number, nmax: readonly number[], lmax: readonly number[]): number[] {
  if (nmax.length !== lmax.length || nmax.length < 1 || nmax.length > MAX_ORDER) {
    throw new InputError('INVALID_BASIS', `nmax and lmax must have one entry per order, 1 to ${MAX_ORDER}`, {
      nmax,
      lmax,
    });
  }
  return nmax.map((n, k) => countOrder(nElements * n, k + 1, lmax[k]!));
}

/** Numbers of multisets of (slot, l, m) by size, parity of Σ l and Σ m. */
class WeightCounts {
  private readonly degree: number;
  private readonly reach: number;
  /** counts[size][parity][Σ m + reach]. */
  private readonly counts: Float64Array[][];

  constructor(degree: number, lmax: number) {
    this.degree = degree;
    this.reach = degree * lmax + 1;
    const width = 2 * this.reach + 1;
    this.counts = Array.from({ length: degree + 1 }, () => [new Float64Array(width), new Float64Array(width)]);
    this.counts[0]![0]![this.reach] = 1;
  }

  /** Lets every m of one more (slot, l) be drawn any number of times: multiplies by Π_m 1/(1 − t q^m). */
  multiply(l: number): void {
    for (let m = -l; m <= l; m++) {
      for (let size = 1; size <= this.degree; size++) {
        for (let parity = 0; parity < 2; parity++) {
          const from = this.counts[size - 1]![(parity + l) % 2]!;
          const to = this.counts[size]![parity]!;
          const first = Math.max(0, m);
          const last = Math.min(to.length, to.length + m);
          for (let i = first; i < last; i++) to[i]! += from[i - m]!;
        }
      }
    }
  }

  /** Invariants of even parity made of `size` factors. */
  invariants(size: number): number {
    const even = this.counts[size]![0]!;
    return even[this.reach]! - even[this.reach + 1]!;
  }
}
