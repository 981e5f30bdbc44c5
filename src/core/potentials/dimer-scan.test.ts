import { describe, expect, it } from 'vitest';
import { alloyFrames, alloyPotential, fitOn, siliconFrames } from '../../../test/support/models.ts';
import { createAceProgram } from '../descriptors/ace/program.ts';
import { AcePotential } from './ace-potential.ts';
import { dimer, dimerScan, dimerSummaries } from './dimer-scan.ts';
import { stillingerWeberSilicon } from './stillinger-weber.ts';

describe('dimerScan', async () => {
  const fit = await fitOn(1, siliconFrames(12));
  const potential = new AcePotential(fit.model, createAceProgram(fit.basis));
  const points = dimerScan(potential, 0, 0);
  const { innerCutoff, cutoff } = fit.model.specification.pairs[0]![0]!;

  it('goes from 0.5 Å to the cutoff', () => {
    expect(points[0]!.distance).toBe(0.5);
    expect(points.at(-1)!.distance).toBeLessThanOrEqual(cutoff + 1e-9);
    expect(points.at(-1)!.distance).toBeGreaterThan(cutoff - 0.05);
  });

  it('gives forces that are the slope of its energies', () => {
    const step = 1e-5;
    for (const { distance, force } of points.filter((_, k) => k % 7 === 0 && k > 0)) {
      const slope =
        (potential.evaluate(dimer(14, 14, distance + step)).energy -
          potential.evaluate(dimer(14, 14, distance - step)).energy) /
        (2 * step);
      expect(force).toAgree(-slope, { atol: 1e-5, rtol: 1e-6, why: 'central difference over 1e-5 Å' });
    }
  });

  it('is broken below the hard distance gate, and nowhere both wrong by 1 eV/Å and trusted', () => {
    const truth = stillingerWeberSilicon();
    for (const { distance, force, state } of points) {
      if (distance < innerCutoff) expect(state).toBe('broken');
      const wrong = Math.abs(truth.evaluate(dimer(14, 14, distance)).forces[3]! - force) > 1;
      if (wrong) expect(state, `${distance} Å`).not.toBe('trusted');
    }
  });

  it('repels all the way in where only the core acts', () => {
    const { innerWidth } = fit.model.specification.pairs[0]![0]!;
    const inside = points.filter(({ distance }) => distance < innerCutoff - innerWidth);
    expect(inside.length).toBeGreaterThan(10);
    for (let k = 1; k < inside.length; k++) expect(inside[k]!.energy).toBeLessThan(inside[k - 1]!.energy);
    expect(dimerSummaries(potential)).toMatchObject([
      { pair: ['Si', 'Si'], gate: innerCutoff, gateBroken: true, trusted: null },
    ]);
  });

  it('says where atoms attract below the shortest distance of the data', () => {
    const { repulsive, attractive, shortest } = dimerSummaries(potential)[0]!;
    expect(shortest).toBe(Number.POSITIVE_INFINITY);
    expect(attractive === null).toBe(points.every(({ distance, force }) => distance >= innerCutoff || force > 0));
    expect(repulsive || attractive !== null).toBe(true);
    // Beyond the well of the dimer the force pulls.
    const far = dimerSummaries(potential, [[cutoff]])[0]!;
    const pulls = points.filter(({ force }) => !(force > 0)).map(({ distance }) => distance);
    expect(far).toMatchObject({ shortest: cutoff, attractive: [pulls[0], pulls.filter((r) => r < cutoff).at(-1)] });
  });

  it('has a summary for every pair of elements once', async () => {
    const alloy = await fitOn(1, alloyFrames(12, alloyPotential(['C', 'Si'], [-1, -2])));
    const summaries = dimerSummaries(new AcePotential(alloy.model, createAceProgram(alloy.basis)));
    expect(summaries.map(({ pair }) => pair.join('-'))).toEqual(['C-C', 'C-Si', 'Si-Si']);
    for (const { gateBroken } of summaries) expect(gateBroken).toBe(true);
  });
});
