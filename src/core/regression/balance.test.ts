import { describe, expect, it } from 'vitest';
import { dot } from '../numerics/dense.ts';
import { RandomStream } from '../random.ts';
import { crossValidateBalance } from './balance.ts';
import { createFactor } from './factor.ts';
import { fitPosterior, posteriorMeans } from './posterior.ts';
import { isotropicPrior } from './prior.ts';
import type { FactorState, PerKind } from './regression.ts';

const D = 8;
const FOLDS = 4;

interface Rows {
  readonly rows: Float64Array;
  readonly targets: Float64Array;
  readonly m: number;
}

/** Energies and forces of a truth that D columns cannot represent: the two kinds then want different weights. */
function misspecified(virials = true) {
  const stream = new RandomStream(21, 'balance-test');
  const truth = Float64Array.from({ length: D }, () => stream.normal());
  const other = Float64Array.from({ length: D }, (_, j) => truth[j]! + 0.3 * stream.normal());
  const make = (m: number, weights: Float64Array, sigma: number): Rows => {
    const rows = Float64Array.from({ length: m * D }, () => stream.normal());
    return {
      rows,
      targets: Float64Array.from({ length: m }, (_, i) => dot(rows, weights, D, i * D, 0) + sigma * stream.normal()),
      m,
    };
  };
  return Array.from({ length: FOLDS }, () => ({
    energy: make(10, other, 0.02),
    forces: make(60, truth, 0.2),
    virial: make(virials ? 12 : 0, truth, 0.5),
  }));
}

function factorOf(parts: readonly Rows[]): FactorState {
  const factor = createFactor(D);
  for (const { rows, targets, m } of parts) factor.append(rows, targets, m);
  return factor.state();
}

const factorsOf = (parts: readonly PerKind<Rows>[]): PerKind<FactorState> => ({
  energy: factorOf(parts.map((part) => part.energy)),
  forces: factorOf(parts.map((part) => part.forces)),
  virial: factorOf(parts.map((part) => part.virial)),
});

describe('crossValidateBalance', () => {
  const data = misspecified();
  const folds = data.map((part) => factorsOf([part]));
  const prior = isotropicPrior(new Float64Array(D).fill(1));
  const curve = crossValidateBalance(folds, prior, { ratios: [3, 1, 0.3, 0.1] });

  it('gives the errors that a fit to the other folds makes on the left-out rows', () => {
    for (const point of curve.points) {
      const squared = { energy: 0, forces: 0, virial: 0 };
      const count = { energy: 0, forces: 0, virial: 0 };
      data.forEach((part, k) => {
        const state = fitPosterior(factorsOf(data.filter((_, other) => other !== k)), prior, point.hyperparameters);
        for (const kind of ['energy', 'forces', 'virial'] as const) {
          const { rows, targets, m } = part[kind];
          posteriorMeans(state, rows, m).forEach((value, i) => {
            squared[kind] += (targets[i]! - value) * (targets[i]! - value);
          });
          count[kind] += m;
        }
      });
      for (const kind of ['energy', 'forces', 'virial'] as const) {
        expect(point.rmse[kind]).toAgree(Math.sqrt(squared[kind] / count[kind]), {
          rtol: 1e-10,
          why: 'the same residuals row by row',
        });
      }
      expect(point.converged).toBe(true);
      expect(point.hyperparameters.noise.energy / point.hyperparameters.noise.forces).toAgree(point.energyToForce, {
        rtol: 1e-12,
        why: 'tied',
      });
    }
  });

  it('trades forces for energies along the curve and takes an inner point without tolerances', () => {
    const energies = curve.points.map((point) => point.rmse.energy);
    const forces = curve.points.map((point) => point.rmse.forces);
    expect(energies).toEqual([...energies].sort((a, b) => b - a));
    expect(forces).toEqual([...forces].sort((a, b) => a - b));
    expect(curve.rule).toBe('knee');
    expect([1, 2]).toContain(curve.best);
  });

  it('follows the tolerances when there are any', () => {
    const ratios = [3, 1, 0.3, 0.1];
    const forEnergies = crossValidateBalance(folds, prior, { ratios, tolerances: { energy: 1e-3 } });
    const forForces = crossValidateBalance(folds, prior, { ratios, tolerances: { energy: 1e3, forces: 1e-3 } });
    expect([forEnergies.rule, forEnergies.best]).toEqual(['tolerance', 3]);
    expect(forForces.best).toBe(0);
  });

  it('works without virials and refuses what cannot be balanced', () => {
    const bare = misspecified(false).map((part) => factorsOf([part]));
    const { points } = crossValidateBalance(bare, prior, { ratios: [0.1] });
    expect(points[0]!.rmse.virial).toBeNaN();
    expect(() => crossValidateBalance(folds.slice(0, 1), prior)).toThrow('folds must be at least 2');
    expect(() => crossValidateBalance(folds, prior, { tolerances: { energy: 0 } })).toThrow(
      'tolerance of energy must be positive',
    );
    expect(() =>
      crossValidateBalance(
        bare.map((fold) => ({ ...fold, forces: fold.virial })),
        prior,
      ),
    ).toThrow('must both be there');
  });
});
