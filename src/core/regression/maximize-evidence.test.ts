import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { evaluateEvidence, evidenceProblem } from './evidence.ts';
import { createFactor } from './factor.ts';
import { ACCEPTED_GAIN, type Balance, maximizeEvidence, NOISE_FLOORS } from './maximize-evidence.ts';
import { isotropicPrior } from './prior.ts';
import type { FactorState, PerKind, Prior } from './regression.ts';

interface Shape {
  readonly seed: number;
  readonly d: number;
  readonly counts: readonly [number, number, number];
  /** ln of the ratio of the largest to the smallest column. */
  readonly grading: number;
  readonly noise: number;
  /** Factor on all targets. */
  readonly unit?: number;
}

/** Correlated, graded columns and a target that they explain but for noise and a kink. */
function problem({ seed, d, counts, grading, noise, unit = 1 }: Shape): PerKind<FactorState> {
  const stream = new RandomStream(seed, 'maximize-evidence-test');
  const truth = Float64Array.from({ length: d }, () => stream.normal());
  const states = counts.map((m) => {
    const factor = createFactor(d);
    const rows = new Float64Array(m * d);
    const targets = new Float64Array(m);
    for (let i = 0; i < m; i++) {
      let walk = 0;
      for (let j = 0; j < d; j++) {
        walk = 0.8 * walk + stream.normal();
        rows[i * d + j] = walk * Math.exp((-grading * j) / d);
        targets[i]! += rows[i * d + j]! * truth[j]!;
      }
      targets[i] = unit * (targets[i]! + noise * stream.normal() + 0.05 * Math.abs(targets[i]!));
    }
    factor.append(rows, targets, m, 0);
    return factor.state();
  });
  return { energy: states[0]!, forces: states[1]!, virial: states[2]! };
}

const unitPrior = (d: number) => isotropicPrior(new Float64Array(d).fill(1));
const FREE: Balance = { mode: 'evidence' };
const TIED: Balance = { mode: 'fixed', energyToForce: 0.05 };

const shapes = fc.record({
  seed: fc.integer({ min: 0, max: 1000 }),
  d: fc.integer({ min: 1, max: 30 }),
  counts: fc.tuple(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 1, max: 80 }), fc.integer({ min: 0, max: 20 })),
  grading: fc.integer({ min: 0, max: 20 }),
  noise: fc.constantFrom(0, 0.01, 0.3),
});

describe('maximizeEvidence', () => {
  it('ends in an accepted optimum for few and many rows, graded columns and absent kinds', () => {
    fc.assert(
      fc.property(shapes, fc.constantFrom(FREE, TIED), (shape, balance) => {
        const factors = problem(shape);
        const optimum = maximizeEvidence(factors, unitPrior(shape.d), { balance });
        const { alpha, noise } = optimum.hyperparameters;
        expect(optimum.converged).toBe(true);
        expect(Number.isFinite(optimum.logEvidence)).toBe(true);
        expect(alpha).toBeGreaterThan(0);
        for (const kind of ['energy', 'forces', 'virial'] as const) {
          if (factors[kind].count > 0) expect(noise[kind]).toBeGreaterThanOrEqual(NOISE_FLOORS[kind] * (1 - 1e-12));
        }
        expect(optimum.starts).toHaveLength(2);
        expect(optimum.logEvidence).toBe(Math.max(...optimum.starts.map((search) => search.logEvidence)));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('is not beaten nearby', () => {
    const shape = { seed: 5, d: 12, counts: [8, 120, 18] as const, grading: 6, noise: 0.2 };
    const factors = problem(shape);
    const { hyperparameters: best, logEvidence } = maximizeEvidence(factors, unitPrior(12), { balance: FREE });
    const stream = new RandomStream(2, 'maximize-evidence-test');
    const evidence = evidenceProblem(factors, unitPrior(12));
    const near = () => Math.exp(0.2 * stream.normal());
    for (let k = 0; k < 30; k++) {
      const noise = {
        energy: best.noise.energy * near(),
        forces: best.noise.forces * near(),
        virial: best.noise.virial * near(),
      };
      const value = evaluateEvidence(evidence, { alpha: best.alpha * near(), noise }).logEvidence;
      expect(value).toBeLessThanOrEqual(logEvidence + ACCEPTED_GAIN);
    }
  });

  it('follows the unit of the targets: σ scales, α scales back, ln Z shifts by N ln of the unit', () => {
    const shape = { seed: 7, d: 6, counts: [12, 60, 12] as const, grading: 3, noise: 0.3 };
    const one = maximizeEvidence(problem(shape), unitPrior(6), { balance: FREE });
    const eight = maximizeEvidence(problem({ ...shape, unit: 8 }), unitPrior(6), { balance: FREE });
    const why = 'same optimum in other units';
    expect(eight.hyperparameters.alpha * 64).toAgree(one.hyperparameters.alpha, { rtol: 1e-4, why });
    for (const kind of ['energy', 'forces', 'virial'] as const) {
      expect(eight.hyperparameters.noise[kind] / 8).toAgree(one.hyperparameters.noise[kind], { rtol: 1e-4, why });
    }
    expect(eight.logEvidence).toAgree(one.logEvidence - 84 * Math.log(8), { atol: 1e-6, why });
  });

  it('needs fewer iterations from the last optimum and gives the same', () => {
    const factors = problem({ seed: 9, d: 20, counts: [20, 300, 60], grading: 8, noise: 0.1 });
    const cold = maximizeEvidence(factors, unitPrior(20));
    const warm = maximizeEvidence(factors, unitPrior(20), { start: cold.hyperparameters });
    expect(warm.starts[0]!.iterations).toBeLessThanOrEqual(cold.starts[0]!.iterations);
    expect(warm.logEvidence).toAgree(cold.logEvidence, { atol: ACCEPTED_GAIN, why: 'accepted gain' });
  });

  it('holds α when no column is governed by it', () => {
    const factors = problem({ seed: 3, d: 3, counts: [0, 40, 0], grading: 0, noise: 0.1 });
    const fixed: Prior = { gamma: new Float64Array(3).fill(1), fixed: new Float64Array(3).fill(0.01) };
    const optimum = maximizeEvidence(factors, fixed, {
      start: { alpha: 7, noise: { energy: 1, forces: 1, virial: 1 } },
    });
    expect(optimum.hyperparameters.alpha).toAgree(7, { rtol: 1e-12, why: 'not a variable' });
    expect(optimum.evidence.governed).toBe(0);
    expect(optimum.converged).toBe(true);
  });

  it('lets an offset column earn its place by the evidence', () => {
    const d = 3;
    const shifted = (offset: number, withColumn: boolean) => {
      const stream = new RandomStream(12, 'maximize-evidence-test');
      const width = withColumn ? d + 1 : d;
      const factor = createFactor(width);
      const rows = new Float64Array(200 * width);
      const targets = new Float64Array(200);
      for (let i = 0; i < 200; i++) {
        for (let j = 0; j < d; j++) rows[i * width + j] = stream.normal();
        if (withColumn) rows[i * width + d] = 1;
        targets[i] = rows[i * width]! - rows[i * width + 2]! + 0.1 * stream.normal() + offset;
      }
      factor.append(rows, targets, 200);
      const empty = createFactor(width).state();
      return maximizeEvidence(
        { energy: empty, forces: empty, virial: factor.state() },
        isotropicPrior([1, 1, 1], withColumn ? [1] : []),
      );
    };
    const gain = (offset: number) => shifted(offset, true).logEvidence - shifted(offset, false).logEvidence;
    expect(gain(0.5)).toBeGreaterThan(100);
    expect(gain(0)).toBeLessThan(0);
    expect(shifted(0.5, true).evidence.mean[3]).toAgree(0.5, {
      atol: 0.03,
      why: 'four standard errors of a mean of 200',
    });
  });

  it('refuses options that mean nothing', () => {
    const factors = problem({ seed: 1, d: 2, counts: [2, 10, 0], grading: 0, noise: 0.1 });
    expect(() => maximizeEvidence(factors, unitPrior(2), { balance: { mode: 'fixed', energyToForce: 0 } })).toThrow(
      'ratio of energy to force noise must be positive',
    );
    expect(() => maximizeEvidence(factors, unitPrior(2), { floors: { energy: 1, forces: -1, virial: 1 } })).toThrow(
      'noise floor of forces must be positive',
    );
    expect(() => maximizeEvidence(factors, unitPrior(3))).toThrow('must have the 3 columns');
  });
});
