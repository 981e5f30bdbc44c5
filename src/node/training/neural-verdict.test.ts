import { describe, expect, it } from 'vitest';
import { siliconFrames } from '../../../test/support/models.ts';
import { mapsOf, neuralFramesOf } from '../../../test/support/neural.ts';
import { buildAceBasis } from '../../core/descriptors/ace/enumerate.ts';
import { presetSpecification } from '../../core/descriptors/ace/presets.ts';
import { NetworkModel } from '../../core/potentials/neural/loss.ts';
import { RandomStream } from '../../core/random.ts';
import { committeeFrame, forceErrors, meanSize, verdictOf } from './neural-verdict.ts';

describe('errors and spread of members', () => {
  const basis = buildAceBasis({ ...presetSpecification('small', ['Si'], 4.2), nmax: [4, 2], lmax: [0, 2] });
  const made = siliconFrames(3);
  const [frame] = neuralFramesOf(basis, mapsOf(basis, made, 6), made, -4);
  const model = new NetworkModel({ inputs: 6, hidden: [5], activation: 'silu' }, 1);
  const random = new RandomStream(4, 'verdict test');
  const members = [0, 1, 2].map(() => Float64Array.from({ length: model.count }, () => 0.3 * random.normal()));
  const noises = { energy: 0.01, forces: 0.1, virial: 0.2 };
  const linear = { energyNoise: 'sqrt' } as never;
  const found = committeeFrame(frame!, model, members, noises, linear);

  it('are of the mean of the members', () => {
    const energies = members.map((own) => model.evaluate(frame!.environments, own, null, null));
    const mean = energies.reduce((a, b) => a + b) / 3;
    const why = 'the same sums';
    expect(found.errors.energy[0]!).toAgree(mean - frame!.residuals.energy, { rtol: 1e-12, why });
    const variance = energies.reduce((sum, e) => sum + (e - mean) * (e - mean), 0) / 2;
    expect(found.variances.energy[0]!).toAgree(variance, { rtol: 1e-9, why });
    const forces = members.map((own) => {
      const out = new Float64Array(24);
      model.evaluate(frame!.environments, own, out, null);
      return out;
    });
    const average = (forces[0]![5]! + forces[1]![5]! + forces[2]![5]!) / 3;
    expect(found.errors.forces[5]!).toAgree(average - frame!.residuals.forces![5]!, { atol: 1e-12, why });
    expect(found.variances.forces[3]).toBe(found.variances.forces[5]);
    expect(found.noises).toEqual({ energy: 0.01 * Math.sqrt(8), forces: 0.1, virial: 0.2 * Math.sqrt(8) });
  });

  it('leave out components without a target, and kinds without labels', () => {
    const forces = frame!.residuals.forces!.slice();
    forces[7] = Number.NaN;
    const holes = { ...frame!, residuals: { energy: Number.NaN, forces, virial: null } };
    const part = committeeFrame(holes, model, members, noises, linear);
    expect(part.errors.energy[0]).toBeNaN();
    expect(part.errors.forces[7]).toBeNaN();
    expect(part.errors.virial).toHaveLength(0);
    expect(part.variances.forces[6]).not.toBe(found.variances.forces[6]);
    const bare = committeeFrame(
      { ...holes, residuals: { ...holes.residuals, forces: null } },
      model,
      members,
      noises,
      linear,
    );
    expect(bare.errors.forces).toHaveLength(0);
    expect(bare.variances.forces).toHaveLength(0);
  });

  it('of forces are summed up as their mean size and the calibration of their bars', () => {
    const scale = { a: 0, b: 1, structures: 1, observations: 24, gain: 0, calibrated: true, reason: '' };
    const scales = { energy: scale, forces: scale, virial: scale };
    const { mae, ence } = forceErrors([found], scales);
    expect(mae).toAgree(meanSize([...found.errors.forces]), { rtol: 1e-12, why: 'the same mean' });
    expect(ence).toBeGreaterThan(0);
    // Errors that are as large as their bars everywhere are calibrated.
    const even = { ...found, errors: { ...found.errors, forces: found.variances.forces.map(Math.sqrt) } };
    expect(forceErrors([even], scales).ence).toAgree(0, { atol: 1e-12, why: 'RMSE and RMV are equal in every bin' });
  });
});

describe('the mean size', () => {
  it('is of what is a number', () => {
    expect(meanSize([1, -3, Number.NaN])).toBe(2);
    expect(meanSize([])).toBeNaN();
  });
});

describe('the verdict', () => {
  it('names what keeps networks out', () => {
    expect(verdictOf(20, 0.06, 0.05, 0.1, 0.25).reason).toBe('');
    expect(verdictOf(20, 0.06, 0.07, 0.1, 0.25).reason).toContain('not 1 % below that of the linear model, 0.0600');
    expect(verdictOf(20, 0.06, 0.0598, 0.1, 0.25).reason).toContain('not 1 % below');
    expect(verdictOf(20, 0.06, 0.0593, 0.25, 0.25).reason).toBe('');
    expect(verdictOf(20, 0.06, 0.05, 0.4, 0.25).reason).toBe('ENCE 0.40 is above 0.25');
    expect(verdictOf(20, 0.06, Number.NaN, Number.NaN, 0.25).reason).toContain('; ');
  });
});
