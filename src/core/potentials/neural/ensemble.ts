import { InputError } from '../../errors.ts';
import type { AceSpecification } from '../../descriptors/ace/basis.ts';
import type { PerKind } from '../../regression/regression.ts';
import { OBSERVATION_KINDS } from '../../regression/regression.ts';
import type { TwoFactorScale } from '../../uncertainty/calibration.ts';
import { fitTwoFactorScale } from '../../uncertainty/calibration.ts';
import { committeePrediction, committeeScale } from '../../uncertainty/committee.ts';
import { conformalQuantile, structureScores } from '../../uncertainty/conformal.ts';
import type { InputMap } from './inputs.ts';
import type { NetworkShape } from './network.ts';
import type { TrainingSettings } from './training.ts';

/** Why an ensemble is in force or not: errors on structures that no network has seen. */
export interface EnsembleVerdict {
  readonly structures: number;
  /** Mean absolute error of force components, eV/Å, without and with the networks. */
  readonly linearForceError: number;
  readonly forceError: number;
  /** Expected normalised calibration error of the forces' error bars. */
  readonly ence: number;
  /** '' when in force. */
  readonly reason: string;
}

/** How one member fared. */
export interface MemberSummary {
  readonly epochs: number;
  readonly bestEpoch: number;
  /** Loss per residual on the held-out structures, before training and at the best epoch. */
  readonly startLoss: number;
  readonly bestLoss: number;
  /** Epochs that had to be taken back. */
  readonly rollbacks: number;
}

/** Networks that correct a linear model: the mean of the members is added to it. Plain data. */
export interface NeuralEnsemble {
  /** Basis of the invariants that the networks see. */
  readonly specification: AceSpecification;
  readonly basisId: string;
  readonly shape: NetworkShape;
  /** [elements] */
  readonly maps: readonly InputMap[];
  /** [members] parameters of all elements. */
  readonly members: readonly Float64Array[];
  /** Scales of the predictive variance a·σ² + b·v for the variance v of the members. */
  readonly scales: PerKind<TwoFactorScale>;
  /** α² by which the variance of the members matches the errors with nothing added; NaN where it is not known. */
  readonly rescaling: PerKind<number>;
  readonly conformal: { readonly level: number; readonly energy: number; readonly forces: number };
  /** Root mean square errors on the held-out structures: eV/atom, eV/Å, eV/atom. */
  readonly heldOut: PerKind<number>;
  /** Whether the networks are in force; otherwise the linear model speaks alone. */
  readonly active: boolean;
  readonly verdict: EnsembleVerdict;
  readonly training: { readonly settings: TrainingSettings; readonly members: readonly MemberSummary[] };
}

/** Errors (prediction − label) and variances of the members for one structure; NaN where there is no label. */
export interface CommitteeFrame {
  readonly atoms: number;
  readonly errors: PerKind<Float64Array>;
  /** One for every error. */
  readonly variances: PerKind<Float64Array>;
  /** Standard deviations of the noise, whole cell. */
  readonly noises: PerKind<number>;
}

/** Calibration of a committee on structures that its members have not seen. */
export type CommitteeCalibration = Pick<NeuralEnsemble, 'scales' | 'rescaling' | 'conformal' | 'heldOut'>;

/** Mean and variance (M − 1 in the denominator) of one quantity over members. @param members [M] of [n] */
export function spreadOf(members: readonly ArrayLike<number>[]): { means: Float64Array; variances: Float64Array } {
  const size = members.length;
  const n = members[0]?.length ?? 0;
  const table = new Float64Array(n * size);
  for (let k = 0; k < n; k++) for (let m = 0; m < size; m++) table[k * size + m] = members[m]![k]!;
  return committeePrediction(table, n, size);
}

/**
 * Variance of each atom's force components, the mean over the three that `fixed` does not name: it turns with the
 * structure, and is three times as certain as that of one component.
 *
 * @param variances [3n] of components
 * @returns         [n]
 */
export function atomVariances(variances: Float64Array, fixed: Uint8Array | null): Float64Array {
  const out = new Float64Array(variances.length / 3);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    let free = 0;
    for (let c = 3 * i; c < 3 * i + 3; c++) {
      if (fixed !== null && fixed[c] === 1) continue;
      sum += variances[c]!;
      free++;
    }
    out[i] = free === 0 ? 0 : sum / free;
  }
  return out;
}

function sampleOf(kind: keyof PerKind<number>, frames: readonly CommitteeFrame[]) {
  const total = frames.reduce((sum, frame) => sum + frame.errors[kind].length, 0);
  const sample = {
    residuals: new Float64Array(total),
    noise: new Float64Array(total),
    epistemic: new Float64Array(total),
    structures: new Int32Array(total),
  };
  let at = 0;
  frames.forEach((frame, f) => {
    const count = frame.errors[kind].length;
    sample.residuals.set(frame.errors[kind], at);
    sample.epistemic.set(frame.variances[kind], at);
    sample.noise.fill(frame.noises[kind] * frame.noises[kind], at, at + count);
    sample.structures.fill(f, at, at + count);
    at += count;
  });
  return sample;
}

/** α² of the errors that are there; NaN without any, or with fewer than four members. */
function rescalingOf(sample: ReturnType<typeof sampleOf>, members: number): number {
  const kept = [...sample.residuals.keys()].filter(
    (k) => !Number.isNaN(sample.residuals[k]!) && sample.epistemic[k]! > 0,
  );
  if (members < 4 || kept.length === 0) return Number.NaN;
  return committeeScale(
    kept.map((k) => sample.residuals[k]!),
    kept.map((k) => sample.epistemic[k]!),
    members,
  );
}

/**
 * Calibrates the spread of a committee on structures that no member has seen.
 *
 * @param members     number of members
 * @param leastNoise  least share a of the noise in an error bar
 * @param miscoverage of the intervals for whole structures
 * @throws InputError `COMMITTEE_SIZE` with fewer than two members
 */
export function calibrateCommittee(
  frames: readonly CommitteeFrame[],
  members: number,
  leastNoise: number,
  miscoverage: number,
): CommitteeCalibration {
  if (members < 2) {
    throw new InputError('COMMITTEE_SIZE', `members of an ensemble must be at least 2, got ${members}`, { members });
  }
  const by = <T>(of: (kind: keyof PerKind<number>) => T): PerKind<T> =>
    Object.fromEntries(OBSERVATION_KINDS.map((kind) => [kind, of(kind)])) as unknown as PerKind<T>;
  const samples = by((kind) => sampleOf(kind, frames));
  const scales = by((kind) => fitTwoFactorScale(samples[kind], { smallestA: leastNoise }));
  const conformalOf = (kind: 'energy' | 'forces'): number => {
    const { residuals, noise, epistemic, structures } = samples[kind];
    const { a, b } = scales[kind];
    const z = residuals.map((e, k) => e / Math.sqrt(a * noise[k]! + b * epistemic[k]!));
    return conformalQuantile(structureScores(z, structures), miscoverage);
  };
  return {
    scales,
    rescaling: by((kind) => rescalingOf(samples[kind], members)),
    conformal: { level: 1 - miscoverage, energy: conformalOf('energy'), forces: conformalOf('forces') },
    heldOut: by((kind) => {
      let sum = 0;
      let count = 0;
      for (const { errors, atoms } of frames) {
        for (const e of errors[kind]) {
          const own = kind === 'forces' ? e : e / atoms;
          if (Number.isNaN(own)) continue;
          sum += own * own;
          count++;
        }
      }
      return Math.sqrt(sum / count);
    }),
  };
}
