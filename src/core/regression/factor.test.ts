import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { dot, gram, squaredNorm, transposedMatVec } from '../numerics/dense.ts';
import { gramUpper } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import {
  columnScales,
  createFactor,
  crossOf,
  emptyFactor,
  mergeFactors,
  mergeTwoFactors,
  squaredResidual,
} from './factor.ts';
import { isotropicPrior, priorPrecision, smoothnessPrior } from './prior.ts';
import type { FactorState } from './regression.ts';

const D = 13;
const ROUNDING = { rtol: 1e-12, atol: 1e-11, why: 'orthogonal transformations of some hundred rows of order 1' };

function random(m: number, seed = 0): { rows: Float64Array; targets: Float64Array } {
  const stream = new RandomStream(seed, 'factor-test', m);
  return {
    rows: Float64Array.from({ length: m * D }, () => stream.normal()),
    targets: Float64Array.from({ length: m }, () => stream.normal()),
  };
}

function factorOf(m: number, seed = 0, logScale = 0): FactorState {
  const { rows, targets } = random(m, seed);
  const factor = createFactor(D);
  factor.append(rows, targets, m, logScale);
  return factor.state();
}

describe('createFactor', () => {
  it('knows XᵀX, Xᵀy, the misfit of any weights and the counts', () => {
    for (const m of [1, 5, 13, 100, 700]) {
      const { rows, targets } = random(m);
      const state = factorOf(m, 0, 1.5);
      expect(gramUpper(state.r, D)).toAgree(gram(rows, m, D), ROUNDING);
      expect(crossOf(state)).toAgree(transposedMatVec(rows, targets, m, D), ROUNDING);
      const w = Float64Array.from({ length: D }, (_, j) => Math.sin(j));
      let misfit = 0;
      for (let i = 0; i < m; i++)
        misfit += (targets[i]! - dot(rows, w, D, i * D, 0)) * (targets[i]! - dot(rows, w, D, i * D, 0));
      expect(squaredResidual(state, w)).toAgree(misfit, ROUNDING);
      expect(squaredNorm(state.z) + state.residual).toAgree(squaredNorm(targets), ROUNDING);
      expect([state.count, state.logScale]).toEqual([m, 1.5]);
    }
  });

  it('gives the same bits however the rows are cut into appends, and reading the state changes nothing', () => {
    const { rows, targets } = random(1300);
    const whole = factorOf(1300);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 6 }), (cuts) => {
        const factor = createFactor(D);
        let first = 0;
        for (const cut of [...cuts, 1300]) {
          const m = Math.min(cut, 1300 - first);
          factor.append(rows.subarray(first * D), targets.subarray(first), m);
          first += m;
          factor.state();
        }
        expect(factor.state()).toEqual(whole);
      }),
      { numRuns: 8, seed: 1 },
    );
  });

  it('is left intact by rows that are refused', () => {
    const factor = createFactor(D);
    const { rows, targets } = random(20);
    factor.append(rows, targets, 20);
    const before = factor.state();
    const bad = rows.slice();
    bad[30] = Number.NaN;
    expect(() => factor.append(bad, targets, 20)).toThrow('rows and targets must be finite');
    expect(() => factor.append(rows, targets.slice(1), 20)).toThrow('20 rows of 13 columns must come with 20 targets');
    expect(() => factor.merge(emptyFactor(2))).toThrow('must have 13 columns, got 2');
    expect(factor.state()).toEqual(before);
    expect(() => createFactor(0)).toThrow(InputError);
  });

  it('merges a factor between appends', () => {
    const factor = createFactor(D);
    const [a, b] = [random(30, 1), random(40, 3)];
    factor.append(a.rows, a.targets, 30, 1);
    factor.merge(factorOf(25, 2, 2));
    factor.append(b.rows, b.targets, 40, 3);
    const merged = mergeFactors([factorOf(30, 1, 1), factorOf(25, 2, 2), factorOf(40, 3, 3)]);
    const state = factor.state();
    expect(state.r).toAgree(merged.r, ROUNDING);
    expect(state.z).toAgree(merged.z, ROUNDING);
    expect(state.residual).toAgree(merged.residual, ROUNDING);
    expect([state.count, state.logScale]).toEqual([95, 6]);
  });
});

describe('mergeFactors', () => {
  it('agrees for every number of parts with all rows at once', () => {
    const { rows, targets } = random(210);
    const whole = factorOf(210);
    for (const parts of [1, 2, 3, 7]) {
      const size = 210 / parts;
      const states = Array.from({ length: parts }, (_, p) => {
        const factor = createFactor(D);
        factor.append(rows.slice(p * size * D), targets.slice(p * size), size);
        return factor.state();
      });
      const merged = mergeFactors(states);
      expect(merged.r).toAgree(whole.r, ROUNDING);
      expect(merged.z).toAgree(whole.z, ROUNDING);
      expect(merged.residual).toAgree(whole.residual, ROUNDING);
      expect(mergeFactors(states)).toEqual(merged);
    }
  });

  it('takes the empty factor as its unit and refuses nothing and other columns', () => {
    const state = factorOf(40);
    expect(mergeTwoFactors(state, emptyFactor(D))).toEqual(state);
    expect(mergeTwoFactors(emptyFactor(D), state).r).toAgree(state.r, ROUNDING);
    expect(() => mergeFactors([])).toThrow('must be at least one');
    expect(() => mergeFactors([state, emptyFactor(3)])).toThrow(InputError);
  });
});

describe('priors', () => {
  it('scale the stiffness by the root mean square of each column', () => {
    const state = factorOf(300);
    const { rows } = random(300);
    const scales = columnScales(state);
    for (let j = 0; j < D; j++) {
      let sum = 0;
      for (let i = 0; i < 300; i++) sum += rows[i * D + j]! * rows[i * D + j]!;
      expect(scales[j]).toAgree(Math.sqrt(sum / 300), ROUNDING);
    }
    expect(columnScales(emptyFactor(2))).toEqual(new Float64Array(2));
    const prior = smoothnessPrior([2, 3], [4, 10], [0.01, 0]);
    expect(prior.gamma.slice(0, 2)).toAgree([2, 7.5], { rtol: 1e-15, why: 'scale · smoothness / 4' });
    expect(prior.fixed).toEqual(Float64Array.of(Number.NaN, Number.NaN, 0.01, 0));
    expect(priorPrecision(prior, 3)).toAgree([12, 168.75, 0.01, 0], { rtol: 1e-15, why: 'α Γ² or fixed' });
    expect(isotropicPrior([2, 3]).gamma).toEqual(Float64Array.of(2, 3));
  });

  it('give columns that were never excited the median scale', () => {
    expect(isotropicPrior([1, 0, 3, 0]).gamma).toEqual(Float64Array.of(1, 2, 3, 2));
    expect(isotropicPrior([0]).gamma).toEqual(Float64Array.of(1));
  });

  it('refuse numbers that are no prior', () => {
    expect(() => isotropicPrior([-1])).toThrow('column scale must be finite and at least 0, got -1');
    expect(() => smoothnessPrior([1], [0])).toThrow('smoothness weight must be finite and positive');
    expect(() => smoothnessPrior([1], [1, 1])).toThrow('as many as columns (1), got 2');
    expect(() => isotropicPrior([1], [-1])).toThrow('fixed precision must be');
    expect(() => priorPrecision(isotropicPrior([1]), Number.NaN)).toThrow('prior precision alpha');
  });
});
