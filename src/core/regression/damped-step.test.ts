import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { dot, gram } from '../numerics/dense.ts';
import { RandomStream } from '../random.ts';
import { dampedStep } from './damped-step.ts';

const N = 9;
const random = new RandomStream(2, 'damped step');
const rows = Float64Array.from({ length: 20 * N }, () => random.normal());
const a = gram(rows, 20, N);
const towards = Float64Array.from({ length: N }, () => random.normal());
const why = 'rounding of small dense solves';

/** Change of the quadratic model ½ xᵀAx − xᵀAδ. */
function change(step: Float64Array): number {
  let sum = 0;
  for (let v = 0; v < N; v++) sum += step[v]! * (0.5 * dot(a, step, N, v * N, 0) - dot(a, towards, N, v * N, 0));
  return sum;
}

describe('dampedStep', () => {
  it('is the whole step without damping', () => {
    expect(dampedStep(a, towards, 0)).toAgree(towards, { rtol: 1e-9, atol: 1e-12, why });
  });

  it('solves its equations', () => {
    const step = dampedStep(a, towards, 0.3);
    for (let v = 0; v < N; v++) {
      const left = dot(a, step, N, v * N, 0) + 0.3 * a[v * N + v]! * step[v]!;
      expect(left).toAgree(dot(a, towards, N, v * N, 0), { rtol: 1e-9, atol: 1e-9, why });
    }
  });

  it('goes down less far, and in the end along the scaled gradient, the more it is damped', () => {
    const changes = [0, 0.01, 0.1, 1, 10, 100].map((damping) => change(dampedStep(a, towards, damping)));
    for (const [k, value] of changes.entries()) {
      expect(value).toBeLessThan(0);
      if (k > 0) expect(value).toBeGreaterThan(changes[k - 1]!);
    }
    const short = dampedStep(a, towards, 1e6);
    for (let v = 0; v < N; v++) {
      const slope = dot(a, towards, N, v * N, 0) / a[v * N + v]!;
      expect(short[v]! * 1e6).toAgree(slope, { rtol: 1e-4, atol: 1e-5, why: 'terms of order 1/λ' });
    }
  });

  it('leaves columns where they are', () => {
    const free = [0, 2, 3, 7];
    const step = dampedStep(a, towards, 0, free);
    for (let v = 0; v < N; v++) {
      const gradient = dot(a, step, N, v * N, 0) - dot(a, towards, N, v * N, 0);
      if (free.includes(v)) expect(gradient).toAgree(0, { atol: 1e-10, why });
      else expect(step[v]).toBe(0);
    }
  });

  it('refuses other dampings', () => {
    for (const damping of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => dampedStep(a, towards, damping)).toThrow(InputError);
  });
});
