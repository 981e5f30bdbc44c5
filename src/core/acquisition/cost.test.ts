import { describe, expect, it } from 'vitest';
import type { Selection } from './acquisition.ts';
import { betterBargain } from './cost.ts';
import { memoryPool } from './pool.ts';

const rows = [1, 2, 3].map((k) => ({ id: `c${k}`, rows: Float64Array.of(k), count: 1 }));
const pool = memoryPool({ r: Float64Array.of(1), labelled: null }, rows, { costs: [1, 4, 100] });

/** A batch of one candidate with a gain. */
const one = (index: number, gain: number): Selection => ({
  selected: [{ id: `c${index + 1}`, index, gain, reason: '' }],
  certificate: null,
});

describe('betterBargain', () => {
  it('does not ask for costs where they do not count', () => {
    const asked: number[] = [];
    const choose = (power: number): Selection => {
      asked.push(power);
      return one(2, 5);
    };
    expect(betterBargain(pool, {}, choose)).toEqual(one(2, 5));
    expect(betterBargain(pool, { budget: 200 }, choose)).toEqual(one(2, 5));
    expect(asked).toEqual([0, 0]);
    betterBargain(pool, { costAware: true }, choose);
    expect(asked.slice(2)).toEqual([0, 0.5]);
  });

  it('keeps what gains more per root of its cost, or more under a budget', () => {
    const choose = (dear: number, cheap: number) => (power: number) => (power === 0 ? one(2, dear) : one(0, cheap));
    // Ten times the root of the cost: worth it above ten times the gain.
    expect(betterBargain(pool, { costAware: true }, choose(9.9, 1))).toEqual(one(0, 1));
    expect(betterBargain(pool, { costAware: true }, choose(10.1, 1))).toEqual(one(2, 10.1));
    expect(betterBargain(pool, { costAware: true, budget: 100 }, choose(1.1, 1))).toEqual(one(2, 1.1));
    expect(betterBargain(pool, { costAware: true, budget: 100 }, choose(0.9, 1))).toEqual(one(0, 1));
  });

  it('takes an empty batch for worth nothing', () => {
    const empty: Selection = { selected: [], certificate: null };
    expect(betterBargain(pool, { costAware: true }, (power) => (power === 0 ? empty : one(0, 1)))).toEqual(one(0, 1));
    expect(betterBargain(pool, { costAware: true }, (power) => (power === 0 ? one(0, 1) : empty))).toEqual(one(0, 1));
    expect(betterBargain(pool, { costAware: true }, () => empty)).toEqual(empty);
  });
});
