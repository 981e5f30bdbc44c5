import { describe, expect, it } from 'vitest';
import { dot, gram, rowGram } from '../numerics/dense.ts';
import { RandomStream } from '../random.ts';
import { kMeans } from './clusters.ts';
import { leadingSubspace } from './subspace.ts';

describe('leadingSubspace', () => {
  it('captures the directions of largest spread', () => {
    const stream = new RandomStream(4, 'subspace');
    const d = 12;
    const scales = Float64Array.from({ length: d }, (_, v) => (v < 3 ? 10 - v : 0.1));
    const rows = Float64Array.from({ length: 200 * d }, (_, k) => scales[k % d]! * stream.normal());
    const basis = leadingSubspace(gram(rows, 200, d), d, 3);
    expect(rowGram(basis, 3, d)).toAgree([1, 0, 0, 0, 1, 0, 0, 0, 1], {
      atol: 1e-13,
      why: 'orthonormal',
    });
    const inside = [0, 1, 2].reduce((sum, i) => sum + dot(basis, basis, 3, i * d, i * d), 0);
    expect(inside).toAgree(3, { atol: 0.01, why: 'the span of the first three axes, up to sampling' });
  });

  it('gives rows of zero beyond the rank', () => {
    const basis = leadingSubspace(Float64Array.of(4, 0, 0, 0, 0, 0, 0, 0, 0), 3, 2);
    expect(Math.abs(basis[0]!)).toAgree(1, { atol: 1e-14, why: 'the only direction' });
    expect([...basis.subarray(3)]).toEqual([0, 0, 0]);
  });
});

describe('kMeans', () => {
  it('finds separated clusters whatever the order of rows', () => {
    const stream = new RandomStream(6, 'clusters');
    const truth = Array.from({ length: 90 }, (_, i) => i % 3);
    const rows = Float64Array.from(truth.flatMap((c) => [10 * c + stream.normal(), -5 * c + stream.normal()]));
    const { count, assignment, centers } = kMeans(rows, 90, 2, 3);
    expect(count).toBe(3);
    const names = new Set(truth.map((c, i) => `${c}:${assignment[i]}`));
    expect(names.size).toBe(3);
    expect(Array.from({ length: 3 }, (_, c) => Math.abs(Math.round(centers[2 * c]! / 10))).sort()).toEqual([0, 1, 2]);
  });

  it('drops clusters that stay empty', () => {
    const { count, assignment } = kMeans(Float64Array.of(1, 1, 1, 1), 4, 1, 3);
    expect(count).toBe(1);
    expect([...assignment]).toEqual([0, 0, 0, 0]);
  });
});
