import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { type BrillouinZoneSampling, checkSampling, meshOf } from './brillouin-zone.ts';
import { planeHeights } from './cell.ts';

const CLOSED = [true, true, true] as const;
const heights = fc.array(fc.double({ min: 0.5, max: 60, noNaN: true }), { minLength: 3, maxLength: 3 });
const spacings = fc.double({ min: 0.02, max: 5, noNaN: true });

describe('meshOf', () => {
  it('puts points no further apart than asked, and not one more than that takes', () => {
    fc.assert(
      fc.property(heights, spacings, fc.boolean(), (h, spacing, shifted) => {
        const { divisions } = meshOf(h, CLOSED, { spacing, shifted });
        divisions.forEach((n, d) => {
          const length = (2 * Math.PI) / h[d]!;
          expect(length / n).toBeLessThanOrEqual(spacing * (1 + 1e-8));
          if (n > 1) expect(length / (n - 1)).toBeGreaterThan(spacing * (1 - 1e-8));
        });
      }),
    );
  });

  it('halves the divisions of a doubled cell, so that supercells are sampled alike', () => {
    fc.assert(
      fc.property(heights, fc.integer({ min: 1, max: 6 }), (h, n) => {
        const spacing = (2 * Math.PI) / (h[0]! * 2 * n);
        const whole = meshOf([h[0]!, h[0]!, h[0]!], CLOSED, { spacing, shifted: false });
        const doubled = meshOf([2 * h[0]!, 2 * h[0]!, 2 * h[0]!], CLOSED, { spacing, shifted: false });
        expect(whole.divisions).toEqual([2 * n, 2 * n, 2 * n]);
        expect(doubled.divisions).toEqual([n, n, n]);
      }),
    );
  });

  it('counts planes, not edges: a slanted cell has the mesh of its upright twin', () => {
    const upright = planeHeights(Float64Array.of(4, 0, 0, 0, 5, 0, 0, 0, 6));
    const slanted = planeHeights(Float64Array.of(4, 0, 0, 12, 5, 0, -8, 15, 6));
    // The last vector's planes are as far apart; the others are closer where the cell leans over.
    expect(slanted[2]).toAgree(upright[2]!, { rtol: 1e-14, why: 'the a-b plane did not move' });
    const mesh = (h: ArrayLike<number>) => meshOf(h, CLOSED, { spacing: 0.4, shifted: false }).divisions;
    expect(mesh(upright)).toEqual([4, 4, 3]);
    expect(mesh(slanted)[2]).toBe(3);
    expect(mesh(slanted)[0]).toBeGreaterThan(4);
  });

  it('takes a mesh as it is, but one unshifted point along open directions', () => {
    for (const shifted of [false, true]) {
      const sampling = { mesh: [3, 4, 5], shifted } as const;
      const one = shifted ? 1 : 0;
      expect(meshOf([1, 1, 1], CLOSED, sampling)).toEqual({ divisions: [3, 4, 5], shift: [one, one, one] });
      expect(meshOf([1, 1, 1], [false, true, false], sampling)).toEqual({ divisions: [1, 4, 1], shift: [0, one, 0] });
      expect(meshOf([], [false, false, false], sampling)).toEqual({ divisions: [1, 1, 1], shift: [0, 0, 0] });
    }
  });

  it('forgives rounding errors of a billionth, no more', () => {
    const divisions = (factor: number) =>
      meshOf([5 * factor, 5, 5], CLOSED, { spacing: (2 * Math.PI) / 15, shifted: false }).divisions[0];
    expect(divisions(1)).toBe(3);
    expect(divisions(1 - 1e-10)).toBe(3);
    expect(divisions(1 + 1e-10)).toBe(3);
    expect(divisions(1 - 1e-8)).toBe(4);
  });
});

describe('checkSampling', () => {
  it.each<[string, object, string]>([
    ['neither', {}, 'either as a mesh or as a spacing'],
    ['both', { mesh: [1, 1, 1], spacing: 1 }, 'either as a mesh or as a spacing'],
    ['a fraction', { mesh: [2, 1.5, 2] }, 'k-point mesh must be three positive integers, got 2 1.5 2'],
    ['two numbers', { mesh: [2, 2] }, 'three positive integers, got 2 2'],
    ['a negative spacing', { spacing: -0.1 }, 'k-point spacing must be positive, got -0.1 1/Å'],
    ['no number', { spacing: Number.NaN }, 'must be positive, got NaN'],
    ['infinity', { spacing: Number.POSITIVE_INFINITY }, 'must be positive, got Infinity'],
  ])('refuses %s', (_, sampling, message) => {
    const bad = { shifted: false, ...sampling } as BrillouinZoneSampling;
    expect(() => checkSampling(bad)).toThrow(message);
    expect(() => checkSampling(bad)).toThrow(InputError);
    expect(() => meshOf([1, 1, 1], CLOSED, bad)).toThrow(message);
  });
});
