import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { qrUpper } from '../numerics/qr.ts';
import type { CandidatePool, CandidateRows, CommitteeOutputs } from './acquisition.ts';
import { memoryPool } from './pool.ts';
import { selectFromPool } from './select.ts';
import { STRATEGIES, STRATEGY_TABLE } from './strategies.ts';
import { findTwins } from './twins.ts';

const ATOMS = 4;
const COLUMNS = 6;

/** Descriptors of four atoms on a ring: mean over pairs of powers of cosines, even about the perfect ring as in crystals. */
function describeRing(x: Float64Array): { values: Float64Array; jacobian: Float64Array } {
  const values = new Float64Array(COLUMNS);
  const jacobian = new Float64Array(x.length * COLUMNS);
  for (let i = 0; i < ATOMS; i++) {
    for (let j = 0; j < i; j++) {
      const [dx, dy] = [x[2 * i]! - x[2 * j]!, x[2 * i + 1]! - x[2 * j + 1]!];
      for (let v = 0; v < COLUMNS; v++) {
        const k = 0.4 * (v + 1);
        const phase = k * (dx * dx + dy * dy);
        values[v]! += Math.cos(phase);
        for (const [axis, d] of [
          [0, dx],
          [1, dy],
        ] as const) {
          const slope = -Math.sin(phase) * 2 * k * d;
          jacobian[(2 * i + axis) * COLUMNS + v]! += slope;
          jacobian[(2 * j + axis) * COLUMNS + v]! -= slope;
        }
      }
    }
  }
  return { values, jacobian };
}

/** Rings, perfect (every third, of some size) or rattled by about 0.1 Å. */
function ring(seed: number): Float64Array {
  const stream = new RandomStream(seed, 'ring');
  const size = 1 + 0.02 * seed;
  const square = [0, 0, 1, 0, 1, 1, 0, 1];
  return Float64Array.from(square, (value) => size * value + (seed % 3 === 0 ? 0 : 0.1 * stream.normal()));
}

/** Every structure `copies` times, each copy moved by `jitter` Å at random. */
function jittered(structures: number, copies: number, jitter: number): { pool: CandidatePool; original: number[] } {
  const candidates: CandidateRows[] = [];
  const original: number[] = [];
  const descriptors: number[] = [];
  const norms: number[] = [];
  const committee: CommitteeOutputs[] = [];
  const stream = new RandomStream(11, 'jitter');
  for (let s = 0; s < structures; s++) {
    for (let c = 0; c < copies; c++) {
      const x = ring(s).map((value) => value + (c === 0 ? 0 : jitter * stream.normal()));
      const { values, jacobian } = describeRing(x);
      const rows = new Float64Array((1 + x.length) * COLUMNS);
      rows.set(values.map((value) => value / 0.02));
      rows.set(
        jacobian.map((value) => value / 0.1),
        COLUMNS,
      );
      candidates.push({
        id: `s${s}-${c}`,
        rows,
        count: 1 + x.length,
        kinds: { energy: 1, forces: x.length, virial: 0 },
      });
      original.push(s);
      descriptors.push(...values.map((value) => value / ATOMS));
      norms.push(Math.hypot(...jacobian) / ATOMS);
      committee.push({ predictions: Float64Array.of(values[0]!, values[1]!, values[2]!), outputs: 1, members: 3 });
    }
  }
  const count = candidates.length;
  const prior = qrUpper(
    Float64Array.from({ length: COLUMNS * COLUMNS }, (_, k) => (k % (COLUMNS + 1) === 0 ? 1 : 0)),
    COLUMNS,
    COLUMNS,
  );
  const pool = memoryPool({ r: prior, labelled: null }, candidates, {
    atoms: candidates.map(() => ATOMS),
    descriptors: { rows: Float64Array.from(descriptors), count, columns: COLUMNS },
    displacementNorms: Float64Array.from(norms),
    committee,
  });
  return { pool, original };
}

describe('structures that are the same', () => {
  const { pool, original } = jittered(20, 5, 1e-4);
  const targets = { rows: Float64Array.of(1, 0, 0, 0, 0, 0), count: 1 };

  it('are found, and no other: one of each stays', () => {
    const dropped = findTwins(pool);
    expect(dropped).toHaveLength(80);
    expect(new Set(dropped.map(({ index }) => original[index])).size).toBe(20);
    expect(dropped[0]).toEqual({ index: 1, reason: 'the same structure as s0-0' });
    for (const { index, reason } of dropped) expect(reason).toContain(`s${original[index]}-`);
    // Displacements of 0.01 Å make another structure, by the default of 0.001 Å.
    expect(findTwins(jittered(20, 5, 1e-2).pool).length).toBeLessThan(4);
    expect(findTwins(jittered(20, 5, 1e-2).pool, 0.1).length).toBeGreaterThan(60);
  });

  it.each(STRATEGIES)('are never picked twice by %s', (name) => {
    const { selected, excluded } = selectFromPool(name, pool, 12, { targets, minShare: 0, seed: 5 });
    expect(excluded).toHaveLength(80);
    expect(selected.length).toBeGreaterThan(name === 'k-dpp' || name === 'k-dpp-map' ? 3 : 11);
    const picked = selected.map(({ index }) => original[index]);
    expect(new Set(picked).size).toBe(picked.length);
    for (const { id, index, reason } of selected) {
      expect(pool.candidates[index]!.id).toBe(id);
      expect(reason.length).toBeGreaterThan(10);
    }
  });

  it('are not labelled again', () => {
    const labelled = { rows: pool.descriptors!.rows.slice(0, 5 * COLUMNS), count: 5, columns: COLUMNS };
    const known: CandidatePool = { ...pool, learner: { ...pool.learner, labelled } };
    const dropped = findTwins(known);
    expect(dropped.slice(0, 5).map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(dropped[0]!.reason).toMatch(/^the same structure as labelled structure \d$/);
    expect(dropped).toHaveLength(81);
  });

  it('are told by the spread of the pool where displacement norms are not known', () => {
    const without: CandidatePool = { ...pool, displacementNorms: null };
    const dropped = findTwins(without);
    const kept = [...pool.candidates.keys()].filter((index) => !dropped.some((one) => one.index === index));
    expect(new Set(kept.map((index) => original[index])).size).toBe(20);
    expect(dropped.length).toBeGreaterThan(70);
    expect(findTwins({ ...without, descriptors: null })).toEqual([]);
  });

  it('do not hide behind a mask, and a mask is respected', () => {
    const masked: CandidatePool = {
      ...pool,
      candidates: pool.candidates.map((one, i) => (i % 5 === 0 ? { ...one, excluded: 'mask' } : one)),
    };
    const { selected, excluded } = selectFromPool('d-optimality', masked, 12, { minShare: 0 });
    expect(selected.every(({ index }) => index % 5 !== 0)).toBe(true);
    expect(selected).toHaveLength(12);
    expect(excluded!.filter(({ reason }) => reason === 'mask')).toHaveLength(20);
    const nothing = { ...pool, candidates: pool.candidates.map((one) => ({ ...one, excluded: 'no' })) };
    expect(selectFromPool('random', nothing, 3)).toMatchObject({ selected: [], certificate: null });
  });
});

describe('the table of strategies', () => {
  const bare = memoryPool({ r: Float64Array.of(1), labelled: null }, [
    { id: 'a', rows: Float64Array.of(1), count: 1 },
    { id: 'b', rows: Float64Array.of(2), count: 1 },
  ]);

  it('says what each needs, and each says what it misses', () => {
    for (const name of STRATEGIES) {
      const { needs, summary, gain } = STRATEGY_TABLE[name];
      expect(`${summary} ${gain}`).toMatch(/\w+/);
      const choose = () => selectFromPool(name, bare, 1);
      if (needs.length === 0) expect(choose().selected).toHaveLength(1);
      else expect(choose, name).toThrow(/must (have|be)/);
    }
  });

  it('refuses a pool that does not fit together', () => {
    const row = { id: 'a', rows: Float64Array.of(1), count: 1 };
    const learner = { r: Float64Array.of(1), labelled: null };
    const two = { rows: new Float64Array(4), count: 2, columns: 2 };
    expect(() => memoryPool(learner, [row], { descriptors: two })).toThrow(
      'descriptors must be 1 × 2 numbers, got 2 × 2',
    );
    const broken = { rows: Float64Array.of(1, Number.NaN), count: 1, columns: 2 };
    expect(() => memoryPool(learner, [row], { descriptors: broken })).toThrow(
      'descriptors must be finite, got NaN in row 0',
    );
    const wide = { ...learner, labelled: { rows: new Float64Array(3), count: 1, columns: 3 } };
    const one = { rows: Float64Array.of(1, 2), count: 1, columns: 2 };
    expect(() => memoryPool(wide, [row], { descriptors: one })).toThrow('labelled descriptors must be 1 × 2 numbers');
    const kinds = { energy: 1, forces: 1, virial: 0 };
    expect(() => memoryPool(learner, [{ ...row, kinds }])).toThrow(
      'rows of candidate a must hold 2 × 1 numbers, got 1',
    );
    expect(() => bare.rows(0, 'forces')).toThrow(
      'rows of candidate a must be told apart by kind to give those of forces',
    );
  });
});

describe('findTwins', () => {
  /** Which candidates stay, by comparing all pairs in the order of ids. */
  function plainly(
    points: readonly number[],
    norms: readonly number[],
    ids: readonly string[],
    same: number,
  ): number[] {
    const stays: number[] = [];
    for (const i of [...points.keys()].sort((a, b) => (ids[a]! < ids[b]! ? -1 : 1))) {
      const isTwin = stays.some(
        (j) =>
          Math.abs(points[i]! - points[j]!) <=
          Math.max(same * Math.max(norms[i]!, norms[j]!), 1e-9 * Math.max(Math.abs(points[i]!), Math.abs(points[j]!))),
      );
      if (!isTwin) stays.push(i);
    }
    return stays.sort((a, b) => a - b);
  }

  it('leaves what a comparison of all pairs leaves', () => {
    const place = fc.integer({ min: -40, max: 40 });
    const norm = fc.constantFrom(0, 1, 20);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(place, norm), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 0, max: 99 }),
        (list, seed) => {
          const points = list.map(([x]) => 0.1 * x);
          const norms = list.map(([, eta]) => eta);
          const order = new RandomStream(seed, 'ids').permutation(list.length);
          const ids = Array.from(order, (k) => `t${String(k).padStart(2, '0')}`);
          const pool = memoryPool(
            { r: Float64Array.of(1), labelled: null },
            ids.map((id) => ({ id, rows: new Float64Array(0), count: 0 })),
            {
              descriptors: { rows: Float64Array.from(points), count: points.length, columns: 1 },
              displacementNorms: Float64Array.from(norms),
            },
          );
          const out = new Set(findTwins(pool, 0.011).map(({ index }) => index));
          expect([...points.keys()].filter((i) => !out.has(i))).toEqual(plainly(points, norms, ids, 0.011));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('costs little for many', () => {
    const count = 20000;
    const stream = new RandomStream(1, 'many');
    const rows = Float64Array.from({ length: 2 * count }, () => 100 * stream.normal());
    const pool = memoryPool(
      { r: Float64Array.of(1), labelled: null },
      Array.from({ length: count }, (_, i) => ({ id: `m${i}`, rows: new Float64Array(0), count: 0 })),
      { descriptors: { rows, count, columns: 2 }, displacementNorms: new Float64Array(count).fill(1) },
    );
    expect(findTwins(pool, 1e-4).length).toBeLessThan(20);
  });
});
