import { cholesky } from '../../src/core/numerics/cholesky.ts';
import { dot, gram, transposedMatVec } from '../../src/core/numerics/dense.ts';
import { solveUpper, solveUpperTransposed } from '../../src/core/numerics/triangular.ts';
import { RandomStream } from '../../src/core/random.ts';
import type { PosteriorState } from '../../src/core/regression/regression.ts';
import type { WhitenedCluster } from '../../src/core/uncertainty/estimators.ts';

/** Rows and labels of one made-up structure, in units of the noise. */
export interface LabelledCluster {
  readonly rows: Float64Array;
  readonly labels: Float64Array;
  readonly count: number;
}

/** What the labels of made-up rows are but for noise: a line, and a wave that no line describes. */
export function misfitLabel(row: Float64Array): number {
  let sum = 1.5 * row[1]! * Math.sin(3 * row[0]!);
  for (let v = 0; v < row.length; v++) sum += Math.cos(v + 1) * row[v]!;
  return sum;
}

/** Structures of differing spread whose labels a linear model cannot describe. */
export function misfitClusters(structures: number, rowsEach: number, d: number, seed = 5): LabelledCluster[] {
  const stream = new RandomStream(seed, 'misfit', structures, rowsEach, d);
  return Array.from({ length: structures }, () => {
    const spread = 0.5 + stream.uniform();
    const rows = Float64Array.from({ length: rowsEach * d }, () => spread * stream.normal());
    const labels = Float64Array.from(
      { length: rowsEach },
      (_, i) => misfitLabel(rows.subarray(i * d, (i + 1) * d)) + 0.1 * stream.normal(),
    );
    return { rows, labels, count: rowsEach };
  });
}

/** Posterior of unit noise and prior precision `alpha` of every weight, by normal equations. */
export function ridge(clusters: readonly LabelledCluster[], d: number, alpha: number): PosteriorState {
  const precision = new Float64Array(d * d);
  const moment = new Float64Array(d);
  for (let v = 0; v < d; v++) precision[v * d + v] = alpha;
  for (const { rows, labels, count } of clusters) {
    gram(rows, count, d).forEach((value, k) => {
      precision[k]! += value;
    });
    transposedMatVec(rows, labels, count, d).forEach((value, v) => {
      moment[v]! += value;
    });
  }
  const r = cholesky(precision, d);
  const mean = solveUpper(r, d, solveUpperTransposed(r, d, moment));
  return { mean, r, hyperparameters: { alpha, noise: { energy: 1, forces: 1, virial: 1 } } };
}

/** The clusters as a posterior sees them. */
export function whitenedClusters(clusters: readonly LabelledCluster[], posterior: PosteriorState): WhitenedCluster[] {
  const d = posterior.mean.length;
  return clusters.map(({ rows, labels, count }) => ({
    rows,
    count,
    residuals: labels.map((label, i) => label - dot(rows, posterior.mean, d, i * d, 0)),
  }));
}
