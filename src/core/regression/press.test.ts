import { describe, expect, it } from 'vitest';
import { NumericalError } from '../errors.ts';
import { dot } from '../numerics/dense.ts';
import { RandomStream } from '../random.ts';
import { createFactor, emptyFactor } from './factor.ts';
import { fitPosterior, posteriorMeans, posteriorVariances } from './posterior.ts';
import { leaveOneOut, whiten } from './press.ts';
import { isotropicPrior } from './prior.ts';
import type { FactorState, PerKind } from './regression.ts';

const REFIT = { rtol: 1e-8, atol: 1e-10, why: 'brute-force refit at the same hyperparameters' };

/** Structures of 1 energy row, `forces` force rows and 6 virial rows in d columns with a nonlinear truth. */
function dataset(structures: number, forces: number, d: number) {
  const stream = new RandomStream(11, 'press-test', structures, forces, d);
  const truth = Float64Array.from({ length: d }, () => stream.normal());
  const kinds = [1, forces, 6];
  return Array.from({ length: structures }, () =>
    kinds.map((m) => {
      const rows = Float64Array.from({ length: m * d }, () => stream.normal());
      const targets = Float64Array.from(
        { length: m },
        (_, i) => dot(rows, truth, d, i * d, 0) + Math.sin(3 * rows[i * d]!) + 0.1 * stream.normal(),
      );
      return { rows, targets, m };
    }),
  );
}

const sigma = { energy: 0.02, forces: 0.3, virial: 0.5 };

function factors(data: ReturnType<typeof dataset>, d: number, without = -1): PerKind<FactorState> {
  const made = [0, 1, 2].map((kind) => {
    const factor = createFactor(d);
    data.forEach((blocks, s) => {
      if (s !== without) factor.append(blocks[kind]!.rows, blocks[kind]!.targets, blocks[kind]!.m);
    });
    return factor.state();
  });
  return { energy: made[0]!, forces: made[1]!, virial: made[2]! };
}

describe('leaveOneOut', () => {
  it.each([
    { structures: 12, forces: 9, d: 25, form: 'm × m' },
    { structures: 5, forces: 30, d: 18, form: 'd × d' },
    { structures: 4, forces: 6, d: 30, form: 'm × m, barely determined' },
  ])('equals brute-force refits ($form)', ({ structures, forces, d }) => {
    const data = dataset(structures, forces, d);
    const hyperparameters = { alpha: 0.5, noise: sigma };
    const prior = isotropicPrior(new Float64Array(d).fill(1));
    const state = fitPosterior(factors(data, d), prior, hyperparameters);
    const m = 7 + forces;
    for (let s = 0; s < structures; s++) {
      const rows = Float64Array.from(data[s]!.flatMap((block) => [...block.rows]));
      const targets = Float64Array.from(data[s]!.flatMap((block) => [...block.targets]));
      const sigmas = Float64Array.from([
        sigma.energy,
        ...new Array<number>(forces).fill(sigma.forces),
        ...new Array<number>(6).fill(sigma.virial),
      ]);
      const fitted = posteriorMeans(state, rows, m);
      const white = whiten(
        rows,
        targets.map((y, i) => y - fitted[i]!),
        sigmas,
        d,
      );
      const loo = leaveOneOut(state, white.rows, white.residuals, m);

      const refit = fitPosterior(factors(data, d, s), prior, hyperparameters);
      const predicted = posteriorMeans(refit, rows, m);
      const variances = posteriorVariances(refit, rows, m);
      expect(loo.residuals).toAgree(
        targets.map((y, i) => (y - predicted[i]!) / sigmas[i]!),
        REFIT,
      );
      expect(loo.variances).toAgree(
        variances.map((v, i) => v / (sigmas[i]! * sigmas[i]!)),
        REFIT,
      );
      expect(loo.leverages).toAgree(posteriorVariances(state, white.rows, m), { rtol: 1e-12, why: 'definition' });
    }
  });

  it('keeps the digits of tiny leverages', () => {
    const d = 2;
    const factor = createFactor(d);
    factor.append(Float64Array.of(1e5, 0, 0, 1e5), Float64Array.of(0, 0), 2);
    const all = { energy: emptyFactor(d), forces: factor.state(), virial: emptyFactor(d) };
    const state = fitPosterior(all, isotropicPrior([1, 1]), { alpha: 1, noise: { energy: 1, forces: 1, virial: 1 } });
    const loo = leaveOneOut(state, Float64Array.of(1e-3, 0), Float64Array.of(1), 1);
    const h = 1e-6 / (1e10 + 1);
    expect(loo.variances[0]).toAgree(h / (1 - h), { rtol: 1e-12, why: 'h/(1−h) with h = 1e-16, lost in 1/(1−h) − 1' });
  });

  it('says so when the other structures leave a direction open', () => {
    const factor = createFactor(1);
    factor.append(Float64Array.of(1e9), Float64Array.of(1), 1);
    const all = { energy: emptyFactor(1), forces: factor.state(), virial: emptyFactor(1) };
    const state = fitPosterior(all, isotropicPrior([1]), { alpha: 1e-3, noise: { energy: 1, forces: 1, virial: 1 } });
    expect(() => leaveOneOut(state, Float64Array.of(1e9), Float64Array.of(0), 1)).toThrow(NumericalError);
    expect(() => whiten(Float64Array.of(1), Float64Array.of(1), Float64Array.of(0), 1)).toThrow(
      'noise must be finite and positive',
    );
  });
});
