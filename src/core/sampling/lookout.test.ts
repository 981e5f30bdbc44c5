import { describe, expect, it } from 'vitest';
import { simpleCubic, trustedCrystal } from '../../../test/support/toy-potentials.ts';
import { type Motion, startMotion } from '../dynamics/dynamics.ts';
import type { TrustLimits } from '../dynamics/verdict.ts';
import type { TrustedPotential } from '../potentials/potential.ts';
import type { Structure } from '../structure/structure.ts';
import { assessmentWalker } from './assessment.ts';
import { type Glance, Lookout, MOST_SPARED, type MotionWatch } from './lookout.ts';
import { assessmentPlans, explorationPlans } from './plans.ts';
import { runWalker, type WalkerOptions } from './walker.ts';

const CRYSTAL = simpleCubic(2, 4);
const ENDLESS = Number.POSITIVE_INFINITY;

function limits(forceSigmaSelect: number, forceSigmaBreak: number): TrustLimits {
  const others = { noveltySelect: 1, noveltyBreak: 2, leverageSelect: 10, leverageBreak: 50 };
  return { forceSigmaSelect, forceSigmaBreak, ...others };
}

interface Seen {
  readonly grade?: number;
  readonly forceSigma?: number;
  readonly distance?: number;
}

/** A watch that says what it is told to, call by call; the last for ever. */
function saying(script: readonly Seen[]): MotionWatch & { restarts: number } {
  let call = 0;
  return {
    restarts: 0,
    restart() {
      this.restarts++;
    },
    step() {
      const { grade = 0.5, forceSigma = 0.1, distance = 1.5 } = script[Math.min(call++, script.length - 1)]!;
      return { grade, forceSigma, distance };
    },
  };
}

/** Steps of `count` frames at which exact signals are asked for, which then say `state`. */
function exactSteps(
  lookout: Lookout,
  count: number,
  state: (step: number) => 'trusted' | 'extrapolating' = () => 'trusted',
) {
  const motion: Motion = startMotion(CRYSTAL, null, trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1 }));
  const glances: Glance[] = [];
  for (; motion.step < count; motion.step++) {
    const glance = lookout.glance(motion, false);
    glances.push(glance);
    if (glance.isDue) lookout.learn(state(motion.step));
  }
  const steps = (wanted: (glance: Glance) => boolean) => [...glances.keys()].filter((k) => wanted(glances[k]!));
  return { due: steps(({ isDue }) => isDue), spared: steps(({ spared }) => spared !== null), glances };
}

describe('Lookout', () => {
  it('asks at every interval without a watch', () => {
    const { due, spared } = exactSteps(new Lookout(null, limits(1, 2), 10), 35);
    expect(due).toEqual([0, 10, 20, 30]);
    expect(spared).toEqual([]);
  });

  it('spares four looks of five while all is calm, and says of them what it knows', () => {
    const { due, spared, glances } = exactSteps(new Lookout(saying([{}]), limits(1, 2), 10), 101);
    expect(due).toEqual([0, 50, 100]);
    expect(spared).toEqual([10, 20, 30, 40, 60, 70, 80, 90]);
    expect(due[1]! - due[0]!).toBe(10 * (MOST_SPARED + 1));
    const { verdict, signals } = glances[10]!.spared!;
    expect(verdict).toEqual({
      state: 'trusted',
      reason: 'estimated force sigma 0.1 eV/Å below 0.75',
      value: 0.1,
      limit: 0.75,
    });
    expect(signals).toEqual({
      forceSigma: Number.NaN,
      leverage: Number.NaN,
      novelty: Number.NaN,
      distance: 1.5,
      atom: -1,
    });
  });

  it.each([
    ['an estimate near the limit', { forceSigma: 0.8 }],
    ['a grade that has grown', { grade: 1.2 }],
    ['atoms inside their gate', { distance: 0.9 }],
    ['no estimate', { forceSigma: Number.NaN }],
  ])('takes the look where there is %s', (_, seen) => {
    const script = Array.from({ length: 40 }, (_, k) => (k >= 15 && k <= 20 ? seen : {}));
    expect(exactSteps(new Lookout(saying(script), limits(1, 2), 10), 40).due).toEqual([0, 20]);
  });

  it('hears a grade that was harmless once only when it has grown', () => {
    const script = Array.from({ length: 60 }, (_, k) => ({ grade: k < 15 ? 0.5 : k < 35 ? 3 : 3.5 }));
    expect(exactSteps(new Lookout(saying(script), limits(1, 2), 10), 60).due).toEqual([0, 20, 40]);
  });

  it('takes every look until one is trusted', () => {
    const { due } = exactSteps(new Lookout(saying([{}]), limits(1, 2), 10), 60, (step) =>
      step < 30 ? 'extrapolating' : 'trusted',
    );
    expect(due).toEqual([0, 10, 20, 30]);
  });

  it('asks at once for an estimate beyond the break limit, and not again for one no larger', () => {
    const script = Array.from({ length: 29 }, (_, k) => ({ forceSigma: k === 13 || k === 16 ? 2.1 : 0.1 }));
    expect(exactSteps(new Lookout(saying(script), limits(1, 2), 10), 29).due).toEqual([0, 13]);
    const growing = script.map((seen, k) => (k === 16 ? { forceSigma: 2.5 } : seen));
    expect(exactSteps(new Lookout(saying(growing), limits(1, 2), 10), 29).due).toEqual([0, 13, 16]);
  });

  it('leaves frames that are no numbers to the exact signals, and begins anew after a rollback', () => {
    const watch = saying([{}]);
    const lookout = new Lookout(watch, limits(1, 2), 10);
    exactSteps(lookout, 11);
    const motion = startMotion(CRYSTAL, null, trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1 }));
    motion.step = 20;
    expect(lookout.glance(motion, false).isDue).toBe(false);
    lookout.restart();
    expect(watch.restarts).toBe(2);
    expect(lookout.glance(motion, false).isDue).toBe(true);
    motion.positions[4] = Number.NaN;
    motion.step = 23;
    expect(lookout.glance(motion, false)).toEqual({ isDue: false, spared: null });
    expect(lookout.glance(motion, true)).toEqual({ isDue: true, spared: null });
  });
});

/** The toy crystal, counting its exact signals, and a watch whose estimate is `bias` times the force sigma. */
function counted(bias: number) {
  const potential = trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1 });
  const counts = { looks: 0 };
  const trusted: TrustedPotential = {
    ...potential,
    trust: (structure) => {
      counts.looks++;
      return potential.trust(structure);
    },
  };
  let step = 0;
  const watch: MotionWatch = {
    restart() {
      step = 0;
    },
    step(structure: Structure) {
      const { forceSigma, distance } = potential.trust(structure);
      const isNews = step++ % 5 === 0;
      return {
        grade: 0,
        forceSigma: isNews ? bias * forceSigma : Number.NaN,
        distance: isNews ? distance : Number.NaN,
      };
    },
  };
  return { potential: trusted, watch, counts };
}

const CONDITIONS = { temperatures: { values: [600] }, strain: { diagonal: 0.02, shear: 0.01 } };
const PLAN = explorationPlans([CRYSTAL], CONDITIONS, 1, 3, 7, { steps: 400, timeStep: 2 })[0]!;
const STEADY: WalkerOptions = { isTimeStepVariable: false };

describe('walkers with a watch', () => {
  it('go the same way as those without when nothing happens, with a fifth of the exact looks', () => {
    const plain = counted(1);
    const watched = counted(1.1);
    const a = runWalker(PLAN, plain.potential, limits(10, 20), 7, STEADY);
    const b = runWalker(PLAN, watched.potential, limits(10, 20), 7, STEADY, watched.watch);
    expect(plain.counts.looks).toBe(41);
    expect(watched.counts.looks).toBe(9);
    expect(b.candidates.map(({ id }) => id)).toEqual(a.candidates.map(({ id }) => id));
    expect(b.decisions.map(({ step, action, state }) => [step, action, state])).toEqual(
      a.decisions.map(({ step, action, state }) => [step, action, state]),
    );
    expect(b.report.outcome).toBe('finished');
    // What was not taken in full is not claimed.
    expect(Object.keys(b.candidates[0]!.origin.signals)).toEqual(['distance']);
    expect(Object.keys(b.candidates[4]!.origin.signals)).toContain('forceSigma');
  });

  it.each([0.8, 1, 1.3])('break by exact signals alone, and no later, when estimates are %f of the truth', (bias) => {
    const plain = counted(1);
    const watched = counted(bias);
    const a = runWalker(PLAN, plain.potential, limits(0.2, 0.45), 7, STEADY);
    const b = runWalker(PLAN, watched.potential, limits(0.2, 0.45), 7, STEADY, watched.watch);
    expect(a.report.outcome).toBe('broken');
    expect(b.report.outcome).toBe('broken');
    expect(b.report.steps).toBeLessThanOrEqual(a.report.steps);
    expect(b.decisions.at(-1)!.value).toBe(b.report.maxForceSigma);
    expect(b.report.maxForceSigma).toBeGreaterThan(0.45);
  });

  it('find what the watch does not see within the bound', () => {
    const blind = counted(0);
    const result = runWalker(PLAN, blind.potential, limits(0.2, 0.3), 7, STEADY, blind.watch);
    const exact = result.decisions.filter(({ reason }) => !reason.startsWith('estimated'));
    exact.slice(1).forEach(({ step }, k) => {
      expect(step - exact[k]!.step).toBeLessThanOrEqual(10 * (MOST_SPARED + 1));
    });
    expect(result.report.outcome).toBe('broken');
  });

  it('are repeatable whatever the watch has seen before', () => {
    const one = counted(1.1);
    const run = () => runWalker(PLAN, one.potential, limits(0.3, 2), 7, {}, one.watch);
    const first = run();
    runWalker({ ...PLAN, temperature: 900, steps: 33 }, one.potential, limits(0.3, 2), 8, {}, one.watch);
    expect(run()).toEqual(first);
  });

  it('assess the same frames', () => {
    const plan = assessmentPlans([CRYSTAL], CONDITIONS, 1, 2, 7, { steps: 300, timeStep: 2 })[0]!;
    const plain = counted(1);
    const watched = counted(1.1);
    const a = assessmentWalker(plan, plain.potential, limits(10, ENDLESS), 7);
    const b = assessmentWalker(plan, watched.potential, limits(10, ENDLESS), 7, {}, watched.watch);
    expect(b.candidate).toEqual(a.candidate);
    expect(b.report.steps).toBe(a.report.steps);
    expect(watched.counts.looks).toBeLessThan(0.4 * plain.counts.looks);
  });
});
