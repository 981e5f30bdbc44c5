import { InputError } from '../../errors.ts';
import type { RadialFunctions } from './radial.ts';

/**
 * Radial functions as simulation programs tabulate them: cubic Hermite splines through values and slopes at ⌊r_c/h⌋ + 1
 * equally spaced distances, here evaluated from the exact functions at both ends of the bin. They differ from the exact
 * ones by what the bins cannot follow: for h = 0.001 Å about 1e-9 of the largest slope where functions are smooth, and
 * 1e-5 within a cosine step that is 0.01 Å wide.
 *
 *   t = r/h − k,  g(r) = g_k + t (h g'_k + t (3Δ − 2h g'_k − h g'_{k+1} + t (h g'_k + h g'_{k+1} − 2Δ))),  Δ = g_{k+1} − g_k
 */
export class SplinedRadialFunctions implements RadialFunctions {
  readonly cutoff: number;
  readonly count: number;
  private readonly exact: RadialFunctions;
  private readonly step: number;
  // Values and slopes at both ends of the bin, one after the other.
  private readonly ends: Float64Array;
  private readonly slopes: Float64Array;

  /** @param binWidth h asked for, Å; the width used divides the cutoff  @throws InputError `INVALID_SPLINE_BINS` */
  constructor(exact: RadialFunctions, binWidth: number) {
    if (!(binWidth > 0 && binWidth <= exact.cutoff)) {
      const message = `width of spline bins must be positive and at most the cutoff ${exact.cutoff} Å, got ${binWidth} Å`;
      throw new InputError('INVALID_SPLINE_BINS', message, { binWidth });
    }
    this.cutoff = exact.cutoff;
    this.count = exact.count;
    this.exact = exact;
    this.step = exact.cutoff / Math.floor(exact.cutoff / binWidth);
    this.ends = new Float64Array(2 * exact.count);
    this.slopes = new Float64Array(2 * exact.count);
  }

  /** Values and slopes at r > 0 (see the interface). */
  evaluate(r: number, values: Float64Array, slopes: Float64Array, offset: number): void {
    const { count, exact, step, ends, slopes: endSlopes } = this;
    if (r >= this.cutoff) {
      values.fill(0, offset, offset + count);
      slopes.fill(0, offset, offset + count);
      return;
    }
    const bin = Math.floor(r / step);
    // The functions are regular at 0, but their formulas divide by r.
    exact.evaluate(bin === 0 ? 1e-6 * step : bin * step, ends, endSlopes, 0);
    exact.evaluate((bin + 1) * step, ends, endSlopes, count);
    const t = r / step - bin;
    for (let n = 0; n < count; n++) {
      const start = ends[n]!;
      const rise = ends[count + n]! - start;
      const first = step * endSlopes[n]!;
      const last = step * endSlopes[count + n]!;
      const square = 3 * rise - 2 * first - last;
      const cube = first + last - 2 * rise;
      values[offset + n] = start + t * (first + t * (square + t * cube));
      slopes[offset + n] = (first + t * (2 * square + 3 * t * cube)) / step;
    }
  }
}
