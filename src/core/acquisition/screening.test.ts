import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { qrUpper } from '../numerics/qr.ts';
import { RandomStream } from '../random.ts';
import { logDetGain } from '../regression/posterior.ts';
import { selectDOptimal } from './d-optimality.ts';
import { EnergyScreen, quotaOrder } from './screening.ts';
import { mergedCertificate, type Shard } from './shards.ts';
import { posteriorWith } from './variance-reduction.ts';

const normals = (seed: number, length: number, scale = 1): Float64Array => {
  const stream = new RandomStream(seed, 'screen');
  return Float64Array.from({ length }, () => scale * stream.normal());
};
const factor = (seed: number, d: number): Float64Array => qrUpper(normals(seed, 2 * d * d), 2 * d, d);
const name = (i: number): string => String(i).padStart(6, '0');
const candidates = (rows: Float64Array, count: number, d: number) =>
  Array.from({ length: count }, (_, i) => ({ id: name(i), rows: rows.slice(i * d, (i + 1) * d), count: 1 }));

describe('EnergyScreen', () => {
  it('picks as plain greedy, one by one and in any number of additions', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1000 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 60 }),
        (seed, d, n) => {
          const rows = normals(seed, n * d, 3);
          const r = factor(seed + 1, d);
          const screen = new EnergyScreen(r, d);
          for (let i = 0; i < n; i += 7) screen.add(rows.slice(i * d, Math.min(n, i + 7) * d), Math.min(7, n - i));
          expect(screen.count).toBe(n);
          const { picks, certificate } = screen.select(9, { distinct: false });
          const greedy = selectDOptimal(r, d, candidates(rows, n, d), 9, { minShare: 0 });
          expect(picks.map(({ index }) => index)).toEqual(greedy.selected.map(({ index }) => index));
          expect(picks.map(({ gain }) => gain)).toAgree(
            greedy.selected.map(({ gain }) => gain),
            { rtol: 1e-9, why: 'rank-one updates against new factors' },
          );
          expect(certificate).toAgree(greedy.certificate!, { rtol: 1e-9, why: 'the same bound' });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is plain greedy on a thousand candidates of a hundred columns', () => {
    const [n, d] = [1000, 100];
    const rows = normals(4, n * d, 2);
    const r = factor(5, d);
    const screen = new EnergyScreen(r, d);
    screen.add(rows, n);
    const { picks } = screen.select(40, { distinct: false });
    let posterior = r;
    const taken = new Set<number>();
    for (const { index, gain } of picks.slice(0, 4)) {
      let best = -1;
      let most = 0;
      for (let i = 0; i < n; i++) {
        const value = taken.has(i) ? 0 : logDetGain(posterior, d, rows.slice(i * d, (i + 1) * d), 1);
        if (value > most) [best, most] = [i, value];
      }
      expect(index).toBe(best);
      expect(gain).toAgree(most, { rtol: 1e-10, why: 'the same gain' });
      taken.add(index);
      posterior = posteriorWith(posterior, d, { rows: rows.slice(index * d, (index + 1) * d), count: 1 });
    }
    const greedy = selectDOptimal(r, d, candidates(rows, n, d), 40, { minShare: 0 });
    expect(picks.map(({ index }) => index)).toEqual(greedy.selected.map(({ index }) => index));
  });

  it('picks in strata as plain greedy that may look at one stratum only', () => {
    const [n, d] = [60, 5];
    for (let seed = 20; seed < 26; seed++) {
      const rows = normals(seed, n * d, 2);
      const r = factor(seed, d);
      const screen = new EnergyScreen(r, d);
      screen.add(rows, n);
      const ofCandidate = Int32Array.from({ length: n }, (_, i) => i % 3);
      const order = Int32Array.from({ length: 12 }, (_, k) => (k * k) % 3);
      const { picks, left } = screen.select(12, { strata: { ofCandidate, order }, distinct: false });
      let posterior = r;
      const taken = new Set<number>();
      const gainOf = (i: number): number => logDetGain(posterior, d, rows.slice(i * d, (i + 1) * d), 1);
      const free = (): number[] => [...Array(n).keys()].filter((i) => !taken.has(i));
      picks.forEach(({ index, gain }, k) => {
        const gains = free()
          .filter((i) => i % 3 === order[k])
          .map((i) => ({ i, gain: gainOf(i) }));
        const best = gains.reduce((top, one) => (one.gain > top.gain ? one : top));
        expect(index).toBe(best.i);
        expect(gain).toAgree(best.gain, { rtol: 1e-9, why: 'the same gain' });
        taken.add(index);
        posterior = posteriorWith(posterior, d, { rows: rows.slice(index * d, (index + 1) * d), count: 1 });
      });
      expect(left).toAgree(Math.max(...free().map(gainOf)), { rtol: 1e-9, why: 'the largest gain that is left' });
    }
  });

  it('leaves out what is the same as a pick, and what is masked', () => {
    const d = 4;
    const base = normals(6, 30 * d, 2);
    const rows = Float64Array.from({ length: 150 * d }, (_, at) => base[(Math.floor(at / d) % 30) * d + (at % d)]!);
    normals(7, rows.length, 1e-4).forEach((shift, at) => {
      rows[at]! += shift;
    });
    const screen = new EnergyScreen(factor(1, d), d);
    screen.add(rows, 150);
    const { picks } = screen.select(40);
    expect(picks).toHaveLength(30);
    expect(new Set(picks.map(({ index }) => index % 30)).size).toBe(30);
    const even = screen.select(10, { may: (index) => index % 2 === 0 }).picks;
    expect(even.every(({ index }) => index % 2 === 0)).toBe(true);
    expect(screen.select(3, { may: () => false })).toEqual({ picks: [], left: 0, certificate: null });
  });

  it('finds strata and fills their quota', () => {
    const [n, d] = [5000, 3];
    const rows = normals(8, n * d);
    for (let i = 0; i < n; i++) for (let v = 0; v < d; v++) rows[i * d + v]! += i % 50 === 0 ? 30 : 0;
    const screen = new EnergyScreen(factor(2, d), d);
    screen.add(rows, n);
    const { ofCandidate, count } = screen.strata(2);
    expect(count).toBe(2);
    expect(ofCandidate.every((stratum, i) => stratum === ofCandidate[i % 50 === 0 ? 0 : 1])).toBe(true);
    // 4900 and 100 structures: roots 70 and 10.
    const order = quotaOrder(ofCandidate, count, 16);
    const { picks, certificate } = screen.select(16, { strata: { ofCandidate, order } });
    expect(picks.filter(({ index }) => index % 50 === 0)).toHaveLength(2);
    expect(picks).toHaveLength(16);
    expect(certificate!).toBeGreaterThan(0);
    // A stratum of two candidates cannot give eight picks: the whole pool does.
    const few = Int32Array.from({ length: n }, (_, i) => (i < 2 ? 1 : 0));
    const forced = screen.select(8, { strata: { ofCandidate: few, order: new Int32Array(8).fill(1) } });
    expect(forced.picks).toHaveLength(8);
    expect(forced.picks.filter(({ index }) => index < 2).length).toBeGreaterThanOrEqual(2);
  });
});

describe('shards', () => {
  const [d, k] = [3, 3];

  function shardOf(r: Float64Array, all: ReturnType<typeof candidates>): { shard: Shard; forwarded: typeof all } {
    const screen = new EnergyScreen(r, d);
    for (const { rows } of all) screen.add(rows, 1);
    const { picks, left } = screen.select(k, { distinct: false });
    return {
      shard: { picks: picks.map(({ index, gain }) => ({ id: all[index]!.id, gain })), left },
      forwarded: picks.map(({ index }) => all[index]!),
    };
  }

  it('merge to a batch whose certificate is honest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), (seed) => {
        const n = 12;
        const all = candidates(normals(seed, n * d, 2), n, d);
        const r = factor(seed + 9, d);
        const parts = [0, 1, 2].map((s) =>
          shardOf(
            r,
            all.filter((_, i) => i % 3 === s),
          ),
        );
        const merged = selectDOptimal(
          r,
          d,
          parts.flatMap(({ forwarded }) => forwarded),
          k,
          { minShare: 0 },
        );
        const chosen = new Set(merged.selected.map(({ id }) => id));
        const total = merged.selected.reduce((sum, { gain }) => sum + gain, 0);
        let posterior = r;
        for (const { id } of merged.selected)
          posterior = posteriorWith(posterior, d, all.find((one) => one.id === id)!);
        const others = parts
          .flatMap(({ forwarded }) => forwarded)
          .filter(({ id }) => !chosen.has(id))
          .map(({ rows }) => logDetGain(posterior, d, rows, 1));
        const certificate = mergedCertificate(
          total,
          chosen,
          parts.map(({ shard }) => shard),
          others,
        )!;
        let best = 0;
        for (let a = 0; a < n; a++) {
          for (let b = a + 1; b < n; b++) {
            for (let c = b + 1; c < n; c++) {
              const rows = Float64Array.from([a, b, c].flatMap((i) => [...all[i]!.rows]));
              best = Math.max(best, logDetGain(r, d, rows, 3));
            }
          }
        }
        expect(total / best).toBeGreaterThanOrEqual(certificate * (1 - 1e-10));
        expect(total / best).toBeGreaterThan(0.63);
        expect(certificate).toBeGreaterThan(0.3);
      }),
      { numRuns: 40 },
    );
  });

  it('say nothing of an empty batch, and are refused when they are broken', () => {
    expect(mergedCertificate(0, new Set(), [], [])).toBeNull();
    const broken: Shard = { picks: [{ id: 'a', gain: Number.NaN }], left: 0 };
    expect(() => mergedCertificate(1, new Set(['b']), [broken], [])).toThrow(
      'gains of a shard must be finite, got NaN for a',
    );
    // A shard whose picks were all taken is bounded by what it left.
    const whole: Shard = { picks: [{ id: 'a', gain: 2 }], left: 0.5 };
    expect(mergedCertificate(2, new Set(['a']), [whole], [])).toBe(0.8);
  });
});
