import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simpleCubic } from '../../../test/support/toy-potentials.ts';
import { assessmentPlans, type Conditions, explorationPlans, requireConditions, widenConditions } from './plans.ts';

const STARTS = [simpleCubic(1, 4), simpleCubic(2, 4), simpleCubic(1, 5)];
const RANGE: Conditions = { temperatures: { low: 300, high: 1500 }, strain: { diagonal: 0.06, shear: 0.03 } };
const LENGTH = { steps: 400, timeStep: 2 };

describe('explorationPlans', () => {
  it('puts one temperature into every slice of the range', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 1000 }), (count, seed) => {
        const plans = explorationPlans(STARTS, RANGE, count, 0, seed, LENGTH);
        const slices = plans.map(({ temperature }) => Math.floor(((temperature - 300) / 1200) * count));
        expect(slices.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      }),
    );
  });

  it('spreads every starting structure over the temperatures', () => {
    const plans = explorationPlans(STARTS, RANGE, 12, 0, 1, LENGTH);
    for (const start of [0, 1, 2]) {
      const own = plans.filter((plan) => plan.start === start);
      expect(own.length).toBe(4);
      const quarters = own.map(({ temperature }) => Math.floor(((temperature - 300) / 1200) * 4)).sort();
      expect(quarters).toEqual([0, 1, 2, 3]);
      expect(own.every(({ structure }) => structure === STARTS[start])).toBe(true);
    }
  });

  it('crosses a list of temperatures with all starting structures', () => {
    const temperatures = { values: [300, 900, 1500] };
    const plans = explorationPlans(STARTS, { ...RANGE, temperatures }, 9, 0, 1, LENGTH);
    expect(new Set(plans.map(({ temperature, start }) => `${temperature} ${start}`)).size).toBe(9);
    // Fewer walkers than combinations still meet every temperature and every structure.
    const few = explorationPlans(STARTS, { ...RANGE, temperatures }, 3, 0, 1, LENGTH);
    expect(new Set(few.map(({ temperature }) => temperature)).size).toBe(3);
    expect(new Set(few.map(({ start }) => start)).size).toBe(3);
  });

  it('draws strains inside their ranges, another one per walker and round', () => {
    const rounds = [0, 1].map((round) => explorationPlans(STARTS, RANGE, 6, round, 1, LENGTH));
    const strains = rounds.flat().map(({ strain }) => strain);
    expect(new Set(strains.map((strain) => strain.join())).size).toBe(12);
    for (const strain of strains) {
      for (const [k, e] of strain.entries()) expect(Math.abs(e)).toBeLessThanOrEqual(k % 4 === 0 ? 0.06 : 0.03);
    }
  });

  it('is plain data that depends on its arguments alone', () => {
    const plans = explorationPlans(STARTS, RANGE, 5, 2, 9, LENGTH);
    expect(explorationPlans(STARTS, RANGE, 5, 2, 9, LENGTH)).toEqual(plans);
    expect(structuredClone(plans)).toEqual(plans);
    expect(explorationPlans(STARTS, RANGE, 5, 2, 10, LENGTH)).not.toEqual(plans);
    expect(plans[3]).toMatchObject({ walker: 3, round: 2, steps: 400, timeStep: 2 });
    expect(explorationPlans(STARTS, RANGE, 0, 2, 9, LENGTH)).toEqual([]);
  });

  it('refuses what makes no sense', () => {
    expect(() => explorationPlans([], RANGE, 1, 0, 1, LENGTH)).toThrow('structures must hold at least one, got none');
    expect(() => explorationPlans(STARTS, RANGE, -1, 0, 1, LENGTH)).toThrow('number of walkers must be an integer');
    expect(() => explorationPlans(STARTS, RANGE, 1, 0, 1, { steps: 0, timeStep: 2 })).toThrow(
      'number of steps must be an integer',
    );
    expect(() => explorationPlans(STARTS, RANGE, 1, 0, 1, { steps: 1, timeStep: -2 })).toThrow(
      'time step must be positive',
    );
  });
});

describe('assessmentPlans', () => {
  it('draws the times of the frames evenly over the last part', () => {
    const plans = assessmentPlans(STARTS, RANGE, 20, 0, 3, { steps: 400, timeStep: 2, firstShare: 0.5 });
    const slices = plans.map(({ frameStep }) => Math.floor((frameStep - 201) / 10)).sort((a, b) => a - b);
    expect(slices).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('has times independent of the temperatures', () => {
    const plans = assessmentPlans(STARTS, RANGE, 400, 0, 3, LENGTH);
    const mean = (values: number[]) => values.reduce((sum, v) => sum + v / values.length, 0);
    const t = plans.map(({ temperature }) => temperature);
    const s = plans.map(({ frameStep }) => frameStep);
    const covariance = (a: number[], b: number[]) => mean(a.map((x, i) => (x - mean(a)) * (b[i]! - mean(b))));
    const correlation = covariance(t, s) / Math.sqrt(covariance(t, t) * covariance(s, s));
    expect(correlation).toAgree(0, { atol: 3 / Math.sqrt(400), why: 'three standard errors of a correlation' });
  });

  it('stays within the trajectory', () => {
    for (const steps of [1, 2, 90]) {
      for (const { frameStep } of assessmentPlans(STARTS, RANGE, 30, 0, 3, { steps, timeStep: 2, firstShare: 0.9 })) {
        expect(frameStep).toBeGreaterThanOrEqual(1);
        expect(frameStep).toBeLessThanOrEqual(steps);
      }
    }
  });

  it('shares nothing with the exploration of the same round', () => {
    const explored = explorationPlans(STARTS, RANGE, 6, 0, 3, LENGTH).map(({ temperature }) => temperature);
    const assessed = assessmentPlans(STARTS, RANGE, 6, 0, 3, LENGTH).map(({ temperature }) => temperature);
    expect(assessed.some((temperature) => explored.includes(temperature))).toBe(false);
  });

  it('refuses a share that leaves no time', () => {
    expect(() => assessmentPlans(STARTS, RANGE, 1, 0, 1, { ...LENGTH, firstShare: 1 })).toThrow(
      'must be in [0, 1), got 1',
    );
  });
});

describe('conditions', () => {
  it('are widened at the hot end and in strain', () => {
    expect(widenConditions(RANGE, 1.1)).toEqual({
      temperatures: { low: 300, high: 1.1 * 1500 },
      strain: { diagonal: 1.1 * 0.06, shear: 1.1 * 0.03 },
    });
    const list: Conditions = {
      temperatures: { values: [900, 300] },
      strain: { diagonal: 0, shear: 0, volume: [-0.1, 0.05] },
    };
    expect(widenConditions(list, 2)).toEqual({
      temperatures: { values: [1800, 300] },
      strain: { diagonal: 0, shear: 0, volume: [-0.2, 0.1] },
    });
  });

  it.each<[string, Conditions['temperatures']]>([
    ['no temperature', { values: [] }],
    ['absolute zero', { values: [0] }],
    ['a range that falls', { low: 500, high: 300 }],
    ['NaN', { low: Number.NaN, high: 300 }],
  ])('refuse %s', (_, temperatures) => {
    expect(() => requireConditions({ ...RANGE, temperatures })).toThrow(/temperature/);
  });
});
