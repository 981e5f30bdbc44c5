import { describe, expect, it } from 'vitest';
import { simpleCubic, type TrustedCrystalOptions, trustedCrystal } from '../../../test/support/toy-potentials.ts';
import type { TrustLimits } from '../dynamics/verdict.ts';
import type { TrustedPotential } from '../potentials/potential.ts';
import { structureId } from '../structure/identity.ts';
import { explorationPlans, type WalkerPlan } from './plans.ts';
import { runWalker, type WalkerOptions } from './walker.ts';

const CRYSTAL = simpleCubic(2, 4);

function limits(forceSigmaSelect: number, forceSigmaBreak: number): TrustLimits {
  return {
    forceSigmaSelect,
    forceSigmaBreak,
    noveltySelect: 1,
    noveltyBreak: 2,
    leverageSelect: 10,
    leverageBreak: 50,
  };
}

const CONDITIONS = { temperatures: { values: [600] }, strain: { diagonal: 0.02, shear: 0.01 } };

function plan(steps = 400): WalkerPlan {
  return explorationPlans([CRYSTAL], CONDITIONS, 1, 3, 7, { steps, timeStep: 2 })[0]!;
}

/** A walker in the toy crystal: force sigma is the largest displacement in Å. */
function walk(select: number, breaking: number, options: WalkerOptions = {}, toy: Partial<TrustedCrystalOptions> = {}) {
  const potential = trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1, ...toy });
  return runWalker(plan(), potential, limits(select, breaking), 7, options);
}

const QUIET: WalkerOptions = { isTimeStepVariable: false };
const ROLLBACK: WalkerOptions = { guard: { afterBreak: 'rollback' } };

describe('a trusted walker', () => {
  const result = walk(10, 20, QUIET);

  it('finishes and reports its largest force sigma', () => {
    expect(result.report).toMatchObject({
      walker: 0,
      steps: 400,
      plannedSteps: 400,
      outcome: 'finished',
      temperature: 600,
    });
    expect(result.report.reason).toBe('trusted for 400 steps');
    expect(result.report.maxForceSigma).toBe(Math.max(...result.trustedForceSigmas));
    expect(result.evaluations).toBe(400);
  });

  it('looks every ten steps and buffers a frame every twenty', () => {
    expect(result.decisions.map(({ step }) => step)).toEqual(Array.from({ length: 41 }, (_, i) => 10 * i));
    expect(result.candidates.map(({ origin }) => origin.step)).toEqual(
      Array.from({ length: 20 }, (_, i) => 20 * (i + 1)),
    );
    expect(result.trustedForceSigmas.length).toBe(41);
  });

  it('gives every candidate its content hash and origin', () => {
    for (const { id, structure, origin } of result.candidates) {
      expect(id).toBe(structureId(structure));
      expect(origin).toMatchObject({ kind: 'exploration', round: 3, walker: 0, temperature: 600, censored: false });
      expect(origin.reason).toBe('600 K walker inside its trust region');
      expect(Object.keys(origin.signals)).toEqual(['forceSigma', 'leverage', 'novelty', 'distance']);
    }
    expect(new Set(result.candidates.map(({ id }) => id)).size).toBe(20);
  });

  it('starts at twice its temperature and comes to rest at it', () => {
    const potential = trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1 });
    const energies: number[] = [];
    const watched: TrustedPotential = {
      ...potential,
      evaluate: (structure) => {
        const evaluated = potential.evaluate(structure);
        energies.push(evaluated.energy);
        return evaluated;
      },
    };
    runWalker(plan(20_000), watched, limits(10, 20), 7, QUIET);
    expect(energies[0]).toAgree(0, { atol: 1e-12, why: 'the strained crystal is at rest' });
    const mean = energies.slice(1000).reduce((sum, e) => sum + e, 0) / (energies.length - 1000);
    const expected = 0.5 * 24 * 8.617333262e-5 * 600;
    // 40 ps hold about 200 decorrelation times of 200 fs; the relative fluctuation of 24 modes is √(2/24).
    expect(mean).toAgree(expected, { rtol: 4 * Math.sqrt(2 / 24 / 200), why: 'four standard errors' });
  });

  it('is a plain, repeatable function of its arguments', () => {
    expect(walk(10, 20, QUIET)).toEqual(result);
    expect(structuredClone(result)).toEqual(result);
    const other = runWalker(plan(), trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1 }), limits(10, 20), 8, QUIET);
    expect(other.candidates[0]!.id).not.toBe(result.candidates[0]!.id);
  });
});

describe('an extrapolating walker', () => {
  it('buffers one frame per decorrelation time', () => {
    const { candidates, report } = walk(0.05, 20, { ...QUIET, guard: { decorrelationTime: 60 } });
    const steps = candidates.map(({ origin }) => origin.step);
    expect(steps.length).toBe(14);
    expect(steps.slice(1).every((step, i) => step - steps[i]! >= 30)).toBe(true);
    expect(report).toMatchObject({ outcome: 'extrapolating', steps: 400 });
    expect(candidates[0]!.origin.reason).toMatch(
      /^600 K walker left its trust region: force sigma 0\.\d+ eV\/Å above 0.05$/,
    );
  });

  it('keeps the youngest candidates only', () => {
    const { candidates } = walk(0.05, 20, { ...QUIET, maxCandidates: 5 });
    expect(candidates.map(({ origin }) => origin.step)).toEqual([310, 330, 350, 370, 390]);
  });

  it('drops frames whose forces are too long for a label', () => {
    expect(walk(0.05, 20, { maxCandidateForce: 1e-3 }).candidates).toEqual([]);
  });

  it('shortens its time step before it meets the limit, and says so', () => {
    const { decisions, report } = walk(0.3, 20);
    const shrinks = decisions.filter(({ action }) => action === 'shrink');
    expect(shrinks.length).toBeGreaterThan(0);
    for (const { value, limit } of shrinks) {
      expect(value).toBeLessThan(limit);
      expect(value).toBeGreaterThanOrEqual(0.2);
    }
    expect(report.steps).toBe(400);
  });
});

describe('a fast walker', () => {
  it('shortens its first step instead of breaking', () => {
    const hydrogen = simpleCubic(2, 4, 1);
    const potential = trustedCrystal(hydrogen, 3, { sigmaPerDisplacement: 0 });
    const fast: WalkerPlan = { ...plan(50), structure: hydrogen, temperature: 3000 };
    const { report, decisions } = runWalker(fast, potential, limits(1, 2), 7);
    expect(decisions[0]).toMatchObject({ step: 0, action: 'shrink', limit: 2 });
    expect(report).toMatchObject({ outcome: 'finished', steps: 50 });
    expect(runWalker(fast, potential, limits(1, 2), 7, QUIET).report.reason).toMatch(
      /^displacement 0\.\d+ Å per step above 0\.2$/,
    );
  });
});

describe('a walker that breaks', () => {
  it('stops and hands over the breaking frame', () => {
    const { candidates, report, decisions, rollbacks } = walk(0.2, 0.45, QUIET);
    const last = decisions.at(-1)!;
    expect(last).toMatchObject({ action: 'stop', state: 'broken', limit: 0.45 });
    expect(report).toMatchObject({ outcome: 'broken', steps: last.step, reason: last.reason });
    expect(report.steps).toBeLessThan(400);
    expect(candidates.at(-1)!.origin).toMatchObject({ step: last.step, reason: `600 K walker broke: ${last.reason}` });
    expect(candidates.at(-1)!.origin.signals.forceSigma).toBe(last.value);
    expect(report.maxForceSigma).toBe(last.value);
    expect(rollbacks).toBe(0);
  });

  it('does not hand over a frame inside the distance gate', () => {
    const { candidates, report } = walk(10, 20, QUIET, { gate: 3.6 });
    expect(report.outcome).toBe('broken');
    expect(report.reason).toMatch(/^shortest distance 0\.9\d+ of its gate below 1$/);
    expect(candidates.every(({ origin }) => origin.signals.distance! >= 1)).toBe(true);
  });

  it('goes back with new noise and half the step, and goes on', () => {
    const result = walk(0.4, 0.42, ROLLBACK);
    expect(result.rollbacks).toBeGreaterThan(0);
    expect(result.report.outcome).toBe('broken');
    expect(result.report.reason).toContain('rollback');
    expect(result.evaluations).toBeGreaterThan(result.report.steps);
    const index = result.decisions.findIndex(({ action }) => action === 'rollback');
    const { reason, step } = result.decisions[index]!;
    const target = Number(/back to step (\d+)$/.exec(reason)![1]);
    expect(target).toBeLessThanOrEqual(step - 10);
    const following = result.decisions[index + 1]!;
    expect(following).toMatchObject({ action: 'shrink', step: target });
    expect(following.value).toBeLessThanOrEqual(1);
  });

  it('returns to the very frame it left: the same hash before and after', () => {
    const potential = trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1 });
    const looks: string[] = [];
    const watched: TrustedPotential = {
      ...potential,
      trust: (structure) => {
        looks.push(structureId(structure));
        return potential.trust(structure);
      },
    };
    const result = runWalker(plan(), watched, limits(0.4, 0.42), 7, {
      ...QUIET,
      guard: { afterBreak: 'rollback' },
    });
    // The looks are in the order of the decisions that are no change of the time step.
    const decisions = result.decisions.filter(({ action }) => action !== 'shrink');
    expect(decisions.length).toBe(looks.length);
    const hashes = new Map<number, string>();
    let returns = 0;
    decisions.forEach(({ action, reason }, i) => {
      hashes.set(decisions[i]!.step, looks[i]!);
      if (action !== 'rollback') return;
      const target = Number(/back to step (\d+)$/.exec(reason)![1]);
      expect(decisions[i + 1]!.step).toBe(target);
      expect(looks[i + 1]).toBe(hashes.get(target));
      if (decisions[i + 2] !== undefined) expect(looks[i + 2]).not.toBe(hashes.get(target + 10));
      returns++;
    });
    expect(returns).toBe(result.rollbacks);
    expect(returns).toBeGreaterThan(0);
  });

  it('gives up after three failures of one frame', () => {
    const { decisions, report } = walk(0.25, 0.26, ROLLBACK);
    expect(decisions.at(-1)!.action).toBe('stop');
    expect(report.reason).toMatch(/; the frame of step \d+ failed 3 times \(\d+ rollbacks\)$/);
    const targets = decisions
      .filter(({ action }) => action === 'rollback')
      .map(({ reason }) => /\d+$/.exec(reason)![0]);
    for (const target of targets) expect(targets.filter((other) => other === target).length).toBeLessThan(3);
  });

  it('takes NaN forces for a break and labels nothing of them', () => {
    const { candidates, report } = walk(10, 20, QUIET, { nanBeyond: 0.35 });
    expect(report).toMatchObject({ outcome: 'broken', reason: 'energy or forces are not finite' });
    for (const { structure, origin } of candidates) {
      expect(structure.positions.every(Number.isFinite)).toBe(true);
      expect(origin.signals.forceSigma).toBeLessThanOrEqual(0.35);
    }
  });

  it('rolls back from NaN forces too', () => {
    const { report, rollbacks } = walk(10, 20, ROLLBACK, { nanBeyond: 0.4 });
    expect(rollbacks).toBeGreaterThan(0);
    expect(report.outcome).toBe('broken');
  });

  it('takes an error of the potential for a break and quotes it', () => {
    const { report } = walk(10, 20, QUIET, { throwBeyond: 0.35 });
    expect(report.outcome).toBe('broken');
    expect(report.reason).toMatch(/^the potential failed: displacement must stay small, got 0\.3\d+ Å$/);
  });

  it('lets errors that are no failure of the model through', () => {
    const broken: TrustedPotential = {
      ...trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1 }),
      trust() {
        throw new TypeError('a defect');
      },
    };
    expect(() => runWalker(plan(), broken, limits(1, 2), 7)).toThrow('a defect');
  });

  it('breaks on NaN trust signals', () => {
    const { report, candidates } = walk(10, 20, QUIET, { sigmaPerDisplacement: Number.NaN });
    expect(report).toMatchObject({ outcome: 'broken', steps: 0, reason: 'force sigma is not a number' });
    expect(candidates.length).toBe(1);
    expect(candidates[0]!.origin.signals).not.toHaveProperty('forceSigma');
  });
});

describe('walkers', () => {
  it('have the same result whatever else has run', () => {
    const plans = explorationPlans([CRYSTAL], CONDITIONS, 3, 0, 1, { steps: 60, timeStep: 2 });
    const run = (one: WalkerPlan) =>
      runWalker(one, trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1 }), limits(0.3, 2), 1);
    const forward = plans.map(run);
    const backward = [...plans].reverse().map((one) => run(structuredClone(one)));
    expect(backward.reverse()).toEqual(forward);
  });

  it('refuse plans out of range', () => {
    const potential = trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1 });
    const region = limits(1, 2);
    expect(() => runWalker({ ...plan(), steps: Number.NaN }, potential, region, 1)).toThrow(
      'number of steps must be an integer',
    );
    expect(() => runWalker({ ...plan(), timeStep: 0 }, potential, region, 1)).toThrow('time step must be positive');
    expect(() => runWalker({ ...plan(), temperature: -1 }, potential, region, 1)).toThrow('temperature must be finite');
    expect(() => runWalker(plan(), potential, region, 1, { trustInterval: 0 })).toThrow(
      'trust interval must be an integer',
    );
  });
});
