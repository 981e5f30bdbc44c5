import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { covarianceOf } from '../numerics/triangular.ts';
import { qrUpper } from '../numerics/qr.ts';
import { chiSquareQuantile } from '../numerics/special.ts';
import { RandomStream } from '../random.ts';
import { logDetGain } from '../regression/posterior.ts';
import type { CandidatePool, CandidateRows, CommitteeOutputs, FeatureRows, SelectionContext } from './acquisition.ts';
import { logDetKernel } from './coverage.ts';
import { qualityKernel } from './determinantal-batch.ts';
import { mixtureInformation } from './mixture-information.ts';
import { inPool, memoryPool, type PoolParts, subPool } from './pool.ts';
import { selectFromPool } from './select.ts';
import { RUN_STRATEGIES, STRATEGIES, STRATEGY_TABLE, strategyOf } from './strategies.ts';
import { relativeUncertainties } from './uncertainty-clusters.ts';

const D = 4;
const Q = 3;

interface Made {
  readonly rows: CandidateRows[];
  readonly r: Float64Array;
  readonly parts: Required<Pick<PoolParts, 'atoms' | 'descriptors' | 'committee' | 'costs'>>;
  readonly labelled: FeatureRows;
}

/** Candidates of three clumps with rows of all kinds, a committee, and some labelled structures. */
function made(seed: number, count: number, columns = Q): Made {
  const stream = new RandomStream(seed, 'strategies');
  const normal = (length: number, scale = 1): Float64Array =>
    Float64Array.from({ length }, () => scale * stream.normal());
  const rows: CandidateRows[] = [];
  const atoms: number[] = [];
  const committee: CommitteeOutputs[] = [];
  for (let i = 0; i < count; i++) {
    const n = 1 + stream.integer(3);
    atoms.push(n);
    rows.push({
      id: `c${String(i).padStart(3, '0')}`,
      rows: normal((1 + 3 * n + 2) * D, 1 + (i % 3)),
      count: 1 + 3 * n + 2,
      kinds: { energy: 1, forces: 3 * n, virial: 2 },
    });
    committee.push({ predictions: normal(4, 1 + (i % 5)), outputs: 1, members: 4 });
  }
  const descriptors = { rows: normal(count * columns), count, columns };
  for (let i = 0; i < count; i++) {
    for (let v = 0; v < columns; v++) descriptors.rows[i * columns + v]! += 7 * (i % 3);
  }
  return {
    rows,
    r: qrUpper(normal(3 * D * D), 3 * D, D),
    parts: { atoms, descriptors, committee, costs: atoms.map((n) => n * n) },
    labelled: { rows: normal(6 * columns), count: 6, columns },
  };
}

function opened({ rows, r, parts, labelled }: Made, extra: PoolParts = {}): CandidatePool {
  return memoryPool({ r, labelled }, rows, { ...parts, ...extra });
}

/** The same candidates in another order. */
function shuffled(one: Made, seed: number): Made {
  const order = new RandomStream(seed, 'shuffle').permutation(one.rows.length);
  const pick = <T>(list: readonly T[]): T[] => Array.from(order, (i) => list[i]!);
  const { columns } = one.parts.descriptors;
  const rows = new Float64Array(one.parts.descriptors.rows.length);
  order.forEach((i, k) => {
    rows.set(one.parts.descriptors.rows.subarray(i * columns, (i + 1) * columns), k * columns);
  });
  return {
    ...one,
    rows: pick(one.rows),
    parts: {
      atoms: pick(one.parts.atoms),
      committee: pick(one.parts.committee),
      costs: pick(one.parts.costs),
      descriptors: { ...one.parts.descriptors, rows },
    },
  };
}

const targets = { rows: Float64Array.of(1, 0, 0, 0, 0, 1, -1, 0), count: 2 };
const context: SelectionContext = { targets, minShare: 0, seed: 3, round: 1 };
const ids = (pool: CandidatePool, name: string, batch: number, more: SelectionContext = {}): string[] =>
  selectFromPool(name, pool, batch, { ...context, ...more }).selected.map(({ id }) => id);

describe('every strategy', () => {
  it.each(STRATEGIES)('%s does not depend on the order of the pool, and repeats itself', (name) => {
    for (let seed = 0; seed < 4; seed++) {
      const one = made(seed, 26);
      const batch = ids(opened(one), name, 7);
      expect(batch).toHaveLength(7);
      expect(new Set(batch).size).toBe(7);
      expect(ids(opened(one), name, 7)).toEqual(batch);
      expect(ids(opened(shuffled(one, seed)), name, 7)).toEqual(batch);
    }
  });

  it.each(STRATEGIES)('%s gives the whole pool when asked for more, and reasons with numbers', (name) => {
    const pool = opened(made(9, 9));
    const { selected } = selectFromPool(name, pool, 20, context);
    expect(new Set(selected.map(({ id }) => id)).size).toBe(9);
    for (const { reason } of selected) {
      expect(reason).not.toMatch(/NaN|undefined|Infinity/);
      if (name !== 'random') expect(reason).toMatch(/\d/);
    }
    const one = selectFromPool(name, subPool(pool, [4]), 3, context);
    expect(one.selected.map(({ id }) => id)).toEqual(['c004']);
  });

  it.each(STRATEGIES)('%s chooses among what is not masked as if the rest were not there', (name) => {
    const one = made(5, 24);
    const keep = [...Array(24).keys()].filter((i) => i % 4 !== 1);
    const masked = opened(one, { excluded: one.rows.map((_, i) => (i % 4 === 1 ? 'too dear' : null)) });
    const found = selectFromPool(name, masked, 6, context);
    expect(found.selected).toEqual(inPool(selectFromPool(name, subPool(opened(one), keep), 6, context), keep).selected);
    expect(found.excluded).toEqual([1, 5, 9, 13, 17, 21].map((index) => ({ index, reason: 'too dear' })));
  });

  it('is in the table with what it needs, and a run may use those that need nothing special', () => {
    expect(STRATEGIES).toHaveLength(18);
    expect(STRATEGIES.filter((name) => !(RUN_STRATEGIES as readonly string[]).includes(name)).sort()).toEqual([
      'committee-information',
      'target-variance',
    ]);
    for (const name of STRATEGIES) expect(strategyOf(name)).toBe(STRATEGY_TABLE[name]);
    expect(() => strategyOf('toString')).toThrow('strategy must be one of stratified-i-optimal');
    expect(() => selectFromPool('random', opened(made(1, 4)), 1.5)).toThrow(
      'batch size must be a positive integer, got 1.5',
    );
  });

  it('gives seeds and rounds their say where it draws, and only there', () => {
    const pool = opened(made(2, 30));
    for (const name of STRATEGIES) {
      const draws = ['random', 'balanced-random', 'k-dpp'].includes(name);
      const first = ids(pool, name, 6);
      if (draws) {
        expect(ids(pool, name, 6, { seed: 4 })).not.toEqual(first);
        expect(ids(pool, name, 6, { round: 2 })).not.toEqual(first);
      } else expect(ids(pool, name, 6, { seed: 4, round: 9 })).toEqual(first);
    }
  });
});

describe('strategies of one structure at a time', () => {
  const one = made(7, 20);
  const pool = opened(one);
  const s = covarianceOf(one.r, D);
  const variance = (rows: Float64Array, k: number): number => {
    let sum = 0;
    for (let v = 0; v < D; v++) for (let w = 0; w < D; w++) sum += rows[k * D + v]! * s[v * D + w]! * rows[k * D + w]!;
    return sum;
  };

  it('rank by the variance of rows of their kind', () => {
    for (const [name, kind] of [
      ['max-force-variance', 'forces'],
      ['max-energy-variance', 'energy'],
    ] as const) {
      const best = pool.candidates.map((_, i) => {
        const { rows, count } = pool.rows(i, kind);
        return Math.max(...Array.from({ length: count }, (__, k) => variance(rows, k)));
      });
      const { selected } = selectFromPool(name, pool, 3);
      const order = [...best.keys()].sort((a, b) => best[b]! - best[a]!);
      expect(selected.map(({ index }) => index)).toEqual(order.slice(0, 3));
      expect(selected[0]!.gain).toAgree(best[order[0]!], { rtol: 1e-10, why: 'x S xᵀ' });
      expect(selected[0]!.reason).toContain(
        kind === 'forces' ? 'variance of a force component' : 'variance of the energy',
      );
    }
  });

  it('rank by the information of energies as by their variance', () => {
    const byInformation = selectFromPool('bald-energy', pool, 20).selected;
    const byVariance = selectFromPool('max-energy-variance', pool, 20).selected;
    expect(byInformation.map(({ id }) => id)).toEqual(byVariance.map(({ id }) => id));
    byInformation.forEach(({ gain }, k) => {
      expect(gain).toAgree(0.5 * Math.log1p(byVariance[k]!.gain), { rtol: 1e-10, why: '½ ln(1 + σ²) of one row' });
    });
  });

  it('rank by what a committee disagrees about', () => {
    const scores = one.parts.committee.map(({ predictions }) => mixtureInformation(predictions, 1));
    const { selected } = selectFromPool('committee-information', pool, 20);
    expect(selected.map(({ index }) => index)).toEqual([...scores.keys()].sort((a, b) => scores[b]! - scores[a]!));
    expect(selected[0]!.gain).toBeLessThanOrEqual(Math.log(4));
    expect(selected[0]!.reason).toMatch(/^its labels would tell \d\.\d+ nats about which member/);
  });
});

describe('uncertainty and clusters', () => {
  it('adds relative sigmas of forces and energies, and takes the first of every cluster', () => {
    const one = made(11, 24);
    const pool = opened(one);
    const scores = relativeUncertainties(pool);
    // Each part is over its mean: the mean of the sum is two.
    expect(scores.reduce((sum, value) => sum + value, 0) / 24).toAgree(2, { rtol: 1e-12, why: 'two relative parts' });
    const { selected } = selectFromPool('uncertainty-clusters', pool, 3);
    // Three clumps far apart: the most uncertain of each.
    for (const { index, gain } of selected) {
      const clump = [...scores.keys()].filter((i) => i % 3 === index % 3);
      expect(gain).toBe(Math.max(...clump.map((i) => scores[i]!)));
    }
    expect(new Set(selected.map(({ index }) => index % 3)).size).toBe(3);
    const plain = memoryPool({ r: one.r, labelled: null, energyNoise: 'atom' }, one.rows, one.parts);
    expect(relativeUncertainties(plain)).not.toEqual(scores);
  });
});

describe('balanced random', () => {
  it('fills the quota of every stratum and draws evenly inside', () => {
    const one = made(13, 30);
    const groups = one.rows.map((_, i) => (i < 24 ? 'bulk' : 'slab'));
    const pool = opened(one, { groups });
    const counts = new Map<number, number>();
    const draws = 600;
    for (let seed = 0; seed < draws; seed++) {
      const { selected } = selectFromPool('balanced-random', pool, 6, { seed });
      // Roots 4.9 and 2.4 of six labels: four and two.
      expect(selected.filter(({ index }) => index < 24)).toHaveLength(4);
      expect(selected[0]!.reason).toBe('drawn at random from bulk (24 in the pool, 0 labelled)');
      for (const { index } of selected) counts.set(index, (counts.get(index) ?? 0) + 1);
    }
    let square = 0;
    for (let i = 0; i < 30; i++) {
      const expected = draws * (i < 24 ? 4 / 24 : 2 / 6);
      square += ((counts.get(i) ?? 0) - expected) ** 2 / (expected * (i < 24 ? 20 / 24 : 4 / 6));
    }
    expect(square).toBeLessThan(chiSquareQuantile(0.9999, 30));
  });
});

describe('maxvol', () => {
  interface Reference {
    readonly C: {
      readonly C4_maxvol: { readonly M: number[][]; readonly final_rows: number[]; readonly gamma_all_rows: number[] };
    };
  }
  const { M, final_rows, gamma_all_rows } = golden<Reference>('reference-values').C.C4_maxvol;
  const described = (rows: readonly (readonly number[])[]): FeatureRows => ({
    rows: Float64Array.from(rows.flat()),
    count: rows.length,
    columns: 3,
  });
  const candidates = (rows: readonly (readonly number[])[]) =>
    rows.map((_, i) => ({ id: `m${i}`, rows: new Float64Array(0), count: 0 }));

  it('takes the rows of largest volume of the reference', () => {
    const pool = memoryPool({ r: Float64Array.of(1), labelled: null }, candidates(M), { descriptors: described(M) });
    const { selected } = selectFromPool('maxvol', pool, 3);
    expect(selected.map(({ index }) => index).sort()).toEqual(final_rows);
    expect(selected[0]!.reason).toBe('in the active set, of 3 columns');
  });

  it('grades by what is labelled', () => {
    const labelled = described(final_rows.map((i) => M[i]!));
    const rest = M.filter((_, i) => !final_rows.includes(i));
    const pool = memoryPool({ r: Float64Array.of(1), labelled }, candidates(rest), { descriptors: described(rest) });
    const { selected } = selectFromPool('maxvol', pool, 4);
    const grades = gamma_all_rows.filter((_, i) => !final_rows.includes(i)).sort((a, b) => b - a);
    expect(selected.map(({ gain }) => gain)).toAgree(grades, { rtol: 1e-9, why: 'the reference values, 3 × 3' });
    expect(selected[0]!.reason).toMatch(/^not in the active set, next by grade, grade 0\.50\d* by what is labelled$/);
    const far = [...rest, [9, 9, 9]];
    const wider = memoryPool({ r: Float64Array.of(1), labelled }, candidates(far), { descriptors: described(far) });
    const [first] = selectFromPool('maxvol', wider, 1).selected;
    expect(first!.index).toBe(4);
    expect(first!.reason).toMatch(/^in the active set, grade \d/);
  });
});

describe('the k-DPP of a pool', () => {
  it('draws batches in proportion to the determinant of quality and likeness', () => {
    const one = made(17, 6);
    const pool = opened(one);
    const kernel = qualityKernel(pool);
    for (let i = 0; i < 6; i++) {
      const { rows, count } = pool.rows(i);
      expect(kernel[i * 6 + i]).toAgree(logDetGain(one.r, D, rows, count), {
        rtol: 1e-9,
        why: 'quality is the gain alone',
      });
    }
    const weights = new Map<string, number>();
    for (let a = 0; a < 6; a++) {
      for (let b = a + 1; b < 6; b++) {
        const block = Float64Array.of(kernel[a * 6 + a]!, kernel[a * 6 + b]!, kernel[b * 6 + a]!, kernel[b * 6 + b]!);
        weights.set(`${a},${b}`, Math.exp(logDetKernel(block, 2)));
      }
    }
    const sum = [...weights.values()].reduce((all, value) => all + value, 0);
    const counts = new Map<string, number>();
    const draws = 3000;
    for (let seed = 0; seed < draws; seed++) {
      const key = selectFromPool('k-dpp', pool, 2, { seed })
        .selected.map(({ index }) => index)
        .sort((a, b) => a - b)
        .join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    let square = 0;
    for (const [key, weight] of weights) {
      const expected = (draws * weight) / sum;
      square += ((counts.get(key) ?? 0) - expected) ** 2 / expected;
    }
    expect(square).toBeLessThan(chiSquareQuantile(0.9999, weights.size - 1));
    const best = [...weights].sort((a, b) => b[1] - a[1])[0]!;
    const map = selectFromPool('k-dpp-map', pool, 2).selected;
    expect(map[0]!.gain * map[1]!.gain).toBeGreaterThan(0.5 * best[1]);
    expect(map[1]!.reason).toMatch(/^multiplies the determinant by [\d.]+, [\d.]+ % of its quality$/);
  });

  it('is refused for pools whose matrix is too large, and draws from a line of points', () => {
    const count = 2001;
    const line = (n: number): CandidatePool => {
      const descriptors = { rows: Float64Array.from({ length: n }, (_, i) => i), count: n, columns: 1 };
      const rows = Array.from({ length: n }, (_, i) => ({ id: `d${i}`, rows: new Float64Array(0), count: 0 }));
      const displacementNorms = new Float64Array(n);
      return memoryPool({ r: Float64Array.of(1), labelled: null }, rows, { descriptors, displacementNorms });
    };
    expect(() => selectFromPool('k-dpp', line(count), 2)).toThrow(
      'pool must have at most 2000 candidates to draw from a k-DPP, got 2001; take k-dpp-map, or a part of it',
    );
    const picks = selectFromPool('k-dpp', line(150), 8).selected.map(({ index }) => index);
    expect(picks).toHaveLength(8);
    // Likeness reaches over four places: no two picks are neighbours but rarely, and they are spread over the line.
    expect(Math.max(...picks) - Math.min(...picks)).toBeGreaterThan(60);
  });
});

describe('part of a pool', () => {
  it('is the pool of some candidates, and a selection from it finds its way back', () => {
    const pool = opened(made(19, 12));
    const part = subPool(pool, [7, 2, 9]);
    expect(part.candidates.map(({ id }) => id)).toEqual(['c007', 'c002', 'c009']);
    expect(part.rows(1, 'forces')).toEqual(pool.rows(2, 'forces'));
    expect(part.committee(2)).toBe(pool.committee(9));
    expect(part.descriptors!.rows.slice(0, Q)).toEqual(pool.descriptors!.rows.slice(7 * Q, 8 * Q));
    expect(subPool(pool, [...pool.candidates.keys()])).toBe(pool);
    const selection = { selected: [{ id: 'c002', index: 1, gain: 1, reason: '' }], certificate: 0.9 };
    expect(inPool(selection, [7, 2, 9])).toEqual({ ...selection, selected: [{ ...selection.selected[0], index: 2 }] });
  });
});

describe('costs', () => {
  it('never break the budget, and the certificate of a thrifty batch is honest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 }), fc.double({ min: 1, max: 30, noNaN: true }), (seed, budget) => {
        const one = made(seed, 9);
        const pool = opened(one);
        for (const name of ['d-optimality', 'i-optimal', 'stratified-i-optimal', 'target-variance'] as const) {
          const { selected } = selectFromPool(name, pool, 3, { ...context, budget, costAware: true });
          const spent = selected.reduce((sum, { index }) => sum + one.parts.costs[index]!, 0);
          expect(spent).toBeLessThanOrEqual(budget * (1 + 1e-12));
        }
        const { selected, certificate } = selectFromPool('d-optimality', pool, 2, { ...context, costAware: true });
        const found = selected.reduce((sum, { gain }) => sum + gain, 0);
        let best = 0;
        for (let a = 0; a < 9; a++) {
          for (let b = a + 1; b < 9; b++) {
            const rows = [a, b].map((i) => pool.rows(i));
            const stacked = Float64Array.from(rows.flatMap((part) => [...part.rows]));
            best = Math.max(best, logDetGain(one.r, D, stacked, rows[0]!.count + rows[1]!.count));
          }
        }
        expect(found / best).toBeGreaterThanOrEqual(certificate! * (1 - 1e-9));
      }),
      { numRuns: 25 },
    );
  });
});

describe('i-optimal batches', () => {
  it('come near the best batch of that size, found by trying all', () => {
    let worst = 1;
    for (let seed = 0; seed < 6; seed++) {
      const one = made(seed + 50, 8);
      const pool = opened(one);
      const total = (picks: readonly number[]): number => {
        const rows = picks.map((i) => pool.rows(i));
        const stacked = Float64Array.from([...one.r, ...rows.flatMap((part) => [...part.rows])]);
        const count = D + rows.reduce((sum, part) => sum + part.count, 0);
        const s = covarianceOf(qrUpper(stacked, count, D), D);
        const parts = [0, 0];
        pool.candidates.forEach(({ atoms }, i) => {
          for (const [kind, share, k] of [
            ['forces', 3 * atoms, 0],
            ['energy', atoms, 1],
          ] as const) {
            const { rows: x, count: m } = pool.rows(i, kind);
            for (let j = 0; j < m; j++) {
              for (let v = 0; v < D; v++)
                for (let w = 0; w < D; w++) parts[k]! += (x[j * D + v]! * s[v * D + w]! * x[j * D + w]!) / share;
            }
          }
        });
        return picks.length === 0 ? Number.NaN : parts[0]! / first[0]! + parts[1]! / first[1]!;
      };
      const first = [0, 0];
      const s = covarianceOf(one.r, D);
      pool.candidates.forEach(({ atoms }, i) => {
        for (const [kind, share, k] of [
          ['forces', 3 * atoms, 0],
          ['energy', atoms, 1],
        ] as const) {
          const { rows: x, count: m } = pool.rows(i, kind);
          for (let j = 0; j < m; j++) {
            for (let v = 0; v < D; v++)
              for (let w = 0; w < D; w++) first[k]! += (x[j * D + v]! * s[v * D + w]! * x[j * D + w]!) / share;
          }
        }
      });
      const { selected } = selectFromPool('i-optimal', pool, 3);
      const fall = 2 - total(selected.map(({ index }) => index));
      expect(fall / 2).toAgree(
        selected.reduce((sum, { gain }) => sum + gain, 0),
        { rtol: 1e-8, why: 'the posterior with all rows at once' },
      );
      let best = 0;
      for (let a = 0; a < 8; a++)
        for (let b = a + 1; b < 8; b++) for (let c = b + 1; c < 8; c++) best = Math.max(best, 2 - total([a, b, c]));
      worst = Math.min(worst, fall / best);
    }
    expect(worst).toBeGreaterThan(0.95);
  });
});
