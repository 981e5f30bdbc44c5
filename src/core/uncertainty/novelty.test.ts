import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { fitNovelty, type NoveltyModel, noveltyDistances } from './novelty.ts';

const CUTOFF = 5;
const BOND = 2.35;
const BLOCKS = [0, 6, 24];
const D = 24;

/** Diamond sites around the origin up to `shells` lattice constants. */
function diamondSites(): number[][] {
  const a = (4 * BOND) / Math.sqrt(3);
  const basis = [
    [0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0],
    [0.25, 0.25, 0.25], [0.25, 0.75, 0.75], [0.75, 0.25, 0.75], [0.75, 0.75, 0.25],
  ] as const; // biome-ignore format: a table
  const sites: number[][] = [];
  for (let i = -3; i <= 3; i++) {
    for (let j = -3; j <= 3; j++) {
      for (let k = -3; k <= 3; k++) {
        for (const [x, y, z] of basis) {
          const site = [(i + x) * a, (j + y) * a, (k + z) * a];
          const r = Math.hypot(...site);
          if (r > 0.1 && r < 13) sites.push(site);
        }
      }
    }
  }
  return sites;
}
const SITES = diamondSites();

/** Toy invariants: six radial sums, then a power spectrum (n, n' ≤ 3, l ≤ 2): of second order in the neighbours. */
function invariants(neighbors: readonly (readonly number[])[]): number[] {
  const inside = neighbors
    .map((site) => ({ site, r: Math.hypot(...site) }))
    .filter(({ r }) => r < CUTOFF)
    .map(({ site, r }) => {
      const x = r / CUTOFF;
      const cut = (1 - x * x) * (1 - x * x);
      return { unit: site.map((c) => c / r), g: [1, 2, 3, 4, 5, 6].map((n) => (Math.sin(n * Math.PI * x) / r) * cut) };
    });
  const out = [0, 1, 2, 3, 4, 5].map((n) => inside.reduce((sum, { g }) => sum + g[n]!, 0));
  const legendre = [() => 1, (c: number) => c, (c: number) => 1.5 * c * c - 0.5];
  for (let n = 0; n < 3; n++) {
    for (let m = 0; m <= n; m++) {
      for (const p of legendre) {
        let sum = 0;
        for (const a of inside) {
          for (const b of inside) {
            const cos = a.unit.reduce((s, c, k) => s + c * b.unit[k]!, 0);
            sum += a.g[n]! * b.g[m]! * p(cos);
          }
        }
        out.push(sum);
      }
    }
  }
  return out;
}

/** A rattled diamond environment with distances scaled; `moved` displaces the central atom along one bond. */
function environment(stream: RandomStream, rattle: number, scale = 1): number[] {
  return invariants(SITES.map((site) => site.map((c) => scale * c + rattle * stream.normal())));
}

function rowsOf(count: number, make: (i: number) => number[]): Float64Array {
  return Float64Array.from(Array.from({ length: count }, (_, i) => make(i)).flat());
}

const stream = new RandomStream(11, 'novelty');
const trainingRows = rowsOf(300, () => environment(stream, 0.1, 1 + 0.02 * stream.normal()));
const bulk = fitNovelty(trainingRows, 300, D, BLOCKS)!;
const one = (model: NoveltyModel, row: number[]) => noveltyDistances(model, Float64Array.from(row), 1)[0]!;

describe('fitNovelty', () => {
  it('finds the training set and fresh frames of its kind trusted', () => {
    const inside = noveltyDistances(bulk, trainingRows, 300);
    expect(Math.max(...inside)).toBeLessThan(1);
    const fresh = new RandomStream(12, 'novelty');
    const rows = rowsOf(200, () => environment(fresh, 0.1, 1 + 0.02 * fresh.normal()));
    const values = noveltyDistances(bulk, rows, 200);
    expect(values.filter((value) => value > 1).length).toBeLessThanOrEqual(2);
    expect(values.reduce((a, b) => a + b, 0) / 200).toBeGreaterThan(0.15);
  });

  it('flags compressed and stretched environments all the way to the cutoff', () => {
    const scan = new RandomStream(13, 'novelty');
    for (const scale of [0.5, 0.6, 0.7, 0.8, 1.4, 1.6, 1.8, 1.9, 2.0, 2.05, 2.1]) {
      expect(one(bulk, environment(scan, 0.02, scale)), `bonds × ${scale}`).toBeGreaterThan(1);
    }
    // Log norms grow without bound as the last neighbours leave, where the invariants themselves vanish.
    expect(one(bulk, environment(scan, 0.001, 2.12))).toBeGreaterThan(one(bulk, environment(scan, 0.001, 1.9)));
  });

  it('flags missing neighbours, surfaces and other coordination', () => {
    const thin = SITES.filter(([, , z]) => z! < 0.1);
    expect(one(bulk, invariants(thin))).toBeGreaterThan(1);
    const dimer = [[BOND, 0, 0]];
    expect(one(bulk, invariants(dimer))).toBeGreaterThan(1);
    expect(one(bulk, invariants([[CUTOFF - 1e-6, 0, 0]]))).toBeGreaterThan(1);
  });

  it('gives ∞ to an atom without neighbours and NaN to NaN', () => {
    const rows = new Float64Array(2 * D);
    rows[D + 3] = Number.NaN;
    const [lonely, broken] = noveltyDistances(bulk, rows, 2);
    expect(lonely).toBe(Infinity);
    expect(broken).toBeNaN();
  });

  it('does not let one bad row touch the others', () => {
    const rows = Float64Array.of(...trainingRows.subarray(0, D), ...new Float64Array(D).fill(Number.NaN));
    expect(noveltyDistances(bulk, rows, 2)[0]).toBe(noveltyDistances(bulk, trainingRows, 1)[0]);
  });

  it('is indifferent to the units of the invariants', () => {
    const factors = Float64Array.from({ length: D }, (_, v) => Math.exp((((v * 7) % 11) - 5) / 2));
    const scaled = trainingRows.map((value, k) => value * factors[k % D]!);
    const other = fitNovelty(scaled, 300, D, BLOCKS)!;
    const probe = environment(new RandomStream(1, 'probe'), 0.1, 1.3);
    expect(
      one(
        other,
        probe.map((value, v) => value * factors[v]!),
      ),
    ).toAgree(one(bulk, probe), {
      rtol: 1e-6,
      why: 'columns are brought to their training size first; the subspace iteration stops at 1e-8',
    });
  });

  it('works with far fewer atoms than invariants', () => {
    for (const count of [1, 2, 3, 8, 16, 64]) {
      const few = fitNovelty(trainingRows.slice(0, count * D), count, D, BLOCKS)!;
      expect(Math.max(...noveltyDistances(few, trainingRows, count)), `${count} atoms`).toBeLessThan(1);
      const scan = new RandomStream(14, 'novelty');
      for (const scale of [0.6, 1.6, 2.0]) expect(one(few, environment(scan, 0.02, scale))).toBeGreaterThan(1);
      if (count >= 16) {
        const fresh = new RandomStream(15, 'novelty');
        const values = Array.from({ length: 60 }, () => one(few, environment(fresh, 0.1, 1 + 0.02 * fresh.normal())));
        expect(values.filter((value) => value > 1).length, `${count} atoms`).toBeLessThanOrEqual(6);
      }
    }
  });

  it('survives identical rows and empty blocks', () => {
    const crystal = environment(new RandomStream(1, 'x'), 0);
    const same = fitNovelty(
      rowsOf(8, () => crystal),
      8,
      D,
      BLOCKS,
    )!;
    expect(one(same, crystal)).toBeLessThan(1e-3);
    expect(one(same, environment(new RandomStream(1, 'x'), 0, 1.2))).toBeGreaterThan(1);
    const pairsOnly = fitNovelty(
      rowsOf(40, (i) => [1 + 0.01 * i, 2, 3, 4, 5, 6, ...new Array(18).fill(0)]),
      40,
      D,
      BLOCKS,
    )!;
    expect(one(pairsOnly, [1.2, 2, 3, 4, 5, 6, ...new Array(18).fill(0)])).toBeLessThan(1);
    expect(one(pairsOnly, [1.2, 2, 3, 4, 5, 6, ...new Array(18).fill(0.01)])).toBeGreaterThan(1);
  });

  it('leaves out whole structures when told to', () => {
    // Two structures that differ: left out together, each is news to the other.
    const rows = rowsOf(80, (i) => environment(new RandomStream(i, 'groups'), 0.05, i < 40 ? 0.97 : 1.03));
    const single = fitNovelty(rows, 80, D, BLOCKS)!;
    const grouped = fitNovelty(rows, 80, D, BLOCKS, {
      groups: Array.from({ length: 80 }, (_, i) => (i < 40 ? 0 : 1)),
    })!;
    expect(grouped.threshold).toBeGreaterThan(1.5 * single.threshold);
  });

  it('is plain data and deterministic', () => {
    expect(structuredClone(bulk)).toEqual(bulk);
    expect(fitNovelty(trainingRows, 300, D, BLOCKS)).toEqual(bulk);
    const capped = fitNovelty(trainingRows, 300, D, BLOCKS, { maxRows: 100, maxChannels: 6 })!;
    expect(capped.components).toBe(4);
    expect(Math.max(...noveltyDistances(capped, trainingRows, 300))).toBeLessThan(1.5);
  });

  it('returns null for isolated atoms only and refuses what it cannot read', () => {
    expect(fitNovelty(new Float64Array(2 * D), 2, D, BLOCKS)).toBeNull();
    expect(() => fitNovelty(trainingRows, 300, D, [0, 6])).toThrow(
      'blocks must ascend from 0 to the number of columns 24',
    );
    expect(() => fitNovelty(new Float64Array(3), 300, D, BLOCKS)).toThrow('invariants must hold 7200 numbers, got 3');
    expect(() => fitNovelty(new Float64Array(D).fill(Number.NaN), 1, D, BLOCKS)).toThrow(
      'invariants must be finite, got NaN',
    );
  });

  it('never says trusted of a row far outside of anything seen', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 299 }), fc.double({ min: 1.2, max: 6, noNaN: true }), (i, decades) => {
        const factor = Math.exp(Math.LN10 * decades);
        const row = Array.from(trainingRows.subarray(i * D, (i + 1) * D));
        expect(
          one(
            bulk,
            row.map((value) => value * factor),
          ),
        ).toBeGreaterThan(1);
        expect(
          one(
            bulk,
            row.map((value) => value / factor),
          ),
        ).toBeGreaterThan(1);
      }),
      { numRuns: 40 },
    );
  });
});
