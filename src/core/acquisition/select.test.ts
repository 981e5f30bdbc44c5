import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { cholesky } from '../numerics/cholesky.ts';
import { appendRows, qrUpper } from '../numerics/qr.ts';
import { rowGram } from '../numerics/dense.ts';
import { invertUpper, whitenRows } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { logDetGain } from '../regression/posterior.ts';
import type { CandidateRows } from './acquisition.ts';
import { mutualInformation, selectBald } from './bald.ts';
import { selectDOptimal } from './d-optimality.ts';
import { condenseRows, largestVariance } from './gain.ts';
import { selectMaxVariance } from './max-variance.ts';
import { selectRandom } from './random.ts';
import { selectBatch, type Strategy } from './select.ts';

interface Reference {
  readonly C: {
    readonly C1_bald_scalar: readonly { sig2_e: number; sig2_a: number; I: number }[];
    readonly C2_bald_vector: Readonly<Record<string, number>> & {
      S: number[][];
      J: number[][];
      R_diag: number[];
      pred_cov: number[][];
    };
    readonly C3_greedy_d_optimal: Readonly<Record<string, number>> & {
      pool: number[][];
      greedy_order: number[];
      greedy_gains: number[];
      brute_force_set: number[];
      top3_by_variance: number[];
    };
  };
}
const { C } = golden<Reference>('reference-values');
const why = 'the reference values, small matrices';

/** A pool of structures of some random rows, some of them copies, and a posterior factor. */
function problem(seed: number, d: number, pool: number, maxRows = 4): { r: Float64Array; candidates: CandidateRows[] } {
  const stream = new RandomStream(seed, 'pool');
  const r = qrUpper(
    Float64Array.from({ length: 2 * d * d }, () => stream.normal()),
    2 * d,
    d,
  );
  const candidates = Array.from({ length: pool }, (_, i) => {
    const count = 1 + stream.integer(maxRows);
    return {
      id: `s${String((i * 7) % pool).padStart(3, '0')}`,
      rows: Float64Array.from({ length: count * d }, () => 3 * stream.normal()),
      count,
    };
  });
  if (pool > 3) candidates[3] = { ...candidates[1]!, id: candidates[3]!.id };
  return { r, candidates };
}

/** R after the rows of some candidates. */
function updated(r: Float64Array, d: number, chosen: readonly CandidateRows[]): Float64Array {
  const next = r.slice();
  for (const { rows, count } of chosen) appendRows(next, new Float64Array(d), d, rows, new Float64Array(count), count);
  return next;
}

/** Information of a whole set: the gain of all its rows at once. */
function informationOf(r: Float64Array, d: number, chosen: readonly CandidateRows[]): number {
  const rows = Float64Array.from(chosen.flatMap((candidate) => [...candidate.rows]));
  return logDetGain(r, d, rows, rows.length / d);
}

/** Plain greedy: every gain anew after every pick. */
function naiveGreedy(r: Float64Array, d: number, candidates: readonly CandidateRows[], size: number): string[] {
  const chosen: CandidateRows[] = [];
  while (chosen.length < Math.min(size, candidates.length)) {
    const current = updated(r, d, chosen);
    const gains = candidates.map(({ rows, count }) => logDetGain(current, d, rows, count));
    const open = [...candidates.keys()].filter((i) => !chosen.includes(candidates[i]!));
    const best = Math.max(...open.map((i) => gains[i]!));
    const ties = open.filter((i) => gains[i]! >= best * (1 - 1e-10)).map((i) => candidates[i]!);
    chosen.push(ties.reduce((a, b) => (b.id < a.id ? b : a)));
  }
  return chosen.map(({ id }) => id);
}

describe('information gain', () => {
  it('of one output', () => {
    for (const { sig2_e, sig2_a, I } of C.C1_bald_scalar) {
      expect(mutualInformation(sig2_e, sig2_a)).toAgree(I, { rtol: 1e-12, why });
    }
    expect(mutualInformation(0.04, 0.01)).toAgree(0.5 * Math.log(5), { rtol: 1e-15, why: 'closed form' });
    expect(mutualInformation(1e-20, 1)).toAgree(0.5e-20, { rtol: 1e-12, why: 'log1p keeps tiny gains' });
  });

  it('of several outputs, with the chain rule', () => {
    const { S, J, R_diag } = C.C2_bald_vector;
    // S = (RᵀR)⁻¹: from S = UᵀU follows P = U⁻¹U⁻ᵀ, so R is the triangular factor of U⁻ᵀ.
    const inverse = invertUpper(cholesky(Float64Array.from(S.flat()), 3), 3);
    const transposed = Float64Array.from({ length: 9 }, (_, k) => inverse[(k % 3) * 3 + Math.floor(k / 3)]!);
    const r = qrUpper(transposed, 3, 3);
    const covariance = rowGram(whitenRows(r, 3, Float64Array.from(J.flat()), 3), 3, 3);
    expect(covariance).toAgree(C.C2_bald_vector.pred_cov.flat(), { rtol: 1e-12, atol: 1e-15, why });
    const rows = Float64Array.from(J.flatMap((row, i) => row.map((value) => value / Math.sqrt(R_diag[i]!))));
    const first = { id: 'a', rows: rows.slice(0, 3), count: 1 };
    const rest = { id: 'b', rows: rows.slice(3), count: 2 };
    const total = logDetGain(r, 3, rows, 3);
    expect(total).toAgree(C.C2_bald_vector.I_total, { rtol: 1e-10, why });
    expect(total).toAgree(C.C2_bald_vector.I_parameter_space, { rtol: 1e-10, why });
    const one = logDetGain(r, 3, first.rows, 1);
    const two = logDetGain(updated(r, 3, [first]), 3, rest.rows, 2);
    expect(one).toAgree(C.C2_bald_vector.I_first_row, { rtol: 1e-10, why });
    expect(two).toAgree(C.C2_bald_vector.I_rest_given_first, { rtol: 1e-10, why });
    expect(one + two).toAgree(total, { rtol: 1e-12, why: 'chain rule' });
    const marginals = [0, 1, 2].reduce((sum, i) => sum + logDetGain(r, 3, rows.slice(3 * i, 3 * i + 3), 1), 0);
    expect(marginals).toAgree(C.C2_bald_vector.sum_of_marginals, { rtol: 1e-10, why });
    expect(marginals).toBeGreaterThan(total);
  });

  it('obeys the chain rule and is the same in both of its forms', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 6 }), (seed, d) => {
        const { r, candidates } = problem(seed, d, 4, 9);
        const [a, b] = candidates as [CandidateRows, CandidateRows];
        const both = informationOf(r, d, [a, b]);
        const chained = logDetGain(r, d, a.rows, a.count) + logDetGain(updated(r, d, [a]), d, b.rows, b.count);
        expect(chained).toAgree(both, { rtol: 1e-12, atol: 1e-12, why: 'I(a, b) = I(a) + I(b | a)' });
        const condensed = condenseRows(a, d);
        expect(condensed.count).toBeLessThanOrEqual(Math.max(d, a.count));
        expect(logDetGain(r, d, condensed.rows, condensed.count)).toAgree(logDetGain(r, d, a.rows, a.count), {
          rtol: 1e-11,
          atol: 1e-12,
          why: 'the gain depends on XᵀX only',
        });
      }),
    );
    expect(logDetGain(Float64Array.of(1), 1, new Float64Array(0), 0)).toBe(0);
  });
});

describe('selectDOptimal', () => {
  const reference = C.C3_greedy_d_optimal;
  const candidates = reference.pool.map((row, i) => ({
    id: String(i),
    rows: Float64Array.from(row, (value) => value * Math.sqrt(reference.beta!)),
    count: 1,
  }));
  const prior = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);

  it('makes the picks of the reference, with its gains and certificate', () => {
    const { selected, certificate } = selectDOptimal(prior, 3, candidates, 3);
    expect(selected.map(({ index }) => index)).toEqual(reference.greedy_order);
    expect(selected.map(({ gain }) => gain)).toAgree(reference.greedy_gains, { rtol: 1e-10, why });
    const total = selected.reduce((sum, { gain }) => sum + gain, 0);
    expect(total).toAgree(reference.F_greedy, { rtol: 1e-10, why });
    expect(certificate).toAgree(reference.certified_ratio, { rtol: 1e-10, why });
    expect(total / certificate!).toAgree(reference.a_posteriori_upper_bound, { rtol: 1e-10, why });
    const best = informationOf(
      prior,
      3,
      reference.brute_force_set.map((i) => candidates[i]!),
    );
    expect(best).toAgree(reference.F_opt, { rtol: 1e-10, why });
    expect(total / best).toAgree(reference.ratio, { rtol: 1e-10, why });
    expect(selected[1]!.reason).toBe('largest information gain of the pool, 1.14 nats given the 1 chosen before');
  });

  it('beats the three largest variances', () => {
    const { selected } = selectMaxVariance(prior, 3, candidates, 3);
    // Rows 0, 2 and 4 have the same variance: the smaller id goes first.
    expect(selected.map(({ index }) => index)).toEqual(reference.top3_by_variance);
    const total = informationOf(
      prior,
      3,
      selected.map(({ index }) => candidates[index]!),
    );
    expect(total).toAgree(reference.F_top3_by_variance_without_update, { rtol: 1e-10, why });
  });

  it('is plain greedy, with gains that never grow and a certificate', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1000 }),
        fc.integer({ min: 2, max: 7 }),
        fc.integer({ min: 1, max: 14 }),
        (seed, d, pool) => {
          const { r, candidates: random } = problem(seed, d, pool);
          const { selected, certificate } = selectDOptimal(r, d, random, 5, { minShare: 0 });
          expect(selected.map(({ id }) => id)).toEqual(naiveGreedy(r, d, random, 5));
          for (let k = 1; k < selected.length; k++) {
            expect(selected[k]!.gain).toBeLessThanOrEqual(selected[k - 1]!.gain * (1 + 1e-9));
          }
          expect(certificate!).toBeGreaterThanOrEqual(1 - 1 / Math.E);
          expect(certificate!).toBeLessThanOrEqual(1);
          const sum = selected.reduce((total, { gain }) => total + gain, 0);
          expect(sum).toAgree(
            informationOf(
              r,
              d,
              selected.map(({ index }) => random[index]!),
            ),
            { rtol: 1e-10, why: 'chain rule' },
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('comes within 1 − 1/e of the best batch, and its certificate is honest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 4 }), (seed, d) => {
        const { r, candidates: random } = problem(seed, d, 8, 2);
        const { selected, certificate } = selectDOptimal(r, d, random, 3, { minShare: 0 });
        const found = selected.reduce((sum, { gain }) => sum + gain, 0);
        let best = 0;
        for (let a = 0; a < 8; a++) {
          for (let b = a + 1; b < 8; b++) {
            for (let c = b + 1; c < 8; c++)
              best = Math.max(best, informationOf(r, d, [random[a]!, random[b]!, random[c]!]));
          }
        }
        expect(found).toBeGreaterThanOrEqual((1 - 1 / Math.E) * best);
        expect(found / best).toBeGreaterThanOrEqual(certificate! * (1 - 1e-10));
      }),
      { numRuns: 40 },
    );
  });

  it('falls back on 1 − 1/e where the gains left say less', () => {
    // Six directions that have nothing in common: what is left is worth as much as what was taken.
    const pool = [0, 1, 2, 3, 4, 5].map((k) => ({
      id: String(k),
      rows: Float64Array.from({ length: 6 }, (_, v) => (v === k ? 3 : 0)),
      count: 1,
    }));
    const identity = Float64Array.from({ length: 36 }, (_, k) => (k % 7 === 0 ? 1 : 0));
    expect(selectDOptimal(identity, 6, pool, 3).certificate).toBe(1 - 1 / Math.E);
    expect(selectDOptimal(identity, 6, pool, 6).certificate).toBe(1);
  });

  it('does not care for the order of the pool', () => {
    const { r, candidates: random } = problem(5, 6, 30);
    const forward = selectDOptimal(r, 6, random, 8, { minShare: 0 });
    const backward = selectDOptimal(r, 6, [...random].reverse(), 8, { minShare: 0 });
    expect(backward.selected.map(({ id }) => id)).toEqual(forward.selected.map(({ id }) => id));
    expect(backward.certificate).toAgree(forward.certificate, { rtol: 1e-12, why: 'the same sums in another order' });
  });

  it('does not pick a copy where it teaches nothing new', () => {
    const twin = (id: string) => ({ id, rows: Float64Array.of(30, 0), count: 1 });
    const other = { id: 'z', rows: Float64Array.of(0, 2), count: 1 };
    const { selected } = selectDOptimal(Float64Array.of(1, 0, 0, 1), 2, [twin('b'), twin('a'), other], 2);
    expect(selected.map(({ id }) => id)).toEqual(['a', 'z']);
    const alone = selectBald(Float64Array.of(1, 0, 0, 1), 2, [twin('b'), twin('a'), other], 2);
    expect(alone.selected.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('stops when nothing is left that is worth a label', () => {
    const r = Float64Array.of(1);
    const pool = [1, 2, 3].map((k) => ({ id: String(k), rows: Float64Array.of(100), count: 1 }));
    expect(selectDOptimal(r, 1, pool, 3, { minShare: 0.1 }).selected).toHaveLength(1);
    expect(selectDOptimal(r, 1, pool, 3, { minShare: 0, minNats: 0.3 }).selected).toHaveLength(2);
    expect(selectDOptimal(r, 1, pool, 3, { minNats: 99 })).toEqual({ selected: [], certificate: null });
    const each = selectDOptimal(r, 1, pool, 3, { minShare: 0, minNats: [99, 0.1, 0.3] });
    expect(each.selected.map(({ id }) => id)).toEqual(['2', '3']);
    expect(each.certificate).toBeLessThan(1); // the one that is too dear still counts in the bound
    expect(selectDOptimal(r, 1, [], 3)).toEqual({ selected: [], certificate: null });
    const nothing = { id: 'n', rows: new Float64Array(2), count: 2 };
    expect(selectDOptimal(r, 1, [nothing], 1).selected).toEqual([]);
  });
});

describe('other strategies', () => {
  it('ranks by gain or variance of each structure alone', () => {
    const { r, candidates } = problem(8, 5, 12);
    const bald = selectBald(r, 5, candidates, 4);
    const gains = candidates.map(({ rows, count }) => logDetGain(r, 5, rows, count)).sort((a, b) => b - a);
    expect(bald.selected.map(({ gain }) => gain)).toAgree(gains.slice(0, 4), { rtol: 1e-12, why: 'the four largest' });
    expect(bald.certificate).toBeNull();
    expect(selectBald(r, 5, candidates, 4, 1e9).selected).toEqual([]);
    const variance = selectMaxVariance(r, 5, candidates, 4);
    const largest = candidates.map(({ rows, count }) => largestVariance(r, 5, rows, count)).sort((a, b) => b - a);
    expect(variance.selected.map(({ gain }) => gain)).toAgree(largest.slice(0, 4), {
      rtol: 1e-12,
      why: 'the four largest',
    });
    expect(variance.selected[0]!.reason).toMatch(/times its noise$/);
  });

  it('draws at random, but always the same', () => {
    const { candidates } = problem(9, 2, 20);
    const ids = (seed: number, round = 0, pool = candidates) =>
      selectRandom(pool, 6, seed, round).selected.map(({ id }) => id);
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1, 0, [...candidates].reverse())).toEqual(ids(1));
    expect(ids(2)).not.toEqual(ids(1));
    expect(ids(1, 1)).not.toEqual(ids(1));
    expect(new Set(ids(1)).size).toBe(6);
    expect(selectRandom(candidates, 99, 1).selected).toHaveLength(20);
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 2000; seed++) for (const id of ids(seed)) counts.set(id, (counts.get(id) ?? 0) + 1);
    for (const count of counts.values())
      expect(count).toAgree(600, { atol: 90, why: 'binomial spread 20, four and a half of them' });
  });
});

describe('selectBatch', () => {
  const { r, candidates } = problem(10, 4, 9, 7);

  it('leads to each strategy', () => {
    expect(selectBatch('d-optimality', r, candidates, 3)).toEqual(selectDOptimal(r, 4, candidates, 3));
    expect(selectBatch('bald', r, candidates, 3, { minNats: 0.1 })).toEqual(selectBald(r, 4, candidates, 3, 0.1));
    expect(selectBatch('max-variance', r, candidates, 3)).toEqual(selectMaxVariance(r, 4, candidates, 3));
    expect(selectBatch('random', r, candidates, 3, { seed: 5, round: 2 })).toEqual(selectRandom(candidates, 3, 5, 2));
  });

  it('leaves its arguments as they are', () => {
    const before = [r.slice(), ...candidates.map(({ rows }) => rows.slice())];
    selectBatch('d-optimality', r, candidates, 5);
    expect([r, ...candidates.map(({ rows }) => rows)]).toEqual(before);
  });

  it('refuses what makes no sense', () => {
    expect(() => selectBatch('best' as Strategy, r, candidates, 3)).toThrow(
      'strategy must be one of stratified-i-optimal, i-optimal',
    );
    expect(() => selectBatch('bald', r, candidates, 0)).toThrow('batch size must be a positive integer, got 0');
    expect(() => selectBatch('bald', new Float64Array(5), candidates, 1)).toThrow(
      'precision factor must be square, got 5',
    );
    expect(() => selectBatch('bald', r, [candidates[0]!, candidates[0]!], 1)).toThrow('candidate ids must differ');
    expect(() => selectBatch('bald', r, [{ id: 'x', rows: new Float64Array(3), count: 1 }], 1)).toThrow(
      'must hold 1 × 4 numbers, got 3',
    );
    const broken = { id: 'x', rows: Float64Array.of(1, 2, Number.NaN, 4), count: 1 };
    expect(() => selectBatch('d-optimality', r, [broken], 1)).toThrow('rows of candidate x must be finite');
  });
});
