import { afterAll, describe, expect, it } from 'vitest';
import { siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { mapsOf } from '../../../test/support/neural.ts';
import { buildAceBasis } from '../../core/descriptors/ace/enumerate.ts';
import { mapInputs } from '../../core/potentials/neural/inputs.ts';
import { writeModel } from '../../formats/model-file.ts';
import { createPool } from '../workers/pool.ts';
import { fitModel } from './fit.ts';
import { openModel } from './open-model.ts';

describe('training frames of networks', async () => {
  const pool = createPool(1, null);
  afterAll(() => pool.dispose());
  const frames = siliconFrames(14);
  const linear = await fitModel(frames, TINY_FIT, pool);
  const model = openModel(writeModel(linear.model, linear.basis));
  const basis = buildAceBasis({ ...linear.model.specification, nmax: [4, 2], lmax: [0, 2] });
  const maps = mapsOf(basis, frames, 6);
  const made = (fitted: boolean, stress = true) =>
    pool.run('neuralFrames', { model, basis, maps, frames, stress, fitted });

  it('carry what the model says of each frame without it, where it was fitted to them', async () => {
    const squares = { energy: 0, forces: 0, virial: 0 };
    let components = 0;
    for (const { residuals, environments } of await made(true)) {
      const n = environments.elements.length;
      squares.energy += (residuals.energy / n) ** 2;
      for (const f of residuals.forces!) {
        if (Number.isNaN(f)) continue;
        squares.forces += f * f;
        components++;
      }
      for (const w of residuals.virial!) squares.virial += (w / n) ** 2;
    }
    const { leaveOneOut } = linear.model.uncertainty;
    const why = 'the same left-out errors';
    expect(Math.sqrt(squares.energy / 14)).toAgree(leaveOneOut.energy, { rtol: 1e-9, why });
    expect(Math.sqrt(squares.forces / components)).toAgree(leaveOneOut.forces, { rtol: 1e-9, why });
    expect(Math.sqrt(squares.virial / (6 * 14))).toAgree(leaveOneOut.virial, { rtol: 1e-9, why });
  });

  it('carry labels minus the model otherwise, which are smaller', async () => {
    const [plain, leftOut] = [await made(false), await made(true)];
    const size = (list: typeof plain): number =>
      list.reduce((sum, { residuals }) => sum + residuals.forces!.reduce((a, f) => a + (f || 0) * (f || 0), 0), 0);
    expect(size(plain)).toBeLessThan(size(leftOut));
    expect(size(plain)).toBeGreaterThan(0.2 * size(leftOut));
  });

  it('live in memory that threads share, in single precision, without strains where no stress is wanted', async () => {
    const [first] = await made(false, false);
    const { jacobian, values, strain } = first!.environments;
    expect(jacobian).toBeInstanceOf(Float32Array);
    expect(jacobian.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(strain).toBeNull();
    expect(first!.residuals.virial).toBeNull();
    // The inputs are those that the kernels' descriptors give.
    const rows = pool.kernels.prepare(basis).descriptors([frames[0]!.structure])[0]!;
    const x = new Float64Array(values.length);
    for (let i = 0; i < 8; i++) mapInputs(maps[0]!, rows, i * basis.functions[0]!.length, x, 6 * i);
    expect(values).toAgree(x, { atol: 1e-8, rtol: 1e-8, why: 'tabulated and exact radial functions agree to 1e-10' });
  });

  it('have moments that do not depend on how the structures were cut', async () => {
    const structures = frames.map(({ structure }) => structure);
    const [whole] = await pool.run('neuralMoments', { basis, structures });
    const parts = [structures.slice(0, 5), structures.slice(5)];
    const [a, b] = [
      await pool.run('neuralMoments', { basis, structures: parts[0]! }),
      await pool.run('neuralMoments', { basis, structures: parts[1]! }),
    ];
    expect(a[0]!.count + b[0]!.count).toBe(whole!.count);
    expect(a[0]!.sum.map((s, v) => s + b[0]!.sum[v]!)).toAgree(whole!.sum, {
      rtol: 1e-12,
      atol: 1e-9,
      why: 'sums in parts',
    });
  });
});
