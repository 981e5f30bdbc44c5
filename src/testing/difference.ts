/** Largest difference of two arrays relative to the largest number expected; infinite when their lengths differ. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const gap = Math.abs(actual[i]! - expected[i]!);
    most = Math.max(most, gap);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return largest === 0 ? most : most / largest;
}
