import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multiply, transpose } from '../numerics/dense.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { qrUpper } from '../numerics/qr.ts';
import { invertUpper, whitenRows } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { memoryPool } from './pool.ts';
import {
  energyShare,
  gainDirections,
  meanVariances,
  posteriorWith,
  targetMatrix,
  totalVariance,
  VarianceSum,
} from './variance-reduction.ts';

interface Problem {
  readonly d: number;
  readonly r: Float64Array;
  readonly m: Float64Array;
  readonly rows: (count: number, scale?: number) => { rows: Float64Array; count: number };
}

function problem(seed: number, d: number): Problem {
  const stream = new RandomStream(seed, 'variance reduction');
  const normal = (length: number, scale = 1): Float64Array =>
    Float64Array.from({ length }, () => scale * stream.normal());
  const r = qrUpper(normal(2 * d * d), 2 * d, d);
  const m = targetMatrix({ rows: normal(3 * d), count: 3 }, d);
  return { d, r, m, rows: (count, scale = 2) => ({ rows: normal(count * d, scale), count }) };
}

/** What labels of some rows take off a sum of variances. */
function fallOf({ d, m }: Problem, r: Float64Array, { rows, count }: { rows: Float64Array; count: number }): number {
  const v = gainDirections(whitenRows(r, d, rows, count), count, d, plainKernels);
  return new VarianceSum(m, r, d).reduction(v, count);
}

const size = fc.integer({ min: 1, max: 6 });
const seeds = fc.integer({ min: 0, max: 500 });

describe('VarianceSum', () => {
  it('falls step by step by as much as at once, and never below 0', () => {
    fc.assert(
      fc.property(seeds, size, size, size, (seed, d, a, b) => {
        const one = problem(seed, d);
        const [first, second] = [one.rows(a), one.rows(b)];
        const both = { rows: Float64Array.from([...first.rows, ...second.rows]), count: a + b };
        const before = new VarianceSum(one.m, one.r, d).total();
        const then = posteriorWith(one.r, d, first);
        const stepwise = fallOf(one, one.r, first) + fallOf(one, then, second);
        expect(fallOf(one, one.r, both)).toAgree(stepwise, { rtol: 1e-9, atol: 1e-12 * before, why: 'one posterior' });
        expect(stepwise).toBeGreaterThanOrEqual(0);
        expect(stepwise).toBeLessThanOrEqual(before * (1 + 1e-12));
        const after = new VarianceSum(one.m, posteriorWith(one.r, d, both), d).total();
        expect(before - stepwise).toAgree(after, { rtol: 1e-8, atol: 1e-11 * before, why: 'tr(S M) with the new S' });
      }),
    );
  });

  it('follows a posterior as if it were made anew', () => {
    const one = problem(3, 5);
    const sum = new VarianceSum(one.m, one.r, 5);
    const next = posteriorWith(one.r, 5, one.rows(4));
    sum.follow(next);
    expect(sum.total()).toBe(new VarianceSum(one.m, next, 5).total());
    expect(sum.reduction(new Float64Array(0), 0)).toBe(0);
  });

  it('does not depend on the coordinates of the weights', () => {
    // w = B w': rows and targets turn into x B, the factor into that of BᵀP B.
    const one = problem(4, 4);
    const b = qrUpper(one.rows(8).rows, 8, 4);
    const turn = (rows: Float64Array, count: number): Float64Array => multiply(rows, b, count, 4, 4);
    const targets = one.rows(2);
    const labels = one.rows(3);
    const plain: Problem = { ...one, m: targetMatrix(targets, 4) };
    const turned: Problem = { ...one, m: targetMatrix({ rows: turn(targets.rows, 2), count: 2 }, 4) };
    const r = qrUpper(turn(one.r, 4), 4, 4);
    expect(fallOf(turned, r, { rows: turn(labels.rows, 3), count: 3 })).toAgree(fallOf(plain, one.r, labels), {
      rtol: 1e-9,
      why: 'variances of predictions have no coordinates',
    });
  });

  it('is all gone where labels are exact in every direction', () => {
    const one = problem(5, 4);
    const exact = { rows: Float64Array.from({ length: 16 }, (_, at) => (at % 5 === 0 ? 1e6 : 0)), count: 4 };
    const before = new VarianceSum(one.m, one.r, 4).total();
    expect(fallOf(one, one.r, exact)).toAgree(before, {
      rtol: 1e-8,
      why: 'noise a million times smaller than the prior',
    });
  });

  it('grows in proportion to weights', () => {
    const one = problem(6, 3);
    const targets = one.rows(2);
    const weighted = targetMatrix({ ...targets, weights: Float64Array.of(4, 9) }, 3);
    const scaled = Float64Array.from(targets.rows, (x, at) => x * (at < 3 ? 2 : 3));
    expect(weighted).toAgree(targetMatrix({ rows: scaled, count: 2 }, 3), { rtol: 1e-12, atol: 1e-12, why: 'w aᵀa' });
  });
});

describe('gainDirections', () => {
  it('shrink the covariance of whitened weights by V Vᵀ', () => {
    const one = problem(7, 4);
    const { rows, count } = one.rows(3);
    const v = gainDirections(whitenRows(one.r, 4, rows, count), count, 4, plainKernels);
    const shrunk = multiply(v, transpose(v, 4, count), 4, count, 4);
    // S' in whitened coordinates: R S' Rᵀ = 1 − V Vᵀ.
    const inverse = invertUpper(posteriorWith(one.r, 4, { rows, count }), 4);
    const half = multiply(one.r, inverse, 4, 4, 4);
    const after = multiply(half, transpose(half, 4, 4), 4, 4, 4);
    const expected = Float64Array.from(after, (value, at) => (at % 5 === 0 ? 1 : 0) - value);
    expect(shrunk).toAgree(expected, { rtol: 1e-9, atol: 1e-12, why: 'the same posterior by two ways' });
  });
});

describe('mean variances', () => {
  const one = problem(8, 3);
  const kinds = { energy: 1, forces: 6, virial: 0 };
  const candidates = [0, 1].map((k) => ({ id: `c${k}`, ...one.rows(7), kinds }));

  it('are those of force components and of energies per atom', () => {
    for (const energyNoise of ['sqrt', 'atom'] as const) {
      const pool = memoryPool({ r: one.r, labelled: null, energyNoise }, candidates, { atoms: [2, 4] });
      const { forces, energy } = meanVariances(pool, [0, 1], 3);
      const parts = [0, 1].map((i) => totalVariance(one.r, 3, pool.rows(i, 'forces'), plainKernels));
      // Six rows of two atoms, and six of four atoms whose other components are fixed by symmetry.
      expect(new VarianceSum(forces, one.r, 3).total()).toAgree((parts[0]! / 6 + parts[1]! / 12) / 2, {
        rtol: 1e-10,
        why: 'a mean over 3N components',
      });
      const energies = [0, 1].map((i) => totalVariance(one.r, 3, pool.rows(i, 'energy'), plainKernels));
      const shares = energyNoise === 'atom' ? [1, 1] : [2, 4];
      expect([energyShare(pool, 2), energyShare(pool, 4)]).toEqual(shares);
      expect(new VarianceSum(energy, one.r, 3).total()).toAgree(
        (energies[0]! / shares[0]! + energies[1]! / shares[1]!) / 2,
        {
          rtol: 1e-10,
          why: 'the noise of an energy grows by √N or N',
        },
      );
    }
    expect(totalVariance(one.r, 3, { rows: new Float64Array(0), count: 0 }, plainKernels)).toBe(0);
  });
});
