import { describe, expect, it } from 'vitest';
import { outcomeComplaint } from './engine-complaint.ts';
import { type EngineOutcome, sumOfForces } from './reference.ts';

const ended: EngineOutcome = { exitCode: 0, signal: null, timedOut: false, seconds: 12.34 };

describe('outcomeComplaint', () => {
  it('is silent about exit code 0 only', () => {
    expect(outcomeComplaint(ended, '')).toBeNull();
    expect(outcomeComplaint(ended, 'warnings on stderr are no failure')).toBeNull();
    for (const change of [{ exitCode: 1 }, { exitCode: null }, { signal: 'SIGKILL' }, { timedOut: true }]) {
      expect(outcomeComplaint({ ...ended, ...change }, '')).not.toBeNull();
    }
  });

  it.each<[Partial<EngineOutcome>, string, string, string]>([
    [{ exitCode: 3 }, '', 'crash', 'ended with exit code 3'],
    [{ exitCode: 3 }, 'first\nlast words\n\n', 'crash', 'ended with exit code 3: last words'],
    [{ exitCode: 3 }, 'reason\n----------------\n', 'crash', 'ended with exit code 3: reason'],
    [{ exitCode: null }, '', 'crash', 'ended without an exit code'],
    [{ exitCode: null, signal: 'SIGSEGV' }, 'noise', 'crash', 'ended by SIGSEGV'],
    [{ exitCode: null, signal: 'SIGTERM', timedOut: true }, '', 'timeout', 'stopped after 12.3 s, the time limit'],
    [{ exitCode: 0, timedOut: true }, '', 'timeout', 'stopped after 12.3 s, the time limit'],
  ])('puts %j into words', (change, stderr, reason, message) => {
    expect(outcomeComplaint({ ...ended, ...change }, stderr)).toEqual({ reason, message });
  });

  it('quotes no more than 200 letters', () => {
    const { message } = outcomeComplaint({ ...ended, exitCode: 1 }, 'x'.repeat(5000))!;
    expect(message).toBe(`ended with exit code 1: ${'x'.repeat(200)}`);
  });
});

describe('sumOfForces', () => {
  it('adds axis by axis and hands on what is no number', () => {
    expect(sumOfForces(Float64Array.of(1, 2, 3, 10, 20, 30))).toEqual([11, 22, 33]);
    expect(sumOfForces(new Float64Array(0))).toEqual([0, 0, 0]);
    expect(sumOfForces(Float64Array.of(1, Number.NaN, 3))).toEqual([1, Number.NaN, 3]);
  });
});
