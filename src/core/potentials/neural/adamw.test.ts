import { describe, expect, it } from 'vitest';
import { adamwStep, clipGradient, newOptimiser, type OptimiserSettings, rateAt } from './adamw.ts';

const settings: OptimiserSettings = { learningRate: 0.1, finalRate: 0.001, warmUp: 0.1, decay: 0, clip: 1 };

describe('AdamW', () => {
  it('takes a first step of the size of the rate, against the gradient', () => {
    const state = newOptimiser(3);
    const parameters = Float64Array.of(1, 2, 3);
    adamwStep(state, parameters, Float64Array.of(5, -0.01, 0), 0.1, 0, new Uint8Array(3));
    expect(parameters).toAgree([0.9, 2.1, 3], { atol: 1e-6, why: 'm̂/√v̂ is the sign of the first gradient' });
    expect(state.steps).toBe(1);
  });

  it('follows the recursion of its formula', () => {
    const state = newOptimiser(1);
    const parameters = Float64Array.of(0.5);
    let [m, v, p] = [0, 0, 0.5];
    for (let t = 1; t <= 5; t++) {
      const g = Math.sin(t);
      adamwStep(state, parameters, Float64Array.of(g), 0.02, 0.3, Uint8Array.of(1));
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      p -= 0.02 * (m / (1 - 0.9 ** t) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8) + 0.3 * p);
      expect(parameters[0]!).toAgree(p, { rtol: 1e-10, why: 'the same formula, powers by exponentials' });
    }
  });

  it('decays what the mask names, alike in every element', () => {
    const parameters = Float64Array.of(1, 1, 1, 1);
    adamwStep(newOptimiser(4), parameters, new Float64Array(4), 0.1, 0.5, Uint8Array.of(1, 0));
    expect([...parameters]).toEqual([0.95, 1, 0.95, 1]);
  });

  it('finds the minimum of a bowl', () => {
    const state = newOptimiser(2);
    const parameters = Float64Array.of(3, -2);
    for (let t = 0; t < 500; t++) {
      const gradient = Float64Array.of(parameters[0]! - 1, 50 * (parameters[1]! + 1));
      adamwStep(state, parameters, gradient, rateAt({ ...settings, warmUp: 0 }, t, 500), 0, new Uint8Array(2));
    }
    expect(parameters).toAgree([1, -1], { atol: 2e-3, why: 'the last steps are as small as the final rate' });
  });
});

describe('the schedule', () => {
  it('rises, then falls as a cosine to the final rate', () => {
    expect(rateAt(settings, 0, 100)).toAgree(0.01, { rtol: 1e-12, why: 'a tenth of the rise' });
    expect(rateAt(settings, 9, 100)).toAgree(0.1, { rtol: 1e-12, why: 'the end of the rise' });
    expect(rateAt(settings, 10, 100)).toAgree(0.1, { rtol: 1e-12, why: 'the start of the cosine' });
    expect(rateAt(settings, 55, 100)).toAgree(0.0505, { rtol: 1e-12, why: 'half way' });
    expect(rateAt(settings, 100, 100)).toAgree(0.001, { rtol: 1e-12, why: 'the end' });
    expect(rateAt(settings, 1000, 100)).toAgree(0.001, { rtol: 1e-12, why: 'beyond the end' });
  });
});

describe('clipping', () => {
  it('shortens long gradients, keeps short ones, and says what is not finite', () => {
    const long = Float64Array.of(3, 4);
    expect(clipGradient(long, 1)).toBe(5);
    expect(long).toAgree([0.6, 0.8], { rtol: 1e-15, why: 'the same direction' });
    const short = Float64Array.of(0.3, 0.4);
    expect(clipGradient(short, 1)).toBe(0.5);
    expect([...short]).toEqual([0.3, 0.4]);
    expect(clipGradient(Float64Array.of(1, Number.NaN), 1)).toBeNaN();
    expect(clipGradient(Float64Array.of(1, Number.POSITIVE_INFINITY), 1)).toBeNaN();
  });
});
