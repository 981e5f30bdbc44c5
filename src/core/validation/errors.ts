import { InputError } from '../errors.ts';

/**
 * What a model says of one labelled structure, and how sure it is. Errors are model − reference. A sigma of NaN marks a
 * component fixed by symmetry (left out of calibration), error and sigma NaN an absent label.
 */
export interface AssessmentFrame {
  /** Number of atoms. */
  readonly atoms: number;
  /** Error of the total energy, eV. */
  readonly energyError: number;
  /** Predictive standard deviation of the total energy, eV. */
  readonly energySigma: number;
  /** [3n] force errors, eV/Å. */
  readonly forceErrors: ArrayLike<number>;
  /** [3n] predictive standard deviation of each force component, eV/Å. */
  readonly forceSigmas: ArrayLike<number>;
}

/** Errors of one quantity; all NaN when `count` is 0. */
export interface ErrorSummary {
  /** Number of values that are not NaN. */
  readonly count: number;
  /** Mean of e. */
  readonly mean: number;
  /** Mean of |e|. */
  readonly mae: number;
  /** Square root of the mean of e². */
  readonly rmse: number;
  /** Largest |e|. */
  readonly max: number;
}

/** Count, mean, MAE, RMSE and largest size of errors, leaving out NaN. */
export function summarizeErrors(errors: ArrayLike<number>): ErrorSummary {
  let count = 0;
  let sum = 0;
  let absolute = 0;
  let square = 0;
  let max = Number.NaN;
  for (let i = 0; i < errors.length; i++) {
    const error = errors[i]!;
    if (Number.isNaN(error)) continue;
    const size = Math.abs(error);
    count++;
    sum += error;
    absolute += size;
    square += error * error;
    if (!(size <= max)) max = size;
  }
  return { count, mean: sum / count, mae: absolute / count, rmse: Math.sqrt(square / count), max };
}

/**
 * Checks the shape of assessment frames.
 * @throws InputError `ASSESSMENT_FRAME` when atoms is not a positive integer or the force arrays differ in length.
 */
export function requireFrames(frames: readonly AssessmentFrame[]): void {
  frames.forEach((frame, index) => {
    if (!(Number.isInteger(frame.atoms) && frame.atoms > 0)) {
      throw new InputError(
        'ASSESSMENT_FRAME',
        `atoms of frame ${index} must be a positive integer, got ${frame.atoms}`,
        { index },
      );
    }
    if (frame.forceErrors.length !== frame.forceSigmas.length) {
      throw new InputError(
        'ASSESSMENT_FRAME',
        `force sigmas of frame ${index} must be as many as its force errors (${frame.forceErrors.length}), got ${frame.forceSigmas.length}`,
        { index },
      );
    }
  });
}

/** [frames] energy error per atom, eV. */
export function energyErrorsPerAtom(frames: readonly AssessmentFrame[]): Float64Array {
  return Float64Array.from(frames, (frame) => frame.energyError / frame.atoms);
}

/** Errors and sigmas of one quantity over all frames, with the frame each belongs to. */
export interface PooledErrors {
  readonly errors: Float64Array;
  readonly sigmas: Float64Array;
  /** Index of the frame of each entry. */
  readonly frames: Int32Array;
}

/** Force errors and sigmas of all frames in one array, frame by frame. */
export function pooledForces(frames: readonly AssessmentFrame[]): PooledErrors {
  const total = frames.reduce((sum, frame) => sum + frame.forceErrors.length, 0);
  const errors = new Float64Array(total);
  const sigmas = new Float64Array(total);
  const owners = new Int32Array(total);
  let offset = 0;
  frames.forEach((frame, index) => {
    errors.set(frame.forceErrors, offset);
    sigmas.set(frame.forceSigmas, offset);
    owners.fill(index, offset, offset + frame.forceErrors.length);
    offset += frame.forceErrors.length;
  });
  return { errors, sigmas, frames: owners };
}

/** Energy errors and sigmas of all frames (whole cells, eV). */
export function pooledEnergies(frames: readonly AssessmentFrame[]): PooledErrors {
  return {
    errors: Float64Array.from(frames, (frame) => frame.energyError),
    sigmas: Float64Array.from(frames, (frame) => frame.energySigma),
    frames: Int32Array.from(frames, (_, index) => index),
  };
}
