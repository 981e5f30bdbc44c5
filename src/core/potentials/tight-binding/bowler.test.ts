import { describe, expect, it } from 'vitest';
import { CUTOFF, hopping, repulsion, SWITCH_START } from './bowler.ts';

const FUNCTIONS = { hopping, repulsion };

function value(f: (r: number, out: Float64Array) => void, r: number): [number, number] {
  const out = new Float64Array(2);
  f(r, out);
  return [out[0]!, out[1]!];
}

describe.each(Object.entries(FUNCTIONS))('%s', (name, f) => {
  it('has the height of its parameters at 2.35 Å', () => {
    const height = name === 'hopping' ? 1 : 3.44566;
    expect(value(f, 2.35)[0]).toAgree(height, { rtol: 1e-15, why: 'all factors are 1 at r₀' });
  });

  it('has the slope of its value', () => {
    for (const r of [0.8, 1.5, 2.35, 2.599, 2.7, 3.1, 3.6, 3.69]) {
      const h = 1e-5;
      const slope = (value(f, r + h)[0] - value(f, r - h)[0]) / (2 * h);
      expect(value(f, r)[1]).toAgree(slope, { rtol: 1e-7, atol: 1e-9, why: 'central difference, h = 1e-5 Å' });
    }
  });

  it('joins the switch and the cutoff with two continuous derivatives', () => {
    const h = 1e-4;
    for (const r of [SWITCH_START, CUTOFF]) {
      const below = (value(f, r - h)[1] - value(f, r - 2 * h)[1]) / h;
      const above = (value(f, r + 2 * h)[1] - value(f, r + h)[1]) / h;
      expect(value(f, r + 1e-12)[0]).toAgree(value(f, r - 1e-12)[0], { atol: 1e-10, why: 'continuous' });
      expect(above).toAgree(below, {
        atol: 0.02,
        why: 'second derivatives differ by 3h times a third of about 20 eV/Å³',
      });
    }
    expect(value(f, CUTOFF)).toEqual([0, 0]);
    expect(value(f, 9)).toEqual([0, 0]);
  });

  it('falls monotonically all the way', () => {
    for (let r = 0.3; r < CUTOFF; r += 0.01) expect(value(f, r)[1]).toBeLessThan(0);
  });
});
