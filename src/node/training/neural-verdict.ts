import { observationNoise } from '../../core/dataset/dataset.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import type { CommitteeFrame, EnsembleVerdict } from '../../core/potentials/neural/ensemble.ts';
import { atomVariances, spreadOf } from '../../core/potentials/neural/ensemble.ts';
import type { LossNoises, NetworkModel, NeuralFrame } from '../../core/potentials/neural/loss.ts';
import type { PerKind } from '../../core/regression/regression.ts';
import type { TwoFactorScale } from '../../core/uncertainty/calibration.ts';
import { predictiveVariance } from '../../core/uncertainty/calibration.ts';
import { expectedNormalizedCalibrationError } from '../../core/validation/calibration.ts';

/** Errors and spread of trained members on structures that none has seen. */
export function committeeFrame(
  frame: NeuralFrame,
  model: NetworkModel,
  members: readonly Float64Array[],
  noises: LossNoises,
  linear: LinearModel,
): CommitteeFrame {
  const { environments, residuals } = frame;
  const n = environments.elements.length;
  const energies: number[][] = [];
  const forces: Float64Array[] = [];
  const virials: Float64Array[] = [];
  for (const parameters of members) {
    const own = new Float64Array(3 * n);
    const virial = new Float64Array(6);
    energies.push([model.evaluate(environments, parameters, own, virial)]);
    forces.push(own);
    virials.push(virial);
  }
  const [energy, force, virial] = [spreadOf(energies), spreadOf(forces), spreadOf(virials)];
  const fixed = Uint8Array.from({ length: 3 * n }, (_, k) =>
    residuals.forces !== null && Number.isNaN(residuals.forces[k]!) ? 1 : 0,
  );
  const perAtom = atomVariances(force.variances, fixed);
  const none = new Float64Array(0);
  return {
    atoms: n,
    errors: {
      energy: Float64Array.of(energy.means[0]! - residuals.energy),
      forces: residuals.forces === null ? none : residuals.forces.map((target, k) => force.means[k]! - target),
      virial: residuals.virial === null ? none : residuals.virial.map((target, k) => virial.means[k]! - target),
    },
    variances: {
      energy: energy.variances,
      forces: residuals.forces === null ? none : force.variances.map((_, k) => perAtom[Math.floor(k / 3)]!),
      virial: residuals.virial === null ? none : virial.variances,
    },
    noises: {
      energy: observationNoise('energy', noises.energy, n, linear.energyNoise),
      forces: noises.forces,
      virial: observationNoise('virial', noises.virial, n, linear.energyNoise),
    },
  };
}

/** Errors of force components and their predictive sigmas on structures that no member has seen. */
export function forceErrors(
  frames: readonly CommitteeFrame[],
  { forces: scale }: PerKind<TwoFactorScale>,
): {
  readonly mae: number;
  readonly ence: number;
} {
  const errors: number[] = [];
  const sigmas: number[] = [];
  for (const frame of frames) {
    frame.errors.forces.forEach((error, k) => {
      if (Number.isNaN(error)) return;
      errors.push(error);
      const { forces: noise } = frame.noises;
      sigmas.push(Math.sqrt(predictiveVariance(scale, noise * noise, frame.variances.forces[k]!)));
    });
  }
  return {
    mae: meanSize(errors),
    ence: expectedNormalizedCalibrationError(errors, sigmas, Math.min(10, Math.max(1, errors.length))),
  };
}

/** Mean of |x| over what is a number. */
export function meanSize(values: readonly number[]): number {
  const kept = values.filter((value) => !Number.isNaN(value));
  return kept.reduce((sum, value) => sum + Math.abs(value), 0) / kept.length;
}

/** Networks must lower the force error by at least this share: they cost several times the linear model. */
export const LEAST_GAIN = 0.01;

/** Whether networks come into force. */
export function verdictOf(
  structures: number,
  linearForceError: number,
  forceError: number,
  ence: number,
  largestEnce: number,
): EnsembleVerdict {
  const bound = (1 - LEAST_GAIN) * linearForceError;
  const reasons = [
    forceError <= bound
      ? ''
      : `force error ${forceError.toPrecision(3)} eV/Å is not ${100 * LEAST_GAIN} % below that of the linear model, ${linearForceError.toPrecision(3)} eV/Å`,
    ence <= largestEnce ? '' : `ENCE ${ence.toPrecision(2)} is above ${largestEnce}`,
  ].filter((reason) => reason !== '');
  return { structures, linearForceError, forceError, ence, reason: reasons.join('; ') };
}
