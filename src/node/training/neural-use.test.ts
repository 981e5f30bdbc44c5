/** What else runs on a model runs on one whose networks are in force. */
import { afterAll, describe, expect, it } from 'vitest';
import { siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { TINY_TRAINING } from '../../../test/support/neural.ts';
import { createAceProgram } from '../../core/descriptors/ace/program.ts';
import { massesOf, startMotion } from '../../core/dynamics/dynamics.ts';
import { kineticEnergy, maxwellBoltzmann } from '../../core/dynamics/velocities.ts';
import { velocityVerletStep } from '../../core/dynamics/velocity-verlet.ts';
import { potentialOf } from '../../core/potentials/neural/neural-potential.ts';
import { RandomStream } from '../../core/random.ts';
import { summarizeEvaluation } from '../../core/validation/summary.ts';
import { writeModel } from '../../formats/model-file.ts';
import { Machine } from '../workers/machine.ts';
import { createPool } from '../workers/pool.ts';
import { evaluateModel } from './evaluate.ts';
import { fitModel } from './fit.ts';
import { fitNeural } from './neural.ts';
import { DEFAULT_NEURAL } from './neural-settings.ts';
import { openModel } from './open-model.ts';

describe('a model of networks', async () => {
  const pool = createPool(1, null);
  afterAll(() => pool.dispose());
  const frames = siliconFrames(24, { rattle: 0.12 });
  const linear = await fitModel(frames, { ...TINY_FIT, nmax: [4, 1], lmax: [0, 1] }, pool);
  const base = openModel(writeModel(linear.model, linear.basis));
  const { model, ensemble } = await fitNeural(
    frames,
    { model: linear.model, basis: linear.basis, handle: base },
    {
      ...DEFAULT_NEURAL,
      members: 4,
      heldOut: 0.25,
      inputs: 8,
      nmax: [4, 3],
      lmax: [0, 3],
      training: { ...TINY_TRAINING, epochs: 25 },
      largestEnce: 10,
    },
    pool,
  );
  const handle = openModel(writeModel(model, linear.basis));
  const fresh = siliconFrames(8, { seed: 77, rattle: 0.12 });

  it('is better than its linear model on structures of its kind, when evaluated as any other', async () => {
    expect(ensemble.active).toBe(true);
    const mae = async (of: typeof handle): Promise<number> =>
      summarizeEvaluation(await evaluateModel(of, fresh, pool), 2).forces!.mae;
    expect(await mae(handle)).toBeLessThan(0.8 * (await mae(base)));
  });

  it('predicts with error bars that cover', async () => {
    const predictions = await pool.run('predict', { model: handle, frames: fresh });
    let inside = 0;
    let total = 0;
    predictions.forEach(({ forces, forcesStd, grade, trust }, f) => {
      expect(grade).not.toBeNull();
      expect(['trusted', 'extrapolating', 'broken']).toContain(trust.state);
      forces.forEach((force, i) => {
        force.forEach((value, c) => {
          total++;
          if (Math.abs(value - fresh[f]!.labels.forces![3 * i + c]!) < 2 * forcesStd[i]!) inside++;
        });
      });
    });
    // Nominal 95 %, by a scale fitted to six structures.
    expect(inside / total).toBeGreaterThan(0.8);
  });

  it('conserves the energy of a motion to the order of the step', () => {
    const potential = potentialOf(model, createAceProgram(linear.basis));
    const { structure } = siliconFrames(1, { rattle: 0.02 })[0]!;
    const drift = (dt: number): number => {
      const masses = massesOf(structure.species);
      const velocities = maxwellBoltzmann(masses, 150, new RandomStream(2, 'neural motion'), { zeroMomentum: true });
      const motion = startMotion(structure, velocities, potential);
      const total = (): number => motion.energy + kineticEnergy(motion.velocities, motion.masses);
      const start = total();
      let worst = 0;
      for (let s = 0; s < 64 / dt; s++) {
        velocityVerletStep(motion, potential, dt);
        worst = Math.max(worst, Math.abs(total() - start));
      }
      return worst;
    };
    const [coarse, fine] = [drift(2), drift(1)];
    expect(coarse / fine).toAgree(4, {
      atol: 1.2,
      why: 'the error of the total energy is of second order in the step',
    });
  });

  it('drives walkers, without the screen that rests on posterior samples', async () => {
    const machine = new Machine(null);
    expect(machine.screenOf(base)).not.toBeNull();
    expect(machine.screenOf(handle)).toBeNull();
    machine.dispose();
    const plan = {
      round: 1,
      walker: 0,
      start: 0,
      structure: fresh[0]!.structure,
      strain: Float64Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0),
      temperature: 300,
      steps: 20,
      timeStep: 1,
    };
    const walk = () => pool.run('explore', { model: handle, plan, seed: 3, options: {} });
    const [first, second] = [await walk(), await walk()];
    expect(first).toEqual(second);
  });

  it('has its dimers scanned', async () => {
    const [dimer] = await pool.run('dimers', { model: handle });
    expect(dimer!.pair).toEqual(['Si', 'Si']);
    expect(dimer!.gateBroken).toBe(true);
  });

  it('may be the base of new networks, which replace the old', async () => {
    const settings = {
      ...DEFAULT_NEURAL,
      members: 2,
      heldOut: 0.25,
      inputs: 6,
      nmax: [3, 1],
      lmax: [0, 1],
      training: { ...TINY_TRAINING, epochs: 1 },
    };
    const again = await fitNeural(frames, { model, basis: linear.basis, handle }, settings, pool);
    const once = await fitNeural(frames, { model: linear.model, basis: linear.basis, handle: base }, settings, pool);
    expect(again.ensemble.verdict.linearForceError).toBe(once.ensemble.verdict.linearForceError);
    expect(again.ensemble.members).toEqual(once.ensemble.members);
    // The same on structures that the linear model was not fitted to, where its predictions are asked for.
    const others = siliconFrames(12, { seed: 5 });
    const [first, second] = [
      await fitNeural(others, { model, basis: linear.basis, handle }, settings, pool),
      await fitNeural(others, { model: linear.model, basis: linear.basis, handle: base }, settings, pool),
    ];
    expect(first.ensemble.verdict).toEqual(second.ensemble.verdict);
  });
});
