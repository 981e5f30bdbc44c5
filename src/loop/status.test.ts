import { describe, expect, it } from 'vitest';
import type { LoopState, RoundRecord } from './state.ts';
import { EMPTY_STATE } from './state.ts';
import { learningCurve } from './status.ts';

const criterion = (name: string, value: number | null, upper: number | null, tolerance: number) => ({
  name,
  value,
  upper,
  tolerance,
  met: upper !== null && upper <= tolerance,
});

function round(
  index: number,
  criteria: ReturnType<typeof criterion>[] | null,
  outcomes: ('finished' | 'broken')[] = [],
): RoundRecord {
  return {
    round: index,
    explored:
      outcomes.length === 0
        ? null
        : {
            pool: 'p',
            size: 10,
            walkers: outcomes.map((outcome, walker) => ({
              walker,
              temperature: 300,
              steps: 10,
              plannedSteps: 10,
              outcome,
              reason: '',
              maxForceSigma: 0,
            })),
          },
    pool: null,
    batch: null,
    model: null,
    drawn: { ids: ['a', 'b', 'c', 'd'], censored: index },
    assessed:
      criteria === null
        ? null
        : {
            assessment: 'x',
            frames: 40,
            criteria,
            preconditions: [],
            met: false,
            converged: false,
            reason: '',
            training: 8 * (index + 1),
          },
  };
}

describe('learningCurve', () => {
  const state: LoopState = {
    ...EMPTY_STATE,
    rounds: [
      round(0, [criterion('energyMae', 0.005, 0.007, 0.002), criterion('forceRmse', 0.2, 0.25, 0.09)]),
      round(1, [criterion('energyMae', null, null, 0.002)], ['finished', 'broken', 'broken']),
      round(2, null, ['finished']),
    ],
  };

  it('has a point for every judged round, with the labels its model knew', () => {
    const curve = learningCurve(state);
    expect(curve.map((point) => [point.round, point.labels, point.frames])).toEqual([
      [0, 8, 40],
      [1, 16, 40],
    ]);
    expect(curve[0]!.criteria).toEqual({
      energyMae: { value: 0.005, upper: 0.007 },
      forceRmse: { value: 0.2, upper: 0.25 },
    });
    expect(curve[1]!.criteria.energyMae).toEqual({ value: null, upper: null });
  });

  it('counts the walkers that broke before the round and the share of censored frames', () => {
    const curve = learningCurve(state);
    expect([curve[0]!.walkers, curve[0]!.broken, curve[0]!.censored]).toEqual([0, 0, 0]);
    expect([curve[1]!.walkers, curve[1]!.broken, curve[1]!.censored]).toEqual([3, 2, 0.25]);
  });
});
