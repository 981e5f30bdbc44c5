/** Settings of the optimiser. */
export interface OptimiserSettings {
  /** Step at the start and at the end of the cosine. */
  readonly learningRate: number;
  readonly finalRate: number;
  /** Share of the first steps over which the rate rises from 0. */
  readonly warmUp: number;
  /** Decoupled weight decay per step, relative to the rate. */
  readonly decay: number;
  /** Largest norm of a gradient; longer ones are shortened to it. */
  readonly clip: number;
}

/** Where the optimiser is: exponential means of the gradient and its square, and steps taken. Plain data. */
export interface OptimiserState {
  readonly mean: Float64Array;
  readonly square: Float64Array;
  steps: number;
}

/** Decay of the two means, and what keeps the quotient finite. */
const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Before the first step. */
export function newOptimiser(count: number): OptimiserState {
  return { mean: new Float64Array(count), square: new Float64Array(count), steps: 0 };
}

/** Rate of step `step` (from 0) of `total`: a linear rise, then η_end + (η − η_end)(1 + cos πs)/2. */
export function rateAt(settings: OptimiserSettings, step: number, total: number): number {
  const { learningRate, finalRate, warmUp } = settings;
  const rise = Math.max(1, Math.round(warmUp * total));
  if (step < rise) return (learningRate * (step + 1)) / rise;
  const done = Math.min(1, (step - rise) / Math.max(1, total - rise));
  return finalRate + 0.5 * (learningRate - finalRate) * (1 + Math.cos(Math.PI * done));
}

/** Shortens a gradient to norm `limit` where it is longer; returns the norm it had, NaN if any entry is not finite. */
export function clipGradient(gradient: Float64Array, limit: number): number {
  let square = 0;
  for (let k = 0; k < gradient.length; k++) square += gradient[k]! * gradient[k]!;
  const norm = Math.sqrt(square);
  if (!Number.isFinite(norm)) return Number.NaN;
  if (norm > limit) {
    const factor = limit / norm;
    for (let k = 0; k < gradient.length; k++) gradient[k] = gradient[k]! * factor;
  }
  return norm;
}

/**
 * One step of AdamW (Loshchilov and Hutter 2019): with the bias-corrected means m̂ of g and v̂ of g²
 *
 *   θ ← θ − η (m̂/(√v̂ + ε) + decay·θ),  decay for parameters of the mask alone
 */
export function adamwStep(
  state: OptimiserState,
  parameters: Float64Array,
  gradient: Float64Array,
  rate: number,
  decay: number,
  mask: Uint8Array,
): void {
  const { mean, square } = state;
  state.steps++;
  const first = 1 / (1 - Math.exp(state.steps * Math.log(BETA1)));
  const second = 1 / (1 - Math.exp(state.steps * Math.log(BETA2)));
  const width = mask.length;
  for (let k = 0; k < parameters.length; k++) {
    const g = gradient[k]!;
    const m = BETA1 * mean[k]! + (1 - BETA1) * g;
    const v = BETA2 * square[k]! + (1 - BETA2) * g * g;
    mean[k] = m;
    square[k] = v;
    const p = parameters[k]!;
    const shrink = mask[k % width] === 1 ? decay * p : 0;
    parameters[k] = p - rate * ((m * first) / (Math.sqrt(v * second) + EPSILON) + shrink);
  }
}
