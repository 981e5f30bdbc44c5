import { squaredRowNorms } from '../numerics/dense.ts';
import type { LinearKernels, Whitener } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { type Deletion, deleteRows } from '../regression/deletion.ts';
import type { PosteriorState } from '../regression/regression.ts';
import { clusterShifts, jackknifeCovariance, leftOutJackknife } from './jackknife.ts';
import { addMoments, noShifts, type ShiftMoments, type Shifts, shiftMoments } from './moments.ts';
import { leftOutPops, leverageThreshold, pointwiseShifts, popsCovariance } from './pops.ts';
import { type PrincipalRoot, principalRoot, weightRoot } from './principal-root.ts';
import type { PosteriorForm, RootForm, VarianceFormName } from './variance-forms.ts';

/** Rows that leave a fit together: a structure, or the frames of one trajectory. In units of their noise σ·s. */
export interface WhitenedCluster {
  /** [count, d] row-major. */
  readonly rows: Float64Array;
  /** [count] label − prediction of the full fit. */
  readonly residuals: Float64Array;
  readonly count: number;
  /** [count] block of each row where the jackknife is to leave out parts of a large cell; the whole when absent. */
  readonly blocks?: ArrayLike<number>;
}

/** Sums from which the covariances of the forms follow; sums of parts add up. */
export interface FormMoments {
  readonly jackknife: ShiftMoments;
  readonly pops: ShiftMoments;
}

/** The sums of no clusters. */
export function noFormMoments(columns: number): FormMoments {
  return { jackknife: noShifts(columns), pops: noShifts(columns) };
}

/** Sums of two parts together. */
export function addFormMoments(a: FormMoments, b: FormMoments): FormMoments {
  return { jackknife: addMoments(a.jackknife, b.jackknife), pops: addMoments(a.pops, b.pops) };
}

/** A cluster in the coordinates of a posterior, and the fit without it. */
export interface DeletedCluster {
  readonly count: number;
  readonly deletion: Deletion;
  /** What leaving out each of its blocks does to the weights. */
  readonly jackknife: Shifts;
  /** What fitting each of its rows exactly does. */
  readonly pops: Shifts;
}

/** What a cluster adds to the sums. @cost d² flops a shift */
export function momentsOf(
  { jackknife, pops, deletion }: DeletedCluster,
  kernels: LinearKernels = plainKernels,
): FormMoments {
  const d = deletion.shift.length;
  return {
    jackknife: shiftMoments(jackknife.shifts, jackknife.count, d, kernels),
    pops: shiftMoments(pops.shifts, pops.count, d, kernels),
  };
}

/**
 * Leaves a cluster out of a posterior whose coordinates its rows are in.
 *
 * @param u         [count, d] X R⁻¹
 * @param threshold least leverage of the rows that POPS takes, as of `leverageThreshold`; +∞ for none
 * @throws          NumericalError `LEVERAGE_TOO_HIGH`
 */
export function deleteFromCoordinates(
  u: Float64Array,
  { residuals, count, blocks }: Omit<WhitenedCluster, 'rows'>,
  d: number,
  threshold: number,
  kernels: LinearKernels = plainKernels,
): DeletedCluster {
  const deletion = deleteRows(u, residuals, count, d, kernels);
  const whole = { count: count === 0 ? 0 : 1, shifts: deletion.shift };
  return {
    count,
    deletion,
    jackknife: blocks === undefined ? whole : clusterShifts(u, residuals, count, d, blocks, kernels),
    pops: pointwiseShifts(u, residuals, deletion.leverages, d, threshold),
  };
}

/**
 * Leaves a cluster out of a posterior.
 *
 * @param threshold as of `deleteFromCoordinates`
 * @param whitener  the factor of the posterior, ready to whiten; made anew when not given
 * @throws          NumericalError `LEVERAGE_TOO_HIGH`
 */
export function deleteCluster(
  posterior: PosteriorState,
  cluster: WhitenedCluster,
  threshold: number,
  kernels: LinearKernels = plainKernels,
  whitener?: Whitener,
): DeletedCluster {
  const d = posterior.mean.length;
  const { rows, count } = cluster;
  const u = whitener?.whiten(rows, count) ?? kernels.whitenRows(posterior.r, d, rows, count);
  return deleteFromCoordinates(u, cluster, d, threshold, kernels);
}

/** The covariances of the weights that a training set implies, as sums. */
export interface Estimators {
  readonly posterior: PosteriorState;
  /** Rows with more leverage are those that POPS takes. */
  readonly threshold: number;
  readonly moments: FormMoments;
  /** Number of clusters. */
  readonly clusters: number;
}

/**
 * Estimators of the covariance of the weights from all clusters of a training set, streamed: the sums take 2 d² numbers.
 *
 * @param clusters gone through twice: for the median leverage, and for the sums
 * @throws         NumericalError `LEVERAGE_TOO_HIGH`
 */
export function estimatorsOf(
  posterior: PosteriorState,
  clusters: Iterable<WhitenedCluster>,
  kernels: LinearKernels = plainKernels,
): Estimators {
  const d = posterior.mean.length;
  const whitener = kernels.whitener(posterior.r, d);
  try {
    const leverages: Float64Array[] = [];
    for (const { rows, count } of clusters) {
      const u = whitener.whiten(rows, count);
      leverages.push(squaredRowNorms(u, count, d));
    }
    const threshold = leverages.length === 0 ? Number.POSITIVE_INFINITY : leverageThreshold(leverages);
    let moments = noFormMoments(d);
    let count = 0;
    for (const cluster of clusters) {
      const deleted = deleteCluster(posterior, cluster, threshold, kernels, whitener);
      moments = addFormMoments(moments, momentsOf(deleted, kernels));
      count++;
    }
    return { posterior, threshold, moments, clusters: count };
  } finally {
    whitener.dispose();
  }
}

/** Principal roots of the covariances of the forms in the coordinates of the posterior. */
export interface FormRoots {
  readonly jackknife: PrincipalRoot;
  readonly pops: PrincipalRoot;
}

/** Principal roots of both covariances. @cost d rank² + 10 rank³ flops each */
export function formRoots(moments: FormMoments, kernels: LinearKernels = plainKernels): FormRoots {
  const d = moments.jackknife.columns;
  return {
    jackknife: principalRoot(jackknifeCovariance(moments.jackknife), d, undefined, kernels),
    pops: principalRoot(popsCovariance(moments.pops), d, undefined, kernels),
  };
}

/** The forms of some estimators, each as a root that is ready to predict with. @cost as `formRoots`, and d² rank flops each */
export function formsOf(
  { posterior, moments }: Pick<Estimators, 'posterior' | 'moments'>,
  kernels: LinearKernels = plainKernels,
  roots: FormRoots = formRoots(moments, kernels),
): { readonly posterior: PosteriorForm; readonly jackknife: RootForm; readonly pops: RootForm } {
  const d = posterior.mean.length;
  const inWeights = ({ rows, rank }: PrincipalRoot) => ({ root: weightRoot(posterior.r, d, rows, rank), rank });
  return {
    posterior: { name: 'posterior', r: posterior.r },
    jackknife: { name: 'jackknife', ...inWeights(roots.jackknife) },
    pops: { name: 'pops', ...inWeights(roots.pops) },
  };
}

/** What the fit to all other clusters says of a cluster, in units of the noise. */
export interface LeftOutForms extends Readonly<Record<VarianceFormName, Float64Array>> {
  /** [m] label − prediction without the cluster. */
  readonly residuals: Float64Array;
}

/**
 * Residuals of a cluster without itself and the variances that each form gives them: the posterior's exactly; jackknife and
 * POPS with the covariance of the fit without the cluster and without the cluster's own shifts, those of others kept.
 *
 * @param moments of all clusters, this one among them
 * @cost          4 m d² flops beside `deleteCluster`
 */
export function leftOutFormVariances(
  moments: FormMoments,
  { deletion, count, ...own }: DeletedCluster,
  kernels: LinearKernels = plainKernels,
): LeftOutForms {
  const { rows, residuals, variances } = deletion;
  return {
    residuals,
    posterior: variances,
    jackknife: leftOutJackknife(moments.jackknife, own.jackknife, rows, count, kernels),
    pops: leftOutPops(moments.pops, own.pops, rows, count, kernels),
  };
}
