import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { threeDigits } from './digits.ts';
import { median } from './median.ts';

describe('median', () => {
  it('has as many numbers above as below, whatever their order, and leaves them alone', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([10, 9, 1, 100])).toBe(9.5);
    expect(median([])).toBeNaN();
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 }), (values) => {
        const given = [...values];
        const m = median(values);
        expect(values).toEqual(given);
        expect(values.filter((x) => x < m).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((x) => x > m).length).toBeLessThanOrEqual(values.length / 2);
        expect(median([...values].reverse())).toBe(m);
      }),
    );
  });
});

describe('threeDigits', () => {
  it.each([
    [0.123456, '0.123'],
    [123456, '123000'],
    [0.00012345, '0.000123'],
    [2, '2'],
    [-1.0051, '-1.01'],
    [1e-9, '1e-9'],
    [1e30, '1e+30'],
    [0, '0'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('writes %d as %s', (value, text) => {
    expect(threeDigits(value)).toBe(text);
  });
});
