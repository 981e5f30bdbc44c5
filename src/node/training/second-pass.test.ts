import { beforeAll, describe, expect, it } from 'vitest';
import { fitOn, siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { whitenedFrame } from '../../core/dataset/left-out.ts';
import { frameWeights } from '../../core/dataset/weights.ts';
import { createAceProgram } from '../../core/descriptors/ace/program.ts';
import { dot } from '../../core/numerics/dense.ts';
import { downdatePosterior, posteriorVariances } from '../../core/regression/posterior.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { estimatorsOf, formsOf } from '../../core/uncertainty/estimators.ts';
import { formVariances } from '../../core/uncertainty/variance-forms.ts';
import type { Fit } from './fit.ts';

const FRAMES = 24;
/** Twelve parents of two frames each, far apart in the file. */
const related: Frame[] = siliconFrames(FRAMES).map((frame, f) => ({ ...frame, info: { parent: f % 12 } }));
const pairOf = (f: number) => [f % 12, (f % 12) + 12];

let alone: Fit;
let together: Fit;

beforeAll(async () => {
  [alone, together] = [await fitOn(1, siliconFrames(FRAMES)), await fitOn(2, related)];
});

/** Observations of the frames of a fit over their noise. */
function observations({ model, basis }: Fit, frames: readonly Frame[]) {
  const program = createAceProgram(basis);
  const settings = {
    layout: model.layout,
    reference: model.reference,
    energyNoise: model.energyNoise,
    mask: { scale: model.forceColumnScale },
    offsetKey: null,
    stress: true,
  };
  return frames.map((frame) => {
    let found!: ReturnType<typeof whitenedFrame>;
    program.rows([frame.structure], (_, rows) => {
      found = whitenedFrame(frame, rows, settings, frameWeights({})(frame), model.posterior);
    });
    return found;
  });
}

describe('the passes over a posterior', () => {
  it('leave the frames of a parent out together, where at least ten are named', () => {
    const { model, leftOut } = together;
    const d = model.posterior.mean.length;
    const seen = observations(together, related);
    for (const f of [0, 5, 17]) {
      const own = pairOf(f).map((other) => seen[other]!);
      const rows = Float64Array.from(own.flatMap((one) => [...one.rows]));
      const targets = Float64Array.from(
        own.flatMap((one) => [...one.residuals].map((e, i) => e + dot(one.rows, model.posterior.mean, d, i * d, 0))),
      );
      const without = downdatePosterior(model.posterior, rows, targets, targets.length);
      const { judged, components } = leftOut[f]!.forces;
      const part = seen[f]!.parts.find(({ kind }) => kind === 'forces')!;
      for (let r = 0; r < 6; r++) {
        const i = part.first + r;
        const unit = seen[f]!.units[i]!;
        const change =
          dot(seen[f]!.rows, without.mean, d, i * d, 0) - dot(seen[f]!.rows, model.posterior.mean, d, i * d, 0);
        expect(judged!.residuals[r]).toAgree(-(seen[f]!.residuals[i]! - change) * unit, {
          rtol: 1e-6,
          atol: 1e-9,
          why: 'the fit without both frames, by Givens rotations',
        });
      }
      // Variances are averaged over the three components of an atom.
      const three = [0, 1, 2].map((r) => part.first + r);
      expect([...components.subarray(0, 3)]).toEqual([0, 1, 2]);
      const expected = three.map((i) => {
        const row = seen[f]!.rows.slice(i * d, (i + 1) * d);
        return posteriorVariances(without, row, 1)[0]! * seen[f]!.units[i]! * seen[f]!.units[i]!;
      });
      expect(judged!.posterior[0]).toAgree(expected.reduce((sum, v) => sum + v, 0) / 3, {
        rtol: 1e-6,
        why: 'the fit without both frames',
      });
      // What is told of the structure alone stays what it was: less error than a new trajectory has.
      expect(leftOut[f]!.forces.leftOut).not.toEqual(judged!.residuals);
    }
  });

  it('tell the same of frames alone and of clusters of one', () => {
    for (const { energy, forces, virial } of alone.leftOut)
      for (const own of [energy, forces, virial]) {
        expect(own.judged!.residuals).toAgree(own.leftOut, { rtol: 1e-9, atol: 1e-12, why: 'the same deletion' });
        expect(own.judged!.posterior).toAgree(own.variances, { rtol: 1e-9, why: 'the same deletion' });
      }
  });

  it('store the forms that the estimators give for the same rows', () => {
    const { model } = alone;
    const d = model.posterior.mean.length;
    const clusters = observations(alone, alone.frames);
    const forms = formsOf(estimatorsOf(model.posterior, clusters));
    const stored = model.uncertainty.forms!;
    const rows = clusters[3]!.rows.slice(0, 20 * d);
    for (const name of ['jackknife', 'pops'] as const) {
      expect(formVariances({ name, ...stored[name] }, d, rows, 20), name).toAgree(
        formVariances(forms[name], d, rows, 20),
        { rtol: 1e-5, why: 'roots are truncated at 1e-6 of the trace' },
      );
    }
    expect(stored.jackknife.rank).toBeLessThan(FRAMES);
    stored.pops.lower.forEach((low, k) => {
      expect(low).toBeLessThan(stored.pops.upper[k]!);
    });
    expect(together.model.uncertainty.forms!.jackknife.rank).toBeLessThan(12);
  });

  it('say what error bars are made from, and that few structures calibrate nothing', async () => {
    const { envelope, labelNoise, forceTrigger, scales } = alone.model.uncertainty;
    expect(envelope!.forces.map(({ form }) => form)).toEqual(['posterior', 'jackknife', 'pops']);
    expect(envelope!.energy.map(({ form, scale }) => [form, scale.a])).toEqual([['posterior', 0]]);
    expect(labelNoise).toEqual({ energy: 0, forces: 0, virial: 0 });
    const scores = alone.leftOut.flatMap(({ forces }) =>
      [...forces.judged!.posterior].map((v) => Math.sqrt(scales.forces.b * v)),
    );
    expect(scores.filter((score) => score > forceTrigger!).length / scores.length).toAgree(0.01, {
      atol: 0.005,
      why: 'the 99 % quantile of 576 scores, equal within atoms',
    });
    const few = await fitOn(1, siliconFrames(6));
    for (const kind of ['energy', 'forces', 'virial'] as const)
      expect(few.model.uncertainty.envelope![kind].map(({ form, scale }) => [form, scale.calibrated])).toEqual([
        ['jackknife', false],
      ]);
  });

  it('keep the constant of energies above the noise of their labels', async () => {
    const { energy } = alone.model.posterior.hyperparameters.noise;
    const known = await fitOn(1, siliconFrames(FRAMES), { ...TINY_FIT, labelNoise: { energy: 0.7 * energy } });
    const [term, ...others] = known.model.uncertainty.envelope!.energy;
    expect(others).toEqual([]);
    expect(term!.scale.a).toBeGreaterThanOrEqual(0.489);
    expect(known.model.uncertainty.labelNoise).toEqual({ energy: 0.7 * energy, forces: 0, virial: 0 });
  });
});
