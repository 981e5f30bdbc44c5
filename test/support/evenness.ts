import { gammaQ } from '../../src/core/numerics/special.ts';

/** Probability that counts expected to be equal are at least as uneven as these (Pearson's χ²). */
export function evenness(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const chi2 = counts.reduce((sum, count) => sum + ((count - expected) * (count - expected)) / expected, 0);
  return gammaQ((counts.length - 1) / 2, chi2 / 2);
}
