import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { einsteinCrystal, simpleCubic } from '../../../test/support/toy-potentials.ts';
import { RandomStream } from '../random.ts';
import { type Motion, startMotion } from './dynamics.ts';
import { advanceGuard, DEFAULT_GUARD_RULE, type GuardRule, type GuardState, initialGuard, restore } from './guard.ts';
import { langevinStep } from './langevin.ts';
import { maxwellBoltzmann } from './velocities.ts';
import type { TrustState, TrustVerdict } from './verdict.ts';

const CRYSTAL = simpleCubic(2, 4);
const POTENTIAL = einsteinCrystal(CRYSTAL, 3);
const ROLLBACK: GuardRule = { ...DEFAULT_GUARD_RULE, afterBreak: 'rollback' };

function verdict(state: TrustState): TrustVerdict {
  return { state, reason: state, value: 1, limit: 2 };
}

function launch(): Motion {
  const motion = startMotion(CRYSTAL, null, POTENTIAL);
  motion.velocities.set(maxwellBoltzmann(motion.masses, 300, new RandomStream(1, 'guard')));
  return motion;
}

/** Shows the guard a verdict per `interval` steps of 1 fs; the positions carry the step number. */
function feed(states: readonly TrustState[], rule: GuardRule = ROLLBACK, interval = 10) {
  const motion = launch();
  const actions: string[] = [];
  let guard: GuardState = initialGuard();
  for (const state of states) {
    motion.positions[0] = motion.step;
    const outcome = advanceGuard(guard, motion, verdict(state), rule);
    guard = outcome.guard;
    actions.push(`${outcome.decision.step} ${outcome.decision.action}`);
    if (outcome.decision.action === 'stop') break;
    if (outcome.target !== null) restore(motion, outcome.target);
    else {
      motion.step += interval;
      motion.time += interval;
    }
  }
  return { guard, motion, actions };
}

const T = 'trusted';
const E = 'extrapolating';
const B = 'broken';

describe('advanceGuard', () => {
  it('buffers a trusted frame every twenty steps', () => {
    const { actions, guard } = feed([T, T, T, T, T]);
    expect(actions).toEqual(['0 continue', '10 continue', '20 buffer', '30 continue', '40 buffer']);
    expect(guard.checkpoints.map(({ step }) => step)).toEqual([0, 20, 40]);
  });

  it('buffers at most one extrapolating frame per decorrelation time', () => {
    const { actions, guard } = feed([E, E, E, E, E, T, E]);
    expect(actions).toEqual([
      '0 buffer',
      '10 continue',
      '20 continue',
      '30 continue',
      '40 buffer',
      '50 continue',
      '60 continue',
    ]);
    expect(guard.crossing).toBe(60);
    expect(guard.checkpoints.map(({ step }) => step)).toEqual([50]);
  });

  it('goes back to the last trusted frame at least ten steps before the crossing', () => {
    expect(feed([T, T, T, T, B]).motion.step).toBe(20);
    expect(feed([T, T, T, B]).motion.step).toBe(20);
    // The crossing is where trust was lost, not where it broke.
    const { motion, guard, actions } = feed([T, T, T, E, E, B]);
    expect(motion.step).toBe(20);
    expect(actions.at(-1)).toBe('50 rollback');
    expect(guard).toMatchObject({ state: T, crossing: null });
    // A frame fewer than ten steps before the crossing does not count: 25 − 20 < 10.
    expect(feed([T, T, T, T, T, B], ROLLBACK, 5).motion.step).toBe(0);
  });

  it('restores the trusted frame bit for bit', () => {
    const stream = new RandomStream(4, 'guard');
    const motion = launch();
    let guard = advanceGuard(initialGuard(), motion, verdict(T), ROLLBACK).guard;
    for (let s = 0; s < 20; s++) langevinStep(motion, POTENTIAL, { temperature: 300 }, 1, stream);
    const kept = structuredClone(motion);
    guard = advanceGuard(guard, motion, verdict(T), ROLLBACK).guard;
    for (let s = 0; s < 15; s++) langevinStep(motion, POTENTIAL, { temperature: 300 }, 1, stream);
    motion.forces.fill(Number.NaN);
    const { target } = advanceGuard(guard, motion, verdict(B), ROLLBACK);
    restore(motion, target!);
    expect(motion).toEqual(kept);
  });

  it('gives up a trajectory whose frame failed three times', () => {
    const { actions, guard } = feed([T, T, T, B, T, B, T, B, T, B]);
    expect(actions.filter((action) => !/continue|buffer/.test(action))).toEqual([
      '30 rollback',
      '30 rollback',
      '30 stop',
    ]);
    expect(guard.failures).toEqual(new Map([[20, 3]]));
  });

  it('says why it stops', () => {
    const motion = launch();
    motion.step = 7;
    const lost = advanceGuard(initialGuard(), motion, verdict(B), ROLLBACK);
    expect(lost.decision).toMatchObject({ action: 'stop', state: B, step: 7, value: 1, limit: 2 });
    expect(lost.decision.reason).toBe('broken; no trusted frame 10 steps before it left the trust region at step 7');
    const failures = new Map([[0, 2]]);
    const guard = { ...advanceGuard(initialGuard(), launch(), verdict(T), ROLLBACK).guard, failures };
    motion.step = 10;
    expect(advanceGuard(guard, motion, verdict(B), ROLLBACK).decision.reason).toBe(
      'broken; the frame of step 0 failed 3 times',
    );
  });

  it('stops at the first break unless asked to roll back', () => {
    expect(feed([T, T, T, B, T], DEFAULT_GUARD_RULE).actions.at(-1)).toBe('30 stop');
  });

  it('always ends, keeps few checkpoints and never returns to an untrusted frame', () => {
    const states = fc.array(fc.constantFrom<TrustState>(T, T, T, E, B), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(states, fc.integer({ min: 1, max: 25 }), (pattern, interval) => {
        // A trajectory of 300 steps whose verdicts repeat the pattern.
        const motion = launch();
        const trusted = new Set<number>();
        let guard = initialGuard();
        let checks = 0;
        for (; motion.step <= 300; checks++) {
          expect(checks).toBeLessThan(10_000);
          const state = pattern[checks % pattern.length]!;
          if (state === T) trusted.add(motion.step);
          const { step } = motion;
          const outcome = advanceGuard(guard, motion, verdict(state), ROLLBACK);
          guard = outcome.guard;
          expect(guard.checkpoints.length).toBeLessThanOrEqual(8);
          if (outcome.decision.action === 'stop') break;
          if (outcome.target === null) motion.step += interval;
          else {
            expect(outcome.target.step).toBeLessThanOrEqual(step - 10);
            expect(trusted).toContain(outcome.target.step);
            restore(motion, outcome.target);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
