import { describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../core/errors.ts';
import { gigabytes, memoryPlan, planLine, requireMemory } from './memory.ts';

describe('memory of a choice', () => {
  it('is about what was measured: 2557 MiB for 2451 functions on two threads', () => {
    expect(memoryPlan(2451, 2).bytes / 2 ** 20).toAgree(2557, { rtol: 0.1, why: 'an estimate' });
  });

  it('grows with the square of the functions and with threads', () => {
    const [one, two, four] = [memoryPlan(1000, 1), memoryPlan(2000, 1), memoryPlan(2000, 4)].map(({ bytes }) => bytes);
    const base = memoryPlan(0, 1).bytes;
    expect((two! - base) / (one! - base)).toAgree(4, { rtol: 1e-12, why: 'a square' });
    expect(four).toBeGreaterThan(two!);
  });

  it('is said beforehand where it is large', () => {
    expect(planLine(memoryPlan(2500, 2))).toBe('');
    expect(planLine(memoryPlan(5000, 2))).toBe('bases of 5000 functions together: about 9.0 GB of memory\n');
  });

  it('is refused where there is less', () => {
    const plan = memoryPlan(5000, 2);
    expect(() => requireMemory(plan, plan.bytes)).not.toThrow();
    expect(() => requireMemory(plan, 4e9)).toThrow(
      'free memory must be about 9.0 GB to choose among bases of 5000 functions together, got 4.0 GB; lower --budget or --threads',
    );
    expect(() => requireMemory(plan, 4e9)).toThrow(EnvironmentError);
    expect(() => requireMemory(memoryPlan(100, 1))).not.toThrow();
    expect(gigabytes(2.55e9)).toBe('2.5 GB');
  });
});
