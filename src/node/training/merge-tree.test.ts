import { describe, expect, it } from 'vitest';
import { createFactor, mergeFactors } from '../../core/regression/factor.ts';
import { packFactor, unpackFactors } from '../../core/regression/packed.ts';
import type { PackedFactor } from '../../core/regression/packed.ts';
import type { FactorState, PerKind } from '../../core/regression/regression.ts';
import { RandomStream } from '../../core/random.ts';
import { nodeKernels } from '../kernels.ts';
import { MergeTree, mergedFolds } from './merge-tree.ts';

const D = 7;
const kernels = nodeKernels(null);

function factorOf(m: number, seed: number): FactorState {
  const stream = new RandomStream(seed, 'merge-tree-test', m);
  const factor = createFactor(D);
  factor.append(
    Float64Array.from({ length: m * D }, () => stream.normal()),
    Float64Array.from({ length: m }, () => stream.normal()),
    m,
    0.5 * m,
  );
  return factor.state();
}

/** Factors of a chunk; chunks without energies or virials are among them. */
const chunkOf = (index: number): PerKind<FactorState> => ({
  energy: factorOf(index % 3, index),
  forces: factorOf(9 + index, 100 + index),
  virial: factorOf(index === 2 ? 6 : 0, 200 + index),
});

const packed = (chunk: PerKind<FactorState>): PerKind<PackedFactor> => ({
  energy: packFactor(chunk.energy),
  forces: packFactor(chunk.forces),
  virial: packFactor(chunk.virial),
});

describe('MergeTree', () => {
  it.each([1, 2, 3, 5, 8, 13, 21])('gives the bits of mergeFactors for %i chunks in any order of arrival', (count) => {
    const chunks = Array.from({ length: count }, (_, index) => chunkOf(index));
    const expected = {
      energy: mergeFactors(
        chunks.map((chunk) => chunk.energy),
        kernels.eliminate,
      ),
      forces: mergeFactors(
        chunks.map((chunk) => chunk.forces),
        kernels.eliminate,
      ),
      virial: mergeFactors(
        chunks.map((chunk) => chunk.virial),
        kernels.eliminate,
      ),
    };
    for (let seed = 0; seed < 6; seed++) {
      const tree = new MergeTree(count, kernels);
      const order = new RandomStream(seed, 'merge-tree-order', count).permutation(count);
      order.forEach((index, k) => {
        expect(tree.result()).toBeNull();
        tree.add(index, packed(chunks[index]!));
        if (k < count - 1) expect(tree.result()).toBeNull();
      });
      expect(unpackFactors(tree.result()!)).toEqual(expected);
    }
    expect(unpackFactors(mergedFolds(chunks.map(packed), kernels))).toEqual(expected);
  });

  it('holds about as many factors as it has levels when they come in order', () => {
    const count = 64;
    const one = packed(chunkOf(1));
    const tree = new MergeTree(count, kernels);
    const { waiting } = tree as unknown as { waiting: Map<string, unknown> };
    let most = 0;
    for (let index = 0; index < count; index++) {
      tree.add(index, one);
      most = Math.max(most, waiting.size);
    }
    expect(most).toBe(6);
    expect(tree.result()!.forces.count).toBe(count * one.forces.count);
  });
});
