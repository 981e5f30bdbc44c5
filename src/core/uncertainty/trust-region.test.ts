import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { automaticForceLimit, classifyTrust, type FrameSignals, trustLimits } from './trust-region.ts';

const calm: FrameSignals = { forceSigma: 0.02, leverage: 1.5, novelty: 0.4, distance: 1.3 };
const limits = trustLimits({ forceRmse: 0.1, trainingLeverage: 10 });

describe('trustLimits', () => {
  it('follows the force error, but not below 0.05 eV/Å', () => {
    expect(limits).toEqual({
      forceSigmaSelect: 0.2,
      forceSigmaBreak: 1,
      noveltySelect: 1,
      noveltyBreak: 5,
      leverageSelect: 20,
      leverageBreak: 100,
    });
    expect(trustLimits({ forceRmse: 0.01 }).forceSigmaSelect).toBe(0.05);
    expect(trustLimits({ forceRmse: Number.NaN }).forceSigmaSelect).toBe(0.05);
    expect(trustLimits({ forceRmse: 0.1 }).leverageSelect).toBe(Infinity);
  });

  it('takes overrides and refuses contradictions', () => {
    const own = trustLimits({ forceRmse: 0.1, overrides: { forceSigmaSelect: 0.3, noveltyBreak: 2 } });
    expect([own.forceSigmaSelect, own.forceSigmaBreak, own.noveltyBreak]).toEqual([0.3, 1.5, 2]);
    expect(() => trustLimits({ forceRmse: 0.1, overrides: { noveltyBreak: 0.5 } })).toThrow(
      'noveltyBreak must be at least noveltySelect and both positive, got 0.5 and 1',
    );
    expect(() => trustLimits({ forceRmse: 0.1, overrides: { forceSigmaSelect: Number.NaN } })).toThrow('both positive');
  });
});

describe('automaticForceLimit', () => {
  it('takes the 0.9 quantile of the last 200 trusted steps within a factor of two', () => {
    const sigmas = Array.from({ length: 1000 }, (_, i) => (i < 800 ? 9 : (i - 799) / 1000));
    expect(automaticForceLimit(0.15, sigmas)).toAgree(0.18, { rtol: 1e-12, why: 'the 180th of 0.001 … 0.2' });
    expect(automaticForceLimit(0.5, sigmas)).toBe(0.25);
    expect(automaticForceLimit(0.05, sigmas)).toBe(0.1);
    expect(automaticForceLimit(0.3, [])).toBe(0.3);
    expect(automaticForceLimit(0.3, [Number.NaN])).toBe(0.3);
    expect(() => automaticForceLimit(0, [1])).toThrow('force sigma limit must be positive, got 0 eV/Å');
  });
});

describe('classifyTrust', () => {
  it('has three states and names the signal that decides', () => {
    expect(classifyTrust(calm, limits)).toMatchObject({ state: 'trusted', value: 0.4, limit: 1 });
    expect(classifyTrust({ ...calm, forceSigma: 0.4132 }, limits)).toEqual({
      state: 'extrapolating',
      reason: 'force sigma 0.413 eV/Å above 0.2',
      value: 0.4132,
      limit: 0.2,
    });
    expect(classifyTrust({ ...calm, novelty: 7 }, limits).reason).toBe('novelty 7 above 5');
    expect(classifyTrust({ ...calm, leverage: 25 }, limits).reason).toBe('leverage 25 above 20');
    expect(classifyTrust({ ...calm, distance: 0.9 }, limits)).toMatchObject({
      state: 'broken',
      reason: 'shortest distance 0.9 of its gate below 1',
    });
  });

  it('lets the worst signal decide', () => {
    const both = classifyTrust({ ...calm, forceSigma: 0.3, novelty: 6 }, limits);
    expect(both).toMatchObject({ state: 'broken', reason: 'novelty 6 above 5' });
    const closer = classifyTrust({ ...calm, forceSigma: 0.3, novelty: 3 }, limits);
    expect(closer).toMatchObject({ state: 'extrapolating', reason: 'novelty 3 above 1' });
  });

  it('counts the limits themselves as inside', () => {
    expect(classifyTrust({ ...calm, forceSigma: 0.2, novelty: 1, leverage: 20, distance: 1 }, limits).state).toBe(
      'trusted',
    );
    expect(classifyTrust({ ...calm, forceSigma: 1, novelty: 5, leverage: 100 }, limits).state).toBe('extrapolating');
  });

  it('breaks on NaN and on infinite signals, except where there is no limit', () => {
    for (const name of ['forceSigma', 'leverage', 'novelty', 'distance'] as const) {
      const verdict = classifyTrust({ ...calm, [name]: Number.NaN }, limits);
      expect(verdict.state).toBe('broken');
      expect(verdict.reason).toContain('is not a number');
    }
    expect(classifyTrust({ ...calm, novelty: Infinity }, limits).state).toBe('broken');
    const free = trustLimits({ forceRmse: 0.1 });
    expect(classifyTrust({ ...calm, leverage: 1e30 }, free).state).toBe('trusted');
  });

  it('never gets better when a signal gets worse', () => {
    const rank = { trusted: 0, extrapolating: 1, broken: 2 };
    const signal = fc.double({ min: 0, max: 200, noNaN: true });
    fc.assert(
      fc.property(
        signal,
        signal,
        signal,
        fc.double({ min: 0, max: 3, noNaN: true }),
        fc.integer({ min: 0, max: 3 }),
        (u, h, n, d, which) => {
          const before = { forceSigma: u / 50, leverage: h, novelty: n / 20, distance: d };
          const name = (['forceSigma', 'leverage', 'novelty', 'distance'] as const)[which]!;
          const after = { ...before, [name]: name === 'distance' ? d * 0.5 : before[name] * 2 };
          const [a, b] = [classifyTrust(before, limits), classifyTrust(after, limits)];
          expect(rank[b.state]).toBeGreaterThanOrEqual(rank[a.state]);
        },
      ),
    );
  });
});
