import { InputError } from '../../errors.ts';
import { SymmetricEigensolver } from '../../numerics/eigen-symmetric.ts';

/** Moments of the invariants of one element over its training atoms. */
export interface InvariantMoments {
  readonly functions: number;
  /** Number of atoms. */
  count: number;
  /** [functions] Σ B, and [functions, functions] Σ B Bᵀ, lower triangle. */
  readonly sum: Float64Array;
  readonly square: Float64Array;
}

/** What the network of an element sees of its atoms: x = map (B − mean). Plain data. */
export interface InputMap {
  readonly functions: number;
  readonly inputs: number;
  /** [functions] mean over training atoms. */
  readonly mean: Float64Array;
  /** [inputs, functions] principal axes of the standardised invariants, each divided by its spread. */
  readonly map: Float64Array;
}

/** No atoms yet. */
export function noMoments(functions: number): InvariantMoments {
  return { functions, count: 0, sum: new Float64Array(functions), square: new Float64Array(functions * functions) };
}

/** Adds the invariants of one atom, found in values[from …]. */
export function addMoments(moments: InvariantMoments, values: Float64Array, from: number): void {
  const { functions, sum, square } = moments;
  moments.count++;
  for (let v = 0; v < functions; v++) {
    const b = values[from + v]!;
    sum[v] = sum[v]! + b;
    for (let u = 0; u <= v; u++) square[v * functions + u] = square[v * functions + u]! + b * values[from + u]!;
  }
}

/** Adds the moments of other atoms. */
export function mergeMoments(moments: InvariantMoments, other: InvariantMoments): void {
  moments.count += other.count;
  for (let k = 0; k < moments.sum.length; k++) moments.sum[k] = moments.sum[k]! + other.sum[k]!;
  for (let k = 0; k < moments.square.length; k++) moments.square[k] = moments.square[k]! + other.square[k]!;
}

/** Variance below this share of the mean square of a function is rounding: such a function is no input. */
const CONSTANT = 1e-10;

/**
 * Inputs of a network: invariants with mean 0 and variance 1, turned to their principal axes. Invariants are strongly
 * correlated; the axes of largest variance λ hold nearly all of what they say, and x_k = λ_k^{−w/2} times the k-th
 * coordinate evens their sizes out (w = 1 whitens), which is what the optimiser needs. The sum of mean squares of all
 * inputs is their number.
 *
 * @param inputs    number of axes wanted
 * @param whitening w, 0 to 1
 * @throws InputError `NO_TRAINING_ATOMS` without atoms, `TOO_MANY_INPUTS` for more axes than functions that vary
 */
export function principalInputs(moments: InvariantMoments, inputs: number, whitening: number): InputMap {
  const { functions: d, count, sum, square } = moments;
  if (count === 0) throw new InputError('NO_TRAINING_ATOMS', 'every element must have training atoms, got none of one');
  const mean = sum.map((value) => value / count);
  const spread = new Float64Array(d);
  let varying = 0;
  for (let v = 0; v < d; v++) {
    const raw = square[v * d + v]! / count;
    const variance = raw - mean[v]! * mean[v]!;
    if (variance > CONSTANT * raw) {
      spread[v] = Math.sqrt(variance);
      varying++;
    }
  }
  if (!(Number.isInteger(inputs) && inputs >= 1 && inputs <= varying)) {
    throw new InputError(
      'TOO_MANY_INPUTS',
      `inputs of a network must be an integer from 1 to the ${varying} invariants that vary, got ${inputs}`,
      { inputs, varying },
    );
  }
  // Negated, so that the largest variances come first.
  const negative = new Float64Array(d * d);
  for (let v = 0; v < d; v++) {
    for (let u = 0; u <= v; u++) {
      const scale = spread[v]! * spread[u]!;
      if (scale > 0) negative[v * d + u] = -(square[v * d + u]! / count - mean[v]! * mean[u]!) / scale;
    }
  }
  const solver = new SymmetricEigensolver(d);
  const values = solver.decompose(negative);
  const map = new Float64Array(inputs * d);
  solver.vectors(inputs, map);
  const factors = new Float64Array(inputs);
  let power = 0;
  for (let k = 0; k < inputs; k++) {
    const variance = Math.max(-values[k]!, 1e-12 * d);
    factors[k] = Math.exp(-0.5 * whitening * Math.log(variance));
    power += factors[k]! * factors[k]! * variance;
  }
  const common = Math.sqrt(inputs / power);
  for (let k = 0; k < inputs; k++) {
    for (let v = 0; v < d; v++) {
      map[k * d + v] = spread[v]! > 0 ? (map[k * d + v]! * factors[k]! * common) / spread[v]! : 0;
    }
  }
  return { functions: d, inputs, mean, map };
}

/** Writes x = map (B − mean) of the invariants values[from …] to out[to …]. */
export function mapInputs(
  { functions, inputs, mean, map }: InputMap,
  values: Float64Array,
  from: number,
  out: Float64Array,
  to: number,
): void {
  // Four inputs at a time: every invariant is read once for them, and their sums do not wait for each other.
  let k = 0;
  for (; k + 4 <= inputs; k += 4) {
    let m = k * functions;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let v = 0; v < functions; v++, m++) {
      const b = values[from + v]! - mean[v]!;
      s0 += map[m]! * b;
      s1 += map[m + functions]! * b;
      s2 += map[m + 2 * functions]! * b;
      s3 += map[m + 3 * functions]! * b;
    }
    out[to + k] = s0;
    out[to + k + 1] = s1;
    out[to + k + 2] = s2;
    out[to + k + 3] = s3;
  }
  for (; k < inputs; k++) {
    let sum = 0;
    for (let v = 0; v < functions; v++) sum += map[k * functions + v]! * (values[from + v]! - mean[v]!);
    out[to + k] = sum;
  }
}

/** Writes ∂E/∂B = mapᵀ ∂E/∂x of the gradient g[from …] to out[to …]. */
export function unmapGradient(
  { functions, inputs, map }: InputMap,
  g: Float64Array,
  from: number,
  out: Float64Array,
  to: number,
): void {
  out.fill(0, to, to + functions);
  for (let k = 0; k < inputs; k++) {
    const gk = g[from + k]!;
    for (let v = 0; v < functions; v++) out[to + v] = out[to + v]! + gk * map[k * functions + v]!;
  }
}
