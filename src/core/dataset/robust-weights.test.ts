import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import type { FrameMisfits } from './robust-weights.ts';
import { huberShares, misfitScales, shareChange, shareOf } from './robust-weights.ts';

const finite = fc.double({ min: 0, max: 1e6, noNaN: true });

/** Misfits of frames of `atoms` atoms whose residuals are normal with the given standard deviations. */
function normalMisfits(frames: number, atoms: number, [e, f, v]: readonly [number, number, number]): FrameMisfits[] {
  const random = new RandomStream(3, 'misfits');
  const rms = (n: number, sigma: number): number => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += (sigma * random.normal()) ** 2;
    return Math.sqrt(sum / n);
  };
  return Array.from({ length: frames }, () => ({
    energy: rms(1, e),
    forces: Float64Array.from({ length: atoms }, () => rms(3, f)),
    virial: rms(6, v),
  }));
}

describe('misfitScales', () => {
  const misfits = normalMisfits(4000, 5, [0.02, 0.1, 0.4]);

  it('are the standard deviations of normal misfits of 1, 3 and 6 components', () => {
    const why = 'statistics of 4000 frames';
    const scales = misfitScales(misfits);
    expect(scales.energy).toAgree(0.02, { rtol: 0.04, why });
    expect(scales.forces).toAgree(0.1, { rtol: 0.02, why });
    expect(scales.virial).toAgree(0.4, { rtol: 0.02, why });
  });

  it('hardly feel labels that are wrong by any amount', () => {
    const scales = misfitScales(
      misfits.map((own, f) => (f % 20 === 0 ? { ...own, energy: 1e9, forces: own.forces.map(() => 1e9) } : own)),
    );
    expect(scales.energy).toAgree(0.02, { rtol: 0.1, why: 'one in twenty moves the median by 6 %' });
    expect(scales.forces).toAgree(0.1, { rtol: 0.1, why: 'one in twenty moves the median by 3 %' });
  });

  it('count only labels that are there', () => {
    const gaps = misfits.map((own, f) => ({
      energy: f % 2 === 0 ? own.energy : Number.NaN,
      forces: own.forces.map((x, i) => (i < 2 ? x : Number.NaN)),
      virial: Number.NaN,
    }));
    const scales = misfitScales(gaps);
    expect(scales.energy).toAgree(0.02, { rtol: 0.05, why: 'statistics of 2000 frames' });
    expect(scales.forces).toAgree(0.1, { rtol: 0.03, why: 'statistics of 8000 atoms' });
    expect(scales.virial).toBeNaN();
  });
});

describe('huberShares', () => {
  const scales = { energy: 0.1, forces: 0.2, virial: Number.NaN };

  it('are min(1, k σ/r)', () => {
    const shares = huberShares({ energy: 0.4, forces: Float64Array.of(0.1, 0.4, 4, Number.NaN), virial: 7 }, scales, 2);
    expect(shares.energy).toBe(0.5);
    expect([...shares.forces]).toEqual([1, 1, 0.1, 1]);
    // Nothing is known of the scale of virials, and nothing is taken from labels that are not there.
    expect(shares.virial).toBe(1);
    const silent = { energy: 3, forces: Float64Array.of(3), virial: 3 };
    expect(huberShares(silent, { energy: 0, forces: 0, virial: 0 }, 2)).toEqual({
      energy: 1,
      forces: Float64Array.of(1),
      virial: 1,
    });
  });

  it('bound the pull of every label and fall with its misfit', () => {
    fc.assert(
      fc.property(finite, finite, fc.double({ min: 0.5, max: 10, noNaN: true }), (a, b, threshold) => {
        const pull = (energy: number): number => {
          const { energy: share } = huberShares({ energy, forces: new Float64Array(0), virial: 0 }, scales, threshold);
          expect(share).toBeGreaterThan(0);
          expect(share).toBeLessThanOrEqual(1);
          return share * energy;
        };
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        expect(pull(more)).toBeLessThanOrEqual(threshold * scales.energy * (1 + 1e-12));
        expect(pull(less)).toBeLessThanOrEqual(pull(more) * (1 + 1e-12));
      }),
    );
  });

  it('belong to the atom of a component', () => {
    const shares = { energy: 0.5, forces: Float64Array.of(1, 0.25), virial: 0.75 };
    expect([0, 2, 3, 5].map((component) => shareOf(shares, 'forces', component))).toEqual([1, 1, 0.25, 0.25]);
    expect(shareOf(shares, 'energy', 0)).toBe(0.5);
    expect(shareOf(shares, 'virial', 5)).toBe(0.75);
    expect(shareOf(undefined, 'forces', 7)).toBe(1);
  });
});

describe('shareChange', () => {
  it('is the root mean square over all labels', () => {
    const before = [{ energy: 1, forces: Float64Array.of(1, 0.5), virial: 1 }];
    const after = [{ energy: 0.7, forces: Float64Array.of(1, 0.1), virial: 1 }];
    expect(shareChange(before, after)).toAgree(0.25, { rtol: 1e-12, why: '√((0.09 + 0.16)/4)' });
    expect(shareChange(before, before)).toBe(0);
    expect(shareChange([], [])).toBe(0);
  });
});
