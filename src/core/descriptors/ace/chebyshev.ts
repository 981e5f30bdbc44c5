import { InputError } from '../../errors.ts';
import { requireCutoff, type RadialFunctions } from './radial.ts';

/**
 * Chebyshev polynomials of a scaled exponential distance with a cosine cutoff (`ChebExpCos` of potential files).
 *
 *   x = 1 − 2 (e^{−λr/r_c} − e^{−λ})/(1 − e^{−λ});  g_1 = 1, g_k = ½(1 − T_{k−1}(x));
 *   times ½(1 + cos(πr/r_c)), and beyond r_c − d_c times ½(1 + cos(π(r − r_c + d_c)/d_c))
 *
 * @see R. Drautz, Phys. Rev. B 99, 014104 (2019)
 */
export class ChebyshevExponential implements RadialFunctions {
  readonly cutoff: number;
  readonly count: number;
  private readonly lambda: number;
  private readonly width: number;

  /** @param lambda λ ≠ 0, such that e^{−λ} neither overflows nor rounds to 1  @param width d_c ≥ 0, Å */
  constructor(cutoff: number, count: number, lambda: number, width: number) {
    const end = Math.exp(-lambda);
    if (!(Number.isFinite(lambda) && Number.isFinite(end) && end !== 1)) {
      throw new InputError('INVALID_RADIAL_PARAMETER', `lambda must be finite and not 0, got ${lambda}`, { lambda });
    }
    if (!(width >= 0)) {
      throw new InputError('INVALID_RADIAL_PARAMETER', `width of the cutoff must be 0 or more, got ${width} Å`, {
        width,
      });
    }
    this.cutoff = requireCutoff(cutoff);
    this.count = count;
    this.lambda = lambda;
    this.width = width;
  }

  /** Values and slopes at r > 0 (see the interface). */
  evaluate(r: number, values: Float64Array, slopes: Float64Array, offset: number): void {
    const { cutoff, count, lambda, width } = this;
    if (r >= cutoff) {
      values.fill(0, offset, offset + count);
      slopes.fill(0, offset, offset + count);
      return;
    }
    const decay = Math.exp((-lambda * r) / cutoff);
    const end = Math.exp(-lambda);
    const x = 1 - (2 * (decay - end)) / (1 - end);
    const dx = (2 * lambda * decay) / (cutoff * (1 - end));
    const angle = (Math.PI * r) / cutoff;
    let window = 0.5 * (1 + Math.cos(angle));
    let dWindow = ((-0.5 * Math.PI) / cutoff) * Math.sin(angle);
    if (r > cutoff - width) {
      const edge = (Math.PI * (r - cutoff + width)) / width;
      const step = 0.5 * (1 + Math.cos(edge));
      dWindow = dWindow * step - window * ((0.5 * Math.PI) / width) * Math.sin(edge);
      window *= step;
    }
    values[offset] = window;
    slopes[offset] = dWindow;
    // T_{k−1} and its derivative (k−1)U_{k−2} by the three-term recursion.
    let before = 1;
    let dBefore = 0;
    let t = x;
    let dt = 1;
    for (let k = 1; k < count; k++) {
      values[offset + k] = 0.5 * (1 - t) * window;
      slopes[offset + k] = 0.5 * (1 - t) * dWindow - 0.5 * dt * dx * window;
      const next = 2 * x * t - before;
      const dNext = 2 * t + 2 * x * dt - dBefore;
      before = t;
      dBefore = dt;
      t = next;
      dt = dNext;
    }
  }
}

/**
 * Chebyshev polynomials of a power of the distance (`ChebPow` of potential files).
 *
 *   x = 2(1 − (1 − r/r_c)^λ) − 1,  g_k = ½(1 − T_k(x))
 */
export class ChebyshevPower implements RadialFunctions {
  readonly cutoff: number;
  readonly count: number;
  private readonly lambda: number;

  /** @param lambda λ > 0 */
  constructor(cutoff: number, count: number, lambda: number) {
    if (!(lambda > 0 && Number.isFinite(lambda))) {
      throw new InputError('INVALID_RADIAL_PARAMETER', `lambda must be positive, got ${lambda}`, { lambda });
    }
    this.cutoff = requireCutoff(cutoff);
    this.count = count;
    this.lambda = lambda;
  }

  /** Values and slopes at r > 0 (see the interface). */
  evaluate(r: number, values: Float64Array, slopes: Float64Array, offset: number): void {
    const { cutoff, count, lambda } = this;
    if (r >= cutoff) {
      values.fill(0, offset, offset + count);
      slopes.fill(0, offset, offset + count);
      return;
    }
    const left = 1 - r / cutoff;
    const power = Math.exp(lambda * Math.log(left));
    const x = 1 - 2 * power;
    const dx = (2 * lambda * power) / (left * cutoff);
    let before = 1;
    let dBefore = 0;
    let t = x;
    let dt = 1;
    for (let k = 0; k < count; k++) {
      values[offset + k] = 0.5 * (1 - t);
      slopes[offset + k] = -0.5 * dt * dx;
      const next = 2 * x * t - before;
      const dNext = 2 * t + 2 * x * dt - dBefore;
      before = t;
      dBefore = dt;
      t = next;
      dt = dNext;
    }
  }
}
