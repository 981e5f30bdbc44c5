import { describe, expect, it } from 'vitest';
import { simpleCubic } from '../../../test/support/toy-potentials.ts';
import { structureId } from '../structure/identity.ts';
import type { Structure } from '../structure/structure.ts';
import { coldStartBatch, coldStartPool } from './cold-start.ts';
import { covalentGate, gateRatio } from './distances.ts';
import type { FeatureMatrix } from './farthest-point.ts';
import type { Conditions } from './plans.ts';

const CRYSTAL = simpleCubic(2, 2.6);
const ATOM = simpleCubic(1, 2.6);
const CONDITIONS: Conditions = { temperatures: { low: 300, high: 900 }, strain: { diagonal: 0.06, shear: 0.03 } };
const gate = covalentGate(0.7);

/** Volume and the first coordinate of the last atom. */
function featuresOf(structures: readonly Structure[]): FeatureMatrix {
  const rows = Float64Array.from(
    structures.flatMap(({ cell, positions }) => [cell![0]! * cell![4]!, positions.at(-1)!]),
  );
  return { rows, count: structures.length, columns: 2 };
}

describe('coldStartPool', () => {
  const pool = coldStartPool([CRYSTAL, ATOM], CONDITIONS, { gate, rattled: 5 }, 1);

  it('holds the structures, rattled copies and copies with a short pair, each with its reason', () => {
    // 1 + 5 + 2 of the crystal; an atom alone has no pair: 1 + 5.
    expect(pool.length).toBe(14);
    expect(pool[0]!.structure).toBe(CRYSTAL);
    const reasons = pool.map(({ origin }) => origin.reason);
    expect(reasons[0]).toBe('starting structure 0');
    expect(reasons[1]).toMatch(/^starting structure 0, rattled 0\.\d{3} Å and strained up to \d\.\d %$/);
    expect(reasons.filter((reason) => /, a pair Si–Si pushed to [12]\.\d\d Å$/.test(reason)).length).toBe(2);
    expect(reasons.filter((reason) => reason.startsWith('starting structure 1')).length).toBe(6);
  });

  it('gives every candidate an id and a static origin', () => {
    pool.forEach(({ id, structure, origin }, index) => {
      expect(id).toBe(structureId(structure));
      expect(origin).toMatchObject({
        kind: 'seed',
        round: 0,
        walker: index,
        step: 0,
        temperature: 0,
        signals: {},
        censored: false,
      });
    });
    expect(structuredClone(pool)).toEqual(pool);
  });

  it('has no pair inside its gate', () => {
    for (const { structure } of pool) expect(gateRatio(structure, gate)).toBe(1);
  });

  it('repeats itself, and more copies do not change the others', () => {
    expect(coldStartPool([CRYSTAL, ATOM], CONDITIONS, { gate, rattled: 5 }, 1)).toEqual(pool);
    const larger = new Set(coldStartPool([CRYSTAL, ATOM], CONDITIONS, { gate, rattled: 9 }, 1).map(({ id }) => id));
    expect(pool.every(({ id }) => larger.has(id))).toBe(true);
    const other = coldStartPool([CRYSTAL], CONDITIONS, { gate, rattled: 5, starts: false }, 2);
    expect(other.some(({ id }) => pool.some((candidate) => candidate.id === id))).toBe(false);
  });

  it('leaves equal structures out', () => {
    const same = coldStartPool([CRYSTAL, CRYSTAL], CONDITIONS, { gate, rattled: 0, shortDistance: 0 }, 1);
    expect(same.length).toBe(1);
  });

  it('refuses structures and draws inside the gate', () => {
    expect(() => coldStartPool([CRYSTAL], CONDITIONS, { gate: () => 2.7 }, 1)).toThrow(
      'distances of structure 0 must not be below their gates',
    );
    expect(() => coldStartPool([CRYSTAL], CONDITIONS, { gate: () => 2.59 }, 1)).toThrow(
      'rattle and strain must leave all pairs outside their gates, got none in 100 draws',
    );
    expect(() => coldStartPool([], CONDITIONS, { gate }, 1)).toThrow('structures must hold at least one');
    expect(() => coldStartPool([CRYSTAL], CONDITIONS, { gate, rattled: -1 }, 1)).toThrow(
      'number of rattled copies must be an integer',
    );
  });
});

describe('coldStartBatch', () => {
  const pool = coldStartPool([CRYSTAL], CONDITIONS, { gate }, 1);

  it('chooses candidates that are far apart', () => {
    const batch = coldStartBatch(pool, 5, featuresOf);
    expect(new Set(batch.map(({ id }) => id)).size).toBe(5);
    const volumes = pool.map(({ structure }) => featuresOf([structure]).rows[0]!);
    const chosen = batch.map(({ structure }) => featuresOf([structure]).rows[0]!);
    const spread = (values: number[]) => Math.max(...values) - Math.min(...values);
    expect(spread(chosen)).toBeGreaterThan(0.8 * spread(volumes));
    expect(coldStartBatch(pool, 5, featuresOf)).toEqual(batch);
    expect(coldStartBatch(pool, 3, featuresOf)).toEqual(batch.slice(0, 3));
  });

  it('refuses more than there are, and features of others', () => {
    expect(() => coldStartBatch(pool, 99, featuresOf)).toThrow(
      'number of points must be an integer from 0 to 19, got 99',
    );
    expect(() => coldStartBatch(pool, 2, () => featuresOf([CRYSTAL]))).toThrow(
      'features must have a row for each of 19 candidates, got 1',
    );
  });
});
