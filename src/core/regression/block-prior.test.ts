import { describe, expect, it } from 'vitest';
import { dot } from '../numerics/dense.ts';
import { RandomStream } from '../random.ts';
import { blockPrior } from './block-prior.ts';
import { evaluateEvidence, evidenceProblem } from './evidence.ts';
import { createFactor, emptyFactor } from './factor.ts';
import { isotropicPrior } from './prior.ts';

const D = 12;
const NOISE = 0.1;
const hyperparameters = { alpha: 1, noise: { energy: NOISE, forces: NOISE, virial: NOISE } };
const prior = isotropicPrior(new Float64Array(D).fill(1));
const blocks = Int32Array.from({ length: D }, (_, v) => (v < 6 ? 0 : 1));

/** Observations whose weights are of size 3 in the first block and 0.1 in the second. */
function factors(observations: number, sizes: readonly [number, number] = [3, 0.1]) {
  const random = new RandomStream(1, 'block prior', observations);
  const truth = Float64Array.from({ length: D }, (_, v) => sizes[v < 6 ? 0 : 1]! * random.normal());
  const rows = Float64Array.from({ length: observations * D }, () => random.normal());
  const targets = Float64Array.from(
    { length: observations },
    (_, i) => dot(rows, truth, D, i * D, 0) + NOISE * random.normal(),
  );
  const factor = createFactor(D);
  factor.append(rows, targets, observations);
  const none = emptyFactor(D);
  return { state: { energy: none, forces: factor.state(), virial: none }, truth };
}

describe('blockPrior', () => {
  const { state, truth } = factors(80);
  const found = blockPrior(state, prior, hyperparameters, blocks);

  it('finds the size of the weights of each block', () => {
    expect(found.converged).toBe(true);
    const mean = (from: number) => truth.slice(from, from + 6).reduce((sum, w) => sum + w * w, 0) / 6;
    expect(found.strengths[0]).toAgree(1 / mean(0), { rtol: 0.05, why: 'weights are known to 1 %' });
    expect(found.strengths[1]).toAgree(1 / mean(6), { rtol: 0.3, why: 'weights are known to 10 %' });
  });

  it('is at the largest evidence: no other strength of a block is better', () => {
    const evidenceOf = (factor: number, block: number): number => {
      const gamma = found.prior.gamma.map((g, v) => (blocks[v] === block ? g * Math.sqrt(factor) : g));
      return evaluateEvidence(evidenceProblem(state, { ...found.prior, gamma }), hyperparameters).logEvidence;
    };
    for (const block of [0, 1])
      for (const factor of [0.8, 1.25]) expect(evidenceOf(factor, block)).toBeLessThan(evidenceOf(1, block));
    expect(found.gain).toBeGreaterThan(3);
  });

  it('leaves columns alone that are of no block or fixed, and bounds a block that the data want to be zero', () => {
    const fixed = prior.fixed.slice();
    fixed[0] = 5;
    const own = blocks.map((block, v) => (v === 11 ? -1 : block));
    const { prior: kept } = blockPrior(state, { ...prior, fixed }, hyperparameters, own);
    expect([kept.gamma[0], kept.gamma[11], kept.fixed[0]]).toEqual([1, 1, 5]);
    const { strengths } = blockPrior(factors(200, [3, 0]).state, prior, hyperparameters, blocks);
    expect(strengths[1]).toBeGreaterThan(100);
    expect(strengths[1]).toBeLessThanOrEqual(1e6 * (1 + 1e-9));
    expect(() => blockPrior(state, prior, hyperparameters, [1])).toThrow(/one for each of 12 columns, got 1/);
  });
});
