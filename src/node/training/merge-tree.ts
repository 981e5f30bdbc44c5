import { mergeTwoFactors } from '../../core/regression/factor.ts';
import type { FactorState, PerKind } from '../../core/regression/regression.ts';
import type { Kernels } from '../../kernels/kernels.ts';

/**
 * Merges the factors of chunks as they come, in any order, along the binary tree of `mergeFactors`: nodes pair up by the
 * index of their chunks, never by the time of their arrival, so the bits of the result are always the same. A node waits
 * only for its neighbour, so about as many are held as there are levels and workers.
 */
export class MergeTree {
  /** Number of nodes on each level, leaves first. */
  private readonly sizes: number[];
  private readonly waiting = new Map<string, PerKind<FactorState>>();
  private readonly kernels: Kernels;
  private root: PerKind<FactorState> | null = null;

  /** @param chunks number of factors to come, at least one */
  constructor(chunks: number, kernels: Kernels) {
    this.kernels = kernels;
    this.sizes = [chunks];
    while (this.sizes.at(-1)! > 1) this.sizes.push(Math.ceil(this.sizes.at(-1)! / 2));
  }

  /** Takes in the factors of one chunk. */
  add(index: number, factors: PerKind<FactorState>): void {
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
  result(): PerKind<FactorState> | null {
    return this.root;
  }

  private merge(a: PerKind<FactorState>, b: PerKind<FactorState>): PerKind<FactorState> {
    const { eliminate } = this.kernels;
    return {
      energy: mergeTwoFactors(a.energy, b.energy, eliminate),
      forces: mergeTwoFactors(a.forces, b.forces, eliminate),
      virial: mergeTwoFactors(a.virial, b.virial, eliminate),
    };
  }
}
