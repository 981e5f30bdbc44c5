import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gramUpper, solveUpper, whitenRows } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { plainCoordinates, solveNormalEquations, WHITENED_LIMIT, whitenedCoordinates } from './coordinates.ts';
import { deriveEvidence, evaluateEvidence, evidenceProblem, locateEvidence } from './evidence.ts';
import { createFactor, emptyFactor } from './factor.ts';
import { stackFactors } from './precision.ts';
import type { FactorState, Hyperparameters, PerKind, Prior } from './regression.ts';

const REFERENCE: Hyperparameters = { alpha: 2, noise: { energy: 0.02, forces: 0.3, virial: 0.7 } };

/** Rows whose columns are correlated and fall off by `grading` powers of e. */
function factorOf(d: number, m: number, seed: number, grading = 0): FactorState {
  const stream = new RandomStream(seed, 'coordinates-test', m);
  const rows = new Float64Array(m * d);
  for (let i = 0; i < m; i++) {
    let walk = 0;
    for (let j = 0; j < d; j++) {
      walk = 0.9 * walk + stream.normal();
      rows[i * d + j] = walk * Math.exp((-grading * j) / d);
    }
  }
  const factor = createFactor(d);
  factor.append(
    rows,
    Float64Array.from({ length: m }, () => stream.normal()),
    m,
    1,
  );
  return factor.state();
}

function problemOf(d: number, grading = 0): { factors: PerKind<FactorState>; prior: Prior } {
  return {
    factors: {
      energy: factorOf(d, 5, 1, grading),
      forces: factorOf(d, 60, 2, grading),
      virial: factorOf(d, 12, 3, grading),
    },
    prior: {
      gamma: Float64Array.from({ length: d }, (_, j) => 1 + j),
      fixed: Float64Array.from({ length: d }, (_, j) => (j === d - 1 ? 0.5 : j === 0 ? 0 : Number.NaN)),
    },
  };
}

const moved = (steps: readonly number[]): Hyperparameters => ({
  alpha: REFERENCE.alpha * Math.exp(steps[0]!),
  noise: {
    energy: REFERENCE.noise.energy * Math.exp(steps[1]!),
    forces: REFERENCE.noise.forces * Math.exp(steps[2]!),
    virial: REFERENCE.noise.virial * Math.exp(steps[3]!),
  },
});

describe('whitened coordinates', () => {
  it('make the precision at the reference the identity', () => {
    const d = 9;
    const { factors, prior } = problemOf(d);
    const coordinates = whitenedCoordinates(factors, prior, REFERENCE);
    const { r, z } = stackFactors(factors, prior, REFERENCE);
    expect(coordinates.base).toEqual({ r, z });
    expect(solveNormalEquations(coordinates, REFERENCE)).toEqual({ r: null, z });
    // Summed by hand, it is the identity, too.
    const sum = coordinates.priorGram.map((value) => REFERENCE.alpha * value);
    for (const kind of ['energy', 'forces', 'virial'] as const) {
      const sigma = REFERENCE.noise[kind];
      coordinates.grams[kind]!.forEach((value, k) => {
        sum[k]! += value / (sigma * sigma);
      });
    }
    expect(coordinates.fixed).toHaveLength(d);
    for (let i = 0; i < d; i++)
      for (let j = 0; j < d; j++) sum[i * d + j]! += coordinates.fixed[i]! * coordinates.fixed[j]!;
    const identity = Float64Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0));
    expect(sum).toAgree(identity, { atol: 1e-12, why: 'condition of the columns' });
  });

  it('turn the precision anywhere into R₀⁻ᵀ P R₀⁻¹, with the same mean of the weights', () => {
    const d = 11;
    const { factors, prior } = problemOf(d);
    const coordinates = whitenedCoordinates(factors, prior, REFERENCE);
    const at = moved([2, -1, 0.5, -0.7]);
    const there = solveNormalEquations(coordinates, at)!;
    const direct = stackFactors(factors, prior, at);
    const turned = whitenRows(coordinates.base.r, d, direct.r, d);
    const expected = new Float64Array(d * d);
    for (let k = 0; k < d; k++)
      for (let i = 0; i < d; i++)
        for (let j = 0; j < d; j++) expected[i * d + j]! += turned[k * d + i]! * turned[k * d + j]!;
    expect(gramUpper(there.r!, d)).toAgree(expected, { rtol: 1e-10, atol: 1e-11, why: 'the same matrix' });
    const mean = solveUpper(coordinates.base.r, d, solveUpper(there.r!, d, there.z));
    expect(mean).toAgree(solveUpper(direct.r, d, direct.z), { atol: 1e-11, why: 'the same weights' });
  });

  it('are refused far from their reference, not before', () => {
    const { factors, prior } = problemOf(8);
    const coordinates = whitenedCoordinates(factors, prior, REFERENCE);
    // Within the bound of the condition nothing is refused.
    const within = 0.45 * Math.log(1 / WHITENED_LIMIT);
    expect(solveNormalEquations(coordinates, moved([within, 0, 0, 0]))).not.toBeNull();
    expect(solveNormalEquations(coordinates, moved([-within, 0, 0.2, 0]))).not.toBeNull();
    // Beyond it the condition itself decides, which is less where most directions move together.
    expect(solveNormalEquations(coordinates, moved([17, 0, 0, 0]))).not.toBeNull();
    expect(solveNormalEquations(coordinates, moved([40, 0, 0, 0]))).toBeNull();
    const few = { ...factors, forces: emptyFactor(8), virial: emptyFactor(8) };
    const flat: Prior = { gamma: new Float64Array(8).fill(1), fixed: new Float64Array(8).fill(Number.NaN) };
    const stiff = whitenedCoordinates(few, flat, REFERENCE);
    expect(solveNormalEquations(stiff, moved([-20, -20, 0, 0]))).toBeNull();
  });

  it('have no part for kinds without observations, whatever their noise', () => {
    const { factors, prior } = problemOf(6);
    const bare = { ...factors, energy: emptyFactor(6), virial: emptyFactor(6) };
    const nothing = { energy: Number.NaN, forces: 0.3, virial: Number.NaN };
    const coordinates = whitenedCoordinates(bare, prior, { alpha: 1, noise: nothing });
    expect([coordinates.grams.energy, coordinates.crosses.virial]).toEqual([null, null]);
    expect(solveNormalEquations(coordinates, { alpha: 1, noise: nothing })!.r).toBeNull();
    expect(solveNormalEquations(coordinates, { alpha: 3, noise: nothing })!.r).not.toBeNull();
    expect(plainCoordinates(bare, prior).factors.energy.count).toBe(0);
  });
});

describe('the evidence in whitened coordinates', () => {
  it('is that of orthogonal factorization, with its derivatives, wherever the coordinates are not refused', () => {
    const step = fc.double({ min: -4, max: 4, noNaN: true });
    fc.assert(
      fc.property(
        fc.tuple(step, step, step, step),
        fc.integer({ min: 3, max: 24 }),
        fc.constantFrom(0, 6),
        (steps, d, grading) => {
          const { factors, prior } = problemOf(d, grading);
          const problem = evidenceProblem(factors, prior);
          const at = moved(steps);
          const located = locateEvidence(problem, whitenedCoordinates(factors, prior, REFERENCE), at);
          if (located === null) return;
          const exact = evaluateEvidence(problem, at, true);
          const plain = deriveEvidence(problem, located);
          const second = deriveEvidence(problem, located, true);
          const DIGITS = { rtol: 1e-7, atol: 1e-6, why: 'a condition below 1e7 in the coordinates' };
          expect(located.logEvidence).toAgree(exact.logEvidence, { rtol: 1e-9, atol: 1e-8, why: DIGITS.why });
          expect(plain.hessian).toBeNull();
          expect(plain.gradient).toAgree(exact.gradient, DIGITS);
          expect(second.gradient).toAgree(exact.gradient, DIGITS);
          expect(second.hessian!).toAgree(exact.hessian!, DIGITS);
          expect(second.mean).toAgree(exact.mean, DIGITS);
          const counted = (e: typeof exact) => [e.priorDetermined, ...Object.values(e.determined)];
          expect(counted(second)).toAgree(counted(exact), DIGITS);
        },
      ),
      { numRuns: 40, seed: 3 },
    );
  });

  it('counts every weight once: what data and prior determine sums to their number', () => {
    const d = 14;
    const { factors, prior } = problemOf(d);
    const governed: Prior = { ...prior, fixed: new Float64Array(d).fill(Number.NaN) };
    const problem = evidenceProblem(factors, governed);
    const coordinates = whitenedCoordinates(factors, governed, REFERENCE);
    for (const steps of [
      [0, 0, 0, 0],
      [1, -0.5, 0.3, 2],
    ]) {
      const e = deriveEvidence(problem, locateEvidence(problem, coordinates, moved(steps))!, true);
      const sum = e.priorDetermined + e.determined.energy + e.determined.forces + e.determined.virial;
      expect(sum).toAgree(d, { rtol: 1e-10, why: 'the parts of the precision sum to the identity' });
    }
  });
});
