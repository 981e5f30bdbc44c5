import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { siliconFrames } from '../../../test/support/models.ts';
import { buildAceBasis } from '../descriptors/ace/enumerate.ts';
import { presetSpecification } from '../descriptors/ace/presets.ts';
import { createAceProgram } from '../descriptors/ace/program.ts';
import { RandomStream } from '../random.ts';
import type { PosteriorState } from '../regression/regression.ts';
import type { Frame } from '../structure/structure.ts';
import { columnCount } from './dataset.ts';
import { leftOutErrors } from './left-out.ts';
import type { ObservationSettings } from './observations.ts';
import type { FrameMisfits } from './robust-weights.ts';
import { frameMisfits, huberShares, misfitScales, shareChange, shareOf } from './robust-weights.ts';

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

describe('frameMisfits', () => {
  const program = createAceProgram(
    buildAceBasis({ ...presetSpecification('small', ['Si'], 4.2), nmax: [3, 2], lmax: [0, 1] }),
  );
  const settings: ObservationSettings = {
    layout: { basis: program.size, species: [14], referenceEnergies: true, stressOffset: true, offsetGroups: [] },
    reference: { values: [-4], origin: 'given', degenerate: false },
    energyNoise: 'sqrt',
    mask: null,
    offsetKey: null,
    stress: true,
  };
  const d = columnCount(settings.layout);
  const random = new RandomStream(9, 'weights of the misfits');
  const mean = Float64Array.from({ length: d }, () => 0.1 * random.normal());
  const weights = { energy: 2, forces: 0.5, virial: 1 };
  const misfitsOf = (frame: Frame, given = settings, u = weights): FrameMisfits => {
    let found!: FrameMisfits;
    program.rows([frame.structure], (_, rows) => {
      found = frameMisfits(frame, rows, given, u, mean);
    });
    return found;
  };
  const [frame] = siliconFrames(1) as [Frame];

  it('are root mean squares of the errors of the model by atom', () => {
    const r = new Float64Array(d * d);
    for (let v = 0; v < d; v++) r[v * d + v] = 1e6;
    const posterior: PosteriorState = {
      mean,
      r,
      hyperparameters: { alpha: 1, noise: { energy: 1, forces: 1, virial: 1 } },
    };
    const found = misfitsOf(frame);
    program.rows([frame.structure], (_, rows) => {
      const { energy, forces, virial } = leftOutErrors(frame, rows, settings, weights, posterior);
      const why = 'the same residuals';
      expect(found.energy).toAgree((Math.sqrt(2) * Math.abs(energy.fitted[0]!)) / Math.sqrt(8), { rtol: 1e-12, why });
      const rms = (errors: ArrayLike<number>): number =>
        Math.sqrt(Array.from(errors).reduce((sum, e) => sum + e * e, 0) / errors.length);
      expect(found.virial).toAgree(rms(virial.fitted) / Math.sqrt(8), { rtol: 1e-12, why });
      for (let i = 0; i < 8; i++) {
        const own = forces.fitted.slice(3 * i, 3 * i + 3);
        expect(found.forces[i]).toAgree(Math.SQRT1_2 * rms(own), { rtol: 1e-12, why });
      }
    });
  });

  it('do not depend on the axes', () => {
    const turned = (x: Float64Array): Float64Array =>
      x.map((_, k) => (k % 3 === 0 ? -x[k + 1]! : k % 3 === 1 ? x[k - 1]! : x[k]!));
    const { structure, labels } = frame;
    const other = misfitsOf({
      ...frame,
      structure: { ...structure, positions: turned(structure.positions), cell: turned(structure.cell!) },
      labels: { energy: labels.energy, forces: turned(labels.forces!), virial: null },
    });
    expect(other.forces).toAgree(misfitsOf(frame).forces, { rtol: 1e-9, why: 'a quarter turn about z' });
    expect(other.virial).toBeNaN();
  });

  it('are absent for labels that do not count', () => {
    const none = misfitsOf(frame, { ...settings, stress: false }, { energy: 0, forces: 0, virial: 1 });
    expect(none.energy).toBeNaN();
    expect(none.virial).toBeNaN();
    expect(none.forces.every(Number.isNaN)).toBe(true);
    const forces = frame.labels.forces!.map((f, c) => (c < 3 ? Number.NaN : f));
    const some = misfitsOf({ ...frame, labels: { energy: null, forces, virial: null } });
    expect([...some.forces].map(Number.isNaN)).toEqual([true, ...new Array<boolean>(7).fill(false)]);
  });
});

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
