import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { cholesky } from '../numerics/cholesky.ts';
import { multiply } from '../numerics/dense.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { qrUpper } from '../numerics/qr.ts';
import { covarianceOf, invertUpper, whitenRows } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { logDetGain } from '../regression/posterior.ts';
import type { CandidatePool, CandidateRows, FeatureRows, Targets } from './acquisition.ts';
import { betterBargain } from './cost.ts';
import { selectIOptimal, selectStratified, selectTargetVariance } from './i-optimality.ts';
import { memoryPool, type PoolParts } from './pool.ts';
import { selectFromPool } from './select.ts';
import { gainDirections, meanVariances, posteriorWith, targetMatrix, VarianceSum } from './variance-reduction.ts';

interface Reference {
  readonly C: {
    readonly C7_target_variance: {
      readonly S: number[][];
      readonly a: number[];
      readonly sigma2: number;
      readonly var_before: number;
      readonly reductions: readonly { readonly phi: number[]; readonly delta: number; readonly bald: number }[];
    };
    readonly C8_cost_trap: {
      readonly items: readonly { readonly gain: number; readonly cost: number }[];
      readonly budget: number;
      readonly ratio_greedy_picks: number;
      readonly ratio_greedy_value: number;
      readonly best_value: number;
    };
  };
}
const { C7_target_variance: target, C8_cost_trap: trap } = golden<Reference>('reference-values').C;

const D = 5;

/** Structures of one energy, some force and two virial rows, and where they lie. */
function problem(seed: number, count: number, parts: PoolParts = {}): CandidatePool {
  const stream = new RandomStream(seed, 'i-optimal');
  const normal = (length: number, scale = 1): Float64Array =>
    Float64Array.from({ length }, () => scale * stream.normal());
  const rows = Array.from({ length: count }, (_, i): CandidateRows => {
    const forces = 3 + stream.integer(6);
    const scale = i % 3 === 0 ? 3 : 0.7;
    return {
      id: `c${String(i).padStart(3, '0')}`,
      rows: normal((1 + forces + 2) * D, scale),
      count: 1 + forces + 2,
      kinds: { energy: 1, forces, virial: 2 },
    };
  });
  const descriptors: FeatureRows = { rows: normal(count * 2), count, columns: 2 };
  for (let i = 0; i < count; i++) for (const v of [0, 1]) descriptors.rows[2 * i + v]! += 8 * (i % 3);
  const atoms = rows.map(({ kinds }) => Math.ceil(kinds!.forces / 3));
  const labelled = { rows: Float64Array.of(0, 0, 8, 8, 8, 9), count: 3, columns: 2 };
  return memoryPool({ r: qrUpper(normal(3 * D * D, 0.4), 3 * D, D), labelled }, rows, { descriptors, atoms, ...parts });
}

/** Mean force and energy variance of some candidates with the covariance of all weights in hand. */
function variancesByCovariance(pool: CandidatePool, members: readonly number[], r: Float64Array): [number, number] {
  const s = covarianceOf(r, D);
  const quadratic = (rows: Float64Array, count: number): number => {
    const xs = multiply(rows, s, count, D, D);
    return xs.reduce((sum, value, k) => sum + value * rows[k]!, 0);
  };
  let [forces, energy] = [0, 0];
  for (const index of members) {
    const { atoms } = pool.candidates[index]!;
    const f = pool.rows(index, 'forces');
    const e = pool.rows(index, 'energy');
    forces += quadratic(f.rows, f.count) / (3 * atoms * members.length);
    energy += quadratic(e.rows, e.count) / (atoms * members.length);
  }
  return [forces, energy];
}

/** The best next pick and its share, by refitting for every candidate. */
function bestByRefit(
  pool: CandidatePool,
  members: readonly number[],
  left: readonly number[],
  r: Float64Array,
  first: readonly [number, number],
): { index: number; gain: number } {
  const now = variancesByCovariance(pool, members, r);
  let best = { index: -1, gain: -1 };
  for (const index of left) {
    const after = variancesByCovariance(pool, members, posteriorWith(r, D, pool.rows(index)));
    const gain = 0.5 * ((now[0] - after[0]) / first[0] + (now[1] - after[1]) / first[1]);
    if (gain > best.gain) best = { index, gain };
  }
  return best;
}

describe('the fall of a sum of variances', () => {
  const r = invertUpper(cholesky(invert3(target.S), 3), 3);
  // S⁻¹ = RᵀR: R from the Cholesky factor of the inverse of S.
  const precision = cholesky(invert3(target.S), 3);

  it('is that of the reference for one target', () => {
    expect(r.length).toBe(9);
    const matrix = targetMatrix({ rows: Float64Array.from(target.a), count: 1 }, 3);
    const sum = new VarianceSum(matrix, precision, 3);
    expect(sum.total()).toAgree(target.var_before, { rtol: 1e-10, why: 'the reference values, 3 × 3' });
    for (const { phi, delta, bald } of target.reductions) {
      const row = Float64Array.from(phi, (value) => value / Math.sqrt(target.sigma2));
      const v = gainDirections(whitenRows(precision, 3, row, 1), 1, 3, plainKernels);
      expect(sum.reduction(v, 1)).toAgree(delta, { rtol: 1e-10, why: 'the reference values, 3 × 3' });
      expect(logDetGain(precision, 3, row, 1)).toAgree(bald, { rtol: 1e-10, why: 'the reference values, 3 × 3' });
    }
  });

  it('chooses for the target what information gain passes over', () => {
    const rows = target.reductions.map(({ phi }, i) => ({
      id: String(i),
      rows: Float64Array.from(phi, (value) => value / Math.sqrt(target.sigma2)),
      count: 1,
    }));
    const pool = memoryPool({ r: precision, labelled: null }, rows);
    const targets: Targets = { rows: Float64Array.from(target.a), count: 1 };
    const { selected } = selectFromPool('target-variance', pool, 1, { targets });
    expect(selected[0]!.index).toBe(1);
    expect(selected[0]!.gain).toAgree(target.reductions[1]!.delta / target.var_before, { rtol: 1e-10, why: 'a share' });
    expect(selected[0]!.reason).toBe('lowers the variance of the target by 73.9 % of what it was');
    expect(selectFromPool('bald', pool, 1).selected[0]!.index).toBe(3);
    expect(() => selectFromPool('target-variance', pool, 1)).toThrow('targets must be at least one');
    const broken = { rows: Float64Array.of(1, Number.NaN, 0), count: 1 };
    expect(() => selectFromPool('target-variance', pool, 1, { targets: broken })).toThrow(
      'targets must be 1 × 3 finite',
    );
  });

  it('weighs several targets as the user says', () => {
    const pool = problem(4, 9);
    const rows = Float64Array.from({ length: 2 * D }, (_, k) => (k === 0 || k === D + 1 ? 1 : 0));
    const only = (weights: number[]) =>
      selectTargetVariance(pool, 1, { targets: { rows, count: 2, weights: Float64Array.from(weights) } }).selected[0]!;
    const s = (r0: Float64Array) => covarianceOf(r0, D);
    for (const weights of [
      [1, 0],
      [0, 1],
      [2, 3],
    ]) {
      const sum = (r0: Float64Array) => weights[0]! * s(r0)[0]! + weights[1]! * s(r0)[D + 1]!;
      const before = sum(pool.learner.r);
      const falls = pool.candidates.map(
        (_, i) => (before - sum(posteriorWith(pool.learner.r, D, pool.rows(i)))) / before,
      );
      const { index, gain } = only(weights);
      expect(gain).toAgree(Math.max(...falls), { rtol: 1e-10, why: 'the covariance before and after' });
      expect(falls[index]).toAgree(gain, { rtol: 1e-10, why: 'the covariance before and after' });
    }
  });
});

/** Inverse of a symmetric 3 × 3 matrix. */
function invert3(rows: readonly (readonly number[])[]): Float64Array {
  return covarianceOf(cholesky(Float64Array.from(rows.flat()), 3), 3);
}

describe('i-optimality', () => {
  it('picks what refitting with every candidate finds best', () => {
    for (let seed = 0; seed < 8; seed++) {
      const pool = problem(seed, 12);
      const all = [...pool.candidates.keys()];
      const { selected } = selectIOptimal(pool, 4);
      let { r } = pool.learner;
      const first = variancesByCovariance(pool, all, r);
      const left = new Set(all);
      for (const pick of selected) {
        const best = bestByRefit(pool, all, [...left], r, first);
        expect(pick.index).toBe(best.index);
        expect(pick.gain).toAgree(best.gain, { rtol: 1e-9, why: 'the covariance before and after' });
        left.delete(pick.index);
        r = posteriorWith(r, D, pool.rows(pick.index));
      }
      const total = selected.reduce((sum, { gain }) => sum + gain, 0);
      const after = variancesByCovariance(pool, all, r);
      expect(1 - total).toAgree(0.5 * (after[0] / first[0] + after[1] / first[1]), { rtol: 1e-9, why: 'what is left' });
    }
  });

  it('sums mean variances of any number of rows', () => {
    const pool = problem(2, 120);
    const members = [...pool.candidates.keys()];
    const { forces, energy } = meanVariances(pool, members, D);
    const [f, e] = variancesByCovariance(pool, members, pool.learner.r);
    expect(new VarianceSum(forces, pool.learner.r, D).total()).toAgree(f, {
      rtol: 1e-11,
      why: 'the same sum in blocks',
    });
    expect(new VarianceSum(energy, pool.learner.r, D).total()).toAgree(e, {
      rtol: 1e-11,
      why: 'the same sum in blocks',
    });
  });

  it('finds the best of a large pool as of a small one, and works on kernels that count their calls', () => {
    const large = problem(6, 320);
    const { selected } = selectIOptimal(large, 2);
    const all = [...large.candidates.keys()];
    const first = variancesByCovariance(large, all, large.learner.r);
    expect(selected[0]!.index).toBe(bestByRefit(large, all, all, large.learner.r, first).index);
    let products = 0;
    const kernels = {
      ...plainKernels,
      multiply: (...args: Parameters<typeof plainKernels.multiply>) => {
        products++;
        return plainKernels.multiply(...args);
      },
    };
    expect(selectIOptimal(large, 2, { kernels }).selected).toEqual(selected);
    // Two sums of variances for each candidate at first, no more than that afterwards.
    expect(products).toBeGreaterThanOrEqual(2 * 320);
    expect(products).toBeLessThan(2 * 2 * 320);
  });
});

describe('stratified i-optimality', () => {
  it('fills the quota of every stratum with the best of its own', () => {
    const pool = problem(1, 30, { groups: Array.from({ length: 30 }, (_, i) => (i < 20 ? 'bulk' : 'surface')) });
    const { selected } = selectStratified(pool, 5);
    const bulk = selected.filter(({ index }) => index < 20);
    // Roots 4.5 and 3.2 of 5 labels: 2.9 and 2.1.
    expect([bulk.length, selected.length]).toEqual([3, 5]);
    expect(selected[0]!.reason).toMatch(
      /^bulk \(20 in the pool, 0 labelled\): lowers its mean variance of forces by [\d.]+ % and of energies by [\d.]+ %$/,
    );
    expect(selected[1]!.reason).toMatch(/, given the 1 chosen before$/);
    const members = [...Array(20).keys()];
    const first = variancesByCovariance(pool, members, pool.learner.r);
    expect(selected[0]!.index).toBe(bestByRefit(pool, members, members, pool.learner.r, first).index);
    // The posterior has moved with the picks from the other stratum.
    const others = [...Array(10).keys()].map((i) => 20 + i);
    let { r } = pool.learner;
    for (const { index } of bulk) r = posteriorWith(r, D, pool.rows(index));
    const then = variancesByCovariance(pool, others, r);
    expect(selected[3]!.index).toBe(bestByRefit(pool, others, others, r, then).index);
  });

  it('finds the strata by itself and spreads over them', () => {
    const pool = problem(3, 24);
    const { selected } = selectFromPool('stratified-i-optimal', pool, 6, { clusters: 3 });
    // Three clumps of eight, of which the second has two labels, the first one, the third none.
    const counts = [0, 1, 2].map((clump) => selected.filter(({ index }) => index % 3 === clump).length);
    expect(counts).toEqual([2, 1, 3]);
    expect(new Set(selected.map(({ index }) => index)).size).toBe(6);
    expect(selectFromPool('stratified-i-optimal', pool, 99).selected).toHaveLength(24);
  });
});

describe('the better of two bargains', () => {
  it('falls into the trap of the reference neither way', () => {
    const { items, budget } = trap;
    const rows = items.map(({ gain }, i) => ({
      id: String(i),
      rows: Float64Array.of(...[0, 1].map((v) => (v === i ? Math.sqrt(Math.expm1(2 * gain)) : 0))),
      count: 1,
    }));
    const pool = memoryPool({ r: Float64Array.of(1, 0, 0, 1), labelled: null }, rows, {
      costs: items.map(({ cost }) => cost),
    });
    const byRatio = (costPower: number) =>
      selectFromPool('d-optimality', pool, 2, { costAware: costPower > 0, budget, minShare: 0 });
    expect(byRatio(1).selected.map(({ index }) => index)).toEqual([0]);
    // Gain per cost itself takes the cheap one, and then there is no money left for the other.
    const greedy = (power: number) => {
      let money = budget;
      const picks: { id: string; index: number; gain: number; reason: string }[] = [];
      const order = [...items.keys()].sort(
        (a, b) => items[b]!.gain / items[b]!.cost ** power - items[a]!.gain / items[a]!.cost ** power,
      );
      for (const index of order) {
        if (items[index]!.cost > money) continue;
        money -= items[index]!.cost;
        picks.push({ id: String(index), index, gain: items[index]!.gain, reason: '' });
      }
      return { selected: picks, certificate: null };
    };
    expect(greedy(1).selected.map(({ index }) => index)).toEqual([trap.ratio_greedy_picks]);
    expect(greedy(1).selected[0]!.gain).toBe(trap.ratio_greedy_value);
    const better = betterBargain(pool, { costAware: true, budget }, greedy, 1);
    expect(better.selected[0]!.gain).toBe(trap.best_value);
  });

  it('takes cheap structures that teach as much, and stays within the budget', () => {
    const costs = Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 100 : 1));
    const pool = problem(7, 16, { costs });
    for (const strategy of ['i-optimal', 'd-optimality', 'stratified-i-optimal'] as const) {
      const spent = (context: object) =>
        selectFromPool(strategy, pool, 4, { minShare: 0, ...context }).selected.reduce(
          (sum, { index }) => sum + costs[index]!,
          0,
        );
      expect(spent({ costAware: true })).toBeLessThan(spent({}));
      expect(spent({ budget: 102 })).toBeLessThanOrEqual(102);
      expect(spent({ budget: 102 })).toBeGreaterThan(0);
      expect(spent({ budget: 102, costAware: true })).toBeLessThanOrEqual(102);
    }
    expect(() => problem(7, 3, { costs: [1, 0, 1] })).toThrow('cost of candidate c001 must be positive, got 0');
  });
});
