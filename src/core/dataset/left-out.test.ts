import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { alloyFrames, alloyPotential, fitOn, siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { createAceProgram } from '../descriptors/ace/program.ts';
import type { AceProgram } from '../descriptors/descriptors.ts';
import { dot } from '../numerics/dense.ts';
import { gramUpper } from '../numerics/triangular.ts';
import { createFactor, crossOf, mergeFactors } from '../regression/factor.ts';
import { fitPosterior, posteriorVariances } from '../regression/posterior.ts';
import { isotropicPrior } from '../regression/prior.ts';
import type { Hyperparameters, PosteriorState, Prior } from '../regression/regression.ts';
import { OBSERVATION_KINDS } from '../regression/regression.ts';
import type { Frame } from '../structure/structure.ts';
import { accumulateFactors, forceColumnScale } from './accumulate.ts';
import { columnCount } from './dataset.ts';
import { leftOutErrors } from './left-out.ts';
import type { ObservationSettings } from './observations.ts';
import { labelledBlocks, offsetGroupOf, structureBlocks } from './observations.ts';
import type { ObservedFrame } from './robust-weights.ts';
import { frameWeights } from './weights.ts';

const HYPERPARAMETERS: Hyperparameters = { alpha: 2, noise: { energy: 0.02, forces: 0.1, virial: 0.3 } };

interface Case {
  readonly program: AceProgram;
  readonly frames: readonly Frame[];
  readonly settings: ObservationSettings;
}

/** Frames with weights of their own, an energy missing here and a force component there. */
function uneven(frames: readonly Frame[]): Frame[] {
  return frames.map((frame, f) => {
    const forces = frame.labels.forces!.slice();
    if (f === 2) forces[5] = Number.NaN;
    return {
      ...frame,
      group: f % 3 === 0 ? 'heavy' : '',
      labels: {
        energy: f === 1 ? null : frame.labels.energy,
        forces: f === 3 ? null : forces,
        virial: f === 4 ? null : frame.labels.virial,
      },
      info: { ...(f === 5 ? { config_weight: 0.3 } : {}), settings: f % 4 === 3 ? 'coarse' : 'fine' },
    };
  });
}

let silicon: Case;
let alloy: Case;
const weightsOf = frameWeights({ heavy: { energy: 4, forces: 0.5, virial: 2 } });

beforeAll(async () => {
  const one = uneven(siliconFrames(8));
  const fit = await fitOn(1, one);
  silicon = {
    program: createAceProgram(fit.basis),
    frames: one,
    settings: {
      layout: { ...fit.model.layout, stressOffset: true, offsetGroups: ['coarse'] },
      reference: fit.model.reference,
      energyNoise: 'sqrt',
      mask: { scale: fit.model.forceColumnScale },
      offsetKey: 'settings',
      stress: true,
    },
  };
  const two = uneven(alloyFrames(9, alloyPotential(['C', 'Si'], [-3, -1])));
  const other = await fitOn(1, two, { ...TINY_FIT, nmax: [3], lmax: [0] });
  alloy = {
    program: createAceProgram(other.basis),
    frames: two,
    settings: {
      layout: other.model.layout,
      reference: other.model.reference,
      energyNoise: 'atom',
      mask: null,
      offsetKey: null,
      stress: true,
    },
  };
});

function priorOf({ settings }: Case): Prior {
  const { layout } = settings;
  return isotropicPrior(
    new Float64Array(layout.basis).fill(1),
    new Array<number>(columnCount(layout) - layout.basis).fill(0.5),
  );
}

function posteriorOf(problem: Case, frames: readonly Frame[]): PosteriorState {
  const factors = accumulateFactors(problem.program, frames, problem.settings, weightsOf, createFactor);
  return fitPosterior(factors, priorOf(problem), HYPERPARAMETERS);
}

/** Labels that a robust loss has taken weight from, here and there. */
function reweighted(problem: Case): Case {
  const frames: ObservedFrame[] = problem.frames.map((frame, f) => {
    const forces = Float64Array.from({ length: frame.structure.species.length }, (_, i) => 1 / (1 + ((i + f) % 3)));
    return f % 2 === 0 ? frame : { ...frame, shares: { energy: 0.3, forces, virial: 0.6 } };
  });
  return { ...problem, frames };
}

describe('leftOutErrors', () => {
  it.each(['silicon', 'alloy', 'reweighted'] as const)(
    'equal a fit without the frame, weights and all (%s)',
    (which) => {
      const problem = which === 'silicon' ? silicon : which === 'alloy' ? alloy : reweighted(silicon);
      const { program, frames, settings } = problem;
      const d = columnCount(settings.layout);
      const full = posteriorOf(problem, frames);
      frames.forEach((frame, f) => {
        const without = posteriorOf(
          problem,
          frames.filter((_, other) => other !== f),
        );
        program.rows([frame.structure], (_, rows) => {
          const found = leftOutErrors(frame, rows, settings, weightsOf(frame), full);
          const blocks = structureBlocks(frame.structure, rows, settings.layout, {
            energyNoise: settings.energyNoise,
            mask: settings.mask,
            offsetGroup: offsetGroupOf(frame, settings.offsetKey),
          });
          const observed = labelledBlocks(frame, rows, blocks, settings.layout, settings.reference);
          expect(found.atoms).toBe(8);
          for (const kind of OBSERVATION_KINDS) {
            const block = observed[kind];
            const { fitted, leftOut, variances, components, shares } = found[kind];
            expect(shares?.length ?? 0).toBe('shares' in frame ? block.count : 0);
            expect([...components]).toEqual([...block.components]);
            const error = (state: PosteriorState): number[] =>
              Array.from(
                { length: block.count },
                (_, r) => block.scale * (dot(block.rows, state.mean, d, r * d, 0) - block.targets[r]!),
              );
            const why = 'the same normal equations, solved twice';
            expect(fitted).toAgree(error(full), { atol: 1e-9, rtol: 1e-9, why });
            expect(leftOut).toAgree(error(without), { atol: 1e-8, rtol: 1e-8, why });
            const single = posteriorVariances(without, block.rows, block.count).map(
              (v) => v * block.scale * block.scale,
            );
            const expected =
              kind !== 'forces'
                ? single
                : single.map((_, r) => {
                    const atom = Math.floor(components[r]! / 3);
                    const own = [...single].filter((__, q) => Math.floor(components[q]! / 3) === atom);
                    return own.reduce((sum, v) => sum + v, 0) / own.length;
                  });
            expect(variances).toAgree(expected, { rtol: 1e-6, atol: 1e-12, why });
          }
        });
      });
    },
  );

  it('leave out what has no label, no weight, and stresses where they are not fitted', () => {
    const { program, frames, settings } = silicon;
    const full = posteriorOf(silicon, frames);
    const counts = (frame: Frame, stress: boolean, weights = weightsOf(frame)): number[] => {
      let found: number[] = [];
      program.rows([frame.structure], (_, rows) => {
        const result = leftOutErrors(frame, rows, { ...settings, stress }, weights, full);
        found = OBSERVATION_KINDS.map((kind) => result[kind].leftOut.length);
      });
      return found;
    };
    expect(counts(frames[0]!, true)).toEqual([1, 24, 6]);
    expect(counts(frames[0]!, false)).toEqual([1, 24, 0]);
    expect(counts(frames[1]!, true)).toEqual([0, 24, 6]);
    expect(counts(frames[2]!, true)).toEqual([1, 23, 6]);
    expect(counts(frames[3]!, true)).toEqual([1, 0, 6]);
    expect(counts(frames[4]!, true)).toEqual([1, 24, 0]);
    expect(counts(frames[0]!, true, { energy: 0, forces: 1, virial: 0 })).toEqual([0, 24, 0]);
    expect(counts(frames[0]!, true, { energy: 0, forces: 0, virial: 0 })).toEqual([0, 0, 0]);
  });
});

describe('accumulateFactors', () => {
  it('gives the factor of the explicit whitened rows and the logarithm of their scales', () => {
    const { program, frames, settings } = silicon;
    const d = columnCount(settings.layout);
    const factors = accumulateFactors(program, frames, settings, weightsOf, createFactor);
    for (const kind of OBSERVATION_KINDS) {
      const explicit = createFactor(d);
      let logScale = 0;
      let count = 0;
      for (const frame of frames) {
        program.rows([frame.structure], (_, rows) => {
          const blocks = structureBlocks(frame.structure, rows, settings.layout, {
            energyNoise: 'sqrt',
            mask: settings.mask,
            offsetGroup: String(frame.info.settings),
          });
          const block = labelledBlocks(frame, rows, blocks, settings.layout, settings.reference)[kind];
          const u = weightsOf(frame)[kind];
          for (let r = 0; r < block.count; r++) {
            const row = block.rows.slice(r * d, (r + 1) * d).map((x) => x * Math.sqrt(u));
            explicit.append(row, Float64Array.of(block.targets[r]! * Math.sqrt(u)), 1);
            logScale += Math.log(u / (block.scale * block.scale));
            count++;
          }
        });
      }
      const expected = explicit.state();
      const found = factors[kind];
      expect(found.count).toBe(count);
      expect(found.logScale).toAgree(logScale, { rtol: 1e-12, atol: 1e-12, why: 'a sum of logarithms' });
      const size = Math.max(...expected.r.map(Math.abs));
      expect(found.r).toAgree(expected.r, { atol: 1e-11 * size, why: 'QR of the same rows in other blocks' });
      expect(found.residual).toAgree(expected.residual, { rtol: 1e-8, atol: 1e-10, why: 'the same least squares' });
    }
  });

  it('of parts merge to that of the whole', () => {
    const { program, frames, settings } = alloy;
    const part = (list: readonly Frame[]) => accumulateFactors(program, list, settings, weightsOf, createFactor);
    const whole = part(frames);
    const halves = [part(frames.slice(0, 4)), part(frames.slice(4))];
    for (const kind of OBSERVATION_KINDS) {
      const merged = mergeFactors(halves.map((half) => half[kind]));
      // With fewer rows than columns R itself is not unique, but RᵀR is.
      const squares = gramUpper(whole[kind].r, whole[kind].columns);
      const size = Math.max(...squares.map(Math.abs));
      expect(gramUpper(merged.r, merged.columns)).toAgree(squares, { atol: 1e-12 * size, why: 'QR of QR' });
      expect(crossOf(merged)).toAgree(crossOf(whole[kind]), { atol: 1e-12 * size, why: 'QR of QR' });
      expect(merged.count).toBe(whole[kind].count);
    }
  });

  it('weighs 2 as the same frame twice, and 0 as not at all', () => {
    const { program, frames, settings } = alloy;
    const ones = { energy: 1, forces: 1, virial: 1 };
    const normal = (list: readonly Frame[], weight: number) => {
      const factors = accumulateFactors(
        program,
        list,
        settings,
        () => ({ energy: weight, forces: weight, virial: weight }),
        createFactor,
      );
      return fitPosterior(factors, priorOf(alloy), HYPERPARAMETERS);
    };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), (count) => {
        const list = frames.slice(0, count);
        const twice = accumulateFactors(program, [...list, ...list], settings, () => ones, createFactor);
        const expected = fitPosterior(twice, priorOf(alloy), HYPERPARAMETERS);
        const found = normal(list, 2);
        const tolerance = { rtol: 1e-6, atol: 1e-9, why: 'the same sum of squares' };
        expect(found.mean).toAgree(expected.mean, tolerance);
        expect(normal(list, 0).mean).toEqual(new Float64Array(found.mean.length));
      }),
      { numRuns: 4 },
    );
  });
});

describe('forceColumnScale', () => {
  it('is the root mean square of each column over all force rows', () => {
    const { program, frames } = silicon;
    const structures = frames.slice(0, 3).map((frame) => frame.structure);
    const sums = new Float64Array(program.size);
    let count = 0;
    program.rows(structures, (_, { forces }) => {
      for (let k = 0; k < forces.length; k++) sums[k % program.size]! += forces[k]! * forces[k]!;
      count += forces.length / program.size;
    });
    const expected = sums.map((s) => Math.sqrt(s / count));
    expect(forceColumnScale(program, structures)).toAgree(expected, { rtol: 1e-12, why: 'a sum of squares' });
    expect(forceColumnScale(program, [])).toEqual(new Float64Array(program.size));
  });
});
