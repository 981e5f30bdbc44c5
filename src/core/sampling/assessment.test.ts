import { describe, expect, it } from 'vitest';
import { simpleCubic, type TrustedCrystalOptions, trustedCrystal } from '../../../test/support/toy-potentials.ts';
import type { TrustLimits } from '../dynamics/verdict.ts';
import { BOLTZMANN } from '../units.ts';
import { structureId } from '../structure/identity.ts';
import { assessmentWalker } from './assessment.ts';
import { type AssessmentPlan, assessmentPlans } from './plans.ts';

const CRYSTAL = simpleCubic(2, 4);
const CONDITIONS = { temperatures: { values: [600] }, strain: { diagonal: 0.02, shear: 0 } };

function limits(forceSigmaSelect: number, forceSigmaBreak: number): TrustLimits {
  return {
    forceSigmaSelect,
    forceSigmaBreak,
    noveltySelect: 9,
    noveltyBreak: 9,
    leverageSelect: 99,
    leverageBreak: 99,
  };
}

function plans(count: number): AssessmentPlan[] {
  return assessmentPlans([CRYSTAL], CONDITIONS, count, 2, 5, { steps: 90, timeStep: 2 });
}

function assess(plan: AssessmentPlan, select: number, breaking: number, toy: Partial<TrustedCrystalOptions> = {}) {
  const potential = trustedCrystal(CRYSTAL, 3, { sigmaPerDisplacement: 1, ...toy });
  return assessmentWalker(plan, potential, limits(select, breaking), 5);
}

describe('assessmentWalker', () => {
  const [plan] = plans(1) as [AssessmentPlan];

  it('takes the frame of the planned step', () => {
    const { candidate, report } = assess(plan, 10, 20);
    expect(candidate.id).toBe(structureId(candidate.structure));
    expect(candidate.origin).toMatchObject({
      kind: 'assessment',
      round: 2,
      walker: 0,
      step: plan.frameStep,
      censored: false,
    });
    expect(candidate.origin.reason).toBe(
      `step ${plan.frameStep} of a 600 K walker, drawn without looking at uncertainty`,
    );
    expect(report).toMatchObject({ outcome: 'finished', steps: plan.frameStep, plannedSteps: plan.frameStep });
  });

  it('takes the same frame however uncertain it is, short of a break', () => {
    const trusted = assess(plan, 10, 20);
    const uncertain = assess(plan, 0, 20);
    expect(uncertain.candidate.structure).toEqual(trusted.candidate.structure);
    expect(uncertain.candidate.origin.censored).toBe(false);
    expect(uncertain.report.outcome).toBe('extrapolating');
  });

  it('falls back on the last trusted frame of a walker that breaks, and marks it as censored', () => {
    const late = { ...plan, frameStep: 4000 };
    const { candidate, report, decisions } = assess(late, 0.5, 0.55);
    expect(report).toMatchObject({ outcome: 'broken', plannedSteps: 4000 });
    expect(decisions.at(-1)).toMatchObject({ action: 'stop', state: 'broken', step: report.steps });
    const lastTrusted = decisions.findLast(({ state }) => state === 'trusted')!;
    expect(candidate.origin).toMatchObject({ censored: true, step: lastTrusted.step });
    expect(candidate.origin.signals.forceSigma).toBe(lastTrusted.value);
    expect(candidate.origin.reason).toMatch(
      /^last trusted frame of a 600 K walker that broke before step 4000: force sigma 0\.\d+ eV\/Å above 0\.55$/,
    );
  });

  it('falls back on the start when nothing else was trusted or unbroken', () => {
    const { candidate } = assess(plan, -2, -1);
    expect(candidate.origin).toMatchObject({ censored: true, step: 0, signals: {} });
    expect(candidate.origin.reason).toMatch(/^start of a 600 K walker/);
  });

  it('falls back on the last unbroken frame when none was trusted', () => {
    const { candidate } = assess({ ...plan, frameStep: 4000 }, -1, 0.5);
    expect(candidate.origin.censored).toBe(true);
    expect(candidate.origin.reason).toMatch(/^last unbroken frame/);
  });

  it('survives NaN forces and errors of the potential', () => {
    for (const toy of [{ nanBeyond: 0.4 }, { throwBeyond: 0.4 }]) {
      const { candidate, report } = assess({ ...plan, frameStep: 4000 }, 10, 20, toy);
      expect(report.outcome).toBe('broken');
      expect(candidate.origin.censored).toBe(true);
      expect(candidate.structure.positions.every(Number.isFinite)).toBe(true);
    }
  });

  it('repeats itself and can cross a thread', () => {
    const result = assess(plan, 10, 20);
    expect(assess(structuredClone(plan), 10, 20)).toEqual(result);
    expect(structuredClone(result)).toEqual(result);
  });

  it('samples the target: displacements of the harmonic crystal at the temperature of the bath', () => {
    const sampled = plans(300).map((one) => assess({ ...one, frameStep: one.frameStep + 400 }, 10, 20).candidate);
    let square = 0;
    let count = 0;
    for (const [index, { structure }] of sampled.entries()) {
      const { strain } = plans(300)[index]!;
      for (let k = 0; k < 24; k++) {
        const site = CRYSTAL.positions[k]! * (1 + strain[4 * (k % 3)]!);
        square += (structure.positions[k]! - site) * (structure.positions[k]! - site);
        count++;
      }
    }
    const expected = (BOLTZMANN * 600) / 3;
    expect(square / count).toAgree(expected, {
      rtol: 4 * Math.sqrt(2 / count),
      why: 'four standard errors of 7200 modes',
    });
  });

  it('refuses a step that is none', () => {
    expect(() => assess({ ...plan, frameStep: Number.NaN }, 1, 2)).toThrow('step of the frame must be an integer');
  });
});
