import { describe, expect, it } from 'vitest';
import { NumericalError } from '../errors.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { RandomStream } from '../random.ts';
import type { Fold, FoldErrors } from './cross-validation.ts';
import { joinRows, judgeFold, momentsOfOthers, observedRows, rmseOf } from './cross-validation.ts';
import { createFactor, emptyFactor, mergeFactors, squaredResidual } from './factor.ts';
import { packFactor } from './packed.ts';
import { fitPosterior } from './posterior.ts';
import { smoothnessPrior } from './prior.ts';
import type { FactorState, PerKind } from './regression.ts';
import { OBSERVATION_KINDS } from './regression.ts';
import { subsetFactor, subsetPrior } from './subset.ts';

const COLUMNS = 6;
const stream = new RandomStream(5, 'cross-validation');
const truth = Float64Array.from({ length: COLUMNS }, () => stream.normal());

function factorOf(rows: number, noise: number): FactorState {
  const factor = createFactor(COLUMNS);
  for (let i = 0; i < rows; i++) {
    const x = Float64Array.from({ length: COLUMNS }, () => stream.normal());
    factor.append(x, Float64Array.of(x.reduce((s, v, c) => s + v * truth[c]!, 0) + noise * stream.normal()), 1);
  }
  return factor.state();
}

const folds: PerKind<FactorState>[] = [0, 1, 2].map(() => ({
  energy: factorOf(4, 0.02),
  forces: factorOf(30, 0.1),
  virial: factorOf(9, 0.3),
}));
const prior = smoothnessPrior([1, 2, 1, 1, 3], [1, 2, 3, 4, 5], [0.5]);

const packed = (factors: PerKind<FactorState>): Fold => ({
  energy: packFactor(factors.energy),
  forces: packFactor(factors.forces),
  virial: packFactor(factors.virial),
});
const leaves = folds.map(packed);
const others = momentsOfOthers(leaves);
const NOISE = { stiffness: 0.2, energyToForce: 0.2, virialToForce: 3 };

/** The same by the fit itself, from merged and reduced factors. */
function byPosterior(columns: Int32Array, left: number): PerKind<number> {
  const kind = (k: keyof PerKind<number>) =>
    subsetFactor(mergeFactors(folds.filter((_, f) => f !== left).map((fold) => fold[k])), columns);
  const rest = { energy: kind('energy'), forces: kind('forces'), virial: kind('virial') };
  const { mean } = fitPosterior(rest, subsetPrior(prior, columns), {
    alpha: NOISE.stiffness,
    noise: { energy: NOISE.energyToForce, forces: 1, virial: NOISE.virialToForce },
  });
  const errors = OBSERVATION_KINDS.map((k) => squaredResidual(subsetFactor(folds[left]![k], columns), mean));
  return { energy: errors[0]!, forces: errors[1]!, virial: errors[2]! };
}

describe('judgeFold', () => {
  it('gives the errors of the fit to the other folds, for any columns', () => {
    const subsets = [Int32Array.of(0, 1, 2, 3, 4, 5), Int32Array.of(0, 2, 5), Int32Array.of(3)];
    const trials = subsets.map((columns) => ({ columns, prior: subsetPrior(prior, columns), noises: [NOISE] }));
    leaves.forEach((fold, left) => {
      const got = judgeFold(others[left]!, fold, trials);
      subsets.forEach((columns, t) => {
        const expected = byPosterior(columns, left);
        for (const kind of OBSERVATION_KINDS) {
          expect(got[t]![0]!.squared[kind]).toAgree(expected[kind], {
            rtol: 1e-10,
            why: 'the same fit by another route',
          });
        }
      });
    });
  });

  it('depends on noises by their ratios and on the prior by α σ_F²', () => {
    const columns = Int32Array.of(0, 1, 2, 3, 4);
    const noises = [NOISE, { ...NOISE, stiffness: 20 }, { ...NOISE, energyToForce: 1e-3 }];
    const [errors] = judgeFold(others[0]!, leaves[0]!, [{ columns, prior: subsetPrior(prior, columns), noises }]);
    expect(errors).toHaveLength(3);
    expect(errors![1]!.squared.forces).toBeGreaterThan(errors![0]!.squared.forces);
    expect(errors![2]!.squared.energy).not.toBe(errors![0]!.squared.energy);
  });

  it('takes folds without some kind of observation', () => {
    const forcesOnly = { energy: emptyFactor(COLUMNS), forces: factorOf(8, 0.1), virial: emptyFactor(COLUMNS) };
    const columns = Int32Array.of(0, 1);
    const [[errors]] = judgeFold(others[1]!, packed(forcesOnly), [
      { columns, prior: subsetPrior(prior, columns), noises: [NOISE] },
    ]) as [[FoldErrors]];
    expect(errors.squared.energy).toBe(0);
    expect(errors.absoluteEnergy).toBe(0);
    expect(errors.squared.forces).toBeGreaterThan(0);
    const [of, rest] = momentsOfOthers([leaves[0]!, packed(forcesOnly)]);
    expect([of!.gram.energy, rest!.gram.energy]).toEqual([null, expect.any(Float64Array)]);
  });

  it('sums absolute errors of energies whose rows are given', () => {
    const energy = createFactor(COLUMNS);
    const rows = [0, 1, 2].map(() => Float64Array.from({ length: COLUMNS }, () => stream.normal()));
    const targets = [1, -2, 0.5];
    rows.forEach((row, i) => {
      energy.append(row, Float64Array.of(targets[i]!), 1);
    });
    const energyRows = joinRows([observedRows(rows.slice(0, 2), [1, -2]), observedRows(rows.slice(2), [0.5])]);
    const fold = { ...packed({ ...folds[0]!, energy: energy.state() }), energyRows };
    const [moments] = momentsOfOthers([fold, leaves[1]!]);
    const columns = Int32Array.of(0, 1, 2, 3, 4, 5);
    const [[errors]] = judgeFold(moments!, fold, [{ columns, prior, noises: [NOISE] }]) as [[FoldErrors]];
    const { mean } = fitPosterior(folds[1]!, prior, {
      alpha: NOISE.stiffness,
      noise: { energy: NOISE.energyToForce, forces: 1, virial: NOISE.virialToForce },
    });
    const single = rows.map((row, i) => Math.abs(row.reduce((sum, x, c) => sum + x * mean[c]!, 0) - targets[i]!));
    expect(errors.absoluteEnergy).toAgree(single[0]! + single[1]! + single[2]!, {
      rtol: 1e-10,
      why: 'the same errors',
    });
    expect(errors.squared.energy).toAgree(
      single.reduce((sum, e) => sum + e * e, 0),
      { rtol: 1e-10, why: 'the same errors' },
    );
  });

  it('marks settings that are singular', () => {
    const columns = Int32Array.of(0, 1);
    const trial = { columns, prior: subsetPrior(prior, columns), noises: [NOISE] };
    const broken = {
      ...plainKernels,
      cholesky: () => {
        throw new NumericalError('NOT_POSITIVE_DEFINITE', 'pivot 1 of the matrix must be positive, got 0');
      },
    };
    const [[errors]] = judgeFold(others[0]!, leaves[0]!, [trial], broken) as [[FoldErrors]];
    expect([errors.squared.forces, errors.absoluteEnergy]).toEqual([Number.NaN, Number.NaN]);
  });

  it('refuses noises that are none', () => {
    const columns = Int32Array.of(0);
    const trial = { columns, prior: subsetPrior(prior, columns), noises: [{ ...NOISE, energyToForce: 0 }] };
    expect(() => judgeFold(others[0]!, leaves[0]!, [trial])).toThrow(
      /noise of energy relative to forces must be positive/,
    );
  });
});

describe('momentsOfOthers', () => {
  it('sums XᵀX and Xᵀy of every fold but one, in the order of the folds', () => {
    const made: number[] = [];
    const allocate = (length: number): Float64Array => {
      made.push(length);
      return new Float64Array(length);
    };
    const sums = momentsOfOthers(leaves, plainKernels, allocate);
    expect(made).toEqual(new Array(9).fill((COLUMNS * (COLUMNS + 1)) / 2));
    for (const kind of OBSERVATION_KINDS) {
      const [a, b] = [folds[0]![kind], folds[2]![kind]];
      let at = 0;
      for (let i = 0; i < COLUMNS; i++) {
        for (let j = i; j < COLUMNS; j++) {
          let expected = 0;
          for (const { r } of [a, b])
            for (let k = 0; k <= i; k++) expected += r[k * COLUMNS + i]! * r[k * COLUMNS + j]!;
          expect(sums[1]!.gram[kind]![at++]).toAgree(expected, { rtol: 1e-12, atol: 1e-12, why: 'the same sum' });
        }
        let right = 0;
        for (const { r, z } of [a, b]) for (let k = 0; k <= i; k++) right += r[k * COLUMNS + i]! * z[k]!;
        expect(sums[1]!.cross[kind]![i]).toAgree(right, { rtol: 1e-12, atol: 1e-12, why: 'the same sum' });
      }
    }
  });
});

describe('rmseOf', () => {
  it('pools folds, and is NaN for a kind without observations', () => {
    const errors = [
      { squared: { energy: 3, forces: 1, virial: 0 }, absoluteEnergy: 0 },
      { squared: { energy: 5, forces: 3, virial: 0 }, absoluteEnergy: 0 },
    ];
    expect(rmseOf(errors, { energy: 2, forces: 4, virial: 0 })).toEqual({ energy: 2, forces: 1, virial: Number.NaN });
  });
});
