import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { reportCalibration } from './calibration.ts';
import type { EvaluatedFrame } from './summary.ts';
import { forceErrorsByElement, summarizeEvaluation, summarizeGroups } from './summary.ts';

const EXACT = { rtol: 1e-12, atol: 1e-14, why: 'a mean of a handful of numbers' };

function frameOf(options: Partial<EvaluatedFrame> & { atoms: number }): EvaluatedFrame {
  const { atoms } = options;
  return {
    group: '',
    symbols: new Array<string>(atoms).fill('Si'),
    energyError: Number.NaN,
    energySigma: Number.NaN,
    forceErrors: new Float64Array(0),
    forceSigmas: new Float64Array(0),
    stressErrors: null,
    stressSigmas: null,
    ...options,
  };
}

/** A frame whose errors are drawn from the sigmas that are claimed. */
function honestFrame(index: number, atoms: number, group = ''): EvaluatedFrame {
  const random = new RandomStream(3, 'honest frame', index);
  const sigmas = Float64Array.from({ length: 3 * atoms }, () => 0.05 + 0.1 * random.uniform());
  return frameOf({
    atoms,
    group,
    energyError: 0.01 * atoms * random.normal(),
    energySigma: 0.01 * atoms,
    forceErrors: sigmas.map((s) => s * random.normal()),
    forceSigmas: sigmas,
    stressErrors: Float64Array.from({ length: 6 }, () => 0.002 * random.normal()),
    stressSigmas: new Float64Array(6).fill(0.002),
  });
}

describe('summarizeEvaluation', () => {
  it('has energies per atom, forces per component and stresses per component', () => {
    const frames = [
      frameOf({
        atoms: 2,
        energyError: 0.2,
        energySigma: 0.1,
        forceErrors: Float64Array.of(0.1, -0.1, 0, 0, 0.3, 0),
        forceSigmas: new Float64Array(6).fill(0.1),
        stressErrors: Float64Array.of(0.01, 0, 0, 0, 0, -0.02),
        stressSigmas: new Float64Array(6).fill(0.01),
      }),
      frameOf({ atoms: 4, energyError: -0.4, energySigma: 0.1 }),
    ];
    const summary = summarizeEvaluation(frames, 2);
    expect(summary.n).toEqual({ structures: 2, atoms: 6 });
    expect(summary.energy!.mae).toAgree(0.1, EXACT);
    expect(summary.energy!.rmse).toAgree(0.1, EXACT);
    expect(summary.forces!.mae).toAgree(0.5 / 6, EXACT);
    expect(summary.forces!.rmse).toAgree(Math.sqrt(0.11 / 6), EXACT);
    expect(summary.stress!.mae).toAgree(0.03 / 6, EXACT);
    expect(summary.worstResidual.energy).toAgree(4, EXACT);
    expect(summary.worstResidual.forces).toAgree(3, EXACT);
    expect(summary.worstResidual.stress).toAgree(2, EXACT);
  });

  it('says null of what has no label', () => {
    const summary = summarizeEvaluation([frameOf({ atoms: 2, energyError: 0.1, energySigma: 0.2 })], 2);
    expect(summary.forces).toBeNull();
    expect(summary.stress).toBeNull();
    expect(summary.calibration.forces).toBeNull();
    expect(summary.calibration.stress).toBeNull();
    expect(summary.calibration.energy).not.toBeNull();
    expect(summary.worstResidual.forces).toBeNaN();
  });

  it('counts components fixed by symmetry in errors but not in calibration', () => {
    const summary = summarizeEvaluation(
      [
        frameOf({
          atoms: 1,
          forceErrors: Float64Array.of(0.3, 0, 0),
          forceSigmas: Float64Array.of(0.1, Number.NaN, Number.NaN),
        }),
      ],
      2,
    );
    expect(summary.forces!.mae).toAgree(0.1, EXACT);
    expect(summary.calibration.forces!.coverage95).toBe(0);
    expect(summary.worstResidual.forces).toAgree(3, EXACT);
  });

  it('reports the calibration figures of energies per cell and of force components', () => {
    const frames = Array.from({ length: 30 }, (_, k) => honestFrame(k, 3));
    const { calibration } = summarizeEvaluation(frames, 4);
    const energies = reportCalibration(
      frames.map((frame) => frame.energyError),
      frames.map((frame) => frame.energySigma),
    );
    const { coverage90, coverage95, ...figures } = energies;
    expect(calibration.energy).toMatchObject({
      ...figures,
      coverage90: coverage90.observed,
      coverage95: coverage95.observed,
      coverage95Interval: coverage95.interval,
    });
    // The floor counts structures, the figures of forces count components.
    expect(calibration.energy!.floor.structures).toBe(30);
    expect(calibration.forces!.floor.structures).toBe(30);
    expect(calibration.forces!.count).toBe(270);
    expect(calibration.forces!.residualBySigma.map(({ count }) => count)).toEqual(new Array(10).fill(27));
    expect(calibration.forces!.reliability).toHaveLength(19);
    expect(calibration.forces!.ranking).toMatchObject({ count: 90 });
    expect(calibration.forces!.ranking.ceiling).toBeGreaterThan(0.1);
    // 270 components drawn from the sigmas claimed: 95 % within three standard deviations of the count.
    expect(calibration.forces!.coverage95).toAgree(0.95, { atol: 3 * Math.sqrt((0.95 * 0.05) / 270), why: 'binomial' });
    expect(calibration.forces!.ece).toBeLessThan(0.05);
    expect(calibration.stress!.coverage95).toAgree(0.95, { atol: 3 * Math.sqrt((0.95 * 0.05) / 180), why: 'binomial' });
  });

  it('counts a structure as covered when every component lies within the conformal multiple', () => {
    const withErrors = (...z: number[]): EvaluatedFrame =>
      frameOf({
        atoms: z.length / 3,
        forceErrors: Float64Array.from(z, (x) => 0.1 * x),
        forceSigmas: Float64Array.from(z, (x) => (Number.isNaN(x) ? Number.NaN : 0.1)),
      });
    const share = (frames: EvaluatedFrame[], multiplier: number): number =>
      summarizeEvaluation(frames, multiplier).calibration.forces!.coverage95Structure;
    const frames = [withErrors(1, -1.5, 0), withErrors(0, 2.5, 0), withErrors(0.1, 0.1, -3.5)];
    expect(share(frames, 2)).toAgree(1 / 3, EXACT);
    expect(share(frames, 3)).toAgree(2 / 3, EXACT);
    expect(share(frames, Number.POSITIVE_INFINITY)).toBe(1);
    // Structures without force labels, or fixed by symmetry altogether, say nothing of forces.
    const silent = [
      frameOf({ atoms: 2, energyError: 1, energySigma: 1 }),
      withErrors(Number.NaN, Number.NaN, Number.NaN),
    ];
    expect(share([...frames, ...silent], 2)).toAgree(1 / 3, EXACT);
    // One component without a label does not excuse the others.
    expect(share([withErrors(Number.NaN, 2.5, 0)], 2)).toBe(0);
  });

  it('has errors of stresses without sigmas, but no calibration of them', () => {
    const bare = frameOf({ atoms: 1, stressErrors: Float64Array.of(0.3, -0.3, 0, 0, 0, 0) });
    const { stress, calibration, worstResidual } = summarizeEvaluation([bare], 2);
    expect(stress).toEqual({ mae: 0.6 / 6, rmse: Math.sqrt(0.18 / 6) });
    expect(calibration.stress).toBeNull();
    expect(worstResidual.stress).toBeNaN();
    // Beside a structure that has them, only those that have both are judged.
    const both = summarizeEvaluation([bare, honestFrame(1, 2)], 2);
    const alone = summarizeEvaluation([honestFrame(1, 2)], 2);
    expect(both.calibration.stress).toEqual(alone.calibration.stress);
  });

  it('does not depend on the order of structures', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), (seed) => {
        const frames = Array.from({ length: 6 }, (_, k) => honestFrame(k, 1 + (k % 3)));
        const order = new RandomStream(seed, 'order').permutation(6);
        const a = summarizeEvaluation(frames, 3);
        const b = summarizeEvaluation(
          Array.from(order, (k) => frames[k]!),
          3,
        );
        expect(b.forces!.rmse).toAgree(a.forces!.rmse, EXACT);
        expect(b.calibration.forces!.ece).toAgree(a.calibration.forces!.ece, EXACT);
        expect(b.calibration.forces!.coverage95Structure).toBe(a.calibration.forces!.coverage95Structure);
      }),
      { numRuns: 10 },
    );
  });
});

describe('summarizeGroups', () => {
  it('has one summary for each group, in the order met', () => {
    const frames = [honestFrame(0, 2, 'surface'), honestFrame(1, 3, 'bulk'), honestFrame(2, 4, 'surface')];
    const groups = summarizeGroups(frames, 3);
    expect(Object.keys(groups)).toEqual(['surface', 'bulk']);
    expect(groups.surface!.n).toEqual({ structures: 2, atoms: 6 });
    expect(groups.bulk).toEqual(summarizeEvaluation([frames[1]!], 3));
  });
});

describe('forceErrorsByElement', () => {
  it('sorts errors by the element of the atom they act on', () => {
    const frames = [
      frameOf({
        atoms: 2,
        symbols: ['Si', 'C'],
        forceErrors: Float64Array.of(0.1, 0.1, 0.1, 0.3, 0.3, 0.3),
        forceSigmas: new Float64Array(6).fill(1),
      }),
      frameOf({ atoms: 1, symbols: ['Ge'], energyError: 1, energySigma: 1 }),
      frameOf({
        atoms: 1,
        symbols: ['Si'],
        forceErrors: Float64Array.of(Number.NaN, 0.5, 0.5),
        forceSigmas: new Float64Array(3).fill(1),
      }),
    ];
    const errors = forceErrorsByElement(frames);
    expect(Object.keys(errors)).toEqual(['C', 'Si']);
    expect(errors.C!.mae).toAgree(0.3, EXACT);
    expect(errors.Si!.mae).toAgree(1.3 / 5, EXACT);
    expect(errors.Si!.atoms).toBe(2);
  });
});
