import { describe, expect, it } from 'vitest';
import { golden } from '../../../../test/support/golden.ts';
import { InputError } from '../../errors.ts';
import { RandomStream } from '../../random.ts';
import type { NetworkShape } from './network.ts';
import { decayMask, initialParameters, NetworkPass, parameterCount } from './network.ts';

interface TinyNetwork {
  readonly W1: number[][];
  readonly b1: number[];
  readonly w2: number[];
  readonly x: number[];
  readonly E: number;
  readonly dE_dx: number[];
  readonly target: number[];
  readonly grad_W1: number[][];
  readonly grad_b1: number[];
  readonly grad_w2: number[];
}

describe('a network of the reference values', () => {
  const { G1_tiny_mlp: tiny } = golden<{ G: { G1_tiny_mlp: TinyNetwork } }>('reference-values').G;
  const pass = new NetworkPass({ inputs: 2, hidden: [2], activation: 'tanh' });
  const parameters = Float64Array.from([...tiny.W1.flat(), ...tiny.b1, ...tiny.w2, 0]);
  const x = Float64Array.from(tiny.x);

  it('has their energy, gradient and double backward', () => {
    const gradient = new Float64Array(2);
    const energy = pass.energyAndGradient(parameters, 0, x, 0, gradient, 0);
    const why = 'the reference values are given to 1e-12';
    expect(energy).toAgree(tiny.E, { atol: 1e-12, why });
    expect(gradient).toAgree(tiny.dE_dx, { atol: 1e-12, why });
    // L = ½ Σ (∂E/∂x − target)², so that ∂L/∂θ is that of t·∂E/∂x with t = ∂E/∂x − target.
    const out = new Float64Array(pass.count);
    const direction = gradient.map((g, k) => g - tiny.target[k]!);
    pass.addParameterGradient(parameters, 0, x, direction, 0, 0, out);
    expect(out.subarray(0, 4)).toAgree(tiny.grad_W1.flat(), { atol: 1e-12, why });
    expect(out.subarray(4, 6)).toAgree(tiny.grad_b1, { atol: 1e-12, why });
    expect(out.subarray(6, 8)).toAgree(tiny.grad_w2, { atol: 1e-12, why });
  });
});

describe('a network', () => {
  const shape: NetworkShape = { inputs: 7, hidden: [6, 5, 4], activation: 'silu' };
  const pass = new NetworkPass(shape);
  const random = new RandomStream(4, 'network test');
  const normals = (n: number) => Float64Array.from({ length: n }, () => random.normal());

  it.each([
    [[3], 'silu'],
    [[6, 5], 'silu'],
    [[6, 5, 4], 'silu'],
    [[6, 5], 'tanh'],
  ] as const)('of hidden widths %j and %s has derivatives as finite differences say', (hidden, activation) => {
    const own = new NetworkPass({ inputs: 7, hidden, activation });
    const first = 3;
    const parameters = normals(first + own.count).map((p) => 0.5 * p);
    const [x, t] = [normals(9), normals(9)];
    const weight = 0.7;
    const gradient = new Float64Array(9);
    // weight·E + t·∂E/∂x, whose derivatives are asked for.
    const objective = (p: Float64Array, at: Float64Array): number => {
      const energy = own.energyAndGradient(p, first, at, 2, gradient, 2);
      let sum = weight * energy;
      for (let k = 2; k < 9; k++) sum += t[k]! * gradient[k]!;
      return sum;
    };
    const out = new Float64Array(parameters.length);
    own.addParameterGradient(parameters, first, x, t, 2, weight, out);
    const h = 1e-5;
    const numeric = parameters.map((_, k) => {
      const [up, down] = [parameters.slice(), parameters.slice()];
      up[k]! += h;
      down[k]! -= h;
      return (objective(up, x) - objective(down, x)) / (2 * h);
    });
    expect(out).toAgree(numeric, { atol: 2e-9, rtol: 1e-8, why: 'central differences with a step of 1e-5' });
    expect(out.subarray(0, first)).toEqual(new Float64Array(first));
    // The gradient by the inputs likewise.
    own.energyAndGradient(parameters, first, x, 2, gradient, 2);
    const found = gradient.slice(2);
    const scratch = new Float64Array(9);
    const steps = Float64Array.from({ length: 7 }, (_, k) => {
      const at = (d: number): number => {
        const moved = x.slice();
        moved[2 + k]! += d;
        return own.energyAndGradient(parameters, first, moved, 2, scratch, 2);
      };
      return (at(h) - at(-h)) / (2 * h);
    });
    expect(found).toAgree(steps, { atol: 1e-9, rtol: 1e-8, why: 'central differences with a step of 1e-5' });
  });

  it('adds to what is there', () => {
    const parameters = normals(pass.count);
    const [x, t] = [normals(7), normals(7)];
    const once = new Float64Array(pass.count);
    pass.addParameterGradient(parameters, 0, x, t, 0, 1, once);
    const twice = once.slice();
    pass.addParameterGradient(parameters, 0, x, t, 0, 1, twice);
    expect(twice).toAgree(
      once.map((v) => 2 * v),
      { rtol: 1e-12, atol: 1e-13, why: 'the sum of two equal terms' },
    );
  });

  it('says nothing before training, whatever the seed, and differs by seed', () => {
    const [a, b] = [1, 2].map((seed) => initialParameters(shape, new RandomStream(seed, 'member')));
    const gradient = new Float64Array(7);
    expect(a).not.toEqual(b);
    expect(a).toHaveLength(parameterCount(shape));
    expect(pass.energyAndGradient(a!, 0, normals(7), 0, gradient, 0)).toBe(0);
    expect(gradient.every((g) => g === 0)).toBe(true);
  });

  it('exempts its biases from decay, and nothing else', () => {
    const mask = decayMask({ inputs: 2, hidden: [3, 2], activation: 'silu' });
    expect([...mask]).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0]);
  });

  it('stays finite far out', () => {
    const parameters = normals(pass.count);
    const gradient = new Float64Array(7);
    const far = new Float64Array(7).fill(1e6);
    expect(Number.isFinite(pass.energyAndGradient(parameters, 0, far, 0, gradient, 0))).toBe(true);
    expect(gradient.every(Number.isFinite)).toBe(true);
    const out = new Float64Array(pass.count);
    pass.addParameterGradient(parameters, 0, far, far, 0, 1, out);
    expect(out.every(Number.isFinite)).toBe(true);
  });

  it.each([
    { inputs: 0, hidden: [3], activation: 'silu' as const },
    { inputs: 3, hidden: [], activation: 'silu' as const },
    { inputs: 3, hidden: [2.5], activation: 'tanh' as const },
  ])('refuses the widths %j', (bad) => {
    expect(() => new NetworkPass(bad)).toThrow(InputError);
    expect(() => initialParameters(bad, random)).toThrow(/at least one hidden layer/);
  });

  it('refuses other activations', () => {
    expect(() => new NetworkPass({ ...shape, activation: 'relu' as 'silu' })).toThrow(/silu or tanh, got "relu"/);
  });
});
