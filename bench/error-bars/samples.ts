import { averagedOverOwners, ownersWithin, residualsOf } from '../../src/core/backtest/errors.ts';
import type { PoolRows } from '../../src/core/backtest/pool-rows.ts';
import { rowCount, rowsOf, targetsOf } from '../../src/core/backtest/pool-rows.ts';
import { EvidenceRidge, type RidgeFit } from '../../src/core/backtest/ridge.ts';
import { dot } from '../../src/core/numerics/dense.ts';
import type { LinearKernels } from '../../src/core/numerics/kernels.ts';
import { solveUpper, solveUpperTransposed } from '../../src/core/numerics/triangular.ts';
import { RandomStream } from '../../src/core/random.ts';
import {
  deleteCluster,
  type Estimators,
  estimatorsOf,
  formsOf,
  leftOutFormVariances,
  type WhitenedCluster,
} from '../../src/core/uncertainty/estimators.ts';
import { stackForms, VARIANCE_FORMS } from '../../src/core/uncertainty/variance-forms.ts';

/** What a variance may be made from: forms of the covariance of the weights, a committee, the novelty of the atom. */
export const SOURCES = [...VARIANCE_FORMS, 'bootstrap', 'novelty'] as const;
/** Name of such a source. */
export type Source = (typeof SOURCES)[number];

/** Residuals of one kind, in units of the noise of the fit, with raw variances by source in its square; forces by component. */
export interface KindSample {
  readonly residuals: number[];
  readonly structures: number[];
  /** Atom within its structure; −1 for energies. */
  readonly atoms: number[];
  /** What turns a residual into eV/atom or eV/Å. */
  readonly units: number[];
  /** Class of the atom's environment; that of most atoms for energies. */
  readonly classes: number[];
  readonly sources: Record<Source, number[]>;
}

/** Energies and forces of some structures. */
export interface Sample {
  readonly energy: KindSample;
  readonly forces: KindSample;
}

const emptyKind = (): KindSample => ({
  residuals: [],
  structures: [],
  atoms: [],
  units: [],
  classes: [],
  sources: { posterior: [], jackknife: [], pops: [], bootstrap: [], novelty: [] },
});

/** Members of the committee, and how each drew its structures. */
const MEMBERS = 10;

/** A model with all that estimators need, and its own training structures without themselves. */
export interface JudgedFit {
  readonly fit: RidgeFit;
  readonly calibration: Sample;
  /** Seconds of the fit, and of all that error bars need beside it. */
  readonly seconds: { readonly fit: number; readonly errorBars: number };
  predict(frames: readonly number[], novelty: readonly (Float64Array | null)[]): Sample;
}

/** [members] weights of refits to structures drawn with replacement, and [members][frames] how often each was drawn. */
function bootstrap(pool: PoolRows, train: readonly number[], fit: RidgeFit, seed: number, kernels: LinearKernels) {
  const d = pool.columns;
  const counts = Array.from({ length: MEMBERS }, (_, b) => {
    const random = new RandomStream(seed, 'bootstrap', b);
    const drawn = new Int32Array(train.length);
    for (let k = 0; k < train.length; k++) drawn[random.integer(train.length)]!++;
    return drawn;
  });
  const grams = counts.map(() => new Float64Array(d * d));
  const crosses = counts.map(() => new Float64Array(d));
  for (const [k, f] of train.entries()) {
    const m = rowCount(pool, f);
    if (m === 0) continue;
    const rows = rowsOf(pool, f);
    const targets = targetsOf(pool, f);
    const gram = kernels.gram(rows, m, d);
    const cross = new Float64Array(d);
    for (let i = 0; i < m; i++) for (let v = 0; v < d; v++) cross[v]! += rows[i * d + v]! * targets[i]!;
    for (const [b, drawn] of counts.entries()) {
      const n = drawn[k]!;
      if (n === 0) continue;
      const own = grams[b]!;
      for (let at = 0; at < own.length; at++) own[at]! += n * gram[at]!;
      for (let v = 0; v < d; v++) crosses[b]![v]! += n * cross[v]!;
    }
  }
  const members = grams.map((gram, b) => {
    for (let v = 0; v < d; v++) gram[v * d + v]! += v < pool.governed ? fit.strength : 1e-4;
    const r = kernels.cholesky(gram, d);
    return solveUpper(r, d, solveUpperTransposed(r, d, crosses[b]!));
  });
  return { members, counts };
}

/** Variance over some members of x·w_b for each row, in units of the noise; NaN below two members. */
function spread(rows: Float64Array, m: number, d: number, members: readonly Float64Array[], noise: number) {
  const out = new Float64Array(m).fill(Number.NaN);
  if (members.length < 2) return out;
  for (let i = 0; i < m; i++) {
    const values = members.map((weights) => dot(rows, weights, d, i * d, 0) / noise);
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    out[i] = values.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / (values.length - 1);
  }
  return out;
}

/**
 * Fits the ridge of a back-test to some frames and makes everything that error bars are made from.
 *
 * @param classesOf [frames] class of the environment of each atom
 * @param noveltyOf [frames] squared novelty of each atom without the frame's own fold; null where it is not judged
 */
export function judgedFit(
  pool: PoolRows,
  train: readonly number[],
  seed: number,
  kernels: LinearKernels,
  noveltyOf: readonly (Float64Array | null)[],
  classesOf: readonly Int32Array[],
): JudgedFit {
  const d = pool.columns;
  const start = performance.now();
  const ridge = new EvidenceRidge(d, pool.governed, kernels);
  for (const f of train) ridge.add(rowsOf(pool, f), targetsOf(pool, f), rowCount(pool, f));
  const fit = ridge.fit();
  const fitted = performance.now();
  const posterior = {
    mean: fit.weights,
    r: fit.r,
    hyperparameters: { alpha: fit.strength, noise: { energy: 1, forces: 1, virial: 1 } },
  };
  const clusterOf = (f: number): WhitenedCluster => ({
    rows: rowsOf(pool, f),
    residuals: residualsOf(pool, f, fit.weights).map((e) => e / fit.noise),
    count: rowCount(pool, f),
  });
  const used = train.filter((f) => rowCount(pool, f) > 0);
  const clusters = {
    *[Symbol.iterator]() {
      for (const f of used) yield clusterOf(f);
    },
  };
  const estimators: Estimators = estimatorsOf(posterior, clusters, kernels);
  const forms = formsOf(estimators, kernels);
  const committee = bootstrap(pool, train, fit, seed, kernels);
  const whitener = kernels.whitener(fit.r, d);

  const add = (
    sample: Sample,
    f: number,
    residuals: ArrayLike<number>,
    variances: Readonly<Record<Exclude<Source, 'novelty'>, Float64Array>>,
    novelty: Float64Array | null,
  ): void => {
    const energies = pool.energies[f]!;
    const end = energies + pool.forces[f]!;
    const owners = ownersWithin(pool, f, 0, end);
    const averaged = Object.fromEntries(
      Object.entries(variances).map(([name, values]) => [name, averagedOverOwners(values.subarray(0, end), owners)]),
    ) as Record<Exclude<Source, 'novelty'>, Float64Array>;
    const meanNovelty =
      novelty === null || novelty.length === 0
        ? Number.NaN
        : novelty.reduce((sum, value) => sum + value, 0) / novelty.length;
    for (let i = 0; i < end; i++) {
      const kind = i < energies ? sample.energy : sample.forces;
      kind.residuals.push(residuals[i]!);
      kind.structures.push(f);
      kind.atoms.push(owners[i]!);
      kind.classes.push(i < energies ? 0 : classesOf[f]![owners[i]!]!);
      kind.units.push(fit.noise * (i < energies ? pool.energyUnit[f]! : pool.forceUnit[f]!));
      for (const name of [...VARIANCE_FORMS, 'bootstrap'] as const) kind.sources[name].push(averaged[name]![i]!);
      kind.sources.novelty.push(i < energies ? meanNovelty : (novelty?.[owners[i]!] ?? Number.NaN));
    }
  };

  const calibration: Sample = { energy: emptyKind(), forces: emptyKind() };
  for (const [k, f] of train.entries()) {
    const m = rowCount(pool, f);
    if (m === 0) continue;
    const deleted = deleteCluster(posterior, clusterOf(f), estimators.threshold, kernels, whitener);
    const { residuals, ...variances } = leftOutFormVariances(estimators.moments, deleted, kernels);
    const others = committee.members.filter((_, b) => committee.counts[b]![k] === 0);
    const drawn = spread(rowsOf(pool, f), m, d, others, fit.noise);
    add(calibration, f, residuals, { ...variances, bootstrap: drawn }, noveltyOf[f]!);
  }
  whitener.dispose();
  const done = performance.now();
  return {
    fit,
    calibration,
    seconds: { fit: (fitted - start) / 1000, errorBars: (done - fitted) / 1000 },
    predict(frames, novelty) {
      const sample: Sample = { energy: emptyKind(), forces: emptyKind() };
      const own = kernels.whitener(fit.r, d);
      const stacked = stackForms(
        VARIANCE_FORMS.map((name) => forms[name]),
        d,
        (rows, m) => own.whiten(rows, m),
        (a, b, m, k, n) => kernels.multiply(a, b, m, k, n),
      );
      for (const f of frames) {
        const m = rowCount(pool, f);
        if (m === 0) continue;
        const rows = rowsOf(pool, f);
        const [posterior, jackknife, pops] = stacked.variances(rows, m) as [Float64Array, Float64Array, Float64Array];
        const variances = {
          ...{ posterior, jackknife, pops },
          bootstrap: spread(rows, m, d, committee.members, fit.noise),
        };
        const residuals = residualsOf(pool, f, fit.weights).map((e) => e / fit.noise);
        add(sample, f, residuals, variances, novelty[f]!);
      }
      own.dispose();
      return sample;
    },
  };
}
