import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../random.ts';
import type { NetworkShape } from './network.ts';
import { NetworkPass, parameterCount } from './network.ts';

/** A layer as the textbook writes it. */
interface PlainLayer {
  readonly weights: number[][];
  readonly biases: number[];
}

/** The parameters as layers, the output last. */
function layersOf({ inputs, hidden }: NetworkShape, parameters: Float64Array): PlainLayer[] {
  let at = 0;
  let previous = inputs;
  return [...hidden, 1].map((width) => {
    const weights = Array.from({ length: width }, () => {
      const row = [...parameters.subarray(at, at + previous)];
      at += previous;
      return row;
    });
    const biases = [...parameters.subarray(at, at + width)];
    at += width;
    previous = width;
    return { weights, biases };
  });
}

const silu = (z: number): number => z / (1 + Math.exp(-z));

/** The energy by nested loops, nothing shared, nothing unrolled. */
function plainEnergy(shape: NetworkShape, parameters: Float64Array, x: readonly number[]): number {
  const layers = layersOf(shape, parameters);
  let a = [...x];
  layers.forEach(({ weights, biases }, l) => {
    const z = weights.map((row, u) => row.reduce((sum, w, v) => sum + w * a[v]!, biases[u]!));
    if (l === layers.length - 1) a = z;
    else a = z.map(shape.activation === 'silu' ? silu : Math.tanh);
  });
  return a[0]!;
}

const shapes = fc.record({
  inputs: fc.integer({ min: 1, max: 13 }),
  hidden: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
  activation: fc.constantFrom('silu' as const, 'tanh' as const),
  seed: fc.nat({ max: 10_000 }),
});

const made = ({ seed, ...shape }: NetworkShape & { readonly seed: number }) => {
  const random = new RandomStream(seed, 'plain network');
  const normals = (n: number) => Float64Array.from({ length: n }, () => 0.8 * random.normal());
  return { shape, parameters: normals(parameterCount(shape)), x: normals(shape.inputs), t: normals(shape.inputs) };
};

describe('a network of any shape', () => {
  it('has the energy of the textbook', () => {
    fc.assert(
      fc.property(shapes, (given) => {
        const { shape, parameters, x } = made(given);
        const gradient = new Float64Array(shape.inputs);
        const energy = new NetworkPass(shape).energyAndGradient(parameters, 0, x, 0, gradient, 0);
        expect(energy).toAgree(plainEnergy(shape, parameters, [...x]), {
          atol: 1e-11,
          rtol: 1e-11,
          why: 'the same sums in another order',
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has a gradient along any direction that finite differences of the textbook confirm', () => {
    fc.assert(
      fc.property(shapes, (given) => {
        const { shape, parameters, x, t } = made(given);
        const gradient = new Float64Array(shape.inputs);
        new NetworkPass(shape).energyAndGradient(parameters, 0, x, 0, gradient, 0);
        const along = gradient.reduce((sum, g, k) => sum + g * t[k]!, 0);
        const at = (h: number): number =>
          plainEnergy(
            shape,
            parameters,
            [...x].map((value, k) => value + h * t[k]!),
          );
        const h = 1e-4;
        const slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
        expect(along).toAgree(slope, { atol: 1e-8, rtol: 1e-8, why: 'central differences of fourth order' });
      }),
      { numRuns: 60 },
    );
  });

  it('has a parameter gradient that is linear in the weight of the energy and in the direction', () => {
    fc.assert(
      fc.property(shapes, fc.double({ min: -2, max: 2, noNaN: true }), (given, weight) => {
        const { shape, parameters, x, t } = made(given);
        const pass = new NetworkPass(shape);
        const of = (direction: Float64Array, e: number): Float64Array => {
          const out = new Float64Array(pass.count);
          pass.addParameterGradient(parameters, 0, x, direction, 0, e, out);
          return out;
        };
        const none = new Float64Array(shape.inputs);
        const [both, energy, tangent] = [of(t, weight), of(none, weight), of(t, 0)];
        expect(both).toAgree(
          energy.map((value, k) => value + tangent[k]!),
          { atol: 1e-10, rtol: 1e-10, why: 'a sum of two terms' },
        );
        // The last bias shifts the energy and nothing else.
        expect(energy.at(-1)!).toAgree(weight, { atol: 1e-15, why: '∂E/∂c = 1' });
        expect(tangent.at(-1)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('is not touched by the parameters of its neighbours in the array', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 7 }), (given, first) => {
        const { shape, parameters, x } = made(given);
        const pass = new NetworkPass(shape);
        const padded = new Float64Array(first + parameters.length + 3).fill(1e9);
        padded.set(parameters, first);
        const [own, other] = [new Float64Array(shape.inputs), new Float64Array(shape.inputs)];
        expect(pass.energyAndGradient(padded, first, x, 0, other, 0)).toBe(
          pass.energyAndGradient(parameters, 0, x, 0, own, 0),
        );
        expect(other).toEqual(own);
      }),
      { numRuns: 30 },
    );
  });
});
