import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tolerances } from './criteria.ts';
import { type ReachabilityOptions, unreachableTolerances } from './reachable.ts';

const quickstart: Tolerances = {
  energyMae: 0.002,
  forceRmse: 0.09,
  forceEce: 0.08,
  energyEce: 0.15,
  forceWorst: 10,
  energyWorst: 6,
};

const messages = (tolerances: Tolerances, structures: number, options?: ReachabilityOptions) =>
  unreachableTolerances(tolerances, structures, options)
    .map(({ message }) => message)
    .join('; ');

describe('unreachableTolerances', () => {
  it('lets the quickstart through', () => {
    expect(unreachableTolerances(quickstart, 80, { forceComponents: 3840 })).toEqual([]);
  });

  it('names the number that would do', () => {
    expect(messages({ ...quickstart, forceEce: 0.05 }, 80)).toMatch(
      'forceEce tolerance must be at least 0.0671 with 80 assessment structures (a perfectly calibrated model shows that much), or the structures at least 144, got 0.05',
    );
    expect(messages({ ...quickstart, forceWorst: 4 }, 80, { forceComponents: 3840 })).toMatch(
      'forceWorst tolerance must be at least 4.36 with 80 assessment structures (perfect residuals reach that with probability 0.05), got 4',
    );
    expect(messages({ ...quickstart, energyWorst: 3 }, 80)).toMatch('energyWorst tolerance must be at least 3.44 with');
    expect(messages(quickstart, 3, { forceComponents: 48 })).toMatch(
      /assessment structures must be at least \d, or upper bounds are 3\.\d+ times the errors, got 3/,
    );
  });

  it('knows that a bound is wider than the error', () => {
    const options = { smallestErrors: { forceRmse: 0.085, energyMae: 0.001 } };
    const [problem, ...others] = unreachableTolerances(quickstart, 80, options);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ name: 'forceRmse', needed: 0.1 });
    expect(problem!.message).toMatch(/or the structures at least \d+, got 0.09$/);
    const enough = Number(/at least (\d+), got/.exec(problem!.message)![1]);
    expect(unreachableTolerances(quickstart, enough, options)).toEqual([]);
    expect(unreachableTolerances(quickstart, enough - 1, options)).toHaveLength(1);
    const hopeless = unreachableTolerances(quickstart, 80, { smallestErrors: { forceRmse: 0.2 } });
    expect(hopeless[0]!.message).not.toContain('structures at least');
  });

  it('carries every problem and its number', () => {
    const problems = unreachableTolerances({ ...quickstart, forceEce: 0.01, energyEce: 0.01 }, 80);
    expect(problems.map(({ name, needed }) => [name, needed])).toEqual([
      ['forceEce', 0.0671],
      ['energyEce', 0.0671],
    ]);
  });

  it('accepts what it asks for', () => {
    const tolerance = fc.double({ min: 1e-3, max: 8, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 300 }), tolerance, tolerance, tolerance, (n, ece, worst, rmse) => {
        const wanted = { ...quickstart, forceEce: ece, energyWorst: worst, forceRmse: rmse };
        const options = { forceComponents: 30 * n, smallestErrors: { forceRmse: 0.5 } };
        const repaired: Record<string, number> = { ...wanted };
        for (const { name, needed } of unreachableTolerances(wanted, n, options)) repaired[name] = needed;
        expect(unreachableTolerances(repaired as unknown as Tolerances, n, options)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('refuses tolerances and sizes that are no numbers', () => {
    expect(() => unreachableTolerances({ ...quickstart, forceRmse: 0 }, 80)).toThrow(
      'forceRmse tolerance must be positive, got 0',
    );
    expect(() => unreachableTolerances({ ...quickstart, forceRmse: Number.NaN }, 80)).toThrow(
      'must be positive, got NaN',
    );
    expect(() => unreachableTolerances(quickstart, 0)).toThrow(
      'assessment structures must be a positive integer, got 0',
    );
  });
});
