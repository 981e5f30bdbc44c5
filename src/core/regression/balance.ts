import { InputError } from '../errors.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import type { Elimination } from '../numerics/qr.ts';
import { emptyFactor, mergeFactors, mergeTwoFactors, squaredResidual } from './factor.ts';
import { type EvidenceOptions, maximizeEvidence } from './maximize-evidence.ts';
import { fitPosterior } from './posterior.ts';
import {
  type FactorState,
  type Hyperparameters,
  OBSERVATION_KINDS,
  type ObservationKind,
  type PerKind,
  type Prior,
} from './regression.ts';

/** Ratios σ_E/σ_F that are tried by default, Å. */
export const BALANCE_RATIOS: readonly number[] = [0.2, 0.1, 0.05, 0.025, 0.0125];

/** One ratio and what the left-out folds say of it. */
export interface BalancePoint {
  /** σ_E/σ_F, Å. */
  readonly energyToForce: number;
  /** Optimum of the evidence of all data at this ratio. */
  readonly hyperparameters: Hyperparameters;
  readonly logEvidence: number;
  readonly converged: boolean;
  /** Root mean square error of the scaled rows of left-out folds: eV over s_E, eV/Å, eV over s_V; NaN without rows. */
  readonly rmse: PerKind<number>;
}

/** The curve of a balance search and the point to take. */
export interface BalanceCurve {
  /** In the order of the ratios that were asked for. */
  readonly points: readonly BalancePoint[];
  /** Index of the point to take. */
  readonly best: number;
  /** `tolerance`: least worst error over its tolerance; `knee`: on the front of energy and force errors. */
  readonly rule: 'tolerance' | 'knee';
}

/** Options of `crossValidateBalance`. */
export interface BalanceOptions {
  /** Default `BALANCE_RATIOS`. */
  readonly ratios?: readonly number[];
  /** Errors that would be good enough, in the units of `rmse`; kinds left out do not count. Without any: the knee. */
  readonly tolerances?: Partial<PerKind<number>>;
  /** Passed to `maximizeEvidence`; the balance is set here. */
  readonly evidence?: Omit<EvidenceOptions, 'balance'>;
}

/** For every fold the factor of all the others, by running merges from both ends: 3K merges instead of K². */
function complements(folds: readonly FactorState[], eliminate: Elimination | undefined): FactorState[] {
  const d = folds[0]!.columns;
  const after: FactorState[] = new Array<FactorState>(folds.length);
  let tail = emptyFactor(d);
  for (let k = folds.length - 1; k >= 0; k--) {
    after[k] = tail;
    if (k > 0) tail = mergeTwoFactors(tail, folds[k]!, eliminate);
  }
  let head = emptyFactor(d);
  return folds.map((fold, k) => {
    const rest = k === 0 ? after[0]! : mergeTwoFactors(head, after[k]!, eliminate);
    head = k === 0 ? fold : mergeTwoFactors(head, fold, eliminate);
    return rest;
  });
}

const perKind = <T>(make: (kind: ObservationKind) => T): PerKind<T> => ({
  energy: make('energy'),
  forces: make('forces'),
  virial: make('virial'),
});

/** Index of the non-dominated point whose worse error is least, the logarithmic ranges of the front scaled to 1. */
function kneeOf(points: readonly BalancePoint[]): number {
  const energy = points.map((point) => Math.log(point.rmse.energy));
  const forces = points.map((point) => Math.log(point.rmse.forces));
  const front = points.flatMap((_, i) =>
    points.some(
      (_, j) =>
        energy[j]! <= energy[i]! && forces[j]! <= forces[i]! && (energy[j]! < energy[i]! || forces[j]! < forces[i]!),
    )
      ? []
      : [i],
  );
  const scaled = (values: readonly number[]) => {
    const on = front.map((i) => values[i]!);
    const least = Math.min(...on);
    const range = Math.max(...on) - least;
    return (i: number) => (range > 0 ? (values[i]! - least) / range : 0);
  };
  const x = scaled(energy);
  const y = scaled(forces);
  let best = front[0]!;
  for (const i of front) if (Math.max(x(i), y(i)) < Math.max(x(best), y(best))) best = i;
  return best;
}

/** Index of the point whose worst error over its tolerance is least. */
function withinTolerances(points: readonly BalancePoint[], tolerances: Partial<PerKind<number>>): number {
  const worst = points.map((point) =>
    OBSERVATION_KINDS.reduce((most, kind) => {
      const tolerance = tolerances[kind];
      return tolerance === undefined || Number.isNaN(point.rmse[kind])
        ? most
        : Math.max(most, point.rmse[kind] / tolerance);
    }, 0),
  );
  return worst.indexOf(Math.min(...worst));
}

/**
 * Chooses the ratio of energy to force noise by K-fold cross-validation from the factors of the folds: no pass over
 * the data. For each ratio α, σ_F and σ_V are those of largest evidence of all data; each fold is then predicted by
 * the fit to the others, and its errors follow from its own factor, ‖R m − z‖² + residual. Folds must be grouped by
 * parent structure or trajectory, otherwise relatives of a test frame are in its training set.
 *
 * @param folds    at least two, one factor per kind each
 * @param kernels  default plain
 * @throws         InputError `BAD_FOLDS`, `BAD_BALANCE`, and those of `maximizeEvidence`
 * @cost           per ratio one optimum of the evidence and K fits of 2d³ flops
 */
export function crossValidateBalance(
  folds: readonly PerKind<FactorState>[],
  prior: Prior,
  options: BalanceOptions = {},
  kernels?: LinearKernels,
): BalanceCurve {
  const { ratios = BALANCE_RATIOS, tolerances } = options;
  if (folds.length < 2)
    throw new InputError('BAD_FOLDS', `folds must be at least 2, got ${folds.length}`, { folds: folds.length });
  if (ratios.length === 0) throw new InputError('BAD_BALANCE', 'ratios must be at least one, got none');
  for (const [kind, tolerance] of Object.entries(tolerances ?? {})) {
    if (!(tolerance > 0))
      throw new InputError('BAD_BALANCE', `tolerance of ${kind} must be positive, got ${tolerance}`, {
        kind,
        tolerance,
      });
  }
  const all = perKind((kind) =>
    mergeFactors(
      folds.map((fold) => fold[kind]),
      kernels?.eliminate,
    ),
  );
  if (all.energy.count === 0 || all.forces.count === 0) {
    throw new InputError(
      'BAD_BALANCE',
      `energies and forces must both be there to be balanced, got ${all.energy.count} and ${all.forces.count} rows`,
      {
        energy: all.energy.count,
        forces: all.forces.count,
      },
    );
  }
  const rest = perKind((kind) =>
    complements(
      folds.map((fold) => fold[kind]),
      kernels?.eliminate,
    ),
  );
  let start = options.evidence?.start;
  const points = ratios.map((energyToForce): BalancePoint => {
    const optimum = maximizeEvidence(
      all,
      prior,
      { ...options.evidence, ...(start === undefined ? {} : { start }), balance: { mode: 'fixed', energyToForce } },
      kernels,
    );
    start = optimum.hyperparameters;
    const squared = { energy: 0, forces: 0, virial: 0 };
    folds.forEach((fold, k) => {
      const others = perKind((kind) => rest[kind][k]!);
      const { mean } = fitPosterior(others, prior, optimum.hyperparameters, kernels);
      for (const kind of OBSERVATION_KINDS) squared[kind] += squaredResidual(fold[kind], mean);
    });
    return {
      energyToForce,
      hyperparameters: optimum.hyperparameters,
      logEvidence: optimum.logEvidence,
      converged: optimum.converged,
      rmse: perKind((kind) => (all[kind].count > 0 ? Math.sqrt(squared[kind] / all[kind].count) : Number.NaN)),
    };
  });
  const judged = tolerances !== undefined && Object.keys(tolerances).length > 0;
  return {
    points,
    best: judged ? withinTolerances(points, tolerances) : kneeOf(points),
    rule: judged ? 'tolerance' : 'knee',
  };
}
