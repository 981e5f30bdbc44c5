import { describe, expect, it } from 'vitest';
import { fitOn, siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { inRegime } from '../../core/potentials/regimes.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { summarizeEvaluation } from '../../core/validation/summary.ts';
import { readModel, writeModel } from '../../formats/model-file.ts';
import { createPool } from '../workers/pool.ts';
import { calibrateModel } from './calibrate.ts';
import { evaluateModel } from './evaluate.ts';
import { openModel } from './open-model.ts';

/** Labels that are worse than those of the fit: forces off by a pattern of 0.2 eV/Å. */
const worse = (frames: readonly Frame[]): Frame[] =>
  frames.map((frame) => ({
    ...frame,
    labels: {
      ...frame.labels,
      forces: frame.labels.forces!.map((f, k) => f + (k % 2 === 0 ? 0.2 : -0.2)),
      virial: null,
    },
  }));

const fit = await fitOn(1, siliconFrames(16), TINY_FIT);
const handle = openModel(writeModel(fit.model, fit.basis));
const regimeFrames = worse(siliconFrames(30, { rattle: 0.05 }).slice(16));

describe('calibrateModel', () => {
  it('gives a regime error bars of the size of its errors and leaves the general ones', async () => {
    const pool = createPool(1, null);
    const { model, regime } = await calibrateModel(fit.model, handle, regimeFrames, 'worse', pool);
    const rms = async (of: typeof model): Promise<number> => {
      const frames = await evaluateModel(openModel(writeModel(of, fit.basis)), regimeFrames, pool);
      return summarizeEvaluation(frames, 2).calibration.forces!.rmsResidual;
    };
    expect(regime.structures).toBe(14);
    expect(await rms(model)).toAgree(await rms(fit.model), { rtol: 1e-9, why: 'the general error bars stay' });
    expect(await rms(model)).toBeGreaterThan(1.5);
    expect(await rms(inRegime(model, 'worse'))).toAgree(1, { atol: 0.15, why: 'calibrated on these very residuals' });
    // Without labels of the stress its general terms stand for the regime, too.
    expect(regime.envelope.virial).toEqual(fit.model.uncertainty.envelope!.virial);
    expect(regime.conformal.forces).toBeGreaterThan(0);
    const written = readModel(writeModel(model, fit.basis), 'regime.model').model;
    expect(written.uncertainty.regimes).toEqual([regime]);
    await pool.dispose();
  });

  it('calls few structures uncalibrated, replaces a regime of the same name, and refuses one without a name', async () => {
    const pool = createPool(1, null);
    const first = await calibrateModel(fit.model, handle, regimeFrames.slice(0, 4), 'worse', pool);
    expect(first.regime.envelope.forces.every(({ scale }) => !scale.calibrated)).toBe(true);
    const second = await calibrateModel(first.model, handle, regimeFrames, 'worse', pool);
    expect(second.model.uncertainty.regimes).toEqual([second.regime]);
    await expect(calibrateModel(fit.model, handle, regimeFrames, ' ', pool)).rejects.toThrow('name of a regime');
    expect(() => inRegime(second.model, 'other')).toThrow('calibrated for (worse), got "other"');
    expect(() => inRegime(fit.model, 'other')).toThrow('(none)');
    await pool.dispose();
  });
});
