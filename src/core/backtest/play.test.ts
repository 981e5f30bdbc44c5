import { describe, expect, it } from 'vitest';
import { syntheticPool } from '../../../test/support/backtest-pools.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { DEFAULT_STRATEGIES } from './choose.ts';
import type { PlaySettings } from './play.ts';
import { labelGrid, playArm } from './play.ts';
import { backtestSplit } from './split.ts';

const { pool } = syntheticPool({ groups: { a: 40, b: 12, c: 8 }, noise: 0.05 });
const splitOf = (of: typeof pool, heldOut: string[] = []) =>
  backtestSplit(of.groups, of.originals, { testShare: 0.25, heldOut, seed: 1 }, 0);
const split = splitOf(pool);
const settings: PlaySettings = {
  initial: 3,
  initialBy: 'random',
  ownInitial: false,
  batch: 4,
  end: 0.5,
  targetGroup: null,
  seed: 5,
};
const play = (strategy: string, run = 0, changed: Partial<PlaySettings> = {}) =>
  playArm(pool, split, { strategy, split: 0, run }, { ...settings, ...changed }, plainKernels);

describe('labelGrid', () => {
  it('goes by batches, then by twice as many, and ends at its share of the pool', () => {
    const grid = labelGrid(261, { ...settings, initial: 5, batch: 5, end: 0.5 });
    expect(grid.slice(0, 3)).toEqual([5, 10, 15]);
    expect(grid.slice(-3)).toEqual([110, 120, 130]);
    expect(grid).toHaveLength(12 + 7);
  });

  it('is one point where the first batch is all', () => {
    expect(labelGrid(6, { ...settings, initial: 5, end: 0.5 })).toEqual([5]);
  });
});

describe('playArm', () => {
  it.each([...DEFAULT_STRATEGIES, 'i-optimal', 'farthest-point', 'k-dpp', 'bald'])(
    'plays %s to its end',
    (strategy) => {
      const { curve, picks, filled, repeats } = play(strategy);
      expect(curve.map(({ labels }) => labels)).toEqual(labelGrid(split.pool.length, settings));
      expect(new Set(picks).size).toBe(picks.length);
      expect(picks.every((f) => split.pool.includes(f))).toBe(true);
      expect([picks.length, repeats, filled]).toEqual([curve.at(-1)!.labels, 0, 0]);
      expect(curve.at(-1)!.atoms).toBe(4 * picks.length);
      expect(curve.at(-1)!.balanced.forces.rmse).toBeLessThan(curve[0]!.balanced.forces.rmse);
      expect(curve.at(-1)!.forces.rmse).toAgree(0.05, { rtol: 0.5, why: 'the noise of the targets is what is left' });
    },
  );

  it('is the same again for the same arm, and another for another run that draws lots', () => {
    expect(play('random')).toEqual(play('random'));
    expect(play('random', 1).picks).not.toEqual(play('random').picks);
    expect(play('random', 0, { seed: 6 }).picks).not.toEqual(play('random').picks);
  });

  it('begins all runs of a split alike unless each is to draw its own', () => {
    const first = (strategy: string, run: number, own: boolean): number[] =>
      play(strategy, run, { ownInitial: own }).picks.slice(0, 3);
    expect(first('random', 1, false)).toEqual(first('d-optimality', 0, false));
    expect(first('random', 1, true)).not.toEqual(first('random', 0, true));
  });

  it('begins with the farthest points where that is asked for', () => {
    const { picks } = play('random', 0, { initialBy: 'farthest-point' });
    expect(new Set(picks.slice(0, 3).map((f) => pool.groups[f]))).toEqual(new Set(['a', 'b', 'c']));
    const own = play('random', 1, { initialBy: 'farthest-point', ownInitial: true });
    expect(own.picks.slice(0, 3)).not.toEqual(picks.slice(0, 3));
  });

  it('does not look at labels before it has chosen them', () => {
    const known = play('d-optimality');
    const chosen = known.picks.slice(0, 7);
    const hidden = new Set(split.pool.filter((f) => !chosen.includes(f)));
    const targets = pool.targets[0]!.map((y, i) => (hidden.has(Math.floor(i / 7)) ? 99 : y));
    const changed = playArm(
      { ...pool, targets: [targets] },
      split,
      { strategy: 'd-optimality', split: 0, run: 0 },
      settings,
      plainKernels,
    );
    expect(changed.picks.slice(0, 7)).toEqual(chosen);
    expect(changed.curve[1]).toEqual(known.curve[1]);
  });

  it('judges groups that are held out, and a target group', () => {
    const arm = { strategy: 'random', split: 0, run: 0 };
    const out = playArm(pool, splitOf(pool, ['c']), arm, { ...settings, targetGroup: 'b' }, plainKernels).curve.at(-1)!;
    expect(out.heldOut!.forces.rmse).toAgree(0.05, { rtol: 0.5, why: 'the noise of the targets' });
    expect(Object.keys(out.heldOut!.groups)).toEqual(['c']);
    expect(out.target!.forces.rmse).toBeGreaterThan(0);
    expect(play('random').curve[0]).toMatchObject({ heldOut: null, target: null });
  });

  it('finds the target group first when it chooses for it', () => {
    const arm = { strategy: 'target-variance', split: 0, run: 0 };
    const { pool: wide } = syntheticPool({ groups: { a: 40, b: 12, c: 12 }, columns: 30, forces: 3, noise: 0.5 });
    const { picks } = playArm(
      { ...wide, ground: wide.groups.indexOf('c') },
      splitOf(wide),
      arm,
      { ...settings, targetGroup: 'c' },
      plainKernels,
    );
    const share = picks.slice(3, 7).filter((f) => wide.groups[f] === 'c').length;
    // By chance it would be one in six.
    expect(share).toBeGreaterThanOrEqual(2);
  });

  it('labels no copy of what is labelled, and counts it where chance does', () => {
    const { pool: copied } = syntheticPool({ groups: { a: 40, b: 12, c: 8 }, noise: 0.05, copies: 5 });
    const own = splitOf(copied);
    expect(own.pool.length).toBe(5 * split.pool.length);
    const run = (strategy: string) =>
      playArm(copied, own, { strategy, split: 0, run: 0 }, { ...settings, end: 0.4 }, plainKernels);
    const chosen = run('stratified-i-optimal');
    const originals = chosen.picks.slice(3).map((f) => copied.originals[f]);
    expect(new Set(originals).size).toBe(originals.length);
    expect(chosen.curve).toHaveLength(labelGrid(split.pool.length, { ...settings, end: 0.4 }).length);
    expect(run('random').picks).toHaveLength(chosen.picks.length);
  });

  it('has calibrated error bars at the end', () => {
    const { calibration, ece } = play('random').curve.at(-1)!;
    expect(ece).toBe(calibration.forces.ece);
    expect(ece).toBeLessThan(0.1);
    expect(calibration.forces.coverage95).toAgree(0.95, { atol: 0.07, why: '84 force components of a normal truth' });
  });

  it('refuses shares that are none and pools that are too small', () => {
    expect(() => play('random', 0, { end: 1.5 })).toThrow(
      'share of the pool to end at must lie between 0 and 1, got 1.5',
    );
    expect(() => play('random', 0, { initial: 45 })).toThrow('pool must hold more than the 45 structures');
    const arm = { strategy: 'random', split: 0, run: 0 };
    expect(() => playArm(pool, { ...split, test: [] }, arm, settings, plainKernels)).toThrow(
      'test set must hold a structure, got none',
    );
  });
});
