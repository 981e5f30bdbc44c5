import { InputError } from '../../errors.ts';
import type { RandomStream } from '../../random.ts';

/** What bends a network: SiLU z/(1 + e^{−z}), or tanh z. */
export type Activation = 'silu' | 'tanh';

/** Widths of a perceptron with one output: E = w·a_L + c, a_l = s(W_l a_{l−1} + c_l), a_0 = x. */
export interface NetworkShape {
  readonly inputs: number;
  /** Widths of the hidden layers, at least one. */
  readonly hidden: readonly number[];
  readonly activation: Activation;
}

/** @throws InputError `NETWORK_SHAPE` for an unknown activation, widths that are not positive integers, or no hidden layer */
export function checkShape({ inputs, hidden, activation }: NetworkShape): void {
  if (activation !== 'silu' && activation !== 'tanh') {
    throw new InputError('NETWORK_SHAPE', `activation of a network must be silu or tanh, got "${String(activation)}"`);
  }
  const widths = [inputs, ...hidden];
  if (hidden.length > 0 && widths.every((width) => Number.isInteger(width) && width >= 1 && width <= 4096)) return;
  throw new InputError(
    'NETWORK_SHAPE',
    `widths of a network must be integers from 1 to 4096 with at least one hidden layer, got ${widths.join('-')}`,
  );
}

/** Number of parameters: for each layer W_l [width, previous] row-major and c_l [width], then w and c of the output. */
export function parameterCount({ inputs, hidden }: NetworkShape): number {
  let count = 0;
  let previous = inputs;
  for (const width of hidden) {
    count += width * (previous + 1);
    previous = width;
  }
  return count + previous + 1;
}

/**
 * Parameters before training: weights N(0, 1/previous), biases 0, and an output of zeros, so that the network adds nothing
 * to what it corrects.
 */
export function initialParameters(shape: NetworkShape, random: RandomStream): Float64Array {
  checkShape(shape);
  const out = new Float64Array(parameterCount(shape));
  let at = 0;
  let previous = shape.inputs;
  for (const width of shape.hidden) {
    const spread = 1 / Math.sqrt(previous);
    for (let k = 0; k < width * previous; k++) out[at++] = spread * random.normal();
    at += width;
    previous = width;
  }
  return out;
}

/** [parameters] 1 for the weights, 0 for the biases, which weight decay leaves alone. */
export function decayMask(shape: NetworkShape): Uint8Array {
  const { inputs, hidden } = shape;
  const mask = new Uint8Array(parameterCount(shape)).fill(1);
  let at = 0;
  let previous = inputs;
  for (const width of hidden) {
    at += width * previous;
    mask.fill(0, at, at + width);
    at += width;
    previous = width;
  }
  mask[at + previous] = 0;
  return mask;
}

/** Σ_v a[i + v] b[j + v] over n terms in four sums, which a processor adds side by side. */
function dot(a: Float64Array, i: number, b: Float64Array, j: number, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let v = 0;
  for (; v + 4 <= n; v += 4) {
    s0 += a[i + v]! * b[j + v]!;
    s1 += a[i + v + 1]! * b[j + v + 1]!;
    s2 += a[i + v + 2]! * b[j + v + 2]!;
    s3 += a[i + v + 3]! * b[j + v + 3]!;
  }
  for (; v < n; v++) s0 += a[i + v]! * b[j + v]!;
  return s0 + s1 + (s2 + s3);
}

/** Scratch memory of one hidden layer. */
class Layer {
  readonly width: number;
  readonly previous: number;
  /** First weight and first bias. */
  readonly weights: number;
  readonly biases: number;
  /** a, s′(z), s″(z), ȧ, ż, and adjoints by z and ż. */
  readonly activation: Float64Array;
  readonly slope: Float64Array;
  readonly curvature: Float64Array;
  readonly activationTangent: Float64Array;
  readonly tangent: Float64Array;
  readonly adjoint: Float64Array;
  readonly tangentAdjoint: Float64Array;

  constructor(width: number, previous: number, start: number) {
    this.width = width;
    this.previous = previous;
    this.weights = start;
    this.biases = start + width * previous;
    this.activation = new Float64Array(width);
    this.slope = new Float64Array(width);
    this.curvature = new Float64Array(width);
    this.activationTangent = new Float64Array(width);
    this.tangent = new Float64Array(width);
    this.adjoint = new Float64Array(width);
    this.tangentAdjoint = new Float64Array(width);
  }
}

/**
 * Runs a network for one atom at a time: energy, gradient by the inputs, and what a training step needs of the
 * parameters. The loss of forces holds the gradient g = ∂E/∂x; its derivative by the parameters is that of the tangent
 * Ė = g·t in a fixed direction t, for which one pass forward and one back are enough.
 */
export class NetworkPass {
  readonly shape: NetworkShape;
  readonly count: number;
  private readonly layers: readonly Layer[];
  private readonly output: number;

  constructor(shape: NetworkShape) {
    checkShape(shape);
    this.shape = shape;
    this.count = parameterCount(shape);
    const layers: Layer[] = [];
    let start = 0;
    let previous = shape.inputs;
    for (const width of shape.hidden) {
      layers.push(new Layer(width, previous, start));
      start += width * (previous + 1);
      previous = width;
    }
    this.layers = layers;
    this.output = start;
  }

  /** Energy at the inputs x[from …]; activations stay for what follows. */
  private forward(parameters: Float64Array, first: number, x: Float64Array, from: number): number {
    const tanh = this.shape.activation === 'tanh';
    let input = x;
    let start = from;
    for (const { width, previous, weights, biases, activation, slope, curvature } of this.layers) {
      for (let u = 0; u < width; u++) {
        const w = first + weights + u * previous;
        const sum = parameters[first + biases + u]! + dot(parameters, w, input, start, previous);
        if (tanh) {
          const value = Math.tanh(sum);
          activation[u] = value;
          slope[u] = 1 - value * value;
          curvature[u] = -2 * value * slope[u]!;
          continue;
        }
        const sigmoid = 1 / (1 + Math.exp(-sum));
        const rest = sigmoid * (1 - sigmoid);
        activation[u] = sum * sigmoid;
        slope[u] = sigmoid + sum * rest;
        curvature[u] = rest * (2 + sum * (1 - 2 * sigmoid));
      }
      input = activation;
      start = 0;
    }
    const last = input.length;
    let energy = parameters[first + this.output + last]!;
    for (let u = 0; u < last; u++) energy += parameters[first + this.output + u]! * input[u]!;
    return energy;
  }

  /**
   * Energy and its gradient by the inputs.
   *
   * @param parameters those of the network from `first` on
   * @param x          inputs from `from` on
   * @param gradient   receives ∂E/∂x from `to` on
   */
  energyAndGradient(
    parameters: Float64Array,
    first: number,
    x: Float64Array,
    from: number,
    gradient: Float64Array,
    to: number,
  ): number {
    const energy = this.forward(parameters, first, x, from);
    const { layers, output } = this;
    const last = layers.at(-1)!;
    for (let u = 0; u < last.width; u++) last.adjoint[u] = parameters[first + output + u]! * last.slope[u]!;
    for (let l = layers.length - 1; l >= 1; l--) {
      const { width, previous, weights, adjoint } = layers[l]!;
      const { adjoint: below, slope } = layers[l - 1]!;
      below.fill(0);
      let w = first + weights;
      for (let u = 0; u < width; u++) {
        const d = adjoint[u]!;
        for (let v = 0; v < previous; v++) below[v] = below[v]! + d * parameters[w++]!;
      }
      for (let v = 0; v < previous; v++) below[v] = below[v]! * slope[v]!;
    }
    const { width, previous, weights, adjoint } = layers[0]!;
    gradient.fill(0, to, to + previous);
    // Four rows at a time: every entry of the gradient is read and written once for them.
    let u = 0;
    let w = first + weights;
    for (; u + 4 <= width; u += 4) {
      const d0 = adjoint[u]!;
      const d1 = adjoint[u + 1]!;
      const d2 = adjoint[u + 2]!;
      const d3 = adjoint[u + 3]!;
      for (let v = 0; v < previous; v++, w++) {
        gradient[to + v] =
          gradient[to + v]! +
          (d0 * parameters[w]! +
            d1 * parameters[w + previous]! +
            (d2 * parameters[w + 2 * previous]! + d3 * parameters[w + 3 * previous]!));
      }
      w += 3 * previous;
    }
    for (; u < width; u++) {
      const d = adjoint[u]!;
      for (let v = 0; v < previous; v++) gradient[to + v] = gradient[to + v]! + d * parameters[w++]!;
    }
    return energy;
  }

  /**
   * Adds the derivative by the parameters of weight·E(x) + t·∂E/∂x (the double backward pass). With dots for tangents
   * in the direction t and bars for adjoints, from the output down:
   *
   *   z̄_l = ā_l s′ + ǡ_l s″ ż_l,  z̄̇_l = ǡ_l s′;  W̄_l += z̄_l a_{l−1}ᵀ + z̄̇_l ȧ_{l−1}ᵀ;  ā_{l−1} = W_lᵀ z̄_l,  ǡ_{l−1} = W_lᵀ z̄̇_l
   *
   * @param x      inputs from `from` on, as of the energy
   * @param t      direction from `from` on
   * @param weight ∂loss/∂E of the atom
   * @param out    receives the sum, the network's parameters from `first` on
   */
  addParameterGradient(
    parameters: Float64Array,
    first: number,
    x: Float64Array,
    t: Float64Array,
    from: number,
    weight: number,
    out: Float64Array,
  ): void {
    this.forward(parameters, first, x, from);
    const { layers, output } = this;
    let input = t;
    let start = from;
    for (const { width, previous, weights, slope, tangent, activationTangent } of layers) {
      for (let u = 0; u < width; u++) {
        const sum = dot(parameters, first + weights + u * previous, input, start, previous);
        tangent[u] = sum;
        activationTangent[u] = slope[u]! * sum;
      }
      input = activationTangent;
      start = 0;
    }
    const last = layers.at(-1)!;
    const top = first + output;
    for (let u = 0; u < last.width; u++) {
      out[top + u] = out[top + u]! + weight * last.activation[u]! + last.activationTangent[u]!;
      const w = parameters[top + u]!;
      last.adjoint[u] = weight * w * last.slope[u]! + w * last.curvature[u]! * last.tangent[u]!;
      last.tangentAdjoint[u] = w * last.slope[u]!;
    }
    out[top + last.width] = out[top + last.width]! + weight;
    for (let l = layers.length - 1; l >= 1; l--) {
      const { width, previous, weights, biases, adjoint, tangentAdjoint } = layers[l]!;
      const below = layers[l - 1]!;
      const a = below.adjoint;
      const b = below.tangentAdjoint;
      const { activation, activationTangent } = below;
      a.fill(0);
      b.fill(0);
      let w = first + weights;
      for (let u = 0; u < width; u++) {
        const d = adjoint[u]!;
        const e = tangentAdjoint[u]!;
        out[first + biases + u] = out[first + biases + u]! + d;
        for (let v = 0; v < previous; v++, w++) {
          const p = parameters[w]!;
          out[w] = out[w]! + d * activation[v]! + e * activationTangent[v]!;
          a[v] = a[v]! + d * p;
          b[v] = b[v]! + e * p;
        }
      }
      for (let v = 0; v < previous; v++) {
        a[v] = a[v]! * below.slope[v]! + b[v]! * below.curvature[v]! * below.tangent[v]!;
        b[v] = b[v]! * below.slope[v]!;
      }
    }
    const { width, previous, weights, biases, adjoint, tangentAdjoint } = layers[0]!;
    let w = first + weights;
    for (let u = 0; u < width; u++) {
      const d = adjoint[u]!;
      const e = tangentAdjoint[u]!;
      out[first + biases + u] = out[first + biases + u]! + d;
      for (let v = from; v < from + previous; v++, w++) out[w] = out[w]! + d * x[v]! + e * t[v]!;
    }
  }
}
