import { describe, expect, it } from 'vitest';
import { fitOn, siliconFrames, TINY_FIT } from '../../../../test/support/models.ts';
import { mapsOf } from '../../../../test/support/neural.ts';
import { buildAceBasis } from '../../descriptors/ace/enumerate.ts';
import { createAceProgram } from '../../descriptors/ace/program.ts';
import { RandomStream } from '../../random.ts';
import { predictiveSigmas } from '../predictive.ts';
import type { NeuralEnsemble } from './ensemble.ts';
import { initialParameters, parameterCount } from './network.ts';
import { EnsembleProgram, NeuralPotential, potentialOf, withCommittee } from './neural-potential.ts';

describe('networks on top of a linear model', async () => {
  const frames = siliconFrames(12);
  const { model, basis } = await fitOn(1, frames, TINY_FIT);
  const small = buildAceBasis({ ...model.specification, nmax: [4, 2], lmax: [0, 2] });
  const shape = { inputs: 5, hidden: [4, 3], activation: 'silu' as const };
  const random = new RandomStream(9, 'neural potential test');
  const scale = { a: 0.5, b: 4, structures: 20, observations: 100, gain: 0.1, calibrated: true, reason: '' };
  const ensemble: NeuralEnsemble = {
    specification: small.specification,
    basisId: small.id,
    shape,
    maps: mapsOf(small, frames, 5),
    members: [1, 2, 3].map(() => Float64Array.from({ length: parameterCount(shape) }, () => 0.3 * random.normal())),
    scales: { energy: scale, forces: scale, virial: scale },
    rescaling: { energy: 2, forces: 2, virial: 2 },
    conformal: { level: 0.95, energy: 2, forces: 3 },
    heldOut: { energy: 0.01, forces: 0.2, virial: 0.1 },
    active: true,
    verdict: { structures: 5, linearForceError: 0.2, forceError: 0.1, ence: 0.1, reason: '' },
    training: { settings: {} as never, members: [] },
  };
  const own = { ...model, neural: ensemble };
  const { structure } = frames[4]!;
  const why = 'the same sums in another order';

  it('add the mean of the members, whose forces and virial are means as well', () => {
    const program = new EnsembleProgram(ensemble);
    const mean = program.mean(structure);
    const members = program.members(structure);
    expect(members).toHaveLength(3);
    const average = (of: (m: number) => number): number => (of(0) + of(1) + of(2)) / 3;
    expect(mean.energy).toAgree(
      average((m) => members[m]!.energy),
      { rtol: 1e-12, why },
    );
    for (let k = 0; k < 24; k++) {
      expect(mean.forces[k]!).toAgree(
        average((m) => members[m]!.forces[k]!),
        { atol: 1e-12, why },
      );
    }
    expect(mean.virial[1]!).toAgree(
      average((m) => members[m]!.virial[1]!),
      { atol: 1e-11, why },
    );
  });

  it('before training add nothing at all', () => {
    const zero = initialParameters(shape, random);
    const untrained = { ...own, neural: { ...ensemble, members: [zero, zero] } };
    const linear = potentialOf(model, createAceProgram(basis));
    const found = new NeuralPotential(untrained, createAceProgram(basis)).evaluate(structure);
    const { energy, forces } = linear.evaluate(structure);
    expect(found.energy).toBe(energy);
    expect(found.forces).toEqual(forces);
  });

  it('have error bars of their own spread, and limits by their own errors', () => {
    const potential = new NeuralPotential(own, createAceProgram(basis));
    const prediction = potential.predict(structure);
    const sigmas = predictiveSigmas(potential.model, prediction);
    const noise = model.posterior.hyperparameters.noise.forces;
    expect(sigmas.forces[2]!).toAgree(Math.sqrt(0.5 * noise * noise + 4 * prediction.forceVariances[2]!), {
      rtol: 1e-12,
      why: 'a σ² + b v',
    });
    expect(potential.model.uncertainty.limits.forceSigmaSelect).toBe(0.4);
    expect(potential.trust(structure).forceSigma).toAgree(
      Math.sqrt(4 * prediction.forceVariances.reduce((a, b) => Math.max(a, b), 0)),
      { rtol: 1e-12, why: '√(b v)' },
    );
    const { uncertainty } = withCommittee(model, ensemble);
    expect(uncertainty.leaveOneOut).toEqual(model.uncertainty.leaveOneOut);
    expect(uncertainty.envelope).toBeUndefined();
  });

  it('keep grades, leverage and novelty of the linear model', () => {
    const [neural, linear] = [own, model].map((one) => potentialOf(one, createAceProgram(basis)));
    expect(neural!.grades(structure)).toEqual(linear!.grades(structure));
    const [a, b] = [neural!.predict(structure), linear!.predict(structure)];
    expect(a.novelty).toEqual(b.novelty);
    expect(a.leverage).toEqual(b.leverage);
    expect(neural!.name).toBe('ace-neural');
  });

  it('are refused where there are none, or their basis is another', () => {
    expect(() => new NeuralPotential(model, createAceProgram(basis))).toThrow(/must hold networks/);
    expect(() => new EnsembleProgram({ ...ensemble, basisId: 'other' })).toThrow(/basis of the networks must be other/);
  });
});
