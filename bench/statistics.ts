/** Order statistics of the few rounds that a benchmark has. */

/** Median and quartiles. */
export interface Quartiles {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

/** Quantile of sorted numbers by linear interpolation between the two nearest; `share` from 0 to 1. */
export function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const next = sorted[Math.min(low + 1, sorted.length - 1)]!;
  return sorted[low]! + (place - low) * (next - sorted[low]!);
}

/** Median and quartiles of numbers in any order; NaN of none. */
export function quartiles(values: readonly number[]): Quartiles {
  const sorted = [...values].sort((a, b) => a - b);
  return { lower: quantile(sorted, 0.25), median: quantile(sorted, 0.5), upper: quantile(sorted, 0.75) };
}

/** Quotients a_k/b_k of numbers taken in the same rounds. */
export function quotients(a: readonly number[], b: readonly number[]): number[] {
  return a.slice(0, b.length).map((value, k) => value / b[k]!);
}

/** A number with three digits that count, without exponents where people do not need them. */
export function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size >= 7 || size <= -5) return value.toExponential(2);
  return value.toFixed(Math.max(0, 2 - size));
}

/** Median [lower, upper] of quotients, as tables show them. */
export function shownQuartiles({ lower, median, upper }: Quartiles): string {
  return `${threeDigits(median)} [${threeDigits(lower)}, ${threeDigits(upper)}]`;
}
