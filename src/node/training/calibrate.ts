import { observationNoise } from '../../core/dataset/dataset.ts';
import { InputError } from '../../core/errors.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import { type CalibratedRegime, envelopeOf, withRegime } from '../../core/potentials/regimes.ts';
import type { ObservationKind, PerKind } from '../../core/regression/regression.ts';
import { OBSERVATION_KINDS } from '../../core/regression/regression.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import { conformalQuantile, structureScores } from '../../core/uncertainty/conformal.ts';
import { envelopeVariances, fitEnvelope, type FormSample } from '../../core/uncertainty/envelope.ts';
import type { VarianceFormName } from '../../core/uncertainty/variance-forms.ts';
import type { Machine, ModelHandle } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { checkJudgeable, judgedFrames, onFrame } from './check-frames.ts';
import { chunksOf } from './chunks.ts';
import { LEAST_NOISE_SHARE } from './error-bars.ts';

/** Residuals of labelled structures with the raw variances that a model gives them, structure by structure. */
export interface FrameResiduals {
  readonly residuals: Float64Array;
  /** Variance of the noise of the fit. */
  readonly noise: number;
  readonly forms: Partial<Readonly<Record<VarianceFormName, Float64Array>>>;
}

/** What is to be calibrated on, kind by kind. Components without a label or fixed by symmetry are left out. */
export function residualsOf(
  machine: Machine,
  argument: { model: ModelHandle; frames: readonly Frame[] },
): PerKind<FrameResiduals>[] {
  const potential = machine.potential(argument.model);
  return argument.frames.map((frame) => onFrame(frame, () => frameResiduals(potential, frame)));
}

function frameResiduals(potential: ReturnType<Machine['potential']>, frame: Frame): PerKind<FrameResiduals> {
  const { model } = potential;
  const { structure, labels } = frame;
  const prediction = potential.predict(structure);
  const forms = Object.entries(prediction.forms) as [VarianceFormName, typeof prediction.forms.posterior][];
  const of = (
    kind: ObservationKind,
    predicted: ArrayLike<number>,
    label: ArrayLike<number> | null,
    variance: (form: typeof prediction.forms.posterior, component: number) => number,
    free: (component: number) => boolean = () => true,
  ): FrameResiduals => {
    const used =
      label === null
        ? []
        : Array.from({ length: label.length }, (_, c) => c).filter((c) => free(c) && !Number.isNaN(label[c]!));
    const sigma = observationNoise(
      kind,
      model.posterior.hyperparameters.noise[kind],
      atomCount(structure),
      model.energyNoise,
    );
    return {
      residuals: Float64Array.from(used, (c) => label![c]! - predicted[c]!),
      noise: sigma * sigma,
      forms: Object.fromEntries(forms.map(([name, form]) => [name, Float64Array.from(used, (c) => variance(form, c))])),
    };
  };
  return {
    energy: of('energy', [prediction.energy], labels.energy === null ? null : [labels.energy], (form) => form.energy),
    forces: of(
      'forces',
      prediction.forces,
      labels.forces,
      (form, c) => form.forces[Math.floor(c / 3)]!,
      (c) => prediction.fixedComponents[c] === 0,
    ),
    virial: of('virial', prediction.virial, labels.virial, (form, c) => form.virial[c]!),
  };
}

function sampleOf(frames: readonly FrameResiduals[]): FormSample {
  const joined = (of: (frame: FrameResiduals) => Float64Array): Float64Array =>
    Float64Array.from(frames.flatMap((frame) => [...of(frame)]));
  const names = Object.keys(frames[0]?.forms ?? {}) as VarianceFormName[];
  return {
    residuals: joined(({ residuals }) => residuals),
    noise: joined(({ residuals, noise }) => residuals.map(() => noise)),
    structures: Int32Array.from(frames.flatMap(({ residuals }, f) => new Array<number>(residuals.length).fill(f))),
    forms: Object.fromEntries(names.map((name) => [name, joined(({ forms }) => forms[name]!)])),
  };
}

/** A regime and what its data showed of the general error bars. */
export interface Calibration {
  readonly model: LinearModel;
  readonly regime: CalibratedRegime;
}

/**
 * Calibrates a model on labelled structures that it was not fitted to: their residuals as they are, since they are in no
 * fit. The general error bars stay; the regime stands beside them under its name.
 *
 * @throws InputError `REGIME_NAME` for an empty name; as `checkJudgeable`
 */
export async function calibrateModel(
  model: LinearModel,
  handle: ModelHandle,
  frames: readonly Frame[],
  name: string,
  pool: TaskPool,
): Promise<Calibration> {
  if (name.trim() === '') throw new InputError('REGIME_NAME', 'name of a regime must not be empty, got ""');
  checkJudgeable(frames);
  const judged = judgedFrames(frames);
  const chunks = chunksOf(judged).map((chunk) => ({ model: handle, frames: chunk }));
  const residuals = (await pool.map('residuals', chunks)).flat();
  const { uncertainty } = model;
  const samples = Object.fromEntries(
    OBSERVATION_KINDS.map((kind) => [kind, sampleOf(residuals.map((frame) => frame[kind]))]),
  ) as unknown as PerKind<FormSample>;
  const envelope = Object.fromEntries(
    OBSERVATION_KINDS.map((kind) => [
      kind,
      samples[kind].residuals.length === 0
        ? envelopeOf(uncertainty, kind)
        : fitEnvelope(samples[kind], { smallestA: LEAST_NOISE_SHARE }),
    ]),
  ) as unknown as CalibratedRegime['envelope'];
  const { level } = uncertainty.conformal;
  const conformal = (kind: 'energy' | 'forces'): number => {
    const sample = samples[kind];
    if (sample.residuals.length === 0) return uncertainty.conformal[kind];
    const variances = envelopeVariances(envelope[kind], sample);
    const z = sample.residuals.map((e, i) => e / Math.sqrt(variances[i]!));
    return conformalQuantile(structureScores(z, sample.structures), 1 - level);
  };
  const regime: CalibratedRegime = {
    name,
    structures: judged.length,
    envelope,
    conformal: { level, energy: conformal('energy'), forces: conformal('forces') },
  };
  return { model: withRegime(model, regime), regime };
}
