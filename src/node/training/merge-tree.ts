import { mergeTwoFactors } from '../../core/regression/factor.ts';
import type { PackedFactor } from '../../core/regression/packed.ts';
import { packFactor, unpackFactor } from '../../core/regression/packed.ts';
import type { PerKind } from '../../core/regression/regression.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { sharedZeros } from '../workers/shared.ts';

/**
 * Merges the factors of chunks as they come, in any order, along the binary tree of `mergeFactors`: nodes pair up by the
 * index of their chunks, never by the time of their arrival, so the bits of the result are always the same. A node waits
 * only for its neighbour, so about as many are held as there are levels and workers, in packed form and in memory
 * that threads share.
 */
export class MergeTree {
  /** Number of nodes on each level, leaves first. */
  private readonly sizes: number[];
  private readonly waiting = new Map<string, PerKind<PackedFactor>>();
  private readonly kernels: Kernels;
  private root: PerKind<PackedFactor> | null = null;

  /** @param chunks number of factors to come, at least one */
  constructor(chunks: number, kernels: Kernels) {
    this.kernels = kernels;
    this.sizes = [chunks];
    while (this.sizes.at(-1)! > 1) this.sizes.push(Math.ceil(this.sizes.at(-1)! / 2));
  }

  /** Takes in the factors of one chunk. */
  add(index: number, factors: PerKind<PackedFactor>): void {
    let node = factors;
    let position = index;
    for (let level = 0; level < this.sizes.length - 1; level++, position >>= 1) {
      const neighbour = position ^ 1;
      if (neighbour >= this.sizes[level]!) continue;
      const key = `${level}:${neighbour}`;
      const other = this.waiting.get(key);
      if (other === undefined) {
        this.waiting.set(`${level}:${position}`, node);
        return;
      }
      this.waiting.delete(key);
      node = position < neighbour ? this.merge(node, other) : this.merge(other, node);
    }
    this.root = node;
  }

  /** The factors of all chunks, once they are all there; null before. */
  result(): PerKind<PackedFactor> | null {
    return this.root;
  }

  private merge(a: PerKind<PackedFactor>, b: PerKind<PackedFactor>): PerKind<PackedFactor> {
    const { eliminate } = this.kernels;
    const merged = (one: PackedFactor, other: PackedFactor): PackedFactor => {
      if (other.count === 0) return one;
      if (one.count === 0) return other;
      return packFactor(mergeTwoFactors(unpackFactor(one), unpackFactor(other), eliminate), sharedZeros);
    };
    return {
      energy: merged(a.energy, b.energy),
      forces: merged(a.forces, b.forces),
      virial: merged(a.virial, b.virial),
    };
  }
}

/** The factors of several folds together, merged along the tree of their number. @param folds at least one */
export function mergedFolds(folds: readonly PerKind<PackedFactor>[], kernels: Kernels): PerKind<PackedFactor> {
  const tree = new MergeTree(folds.length, kernels);
  folds.forEach((fold, k) => {
    tree.add(k, fold);
  });
  return tree.result()!;
}
