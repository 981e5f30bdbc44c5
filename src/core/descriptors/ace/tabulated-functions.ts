/**
 * Radial functions as piecewise polynomials: in every bin the Chebyshev interpolant of degree 7, stored as powers of
 * w ∈ [−1, 1], value and slope by one Horner pass. Bins are uniform between break points, which stand where a function is
 * not smooth, and as many as the accuracy asks for.
 */
import type { RadialFunctions } from './radial.ts';

const DEGREE = 7;
const SIZE = DEGREE + 1;

/** Largest error of values over the largest value, and of slopes over the largest slope, of each function. */
const VALUE_ERROR = 1e-12;
const SLOPE_ERROR = 1e-10;

/** Share of the cutoff below which nothing is tabulated: pairs so close are rare, and cores diverge. */
const SHORTEST = 0.2;

const MOST_BINS = 4096;

/** Where errors are measured, in w; the interpolation points lie between. */
const PROBES = [-0.999, -0.55, 0.01, 0.7, 0.995] as const;

/** Points of interpolation, cos((2k+1)π/16). */
const POINTS = Float64Array.from({ length: SIZE }, (_, k) => Math.cos(((2 * k + 1) * Math.PI) / (2 * SIZE)));

/** [power, point] what the value at each point contributes to each power of w. */
function interpolation(): Float64Array {
  // T_j in powers of w.
  const chebyshev = Array.from({ length: SIZE }, () => new Float64Array(SIZE));
  chebyshev[0]![0] = 1;
  chebyshev[1]![1] = 1;
  for (let j = 2; j < SIZE; j++) {
    for (let q = 0; q < SIZE; q++) {
      chebyshev[j]![q] = (q > 0 ? 2 * chebyshev[j - 1]![q - 1]! : 0) - chebyshev[j - 2]![q]!;
    }
  }
  const matrix = new Float64Array(SIZE * SIZE);
  for (let k = 0; k < SIZE; k++) {
    for (let j = 0; j < SIZE; j++) {
      const weight = ((j === 0 ? 1 : 2) / SIZE) * Math.cos((j * (2 * k + 1) * Math.PI) / (2 * SIZE));
      for (let q = 0; q < SIZE; q++) matrix[q * SIZE + k] = matrix[q * SIZE + k]! + weight * chebyshev[j]![q]!;
    }
  }
  return matrix;
}
const INTERPOLATION = interpolation();

/** Uniform bins over one smooth stretch. */
interface Segment {
  readonly start: number;
  readonly end: number;
  readonly bins: number;
  /** [bins, count, 8] powers of w. */
  readonly powers: Float64Array;
}

/** Tables of functions between a fifth of the cutoff and the cutoff; closer pairs get the functions themselves. */
export class TabulatedFunctions implements RadialFunctions {
  readonly cutoff: number;
  readonly count: number;
  private readonly exact: RadialFunctions;
  private readonly shortest: number;
  private readonly segments: readonly Segment[];

  /** @param breaks  distances at which a function is not smooth, Å, in any order */
  constructor(exact: RadialFunctions, breaks: readonly number[]) {
    this.cutoff = exact.cutoff;
    this.count = exact.count;
    this.exact = exact;
    this.shortest = SHORTEST * exact.cutoff;
    const within = breaks.filter((r) => r > this.shortest && r < exact.cutoff);
    const edges = [...new Set([this.shortest, ...within, exact.cutoff])].sort((a, b) => a - b);
    const scales = this.largest(edges);
    // From the outside in: most pairs are far apart.
    this.segments = edges
      .slice(1)
      .map((end, k) => this.tabulate(edges[k]!, end, scales))
      .reverse();
  }

  /** Number of bytes of the tables. */
  get bytes(): number {
    return this.segments.reduce((sum, { powers }) => sum + powers.byteLength, 0);
  }

  /** [2, count] largest value and slope of each function. */
  private largest(edges: readonly number[]): Float64Array {
    const { count, exact } = this;
    const largest = new Float64Array(2 * count);
    const row = new Float64Array(2 * count);
    const slopes = row.subarray(count);
    for (let k = 1; k < edges.length; k++) {
      for (let q = 0; q < 64; q++) {
        exact.evaluate(edges[k - 1]! + ((edges[k]! - edges[k - 1]!) * (q + 0.5)) / 64, row, slopes, 0);
        for (let f = 0; f < 2 * count; f++) largest[f] = Math.max(largest[f]!, Math.abs(row[f]!));
      }
    }
    return largest;
  }

  private tabulate(start: number, end: number, scales: Float64Array): Segment {
    for (let bins = Math.ceil((20 * (end - start)) / this.cutoff); ; bins *= 2) {
      const segment = this.interpolate(start, end, bins);
      if (2 * bins > MOST_BINS || this.isAccurate(segment, scales)) return segment;
    }
  }

  private interpolate(start: number, end: number, bins: number): Segment {
    const { count, exact } = this;
    const powers = new Float64Array(bins * count * SIZE);
    const values = new Float64Array(SIZE * count);
    const slopes = new Float64Array(SIZE * count);
    const half = (end - start) / (2 * bins);
    for (let bin = 0; bin < bins; bin++) {
      const middle = start + (2 * bin + 1) * half;
      for (let k = 0; k < SIZE; k++) exact.evaluate(middle + half * POINTS[k]!, values, slopes, k * count);
      for (let f = 0; f < count; f++) {
        const out = (bin * count + f) * SIZE;
        for (let q = 0; q < SIZE; q++) {
          let sum = 0;
          for (let k = 0; k < SIZE; k++) sum += INTERPOLATION[q * SIZE + k]! * values[k * count + f]!;
          powers[out + q] = sum;
        }
      }
    }
    return { start, end, bins, powers };
  }

  private isAccurate(segment: Segment, scales: Float64Array): boolean {
    const { count, exact } = this;
    const { start, end, bins } = segment;
    const [values, slopes] = [new Float64Array(2 * count), new Float64Array(2 * count)];
    for (let bin = 0; bin < bins; bin++) {
      for (const w of PROBES) {
        const r = start + ((end - start) * (bin + 0.5 * (1 + w))) / bins;
        exact.evaluate(r, values, slopes, 0);
        horner(segment, count, r, values, slopes, count);
        for (let f = 0; f < count; f++) {
          if (!(Math.abs(values[count + f]! - values[f]!) <= VALUE_ERROR * scales[f]!)) return false;
          if (!(Math.abs(slopes[count + f]! - slopes[f]!) <= SLOPE_ERROR * scales[count + f]!)) return false;
        }
      }
    }
    return true;
  }

  /** Values and slopes at r > 0 (see the interface). */
  evaluate(r: number, values: Float64Array, slopes: Float64Array, offset: number): void {
    const { count, segments } = this;
    if (r >= this.cutoff) {
      values.fill(0, offset, offset + count);
      slopes.fill(0, offset, offset + count);
      return;
    }
    if (r < this.shortest) {
      this.exact.evaluate(r, values, slopes, offset);
      return;
    }
    let k = 0;
    while (r < segments[k]!.start) k++;
    horner(segments[k]!, count, r, values, slopes, offset);
  }
}

/** All functions of the bin that holds r, with their slopes. */
function horner(
  segment: Segment,
  count: number,
  r: number,
  values: Float64Array,
  slopes: Float64Array,
  offset: number,
): void {
  const { start, end, bins, powers } = segment;
  const perLength = bins / (end - start);
  const x = (r - start) * perLength;
  const bin = Math.min(bins - 1, Math.floor(x));
  const w = 2 * (x - bin) - 1;
  const scale = 2 * perLength;
  for (let f = offset, c = bin * count * SIZE; f < offset + count; f++, c += SIZE) {
    const c7 = powers[c + 7]!;
    let value = c7 * w + powers[c + 6]!;
    let slope = c7 * w + value;
    value = value * w + powers[c + 5]!;
    slope = slope * w + value;
    value = value * w + powers[c + 4]!;
    slope = slope * w + value;
    value = value * w + powers[c + 3]!;
    slope = slope * w + value;
    value = value * w + powers[c + 2]!;
    slope = slope * w + value;
    value = value * w + powers[c + 1]!;
    slope = slope * w + value;
    values[f] = value * w + powers[c]!;
    slopes[f] = slope * scale;
  }
}
