import { InputError } from '../errors.ts';

/** Mean and spread of the members' predictions of each case. */
export interface CommitteePrediction {
  /** [n] mean over members. */
  readonly means: Float64Array;
  /** [n] variance over members with M − 1 in the denominator. */
  readonly variances: Float64Array;
}

/**
 * Mean and variance of a committee. The relative error of the variance of M members is √(2/(M−1)): 47 % for ten.
 *
 * @param members [n, M] prediction of each member for each case, row-major
 * @throws InputError `COMMITTEE_SIZE` with fewer than two members
 */
export function committeePrediction(members: Float64Array, n: number, size: number): CommitteePrediction {
  if (!(Number.isInteger(size) && size >= 2 && members.length === n * size)) {
    throw new InputError(
      'COMMITTEE_SIZE',
      `committee must have at least 2 members and ${n} predictions of each, got ${size}`,
      { size },
    );
  }
  const means = new Float64Array(n);
  const variances = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += members[i * size + k]!;
    const mean = sum / size;
    let square = 0;
    for (let k = 0; k < size; k++) square += (members[i * size + k]! - mean) * (members[i * size + k]! - mean);
    means[i] = mean;
    variances[i] = square / (size - 1);
  }
  return { means, variances };
}

/**
 * Factor α² by which a committee's variance must be multiplied to match its errors on cases that it was not fitted to,
 * free of the bias that a small committee brings (Imbalzano et al. 2021): α² = −1/M + (M−3)/(M−1) · mean(e²/s²).
 *
 * @param errors    [n] mean prediction − reference
 * @param variances [n] as of `committeePrediction`
 * @param size      number of members M, at least 4
 * @throws InputError `COMMITTEE_SIZE`, `COMMITTEE_CASES` (none, or a variance that is not positive)
 */
export function committeeScale(errors: ArrayLike<number>, variances: ArrayLike<number>, size: number): number {
  if (!(Number.isInteger(size) && size >= 4)) {
    throw new InputError('COMMITTEE_SIZE', `committee must have at least 4 members, got ${size}`, { size });
  }
  if (errors.length === 0 || errors.length !== variances.length) {
    throw new InputError(
      'COMMITTEE_CASES',
      `variances must be as many as errors and at least one, got ${variances.length}`,
    );
  }
  let sum = 0;
  for (let i = 0; i < errors.length; i++) {
    const variance = variances[i]!;
    if (!(variance > 0)) {
      throw new InputError('COMMITTEE_CASES', `committee variance ${i} must be positive, got ${variance}`, {
        index: i,
      });
    }
    sum += (errors[i]! * errors[i]!) / variance;
  }
  return -1 / size + (((size - 3) / (size - 1)) * sum) / errors.length;
}
