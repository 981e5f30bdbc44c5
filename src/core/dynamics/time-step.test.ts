import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import {
  approachTimeStep,
  forceTimeStep,
  initialTimeStep,
  nextTimeStep,
  shrinkTimeStep,
  type TimeStepSignals,
  timeStepBound,
  timeStepRule,
  velocityTimeStep,
} from './time-step.ts';

const CALM: TimeStepSignals = {
  mass: 28.085,
  forceSigma: 0.01,
  forceSigmaRate: 0,
  forceSigmaLimit: 0.2,
  speed: 0.01,
  trusted: true,
};

interface TimeStepGolden {
  D: {
    D4_time_step: {
      dt_force: { m_u: number; sigma_F: number; c: number; dx: number; dt_fs: number }[];
      dt_hit: { u: number; u_max: number; u_dot_per_fs: number; eta: number; dt_fs: number };
    };
  };
}

describe('the bounds', () => {
  it('have the reference values', () => {
    const { dt_force, dt_hit } = golden<TimeStepGolden>('reference-values').D.D4_time_step;
    for (const { m_u, sigma_F, c, dx, dt_fs } of dt_force) {
      expect(forceTimeStep(m_u, sigma_F, dx, c)).toAgree(dt_fs, { rtol: 1e-9, why: 'same formula, same unit factor' });
    }
    const hit = approachTimeStep(dt_hit.u, dt_hit.u_max, dt_hit.u_dot_per_fs, dt_hit.eta);
    expect(hit).toAgree(dt_hit.dt_fs, { rtol: 1e-9, why: 'same formula' });
  });

  it('move an atom by the allowed distance', () => {
    expect(velocityTimeStep(0.05) * 0.05).toAgree(0.1, { rtol: 1e-15, why: 'distance = speed × time' });
  });

  it('do not bind for certain forces, resting atoms or falling signals', () => {
    const rest = { ...CALM, forceSigma: 0, speed: 0, forceSigmaRate: -1 };
    expect(timeStepBound(rest, timeStepRule(2))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('nextTimeStep', () => {
  const rule = timeStepRule(2);

  it('keeps the longest step while calm', () => {
    let state = initialTimeStep(rule);
    for (let s = 0; s < 5; s++) state = nextTimeStep(state, CALM, rule);
    expect(state).toMatchObject({ dt: 2, ceiling: 2, clamped: 0 });
  });

  it('shrinks at once and grows by a tenth per step', () => {
    const fast = nextTimeStep(initialTimeStep(rule), { ...CALM, speed: 0.1 }, rule);
    expect(fast.dt).toAgree(1, { rtol: 1e-15, why: '0.1 Å at 0.1 Å/fs' });
    let state = fast;
    const steps: number[] = [];
    for (let s = 0; s < 9; s++) {
      state = nextTimeStep(state, CALM, rule);
      steps.push(state.dt);
    }
    expect(steps.slice(0, 3)).toAgree([1.1, 1.21, 1.331], { rtol: 1e-14, why: 'growth of 1.1 per step' });
    expect(steps.at(-1)).toBe(2);
  });

  it('counts the steps at the clamp', () => {
    let state = initialTimeStep(rule);
    for (let s = 0; s < 20; s++) state = nextTimeStep(state, { ...CALM, speed: 10 }, rule);
    expect(state).toMatchObject({ dt: 0.2, clamped: 20 });
    expect(nextTimeStep(state, CALM, rule).clamped).toBe(0);
  });

  it('takes NaN for the worst', () => {
    expect(nextTimeStep(initialTimeStep(rule), { ...CALM, forceSigma: Number.NaN }, rule)).toMatchObject({
      dt: 0.2,
      clamped: 1,
    });
  });

  it('restores the longest step after a quiet window that follows a rollback', () => {
    let state = shrinkTimeStep(initialTimeStep(rule), rule);
    expect(state).toMatchObject({ dt: 1, ceiling: 1 });
    for (let s = 0; s < rule.quietWindow - 1; s++) state = nextTimeStep(state, CALM, rule);
    expect(state).toMatchObject({ dt: 1, ceiling: 1 });
    state = nextTimeStep(state, { ...CALM, trusted: false }, rule);
    for (let s = 0; s < rule.quietWindow - 1; s++) state = nextTimeStep(state, CALM, rule);
    expect(state.ceiling).toBe(1);
    for (let s = 0; s < 10; s++) state = nextTimeStep(state, CALM, rule);
    expect(state).toMatchObject({ dt: 2, ceiling: 2 });
  });

  it('does not lengthen a step that was short before the rollback', () => {
    const fast = nextTimeStep(initialTimeStep(rule), { ...CALM, speed: 0.25 }, rule);
    expect(shrinkTimeStep(fast, rule)).toMatchObject({ dt: fast.dt, ceiling: 1 });
  });

  it('halves the ceiling again at every rollback, down to the shortest step', () => {
    let state = initialTimeStep(rule);
    for (let s = 0; s < 10; s++) state = shrinkTimeStep(state, rule);
    expect(state.ceiling).toBe(0.2);
  });

  it('stays within its limits whatever the signals are', () => {
    const number = fc.double({ min: 0, max: 1e3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number, fc.boolean(), fc.boolean()), { maxLength: 60 }), (series) => {
        let state = initialTimeStep(rule);
        for (const [forceSigma, speed, trusted, rollback] of series) {
          const next = rollback
            ? shrinkTimeStep(state, rule)
            : nextTimeStep(state, { ...CALM, forceSigma, speed, trusted }, rule);
          expect(next.dt).toBeGreaterThanOrEqual(0.2);
          expect(next.dt).toBeLessThanOrEqual(2);
          if (!rollback) expect(next.dt).toBeLessThanOrEqual(state.dt * 1.1);
          state = next;
        }
      }),
    );
  });

  it('refuses a step that is not positive', () => {
    expect(() => timeStepRule(0)).toThrow('time step must be positive and finite, got 0 fs');
    expect(() => timeStepRule(Number.NaN)).toThrow('got NaN fs');
  });
});
