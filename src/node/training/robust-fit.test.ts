import { describe, expect, it } from 'vitest';
import { fitOn, siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { createAceProgram } from '../../core/descriptors/ace/program.ts';
import { AcePotential } from '../../core/potentials/ace-potential.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { readModel, writeModel } from '../../formats/model-file.ts';
import type { Fit } from './fit.ts';
import type { FitSettings } from './settings.ts';

const HUBER: FitSettings = { ...TINY_FIT, loss: 'huber' };
const frames = siliconFrames(60);
const unseen = siliconFrames(12, { seed: 7 });

/** Every tenth frame with an energy 8 eV off, every seventh with a force turned round and ten times as large. */
function withOutliers(list: readonly Frame[]): Frame[] {
  return list.map((frame, f) => {
    const forces = frame.labels.forces!.slice();
    if (f % 7 === 3) for (let c = 0; c < 3; c++) forces[3 * (f % 8) + c] = -10 * forces[3 * (f % 8) + c]! + 5;
    const energy = frame.labels.energy! + (f % 10 === 4 ? 8 : 0);
    return { ...frame, labels: { ...frame.labels, energy, forces } };
  });
}

/** Root mean square errors of forces, eV/Å, and energies, eV/atom, on frames not seen, with right labels. */
function errorsOf(fit: Fit): { forces: number; energy: number } {
  const potential = new AcePotential(fit.model, createAceProgram(fit.basis));
  let forces = 0;
  let energy = 0;
  for (const { structure, labels } of unseen) {
    const found = potential.evaluate(structure);
    energy += ((found.energy - labels.energy!) / structure.species.length) ** 2;
    found.forces.forEach((f, c) => {
      forces += (f - labels.forces![c]!) ** 2;
    });
  }
  return { forces: Math.sqrt(forces / (24 * unseen.length)), energy: Math.sqrt(energy / unseen.length) };
}

describe('fit with Huber loss', () => {
  it('recovers the fit to right labels where some are grossly wrong, and says which', async () => {
    const clean = errorsOf(await fitOn(1, frames));
    const dirty = withOutliers(frames);
    const squares = errorsOf(await fitOn(1, dirty));
    const fit = await fitOn(1, dirty, HUBER);
    const robust = errorsOf(fit);
    expect(squares.forces).toBeGreaterThan(3 * clean.forces);
    expect(squares.energy).toBeGreaterThan(20 * clean.energy);
    expect(robust.forces).toAgree(clean.forces, { rtol: 0.12, why: 'measured 1.09: a bounded pull is still a pull' });
    expect(robust.energy).toAgree(clean.energy, { rtol: 0.12, why: 'measured 1.06: a bounded pull is still a pull' });

    const { report, names } = { report: fit.robust!, names: dirty.map(({ source }) => source.line) };
    expect(report.converged).toBe(true);
    expect(report.passes).toBeLessThan(15);
    expect(report.lowest).toHaveLength(10);
    const wrong = new Set(dirty.flatMap((_, f) => (f % 7 === 3 || f % 10 === 4 ? [names[f]!] : [])));
    for (const { name, energy, forces } of report.lowest) {
      expect(wrong).toContain(Number(name.split(':')[1]));
      expect(Math.min(energy!, forces!)).toBeLessThan(0.1);
    }
    const weakest = report.lowest.map(({ energy, forces, virial }) => Math.min(energy!, forces!, virial!));
    expect(weakest).toEqual([...weakest].sort((a, b) => a - b));
    expect(report.downweighted.energy).toBeGreaterThanOrEqual(0.1);
    expect(report.downweighted.energy).toBeLessThan(0.25);
    expect(report.downweighted.forces).toBeLessThan(0.2);
    // The model keeps the report, and its file too.
    expect(fit.model.training.settings.robust).toEqual(report);
    const opened = readModel(writeModel(fit.model, fit.basis), 'robust.model').model;
    expect(opened.training.settings.robust).toEqual(report);
  });

  it('changes little where all labels are right', async () => {
    const squares = await fitOn(1, frames);
    const fit = await fitOn(1, frames, HUBER);
    expect(squares.robust).toBeNull();
    const why = 'measured 0.2 % and 1.4 %: few labels are beyond two standard deviations';
    expect(errorsOf(fit).forces).toAgree(errorsOf(squares).forces, { rtol: 0.01, why });
    expect(errorsOf(fit).energy).toAgree(errorsOf(squares).energy, { rtol: 0.03, why });
    // A threshold that no label reaches is the loss of squares itself.
    const far = await fitOn(1, frames, { ...HUBER, huberThreshold: 1e6 });
    expect(far.robust).toMatchObject({
      passes: 1,
      converged: true,
      lowest: [],
      downweighted: { energy: 0, forces: 0 },
    });
    expect(far.model.posterior.mean).toAgree(squares.model.posterior.mean, {
      rtol: 1e-6,
      atol: 1e-9,
      why: 'the same factors; the search for the evidence starts elsewhere',
    });
  });

  it('has left-out errors and error bars by the same weights', async () => {
    const fit = await fitOn(1, withOutliers(frames), HUBER);
    for (const [f, { energy, forces }] of fit.leftOut.entries()) {
      expect(energy.shares!).toHaveLength(1);
      expect(forces.shares!).toHaveLength(forces.leftOut.length);
      if (f % 10 === 4) {
        expect(energy.shares![0]).toBeLessThan(0.1);
        // A label that hardly counts is missed alike with and without its structure.
        expect(energy.leftOut[0]).toAgree(energy.fitted[0]!, { rtol: 0.1, why: 'its leverage is small' });
        expect(Math.abs(energy.leftOut[0]!)).toBeGreaterThan(7);
      }
    }
    const { leaveOneOut } = fit.model.uncertainty;
    const raw = Math.sqrt(fit.leftOut.reduce((sum, { energy }) => sum + (energy.leftOut[0]! / 8) ** 2, 0) / 60);
    expect(raw).toBeGreaterThan(0.3);
    expect(leaveOneOut.energy).toBeLessThan(0.2 * raw);
    expect(fit.model.uncertainty.scales.energy.calibrated).toBe(true);
  });

  it('gives the same bytes on 1 and 2 threads', async () => {
    const several = withOutliers(siliconFrames(18, { repeat: [2, 2, 1], rattle: 0.12 }));
    const files = await Promise.all(
      [1, 2].map(async (threads) => {
        const fit = await fitOn(threads, several, HUBER);
        return writeModel(fit.model, fit.basis);
      }),
    );
    expect(files[1]).toEqual(files[0]);
  });

  it('tells of its passes and works without stress and without energies of some frames', async () => {
    const phases: string[] = [];
    const some = frames.slice(0, 20).map((frame, f) => ({
      ...frame,
      labels: { energy: f % 2 === 0 ? frame.labels.energy : null, forces: frame.labels.forces, virial: null },
    }));
    const fit = await fitOn(1, some, HUBER, (phase) => {
      if (phases.at(-1) !== phase) phases.push(phase);
    });
    expect(phases).toEqual(['rows', 'evidence', 'reweighting', 'leave-one-out']);
    expect(fit.robust!.scales.virial).toBeNull();
    expect(fit.robust!.downweighted.virial).toBe(0);
    for (const { virial, energy, name } of fit.robust!.lowest) {
      expect(virial).toBeNull();
      const index = Number(name.split(' ').at(-1));
      expect(energy === null).toBe(index % 2 === 1);
    }
  });
});
