import { describe, expect, it } from 'vitest';
import { syntheticPool } from '../../../test/support/backtest-pools.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { BALANCED, BatchChooser, DEFAULT_STRATEGIES, isRandomised, requirePlayable } from './choose.ts';

const { pool } = syntheticPool({ groups: { a: 30, b: 6 }, columns: 5, forces: 9, virials: 2 });
const d = pool.columns;
const r = new Float64Array(d * d);
for (let v = 0; v < d; v++) r[v * d + v] = 1;
const state = { fit: { r }, labelled: [0, 1], candidates: [2, 3, 4, 5, 30, 31, 32, 33], size: 4, seed: 1, round: 0 };

describe('BatchChooser', () => {
  it.each([...DEFAULT_STRATEGIES, 'max-force-variance', 'max-energy-variance', 'bald-energy', 'k-dpp-map', 'maxvol'])(
    '%s chooses so many different candidates',
    (strategy) => {
      const chosen = new BatchChooser(pool, strategy, [], plainKernels).choose(state);
      expect(new Set(chosen).size).toBe(4);
      expect(chosen.every((f) => state.candidates.includes(f))).toBe(true);
    },
  );

  it('chooses the same whether or not rows were condensed before', () => {
    const chooser = new BatchChooser(pool, 'd-optimality', [], plainKernels);
    expect(chooser.choose(state)).toEqual(chooser.choose(state));
  });

  it('takes the formation energies of the target frames as targets', () => {
    const chooser = new BatchChooser({ ...pool, ground: 30 }, 'target-variance', [34, 35], plainKernels);
    expect(chooser.choose({ ...state, size: 3 }).every((f) => f >= 30)).toBe(true);
  });

  it('balances over clusters', () => {
    const chosen = new BatchChooser(pool, BALANCED, [], plainKernels).choose({ ...state, size: 4 });
    expect(chosen.filter((f) => f >= 30).length).toBeGreaterThanOrEqual(2);
  });

  it('leaves out what is the same as labelled structures', () => {
    const same = { ...pool, features: new Float64Array(pool.features.length).fill(1) };
    expect(new BatchChooser(same, 'd-optimality', [], plainKernels).choose(state)).toEqual([]);
  });
});

describe('strategies of a back-test', () => {
  it('are known to draw lots or not', () => {
    expect(DEFAULT_STRATEGIES.filter(isRandomised)).toEqual([BALANCED, 'random']);
  });

  it('must exist, and have what they need', () => {
    expect(() => requirePlayable('best', false)).toThrow('strategy must be one of');
    expect(() => requirePlayable('committee-information', false)).toThrow('must not need a committee');
    expect(() => requirePlayable('target-variance', false)).toThrow('must have a target group, got none');
    expect(() => requirePlayable('target-variance', true)).not.toThrow();
  });
});
