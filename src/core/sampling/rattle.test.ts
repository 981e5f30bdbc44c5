import { describe, expect, it } from 'vitest';
import { simpleCubic } from '../../../test/support/toy-potentials.ts';
import { RandomStream } from '../random.ts';
import { rattle } from './rattle.ts';

const CRYSTAL = simpleCubic(5, 3);

describe('rattle', () => {
  it('displaces every component normally by the drawn amplitude', () => {
    const { structure, sigma } = rattle(CRYSTAL, [0.05, 0.05], new RandomStream(1, 'rattle'));
    expect(sigma).toBe(0.05);
    const square = structure.positions.reduce(
      (sum, x, k) => sum + (x - CRYSTAL.positions[k]!) * (x - CRYSTAL.positions[k]!),
      0,
    );
    expect(square / 375).toAgree(0.0025, { rtol: 4 * Math.sqrt(2 / 375), why: 'four standard errors of a variance' });
  });

  it('draws the amplitude from its range and leaves the rest alone', () => {
    const before = CRYSTAL.positions.slice();
    const sigmas = Array.from(
      { length: 200 },
      (_, i) => rattle(CRYSTAL, [0.03, 0.1], new RandomStream(i, 'rattle')).sigma,
    );
    expect(Math.min(...sigmas)).toBeGreaterThanOrEqual(0.03);
    expect(Math.max(...sigmas)).toBeLessThan(0.1);
    const mean = sigmas.reduce((sum, s) => sum + s / 200, 0);
    expect(mean).toAgree(0.065, { atol: (4 * 0.07) / Math.sqrt(12 * 200), why: 'four standard errors of a uniform' });
    expect(CRYSTAL.positions).toEqual(before);
  });

  it('refuses a range that is none', () => {
    expect(() => rattle(CRYSTAL, [0.1, 0.03], new RandomStream(1, 'r'))).toThrow(
      'rattle range must be 0 ≤ low ≤ high, got 0.1 to 0.03 Å',
    );
    expect(() => rattle(CRYSTAL, [Number.NaN, 1], new RandomStream(1, 'r'))).toThrow('got NaN to 1 Å');
  });
});
