import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantile, quartiles, quotients, shownQuartiles, threeDigits } from '../../bench/statistics.ts';

/** Times of whole ticks: sums and halves of them are exact. */
const ticks = fc.integer({ min: -1e6, max: 1e6 });

describe('quartiles', () => {
  it('interpolates between neighbours, in any order of the numbers', () => {
    expect(quartiles([4, 1, 3, 2])).toEqual({ lower: 1.75, median: 2.5, upper: 3.25 });
    expect(quartiles([7])).toEqual({ lower: 7, median: 7, upper: 7 });
    expect(quartiles([]).median).toBeNaN();
  });

  it('lies within the numbers, in order, and moves with them', () => {
    fc.assert(
      fc.property(fc.array(ticks, { minLength: 1, maxLength: 40 }), (values) => {
        const { lower, median, upper } = quartiles(values);
        expect(Math.min(...values)).toBeLessThanOrEqual(lower);
        expect(lower).toBeLessThanOrEqual(median);
        expect(median).toBeLessThanOrEqual(upper);
        expect(upper).toBeLessThanOrEqual(Math.max(...values));
        expect(quartiles(values.map((value) => 2 * value)).median).toBe(2 * median);
      }),
    );
  });

  it('does not follow a round that went astray', () => {
    expect(quartiles([1, 1.1, 0.9, 1, 500]).median).toBe(1);
    expect(quantile([1, 2, 3], 1)).toBe(3);
    expect(quantile([1, 2, 3], 0)).toBe(1);
  });
});

describe('quotients', () => {
  it('pairs numbers of the same round', () => {
    expect(quotients([2, 9, 4], [1, 3, 8])).toEqual([2, 3, 0.5]);
    expect(quotients([2, 9], [1])).toEqual([2]);
  });
});

describe('threeDigits', () => {
  it.each([
    [0.0123456, '0.0123'],
    [1.005, '1.00'],
    [12.345, '12.3'],
    [999.4, '999'],
    [123456, '123456'],
    [1e9, '1.00e+9'],
    [1.5e-6, '1.50e-6'],
    [0, '0'],
    [Number.NaN, 'NaN'],
    [-2.5, '-2.50'],
  ])('shows %f as %s', (value, text) => {
    expect(threeDigits(value)).toBe(text);
  });

  it('shows quartiles as tables do', () => {
    expect(shownQuartiles({ lower: 5, median: 6.32, upper: 7.111 })).toBe('6.32 [5.00, 7.11]');
  });
});
